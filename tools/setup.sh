#!/usr/bin/env bash
# Brings a fresh machine to the point where CMake can configure hre.
#
#   tools/setup.sh [packages|engine|arrow]...      without arguments: all of them
#
# packages  the Debian packages of third_party/debian.txt (by apt-get, where it may)
# engine    libllama and ggml, built from the archive of third_party/pypi.lock
# arrow     Arrow's and Parquet's C++ libraries, from the wheel of third_party/pypi.lock
#
# What is fetched or built stays under build/deps; a part whose inputs have not changed is
# left alone. HRE_DEPS names another folder for it (to share one among several checkouts).
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
deps=${HRE_DEPS:-$root/build/deps}
lock=$root/third_party/pypi.lock
mkdir -p "$deps"

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

# Prints the hash of everything that a part depends on; a part is done when its stamp holds it.
inputs_of() { { sed -n '/^run_'"$1"'()/,/^}/p' "$root/tools/setup.sh"; cat "$2"; uname -m; } | sha256sum | cut -d' ' -f1; }

pinned() {  # pinned NAME...: these lines of the lock, for pip
  local name
  for name in "$@"; do grep "^$name==" "$lock" || fail "$name is not in third_party/pypi.lock"; done
}

pip_env() {
  [ -x "$deps/python/bin/pip" ] && return
  python3 -m venv "$deps/python" || fail "python3 cannot make an environment: install python3-venv"
}

run_packages() {
  local wanted missing=()
  command -v dpkg-query >/dev/null || { say "no dpkg here: see third_party/debian.txt for what the build needs"; return; }
  wanted=$(grep -v '^#' "$root/third_party/debian.txt")
  for package in $wanted; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  local as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo -n)
  if ! "${as_root[@]}" true 2>/dev/null || ! command -v apt-get >/dev/null; then
    fail "missing packages: ${missing[*]}. Install them (apt-get install ${missing[*]}) and run this again."
  fi
  say "installing ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

run_arrow() {
  pip_env
  local machine download=$deps/download
  machine=$(uname -m)
  rm -rf "$deps/arrow" "$download"/pyarrow-*
  say "fetching Arrow"
  "$deps/python/bin/pip" download -q --disable-pip-version-check --no-deps --require-hashes \
    --only-binary=:all: --python-version 3.11 --implementation cp --abi cp311 --platform "manylinux_2_28_$machine" \
    -d "$download" -r <(pinned pyarrow)
  python3 - "$download"/pyarrow-*.whl "$deps/arrow" <<'PY'
"""Takes the C++ headers, the libraries and the licences out of the wheel."""
import pathlib, re, sys, zipfile
wheel, out = zipfile.ZipFile(sys.argv[1]), pathlib.Path(sys.argv[2])
for name in wheel.namelist():
    if name.endswith("/"):
        continue
    if name.startswith("pyarrow/include/") and not name.startswith("pyarrow/include/arrow/python"):
        target = out / "include" / name.removeprefix("pyarrow/include/")
    elif re.fullmatch(r"pyarrow/lib(arrow|parquet)\.so\.\d+", name):
        target = out / "lib" / name.removeprefix("pyarrow/")
    elif "/licenses/" in name:
        target = out / "licenses" / name.split("/licenses/")[1]
    else:
        continue
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(wheel.read(name))
PY
  rm "$download"/pyarrow-*.whl
}

run_engine() {
  pip_env
  local download=$deps/download source=$deps/llama.cpp work=$deps/llama.cpp-build
  rm -rf "$deps/engine" "$source" "$work" "$download"/llama_cpp_python-*
  say "fetching llama.cpp"
  "$deps/python/bin/pip" install -q --disable-pip-version-check --require-hashes -r <(pinned scikit_build_core packaging pathspec)
  "$deps/python/bin/pip" download -q --disable-pip-version-check --no-deps --no-binary=:all: --no-build-isolation \
    --require-hashes -d "$download" -r <(pinned llama_cpp_python)
  mkdir -p "$source"
  tar xzf "$download"/llama_cpp_python-*.tar.gz -C "$source" --strip-components=3 \
    --wildcards '*/vendor/llama.cpp/*' --exclude='*/vendor/llama.cpp/models/*' --exclude='*/tools/ui/*'
  rm "$download"/llama_cpp_python-*.tar.gz
  say "building libllama (some minutes)"
  # Static and position independent: it ends up inside libhre.so.
  cmake -S "$source" -B "$work" -G Ninja -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF \
    -DCMAKE_POSITION_INDEPENDENT_CODE=ON -DCMAKE_INSTALL_PREFIX="$deps/engine" -DCMAKE_INSTALL_LIBDIR=lib \
    -DLLAMA_BUILD_NUMBER=0 -DLLAMA_BUILD_COMMIT="$(pinned llama_cpp_python | sed 's/ .*//; s/==/-/')" \
    -DLLAMA_BUILD_COMMON=OFF -DLLAMA_BUILD_TOOLS=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF \
    -DLLAMA_BUILD_SERVER=OFF -DLLAMA_BUILD_APP=OFF ${HRE_ENGINE_OPTIONS:-} >"$deps/engine.log" 2>&1 &&
  cmake --build "$work" >>"$deps/engine.log" 2>&1 &&
  cmake --install "$work" >>"$deps/engine.log" 2>&1 ||
    { tail -20 "$deps/engine.log" >&2; fail "libllama did not build; the whole log is $deps/engine.log"; }
  rm -rf "$work"
}

# A part that is being set up by another process is waited for.
exec 9>"$deps/lock"
if command -v flock >/dev/null; then flock 9; fi
[ $# -gt 0 ] || set -- packages engine arrow
for part in "$@"; do
  case $part in
    packages) stamped_file=$root/third_party/debian.txt ;;
    engine | arrow) stamped_file=$lock ;;
    *) fail "unknown part '$part': it is packages, engine or arrow" ;;
  esac
  inputs="$(inputs_of "$part" "$stamped_file") ${HRE_ENGINE_OPTIONS:-}"
  [ "$(cat "$deps/$part.stamp" 2>/dev/null)" = "$inputs" ] && continue
  "run_$part"
  printf '%s' "$inputs" >"$deps/$part.stamp"
done
