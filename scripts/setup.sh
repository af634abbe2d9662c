#!/usr/bin/env bash
# Installs what bertjit needs and is missing; says nothing where nothing is.
#
#   scripts/setup.sh             tools and libraries (Debian packages), libtorch (from pip, into .deps/venv)
#   scripts/setup.sh --peers     also .deps/peers: the Python programs of make_testdata.py and bench.sh
#   scripts/setup.sh --format    also clang-format
#
# TORCH_DIR (a folder that holds share/cmake/Torch) or CMAKE_PREFIX_PATH name a libtorch >= 2.6 to use instead of pip's.
# BERTJIT_ACCEPT_CUDA=1 lets pip bring a CUDA build, which is refused otherwise.
# Exit: 0 all there, 2 something is missing and could not be installed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly log=.deps/setup.log

say() { printf 'setup: %s\n' "$*" >&2; }
fail() {
  say "$@"
  exit 2
}
logged() {
  "$@" >>"$log" 2>&1 || {
    tail -n 20 "$log" >&2
    fail "failed: $* (the whole output is in $log)"
  }
}

# --- libtorch: given, or in a virtual environment of ours ---

given_torch() {
  local prefix
  if [[ -n ${TORCH_DIR:-} ]]; then
    [[ -f $TORCH_DIR/share/cmake/Torch/TorchConfig.cmake ]] ||
      fail "TORCH_DIR=$TORCH_DIR holds no share/cmake/Torch/TorchConfig.cmake, so it is no libtorch"
    return 0
  fi
  while IFS= read -r -d : prefix; do
    [[ -n $prefix ]] || continue
    [[ -f $prefix/share/cmake/Torch/TorchConfig.cmake || -f $prefix/Torch/TorchConfig.cmake ]] && return 0
  done <<<"${CMAKE_PREFIX_PATH:-}:"
  return 1
}

# An environment is a line: its folder, then pip's requirements. None of the words holds a space, so it is split unquoted.
# The stamp is written last, so an interrupted install is taken up again.
environment_ready() {
  local folder=$1
  shift
  [[ -f $folder/.installed && $(<"$folder/.installed") == "$*" ]]
}

refuse_cuda() {
  local python=$1 report size
  shift
  report=$("$python" -m pip install -qq --dry-run --ignore-installed --use-feature=fast-deps --report - "$@" \
    2>>"$log") || fail "pip cannot install $* (see $log)"
  size=$("$python" scripts/cuda_download.py <<<"$report")
  [[ -n $size ]] || return 0
  if [[ ${BERTJIT_ACCEPT_CUDA:-} == 1 ]]; then
    say "taking a CUDA build of libtorch: $size to download; CMake will also ask for a CUDA toolkit"
    return 0
  fi
  cat >&2 <<END
setup: pip would bring a CUDA build of libtorch: $size to download, and more on the disk.
bertjit runs on the CPU. Choose one:
  TORCH_DIR=/path/to/libtorch $0
      a CPU libtorch >= 2.6, e.g. the unpacked "LibTorch, C++, CPU" zip of pytorch.org
  PIP_EXTRA_INDEX_URL=URL $0
      a package index with CPU wheels, as pytorch.org lists for "Pip, CPU"; or PIP_FIND_LINKS=FOLDER with such a wheel
  BERTJIT_ACCEPT_CUDA=1 $0
      the CUDA build all the same
END
  exit 2
}

install_environment() {
  local folder=$1
  shift
  say "installing $* into $folder"
  logged python3 -m venv "$folder"
  # Before pip 24 a dry run downloads every wheel, gigabytes for a CUDA build.
  logged "$folder/bin/python" -m pip install -qq --upgrade 'pip>=24'
  refuse_cuda "$folder/bin/python" "$@"
  logged "$folder/bin/python" -m pip install -qq "$@"
  printf '%s' "$*" >"$folder/.installed"
}

# --- Debian packages ---

version_at_least() {
  printf '%s\n%s\n' "$1" "$2" | sort -VC
}

missing_headers() {
  g++ -std=c++20 -E -P -x c++ - <<'END'
#if !__has_include(<nlohmann/json.hpp>)
nlohmann-json3-dev
#endif
#if !__has_include(<CLI/CLI.hpp>)
libcli11-dev
#endif
#if !__has_include(<catch2/catch.hpp>)
catch2
#endif
#if !__has_include(<openssl/evp.h>)
libssl-dev
#endif
#if !__has_include(<unicode/unistr.h>)
libicu-dev
#endif
#if !__has_include(<zlib.h>)
zlib1g-dev
#endif
END
}

missing_packages() {
  if version_at_least 12 "$(g++ -dumpversion 2>/dev/null)"; then
    missing_headers
  else
    printf '%s\n' g++ nlohmann-json3-dev libcli11-dev catch2 libssl-dev libicu-dev zlib1g-dev
  fi
  version_at_least 3.25 "$(cmake --version 2>/dev/null | grep -om1 '[0-9][0-9.]*')" || echo cmake
  command -v ninja >/dev/null || echo ninja-build
  command -v ccache >/dev/null || echo ccache
  if ((format)); then
    command -v clang-format >/dev/null || echo clang-format
  fi
  if ((${#environments[@]})); then
    python3 -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
  fi
}

install_packages() {
  local missing
  mapfile -t missing < <(missing_packages)
  ((${#missing[@]})) || return 0
  command -v apt-get >/dev/null || fail "missing (Debian's names): ${missing[*]}"
  ((EUID == 0)) || fail "missing packages; run: sudo apt-get install --no-install-recommends ${missing[*]}"
  say "installing Debian packages: ${missing[*]}"
  apt-get update -qq >>"$log" 2>&1 || say "apt-get update failed (see $log); going on with the lists at hand"
  DEBIAN_FRONTEND=noninteractive logged apt-get install -y --no-install-recommends "${missing[@]}"
  hash -r
  mapfile -t missing < <(missing_packages)
  ((${#missing[@]} == 0)) || fail "still missing after the installation, or too old: ${missing[*]}"
}

peers=0 format=0
for argument in "$@"; do
  case $argument in
    --peers) peers=1 ;;
    --format) format=1 ;;
    *) fail "unknown argument '$argument'; known: --peers --format" ;;
  esac
done

# What bench.sh compares networks with, and plots with.
readonly runtimes="onnx==1.23.2 onnxruntime==1.32.0 ctranslate2==4.8.5 matplotlib"
wanted=()
given_torch || wanted+=(".deps/venv torch==2.13.0 numpy jsonschema")
((!peers)) || wanted+=(".deps/peers torch==2.13.0 numpy transformers==4.57.6 safetensors sentencepiece protobuf $runtimes")
environments=()
for environment in "${wanted[@]}"; do
  # shellcheck disable=SC2086
  environment_ready $environment || environments+=("$environment")
done

mkdir -p .deps
install_packages
for environment in "${environments[@]}"; do
  # shellcheck disable=SC2086
  install_environment $environment
done
