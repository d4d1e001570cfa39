#!/usr/bin/env python3
"""Runs a HyperQueue job file (what `pipeline submit hyperqueue` prints) on this machine, with HyperQueue's Python package.

The package carries a real server and worker and no `hq` program. Prints one line of JSON when all is over: for each task,
by the end of its log's name, "finished", "failed" or "canceled" (a task that it needs did not finish). The exit code is 0
when all finished, else 1. SIGINT or SIGTERM stops it: HyperQueue then sends SIGINT to the tasks and kills them 0.9 s later.

    pip install hyperqueue;  run_hyperqueue_job.py job.toml [--cores 2]
"""
import argparse
import json
import os
import pathlib
import signal
import sys
import tempfile
import tomllib

from hyperqueue import Job, LocalCluster
from hyperqueue.cluster import WorkerConfig


def name_of(task):
    return pathlib.Path(task["stdout"]).name.split(".")[0]


def run(tasks, cores):
    made, caught, counts = {}, [], {}
    job = Job(max_fails=None)
    for task in tasks:
        pathlib.Path(task["stdout"]).parent.mkdir(parents=True, exist_ok=True)
        made[task["id"]] = job.program(
            task["command"], stdout=task["stdout"], stderr=task["stderr"], crash_limit=task["crash_limit"],
            deps=[made[need] for need in task.get("deps", [])])

    def each_second(jobs):
        for number in (signal.SIGTERM, signal.SIGINT):  # the worker sets its own handlers
            signal.signal(number, lambda got, frame: caught.append(got))
        counts.update(jobs[submitted.id])
        if caught and not counts["completed"]:
            raise InterruptedError

    with tempfile.TemporaryDirectory() as folder, LocalCluster(folder, WorkerConfig(cores)) as cluster:
        client = cluster.client()
        submitted = client.submit(job)
        try:
            client.connection.wait_for_jobs([submitted.id], each_second)
        except InterruptedError:
            return {name_of(task): "unknown" for task in tasks}
        failures = client.get_failed_tasks(submitted)
    states = {}
    for task in tasks:
        names = {other["id"]: name_of(other) for other in tasks}
        if made[task["id"]].task_id in failures:
            states[name_of(task)] = "failed"
        elif any(states[names[need]] != "finished" for need in task.get("deps", [])):
            states[name_of(task)] = "canceled"
        else:
            states[name_of(task)] = "finished"
    return states


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("job", type=pathlib.Path)
    parser.add_argument("--cores", type=int, default=2)
    args = parser.parse_args()
    tasks = tomllib.loads(args.job.read_text())["task"]
    sys.stdout = os.fdopen(os.dup(1), "w")  # the server prints a table to descriptor 1
    os.dup2(2, 1)
    states = run(tasks, args.cores)
    print(json.dumps(states))
    return int(any(state != "finished" for state in states.values()))


if __name__ == "__main__":
    sys.exit(main())
