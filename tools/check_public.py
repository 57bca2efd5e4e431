#!/usr/bin/env python3
"""What users build upon, as a list, and whether the last release's is still there.

    tools/check_public.py --program build/release/src/hre             compares with the newest of tests/data/public/*.txt
    tools/check_public.py --program build/release/src/hre --list      prints the list: one thing a line, sorted
    tools/check_public.py --program build/release/src/hre --write     keeps it as tests/data/public/VERSION.txt: part of a release

The list has the headers of include/hre, the symbols of libhre.so that they declare, commands and their options, the keys of the
JSON that commands write, and the names of the Python package. A thing of the last release that is no longer there must be named
in `backquotes` in the first section of CHANGELOG.md, which tells users what to do; otherwise the check fails.
"""

import argparse
import ast
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent


def headers(root):
    return {f"header hre/{path.name}" for path in (root / "include" / "hre").glob("*.h")}


def symbols(root, library):
    """Functions in the library's table of symbols whose name, and whose class or namespace, stand in a public header."""
    text = "\n".join(re.sub(r"//.*", "", path.read_text(encoding="utf-8")) for path in (root / "include" / "hre").glob("*.h"))
    called = set(re.findall(r"(\w+)\s*\(", text))
    scopes = set(re.findall(r"\b(?:class|struct|namespace)\s+(\w+)", text))
    listed = subprocess.run(
        ["nm", "-DC", "--defined-only", library], capture_output=True, text=True, check=True, env={**os.environ, "LC_ALL": "C"}
    ).stdout
    found = set()
    for line in listed.splitlines():
        match = re.match(r"\S* T (hre::(?:\w+::)*)(~?\w+)(\[abi:\w+\])?(\(.*)$", line)
        if match and match[2].lstrip("~") in called | scopes and set(match[1].split("::")[1:-1]) <= scopes:
            found.add(f"symbol {match[1]}{match[2]}{match[4]}")
    return found


def run(program, *arguments, folder=None, statuses=(0,)):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HRE_")}
    done = subprocess.run(
        [program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**environment, "HRE_STORE": "none", "COLUMNS": "100"},
    )
    if done.returncode not in statuses:
        sys.exit(f"{program} {' '.join(arguments)}: {done.returncode}\n{done.stderr}")
    return done.stdout


def commands(program):
    listed = run(program, "--help").split("Commands:\n")[1].split("\n\n")[0]
    found = set()
    for line in listed.splitlines():
        name = re.split(r"  +", line.strip())[0]
        found.add(f"command {name}")
        shown = run(program, *name.split(), "--help")
        if "--help-all" in shown:
            shown = run(program, *name.split(), "--help-all")
        found |= {
            f"option {name} {option}"
            for words in re.findall(r"^  (-[-\w, ]+)", shown, re.MULTILINE)
            for option in re.findall(r"--?[\w-]+", words)
        }
    return found


def keys(value, path=""):
    """The paths of a JSON value's keys; [] for the elements of a list, * for the names of topics and settings."""
    if isinstance(value, dict):
        for name, inner in value.items():
            name = "*" if path.endswith((".topics", ".settings")) else name
            yield f"{path}.{name}"
            yield from keys(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner, f"{path}[]")


def formats(program):
    found = set()
    with tempfile.TemporaryDirectory() as folder:
        evaluate = ["eval", "--data", "sample", "--limit", "3", "--details", "--keep-tokens", "--quiet", "--json"]
        run(program, *evaluate, "a.json", "baseline:zstd", folder=folder)
        run(program, *evaluate, "b.json", "baseline:length", folder=folder)
        for words in (
            ("compare", "a.json", "b.json"),
            ("power", "a.json", "b.json"),
            ("confounds", "a.json", "b.json"),
            ("gate", "a.json", "--against", "b.json"),
        ):
            run(program, *words, "--json", f"{words[0]}.json", folder=folder, statuses=(0, 3, 4))  # a verdict is none of a failure
        for path in sorted(pathlib.Path(folder).glob("*.json")):
            value = json.loads(path.read_text(encoding="utf-8"))
            found |= {f"json {value['format']} {name.removeprefix('.')}" for name in keys(value)}
    return found


def python_names(root):
    tree = ast.parse((root / "python" / "hre" / "__init__.py").read_text(encoding="utf-8"))
    names = next(ast.literal_eval(node.value) for node in tree.body if isinstance(node, ast.Assign) and node.targets[0].id == "__all__")
    return {f"python hre.{name}" for name in names}


def named(thing, section):
    """Whether the changelog names what is gone: `--option`, `key`, `function` and the like."""
    word = thing.split("(")[0].split()[-1]
    words = {word, re.split(r"::|\.", word.replace("[]", ""))[-1], thing.split(" ", 1)[1]}
    return any(
        re.search(r"(?<![\w-])" + re.escape(one) + r"(?![\w-])", code) for code in re.findall(r"`([^`]+)`", section) for one in words
    )


def version_of(path):
    return [int(number) for number in path.stem.split(".")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=pathlib.Path, required=True)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--before", type=pathlib.Path, help="another list than the newest of tests/data/public")
    parser.add_argument("--changelog", type=pathlib.Path, default=ROOT / "CHANGELOG.md")
    arguments = parser.parse_args()
    program = arguments.program.resolve()
    library = next(path for path in program.parent.glob("libhre.so.*") if not path.is_symlink())
    now = headers(ROOT) | symbols(ROOT, library) | commands(program) | formats(program) | python_names(ROOT)
    if arguments.list:
        print("\n".join(sorted(now)))
        return 0
    folder = ROOT / "tests" / "data" / "public"
    if arguments.write:
        version = run(program, "--version").split()[1]
        (folder / f"{version}.txt").write_text("".join(f"{thing}\n" for thing in sorted(now)), encoding="utf-8")
        return 0
    lists = sorted(folder.glob("*.txt"), key=version_of)
    before = set((arguments.before or lists[-1]).read_text(encoding="utf-8").splitlines())
    section = re.split(r"^## ", arguments.changelog.read_text(encoding="utf-8"), flags=re.MULTILINE)[1]
    gone = sorted(before - now)
    unsaid = [thing for thing in gone if not named(thing, section)]
    print("".join(f"gone, and not in the changelog: {thing}\n" for thing in unsaid), end="")
    print(f"{len(now)} public things, {len(now - before)} new, {len(gone)} gone, {len(unsaid)} of them not in the changelog")
    return 1 if unsaid or not before else 0


if __name__ == "__main__":
    sys.exit(main())
