"""What every command line tool owes its users: help, exit statuses, "did you mean"."""

import os
import re
import shlex
import shutil
import subprocess
import unittest

from program import PROGRAM, SOURCE_DIR, ProgramTest

COMMANDS = ["demo", "eval", "data info", "data convert"]


class HelpTest(ProgramTest):
    def commands(self):
        """The commands that hre --help lists."""
        listed = self.run_hre("--help").stdout.split("Commands:\n")[1].split("\n\n")[0]
        return [re.split(r"  +", line.strip())[0] for line in listed.splitlines()]

    def test_lists_all_commands(self):
        self.assertLessEqual(set(COMMANDS), set(self.commands()))
        self.assertEqual(self.run_hre("--help").stdout, self.run_hre("help").stdout)
        self.assertEqual(self.run_hre("--help").stdout, self.run_hre("-h").stdout)

    def test_without_arguments(self):
        done = self.run_hre(status=2)
        self.assertEqual("", done.stdout)
        self.assertEqual(self.run_hre("--help").stdout, done.stderr)

    def test_every_command_has_help_with_its_example(self):
        examples = self.run_hre("help", "--examples").stdout.splitlines()
        self.assertEqual(len(self.commands()), len(examples))
        for command, example in zip(self.commands(), examples):
            with self.subTest(command=command):
                self.assertEqual(["hre", *command.split()], shlex.split(example)[: 1 + len(command.split())])
                done = self.run_hre(*command.split(), "--help", env={"COLUMNS": "200"})
                self.assertEqual("", done.stderr)
                self.assertTrue(done.stdout.endswith(f"Example:\n  $ {example}\n"), done.stdout)
                self.assertIn(f"Usage: hre {command}", done.stdout)
                self.assertEqual(done.stdout, self.run_hre("help", *command.split(), env={"COLUMNS": "200"}).stdout)
                narrow = self.run_hre(*command.split(), "--help", env={"COLUMNS": "50"}).stdout  # still one command to copy
                self.assertTrue(narrow.replace(" \\\n     ", "").endswith(f"  $ {example}\n"), narrow)
                self.assertTrue(done.stdout.startswith(f"hre {command}: "), done.stdout)
                self.assertNotIn("\n\n\n", done.stdout)

    def test_group(self):
        done = self.run_hre("data", "--help")
        self.assertIn("data info", done.stdout)
        self.assertNotIn("  eval", done.stdout)
        self.assertEqual("", self.run_hre("data", status=2).stdout)

    def test_exit_statuses_are_documented(self):
        text = self.run_hre("--help").stdout
        for status in ("0 success", "1 ", "2 ", "3 ", "130 interrupted"):
            self.assertIn(status, text)

    def test_help_shows_what_people_use_and_help_all_the_rest(self):
        short, whole = (self.run_hre("eval", option).stdout for option in ("--help", "--help-all"))
        named = [set(re.findall(r"^  (?:-\w,)?(--[\w-]+)", text, re.MULTILINE)) for text in (short, whole)]
        self.assertLess(named[0], named[1])
        self.assertLessEqual(len(named[0]), 16)
        self.assertLessEqual({"--data", "--json", "--threads"}, named[0])
        hidden = len(named[1]) - len(named[0])
        self.assertIn(f"\n{hidden} more options: hre eval --help-all\n", short)
        for group in ("Data:", "Model:", "Scoring rule:", "Results:"):
            self.assertIn(f"\n{group}\n", short)
        self.assertIn("\nServers:\n", whole)
        self.assertNotIn("--help-all", self.run_hre("demo", "--help").stdout)


