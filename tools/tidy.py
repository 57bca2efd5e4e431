#!/usr/bin/env python3
"""clang-tidy 14 on sources that changed, or on all.

    tools/tidy.py --changed [BASE]        sources that differ from BASE, tests included, and those beside a header that does
    tools/tidy.py --recent                all sources, those that changed last first; for CI, with --seconds
    tools/tidy.py [REGEX]                 sources whose path from the checkout matches (default: all but tests)

BASE: by default where this branch left origin/main or main; on that branch itself, the commit before. --recent needs no base: a
merge counts as one commit, with all that it brought. It is skipped where git knows one commit alone (a shallow clone, an unpacked
archive): nothing there tells what changed. Sources are looked at one by one as build/dev compiles them, which is configured if it
isn't there; it need not be built. --seconds N ends then and says what was not looked at. Ends with 1 for a finding or a source that
can't be looked at, 77 where nothing could be.
"""

import argparse
import concurrent.futures
import json
import math
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build" / "dev"  # the one preset that compiles each source by itself


def git(*arguments):
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()


def base_of_branch():
    head = git("rev-parse", "HEAD")
    for name in ("origin/main", "main"):
        if (base := git("merge-base", "HEAD", name)) and base != head:
            return base
    return git("rev-parse", "HEAD~1")


def of_names(names, sources):
    """Sources that have one of these names, or that of a header among them."""
    paths = {ROOT / name for name in names}
    stems = {path.with_suffix("") for path in paths if path.suffix == ".h"}
    return [path for path in sources if path in paths or path.with_suffix("") in stems]


def changed(base, sources):
    return of_names(git("diff", "--name-only", base, "--").splitlines() + git("ls-files", "-o", "--exclude-standard").splitlines(), sources)


def by_recency(sources):
    """What no commit has yet, then by the newest commit that changed each."""
    commits = [git("diff", "--name-only", "HEAD", "--").splitlines() + git("ls-files", "-o", "--exclude-standard").splitlines()]
    log = git("log", "--first-parent", "-m", "--name-only", "--format=%x00", "--", "*.cc", "*.h")
    commits += [text.split("\n") for text in log.split("\0")]
    rank = {}
    for number, names in enumerate(commits):
        for path in of_names(names, sources):
            rank.setdefault(path, number)
    return sorted(sources, key=lambda path: (rank.get(path, len(commits)), path))


def findings(path, until):
    """What clang-tidy says of one source; None where that takes too long."""
    left = until - time.monotonic()
    if left <= 0:
        return None
    try:
        done = subprocess.run(
            ["clang-tidy-14", "--quiet", "-p", FOLDER, "--extra-arg=-Wno-unknown-warning-option", path],
            capture_output=True,
            text=True,
            check=False,
            timeout=None if math.isinf(left) else left,
        )
    except subprocess.TimeoutExpired:
        return None
    return (
        ""
        if done.returncode == 0
        else done.stdout + "".join(line for line in done.stderr.splitlines(True) if "warnings generated" not in line)
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("regex", nargs="?", default=r"src/.*(?<!_test)\.cc$")
    parser.add_argument("--changed", nargs="?", const="", metavar="BASE")
    parser.add_argument("--recent", action="store_true")
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    if shutil.which("clang-tidy-14") is None:
        print("skipped: clang-tidy-14 is not installed (Debian: clang-tidy)")
        return 77
    until = time.monotonic() + arguments.seconds
    if arguments.recent and not git("rev-parse", "--verify", "--quiet", "HEAD~1"):
        print("skipped: git knows no earlier commit, so nothing tells which sources changed last")
        return 77
    if not (FOLDER / "build.ninja").exists():
        subprocess.run(["cmake", "--preset", "dev"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    entries = json.loads((FOLDER / "compile_commands.json").read_text(encoding="utf-8"))
    sources = sorted(
        {path for entry in entries if (path := pathlib.Path(entry["file"])).is_relative_to(ROOT) and FOLDER not in path.parents}
    )
    if arguments.recent:
        chosen = by_recency(sources)
    elif arguments.changed is None:
        chosen = [path for path in sources if re.search(arguments.regex, path.relative_to(ROOT).as_posix())]
    else:
        base = arguments.changed or base_of_branch()
        if not base:
            print("skipped: git knows no earlier commit")
            return 77
        chosen = changed(base, sources)
        if not chosen:
            print(f"no source differs from {base[:12]}")
            return 0
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        found = dict(zip(chosen, pool.map(lambda path: findings(path, until), chosen)))
    print("".join(text for text in found.values() if text), end="")
    late = [path.relative_to(ROOT).as_posix() for path, text in found.items() if text is None]
    bad = [path for path, text in found.items() if text]
    print(
        f"clang-tidy: {len(chosen) - len(late)} sources, {len(bad)} with findings"
        + (f"; {len(late)} not looked at for want of time, from {late[0]} on" if late else "")
    )
    if bad or not chosen:
        return 1
    return 77 if len(late) == len(chosen) else 0


if __name__ == "__main__":
    sys.exit(main())
