#!/usr/bin/env bash
# Trains: each element of the array does one line of the list of tasks.
#SBATCH --job-name={{ name }}-train
#SBATCH --output={{ logs }}/train-%A_%a.log
#SBATCH --array=0-{{ last }}{% if max_running %}%{{ max_running }}{% endif %}
# A job that comes back after a node was lost, or after it put itself back, resumes from its checkpoints.
#SBATCH --requeue
#SBATCH --open-mode=append
# The program is signalled this number of seconds before its time ends, leaves a checkpoint, and has the element requeued.
#SBATCH --signal=B:USR1@{{ lead }}
#SBATCH --time={{ time }}
#SBATCH --cpus-per-task={{ jobs }}
{%- if memory %}
#SBATCH --mem={{ memory }}M
{%- endif %}
{%- if gpus %}
#SBATCH --gpus={{ gpus }}
{%- endif %}
{%- if partition %}
#SBATCH --partition={{ partition }}
{%- endif %}
{%- if account %}
#SBATCH --account={{ account }}
{%- endif %}
set -euo pipefail
line=$(({{ offset }} + SLURM_ARRAY_TASK_ID + 1))
tasks=$(sed -n "${line}p" {{ list }})
element="${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}"
# `exec`: the signals are the program's, and so is the exit code (75: the time was up, start it again).
exec {{ train }} --jobs {{ jobs }} --task "$tasks" --on-again "scontrol requeue $element"
