#!/usr/bin/env python3
"""ResNet-44 on a few thousand real CIFAR-10 images in PyTorch: the peer of

    pipeline stage train --profile full --only setting:cifar10 --train-size 5000 --epochs 12 --levels 0 --trials 3

The same network, He's initial weights, batches of 128 with the last partial one kept, SGD with learning rate 0.1 and
momentum 0.9, no weight decay, inputs scaled to [0, 1] and nothing more; a fifth of the images is held out, so 4,000 are
learned from. The draws differ (PyTorch's generator is not ours), so seeds are compared as a distribution.

Needs PyTorch, which nothing else in this project does. FOLDER holds `data_batch_1.bin` ... `test_batch.bin`:

    compare_pytorch_cifar.py FOLDER [--train-size 5000] [--epochs 12] [--seeds 0,1,2] [--blocks 7] [--threads 1]
"""
import argparse
import pathlib
import statistics
import time

import torch
from torch import nn
from torch.nn import functional as F

from pytorch_peer import cifar_resnet, measure

RECORD = 1 + 3 * 32 * 32
HELD_OUT = 0.2


def images(folder, names):
    """Inputs in [0, 1] and labels of CIFAR-10's binary files."""
    raw = b"".join((folder / name).read_bytes() for name in names)
    records = torch.frombuffer(bytearray(raw), dtype=torch.uint8).view(-1, RECORD)
    return records[:, 1:].view(-1, 3, 32, 32).float() / 255, records[:, 0].long()


def he_initialised(network):
    """He's normal weights, as in the code that the paper cites; the last bias keeps PyTorch's default."""
    for layer in network.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(layer.weight)
    return network


def train(seed, options, training, test):
    torch.manual_seed(seed)
    used = torch.randperm(len(training[1]))[: options.train_size]
    learned = used[: len(used) - round(HELD_OUT * len(used))]
    inputs, labels = training[0][learned], training[1][learned]
    network = he_initialised(cifar_resnet(options.blocks, 16, 3, 10))
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    print("| seed | epoch | batch loss | training loss | training accuracy % | test loss | test accuracy % |")
    print("|---|---|---|---|---|---|---|")
    times = []
    for epoch in range(1, options.epochs + 1):
        total = 0.0
        for batch in torch.randperm(len(labels)).split(options.batch):
            start = time.perf_counter()
            optimiser.zero_grad()
            loss = F.cross_entropy(network(inputs[batch]), labels[batch])
            loss.backward()
            optimiser.step()
            total += loss.item() * len(batch)
            if len(batch) == options.batch:
                times.append(1e3 * (time.perf_counter() - start))
        loss, accuracy = measure(network, inputs, labels)
        # Half of the test set on the way, all of it at the end: as our runs do it.
        every = 1 if epoch == options.epochs else 2
        test_loss, test_accuracy = measure(network, test[0][::every], test[1][::every])
        print(
            f"| {seed} | {epoch} | {total / len(labels):.4f} | {loss:.4f} | {100 * accuracy:.1f} "
            f"| {test_loss:.4f} | {100 * test_accuracy:.2f} |",
            flush=True,
        )
    print(
        f"\nseed {seed}, a step of {options.batch}: least {min(times):.0f} ms, median {statistics.median(times):.0f} ms, "
        f"mean {statistics.mean(times):.0f} ms\n"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--train-size", type=int, default=5000)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--seeds", type=lambda text: [int(seed) for seed in text.split(",")], default=[0, 1, 2])
    parser.add_argument("--blocks", type=int, default=7, help="of each stage: 7 is ResNet-44, 1 is ResNet-8")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    training = images(options.folder, [f"data_batch_{i}.bin" for i in range(1, 6)])
    test = images(options.folder, ["test_batch.bin"])
    print(f"PyTorch {torch.__version__}, {options.threads} thread(s)")
    for seed in options.seeds:
        train(seed, options, training, test)


if __name__ == "__main__":
    main()
