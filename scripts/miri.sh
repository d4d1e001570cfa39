#!/usr/bin/env bash
# Runs the tests of the convolution kernels under Miri, which finds undefined behaviour: values and pointers out of bounds,
# aliasing, races. Needs a nightly compiler with Miri (`rustup component add miri rust-src --toolchain nightly`) and some
# minutes. Arguments go to the tests: a part of a test's name runs that one alone.
#
# Miri sees the level that every processor has. It does not know the vector instructions of AVX-512, nor gemm's assembly;
# and dfdx does not compile with a nightly compiler, so that what lends its tensors (cpu/buffer.rs) is not run either.
set -euo pipefail
cd "$(dirname "$0")/../crates/engine/miri"
cargo +nightly miri test --locked --target-dir ../../../target/miri -- "$@"
