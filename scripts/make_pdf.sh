#!/usr/bin/env bash
# make_pdf.sh [REPORTS_FOLDER] [OUTPUT_FOLDER]: compiles the report's LaTeX; leaves article.pdf and report.pdf in the output
# folder, by default the report's latex/, where `pipeline publish` finds them. Needs pdflatex. The log of what does not
# compile is printed.
set -euo pipefail
reports=${1:-reports}
command -v pdflatex >/dev/null || { echo "make_pdf: pdflatex is not installed" >&2; exit 2; }
[ -f "$reports/latex/report.tex" ] || { echo "make_pdf: $reports/latex/report.tex: there is no report (make it with: pipeline stage render)" >&2; exit 2; }
reports=$(realpath "$reports")
out=$(realpath "${2:-$reports/latex}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$reports/latex" "$reports/figures" "$work/"
cd "$work/latex"
for name in report article; do
    # The second pass knows the references of the first.
    for _ in 1 2; do
        pdflatex -interaction=nonstopmode -halt-on-error "$name.tex" >"$name.console" 2>&1 ||
            { cat "$name.console" >&2; echo "make_pdf: $name.tex does not compile" >&2; exit 1; }
    done
    cp "$name.pdf" "$out/$name.pdf"
    echo "latex: $name.tex compiles"
done
