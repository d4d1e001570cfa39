#!/usr/bin/env bash
# check-cuda-binary.sh PIPELINE: does a pipeline built with the feature `cuda` behave where CUDA does not work?
#
# Runs it without any CUDA library and with stand-ins for them that fail in chosen ways (tests/support/fake_cuda.c): each
# fault must be one sentence on standard error and exit code 2, and the CPU must not be affected. Needs gcc and readelf,
# neither a GPU nor a toolkit.
set -euo pipefail
pipeline=$(realpath "$1")
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() { printf 'check-cuda-binary: %s\n' "$*" >&2; exit 1; }

gcc_fake() { gcc -shared -fPIC -fvisibility=hidden -O1 -o "$@" tests/support/fake_cuda.c; }
mkdir "$work"/{both,driver,old}
gcc_fake "$work/both/libcuda.so.1"
gcc_fake "$work/both/libcublas.so.13" -DFAKE_CUBLAS
cp "$work/both/libcuda.so.1" "$work/driver"
gcc_fake "$work/old/libcuda.so.1" -DFAKE_OLD
cp "$work/both/libcublas.so.13" "$work/old"

needed=$(readelf -d "$pipeline" | grep -E 'NEEDED.*lib(cuda|cublas|nvrtc)' || true)
[ -z "$needed" ] || fail "the program does not start without CUDA:
$needed"
env -u LD_LIBRARY_PATH "$pipeline" --version >/dev/null || fail "--version fails without CUDA"

# sentence LIBRARIES WORDS COMMAND...: exit code 2, one line, these words in it.
sentence() {
    local libraries=$1 words=$2 code=0
    shift 2
    env -u CUDA_PATH LD_LIBRARY_PATH="$libraries" "$@" >"$work/out" 2>"$work/err" || code=$?
    [ "$code" -eq 2 ] || fail "exit code $code instead of 2 ($words): $(cat "$work/err")"
    [ "$(wc -l <"$work/err")" -eq 1 ] || fail "more than one line ($words): $(cat "$work/err")"
    grep -qF "$words" "$work/err" || fail "'$words' is not in: $(cat "$work/err")"
    echo "ok: $(cat "$work/err")"
}

sentence "" "no NVIDIA driver to be found" "$pipeline" selftest --device cuda
sentence "" "no NVIDIA driver to be found" "$pipeline" stage train --device cuda
sentence "$work/driver" "cuBLAS is not to be found" "$pipeline" selftest --device cuda
sentence "$work/old" "lacks \`cuLaunchKernel\`" "$pipeline" selftest --device cuda
sentence "$work/both" "does not start" env FAKE_CUDA_INIT=999 "$pipeline" selftest --device cuda
sentence "$work/both" "sees no GPU" env FAKE_CUDA_DEVICES=0 "$pipeline" selftest --device cuda
sentence "$work/both" "only cuda:0 to cuda:1" "$pipeline" selftest --device cuda:7
sentence "$work/both" "does not run this build's kernels" env FAKE_CUDA_MODULE=222 "$pipeline" selftest --device cuda
sentence "$work/both" "memory is full" env FAKE_CUDA_MEMORY=8 "$pipeline" selftest --device cuda
