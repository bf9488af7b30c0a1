"""Pooling and normalisation by torch in float64, for tests/pool.rs and tests/normalize.rs.

    python images.py > images.txt

Inputs are numbers(seed, n), which the tests compute as well. A line is `name: values`, channels last.
"""

import torch
import torch.nn.functional as F


def numbers(seed, *shape):
    """x[i] = ((7919 i + 104729 seed + 13) mod 1009) / 100 - 5, channels last."""
    n = 1
    for size in shape:
        n *= size
    values = [((7919 * i + 104729 * seed + 13) % 1009) / 100 - 5 for i in range(n)]
    return torch.tensor(values, dtype=torch.float64).reshape(shape)


def planes(x):
    return x.permute(0, 3, 1, 2).contiguous()


def last(x):
    return x.permute(0, 2, 3, 1).contiguous()


def show(name, x):
    print(f"{name}: {' '.join(repr(v) for v in x.reshape(-1).tolist())}")


def pool(name, shape, apply):
    x = planes(numbers(1, *shape)).requires_grad_()
    y = apply(x)
    indices = None
    if isinstance(y, tuple):
        y, indices = y
    m, c, h, w = y.shape
    y.backward(planes(numbers(2, m, h, w, c)))
    print(f"{name}.size: {h} {w}")
    show(f"{name}.out", last(y.detach()))
    if indices is not None:
        show(f"{name}.from", last(indices))
    show(f"{name}.dx", last(x.grad))


def max_pool(name, shape, *args, **options):
    pool(name, shape, lambda x: F.max_pool2d(x, *args, return_indices=True, **options))


def average(name, shape, *args, **options):
    pool(name, shape, lambda x: F.avg_pool2d(x, *args, **options))


def adaptive(name, shape, size):
    pool(name, shape, lambda x: F.adaptive_avg_pool2d(x, size))


max_pool("max-resnet", (2, 7, 5, 3), 3, 2, 1)
max_pool("max-ceil", (2, 6, 8, 3), (2, 3), (3, 2), (1, 0), ceil_mode=True)
max_pool("max-overlap", (1, 5, 4, 2), 3, 1, 1)
average("average-inception", (2, 5, 4, 3), 3, 1, 1)
average("average-inputs", (2, 5, 4, 3), 3, 2, 1, count_include_pad=False)
average("average-ceil", (2, 6, 7, 3), 3, 2, 1, ceil_mode=True)
average("average-ceil-inputs", (2, 6, 7, 3), 3, 2, 1, ceil_mode=True, count_include_pad=False)
adaptive("adaptive", (2, 5, 7, 3), (3, 4))
adaptive("adaptive-larger", (1, 2, 3, 2), (5, 4))
adaptive("global", (2, 3, 5, 3), 1)


def norm(name, x, layer, layout, delta_seed):
    """Prints y, dx, and the gradients of scale and shift of `layer` applied to `layout(x)`."""
    back = last if layout is planes else (lambda x: x)
    with torch.no_grad():
        layer.weight.copy_(numbers(3, *layer.weight.shape))
        layer.bias.copy_(numbers(4, *layer.bias.shape))
    x = layout(x).requires_grad_()
    y = layer(x)
    y.backward(layout(numbers(delta_seed, *back(y.detach()).shape)))
    show(f"{name}.out", back(y.detach()))
    show(f"{name}.dx", back(x.grad))
    show(f"{name}.scale", layer.weight.grad)
    show(f"{name}.shift", layer.bias.grad)
    layer.zero_grad()


batch = torch.nn.BatchNorm2d(6, eps=1e-3, momentum=0.2).double()
norm("batch", numbers(1, 3, 2, 5, 6), batch, planes, 2)
show("batch.running-mean", batch.running_mean)
show("batch.running-variance", batch.running_var)
norm("batch-evaluation", numbers(5, 3, 2, 5, 6), batch.eval(), planes, 6)
norm("group", numbers(1, 3, 2, 5, 6), torch.nn.GroupNorm(3, 6, eps=1e-5).double(), planes, 2)
norm("layer", numbers(1, 3, 2, 5, 6), torch.nn.LayerNorm(6, eps=1e-6).double(), lambda x: x.clone(), 2)
