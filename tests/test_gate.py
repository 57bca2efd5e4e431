"""hre gate: verdicts, statuses, policies, and what pipelines read."""

import json
import os
import re
import subprocess
import textwrap
import unittest
import xml.etree.ElementTree as ElementTree

from hub import Hub
from program import PROGRAM, SOURCE_DIR, ProgramTest, clean_environment


class GateTest(ProgramTest):
    def setUp(self):
        """A run on 2 topics of 150 questions, and the same one with some answers' values made worse."""
        super().setUp()
        words = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda".split()
        lines = [
            {
                "topic": topic,
                "question": f"question {i}",
                "answers": [
                    {
                        "text": " ".join(words[(i * 7 + n * n * 3 + k * (1 + n)) % 11] for k in range(4 + (i * n) % 9)),
                        "votes": (i * 3 + n * 5) % 7,
                    }
                    for n in range(4)
                ],
            }
            for topic in ("red", "blue")
            for i in range(150)
        ]
        self.write("data.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
        self.run_hre("eval", "baseline:zstd", "--data", "data.jsonl", "--json", "base.json", "--details", "--quiet")

    def changed(self, name, change):
        """The base run, every answer's log-likelihood changed by change(question's number, topic, answer)."""
        run = self.read_json("base.json")
        for i, question in enumerate(run["questions"]):
            for key in ("pearson", "spearman", "kendall", "pairwise_accuracy"):
                del question[key]
            for answer in question["answers"]:
                answer["sum_log_prob"] += change(i, question["topic"], answer)
                del answer["score"]
        self.write(name, json.dumps(run))

    def gate(self, *arguments, status=0, env=None):
        return json.loads(self.run_hre("gate", *arguments, "--json", "-", status=status, env=env).stdout)

    def test_verdicts_and_statuses(self):
        self.changed("worse.json", lambda i, topic, answer: 3 * answer["n_chars"] * (answer["votes"] < 3))
        done = self.run_hre("gate", "worse.json", "--against", "base.json", "--margin", "0.05", status=3)
        self.assertTrue(done.stdout.startswith("FAIL: "), done.stdout)
        self.assertRegex(done.stderr, r"\Ahre: FAIL: .+ 0 passed, 1 failed, 0 inconclusive\n\Z")
        self.assertIn("fell most", done.stdout)
        same = self.gate("base.json", "--against", "base.json")
        self.assertEqual(["pass", 300, 0], [same["verdict"], same["checks"][0]["n"], same["checks"][0]["difference"]])
        better = self.gate("base.json", "--against", "worse.json")
        self.assertEqual("pass", better["verdict"])
        self.changed("noise.json", lambda i, topic, answer: (i * 37 % 11 - 5) * 0.2 * (answer["votes"] % 3))
        unsure = self.gate("noise.json", "--against", "base.json", "--margin", "0.001", status=4)
        self.assertEqual("inconclusive", unsure["verdict"])
        self.assertGreater(unsure["checks"][0]["questions_needed"], 300)
        text = self.run_hre("gate", "noise.json", "--against", "base.json", "--margin", "0.001", status=4).stdout
        self.assertIn("questions are needed; the dataset has only 300.", text)
        by_topic = ("--against", "base.json", "--margin", "0.001", "--topics", "red")
        text = " ".join(self.run_hre("gate", "noise.json", *by_topic, status=4).stdout.split())
        self.assertRegex(text, r"pearson in red: \d+ questions are needed; the dataset has only 150\.")
        checks = self.gate("noise.json", *by_topic, status=4)["checks"]
        self.assertEqual([300, 150], [check["dataset_questions"] for check in checks])
        run = self.read_json("noise.json")
        run["questions"] = run["questions"][:100] + run["questions"][150:250]
        run["planned"] = 200
        self.write("some.json", json.dumps(run))
        checks = self.gate("some.json", *by_topic, status=4)["checks"]
        self.assertEqual([300, None], [check["dataset_questions"] for check in checks])
        text = " ".join(self.run_hre("gate", "some.json", *by_topic, status=4).stdout.split())
        self.assertRegex(text, r"pearson in red: \d+ questions are needed; the dataset has only 300 in all topics\.")

    def test_difference_is_that_of_compare(self):
        self.changed("noise.json", lambda i, topic, answer: (i * 37 % 11 - 5) * 0.2 * (answer["votes"] % 3))
        check = self.gate("noise.json", "--against", "base.json", "--margin", "1")["checks"][0]
        pair = json.loads(self.run_hre("compare", "noise.json", "base.json", "--json", "-").stdout)["pairs"][0]
        for key in ("n", "mean_a", "mean_b", "difference", "p", "won", "lost"):
            self.assertEqual(pair[key], check[key], key)
        for end in (0, 1):
            self.assertAlmostEqual(pair["bootstrap95"][end], check["bootstrap95"][end], places=12)

    def test_policy(self):
        self.changed("half.json", lambda i, topic, answer: 3 * answer["n_chars"] * (answer["votes"] < 3) * (topic == "red"))
        self.write(
            "policy.toml",
            'baseline = "base.json"\n[[check]]\nmetric = "pearson"\nmargin = 1.5\n'
            '[[check]]\nmetric = "bits_per_byte"\nmargin = 0.1\n'
            '[[check]]\nscore = "per-byte"\nmetric = "spearman"\nmargin = 1.9\ntopics = "*"\n',
        )
        result = self.gate("half.json", "--policy", "policy.toml", status=4)
        checks = result["checks"]
        self.assertEqual([None, None, "blue", "red"], [check["topic"] for check in checks])
        self.assertEqual(["pass", "pass", "inconclusive", "inconclusive"], [check["verdict"] for check in checks])
        self.assertLess(checks[1]["difference"], 0, "fewer bits, which is better")
        self.assertEqual("per-byte", checks[2]["score"])
        self.assertTrue(all(check["p_margin_holm"] >= check["p_margin"] for check in checks))
        self.gate("base.json", "--policy", "policy.toml", "--against", "half.json", status=3)

    def test_bad_policies(self):
        for policy, problem in (
            ("[[check]]\nmargn = 1", "unknown key 'margn' in check; did you mean margin?"),
            ('[[check]]\nmetric = "pearsn"', "there is no metric 'pearsn'; did you mean pearson?"),
            ("[[check]]\nmargin = -1", "margin in check"),
            ('[[check]]\nmargin = "x"', "margin in check"),
            ('[[check]]\nscore = "per-word"', "score in check"),
            ("level = 0.9\n[[check]]", "level"),
            ("level = 0.05", "there is no check"),
            ("[[check", "policy.toml: line 1"),
        ):
            with self.subTest(policy=policy):
                self.write("policy.toml", policy)
                self.assertIn(problem, self.error_of("gate", "base.json", "--against", "base.json", "--policy", "policy.toml"))
        self.write("policy.toml", '[[check]]\ntopics = "green"')
        self.assertIn(
            "no topic matches 'green'; there are blue, red",
            self.error_of("gate", "base.json", "--against", "base.json", "--policy", "policy.toml"),
        )
        self.assertIn("there is no baseline", self.error_of("gate", "base.json", "--policy", "policy.toml"))
        self.assertIn(
            "the policy file says what is checked",
            self.error_of("gate", "base.json", "--against", "base.json", "--policy", "policy.toml", "--margin", "1"),
        )

    def test_baseline_is_the_latest_of_a_name(self):
        store = ("--store", "runs.db")
        for i, limit in enumerate((100, 120, 140)):
            self.run_hre("eval", "baseline:zstd", "--data", "data.jsonl", "--limit", limit, "--name", f"nightly-{i}", "--quiet", *store)
        self.run_hre("eval", "baseline:zstd", "--data", "data.jsonl", "--name", "other", "--quiet", *store)
        self.write("policy.toml", 'baseline = "last~1:nightly-*"\n[[check]]\n')
        self.assertEqual(240, self.gate("nightly-2", "--policy", "policy.toml", *store)["checks"][0]["n"])
        self.assertEqual(280, self.gate("other", "--against", "last:nightly-*", *store)["checks"][0]["n"])
        self.assertIn(
            "the run is its own baseline; last~1:GLOB is the one before",
            self.error_of("gate", "nightly-2", "--against", "last:nightly-*", *store),
        )
        self.assertIn(
            "the store has 3 runs with questions whose name matches",
            self.error_of("gate", "other", "--against", "last~3:nightly-*", *store),
        )

    def test_baseline_is_a_file_on_the_hub(self):
        with Hub() as hub:
            environment = {
                "HF_ENDPOINT": hub.endpoint,
                "HF_HOME": str(self.folder / "hf"),
                "HF_TOKEN": None,
                "HF_HUB_OFFLINE": None,
                "HF_HUB_CACHE": None,
                "http_proxy": None,
                "HTTP_PROXY": None,
            }
            name = "hf:org/released/runs/base.json"
            hub.add("model", "org/released", {"runs/base.json": (self.folder / "base.json").read_bytes(), "README.md": b"# released"})
            same = self.gate("base.json", "--against", name, env=environment)
            self.assertEqual(["pass", 0], [same["verdict"], same["checks"][0]["difference"]])
            self.changed("worse.json", lambda i, topic, answer: 3 * answer["n_chars"] * (answer["votes"] < 3))
            hub.add("model", "org/released", {"runs/base.json": (self.folder / "worse.json").read_bytes(), "README.md": b"# released"})
            self.assertNotEqual(0, self.gate("base.json", "--against", name, env=environment)["checks"][0]["difference"], "the newest one")
            self.assertIn(
                "no such file: base.json; similar names are runs/base.json",
                self.error_of("gate", "base.json", "--against", "hf:org/released/base.json", env=environment),
            )
        done = self.run_hre("gate", "base.json", "--against", name, env=environment)
        self.assertIn("the hub cannot be reached", done.stderr)

    def test_evaluation_stops_when_the_verdict_is_certain(self):
        """The policy's run against a much worse and a much better model, and against itself."""

        def policy(baseline, margin, more=""):
            self.write("policy.toml", f'baseline = "{baseline}"\n[[check]]\nmargin = {margin}\n{more}')

        def evaluate(status, *more):
            done = self.run_hre(
                "eval",
                "baseline:zstd",
                "--data",
                "data.jsonl",
                "--gate",
                "policy.toml",
                "--json",
                "run.json",
                "--details",
                "--quiet",
                *more,
                status=status,
            )
            return done, self.read_json("run.json")

        self.changed("better.json", lambda i, topic, answer: 3 * answer["n_chars"] * answer["votes"])
        self.changed("worse.json", lambda i, topic, answer: -3 * answer["n_chars"] * answer["votes"])
        policy("better.json", 0.1)
        done, failed = evaluate(3)
        self.assertIn("\nFAIL: ", done.stdout)
        self.assertRegex(done.stderr, r"hre: FAIL: .+ 0 passed, 1 failed, 0 inconclusive\n\Z")
        self.assertLess(failed["early_stop"]["ci95"][1], -0.1)
        self.assertLess(len(failed["questions"]), 200)
        self.assertEqual("inconclusive", self.gate("run.json", "--policy", "policy.toml", status=4)["verdict"], "hre gate knows no looks")
        policy("worse.json", 0.1)
        done, passed = evaluate(0)
        self.assertIn("\nPASS: ", done.stdout)
        self.assertIn("stopped early, at margin=0.1 against baseline:zstd after", done.stdout)
        self.assertGreater(passed["early_stop"]["ci95"][0], -0.1)
        self.assertLess(len(passed["questions"]), 300)
        policy("base.json", 0.001)
        self.assertEqual(300, len(evaluate(0)[1]["questions"]), "no look is certain of so small a margin; all questions are")
        self.changed("noise.json", lambda i, topic, answer: (i * 37 % 11 - 5) * 0.2 * (answer["votes"] % 3))
        policy("noise.json", 0.001)
        self.assertIn("\nINCONCLUSIVE: ", evaluate(4)[0].stdout)

    def test_what_an_evaluation_can_not_be_gated_by(self):
        def problem(policy, *more):
            self.write("policy.toml", policy)
            return self.error_of("eval", "baseline:zstd", "--data", "data.jsonl", "--gate", "policy.toml", "--store", "none", *more)

        base = 'baseline = "base.json"\n[[check]]\n'
        self.assertIn("stopping early needs one check over all questions", problem(base + "[[check]]\n"))
        self.assertIn("stopping early needs one check over all questions", problem(base + 'topics = "*"'))
        self.assertIn("policy.toml: bits_per_byte has no bounds", problem(base + 'metric = "bits_per_byte"'))
        self.assertIn("the policy names no baseline", problem("[[check]]"))
        self.assertIn("--gate: stopping early looks at the published score", problem(base, "--score", "sum"))
        self.assertIn("the gate says when to stop", problem(base, "--until", "width=0.1"))
        self.assertIn("a gate is for one model", problem(base, "baseline:length"))
        self.write("prompt.txt", "{question}\n{answer}")
        self.assertIn("the runs have different configurations: prompt", problem(base, "--prompt-file", "prompt.txt", "--quiet"))

    def test_partial_runs_have_no_verdict(self):
        run = self.read_json("base.json")
        run["planned"] += 1
        run["partial"] = True
        self.write("part.json", json.dumps(run))
        self.assertIn("the run is partial", self.error_of("gate", "part.json", "--against", "base.json"))

    def test_files_for_pipelines(self):
        self.changed("worse.json", lambda i, topic, answer: 3 * answer["n_chars"] * (answer["votes"] < 3))
        self.run_hre(
            "gate", "worse.json", "--against", "base.json", "--topics", "*", "--markdown", "gate.md", "--junit", "gate.xml", status=3
        )
        text = (self.folder / "gate.md").read_text(encoding="utf-8")
        self.assertIn("### ❌ hre gate: FAIL", text)
        self.assertIn("\n```\nhre gate worse.json --against base.json --metric pearson --margin 0.02 --topics '*'\n```\n", text)
        self.assertEqual(1, len({line.count(" | ") for line in text.splitlines() if line.startswith("| ") and "pearson" in line}))
        suite = ElementTree.parse(self.folder / "gate.xml").getroot().find("testsuite")
        self.assertEqual(["3", "1", "2"], [suite.get(name) for name in ("tests", "failures", "skipped")])
        self.assertEqual(3, len(suite.findall("testcase")))

    def bash(self, script, *options, **changes):
        """Runs shell lines that call hre."""
        (self.folder / "bin").mkdir(exist_ok=True)
        if not (self.folder / "bin/hre").exists():
            os.symlink(PROGRAM, self.folder / "bin/hre")
        environment = clean_environment(**{"PATH": f"{self.folder}/bin:{os.environ['PATH']}", **changes})
        return subprocess.run(
            ["bash", *options, "-c", script], cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )

    def test_the_command_that_reproduces(self):
        """Every option that the verdict depends on, also of names with spaces."""
        self.changed("it's new.json", lambda i, topic, answer: (i * 37 % 11 - 5) * 0.2 * (answer["votes"] % 3))
        self.write("the base.json", (self.folder / "base.json").read_text())
        self.write("my policy.toml", "[[check]]\nmargin = 0.05\n")
        calls = (
            (
                "--against",
                "the base.json",
                "--score",
                "sum",
                "--margin",
                0.001,
                "--level",
                0.1,
                "--weights",
                "topics",
                "--undefined",
                "zero",
                "--where",
                "answers>2",
                "--where",
                "topic=r*",
                "--draws",
                300,
                "--permutations",
                400,
                "--seed",
                7,
                "--allow-different",
                "--topics",
                "r*",
            ),
            ("--against", "base.json", "--reference", "the base.json", "--metric", "margin", "--level", 0.1),
            ("--against", "the base.json", "--policy", "my policy.toml"),
        )
        for call in calls:
            with self.subTest(call=call):
                self.run_hre("gate", "it's new.json", *call, "--markdown", "gate.md", "--json", "gate.json", status=(0, 3, 4))
                command = re.search(r"\n```\n(hre gate .*)\n```\n", (self.folder / "gate.md").read_text(encoding="utf-8"))[1]
                self.assertNotRegex(command, "--markdown|--json")
                self.assertEqual(self.read_json("gate.json"), json.loads(self.bash(command + " --json -").stdout), command)
                config = self.read_json("gate.json")["config"]
                if call is calls[0]:
                    self.assertEqual(
                        {
                            "level": 0.1,
                            "undefined": "zero",
                            "where": ["answers>2", "topic=r*"],
                            "reference": None,
                            "allow_different": True,
                            "draws": 300,
                            "permutations": 400,
                            "seed": 7,
                        },
                        config,
                    )
                    self.assertEqual(["sum_log_prob"] * 2, self.read_json("gate.json")["checks"][0]["scores"])
                if call is calls[1]:
                    self.assertEqual("baseline:zstd", config["reference"])

    def documented(self):
        """docs/ci.md's shell lines: of the GitHub job by step, and GitLab's script."""
        github, gitlab = re.findall(r"```yaml\n(.*?)```", (SOURCE_DIR / "docs" / "ci.md").read_text(encoding="utf-8"), re.DOTALL)
        steps = {}
        for step in github.split("      - name: ")[1:]:
            script = re.search(r"^        run: (?:\|\n((?: {10}.*\n)+)|(.*)\n)", step, re.MULTILINE)
            steps[step.partition("\n")[0]] = script[2] or textwrap.dedent(script[1])
        lines = re.search(r"  script:\n((?:    - .*\n)+)", gitlab)[1].splitlines()
        return steps, "\n".join(line.removeprefix("    - ") for line in lines)

    def runs_of_every_verdict(self):
        self.changed("worse.json", lambda i, topic, answer: 3 * answer["n_chars"] * (answer["votes"] < 3))
        self.changed("noise.json", lambda i, topic, answer: (i * 37 % 11 - 5) * 0.2 * (answer["votes"] % 3))
        self.write("gate.toml", "[[check]]\nmargin = 0.0005\n")
        return (("base.json", 0, "PASS"), ("worse.json", 3, "FAIL"), ("noise.json", 4, "INCONCLUSIVE"))

    def test_the_steps_of_the_documented_job(self):
        """The shell lines of docs/ci.md's GitHub job, as its runner runs them: bash -e, with the runner's files, and gh on the PATH."""
        steps, _ = self.documented()
        self.assertEqual(["Evaluate", "Gate", "Comment"], list(steps))
        runner = ("-e", "-o", "pipefail")
        done = self.bash(steps["Evaluate"], *runner, MODEL="baseline:zstd", DATA="data.jsonl")
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual(
            [200, "baseline:zstd"], [len(self.read_json("new.json")["questions"]), self.read_json("new.json")["model"]["name"]]
        )
        self.write("bin/gh", '#!/bin/bash\nprintf "%s\\n" "$@" > gh.txt; cat "${@: -1}" >> gh.txt\n')
        os.chmod(self.folder / "bin/gh", 0o755)
        for run, status, verdict in self.runs_of_every_verdict():
            with self.subTest(run=run):
                self.write("new.json", (self.folder / run).read_text())
                self.write("released.json", (self.folder / "base.json").read_text())
                for name in ("summary.md", "output.txt"):
                    self.write(name, "")
                done = self.bash(steps["Gate"], *runner, GITHUB_STEP_SUMMARY="summary.md", GITHUB_OUTPUT="output.txt")
                self.assertEqual(0 if status == 4 else status, done.returncode, done.stderr)
                self.assertEqual(status == 4, "::warning::the gate is inconclusive\n" in done.stdout)
                self.assertIn(f"hre gate: {verdict}\n", (self.folder / "summary.md").read_text(encoding="utf-8"))
                self.assertEqual(f"status={status}\n", (self.folder / "output.txt").read_text())
                self.assertEqual(1, len(ElementTree.parse(self.folder / "gate.xml").getroot().findall("testsuite/testcase")))
                commented = self.bash(steps["Comment"], *runner, PR="17", GH_TOKEN="x")
                self.assertEqual(0, commented.returncode, commented.stderr)
                self.assertEqual(
                    "pr\ncomment\n17\n--body-file\ngate.md\n" + (self.folder / "gate.md").read_text(encoding="utf-8"),
                    (self.folder / "gh.txt").read_text(encoding="utf-8"),
                )

    def test_the_script_of_the_documented_gitlab_job(self):
        """Its two lines in one shell, as GitLab's runner has it; the status of the second is the job's."""
        _, script = self.documented()
        self.assertEqual(2, len(script.splitlines()))
        for run, status, verdict in self.runs_of_every_verdict():
            with self.subTest(run=run):
                self.write("released.json", (self.folder / run).read_text())
                if verdict == "FAIL":  # the model that the script evaluates is the worse one
                    self.changed("released.json", lambda i, topic, answer: 3 * answer["n_chars"] * (answer["votes"] > 3))
                done = self.bash(
                    script.replace("--limit 100", "--limit 150"), "-e", "-o", "pipefail", MODEL="baseline:zstd", DATA="data.jsonl"
                )
                self.assertEqual(status, done.returncode, done.stderr)
                self.assertIn(f"hre gate: {verdict}\n", (self.folder / "gate.md").read_text(encoding="utf-8"))
                suite = ElementTree.parse(self.folder / "gate.xml").getroot().find("testsuite")
                self.assertEqual([str(int(status == 3)), str(int(status == 4))], [suite.get("failures"), suite.get("skipped")])


if __name__ == "__main__":
    unittest.main()
