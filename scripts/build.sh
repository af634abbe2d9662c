#!/usr/bin/env bash
# Builds bertjit and its tests: scripts/build.sh [release|debug|asan|tsan] [TARGET...]; with targets, only those (bertjit is
# the program). Leaves a link build/bertjit to the release program.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
preset=${1:-release}
targets=("${@:2}")

scripts/setup.sh
mkdir -p build
cmake --preset "$preset" >"build/$preset.log" 2>&1 || {
  cat "build/$preset.log" >&2
  exit 2
}
cmake --build --preset "$preset" --parallel "$(nproc)" ${targets:+--target "${targets[@]}"}
if [[ $preset == release ]]; then
  ln -sfn release/bin/bertjit build/bertjit
fi