class DocumentsTest(ProgramTest):
    def completed(self, *words):
        """What bash offers for the last of these words."""
        self.write("hre.bash", self.run_hre("help", "--completion", "bash").stdout)
        script = 'source hre.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _hre; printf "%s\\n" "${COMPREPLY[@]}"'
        return subprocess.run(
            ["bash", "-c", script, "bash", "hre", *words], cwd=self.folder, stdout=subprocess.PIPE, text=True, check=True
        ).stdout.split()

    def test_bash_completes_commands_options_and_files(self):
        self.assertEqual(["eval"], self.completed("ev"))
        self.assertLessEqual({"info", "build", "convert"}, set(self.completed("data", "")))
        self.assertEqual(["--limit"], self.completed("eval", "model.gguf", "--lim"))
        self.assertEqual(["--recipe"], self.completed("data", "build", "--rec"))
        self.write("model.gguf", "")
        self.assertEqual(["model.gguf"], self.completed("eval", "mod"))
        self.assertEqual(["sample"], self.completed("eval", "--data", "sam"))
        self.write("never.txt", "")
        self.assertEqual(["never"], self.completed("eval", "--bos", "ne"))
        self.assertEqual(["none", "never.txt"], self.completed("eval", "--chat-template", "n"))

    def test_other_shells(self):
        for shell in ("zsh", "fish"):
            script = self.run_hre("help", "--completion", shell).stdout
            self.assertIn("max-length", script)
            if path := shutil.which(shell):
                self.write("script", script)
                subprocess.run([path, "-n", "script"], cwd=self.folder, check=True)
        if fish := shutil.which("fish"):
            self.write("never.txt", "")
            for line, offered in (
                ("hre ev", ["eval"]),
                ("hre data bu", ["build"]),
                ("hre eval --max-l", ["--max-length"]),
                ("hre data build --rec", ["--recipe"]),
                ("hre eval --bos ne", ["never"]),
                ("hre eval nev", ["never.txt"]),
            ):
                done = subprocess.run(
                    [fish, "-c", f"source script; complete -C '{line}'"],
                    cwd=self.folder,
                    check=True,
                    text=True,
                    capture_output=True,
                    env={**os.environ, "HOME": str(self.folder)},
                )
                self.assertEqual("", done.stderr)
                self.assertEqual(offered, [one.split("\t")[0] for one in done.stdout.splitlines()], line)
        self.assertIn("bash, zsh or fish", self.error_of("help", "--completion", "csh"))

    def test_man_pages(self):
        self.run_hre("help", "--man-pages", ".")
        examples = self.run_hre("help", "--examples").stdout.splitlines()
        pages = sorted(path.name for path in self.folder.glob("*.1"))
        self.assertEqual(len(examples) + 1, len(pages))
        self.assertLessEqual({"hre.1", "hre-eval.1", "hre-data-build.1"}, set(pages))
        page = (self.folder / "hre-eval.1").read_text(encoding="utf-8")
        self.assertIn('.BI \\-\\-max\\-length " L"', page)
        for name in pages if shutil.which("man") else []:
            done = subprocess.run(
                ["man", "--warnings", "-E", "UTF-8", "-l", name],
                cwd=self.folder,
                capture_output=True,
                text=True,
                check=True,
                env={**os.environ, "MANWIDTH": "100", "MANPAGER": "cat"},
            )
            self.assertEqual("", done.stderr, name)


class VersionTest(ProgramTest):
    def test_names_program_and_engine(self):
        lines = self.run_hre("--version").stdout.splitlines()
        version = re.search(r"project\(hre VERSION (\S+)", (SOURCE_DIR / "CMakeLists.txt").read_text())[1]
        self.assertEqual(f"hre {version}", lines[0])
        self.assertRegex(lines[1], r"^libllama .+ggml \d+\.\d+\.\d+, (hre's patch \d+|not hre's own build)$")
        self.assertRegex(lines[-6], r"^hre's kernels for [\w -]+(, oneDNN \d+\.\d+\.\d+)?$")
        self.assertRegex(lines[-5], r"^Arrow \d+\.\d+\.\d+.*, libarchive \d+\.\d+\.\d+")
        self.assertRegex(lines[-4], r"^SQLite \d+\.\d+\.\d+, expat_\d+\.\d+\.\d+$")
        self.assertRegex(lines[-3], r"^libcurl/\d+\.\d+\.\d+.* OpenSSL/\d+\.\d+\.\d+")
        self.assertRegex(lines[-2], r"^(([\w+:/]+) \d+\.\d+(\.\d+)?(, |$)){9}$")
        self.assertRegex(lines[-1], r"^compiled by (g\+\+|clang) \d+\.\d+\.\d+$")


