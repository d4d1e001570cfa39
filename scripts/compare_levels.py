#!/usr/bin/env python3
"""All levels of a trial trained together against each trained alone: compare_levels.py FOLDER [--mirror DIR_OR_URL]

Levels share the steps before their paths part. Prints the processor time of a trial of 51 levels of Table 2 over the sum of the
51 runs trained by a process each, two at a time, and of 11 levels of a small residual network that its loss never reaches over
one run. Needs `make build` before it; the projects are made in FOLDER, and the residual network's images are fetched from the
mirror.
"""
import argparse
import concurrent.futures
import os
import pathlib
import shutil
import subprocess

PIPELINE = pathlib.Path(__file__).resolve().parent.parent / "target/release/pipeline"
TRIAL = [f"{level / 100:.2f}" for level in range(51)]
# What it should be at most 0.03 above.
SETTINGS = [("gaussians-low", 0.98), ("spiral-low", 0.82)]
RESIDUAL = ["--profile", "quick", "--only", "setting:cifar10", "--train-size", "500", "--test-size", "200", "--epochs", "3"]
UNREACHED = [f"{level / 100:.2f}" for level in range(11)]


def pipeline(folder, *arguments):
    """Runs the program on a project; the processor seconds that it took."""
    command = [str(word) for word in (PIPELINE, *arguments, "--config", folder / "pipeline.toml")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"exit code {os.waitstatus_to_exitcode(status)}: {' '.join(command)}")
    return used.ru_utime + used.ru_stime


def project(folder):
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([PIPELINE, "init", folder], check=True, stdout=subprocess.DEVNULL)
    return folder


def synthetic(folder, setting, aim):
    plan = ["--profile", "table2", "--only", f"setting:{setting}", "--trials", "1"]
    together, alone = project(folder / f"{setting}-together"), project(folder / f"{setting}-alone")
    for here in (together, alone):
        pipeline(here, "stage", "generate", *plan)
    trial = pipeline(together, "stage", "train", *plan, "--jobs", "2")
    with concurrent.futures.ThreadPoolExecutor(2) as workers:
        run = lambda level: pipeline(alone, "stage", "train", *plan, "--levels", level, "--jobs", "1")
        runs = sum(workers.map(run, TRIAL))
    print(f"{setting}: {len(TRIAL)} levels {trial:.1f} s, the runs alone {runs:.1f} s: {trial / runs:.2f}, aimed at {aim}", flush=True)


def residual(folder, mirror):
    here = project(folder / "residual")
    pipeline(here, "stage", "fetch", *RESIDUAL, "--mirror", mirror)
    train = ["stage", "train", *RESIDUAL, "--jobs", "2", "--force", "--levels"]
    one = pipeline(here, *train, "0")
    eleven = pipeline(here, *train, ",".join(UNREACHED))
    print(f"residual network: 11 levels {eleven:.1f} s, one run {one:.1f} s: {eleven / one:.2f}, aimed at 1.1")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--mirror", help="a folder of CIFAR-10's files, or a URL; without it the residual network is left out")
    options = parser.parse_args()
    folder = options.folder.resolve()
    for setting, aim in SETTINGS:
        synthetic(folder, setting, aim)
    if options.mirror:
        residual(folder, options.mirror)


if __name__ == "__main__":
    main()
