#!/usr/bin/env bash
# Fuzzes the parsers: scripts/fuzz.sh [--time SECONDS] [--jobs N] [TARGET]..., all targets by default, 60 s of processor
# time each, one at a time. Prints executions, coverage and what was found; exit 1 if anything was.
#
# Targets: tools/fuzz/*.cpp. They are built in build/fuzz with clang (CXX, else the newest there is). A corpus stays in
# build/fuzz/corpus/TARGET and grows from run to run; inputs that crash, hang, leak, or take more memory than they may are
# kept in build/fuzz/crashes/TARGET. `build/fuzz/bin/fuzz_TARGET FILE` runs one again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
seconds=60 jobs=1 targets=()
while (($#)); do
  case $1 in
    --time) seconds=${2:?--time takes seconds} && shift ;;
    --jobs) jobs=${2:?--jobs takes a number} && shift ;;
    -*)
      echo "usage: scripts/fuzz.sh [--time SECONDS] [--jobs N] [TARGET]..." >&2
      exit 2
      ;;
    *) targets+=("$1") ;;
  esac
  shift
done
all=$(sed -n 's/^bertjit_fuzz_target(\([a-z_]*\).*/\1/p' tools/fuzz/CMakeLists.txt)
((${#targets[@]})) || mapfile -t targets <<<"$all"
for target in "${targets[@]}"; do
  grep -qx "$target" <<<"$all" || {
    echo "no fuzz target '$target'; there are: ${all//$'\n'/ }" >&2
    exit 2
  }
done

find_clang() {
  local name
  for name in ${CXX:-} clang++ clang++-{25..14}; do
    if [[ $name == *clang* ]] && command -v "$name"; then
      return
    fi
  done
  echo "no clang++ found; install clang and its libclang-rt (Debian: clang-19 libclang-rt-19-dev)" >&2
  exit 2
}

root=build/fuzz
mkdir -p "$root/logs"
clang=$(find_clang)
cmake --preset fuzz -DCMAKE_CXX_COMPILER="$clang" >"$root/configure.log" 2>&1 || {
  cat "$root/configure.log" >&2
  exit 2
}
cmake --build --preset fuzz --parallel "${BERTJIT_JOBS:-$(nproc)}" --target "${targets[@]/#/fuzz_}" >&2
python3 scripts/fuzz_seeds.py "$root/seeds"

# Files that targets write and read go to memory where there is a file system for that.
TMPDIR=$(mktemp -d -p "$([[ -w /dev/shm ]] && echo /dev/shm || echo "${TMPDIR:-/tmp}")" bertjit-fuzz.XXXXXX)
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT

# An input has at most 64 KiB, and deflate makes at most 66 MB of that: a larger request believed a declared size.
limits=(-max_len=65536 -timeout=5 -rss_limit_mb=2048 -malloc_limit_mb=80)

run_target() {
  local target=$1 dictionary
  mkdir -p "$root/corpus/$target" "$root/crashes/$target"
  local options=("${limits[@]}" -print_final_stats=1 -artifact_prefix="$root/crashes/$target/")
  for dictionary in tools/fuzz/*.dict; do
    # tokenizer.dict is for tokenizer_json and tokenizer_files.
    [[ $target == "$(basename "$dictionary" .dict)"* ]] && options+=(-dict="$dictionary")
  done
  "$root/bin/fuzz_$target" "${options[@]}" "$root/corpus/$target" "$root/seeds/$target" >"$root/logs/$target.log" 2>&1 &
  stop_after_cpu_time $!
  wait $!
}

# libFuzzer's own -max_total_time is of the clock: on a busy machine it would count what the fuzzer waited. A fuzzer ends by
# itself, with its last numbers, on SIGUSR1.
stop_after_cpu_time() {
  local spent
  while spent=$(ps -o cputimes= -p "$1"); do
    if ((spent >= seconds)); then
      kill -USR1 "$1" 2>/dev/null || true
      return
    fi
    sleep 1
  done
}

# One line: the last numbers that libFuzzer printed.
report_target() {
  local target=$1 exit_code=$2 log=$root/logs/$1.log
  local runs coverage found
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -1)
  coverage=$(grep -o 'cov: [0-9]* ft: [0-9]* corp: [0-9]*' "$log" | tail -1 || true)
  found=$(ls -A "$root/crashes/$target" | wc -l)
  printf '%-16s %10s runs  %-34s %s kept in crashes/, exit %s\n' "$target" "${runs:-?}" "$coverage" "$found" "$exit_code"
}

run_and_report() {
  local exit_code=0
  run_target "$1" || exit_code=$?
  report_target "$1" "$exit_code"
  return "$exit_code"
}

failed=0
running=0
for target in "${targets[@]}"; do
  if ((running == jobs)); then
    wait -n || failed=1
    running=$((running - 1))
  fi
  run_and_report "$target" &
  running=$((running + 1))
done
while ((running)); do
  wait -n || failed=1
  running=$((running - 1))
done
exit "$failed"
