#!/usr/bin/env python3
"""Builds an emulated CUDA: build.py FOLDER leaves libcuda.so.1 and libcublas.so.13 there.

Takes dfdx's kernels from cargo's copy of dfdx and compiles them for the host with g++, beside driver.cpp. The two
reductions that need a block's threads at the same time are renamed, and host.h has others in their place.
"""
import os
import re
import subprocess
import sys
from pathlib import Path

KERNELS = """adam axpy binary_add binary_div binary_mul binary_sub choose cmp exp gather ln max_to relu scalar_add
scalar_div scalar_mul scalar_sub sgd sqrt square sum_to""".split()
HERE = Path(__file__).resolve().parent


def dfdx():
    home = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
    found = sorted(home.glob("registry/src/*/dfdx-0.13.0/src/tensor_ops"))
    if not found:
        sys.exit("no source of dfdx 0.13.0 in cargo's registry folder: run `cargo fetch` first")
    return found[0]


def main():
    out = Path(sys.argv[1]).resolve()
    out.mkdir(parents=True, exist_ok=True)
    for path in dfdx().rglob("*.cu*"):
        text = path.read_text()
        for name in ("chunk_sum", "chunk_max"):
            text = text.replace(f"__device__ void {name}(", f"__device__ void {name}_of_a_block(")
        if path.suffix == ".cuh":
            text = "#pragma once\n" + text
        (out / path.name).write_text(text)
    (out / "cuda_fp16.h").write_text("")  # host.h has what is needed of it

    # -fno-strict-aliasing: the kernels look at floats as integers.
    flags = f"-std=c++20 -O3 -fPIC -w -fno-strict-aliasing -I{HERE} -I{out} -include host.h".split()
    objects = []
    for name in KERNELS:
        source = out / f"{name}.cpp"
        source.write_text(f'#include "{name}.cu"\n')
        expanded = subprocess.run(["g++", *flags, "-E", source], check=True, capture_output=True, text=True).stdout
        names = sorted(set(re.findall(r'extern "C"\s+void\s+(\w+_f32)\(', expanded)))
        lines = [f'static Kernel of_{k}("{k}", [](void **a) {{ call_with({k}, a); }});\n' for k in names]
        source.write_text(f'#include "{name}.cu"\n' + "".join(lines))
        objects.append(out / f"{name}.o")
        subprocess.run(["g++", *flags, "-c", source, "-o", objects[-1]], check=True)
    # Every kernel file has the same `fill_with`.
    link = ["g++", *flags, "-shared", "-Wl,--allow-multiple-definition", HERE / "driver.cpp", *objects]
    subprocess.run([*link, "-o", out / "libcuda.so.1"], check=True)
    cublas = out / "libcublas.so.13"
    cublas.unlink(missing_ok=True)
    cublas.symlink_to("libcuda.so.1")


main()
