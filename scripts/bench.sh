#!/usr/bin/env bash
# Measures bertjit against the programs it replaces and those that compete with it: a table on stdout, every sample in
# build/bench/bench.json, and of a whole run docs/benchmarks.md with its plots. Half an hour on a machine that does
# nothing else. Options go to scripts/bench:
#
#   scripts/bench.sh                 everything
#   scripts/bench.sh --only verify   rows whose name holds that word; the page stays as it is
#   scripts/bench.sh --runs 3        runs of each side, of whole processes
#   scripts/bench.sh --page          the page again, of the last whole run
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup.sh --peers
scripts/build.sh
exec .deps/peers/bin/python scripts/bench "$@"
