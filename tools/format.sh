#!/usr/bin/env bash
# Formats the sources: C++ by clang-format 14 (.clang-format), Python by ruff (pyproject.toml), the page's JavaScript by biome (biome.json).
#
#   tools/format.sh [--check]      --check: says which are not formatted, and changes none
#
# Fetches ruff and biome on its first call. Ends with status 1 if a source is not formatted, 77 where a formatter can't be had.
set -euo pipefail
cd "$(dirname "$0")/.."
case ${1:-} in
  --check) cpp=(--dry-run --Werror) python=(--diff) page=() ;;
  "") cpp=(-i) python=() page=(--write) ;;
  *) sed -n '2,6s/^# \?//p' "$0"; exit 2 ;;
esac
status=0
if command -v clang-format-14 >/dev/null; then  # other versions format otherwise
  git ls-files -z -co --exclude-standard '*.cc' '*.h' | xargs -0 clang-format-14 "${cpp[@]}" || status=1
else
  echo "format: clang-format-14 is not installed"
  status=77
fi
deps=${HRE_LINT_DEPS:-${HRE_DEPS:-build/deps}}
HRE_DEPS=$deps tools/setup.sh lint || exit 77
"$deps/lint/bin/ruff" format --quiet "${python[@]}" . || status=1
"$deps/lint/bin/biome" format "${page[@]}" src/report/page/*.js || status=1
exit "$status"
