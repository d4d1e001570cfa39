#!/usr/bin/env python3
"""Measures the figures of docs/scale.md on made-up stores: scale_figures.py FOLDER [PART...]

Builds the program as it is shipped, makes projects in FOLDER (about 10 GB for `large`), and prints what each command took:
seconds, processor seconds, and the most memory. What is there already is used again. The parts, all by default:

    full      nothing to do, on the 9,324 runs of the profile `full` (downloads the datasets, or --mirror DIR_OR_URL)
    large     aggregate, status and tasks on 100,062 records of 500 epochs
    claims    four processes with one job each against one process with two jobs, and with four, on the same tasks
    forecast  `forecast` against the time that the same training takes
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PIPELINE = ROOT / "target/release/pipeline"
MADE_UP = ROOT / "target/release/examples/made_up_store"
# Nine settings of 51 levels, 218 trials.
SETTINGS = [f"setting:{data}-{noise}{reading}" for data, readings in [("gaussians", ["", "-demo"]), ("sinusoid", [""])]
            for noise in ["low", "middle", "high"] for reading in readings]
LARGE = ["--profile", "table2", "--only", ",".join(SETTINGS), "--trials", "218"]


def run(command, **options):
    return subprocess.run([str(word) for word in command], check=options.pop("check", True), **options)


def pipeline(folder, *arguments, codes=(0, 3)):
    """Runs the program; prints and returns what it took."""
    command = [PIPELINE, *arguments, "--config", folder / "pipeline.toml"]
    log = folder / "last.log"
    with open(log, "w") as output:
        begun = time.monotonic()
        process = subprocess.Popen([str(word) for word in command], stdout=output, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.monotonic() - begun
    code = os.waitstatus_to_exitcode(status)
    if code not in codes:
        sys.exit(f"exit code {code}: {' '.join(map(str, command))}\n{log.read_text()[-2000:]}")
    busy = used.ru_utime + used.ru_stime
    shown = " ".join(str(word) for word in arguments)
    print(f"{shown}: {seconds:.2f} s, {busy:.2f} s of processor time, {used.ru_maxrss / 1024:.0f} MiB", flush=True)
    return seconds


def project(folder, changes=()):
    """A project without probes, and with a quick check of Theorem 1: they are not what is measured."""
    if not (folder / "pipeline.toml").exists():
        run([PIPELINE, "init", folder], stdout=subprocess.DEVNULL)
        text = (folder / "pipeline.toml").read_text()
        text = re.sub(r"(?m)^probes = \d+", "probes = 0", text)
        text = re.sub(r"(?m)^theorem_repetitions = \d+", "theorem_repetitions = 2000", text)
        for old, new in changes:
            if old not in text:
                sys.exit(f"pipeline.toml has no {old!r}")
            text = text.replace(old, new)
        (folder / "pipeline.toml").write_text(text)
    return folder


def full(folder, mirror):
    folder = project(folder / "full")
    if not (folder / "data/runs").exists():
        run([MADE_UP, folder / "pipeline.toml", "full"])
        pipeline(folder, "run", "--profile", "full", *(["--mirror", mirror] if mirror else []))
    for _ in range(3):
        pipeline(folder, "run", "--profile", "full")
    print((folder / "last.log").read_text().strip().splitlines()[-2])


def large(folder, _):
    folder = project(folder / "large")
    if not (folder / "data/runs").exists():
        run([MADE_UP, folder / "pipeline.toml", "table2", LARGE[5], LARGE[3]])
    for _ in range(2):
        pipeline(folder, "status", *LARGE)
        pipeline(folder, "tasks", *LARGE)
    pipeline(folder, "stage", "aggregate", *LARGE)
    pipeline(folder, "stage", "aggregate", *LARGE)
    # And with everything still to be trained.
    empty = project(folder.parent / "empty")
    pipeline(empty, "status", *LARGE)
    pipeline(empty, "tasks", *LARGE)


def claims(folder, _):
    plan = ["--profile", "quick", "--only", "gaussians-low,sinusoid-low", "--trials", "8", "--epochs", "20"]
    times = {(1, 2): [], (1, 4): [], (4, 1): []}
    for attempt in range(3):
        for processes, jobs in times:
            here = folder / f"claims-{processes}-{jobs}"
            shutil.rmtree(here / "data/runs", ignore_errors=True)
            project(here)
            run([PIPELINE, "stage", "generate", *plan, "--config", here / "pipeline.toml"], stderr=subprocess.DEVNULL)
            command = [PIPELINE, "stage", "train", *plan, "--jobs", jobs, "--config", here / "pipeline.toml"]
            begun = time.monotonic()
            started = [subprocess.Popen([str(word) for word in command], stderr=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL) for _ in range(processes)]
            if any(process.wait() for process in started):
                sys.exit("a training failed")
            times[processes, jobs].append(time.monotonic() - begun)
            print(f"{processes} x --jobs {jobs}: {times[processes, jobs][-1]:.2f} s", flush=True)
    four = min(times[4, 1])
    for jobs in (2, 4):
        one = min(times[1, jobs])
        print(f"four processes against one with {jobs} jobs: {100 * (four / one - 1):+.1f}%")


def forecast(folder, _):
    samples = [
        ["--profile", "smoke", "--only", "gaussians-high,spiral-high"],
        ["--profile", "quick", "--only", "gaussians-low", "--trials", "2", "--epochs", "100"],
        ["--profile", "quick", "--only", "spiral-high", "--trials", "2", "--epochs", "100"],
    ]
    for number, plan in enumerate(samples):
        here = project(folder / f"forecast-{number}")
        shutil.rmtree(here / "data/runs", ignore_errors=True)
        config = ["--config", here / "pipeline.toml"]
        run([PIPELINE, "stage", "generate", *plan, *config], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        said = run([PIPELINE, "forecast", *plan, *config, "--json"], capture_output=True).stdout
        forecast = sum(setting["seconds"] for setting in json.loads(said)) / (os.cpu_count() or 1)
        measured = pipeline(here, "stage", "train", *plan)
        print(f"forecast {forecast:.1f} s, measured {measured:.1f} s: {100 * (forecast / measured - 1):+.0f}%")


PARTS = {"full": full, "large": large, "claims": claims, "forecast": forecast}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART")
    parser.add_argument("--mirror", help="a folder of original files, or a URL")
    args = parser.parse_args()
    os.chdir(ROOT)
    run(["cargo", "build", "--release", "--locked", "-p", "flooding-pipeline"])
    run(["cargo", "build", "--release", "--locked", "--workspace", "--example", "made_up_store"])
    args.folder.mkdir(parents=True, exist_ok=True)
    for part in args.parts or PARTS:
        PARTS[part](args.folder.resolve(), args.mirror)


if __name__ == "__main__":
    main()
