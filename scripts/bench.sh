#!/usr/bin/env bash
# Measures bertjit against the programs it replaces: a table on stdout, build/bench/bench.json beside it.
# Options go to scripts/bench.py (--runs N, --only NAME).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup.sh --peers
scripts/build.sh
exec python3 scripts/bench.py "$@"
