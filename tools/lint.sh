#!/usr/bin/env bash
# Likely mistakes in Python (ruff, by pyproject.toml) and in the page's JavaScript (biome). The scripts share one scope, so that
# they are looked at as one file, as the page has them: a name that none of them declares is an error.
# Fetches the linters on its first call. Ends with status 1 and the mistakes, 77 where the linters can't be had.
set -euo pipefail
cd "$(dirname "$0")/.."
deps=${HRE_LINT_DEPS:-${HRE_DEPS:-build/deps}}
HRE_DEPS=$deps tools/setup.sh lint || exit 77
status=0
"$deps/lint/bin/ruff" check . || status=1

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
pages=(src/report/page/[!m]*.js src/report/page/main.js)
cat "${pages[@]}" >"$work/page.js"
"$deps/lint/bin/biome" lint --config-path=biome.json --error-on-warnings "$work/page.js" || status=1
exit "$status"
