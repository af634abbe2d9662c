#!/bin/sh
# Models that are about to be committed: safe to load, and traced files without what an export goes wrong with.
#
#   pre_commit_hook.sh FILE...    as pre-commit calls it
#   pre_commit_hook.sh            as .git/hooks/pre-commit: what is staged
#
# Only checks that need no checkpoint and take a second; the rest is the pipeline's (release_gate.sh).
set -eu

bertjit=${BERTJIT:-bertjit}
if [ $# -eq 0 ]; then
  git diff --cached --name-only -z --diff-filter=ACMR -- '*.pt' '*.bin' '*.safetensors' | xargs -0 -r "$0"
  exit
fi

"$bertjit" scan "$@"
code=0
for file; do
  case $file in
    *.pt) "$bertjit" verify "$file" --only train-mode,constants,claims,weights --quiet || code=1 ;;
  esac
done
exit $code
