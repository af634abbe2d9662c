#!/bin/sh
# A zoo of models as a Slurm job array: every task does one shard of a list, a last job adds up.
#
#   mkdir -p results
#   array=$(sbatch --parsable --array=1-20 slurm_zoo.sh zoo.jsonl results)
#   sbatch --dependency=afterany:$array --wrap 'bertjit report merge results/*.jsonl --html zoo.html'
#
# The list, the models and the folder `results` are on a file system that all nodes share. A task of a node that was lost is
# started anew by Slurm (--requeue), and goes on after the last model that it had finished (--resume). A task fails where
# a model does (exit code 1), so the merge waits for the end of all, not for their success: what counts is its own exit code.
#
#   BERTJIT=PATH     the program
#SBATCH --job-name=zoo
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --cpus-per-task=4
#SBATCH --output=zoo-%A_%a.log
set -eu

bertjit=${BERTJIT:-bertjit}
if [ $# -lt 2 ]; then
  echo "usage: sbatch --array=1-N slurm_zoo.sh LIST RESULTS [FLAGS OF VERIFY]" >&2
  exit 2
fi
list=$1
results=$2
shift 2

exec "$bertjit" verify --list "$list" --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" \
  --jobs "${SLURM_CPUS_PER_TASK:-1}" --output "$results/$SLURM_ARRAY_TASK_ID.jsonl" --resume "$@"
