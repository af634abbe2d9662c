#!/usr/bin/env bash
# Builds and runs the tests: scripts/test.sh [release|debug|asan] [CTEST OPTION]..., e.g. scripts/test.sh -L unit
# Labels: unit (no libtorch, seconds), model (libtorch), cli (the whole program). Exit code of ctest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
preset=release
case ${1:-} in
  release | debug | asan)
    preset=$1
    shift
    ;;
esac

scripts/build.sh "$preset"
exec ctest --preset "$preset" --parallel "$(nproc)" --no-tests=error "$@"
