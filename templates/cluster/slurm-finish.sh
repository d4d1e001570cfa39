#!/usr/bin/env bash
# Checks Theorem 1 and makes the tables and the report of what was trained; exit code 3 where something is missing.
#SBATCH --job-name={{ name }}-finish
#SBATCH --output={{ logs }}/finish-%j.log
#SBATCH --open-mode=append
#SBATCH --time={{ time }}
#SBATCH --cpus-per-task={{ jobs }}
{%- if partition %}
#SBATCH --partition={{ partition }}
{%- endif %}
{%- if account %}
#SBATCH --account={{ account }}
{%- endif %}
set -uo pipefail
{{ verify }} || [ $? -eq 3 ] || exit 1
{{ aggregate }} || [ $? -eq 3 ] || exit 1
exec {{ render }}
