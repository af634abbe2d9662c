#!/bin/sh
# A nightly check of the models that are in use: is every file still the one that was released, and still right?
#
#   nightly.sh MODELS REPORTS
#
# MODELS holds NAME.pt, SHA512SUMS with their digests, and for those that are to be compared with it NAME/, the checkpoint. One
# that fails does not stop the others. REPORTS gets NAME.xml (JUnit) of each and summary.txt. Exit code: the worst of all,
# 0 yes, 1 a check failed, 2 no answer, 3 unsafe.
#
# Jenkins: Jenkinsfile, beside this. Airflow: BashOperator(task_id="models", bash_command="nightly.sh /srv/models /srv/reports ").
# cron: 0 3 * * * nightly.sh /srv/models /srv/reports || mail …
set -eu

bertjit=${BERTJIT:-bertjit}
if [ $# -ne 2 ]; then
  echo "usage: nightly.sh MODELS REPORTS" >&2
  exit 2
fi
models=$1
reports=$2
worst=0

mkdir -p "$reports"
: > "$reports/summary.txt"
for file in "$models"/*.pt; do
  if [ ! -e "$file" ]; then
    echo "nightly.sh: $models: holds no .pt files" >&2
    exit 2
  fi
  name=$(basename "$file" .pt)
  set -- "$file" --checksums "$models/SHA512SUMS" --junit "$reports/$name.xml"
  if [ -d "$models/$name" ]; then
    set -- "$@" --source "$models/$name"
  fi
  code=0
  "$bertjit" verify "$@" --quiet > "$reports/$name.txt" 2>&1 || code=$?
  tail -n 1 "$reports/$name.txt" | tee -a "$reports/summary.txt"
  if [ "$code" -gt "$worst" ]; then
    worst=$code
  fi
done
exit "$worst"