class MistakeTest(ProgramTest):
    def test_unknown_command(self):
        self.assertEqual("hre: there is no command 'evla'; did you mean 'hre eval'?", self.error_of("evla"))
        self.assertEqual("hre: there is no command 'xyzzy'; hre --help lists the commands", self.error_of("xyzzy"))
        self.assertIn("did you mean 'hre data info'?", self.error_of("data", "inof"))
        self.assertIn("did you mean 'hre demo'?", self.error_of("dmeo", "--help"))

    def test_unknown_option(self):
        self.assertIn("did you mean --quiet?", self.error_of("demo", "--quite"))
        self.assertIn("did you mean --limit?", self.error_of("eval", "baseline:length", "--data", "sample", "--limt=3"))
        self.assertIn("there is no option --xyzzy", self.error_of("demo", "--xyzzy"))

    def test_missing_arguments(self):
        for arguments in (["eval"], ["eval", "--data", "sample"], ["data", "info"], ["data", "convert", "sample"], ["demo", "surplus"]):
            with self.subTest(arguments=arguments):
                self.assertIn("--help", self.error_of(*arguments))

    def test_wrong_values(self):
        for option in (
            "--limit=0",
            "--limit=-1",
            "--limit=many",
            "--shuffle-seed=-1",
            "--shuffle-seed=x",
            "--shuffle-seed=18446744073709551616",
            "--max-length=-1",
            "--threads=-1",
            "--bos=perhaps",
            "--long-answers=keep",
        ):
            with self.subTest(option=option):
                line = self.error_of("eval", "baseline:length", "--data", "sample", option)
                self.assertIn(option.split("=")[0], line)

    def test_nearly_a_baseline(self):
        self.assertIn("did you mean baseline:zstd?", self.error_of("eval", "baseline:zst", "--data", "sample"))

    def test_no_such_file(self):
        self.assertIn("nowhere.gguf", self.error_of("eval", "nowhere.gguf", "--data", "sample"))
        self.assertIn("nowhere.jsonl", self.error_of("eval", "baseline:length", "--data", "nowhere.jsonl"))
        self.assertIn("nowhere", self.error_of("data", "info", "nowhere"))

    def test_arguments_are_not_taken_for_formats(self):
        self.assertIn("%s%n{}", self.error_of("%s%n{}"))
        self.assertIn("%s%n{}", self.error_of("data", "info", "%s%n{}"))


class TableTest(ProgramTest):
    def headings(self, *options):
        """The first words of the lines above the tables' rules."""
        lines = self.run_hre(
            "eval", "--data", "sample", "--topic", "python", "--quiet", *options, env={"COLUMNS": "200"}
        ).stdout.splitlines()
        return [
            re.split("  +", above)[0]
            for above, line in zip(lines, lines[1:])
            if line.startswith("──") and above.split()[1:2] != ["8"] and not above.startswith("baseline:")
        ]

    def test_metrics_by_topic(self):
        two = ["baseline:length", "baseline:zstd"]
        self.assertEqual(["model"], [heading.split()[0] for heading in self.headings(*two)][:1])
        self.assertEqual(["Pearson", "micro average of", "model"], self.headings(*two, "--metrics", "pearson"))
        self.assertEqual(["Spearman", "NDCG", "micro average of", "model"], self.headings(*two, "--metrics", "ndcg,spearman"))
        self.assertEqual(
            [
                "Pearson",
                "Length only",
                "Pearson, log votes",
                "Pearson, ranked votes",
                "Spearman",
                "Kendall tau-b",
                "Pairwise accuracy",
                "Top-1",
                "NDCG",
                "Margin",
                "Bits per byte",
                "Bits per byte, best",
                "Bits per byte, worst",
                "Bits per byte, worst - best",
                "model",
            ],
            self.headings(*two, "--metrics=all"),
        )
        self.assertIn(
            "--metrics: there is no metric 'spaerman'; did you mean spearman?",
            self.error_of("eval", *two, "--data", "sample", "--metrics", "spaerman"),
        )

    def test_readme_shows_what_the_demo_prints(self):
        readme = (SOURCE_DIR / "README.md").read_text(encoding="utf-8")
        shown = re.search("```text\n(How well.*?)```", readme, re.DOTALL)[1].splitlines()
        printed = self.run_hre("demo").stdout.splitlines()
        self.assertLess(len(printed), 25)
        self.assertLessEqual(max(map(len, printed)), 80)
        self.assertEqual(len(shown), len(printed))
        for expected, line in zip(shown, printed):
            if expected.startswith(("hre-", "Tuned")):  # the last digits of a language model depend on the processor
                expected, line = expected.split()[0], line.split()[0]
            self.assertEqual(re.sub(r": \S+\.html", ": PAGE", expected), re.sub(r": \S+\.html", ": PAGE", line))


class OutputTest(ProgramTest):
    def test_full_device(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([PROGRAM, "data", "info", "sample"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual("hre: standard output could not be written\n", done.stderr)
        self.assertEqual(1, done.returncode)


if __name__ == "__main__":
    unittest.main()
