#!/usr/bin/env python3
"""Whole runs of Table 2 beside PyTorch, taking turns on one core: compare_pytorch_runs.py FOLDER [--rounds 3]

Ours is `pipeline stage train` of one flood level; its time is the one that the run's provenance records. PyTorch (eager, one
thread, its defaults) does the same work: the same network, optimiser, batches and epochs, the validation set after every
epoch, the training set where the specification asks for it, and training and test set at the last and the best epoch. Its
data are random numbers of the same shape; nothing depends on their values but the loss.

Needs PyTorch, which nothing else in this project does, and `make build` before it. The project for it is made in FOLDER.
"""
import argparse
import copy
import json
import os
import pathlib
import statistics
import subprocess
import time

import torch
from torch.nn import functional as F

from pytorch_peer import measure, one_network, optimiser

PIPELINE = pathlib.Path(__file__).resolve().parent.parent / "target/release/pipeline"
# Setting, and what the ratio of the medians should be at most.
SETTINGS = [("gaussians-low", 0.57), ("spiral-low", 0.73), ("gaussians-low-demo", 0.77)]
LEVEL = 0.1


def ours(folder, setting):
    """Seconds of one run, and its specification."""
    plan = ["--profile", "table2", "--only", f"setting:{setting}", "--trials", "1", "--levels", str(LEVEL)]
    config = ["--config", folder / "pipeline.toml"]
    for command in (["stage", "generate", *plan], ["stage", "train", *plan, "--jobs", "1", "--force"]):
        subprocess.run([PIPELINE, *command, *config], check=True, capture_output=True)
    (record,) = (folder / f"data/runs/{setting}").glob("t00/*/record.json")
    provenance = json.loads((record.parent / "provenance.json").read_text())["body"]
    return provenance["seconds"], json.loads(record.read_text())["body"]["spec"]


def examples(spec, count):
    """Inputs of two shifted Gaussians, and labels."""
    dimension = 10 if spec["data"]["distribution"]["kind"] == "gaussians" else 2
    labels = torch.arange(count) % 2
    return torch.randn(count, dimension) + labels[:, None], labels


def pytorch(spec):
    """Seconds of the same run."""
    data = spec["data"]
    training, validation, test = (examples(spec, data[name]) for name in ("train", "validation", "test"))
    begun = time.perf_counter()
    network = one_network(spec["model"], [training[0].shape[1]], 2)
    update = optimiser(spec["optimiser"], network.parameters())
    best, weights = -1.0, None
    for epoch in range(1, spec["epochs"] + 1):
        order = torch.randperm(data["train"])
        for batch in order.split(spec["batch_size"]):
            update.zero_grad()
            loss = F.cross_entropy(network(training[0][batch]), training[1][batch])
            flooded = (loss - spec["level"]).abs() + spec["level"]
            flooded.backward()
            update.step()
            loss.item()
        if epoch % spec["observe"].get("train_every", 1) == 0:
            measure(network, *training)
        _, accuracy = measure(network, *validation)
        if accuracy > best:
            best, weights = accuracy, copy.deepcopy(network.state_dict())
    for _ in ("last", "best"):
        measure(network, *training)
        measure(network, *test)
        network.load_state_dict(weights)
    return time.perf_counter() - begun


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    # Both on the same core: children inherit it.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    torch.set_num_threads(1)
    folder = options.folder.resolve()
    if not (folder / "pipeline.toml").exists():
        subprocess.run([PIPELINE, "init", folder], check=True, capture_output=True)
    print(f"PyTorch {torch.__version__}, {options.rounds} rounds in turn, one core: seconds a run, median [least, most]")
    for setting, aim in SETTINGS:
        times = {"ours": [], "PyTorch": []}
        for _ in range(options.rounds):
            seconds, spec = ours(folder, setting)
            times["ours"].append(seconds)
            times["PyTorch"].append(pytorch(spec))
        shown = ", ".join(
            f"{name} {statistics.median(values):.2f} [{min(values):.2f}, {max(values):.2f}]" for name, values in times.items()
        )
        ratio = statistics.median(times["ours"]) / statistics.median(times["PyTorch"])
        print(f"{setting}: {shown}; ratio {ratio:.2f}, aimed at {aim}", flush=True)


if __name__ == "__main__":
    main()
