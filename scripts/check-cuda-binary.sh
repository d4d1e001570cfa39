#!/usr/bin/env bash
# check-cuda-binary.sh PIPELINE: does a pipeline built with the feature `cuda` behave where CUDA does not work?
#
# Runs it without any CUDA library and with stand-ins for them that fail in chosen ways (tests/support/fake_cuda.c): each
# fault must be one sentence on standard error and exit code 2. Then a group is trained on a stand-in that has too little
# memory for it. Needs gcc and readelf, neither a GPU nor a toolkit.
set -euo pipefail
pipeline=$(realpath "$1")
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() { printf 'check-cuda-binary: %s\n' "$*" >&2; exit 1; }

gcc_fake() { gcc -shared -fPIC -fvisibility=hidden -O1 -o "$@" tests/support/fake_cuda.c; }
mkdir -p "$work"/{both,driver,old,old-cublas,relative/lib64}
gcc_fake "$work/both/libcuda.so.1"
gcc_fake "$work/both/libcublas.so.13" -DFAKE_CUBLAS
cp "$work/both/libcuda.so.1" "$work/driver"
gcc_fake "$work/old/libcuda.so.1" -DFAKE_OLD
cp "$work/both/libcublas.so.13" "$work/old"
cp "$work/both/libcuda.so.1" "$work/old-cublas"
gcc_fake "$work/old-cublas/libcublas.so.13" -DFAKE_CUBLAS -DFAKE_OLD
cp "$work"/both/lib* "$work/relative/lib64"

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
sentence "$work/old-cublas" "libcublas is too old, it lacks \`cublasSgemm_v2\`" "$pipeline" selftest --device cuda
# Libraries that lie below the working folder are not opened.
(cd "$work" && sentence "" "CUDA_PATH is empty and ignored" env CUDA_PATH= "$pipeline" selftest --device cuda)
(cd "$work" && sentence "" "CUDA_PATH=relative is ignored" env CUDA_PATH=relative "$pipeline" selftest --device cuda)
sentence "$work/both" "does not start" env FAKE_CUDA_INIT=999 "$pipeline" selftest --device cuda
sentence "$work/both" "sees no GPU" env FAKE_CUDA_DEVICES=0 "$pipeline" selftest --device cuda
sentence "$work/both" "only cuda:0 to cuda:1" "$pipeline" selftest --device cuda:7
sentence "$work/both" "does not run this build's kernels" env FAKE_CUDA_MODULE=222 "$pipeline" selftest --device cuda
sentence "$work/both" "memory is full" env FAKE_CUDA_MEMORY=8 "$pipeline" selftest --device cuda

# A whole training: its numbers mean nothing here, but what it allocates is what it would allocate on a GPU.
project=$work/project
mkdir -p "$project/data"
cp -r pipeline.toml templates "$project"
cp data/datasets.toml "$project/data"
cd "$project"
# Levels of iFlood share no steps: all eleven are in memory from the first one on.
only=(--profile smoke --only setting:iflood-spiral --epochs 4 --test-size 400 --trials 1 --levels 0,0.01,0.02,0.03,0.04,0.05,0.06,0.07,0.08,0.09,0.1)
"$pipeline" stage generate "${only[@]}" >"$work/out" 2>&1 || fail "$(cat "$work/out")"

# trained CODE WORDS [NAME=VALUE...] -- ARGUMENTS...: this exit code, these words in its messages.
trained() {
    local expected=$1 words=$2 code=0 faults=()
    shift 2
    while [ "$1" != -- ]; do faults+=("$1"); shift; done
    shift
    env LD_LIBRARY_PATH="$work/both" FAKE_CUDA_PEAK="$work/peak" "${faults[@]}" \
        "$pipeline" stage train "${only[@]}" --device cuda --force "$@" >"$work/out" 2>&1 || code=$?
    [ "$code" -eq "$expected" ] || fail "exit code $code instead of $expected: $(cat "$work/out")"
    grep -qF "$words" "$work/out" || fail "'$words' is not in: $(cat "$work/out")"
    grep -qF "panicked" "$work/out" && fail "a panic: $(cat "$work/out")"
    echo "ok: $words (peak $(cat "$work/peak") bytes)"
}

trained 0 "done: 11 tasks" FAKE_CUDA_MEMORY=80e9 --
whole=$(cat "$work/peak")
half=$((whole / 2))
trained 0 "done: 11 tasks" FAKE_CUDA_MEMORY=$half --
trained 0 "out of GPU memory with a group of 11: again with 6" FAKE_CUDA_MEMORY=$half FAKE_CUDA_FREE=80e9 --
trained 3 "out of GPU memory with a group of 11: repeat with --group-size 6" FAKE_CUDA_MEMORY=$half -- --group-size 11
trained 0 "done: 11 tasks" FAKE_CUDA_MEMORY=$half -- --group-size 4
trained 3 "out of GPU memory with a single run" FAKE_CUDA_MEMORY=$((whole / 50)) --

# lost CODE NAME: an error that sticks to the device in the middle of a training is recorded with its name, and ends the
# process with a sentence, whatever is then dropped.
lost() {
    local code=0
    env LD_LIBRARY_PATH="$work/both" FAKE_CUDA_STICKS=300 FAKE_CUDA_ERROR="$1" \
        "$pipeline" stage train "${only[@]}" --device cuda --force >"$work/out" 2>&1 || code=$?
    [ "$code" -eq 1 ] || fail "exit code $code instead of 1 after an error that sticks: $(cat "$work/out")"
    grep -q "cannot use the CUDA device 0: it failed, and this process cannot use it any more.*$2" "$work/out" ||
        fail "the device that failed is not named: $(cat "$work/out")"
    grep -qF "panicked" "$work/out" && fail "a panic: $(cat "$work/out")"
    grep -rqF "the device failed: " data/runs || fail "the failure is not recorded: $(cat "$work/out")"
    echo "ok: $(grep -F "cannot use the CUDA device 0" "$work/out")"
    rm -r data/runs
}
lost 700 CUDA_ERROR_ILLEGAL_ADDRESS
# A code that is newer than the bindings.
lost 913 CUDA_ERROR_UNKNOWN
trained 0 "done: 11 tasks" FAKE_CUDA_MEMORY=80e9 --
