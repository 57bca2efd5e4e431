#!/usr/bin/env bash
# Installs the wheel of build/wheels in a bare Debian, without compiler and without rights, and runs the Python tests on it there.
#
#   debootstrap --variant=minbase --include=python3-venv trixie ROOT
#   tools/check_wheels.sh ROOT [PACKAGES] [TEST]...
#
# PACKAGES is a site-packages folder for ROOT's version of Python with what third_party/pypi-test.txt and pypi-torch.txt name; tests
# that need them are skipped without, as are those that need the test data which HRE_TEST_DATA names. TESTs default to test_python and
# test_torch. Needs root for the mounts and chroot alone.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$(realpath "$1") packages=${2:-}
tests=("${@:3}")
[ ${#tests[@]} -gt 0 ] || tests=(test_python test_torch)

mounts=()
unmount() {
  local i
  for ((i = ${#mounts[@]} - 1; i >= 0; --i)); do umount "${mounts[i]}"; done
}
trap unmount EXIT
# bind FROM TO: read-only.
bind() {
  if [ -d "$1" ]; then mkdir -p "$root$2"; else touch "$root$2"; fi
  mount --bind "$1" "$root$2"
  mounts+=("$root$2")
  mount -o remount,ro,bind "$root$2"
}
rm -rf "$root/tmp/hre"
mkdir "$root/tmp/hre" "$root/tmp/hre/python"
chown nobody:nogroup "$root/tmp/hre" "$root/tmp/hre/python"
mount -t proc proc "$root/proc"
mounts+=("$root/proc")
bind /etc/hosts /etc/hosts  # torchrun asks for the host's own address
bind "$PWD" /hre
data=${HRE_TEST_DATA:+/data}
if [ -n "$data" ]; then bind "$HRE_TEST_DATA" "$data"; fi
if [ -n "$packages" ]; then bind "$packages" /tmp/hre/python/packages; fi  # within sys.prefix: dill pickles other modules whole

# Runs the script of stdin in the root, as nobody.
inside() { chroot --userspec=nobody:nogroup "$root" /usr/bin/env -i PATH=/usr/bin:/bin HOME=/tmp/hre LANG=C.UTF-8 bash -euo pipefail -s -- "$@"; }

inside <<'IN'
cd /tmp/hre
if command -v cc gcc clang; then echo "check_wheels: there is a compiler here" >&2; exit 1; fi
python3 -m venv python
python/bin/pip install -q --no-index --find-links /hre/build/wheels hre
. /etc/os-release
echo "$PRETTY_NAME, $(python3 --version), $(ldd --version | sed -n '1s/.* //;1p')"
python/bin/hre --version
python/bin/hre demo | head -4
python/bin/python - <<'PY'
import time
begin = time.perf_counter()
import hre
print(f"import hre: {1000 * (time.perf_counter() - begin):.0f} ms; {hre.evaluate('baseline:length', 'sample', progress=False).value:.6f}")
PY
[ ! -d python/packages ] || echo "$PWD/python/packages" >"$(echo python/lib/python3.*/site-packages)/tests.pth"
IN
status=0
for test in "${tests[@]}"; do
  inside "$test" "$data" <<'IN' || status=1
cd /hre/tests
python=/tmp/hre/python
package=$(echo $python/lib/python3.*/site-packages)
export HRE_PROGRAM=$package/hre/bin/hre HRE_PACKAGE=$package HRE_SOURCE_DIR=/hre HRE_BUILD_DIR=/tmp/hre/none
[ -z "$2" ] || export HRE_TEST_DATA=$2
[ ! -d $python/packages ] || export HRE_TEST_PYTHON=$python/bin/python HRE_TORCH_PYTHON=$python/bin/python
exec $python/bin/python -B run.py "$1"
IN
done
exit "$status"
