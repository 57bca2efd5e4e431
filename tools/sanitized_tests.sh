#!/usr/bin/env bash
# The unit tests under the address and undefined-behaviour sanitizers, built by clang: also the proof that what clang builds works.
#
#   tools/sanitized_tests.sh [FILTER]      FILTER: GoogleTest's; default: all but statistics of many repetitions and real models,
#                                          which take minutes and touch memory in no other way (`make asan` runs them too)
#
# The engine and the libraries of wheels stay as they are. The last line counts what ran: "N passed, N failed, N skipped".
set -euo pipefail
cd "$(dirname "$0")/.."
filter=${1:--*Simulation*:*Calibration*:Gate.ErrSeldom*:Ceiling.*:Real/*}
folder=build/clang-asan

works=$(mktemp -d)
trap 'rm -rf "$works"' EXIT
echo 'int main() {}' >"$works/probe.cc"
if ! clang++ -fsanitize=address,undefined -fopenmp "$works/probe.cc" -o "$works/probe" 2>/dev/null; then
  echo "skipped: no clang++ with sanitizers and OpenMP here (Debian: clang, libclang-rt-14-dev and libomp-dev)"
  echo "0 passed, 0 failed, 1 skipped"
  exit 0
fi
[ -f "$folder/build.ninja" ] || cmake --preset clang-asan >/dev/null
if ! cmake --build "$folder" -j "$(tools/jobs.sh)" --target unit_tests >"$works/build.log"; then
  tail -40 "$works/build.log"
  echo "0 passed, 1 failed, 0 skipped"
  exit 1
fi
# What the engine allocates for its threads is held by those of libomp, where the sanitizer doesn't look.
echo 'leak:ggml_graph_compute' >"$works/suppressions"
LSAN_OPTIONS=suppressions=$works/suppressions:print_suppressions=0 UBSAN_OPTIONS=print_stacktrace=1 tools/unit_tests.sh "$folder" "$filter"
