"""W9: torchvision's ResNet-50 on a GPU: steps over random images of 3 x 224 x 224, 1000 classes, SUM loss; a copy on the device.

argv: BATCH [MEMORY]   MEMORY: contiguous | channels_last
Images go from pinned memory to the device in each step, as a DataLoader's do.
A line of JSON for each time, as benches/src/bin/w9_gpu.rs writes them."""
import json
import statistics
import sys
import time

import torch
import torch.nn.functional as F
import torchvision

batch = int(sys.argv[1])
memory = sys.argv[2] if len(sys.argv) > 2 else "contiguous"
layout = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}[memory]
torch.manual_seed(0)


def timed(name, products, f, reps):
    def seconds(calls):
        start = time.perf_counter()
        for _ in range(calls):
            f()
        torch.cuda.synchronize()
        return (time.perf_counter() - start) / calls

    first = seconds(1)
    times = [seconds(3) for _ in range(reps)]
    print(json.dumps(dict(name=f"W9.{name}", peer=f"torch {memory}", version=torch.__version__, products=products,
                          median_s=round(statistics.median(times), 6), min_s=round(min(times), 6), reps=reps, first_s=round(first, 3))), flush=True)


host = torch.randn(batch, 3, 224, 224).contiguous(memory_format=layout).pin_memory()
y = torch.randint(0, 1000, (batch,)).cuda()
for products in ["f32", "tf32"]:
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = products == "tf32"
    for statistics_of in ["", ", batch statistics"]:
        net = torchvision.models.resnet50(num_classes=1000).cuda().to(memory_format=layout)
        net.train(bool(statistics_of))
        parameters = list(net.parameters())

        def step(x):
            for parameter in parameters:
                parameter.grad = None
            F.cross_entropy(net(x), y, reduction="sum").backward()
            with torch.no_grad():
                torch._foreach_add_(parameters, [parameter.grad for parameter in parameters], alpha=-1e-6)

        timed(f"plain step{statistics_of}", products, lambda: step(host.to("cuda", non_blocking=True)), 3)
a = torch.zeros(1 << 30, device="cuda")
b = torch.empty_like(a)
timed("copy of 4 GiB", "f32", lambda: b.copy_(a), 3)
