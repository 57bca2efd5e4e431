"""Writes third_party/pypi-test.lock, pypi-torch.lock and pypi-lint.lock: what the Python packages of pypi-test.txt, pypi-torch.txt
and pypi-lint.txt need, all pinned by version and SHA-256, for CPython 3.11 on Linux (x86-64 and arm64).

    python3 tools/lock_tests.py [test|torch|lint]...      default: all

Run it after a change of one of these lists. It asks pip to resolve, and pip asks the package index: the archives' hashes are
those that the index states. Packages of pypi.lock keep their version in both, and those of pypi-test.lock in pypi-torch.lock.
What torch brings for GPUs (3 GB) is left out: tools/setup.sh puts empty libraries in its place.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

THIRD_PARTY = pathlib.Path(__file__).resolve().parent.parent / "third_party"
MACHINES = ["x86_64", "aarch64"]
HEAD = """# The Python packages {of}, and what those need, pinned by version and SHA-256.
# Written by tools/lock_tests.py from pypi-{name}.txt, for CPython 3.11 on Linux (x86-64 and arm64).
"""
FOR_GPUS = re.compile(r"(nvidia|cuda|triton)[-_.=]")


def pins(lock):
    """The lines of a lock, without their hashes: name==version."""
    lines = (THIRD_PARTY / lock).read_text().splitlines()
    return [line.split()[0] for line in lines if re.match(r"[\w.-]+==", line)]


def resolved(name, machine, fixed):
    """{name==version: sha256} of everything that pip would install on such a machine."""
    with tempfile.TemporaryDirectory() as folder:
        constraints = pathlib.Path(folder, "constraints.txt")
        constraints.write_text("\n".join(fixed))
        report = pathlib.Path(folder, "report.json")
        platforms = [f"--platform={tag}_{machine}" for tag in [*(f"manylinux_2_{minor}" for minor in range(28, 16, -1)), "manylinux2014"]]
        subprocess.run(
            [
                sys.executable,
                "-m",
                "pip",
                "install",
                "--quiet",
                "--dry-run",
                "--ignore-installed",
                "--target",
                folder,
                "--only-binary=:all:",
                "--implementation=cp",
                "--python-version=3.11",
                *platforms,
                "-r",
                THIRD_PARTY / f"pypi-{name}.txt",
                "-c",
                constraints,
                "--report",
                report,
            ],
            check=True,
        )
        chosen = json.loads(report.read_text())["install"]
    return {
        f"{one['metadata']['name']}=={one['metadata']['version']}": one["download_info"]["archive_info"]["hashes"]["sha256"]
        for one in chosen
        if not FOR_GPUS.match(one["metadata"]["name"] + "=")
    }


def write_lock(name, of, fixed, machines=MACHINES):
    hashes = {}
    for machine in machines:
        for package, digest in resolved(name, machine, fixed).items():
            hashes.setdefault(package, []).append(digest)
    lines = [
        " ".join([package, *(f"--hash=sha256:{digest}" for digest in dict.fromkeys(digests))])
        for package, digests in sorted(hashes.items(), key=lambda item: item[0].lower())
    ]
    head = HEAD.format(name=name, of=of).replace("x86-64 and arm64", "x86-64") if len(machines) == 1 else HEAD.format(name=name, of=of)
    (THIRD_PARTY / f"pypi-{name}.lock").write_text(head + "\n".join(lines) + "\n")
    print(f"pypi-{name}.lock: {len(lines)} packages pinned")


def main(*names):
    for name in names or ("test", "torch", "lint"):
        if name == "test":
            write_lock("test", "of the tests", pins("pypi.lock"))
        elif name == "lint":
            write_lock("lint", "that check Python and JavaScript", [], ["x86_64"])  # biome has no wheel for others
        else:
            write_lock("torch", "of the tests that need PyTorch", pins("pypi.lock") + pins("pypi-test.lock"))


if __name__ == "__main__":
    main(*sys.argv[1:])
