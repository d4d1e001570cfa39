#!/usr/bin/env bash
# Fetches the image datasets and draws the synthetic ones, before any training.
# Where compute nodes reach no network, run `pipeline stage fetch` on the login node first: this then finds all there.
#SBATCH --job-name={{ name }}-prepare
#SBATCH --output={{ logs }}/prepare-%j.log
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
# Exit code 3: a dataset is not available. Its runs are left out; the others are trained.
{{ fetch }} || [ $? -eq 3 ] || exit 1
exec {{ generate }}
