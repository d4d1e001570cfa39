#!/usr/bin/env python3
"""Times of the same training steps in PyTorch, one thread, eager: the peer of `cargo bench -p flooding-train --bench step`.

Needs PyTorch (`pip install torch`), which nothing else in this project does. Usage: bench_pytorch.py [FILTER]
Prints minimum and median milliseconds; run it beside the Rust benchmark, on the same quiet machine.
"""
import statistics
import sys
import time

import torch
from torch import nn


def mlp(inputs, hidden, classes, batch_norm):
    layers = []
    for units in hidden:
        layers += [nn.Linear(inputs, units), *([nn.BatchNorm1d(units)] if batch_norm else []), nn.ReLU()]
        inputs = units
    return nn.Sequential(*layers, nn.Linear(inputs, classes))


def adam(parameters, **more):
    return torch.optim.Adam(parameters, lr=1e-3, **more)


def sgd(parameters, **more):
    return torch.optim.SGD(parameters, lr=0.1, momentum=0.9, weight_decay=1e-5, **more)


SUBJECTS = [
    ("5x500, batch 100, Adam", (2, [500] * 5, 2, False), 100, adam),
    ("4x500 + BN, batch 200, Adam", (2, [500] * 4, 2, True), 200, adam),
    ("784-1000-1000-10, batch 128, SGD", (784, [1000] * 2, 10, False), 128, sgd),
]


def times(network, optimiser, batch, rounds=7, steps=15):
    inputs, classes = network[0].in_features, network[-1].out_features
    x = torch.rand(batch, inputs) - 0.5
    y = torch.arange(batch) % classes
    loss_of = nn.CrossEntropyLoss()
    found = []
    for i in range(3 + rounds * steps):
        start = time.perf_counter()
        optimiser.zero_grad()
        objective = (loss_of(network(x), y) - 0.05).abs() + 0.05
        objective.backward()
        optimiser.step()
        if i >= 3:
            found.append((time.perf_counter() - start) * 1e3)
    return found


def main():
    torch.set_num_threads(1)
    torch.manual_seed(1)
    print(f"PyTorch {torch.__version__}, one thread")
    for name, shape, batch, make in SUBJECTS:
        if len(sys.argv) > 1 and sys.argv[1] not in name:
            continue
        print(name)
        for kind, more in [("defaults", {}), ("fused optimiser", {"fused": True})]:
            network = mlp(*shape)
            found = times(network, make(network.parameters(), **more), batch)
            print(f"  {kind:<28} min {min(found):7.3f} ms   median {statistics.median(found):7.3f} ms")


if __name__ == "__main__":
    main()
