"""W8: a step of torchvision's MODEL in evaluation mode over 8 random images of 3 x 224 x 224, 10 classes, SUM loss.

argv: MODEL MEMORY   MODEL: vgg13 | resnet50 | efficientnet_b0   MEMORY: contiguous | channels_last
Uses the peers' common.py."""
import sys

import torch
import torch.nn.functional as F
import torchvision
from common import THREADS, bench, emit, torch_tag

name, memory = sys.argv[1:]
torch.set_num_threads(THREADS)
torch.manual_seed(0)
layout = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}[memory]
net = getattr(torchvision.models, name)(num_classes=10).eval().to(memory_format=layout)
x = torch.randn(8, 3, 224, 224).contiguous(memory_format=layout)
y = torch.randint(0, 10, (8,))
parameters = list(net.parameters())


def step():
    for parameter in parameters:
        parameter.grad = None
    F.cross_entropy(net(x), y, reduction="sum").backward()
    with torch.no_grad():
        torch._foreach_add_(parameters, [parameter.grad for parameter in parameters], alpha=-1e-6)


emit(f"W8.{name}", f"{torch_tag()} {memory}", torch.__version__, bench(step, 5, 1, max_s=60))
