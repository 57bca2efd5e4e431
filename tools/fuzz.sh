#!/usr/bin/env bash
# Runs each fuzz target for SECONDS (default 60): tools/fuzz.sh [SECONDS] [NAME]...
# Inputs that were found to matter are kept in build/fuzz/corpus/NAME; one that breaks something stays
# in build/fuzz/findings, and the script ends with status 1. Inputs may grow to 64 KiB, deep enough for nested ones. Needs clang with its fuzzer runtime.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
shift || true

works=$(mktemp -d)
trap 'rm -rf "$works"' EXIT
printf 'extern "C" int LLVMFuzzerTestOneInput(const char*, long) { return 0; }\n' >"$works/probe.cc"
if ! clang++ -fsanitize=fuzzer "$works/probe.cc" -o "$works/probe" 2>/dev/null; then
  echo "fuzz: skipped: no clang++ with libFuzzer here (Debian: clang and libclang-rt-14-dev)"
  exit 0
fi

tools/setup.sh
[ -f build/fuzz/build.ninja ] || cmake --preset fuzz
cmake --build build/fuzz -j "$(tools/jobs.sh)"

status=0 ran=0
for program in build/fuzz/fuzz/fuzz_*; do
  [ -f "$program" ] || continue
  name=${program##*/fuzz_}
  [ $# -eq 0 ] || [[ " $* " == *" $name "* ]] || continue
  ran=$((ran + 1))
  corpus=build/fuzz/corpus/$name
  mkdir -p "$corpus" build/fuzz/findings
  seeds=()
  [ ! -d "fuzz/seeds/$name" ] || seeds=("fuzz/seeds/$name")
  echo "fuzz: $name for $seconds s"
  if "$program" -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=20 -max_len=65536 -print_final_stats=1 \
    -artifact_prefix="build/fuzz/findings/$name-" "$corpus" "${seeds[@]}" >"build/fuzz/$name.log" 2>&1; then
    grep -E 'number_of_executed_units' "build/fuzz/$name.log" || true
  else
    tail -40 "build/fuzz/$name.log"
    echo "fuzz: $name FAILED; the whole log is build/fuzz/$name.log, the input is in build/fuzz/findings"
    status=1
  fi
done
echo "fuzz: $ran targets run"
[ "$ran" -gt 0 ] && exit "$status"
exit 1
