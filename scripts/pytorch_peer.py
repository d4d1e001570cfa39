#!/usr/bin/env python3
"""The peer of `pipeline selftest`: takes the same training steps in PyTorch, eager, with its defaults.

    pipeline selftest --full --peer "python3 scripts/pytorch_peer.py"

Says its name on standard output, then answers every line of standard input, a JSON object that describes a network, with a
line of JSON: the milliseconds of each of `steps` steps after one that is not counted, and the peak memory in MiB. A request
like the one before continues with the same network. Needs PyTorch, which nothing else in this project does.

A group of MLPs is one batched matrix product a layer; a group of residual networks is stepped one member after another.
"""
import json
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F


class GroupedLinear(nn.Module):
    """Linear layers of K members: (K, N, in) -> (K, N, out)."""

    def __init__(self, members, inputs, outputs):
        super().__init__()
        bound = inputs**-0.5
        self.weight = nn.Parameter(torch.empty(members, inputs, outputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(members, 1, outputs).uniform_(-bound, bound))

    def forward(self, x):
        return torch.baddbmm(self.bias, x, self.weight)


class CifarBlock(nn.Module):
    """He et al. 2016, section 4.2: two convolutions, option-A shortcut."""

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


class ProjectedBlock(nn.Module):
    """torchvision's BasicBlock."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        projection = [nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)]
        self.shortcut = nn.Sequential(*(projection if stride != 1 else []))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + self.shortcut(x))


def mlp(hidden, batch_norm, inputs, classes):
    layers = [nn.Flatten()]
    for units in hidden:
        layers += [nn.Linear(inputs, units), *([nn.BatchNorm1d(units)] if batch_norm else []), nn.ReLU()]
        inputs = units
    return nn.Sequential(*layers, nn.Linear(inputs, classes))


def grouped_mlp(members, hidden, inputs, classes):
    layers = []
    for units in hidden:
        layers += [GroupedLinear(members, inputs, units), nn.ReLU()]
        inputs = units
    return nn.Sequential(*layers, GroupedLinear(members, inputs, classes))


def cifar_resnet(blocks, width, channels, classes):
    layers = [nn.Conv2d(channels, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
    inputs = width
    for outputs in (width, 2 * width, 4 * width):
        for _ in range(blocks):
            layers.append(CifarBlock(inputs, outputs, 1 if inputs == outputs else 2))
            inputs = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, classes))


def resnet18(width, channels, classes):
    stem = [nn.Conv2d(channels, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    layers, inputs = stem, width
    for stage in range(4):
        for block in range(2):
            outputs = width << stage
            layers.append(ProjectedBlock(inputs, outputs, 2 if stage and not block else 1))
            inputs = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, classes))


def one_network(model, shape, classes):
    if model["kind"] == "mlp":
        return mlp(model["hidden"], model["batch_norm"], torch.Size(shape).numel(), classes)
    if model["kind"] == "cifar-resnet":
        return cifar_resnet(model["blocks"], model["width"], shape[0], classes)
    return resnet18(model["width"], shape[0], classes)


def optimiser(spec, parameters):
    if spec["kind"] == "adam":
        betas = (spec["beta1"], spec["beta2"])
        return torch.optim.Adam(parameters, spec["lr"], betas, spec["epsilon"], spec["weight_decay"])
    return torch.optim.SGD(parameters, spec["lr"], spec["momentum"], weight_decay=spec["weight_decay"])


def make_step(request, device):
    """A function that takes one training step of all members and waits for their losses."""
    model, shape, classes = request["model"], request["input"], request["classes"]
    members, batch = request["members"], request["batch"]
    x = torch.rand(batch, *shape, device=device) * 2 - 1
    y = torch.arange(batch, device=device) % classes
    if model["kind"] == "mlp" and members > 1 and not model["batch_norm"]:
        network = grouped_mlp(members, model["hidden"], torch.Size(shape).numel(), classes).to(device)
        x = x.flatten(1).expand(members, batch, -1)
        y = y.repeat(members)

        def losses():
            logits = network(x).flatten(0, 1)
            return F.cross_entropy(logits, y, reduction="none").view(members, batch).mean(1)

        parts = [(losses, optimiser(request["optimiser"], network.parameters()))]
    else:
        parts = []
        for _ in range(members):
            network = one_network(model, shape, classes).to(device)
            losses = lambda network=network: F.cross_entropy(network(x), y)[None]
            parts.append((losses, optimiser(request["optimiser"], network.parameters())))

    def step():
        found = []
        for losses, update in parts:
            update.zero_grad()
            loss = losses()
            # The flooded objective at level 0, which leaves the gradient as it is.
            loss.abs().sum().backward()
            update.step()
            found.append(loss)
        return torch.cat(found).tolist()

    return step


@torch.no_grad()
def measure(network, inputs, labels):
    """Mean loss and accuracy in evaluation mode."""
    network.eval()
    loss, hits = 0.0, 0
    for x, y in zip(inputs.split(1000), labels.split(1000)):
        logits = network(x)
        loss += F.cross_entropy(logits, y, reduction="sum").item()
        hits += (logits.argmax(1) == y).sum().item()
    network.train()
    return loss / len(labels), hits / len(labels)


def peak_memory(device):
    """In MiB, since the last call."""
    if device.type == "cuda":
        peak = torch.cuda.max_memory_reserved(device) >> 20
        torch.cuda.reset_peak_memory_stats(device)
        return peak
    with open("/proc/self/status", encoding="ascii") as status:
        peak = next((int(line.split()[1]) >> 10 for line in status if line.startswith("VmHWM:")), None)
    with open("/proc/self/clear_refs", "w", encoding="ascii") as clear:
        clear.write("5")
    return peak


def main():
    print(json.dumps({"name": f"PyTorch {torch.__version__}"}), flush=True)
    before, step = None, None
    for line in sys.stdin:
        try:
            request = json.loads(line)
            device = torch.device(request["device"])
            torch.set_num_threads(request["threads"])
            if request != before:
                step = None
                if device.type == "cuda":
                    torch.cuda.empty_cache()
                before, step = request, make_step(request, device)
            milliseconds = []
            for i in range(request["steps"] + 1):
                start = time.perf_counter()
                step()
                if i:
                    milliseconds.append((time.perf_counter() - start) * 1e3)
            answer = {"steps": {"milliseconds": milliseconds, "peak_mib": peak_memory(device)}}
            if device.type == "cuda":
                # Ours needs the room next.
                before, step = None, None
                torch.cuda.empty_cache()
        except Exception as error:  # whatever it is, the other side is to hear of it
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
