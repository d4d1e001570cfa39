#!/usr/bin/env bash
# Licences, bans, sources and advisories of the dependencies, against deny.toml: of the project with all its features, and
# of the fuzz targets, which have their own lock file. Compiles cargo-deny where there is none, from its own lock file.
# Advisories need the RustSec database: a fresh one if it can be fetched, else the copy that is there, else they are left
# out, which is printed last.
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.20.2
tools="${CARGO_HOME:-$HOME/.cargo}/flooding-tools"
export PATH="$PATH:$tools/bin"
if ! command -v cargo-deny > /dev/null; then
    cargo install cargo-deny --version "$version" --locked --root "$tools"
fi

# check ARGUMENTS...: of both lock files.
check() {
    for manifest in Cargo.toml fuzz/Cargo.toml; do
        cargo-deny --locked --manifest-path "$manifest" --config deny.toml check --hide-inclusion-graph "$@"
    done
}

check licenses bans sources

bounded() { if command -v timeout > /dev/null; then timeout 120 "$@"; else "$@"; fi; }

database="${CARGO_HOME:-$HOME/.cargo}/advisory-dbs"
if bounded cargo-deny fetch db 2> /dev/null; then
    check advisories
elif compgen -G "$database/advisory-db-*/crates" > /dev/null; then
    echo "advisories: no fresh database could be fetched; checking against the copy in $database"
    check --disable-fetch advisories
else
    echo "advisories: LEFT OUT, because the RustSec database could not be fetched (docs/dependencies.md lists what is known)"
fi
