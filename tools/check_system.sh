#!/usr/bin/env bash
# Builds hre in the root folder of another Debian, and runs its unit tests and some end-to-end tests there.
#
#   debootstrap --variant=minbase trixie ROOT
#   tools/check_system.sh ROOT [--clang | --arm64] [TEST]...
#
# --clang   compiled by clang; default: g++
# --arm64   compiled for 64-bit ARM by Debian's cross compiler; the tests run under qemu-user
# TEST      end-to-end tests (default: test_cli test_numbers test_runs test_compare test_gate)
#
# The root gets the packages of third_party/debian.txt. Everything else is done by a user without rights, who sees the checkout
# read-only at /hre; what is fetched and built stays in ROOT/build-*, so that the next call builds what changed. Needs root and
# the network. HRE_DEPS=FOLDER takes the engine, Arrow and oneDNN from there instead of building them with this system's compiler.
# BUILD_TYPE is CMake's (default: Release). FILTER=PATTERN, GoogleTest's, leaves out unit tests: statistics of many repetitions take long under qemu, for example.
# The last line counts: "N passed, N failed, N skipped".
set -euo pipefail
[ $# -ge 1 ] || { sed -n '2,16s/^# //p' "$0"; exit 2; }
cd "$(dirname "$0")/.."
root=$(realpath "$1")
shift
kind=gcc
case ${1:-} in --clang | --arm64)
  kind=${1#--}
  shift
  ;;
esac
tests=("$@")
[ ${#tests[@]} -gt 0 ] || tests=(test_cli test_numbers test_runs test_compare test_gate)
[ "$(id -u)" -eq 0 ] || { echo "check_system: skipped: chroot needs root"; exit 77; }

mounts=()
unmount() {
  local i
  for ((i = ${#mounts[@]} - 1; i >= 0; --i)); do umount "${mounts[i]}"; done
}
trap unmount EXIT
mkdir -p "$root/hre" "$root/build-deps" "$root/build-$kind" "$root/tmp/home"
mount -t proc proc "$root/proc"
mounts+=("$root/proc")
mount --bind "$PWD" "$root/hre"
mounts+=("$root/hre")
mount -o remount,ro,bind "$root/hre"
if [ -n "${HRE_DEPS:-}" ]; then
  mkdir -p "$root/parts"
  mount --bind "$HRE_DEPS" "$root/parts"
  mounts+=("$root/parts")
  mount -o remount,ro,bind "$root/parts"
fi
for node in null zero urandom tty; do [ -e "$root/dev/$node" ] || cp -a "/dev/$node" "$root/dev/"; done
cp /etc/resolv.conf /etc/hosts "$root/etc/"
cp "${PIP_CERT:-/etc/ssl/certs/ca-certificates.crt}" "$root/build-deps/certificates.crt"

# Runs the script of stdin in the root: inside USER WORD...
inside() {
  local user=$1
  shift
  chroot --userspec="$user" "$root" /usr/bin/env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp/home LANG=C.UTF-8 \
    DEBIAN_FRONTEND=noninteractive PIP_CERT=/build-deps/certificates.crt PIP_DISABLE_PIP_VERSION_CHECK=1 \
    JOBS="${JOBS:-$(tools/jobs.sh)}" KIND="$kind" PARTS="${HRE_DEPS:-}" FILTER="${FILTER:-*}" BUILD_TYPE="${BUILD_TYPE:-Release}" bash -euo pipefail -s -- "$@"
}

inside root:root <<'IN'
apt-get update -qq
packages=$(sed 's/#.*//' /hre/third_party/debian.txt)
case $KIND in
  clang) packages+=" clang libomp-dev" ;;
  arm64)
    dpkg --add-architecture arm64
    apt-get update -qq
    native=$(sed 's/#.*//; /^lib/d; /-dev$/d' /hre/third_party/debian.txt)
    libraries=$(apt-cache show --no-all-versions $(sed -n '/^lib/p; /-dev$/p' /hre/third_party/debian.txt) |
      awk '/^Package:/ { name = $2 } /^Architecture:/ { print name ($2 == "all" ? "" : ":arm64") }')
    packages="$native $libraries g++-aarch64-linux-gnu qemu-user-static"
    ;;
esac
apt-get install -y -qq --no-install-recommends $packages >/build-deps/packages.log 2>&1 || { tail -20 /build-deps/packages.log; exit 1; }
chown -R nobody:nogroup /build-deps "/build-$KIND" /tmp/home
. /etc/os-release
echo "$PRETTY_NAME: $(g++ --version | head -1), CMake $(cmake --version | sed -n '1s/.* //p')$(! command -v clang++ >/dev/null || clang++ --version | sed -n '1s/^/, /p')"
IN

inside nobody:nogroup "${tests[@]}" <<'IN'
cd /hre
options=(-DCMAKE_BUILD_TYPE="$BUILD_TYPE" -DHRE_BUILD_PYTHON=OFF) emulator=
export HRE_DEPS=/build-deps/native
case $KIND in
  clang) options+=(-DCMAKE_CXX_COMPILER=clang++ -DCMAKE_C_COMPILER=clang) ;;
  arm64)
    emulator=qemu-aarch64-static
    export HRE_DEPS=/build-deps/arm64 HRE_MACHINE=aarch64
    export HRE_ENGINE_OPTIONS="-DCMAKE_TOOLCHAIN_FILE=/hre/cmake/aarch64.cmake -DGGML_NATIVE=OFF -DCMAKE_BUILD_TYPE=$BUILD_TYPE"
    options+=(--toolchain /hre/cmake/aarch64.cmake)
    ;;
esac
if [ -n "$PARTS" ]; then export HRE_DEPS=/parts; else tools/setup.sh engine onednn arrow; fi
cmake -S . -B "/build-$KIND" -G Ninja "${options[@]}" >"/build-$KIND/cmake.log" || { tail -20 "/build-$KIND/cmake.log"; exit 1; }
cmake --build "/build-$KIND" -j "$JOBS" --target hre_program unit_tests >"/build-$KIND/build.log" || { tail -60 "/build-$KIND/build.log"; exit 1; }
$emulator "/build-$KIND/src/hre" --version
$emulator "/build-$KIND/src/hre" eval models/hre-base-q8_0.gguf --data sample --topic python --limit 2 --store none --quiet

units=$(EMULATOR=$emulator tools/unit_tests.sh "/build-$KIND" "$FILTER") || true
echo "$units"
ends="0 passed, 0 failed, 0 skipped"
if [ -z "$emulator" ]; then
  status=0
  names=$(printf '|%s' "${@#test_}")
  ctest --test-dir "/build-$KIND" -j "$JOBS" -R "^e2e\.(${names#|})\$" --no-tests=error --output-junit ends.xml \
    --test-output-size-passed 65536 >"/build-$KIND/ends.log" 2>&1 || status=$?
  ends=$(tools/count_tests.py "/build-$KIND/ends.xml" "$status")
  echo "$ends"
fi
printf '%s\n%s\n' "$(tail -1 <<<"$units")" "$(tail -1 <<<"$ends")" |
  awk '{ passed += $1; failed += $3; skipped += $5 } END { print passed " passed, " failed " failed, " skipped " skipped"; exit failed > 0 }'
IN
