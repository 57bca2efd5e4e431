"""Writes third_party/pypi-test.lock: what the Python packages of third_party/pypi-test.txt need, all
pinned by version and SHA-256, for CPython 3.11 on Linux (x86-64 and arm64).

    python3 tools/lock_tests.py

Run it after a change of pypi-test.txt. It asks pip to resolve, and pip asks the package index: the
archives' hashes are those that the index states. Packages of pypi.lock keep their version there.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

THIRD_PARTY = pathlib.Path(__file__).resolve().parent.parent / "third_party"
MACHINES = ["x86_64", "aarch64"]
HEAD = """# The Python packages of the tests, and what those need, pinned by version and SHA-256.
# Written by tools/lock_tests.py from pypi-test.txt, for CPython 3.11 on Linux (x86-64 and arm64).
"""


def base_pins():
    """The lines of pypi.lock, without their hashes: name==version."""
    lines = (THIRD_PARTY / "pypi.lock").read_text().splitlines()
    return [line.split()[0] for line in lines if re.match(r"\w+==", line)]


def resolved(machine):
    """{name==version: sha256} of everything that pip would install on such a machine."""
    with tempfile.TemporaryDirectory() as folder:
        constraints = pathlib.Path(folder, "constraints.txt")
        constraints.write_text("\n".join(base_pins()))
        report = pathlib.Path(folder, "report.json")
        platforms = [f"--platform={tag}_{machine}" for tag in ["manylinux_2_28", "manylinux_2_17", "manylinux2014"]]
        subprocess.run(
            [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed",
             "--target", folder, "--only-binary=:all:", "--implementation=cp", "--python-version=3.11",
             *platforms, "-r", THIRD_PARTY / "pypi-test.txt", "-c", constraints, "--report", report],
            check=True)
        chosen = json.loads(report.read_text())["install"]
    return {f"{one['metadata']['name']}=={one['metadata']['version']}":
            one["download_info"]["archive_info"]["hashes"]["sha256"] for one in chosen}


def main():
    hashes = {}
    for machine in MACHINES:
        for package, digest in resolved(machine).items():
            hashes.setdefault(package, []).append(digest)
    lines = [" ".join([package, *(f"--hash=sha256:{digest}" for digest in dict.fromkeys(digests))])
             for package, digests in sorted(hashes.items(), key=lambda item: item[0].lower())]
    (THIRD_PARTY / "pypi-test.lock").write_text(HEAD + "\n".join(lines) + "\n")
    print(f"{len(lines)} packages pinned")


if __name__ == "__main__":
    main()
