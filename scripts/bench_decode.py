"""Decode and hash rates beside numpy, scipy and sha256sum, in one run.

    cargo build --release -p flooding-fetch --example decode_rates
    python3 scripts/bench_decode.py FOLDER [target/release/examples/decode_rates]

FOLDER holds the originals (mnist/, cifar-10-batches-bin/, svhn/). Needs numpy and scipy.
"""

import gzip
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import scipy.io


def best(work):
    times = []
    for _ in range(5):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def main():
    folder = Path(sys.argv[1])
    program = sys.argv[2] if len(sys.argv) > 2 else "target/release/examples/decode_rates"
    batches = [f"data_batch_{i}.bin" for i in range(1, 6)] + ["test_batch.bin"]

    def mnist():
        with gzip.open(folder / "mnist/train-images-idx3-ubyte.gz") as file:
            return np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)

    def cifar():
        records = [np.fromfile(folder / "cifar-10-batches-bin" / b, np.uint8).reshape(-1, 3073) for b in batches]
        records = np.concatenate(records)
        return np.ascontiguousarray(records[:, 1:]), records[:, 0].copy()

    def svhn():
        data = scipy.io.loadmat(folder / "svhn/train_32x32_first1083.mat")
        return np.ascontiguousarray(data["X"].transpose(3, 2, 0, 1)), data["y"].ravel() % 10

    def sha256sum():
        subprocess.run(["sha256sum", folder / "cifar-10-batches-bin/data_batch_1.bin"], check=True, stdout=subprocess.PIPE)

    python = {"mnist-train-images": mnist, "cifar10-60000": cifar, "svhn-1083": svhn, "sha256-cifar10-batch-1": sha256sum}
    ours = subprocess.run([program, folder], check=True, stdout=subprocess.PIPE, text=True).stdout
    print("| what | here | numpy, scipy, sha256sum | ratio |")
    print("|---|---:|---:|---:|")
    for line in map(json.loads, ours.splitlines()):
        other = best(python[line["what"]])
        print(f"| {line['what']} | {line['seconds']:.4f} s | {other:.4f} s | {other / line['seconds']:.2f} |")


if __name__ == "__main__":
    main()
