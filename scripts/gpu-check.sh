#!/usr/bin/env bash
# Checks and times a device from a carried binary, without network or cargo:
#   scripts/gpu-check.sh [PIPELINE_BINARY] [DEVICE] [OUT_FOLDER]
# runs `pipeline selftest` (operations, golden losses, groups against single runs, times) and, where the machine's Python
# has PyTorch, the same ResNet-44 steps in it. Leaves selftest.json, selftest.md and pytorch.md in OUT_FOLDER.
set -euo pipefail
pipeline=${1:-target/release/pipeline}
device=${2:-cuda}
out=${3:-gpu-check}
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$out"

status=0
"$pipeline" selftest --device "$device" --json "$out/selftest.json" | tee "$out/selftest.md" || status=$?

if python3 -c 'import torch' 2>/dev/null; then
  python3 "$here/bench_pytorch_resnet.py" "${device%%:*}" | tee "$out/pytorch.md" || echo "PyTorch's times failed" >&2
else
  echo "no PyTorch on this machine: its times are left out"
fi
exit "$status"
