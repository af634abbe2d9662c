#!/usr/bin/env bash
# Formats the C++ files with clang-format; `scripts/format.sh --check` only says which differ (exit 1).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
case ${1:-} in
  '') action=(-i) ;;
  --check) action=(--dry-run -Werror) ;;
  *)
    echo "usage: scripts/format.sh [--check]" >&2
    exit 2
    ;;
esac

scripts/setup.sh --format
git ls-files -z --cached --others --exclude-standard '*.cpp' '*.h' | xargs -0 -r clang-format "${action[@]}" || exit 1
