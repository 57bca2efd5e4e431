"""What people read is no wider than their terminal."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import termios
import unicodedata
import unittest

from program import PROGRAM, SLOWER, SOURCE_DIR, ProgramTest, clean_environment


def columns(line):
    """How many columns a terminal needs for a line."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


class WidthTest(ProgramTest):
    def check(self, text, width, what):
        for line in text.splitlines():
            if "/" in line and len(line.split()) == 1:
                continue  # a path, which is never broken
            self.assertLessEqual(columns(line), width, f"{what}, at {width} columns:\n{line}")

    def environment(self, **changes):
        return {"HRE_STORE": str(self.folder / "runs.db"), **changes}

    def make_runs(self):
        """Runs with long names, a part of a run, and one with tokens, in files and in the store."""
        for model, name, options in (
            ("baseline:zstd", "zstd", []),
            ("baseline:length", "length", []),
            ("baseline:zstd", "a-run-with-a-name-as-long-as-those-that-people-give", ["--limit", 4]),
            (SOURCE_DIR / "models" / "hre-base-q8_0.gguf", "base", ["--keep-tokens", "--limit", 1]),
        ):
            self.run_hre(
                "eval",
                model,
                "--data",
                "sample",
                "--name",
                name,
                "--json",
                f"{name}.json",
                "--details",
                "--quiet",
                *options,
                env=self.environment(),
            )
        run = self.read_json("length.json")
        run["model"]["name"] = "Some-Organisation-Llama-3.2-1B-Instruct-Q4_K_M-of-2026"
        self.write("long.json", json.dumps(run))
        self.write(
            "study.toml",
            "".join(
                f'[[run]]\nrun = "{run}.json"\nfamily = "{family}"\nsize = "{size}"\nstage = "{stage}"\n'
                for run, family, size, stage in (
                    ("zstd", "one", "1M", "pretrained"),
                    ("length", "one", "1M", "tuned"),
                    ("long", "two", "2M", "pretrained"),
                )
            ),
        )

    def commands(self):
        runs = ["zstd.json", "length.json", "long.json"]
        return [
            ["eval", "baseline:zstd", "--data", "sample"],
            ["eval", "baseline:zstd", "baseline:length", "--data", "sample"],
            ["eval", "baseline:zstd", "--data", "sample", "--metrics", "all"],
            ["eval", "baseline:zstd", "baseline:length", "--data", "sample", "--metrics", "all"],
            ["eval", "baseline:zstd", "--data", "sample", "--until", "width=0.9"],
            ["eval", SOURCE_DIR / "models" / "hre-base-q8_0.gguf", "--data", "sample", "--limit", 1, "--stats"],
            ["compare", *runs[:2]],
            ["compare", *runs],
            ["compare", *runs[:2], "--cluster", "topic", "--fail-if-worse", "0.9"],
            ["compare", *runs[:2], "--until", "decided"],
            ["compare", *runs[:2], "--metric", "ndcg"],
            ["power", *runs[:1]],
            ["power", *runs[1:]],
            ["power", *runs[:2], "--difference", "0.02"],
            ["confounds", *runs],
            ["study", "study.toml"],
            ["show", "base.json", "--worst", 1],
            ["show", *runs[:1], "--disagree", runs[2], "--worst", 1],
            ["runs", "list"],
            ["runs", "show", "base"],
            ["runs", "repair"],
            ["data", "info", "sample"],
            ["model", "show", SOURCE_DIR / "models" / "hre-base-q8_0.gguf"],
            ["verify", "base", "--questions", 2],
        ]

    def names(self):
        listed = self.run_hre("--help").stdout.split("Commands:\n")[1].split("\n\n")[0]
        return [re.split(r"  +", line.strip())[0] for line in listed.splitlines()]

    def test_help(self):
        for width in (60, 80, 120):
            self.check(self.run_hre("--help", env={"COLUMNS": str(width)}).stdout, width, "--help")
            for name in self.names():
                for option in ("--help", "--help-all"):
                    text = self.run_hre(*name.split(), option, env={"COLUMNS": str(width)}).stdout
                    words = [line for line in text.splitlines() if len(line.split()) > 1]  # a list of choices is one word
                    self.check("\n".join(words), width, f"hre {name} {option}")

    def test_results(self):
        self.make_runs()
        for command in self.commands():
            for width in (60, 80, 120):
                done = self.run_hre(*command, env=self.environment(COLUMNS=str(width)))
                self.check(done.stdout, width, " ".join(map(str, command)))
                self.assertGreater(len(done.stdout), 40, command)

    def test_a_pipe_is_as_wide_as_a_usual_terminal(self):
        self.make_runs()
        for command in (["compare", "zstd.json", "length.json", "long.json"], ["runs", "list"], ["confounds", "long.json"]):
            self.check(self.run_hre(*command, env=self.environment()).stdout, 80, " ".join(command))

    def on_terminal(self, width, *arguments):
        """What the program writes to a terminal of so many columns, without colours."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
        process = subprocess.Popen(
            [PROGRAM, *map(str, arguments)],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=subprocess.DEVNULL,
            env=clean_environment(**self.environment(TERM="xterm-256color")),
        )
        os.close(theirs)
        text = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # the other side is closed
                break
            if not part:
                break
            text += part
        os.close(ours)
        self.assertEqual(0, process.wait(timeout=300 * SLOWER))
        return re.sub(r"\x1b\[[0-9;]*[mK]", "", text.decode()).replace("\r\n", "\n")

    def test_on_a_terminal(self):
        self.make_runs()
        for width in (60, 100):
            for command in (["eval", "baseline:zstd", "--data", "sample"], ["show", "base", "--worst", 2], ["data", "info", "sample"]):
                text = self.on_terminal(width, *command)
                self.check(text, width, " ".join(map(str, command)))
            self.assertIn("█", text, "bars are for terminals")
            self.assertIn("Shaded tokens", self.on_terminal(width, "show", "base", "--worst", 1))


if __name__ == "__main__":
    unittest.main()
