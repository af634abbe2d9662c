#!/bin/sh
# A release gate: may this TorchScript file be shipped?
#
#   release_gate.sh MODEL.pt SOURCE [REPORTS]
#
# SOURCE is what the file was made from: a Hugging Face folder, FILE.py:NAME or a .pt. Cheap questions come first. The
# folder REPORTS (default: reports) gets MODEL.html for people and MODEL.xml (JUnit) for the pipeline; of a file that may
# be shipped also MODEL.sha512, which whoever deploys it checks with `sha512sum -c`.
#
# The exit code is that of the step that said no: 1 a check failed, 2 no answer, 3 unsafe to load. Only 0 is a release.
#
#   TARGET=mobile    also ask whether it fits where it is to run (bertjit verify --target)
#   BERTJIT=PATH     the program
set -eu

bertjit=${BERTJIT:-bertjit}
if [ $# -lt 2 ]; then
  echo "usage: release_gate.sh MODEL.pt SOURCE [REPORTS]" >&2
  exit 2
fi
model=$1
source=$2
reports=${3:-reports}
name=$(basename "$model" .pt)

mkdir -p "$reports"
rm -f "$reports/$name.sha512"

# Milliseconds: is it safe to load, and is it the file that was written?
"$bertjit" scan "$model"
if [ -e "$model.sha512" ]; then
  (cd "$(dirname "$model")" && "$bertjit" checksum -c "$(basename "$model").sha512")
fi

# Seconds: is it the model that it was made from?
"$bertjit" verify "$model" --source "$source" --check-shapes 1x7,3x19 ${TARGET:+--target "$TARGET"} \
  --html "$reports/$name.html" --junit "$reports/$name.xml"

(cd "$(dirname "$model")" && "$bertjit" checksum "$(basename "$model")") > "$reports/$name.sha512"
echo "release_gate.sh: $model: may be shipped; its digest is in $reports/$name.sha512"
