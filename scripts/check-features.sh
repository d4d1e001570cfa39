#!/usr/bin/env bash
# Do the tests link the packages of the program with the same features? Else cargo compiles them, and all above, twice.
set -euo pipefail
cd "$(dirname "$0")/.."

packages() { cargo tree --locked --prefix none -f '{p} {f}' "$@" | sed 's/ (\*)$//' | sort -u; }
differ=$(comm -23 <(packages -p flooding-pipeline -e normal,build) <(packages --workspace -e normal,build,dev))
if [ -n "$differ" ]; then
    printf 'the tests ask for other features than the program, which has:\n%s\n' "$differ" >&2
    exit 1
fi
