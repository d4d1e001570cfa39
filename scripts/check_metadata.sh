#!/usr/bin/env bash
# Checks what the project writes for machines with the tools of those who defined it: each dataset's card with mlcroissant,
# which also reads it back, and the report's RO-Crate with roc-validator (Workflow Run Crate and the profiles below it, all
# that is required and recommended). Optional; needs Python 3 and, the first time, a package index: the packages and their
# digests are those of scripts/metadata-check/requirements.txt.
#
#   scripts/check_metadata.sh [REPORTS_FOLDER] [PIPELINE_BINARY]
#
# Without network the two checks that fetch RO-Crate's own JSON-LD context are left out, which is printed.
set -euo pipefail
cd "$(dirname "$0")/.."
reports=${1:-reports}
pipeline=${2:-target/release/pipeline}
tools=target/metadata-check
fail() { echo "check_metadata: $*" >&2; exit 1; }

[ -f "$reports/ro-crate-metadata.json" ] || fail "$reports/ro-crate-metadata.json: no such file (make it with: pipeline run)"
[ -x "$pipeline" ] || fail "$pipeline: no such program (make it with: make build)"
if [ ! -x "$tools/bin/rocrate-validator" ]; then
    python3 -m venv "$tools"
    "$tools/bin/pip" install --quiet --require-hashes -r scripts/metadata-check/requirements.txt
fi

cards=$(mktemp -d)
trap 'rm -rf "$cards"' EXIT
for name in mnist kmnist svhn cifar10 cifar100; do
    "$pipeline" data card "$name" --croissant > "$cards/$name.json"
    "$tools/bin/mlcroissant" validate --jsonld "$cards/$name.json" 2> "$cards/log" || fail "$name: $(cat "$cards/log")"
    ! grep -q WARNING "$cards/log" || fail "$name: $(grep -A3 WARNING "$cards/log")"
    "$tools/bin/python" scripts/metadata-check/read_back.py "$cards/$name.json"
done

validate() {
    "$tools/bin/rocrate-validator" -y validate --skip-availability-check --no-paging -v -p workflow-run-crate-0.5 \
        -l recommended "$@" "$reports" > "$cards/log" 2>&1
}
if validate; then
    echo "RO-Crate: valid (required and recommended)"
elif grep -qE "Unable to retrieve the JSON-LD context|URLError" "$cards/log" &&
    validate --offline -s ro-crate-1.1_3.1,ro-crate-1.1_3.2; then
    echo "RO-Crate: valid (required and recommended); LEFT OUT without network: ro-crate-1.1_3.1 and _3.2, the JSON-LD context"
else
    fail "$(cat "$cards/log")"
fi
