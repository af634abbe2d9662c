#!/usr/bin/env bash
# Builds bertjit and installs it: scripts/install.sh PREFIX, e.g. /usr/local or ~/.local. PREFIX/bin/bertjit is the program
# then; the tree may be moved. What runs models looks for libtorch when it runs (docs/install.md).
set -euo pipefail
if [[ $# != 1 || $1 == -* ]]; then
  echo "usage: scripts/install.sh PREFIX" >&2
  exit 2
fi
mkdir -p "$1"
prefix=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/build.sh release bertjit_package
cmake --install build/release --prefix "$prefix" >build/install.log || {
  cat build/install.log >&2
  exit 2
}
"$prefix/bin/bertjit" --version
