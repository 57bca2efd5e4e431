#!/usr/bin/env bash
# Whether hre works with the newest llama.cpp that PyPI has, for whoever moves the pin of third_party/pypi.lock:
# third_party/engine.patch must fit, libllama and hre must build, and the models' tests must pass.
#
#   tools/engine_check.sh [VERSION]     without one, the newest llama_cpp_python
#
# All that is made lies under build/engine-check; the checkout's own build/deps is used for the rest, and left alone.
# Ends with status 0 where the pin may be moved, and prints the line for the lock.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
folder=$root/build/engine-check
own=${HRE_DEPS:-$root/build/deps}

say() { printf 'engine-check: %s\n' "$*" >&2; }

HRE_DEPS=$own tools/setup.sh packages onednn arrow tests models
mkdir -p "$folder/deps" "$folder/archive"
own=$(cd "$own" && pwd)

# The archive's name and hash become a line of a lock of their own.
python3 -m venv "$folder/python"
pip=("$folder/python/bin/python" -m pip --disable-pip-version-check -q)
"${pip[@]}" install --require-hashes -r <(grep -E '^(scikit_build_core|packaging|pathspec)==' third_party/pypi.lock)
rm -f "$folder"/archive/*
"${pip[@]}" download --no-deps --no-binary=:all: --no-build-isolation -d "$folder/archive" "llama_cpp_python${1:+==$1}"
archive=$(ls "$folder"/archive/llama_cpp_python-*.tar.gz)
version=$(basename "$archive" .tar.gz)
version=${version#llama_cpp_python-}
line="llama_cpp_python==$version --hash=sha256:$(sha256sum "$archive" | cut -d' ' -f1)"
sed "s/^llama_cpp_python==.*/$line/" third_party/pypi.lock >"$folder/pypi.lock"
if cmp -s "$folder/pypi.lock" third_party/pypi.lock; then say "$version is what is pinned"; else say "trying $version"; fi

for part in onednn arrow test-python models; do
  [ ! -e "$own/$part" ] || ln -sfn "$own/$part" "$folder/deps/$part"
done
export HRE_DEPS=$folder/deps HRE_LOCK=$folder/pypi.lock
PIP_FIND_LINKS="$folder/archive ${PIP_FIND_LINKS:-}" tools/setup.sh engine

cmake --preset release -B "$folder/build" >"$folder/cmake.log"
cmake --build "$folder/build" -j "$(tools/jobs.sh)" --target hre_program model_test eval_test
say "libllama $version: the models' tests"
ctest --test-dir "$folder/build" -j "$(tools/jobs.sh)" --output-on-failure --no-tests=error \
  -R '^model\.|^e2e\.(models|model_files|real_models|streaming|isa|bench)$'
say "the pin may be moved; the line for third_party/pypi.lock:"
echo "$line"
