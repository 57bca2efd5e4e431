#!/usr/bin/env bash
# Whether what `make dist` made runs where nothing of hre's is: tools/check_dist.sh ROOT [FOLDER]
#
# ROOT is the root folder of a plain Debian 12 or newer without a compiler, for example made by
# `debootstrap --variant=minbase bookworm ROOT`; FOLDER has the release (default: build/dist/out). The sums are checked, the tarball
# is unpacked in two places below ROOT/opt and the package installed in a copy of dpkg's files; each evaluates the sample. What was
# put into ROOT is taken out again. Needs root; ends with status 1 for what fails.
set -euo pipefail
[ $# -ge 1 ] || { sed -n '2,8s/^# //p' "$0"; exit 2; }
base=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
out=$(cd "${2:-build/dist/out}" && pwd)
[ "$(id -u)" -eq 0 ] || { echo "check_dist: skipped: chroot needs root"; exit 77; }
place=$base/opt/hre-check
mounted=
cleanup() {
  [ -z "$mounted" ] || umount "$base/proc"
  rm -rf "$place"
}
trap cleanup EXIT
rm -rf "$place"
mkdir -p "$place/a place" "$place/home"
mount -t proc proc "$base/proc"
mounted=yes

inside() { env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/opt/hre-check/home "$(command -v chroot)" "$base" "$@"; }
failed=0
must() { # must WHAT COMMAND...
  local what=$1
  shift
  if "$@" >"$place/said" 2>&1; then echo "ok      $what"; else
    echo "FAILED  $what"
    tail -5 "$place/said"
    failed=1
  fi
}

must "the sums" bash -c "cd '$out' && sha256sum --check --quiet SHA256SUMS"
tar -xzf "$out"/hre-*.tar.gz -C "$place/a place"
tree=$(basename "$(ls -d "$place/a place"/hre-*)")
program="/opt/hre-check/a place/$tree/bin/hre"
must "no compiler is there, or this proves little" bash -c "! test -e '$base/usr/bin/g++'"
must "hre --version" inside "$program" --version
must "hre demo" inside "$program" demo
must "reads and writes parquet" inside "$program" data convert sample /opt/hre-check/home/set
must "a run in the store" inside "$program" eval baseline:zstd --data /opt/hre-check/home/set --quiet
mv "$place/a place" "$place/b"
must "and from another place" inside "/opt/hre-check/b/$tree/bin/hre" eval baseline:zstd --data sample --quiet

# The package, without its dependencies' scripts: its files as dpkg puts them, seen from ROOT.
deb=$(ls "$out"/hre_*.deb 2>/dev/null || true)
if [ -n "$deb" ]; then
  must "the package's files" dpkg-deb -x "$deb" "$place/deb"
  must "its program, by its link" inside /bin/sh -c 'cd /opt/hre-check/deb/usr/bin && ./hre demo'
  must "its pages and completion" bash -c "test -s '$place/deb/usr/share/man/man1/hre-eval.1.gz' && test -s '$place/deb/usr/share/bash-completion/completions/hre'"
  cp "$deb" "$place/hre.deb"
  must "dpkg takes it" inside /usr/bin/dpkg --dry-run --install /opt/hre-check/hre.deb
fi

# Nothing of the machine that built it, but the engine's own sources.
must "no folder of this machine is named" bash -c "! grep -rlaF '$PWD/' '$place/b/$tree' | xargs -r grep -aoh '$PWD/[^\"[:cntrl:]]*' | grep -v '/llama.cpp/' | grep ."
must "licences of all parts" bash -c "test \$(ls '$place/b/$tree/share/doc/hre/licenses/debian' | wc -l) -gt 15"
exit "$failed"
