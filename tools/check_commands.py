#!/usr/bin/env python3
"""Runs the commands that the README and every `hre COMMAND --help` show, and sees that they work.

    tools/check_commands.py [--program build/release/src/hre] [--already-run COMMAND]...

Each line of the README's ```sh blocks is a command: `make ...` runs in the checkout, the rest one
after the other in one scratch folder. Each example runs in a scratch folder of its own, and must
stand in its command's help. Names on the hub are served by the tests' stand-in for it, with made-up contents. COMMANDs that the caller has run himself are left out.
"""

import argparse
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from hub import Hub  # noqa: E402


def readme_commands():
    """The lines of the README's sh blocks, continued lines joined."""
    blocks = re.findall(r"^```sh\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


def run(command, folder, program):
    """Runs one command line by bash, with the program as `hre`; gives its status and all that it printed."""
    environment = dict(os.environ, COLUMNS="400", PATH=f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=1200,
        check=False,
    )
    return done.returncode, done.stdout


def command_of(example):
    """`hre data info sample` is an example of `hre data info`, if that has help."""
    words = shlex.split(example)
    return " ".join(words[:3]) if len(words) > 2 and re.fullmatch(r"[a-z]+", words[2]) else " ".join(words[:2])


class Checks:
    def __init__(self, program):
        self.program, self.passed, self.failed = program, 0, 0

    def check(self, what, good, output):
        self.passed += 1 if good else 0
        self.failed += 0 if good else 1
        print(f"{'ok    ' if good else 'FAILED'} {what}", flush=True)
        if not good:
            print(output, flush=True)

    def readme(self, already_run):
        commands = readme_commands()
        self.check("README.md shows `make demo` and `make test`", {"make demo", "make test"} <= set(commands), commands)
        with tempfile.TemporaryDirectory() as scratch:
            for command in commands:
                if command in already_run:
                    print(f"(run before) {command}")
                    continue
                status, output = run(command, ROOT if command.startswith("make ") else scratch, self.program)
                self.check(f"README.md: {command}", status == 0, f"status {status}\n{output}")

    def help(self):
        status, listed = run("hre help --examples", ROOT, self.program)
        examples = listed.splitlines()
        self.check(f"hre help --examples lists {len(examples)}", status == 0 and examples, listed)
        helps = set()
        for example in examples:
            _, text = run(f"{command_of(example)} --help", ROOT, self.program)
            helps.add(text)
            self.check(f"{command_of(example)} --help shows it", f"  $ {example}\n" in text, text)
            with tempfile.TemporaryDirectory() as scratch:
                run(FILES_OF_EXAMPLES, scratch, self.program)
                status, output = run(example, scratch, self.program)
                self.check(example, status == 0, f"status {status}\n{output}")
        self.check("every example has a help of its own", len(helps) == len(examples), listed)


# Examples that read a run's file or another store find these.
FILES_OF_EXAMPLES = "hre eval baseline:length --data sample --topic python --json run.json --details --store other.db --quiet"


def stand_in_hub():
    """The repositories that examples name, as small as can be."""
    hub = Hub()
    questions = {f"data/{path.name}": path for path in (ROOT / "src" / "data" / "sample").glob("*.jsonl")}
    hub.add("dataset", "huawei-noah/human_rank_eval", questions)
    hub.add("model", "EleutherAI/pythia-410m", {"config.json": b"{}", "model.safetensors": b"weights"})
    return hub


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "build" / "release" / "src" / "hre")
    parser.add_argument("--already-run", action="append", default=[])
    arguments = parser.parse_args()
    checks = Checks(arguments.program.resolve())
    with stand_in_hub() as hub, tempfile.TemporaryDirectory() as cache:
        os.environ.update(HF_ENDPOINT=hub.endpoint, HF_HOME=cache, HF_HUB_OFFLINE="0", NO_PROXY="127.0.0.1")
        checks.readme(arguments.already_run)
        checks.help()
    print(f"{checks.passed} passed, {checks.failed} failed, 0 skipped")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
