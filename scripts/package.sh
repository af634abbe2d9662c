#!/usr/bin/env bash
# Builds bertjit and packs it: a .deb, which declares what it depends on, and a .tar.gz, which may be unpacked anywhere.
# Prints their names; they are in build/release/packages.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/build.sh release bertjit_package
cpack --config build/release/CPackConfig.cmake >build/package.log 2>&1 || {
  cat build/package.log >&2
  exit 2
}
sed -n 's/^CPack: - package: \(.*\) generated\.$/\1/p' build/package.log
