#!/bin/sh
# A zoo of models on machines that share a file system, by GNU parallel: a shard of the list for each, then the sum.
#
#   gnu_parallel_zoo.sh LIST RESULTS [FLAGS OF VERIFY]
#
# On one machine `bertjit verify --list LIST --jobs 0` does without GNU parallel. Started again after whatever happened, it
# goes on where it was. The exit code is the sum's: the worst of all jobs, 2 if one has no result.
#
#   HOSTS=node1,node2   machines (ssh), each of which gets one shard at a time; default: this one
#   SHARDS=16           parts of the list; more parts than machines even out slow ones
#   BERTJIT=PATH        the program
set -eu

bertjit=${BERTJIT:-bertjit}
if [ $# -lt 2 ]; then
  echo "usage: gnu_parallel_zoo.sh LIST RESULTS [FLAGS OF VERIFY]" >&2
  exit 2
fi
list=$1
results=$2
shards=${SHARDS:-16}
shift 2
mkdir -p "$results"

# A shard in which a model fails has exit code 1. That stops nothing: the sum tells.
seq "$shards" | parallel --will-cite --quote --jobs 1 --sshlogin "${HOSTS:-:}" --workdir "$PWD" \
  "$bertjit" verify --list "$list" --shard "{}/$shards" --jobs 0 --output "$results/{}.jsonl" --resume "$@" || true

set --
for shard in $(seq "$shards"); do
  set -- "$@" "$results/$shard.jsonl"
done
exec "$bertjit" report merge "$@" --html "$results/zoo.html" --junit "$results/zoo.xml"
