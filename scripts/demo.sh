#!/usr/bin/env bash
# Shows the main job on the tiny model of testdata/: trace a checkpoint, write its checksum, verify the file.
# Needs no network once set up; writes only into a temporary folder.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/build.sh release bertjit
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
ln -s "$PWD/testdata" "$folder/testdata"
PATH=$PWD/build:$PATH
cd "$folder"

show() {
  printf '\n$ %s\n' "$1"
  bash -c "$1"
}

show 'bertjit trace testdata/tiny-bert -o traced_bert.pt'
show 'bertjit checksum traced_bert.pt > SHA512SUMS'
show 'cat SHA512SUMS'
show 'bertjit verify traced_bert.pt --source testdata/tiny-bert'
