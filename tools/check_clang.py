#!/usr/bin/env python3
"""Whether clang accepts the sources too, which g++ compiles: the fuzz targets and other systems need it.

    tools/check_clang.py [--folder build/release]     after `make build`; needs clang++ (Debian: clang)

Each compilation of the folder is done by clang++ without code generation, but for those that clang++ has done in build/clang-asan
(tools/sanitized_tests.sh). Ends with status 1 if one fails, 77 without clang++.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BY_CLANG = ROOT / "build" / "clang-asan"


def compilations(folder):
    """{source, from the build folder or the checkout: its entry}."""
    try:
        entries = json.loads((folder / "compile_commands.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return {
        path.relative_to(folder if path.is_relative_to(folder) else ROOT): entry
        for entry in entries
        if (path := pathlib.Path(entry["file"])).suffix in (".cc", ".cxx") and path.is_relative_to(ROOT)
    }


def is_done(entry):
    """Whether the compilation's object is there."""
    command = shlex.split(entry["command"])
    return (pathlib.Path(entry["directory"]) / command[command.index("-o") + 1]).exists()


def problem_of(entry):
    """What clang++ says of one compilation; nothing where it accepts it."""
    command = shlex.split(entry["command"])
    compiler = next(i for i, word in enumerate(command) if word.endswith("++"))  # behind a launcher such as ccache
    output = command.index("-o")
    options = [
        word for word in command[compiler + 1 : output] + command[output + 2 :] if word != "-mtls-dialect=gnu2"
    ]  # g++ alone knows it
    command = ["clang++", *options, "-fsyntax-only", "-w"]
    return subprocess.run(command, cwd=entry["directory"], capture_output=True, text=True, check=False).stderr


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=pathlib.Path, default=ROOT / "build" / "release")
    folder = parser.parse_args().folder.resolve()
    if shutil.which("clang++") is None:
        print("skipped: clang++ is not installed (Debian: clang)")
        return 77
    done = {source for source, entry in compilations(BY_CLANG).items() if is_done(entry)}
    entries = [entry for source, entry in compilations(folder).items() if source not in done]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        problems = [text for text in pool.map(problem_of, entries) if text]
    print("\n".join(problems) or f"clang++ accepts {len(entries)} compilations, and has done {len(done)} others")
    return 1 if problems or not entries + list(done) else 0


if __name__ == "__main__":
    sys.exit(main())
