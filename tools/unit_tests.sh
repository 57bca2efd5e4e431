#!/usr/bin/env bash
# Runs the unit tests' programs that are built, each whole in one process:
#
#   tools/unit_tests.sh FOLDER [FILTER]      FOLDER: a build folder; FILTER: GoogleTest's
#
# EMULATOR names a program that runs them, such as qemu-aarch64-static. What each says is in FOLDER/NAME_test.log. The last line counts
# what ran: "N passed, N failed, N skipped".
set -euo pipefail
folder=$1 filter=${2:-*}
tools=$(cd "$(dirname "$0")" && pwd)
export HRE_TEST_MODELS=${HRE_TEST_MODELS:-$(sed -n 's/^HRE_DEPS:PATH=//p' "$folder/CMakeCache.txt")/models}
export OMP_WAIT_POLICY=passive  # of any OpenMP; threads that wait awake are in the way of other programs' threads
programs=("$folder"/src/*_test)
# shellcheck disable=SC2016
printf '%s\n' "${programs[@]##*/}" | xargs -P "$("$tools/jobs.sh")" -I{} sh -c \
  '$4 "$1/src/$3" --gtest_brief=1 --gtest_filter="$2" >"$1/$3.log" 2>&1; echo "status $?" >>"$1/$3.log"' \
  sh "$folder" "$filter" {} "${EMULATOR:-}"

# count LOG WHAT: the number in a program's line "[ WHAT ] N tests".
count() { sed -n "s/^\[ *$2 *\] \([0-9]*\) tests\?\(\.\|, listed.*\)$/\1/p" "$1" | grep . || echo 0; }
passed=0 failed=0 skipped=0
for program in "${programs[@]##*/}"; do
  log=$folder/$program.log
  passed=$((passed + $(count "$log" PASSED))) skipped=$((skipped + $(count "$log" SKIPPED)))
  [ "$(tail -1 "$log")" != "status 0" ] || continue
  n=$(count "$log" FAILED)
  failed=$((failed + (n > 0 ? n : 1)))  # none where the program ended before it counted
  printf 'failed: %s\n' "$program"
  head -60 "$log"
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
