#!/usr/bin/env bash
# Checks and times a device from a carried binary, without network or cargo:
#   scripts/gpu-check.sh [PIPELINE_BINARY] [DEVICE] [OUT_FOLDER]
# runs `pipeline selftest`: every operation, the golden losses, groups against single runs, then times of the paper's
# networks, beside the same steps in PyTorch where this machine's Python has it. DEVICE `cpu` times the CPU the same way.
# Leaves selftest.json and selftest.md in OUT_FOLDER. Exit code: that of the self-test.
set -euo pipefail
pipeline=${1:-target/release/pipeline}
device=${2:-cuda}
out=${3:-gpu-check}
python=${PYTHON:-python3}
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$out"

arguments=(selftest --device "$device" --full --json "$out/selftest.json")
if "$python" -c 'import torch' 2>/dev/null; then
  arguments+=(--peer "$python $here/pytorch_peer.py")
  # cuBLAS may come with PyTorch rather than with a toolkit.
  libraries=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/nvidia/cu13/lib
  if [ -d "$libraries" ]; then export LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$libraries"; fi
else
  echo "no PyTorch on this machine ($python): its times are left out" >&2
fi
"$pipeline" "${arguments[@]}" | tee "$out/selftest.md"
