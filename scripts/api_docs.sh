#!/usr/bin/env bash
# Makes the reference of the library out of its headers, in build/api/html. A warning of Doxygen is an error (exit 1).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

command -v doxygen >/dev/null || {
  echo "no doxygen found; install it (Debian: doxygen)" >&2
  exit 2
}
mkdir -p build/api
doxygen docs/Doxyfile || exit 1
echo "build/api/html/index.html"
