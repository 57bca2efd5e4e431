#!/usr/bin/env python3
"""What hre pins, and whether known vulnerabilities concern it.

    tools/check_pins.py              checks that each pin has a version and hashes, and asks osv.dev about all of them
    tools/check_pins.py --list       prints them: where, which system, name, version
    tools/check_pins.py --offline    the first check alone

Pins are the lines of third_party/*.lock, the tools that scripts install by name==version, and the Debian packages of
third_party/debian.txt that are installed here. A known vulnerability of a pin from PyPI fails, unless third_party/advisories.txt
names it with the reason why it does not concern hre. Those of Debian's packages are listed and fail nothing: Debian mends
packages, and the next build takes what it has. Ends with 0, 1 for a problem, 77 where osv.dev could not be asked (said so).
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
PIN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([0-9][^\s;#]*)((?:\s+--hash=sha256:[0-9a-f]{64})*)")
BATCH = 200


def locked(root):
    """(pins, problems) of the lock files."""
    pins, problems = [], []
    for path in sorted((root / "third_party").glob("*.lock")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            line = line.split("#")[0].strip()
            if not line:
                continue
            where = f"{path.relative_to(root)}:{number}"
            match = PIN.match(line)
            if match is None:
                problems.append(f"{where}: not pinned: {line}")
            elif not match[3]:
                problems.append(f"{where}: {match[1]} has no hash")
            else:
                pins.append((where, "PyPI", match[1].replace("_", "-").lower(), match[2]))
    return pins, problems


def in_scripts(root):
    """What scripts install by name==version."""
    pins = []
    for path in sorted([*(root / "tools").glob("*.sh"), root / ".ci" / "run"]):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines() if path.exists() else [], 1):
            if "pip" in line and "install" in line:
                pins += [
                    (f"{path.relative_to(root)}:{number}", "PyPI", name.replace("_", "-").lower(), version)
                    for name, version, _ in PIN.findall(line)
                ]
    return pins


def debian(root):
    """The source packages of what debian.txt names, as far as they are installed."""
    lines = (root / "third_party" / "debian.txt").read_text(encoding="utf-8").splitlines()
    names = [name for line in lines if (name := line.split("#")[0].strip())]
    if not names:  # dpkg-query would list all that is installed
        return []
    try:
        release = dict(line.split("=", 1) for line in pathlib.Path("/etc/os-release").read_text().splitlines() if "=" in line)
        if release.get("ID") != "debian":
            return []
        listed = subprocess.run(
            ["dpkg-query", "-W", "-f", "${source:Package} ${source:Version}\n", *names], capture_output=True, text=True, check=False
        ).stdout
    except OSError:
        return []
    system = "Debian:" + release["VERSION_ID"].strip('"')
    return sorted({("third_party/debian.txt", system, *line.split()) for line in listed.splitlines() if len(line.split()) == 2})


def vulnerabilities(pins, url):
    """For each pin the ids of what is known of it."""
    found = []
    for start in range(0, len(pins), BATCH):
        queries = [
            {"package": {"ecosystem": system, "name": name}, "version": version} for _, system, name, version in pins[start : start + BATCH]
        ]
        request = urllib.request.Request(
            url + "/v1/querybatch", json.dumps({"queries": queries}).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            results = json.load(response)["results"]
        if len(results) != len(queries):
            raise ValueError(f"{len(queries)} queries got {len(results)} results")
        found += [[one["id"] for one in result.get("vulns", [])] for result in results]
    return found


def accepted(root):
    """{id: reason} of third_party/advisories.txt, and its faulty lines."""
    path, reasons, problems = root / "third_party" / "advisories.txt", {}, []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines() if path.exists() else [], 1):
        name, _, reason = line.split("#")[0].strip().partition(" ")
        if name and not reason:
            problems.append(f"{path.relative_to(root)}:{number}: {name} has no reason")
        elif name:
            reasons[name] = reason
    return reasons, problems


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--offline", action="store_true")
    parser.add_argument("--osv", default="https://api.osv.dev", help="another server of the same interface")
    parser.add_argument("--root", type=pathlib.Path, default=ROOT)
    arguments = parser.parse_args()
    root = arguments.root.resolve()
    pins, problems = locked(root)
    pins += in_scripts(root) + debian(root)
    reasons, faults = accepted(root)
    problems += faults
    if arguments.list:
        print("\n".join("\t".join(pin) for pin in pins))
    if not pins:
        problems.append(f"{root}: no pins here")
    status = 0
    if not arguments.list and not arguments.offline:
        try:
            for (where, system, name, version), ids in zip(pins, vulnerabilities(pins, arguments.osv.rstrip("/"))):
                for known in ids:
                    text = f"{where}: {name} {version}: {known}"
                    if system.startswith("Debian"):
                        print(f"{text} (Debian's to mend)")
                    elif known in reasons:
                        print(f"{text}: {reasons[known]}")
                    else:
                        problems.append(text)
        except (OSError, ValueError, KeyError, urllib.error.URLError) as problem:
            print(f"skipped: known vulnerabilities were not asked for: {arguments.osv}: {problem}")
            status = 77
    print("\n".join(problems), end="\n" if problems else "")
    if not arguments.list:
        print(f"{len(pins)} pins, {len(problems)} problems")
    return 1 if problems else status


if __name__ == "__main__":
    sys.exit(main())
