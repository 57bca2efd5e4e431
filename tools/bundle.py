#!/usr/bin/env python3
"""Makes an installed tree whole, for tools/make_dist.sh: copies the libraries that a plain Linux lacks into lib/hre, the licences of
everything inside into share/doc/hre/licenses, and lists it all in share/doc/hre/hre.cdx.json (CycloneDX 1.5).

    tools/bundle.py --tree TREE --version VERSION --deps HRE_DEPS      where ldd finds all libraries; on Debian
"""

import argparse
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import uuid

ROOT = pathlib.Path(__file__).resolve().parent.parent

# What every Linux with glibc has, and what belongs to that glibc.
SYSTEM = re.compile(r"ld-linux.*|linux-vdso.*|lib(c|m|pthread|dl|rt|resolv|util|anl|nss_\w+)\.so\.\d+")
# The Debian packages whose headers are compiled in.
HEADERS = ["libcli11-dev", "nlohmann-json3-dev", "libexpected-dev", "libtomlplusplus-dev", "libboost1.74-dev"]
SPDX = {"llama-cpp-python": "MIT", "pyarrow": "Apache-2.0", "onednn-cpu-gomp": "Apache-2.0"}


def output(*command):
    return subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True).stdout


def needed(files):
    """{name: path} of the libraries that these files need, from wherever ldd finds them."""
    found = {}
    for path in files:
        for name, where in re.findall(r"^\s*(\S+) => (\S+)", output("ldd", path), re.MULTILINE):
            if where == "not":
                sys.exit(f"bundle: {path} needs {name}, which is not found")
            found[name] = pathlib.Path(where)
    return found


# ICU's stubdata: the header of a table without entries. libarchive links libxml2 for xar files, which hre doesn't read, libxml2 links
# ICU for encodings, and ICU's data is 30 MB.
NO_ICU_DATA = """
const struct {
  unsigned short size; unsigned char magic[2]; unsigned short info_size, reserved; unsigned char is_big_endian, charset, char_size, unused;
  unsigned char format[4], version[4], data_version[4]; char padding[8]; unsigned int count, none; int entries[4];
} icudt%s_dat = {32, {0xda, 0x27}, 20, 0, 0, 0, 2, 0, "CmnD", {1}, {3}, {0}, 0, 0, {0}};
"""


def write_empty_icu_data(path):
    version = path.name.rpartition(".")[2]
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-nostdlib", f"-Wl,-soname,{path.name},--build-id=none", "-x", "c", "-o", path, "-"],
        input=NO_ICU_DATA % version,
        text=True,
        check=True,
    )


def package_of(path):
    """(binary package, source package, its version) of a file of Debian."""
    real = path.resolve()
    for candidate in (real, pathlib.Path(str(real).removeprefix("/usr")), pathlib.Path("/usr" + str(real))):
        done = subprocess.run(["dpkg-query", "-S", candidate], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return described(done.stdout.split(":")[0].split(",")[0])
    sys.exit(f"bundle: no Debian package has {path}")


def described(package):
    source, version = output("dpkg-query", "-W", "-f", "${source:Package} ${source:Version}\n", package).splitlines()[0].split()
    return package, source, version


def debian_part(package, source, version, files=()):
    part = {
        "type": "library",
        "bom-ref": f"deb/{package}",
        "name": source,
        "version": version,
        "purl": f"pkg:deb/debian/{source}@{version}?distro=debian-12",
        "licenses": [{"license": {"name": f"see share/doc/hre/licenses/debian/{package}/copyright"}}],
    }
    if files:
        part["properties"] = [{"name": "file", "value": f"lib/hre/{name}"} for name in sorted(files)]
    return part


def pinned():
    """The archives of third_party/pypi.lock that end up in the tree."""
    for line in (ROOT / "third_party" / "pypi.lock").read_text(encoding="utf-8").splitlines():
        match = re.match(r"([\w.-]+)==(\S+)((?: --hash=sha256:\w+)+)", line)
        name = match[1].replace("_", "-") if match else None
        if name in SPDX:
            yield {
                "type": "library",
                "bom-ref": f"pypi/{name}",
                "name": name,
                "version": match[2],
                "purl": f"pkg:pypi/{name}@{match[2]}",
                "hashes": [{"alg": "SHA-256", "content": digest} for digest in re.findall(r"sha256:(\w+)", match[3])],
                "licenses": [{"license": {"id": SPDX[name]}}],
            }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tree", type=pathlib.Path, required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--deps", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    tree = arguments.tree.resolve()
    inside, licences = tree / "lib" / "hre", tree / "share" / "doc" / "hre" / "licenses"
    inside.mkdir(exist_ok=True)
    own = [tree / "bin" / "hre", *(path for path in (tree / "lib").rglob("*.so*") if not path.is_symlink())]
    by_package = {}
    for name, path in sorted(needed(own).items()):
        if SYSTEM.fullmatch(name) or tree in path.resolve().parents or tree in path.parents:
            continue
        if name.startswith("libicudata."):
            write_empty_icu_data(inside / name)
        else:
            shutil.copy(path.resolve(), inside / name)
        os.chmod(inside / name, 0o644)
        by_package.setdefault(package_of(path), []).append(name)
    for package in HEADERS:
        by_package.setdefault(described(package), [])
    for package, _, _ in by_package:
        target = licences / "debian" / package
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy((pathlib.Path("/usr/share/doc") / package / "copyright").resolve(), target / "copyright")
        text = (target / "copyright").read_text(encoding="utf-8", errors="replace")
        for common in sorted(set(re.findall(r"/usr/share/common-licenses/([\w.-]*[\w])", text))):  # what such a file refers to
            path = pathlib.Path("/usr/share/common-licenses") / common
            if path.is_file():
                shutil.copy(path.resolve(), licences / "debian" / common)
    components = [*pinned(), *(debian_part(*package, files) for package, files in sorted(by_package.items()))]
    model = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted((tree / "share" / "hre" / "models").glob("*.gguf"))
    }
    components += [
        {
            "type": "machine-learning-model",
            "bom-ref": f"model/{name}",
            "name": name,
            "version": arguments.version,
            "hashes": [{"alg": "SHA-256", "content": digest}],
            "licenses": [{"license": {"id": "CC-BY-SA-4.0"}}],
        }
        for name, digest in model.items()
    ]
    bom = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": "hre",
                "name": "hre",
                "version": arguments.version,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            }
        },
        "components": components,
        "dependencies": [{"ref": "hre", "dependsOn": [part["bom-ref"] for part in components]}],
    }
    bom["serialNumber"] = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(bom, sort_keys=True))}"  # the same for the same parts
    (tree / "share" / "doc" / "hre" / "hre.cdx.json").write_text(json.dumps(bom, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(f"bundle: {sum(map(len, by_package.values()))} libraries of {len(by_package)} packages, {len(components)} parts")


if __name__ == "__main__":
    main()
