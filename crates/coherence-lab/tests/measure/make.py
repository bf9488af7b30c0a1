"""Makes `tanh.safetensors` and `expected.json`: what PyTorch says of a small network on digits.

    python make.py        # PyTorch 2.x and NumPy; writes beside itself

The network 784-8-6-10 with tanh is trained on the embedded digits, normalised as usual for MNIST, and
kept in bf16. `expected.json` has its loss, accuracy and alpha (of the network and of each tensor) over
the first 200 training digits, for every activation and two normalisations: per-example gradients of
cross-entropy by autograd, in f64, from inputs that are computed in f32 as torchvision's ToTensor and
Normalize compute them.
"""

import gzip
import json
import pathlib
import struct

import numpy
import torch

HERE = pathlib.Path(__file__).parent
DIGITS = HERE / "../../../coherence-data/digits"
WIDTHS = [784, 8, 6, 10]
NAMES = [f"fc{layer}.{kind}" for layer in (1, 2, 3) for kind in ("weight", "bias")]
ACTIVATIONS = {
    "relu": torch.nn.ReLU(),
    "leaky-relu": torch.nn.LeakyReLU(),
    "leaky-relu:0.2": torch.nn.LeakyReLU(0.2),
    "tanh": torch.nn.Tanh(),
    "sigmoid": torch.nn.Sigmoid(),
    "silu": torch.nn.SiLU(),
    "gelu": torch.nn.GELU(),
    "identity": torch.nn.Identity(),
}
NORMALIZATIONS = [None, (0.1307, 0.3081)]


def idx(name, header):
    return numpy.frombuffer(gzip.open(DIGITS / name).read()[header:], numpy.uint8)


def images(pixels, normalization):
    x = torch.from_numpy(pixels.reshape(-1, 784).copy()).to(torch.float32).div(255)
    if normalization is not None:
        mean, std = (torch.as_tensor(value, dtype=torch.float32) for value in normalization)
        x = x.sub_(mean).div_(std)
    return x


def network(activation):
    layers = []
    for inputs, outputs in zip(WIDTHS, WIDTHS[1:]):
        layers += [torch.nn.Linear(inputs, outputs), activation]
    return torch.nn.Sequential(*layers[:-1])


def trained(x, labels):
    torch.manual_seed(1)
    model = network(torch.nn.Tanh())
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(12):
        for batch in torch.randperm(len(x)).split(100):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(x[batch]), labels[batch]).backward()
            optimizer.step()
    return [parameter.detach().to(torch.bfloat16) for parameter in model.parameters()]


def save(parameters, path):
    header, data = {}, b""
    for name, parameter in zip(NAMES, parameters):
        raw = parameter.view(torch.int16).numpy().tobytes()
        offsets = [len(data), len(data) + len(raw)]
        header[name] = {"dtype": "BF16", "shape": list(parameter.shape), "data_offsets": offsets}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def measured(parameters, activation, x, labels):
    model = network(activation).to(torch.float64)
    for own, parameter in zip(model.parameters(), parameters):
        own.data = parameter.to(torch.float64)
    rows = []
    for image, label in zip(x, labels):
        loss = torch.nn.functional.cross_entropy(model(image[None].to(torch.float64)), label[None])
        rows.append(torch.autograd.grad(loss, list(model.parameters())))
    alphas = []
    sums, squares = 0.0, 0.0
    for tensors in zip(*rows):
        g = torch.stack(tensors).flatten(1)
        of_sum, of_each = g.sum(0).square().sum().item(), g.square().sum().item()
        alphas.append(of_sum / (len(g) * of_each))
        sums, squares = sums + of_sum, squares + of_each
    logits = model(x.to(torch.float64))
    return {
        "loss": torch.nn.functional.cross_entropy(logits, labels).item(),
        "accuracy": (logits.argmax(1) == labels).double().mean().item(),
        "alpha": sums / (len(rows) * squares),
        "layers": dict(zip(NAMES, alphas)),
    }


def main():
    pixels = idx("train-images-idx3-ubyte.gz", 16)
    labels = torch.from_numpy(idx("train-labels-idx1-ubyte.gz", 8).astype(numpy.int64))
    parameters = trained(images(pixels, NORMALIZATIONS[1]), labels)
    save(parameters, HERE / "tanh.safetensors")
    cases = []
    for normalization in NORMALIZATIONS:
        x = images(pixels, normalization)[:200]
        text = None if normalization is None else "/".join(map(str, normalization))
        for name, activation in ACTIVATIONS.items():
            found = measured(parameters, activation, x, labels[:200])
            cases.append({"activation": name, "normalize": text, **found})
    document = {"torch": torch.__version__, "script": "make.py", "examples": 200, "cases": cases}
    (HERE / "expected.json").write_text(json.dumps(document, indent=1) + "\n")


main()
