#!/usr/bin/env python3
"""Times of ResNet-44's training step in PyTorch, eager: the peer of `cargo bench -p flooding-train --bench resnet`.

Needs PyTorch (`pip install torch`), which nothing else in this project does. Usage: bench_pytorch_resnet.py [DEVICE]
with DEVICE `cpu` (one and two threads) or `cuda`. Run it beside the Rust benchmark, on the same quiet machine.
"""
import resource
import statistics
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.pad = (outputs - inputs) // 2
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        # Option A: every second pixel, zero channels before and after.
        shortcut = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.pad, self.pad)) if self.pad else x
        return F.relu(y + shortcut)


def resnet44():
    stem = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    blocks, inputs = [], 16
    for outputs in (16, 32, 64):
        for _ in range(7):
            blocks.append(Block(inputs, outputs, 1 if inputs == outputs else 2))
            inputs = outputs
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def steps(device, batch, count):
    network = resnet44().to(device)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
    x = torch.rand(batch, 3, 32, 32, device=device)
    y = torch.arange(batch, device=device) % 10
    times = []
    for _ in range(count):
        start = time.perf_counter()
        optimiser.zero_grad()
        loss = F.cross_entropy(network(x), y)
        loss.backward()
        optimiser.step()
        loss.item()  # waits for the device
        times.append((time.perf_counter() - start) * 1e3)
    return times


def main():
    device = sys.argv[1] if len(sys.argv) > 1 else "cpu"
    print("| batch | threads | min ms | median ms | peak MiB so far |")
    print("|---|---|---|---|---|")
    for batch, count in ((32, 12), (128, 6)):
        for threads in (1, 2) if device == "cpu" else (1,):
            torch.set_num_threads(threads)
            times = steps(device, batch, count)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            print(f"| {batch} | {threads} | {min(times):.1f} | {statistics.median(times):.1f} | {peak} |")


if __name__ == "__main__":
    main()
