#!/usr/bin/env bash
# What is too long for every change, one part after the other, all of them whatever fails; then a line for each.
#
#   tools/nightly.sh [PART]...      default: asan tsan tidy fuzz simulations alarms engine servers dist links pins
#
# asan, tsan     every test under the sanitizers (presets asan-ubsan and tsan, built first)
# tidy           clang-tidy on every source
# fuzz           FUZZ_SECONDS (600) for each fuzz target
# simulations    the full counts of what the unit tests check: coverage, calibration, gates
# alarms         ratios of speeds against those kept in bench/ratios.json
# engine         the newest llama.cpp that PyPI has (make engine-check)
# servers        models behind the real llama-server, which is built first
# dist           make dist; with HRE_PLAIN_ROOT=ROOT, the root folder of a plain Debian, what it made is run there
# links, pins    addresses in the documents, and known vulnerabilities of what is pinned: both need the network
#
# Ends with status 1 if a part fails. What each says is in build/nightly/PART.log.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
mkdir -p build/nightly
[ $# -gt 0 ] || set -- asan tsan tidy fuzz simulations alarms engine servers dist links pins

bench() { cmake --preset release -DHRE_BUILD_BENCH=ON >/dev/null && cmake --build build/release -j "$(tools/jobs.sh)" --target "$@"; }

part() {
  case $1 in
    asan | tsan) make "$1" ;;
    tidy) tools/setup.sh && tools/tidy.py --jobs "$(tools/jobs.sh)" ;;
    fuzz) tools/fuzz.sh "${FUZZ_SECONDS:-600}" ;;
    simulations)
      tools/setup.sh && bench bench_stats_simulation || return 1
      local program=build/release/bench/bench_stats_simulation status=0
      "$program" || status=1
      "$program" --calibration || status=1
      "$program" --gates || status=1
      return "$status"
      ;;
    alarms)
      tools/setup.sh packages engine onednn arrow tests && bench hre_program bench_stats_bench bench_stackexchange_read || return 1
      bench/alarms.py
      ;;
    engine) make engine-check ;;
    servers)
      tools/setup.sh packages engine onednn arrow tests llama-server && bench hre_program || return 1
      ctest --test-dir build/release -R '^e2e\.llama_server$' --output-on-failure --no-tests=error
      ;;
    dist)
      make dist || return 1
      if [ -z "${HRE_PLAIN_ROOT:-}" ]; then
        echo "dist: skipped: HRE_PLAIN_ROOT names no root folder of a plain Debian, so that nothing was run there"
        return 0
      fi
      tools/check_dist.sh "$HRE_PLAIN_ROOT" && tools/check_dockerfile.py --base "$HRE_PLAIN_ROOT"
      ;;
    links) tools/check_links.py --external ;;
    pins) tools/check_pins.py ;;
    *)
      echo "there is no part $1"
      return 1
      ;;
  esac
}

failed=0 lines=()
for name in "$@"; do
  printf '\n== %s\n' "$name"
  started=$SECONDS status=0
  part "$name" >"build/nightly/$name.log" 2>&1 || status=$?
  tail -5 "build/nightly/$name.log"
  case $status in
    0) said=passed ;;
    77) said=skipped ;;
    *) said=FAILED failed=$((failed + 1)) ;;
  esac
  # A part that could do nothing is no success: the fuzz targets need clang, for example.
  if [ "$status" -eq 0 ] && grep -q '^[a-z]*: skipped: ' "build/nightly/$name.log"; then said=skipped; fi
  lines+=("$(printf '%-12s %-8s %5d s' "$name" "$said" $((SECONDS - started)))")
done
printf '\n'
printf '%s\n' "${lines[@]}"
[ "$failed" -eq 0 ]
