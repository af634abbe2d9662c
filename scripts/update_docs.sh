#!/usr/bin/env bash
# Rewrites the output in the console blocks of README.md and docs/ where the program prints something else. Output that a
# block elides with "..." and digits within the test's tolerances stay as they are. Review the diff like code.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/build.sh
BERTJIT_UPDATE_DOCS=1 build/release/bin/bertjit_cli_tests 'docs: every console block prints what its page says'
