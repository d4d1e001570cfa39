#!/usr/bin/env bash
# Fuzzes the readers of everything that comes from outside or from disk: fuzz.sh [SECONDS [TARGET...]], 60 seconds and
# all targets unless told otherwise. Needs cargo-fuzz (`cargo install cargo-fuzz --locked`) and the stable compiler; what
# needs a nightly one is the address sanitiser alone, which watches over `unsafe` code, and there is none in these readers.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
shift || true
read -ra targets <<< "${*:-$(cargo fuzz list | tr '\n' ' ')}"

# Beside the seeds of a target: the real files of the project and what older versions wrote.
real() {
    case $1 in
        plan) echo pipeline.toml ;;
        manifest) echo data/datasets.toml ;;
        document) echo crates/core/tests/archive/*/record.json crates/generate/tests/archive/*/*.json ;;
        history) echo crates/core/tests/archive/*/history.csv ;;
        checkpoint | weights) echo crates/train/tests/archive/*/checkpoint.safetensors ;;
        drawn) echo crates/generate/tests/archive/*/*.safetensors ;;
    esac
}

for target in "${targets[@]}"; do
    corpus=fuzz/corpus/$target
    mkdir -p "$corpus"
    if [ -d "fuzz/seeds/$target" ]; then cp -r "fuzz/seeds/$target/." "$corpus"; fi
    for file in $(real "$target"); do
        name=$(echo "$file" | tr / -)
        cp "$file" "$corpus/$name"
        case $target in
            # The first byte chooses the mode.
            document | checkpoint) for mode in 0 1; do printf '%s' "$mode" | cat - "$file" > "$corpus/$name-$mode"; done ;;
        esac
    done
    echo "== $target"
    cargo fuzz run -s none "$target" -- -max_total_time="$seconds" -timeout=10 -rss_limit_mb=4096 -print_final_stats=1 2>&1 |
        grep -E '^(stat::|Done|==|SUMMARY|thread|ERROR)|panicked|Test unit' || true
    if compgen -G "fuzz/artifacts/$target/*" > /dev/null; then
        echo "$target: found something, see fuzz/artifacts/$target" >&2
        exit 1
    fi
done
