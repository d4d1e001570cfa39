#!/usr/bin/env bash
# Checks a finished report the way its readers meet it: in Chromium (no error, no request, no sideways scroll at 380
# pixels, axe-core), as screenshots (light, dark, narrow), in print, and in LaTeX. Optional; needs Chromium, node and npm
# (puppeteer-core and axe-core are fetched for this check alone, as scripts/report-check locks them), and uses pdflatex where it is installed.
#
#   scripts/check_report.sh [REPORTS_FOLDER] [OUTPUT_FOLDER]
#
# Exits 1 when something is wrong; the pictures lie in the output folder, to be looked at.
set -euo pipefail
here=$(realpath "$(dirname "$0")")
reports=$(realpath "${1:-reports}")
out=${2:-target/report-check}
mkdir -p "$out"
out=$(realpath "$out")
fail() { echo "check_report: $*" >&2; exit 1; }

[ -f "$reports/index.html" ] || fail "$reports/index.html: no such file (make it with: pipeline stage render)"
size=$(stat -c %s "$reports/index.html")
[ "$size" -lt 5000000 ] || fail "index.html has $size bytes, more than 5 MB"
for tool in node npm; do command -v "$tool" >/dev/null || fail "$tool is not installed"; done
for name in chromium chromium-browser google-chrome; do browser=$(command -v "$name") && break; done
[ -n "${browser:-}" ] || fail "Chromium is not installed"

# The lock file has the digest of every package, and none of them runs anything when it is installed.
cp "$here/report-check/package.json" "$here/report-check/package-lock.json" "$out"
[ -d "$out/node_modules/axe-core" ] || (cd "$out" && npm ci --silent --ignore-scripts --no-audit --no-fund)
cp "$here/check_report.mjs" "$out/check_report.mjs"
BROWSER="$browser" node "$out/check_report.mjs" "$reports/index.html" "$out"

if command -v pdflatex >/dev/null; then
    "$here/make_pdf.sh" "$reports" "$out" 2>"$out/latex.log" || fail "the LaTeX does not compile, see $out/latex.log"
else
    echo "latex: left out, pdflatex is not installed"
fi
