#!/usr/bin/env bash
# check-cuda-numbers.sh PIPELINE: does a pipeline built with the feature `cuda` compute on CUDA what it computes on the CPU?
#
# On a machine without a GPU: the driver and cuBLAS are stand-ins that do the work on the host, with dfdx's own kernels
# compiled for it (tests/support/emulated_cuda). So every launch, stride and buffer of ours is put to the test, and nothing
# of the speed or of the order of a GPU's sums. Runs the self-test, then a short training on both devices.
# Needs g++ and python3, neither a GPU nor a toolkit.
set -euo pipefail
pipeline=$(realpath "$1")
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() { printf 'check-cuda-numbers: %s\n' "$*" >&2; exit 1; }

python3 tests/support/emulated_cuda/build.py "$work/emulated"
emulated() {
    rm -f "$work/account"
    # `set -e` does not reach into a function whose failure is dealt with.
    env LD_LIBRARY_PATH="$work/emulated" EMULATED_CUDA_ACCOUNT="$work/account" "$pipeline" "$@" || return
    grep -qx 'left 0 bytes' "$work/account" || fail "memory of the device was not given back: $(head -1 "$work/account")"
}

emulated selftest --device cuda

project=$work/project
mkdir -p "$project/data"
cp -r pipeline.toml templates "$project"
cp data/datasets.toml "$project/data"
plan=(--config "$project/pipeline.toml" --offline --only gaussians-low --epochs 4 --levels 0,0.1,0.6 --trials 1 --test-size 400)
"$pipeline" stage generate "${plan[@]}" 2>"$work/log" || fail "$(cat "$work/log")"
"$pipeline" stage train "${plan[@]}" 2>"$work/log" || fail "$(cat "$work/log")"
mv "$project/data/runs" "$work/cpu"
emulated stage train "${plan[@]}" --device cuda 2>"$work/log" || fail "$(cat "$work/log")"
grep -rq '"device":"Emulated GPU"' "$project/data/runs" || fail "the provenance does not name the GPU"
python3 - "$work/cpu" "$project/data/runs" <<'PYTHON'
import csv, pathlib, sys

cpu, cuda = map(pathlib.Path, sys.argv[1:])
worst, numbers = 0.0, 0
for path in sorted(cpu.rglob("history.csv")):
    both = [list(csv.DictReader(folder.open())) for folder in (path, cuda / path.relative_to(cpu))]
    assert len(both[0]) == len(both[1]) == 4, path
    for ours, theirs in zip(*both):
        for name in (name for name in ours if name.endswith("loss") and ours[name]):
            a, b = float(ours[name]), float(theirs[name])
            worst, numbers = max(worst, abs(a - b) / abs(a)), numbers + 1
assert numbers >= 3 * 4 * 3, f"only {numbers} losses to compare"
print(f"a training on CUDA as on the CPU: {numbers} losses, largest relative difference {worst:.1e}")
assert worst < 1e-3, "the losses differ"
PYTHON
echo "kernels launched: $(tail -n +3 "$work/account" | wc -l) kinds, $(tail -n +3 "$work/account" | awk '{ n += $2 } END { print n }') times in the training"
