"""Values that follow from one pass: bits per byte, other scores, and scores against a reference."""

import json
import math
import os
import sqlite3
import statistics
import subprocess
import unittest

from hub import Hub
from program import BUILD_DIR, SOURCE_DIR, ProgramTest, clean_environment, torch_python

BASE, TUNED = (str(SOURCE_DIR / "models" / f"hre-{name}-q8_0.gguf") for name in ("base", "tuned"))


def pearson(x, y):
    mean_x, mean_y = statistics.mean(x), statistics.mean(y)
    u, w = [a - mean_x for a in x], [b - mean_y for b in y]
    return sum(a * b for a, b in zip(u, w)) / math.sqrt(sum(a * a for a in u) * sum(b * b for b in w))


def bits_per_byte(answers):
    return -sum(a["sum_log_prob"] for a in answers) / math.log(2) / sum(a["n_bytes"] for a in answers)


class BitsTest(ProgramTest):
    def evaluate(self, model, name, *arguments):
        self.run_hre("eval", model, "--data", "sample", "--json", name, "--details", "--quiet", *arguments)
        return self.read_json(name)

    def test_equal_a_direct_computation(self):
        run = self.evaluate("baseline:zstd", "zstd.json")
        texts = {}
        self.run_hre("data", "convert", "sample", "sample.jsonl", "--quiet")
        for line in (self.folder / "sample.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            texts.setdefault(row["topic"], []).append([answer["text"] for answer in row["answers"]])
        gaps, everything = [], []
        for question in run["questions"]:
            answers = question["answers"]
            topic, position = question["id"].split("/")
            self.assertEqual([len(text.encode()) for text in texts[topic][int(position)]], [a["n_bytes"] for a in answers])
            self.assertAlmostEqual(bits_per_byte(answers), question["bits_per_byte"], places=12)
            everything.append(bits_per_byte(answers))
            ends = [bits_per_byte([a for a in answers if a["votes"] == pick(b["votes"] for b in answers)]) for pick in (max, min)]
            self.assertAlmostEqual(ends[0], question["bits_best"], places=12)
            self.assertAlmostEqual(ends[1], question["bits_worst"], places=12)
            self.assertAlmostEqual(ends[1] - ends[0], question["bits_gap"], places=12)
            gaps.append(ends[1] - ends[0])
        micro = run["results"]["micro"]
        self.assertAlmostEqual(statistics.mean(everything), micro["bits_per_byte"]["mean"], places=12)
        self.assertAlmostEqual(statistics.mean(gaps), micro["bits_gap"]["mean"], places=12)
        self.assertEqual(0, micro["bits_gap"]["chance"])
        self.assertNotIn("chance", micro["bits_per_byte"])
        self.assertIsNone(
            self.evaluate("baseline:length", "length.json")["results"]["micro"]["bits_per_byte"]["mean"], "a length is no log-likelihood"
        )

    def test_comparisons_have_them_and_know_that_less_is_better(self):
        self.evaluate("baseline:zstd", "zstd.json")
        run = self.read_json("zstd.json")
        for question in run["questions"]:
            for answer in question["answers"]:
                answer["sum_log_prob"] *= 1.1
                answer["score"] *= 1.1
        self.write("worse.json", json.dumps(run))
        result = json.loads(self.run_hre("compare", "zstd.json", "worse.json", "--json", "-").stdout)
        pair = result["pairs"][0]["bits_per_byte"]
        self.assertAlmostEqual(-0.1 * pair["mean_a"], pair["difference"], places=12)
        self.assertEqual([112, 0, 0], [pair["won"], pair["tied"], pair["lost"]])
        text = self.run_hre("compare", "zstd.json", "worse.json", "--metric", "bits_per_byte").stdout
        self.assertIn("A (baseline:zstd) is better than B (baseline:zstd): A − B is -0.", text)
        self.assertIn("Bits per byte (lower is better)", text)
        self.assertRegex(text, r"(?m)^worst − best ")
        many = self.run_hre("compare", "zstd.json", "worse.json", "zstd.json").stdout
        self.assertIn("\nBits per byte of the answers (lower is better)\n", many)
        line = self.error_of("compare", "zstd.json", "worse.json", "--metric", "bits_per_byte", "--until", "decided")
        self.assertIn("bits_per_byte has no bounds", line)

    def test_runs_of_older_stores_get_them_when_evaluated_again(self):
        model = ("eval", "baseline:zstd", "--data", "sample", "--topic", "python", "--store", "runs.db")
        self.run_hre(*model)
        with sqlite3.connect(self.folder / "runs.db") as database:
            stored = database.execute("SELECT n_bytes FROM answer_score ORDER BY score, position").fetchall()
        shown = json.loads(self.run_hre("runs", "export", "last", "--store", "runs.db").stdout)
        self.assertEqual(sorted(n for (n,) in stored), sorted(a["n_bytes"] for q in shown["questions"] for a in q["answers"]))


class ScoresTest(ProgramTest):
    def evaluate(self, model, name, *arguments):
        self.run_hre(
            "eval",
            model,
            "--data",
            "sample",
            "--topic",
            "python",
            "--topic",
            "cpp",
            "--json",
            name,
            "--details",
            "--quiet",
            "--store",
            "runs.db",
            *arguments,
        )
        return self.read_json(name)

    def check(self, run, score, of):
        """Every question's value is that of scores computed by hand."""
        values = []
        for question in run["questions"]:
            scores = [of(answer) for answer in question["answers"]]
            values.append(pearson([a["votes"] for a in question["answers"]], scores))
            self.assertAlmostEqual(values[-1], question["pearson"], places=9)
            for expected, answer in zip(scores, question["answers"]):
                self.assertAlmostEqual(expected, answer["score"], places=9)
        self.assertAlmostEqual(statistics.mean(values), run["results"]["micro"]["pearson"]["mean"], places=9)
        self.assertEqual(score, run["score"])

    def test_derived_from_tokens_in_every_command(self):
        """From the values and texts of the tokens themselves."""
        ways = {
            "per-char": lambda a: sum(a["token_log_probs"]) / a["n_chars"],
            "per-token": lambda a: sum(a["token_log_probs"]) / len(a["token_log_probs"]),
            "per-byte": lambda a: sum(a["token_log_probs"]) / len("".join(a["token_texts"]).removeprefix(" ").encode()),
            "sum": lambda a: sum(a["token_log_probs"]),
        }
        first = self.evaluate(TUNED, "first.json", "--keep-tokens")
        for score, way in ways.items():
            with self.subTest(score=score):
                run = self.evaluate(TUNED, f"{score}.json", "--keep-tokens", "--score", score)
                self.assertEqual(16, run["times"]["questions_reused"], "nothing is scored again")
                self.check(run, score, way)
                self.assertEqual(first["results"]["scores"], run["results"]["scores"])
                mean = run["results"]["micro"]["pearson"]["mean"]
                self.assertAlmostEqual(mean, run["results"]["scores"][score]["pearson"]["mean"], places=12)
                exported = json.loads(self.run_hre("runs", "export", "last", "--store", "runs.db", "--score", score).stdout)
                self.assertEqual(run["questions"], exported["questions"])
                compared = json.loads(self.run_hre("compare", "first.json", "first.json", "--score", score, "--json", "-").stdout)
                self.assertAlmostEqual(mean, compared["pairs"][0]["mean_a"], places=12)
                self.assertEqual(score != "per-char", any(note.startswith("Scores are ") for note in compared["notes"]))
                power = json.loads(self.run_hre("power", "first.json", "--score", score, "--json", "-").stdout)
                self.assertAlmostEqual(mean, power["runs"][0]["micro"]["pearson"]["mean"], places=12)
                shown = self.run_hre("show", "first.json", "--score", score, "--worst", 1).stdout
                lowest = min(run["questions"], key=lambda q: q["pearson"])
                self.assertIn(f"Pearson {lowest['pearson']:.2f}", shown)
                divided = {
                    "per-char": " divided by its characters,",
                    "per-token": " divided by its tokens,",
                    "per-byte": " divided by its bytes,",
                    "sum": ",",
                }
                self.assertIn(f"log-probability{divided[score]} in nats", shown.replace("\n", " "))
                confounds = json.loads(self.run_hre("confounds", "first.json", "--score", score, "--json", "-").stdout)["runs"][0]
                self.assertAlmostEqual(mean, confounds["covariates"][0]["value"]["mean"], places=9)
                self.assertEqual(
                    "sum_log_prob" + {"per-char": " / n_chars", "per-token": " / n_tokens", "per-byte": " / n_bytes", "sum": ""}[score],
                    confounds["score"],
                )
                detailed = self.run_hre("runs", "show", "last", "--store", "runs.db", "--score", score).stdout
                self.assertEqual(score != "per-char", "Scores are sum_log_prob" in detailed)
                self.assertIn(f"{mean:.2f}"[:4], detailed)
                self.run_hre("report", "first.json", "--score", score, "--out", f"report-{score}", "--quiet")
                self.assertIn(f"{mean:.4f}", (self.folder / f"report-{score}" / "tables" / "summary.csv").read_text())
                formula = {"per-char": " / n_chars", "per-token": " / n_tokens", "per-byte": " / n_bytes", "sum": ""}[score]
                for result in (compared, power):
                    self.assertEqual("sum_log_prob" + formula, result["runs"][0]["score"])
                by = "" if score == "per-char" else f" by sum_log_prob{formula}"
                self.assertIn(
                    f"<title>HumanRankEval{by}: hre-tuned-q8_0</title>",
                    (self.folder / f"report-{score}" / "index.html").read_text(encoding="utf-8"),
                )
                label = (self.folder / f"report-{score}" / "figures" / "overall_mean.gp").read_text(encoding="utf-8")
                self.assertIn(f'"HumanRankEval{by} (mean of', label)
        listed = json.loads(self.run_hre("runs", "list", "--json", "--store", "runs.db").stdout)["runs"]
        self.assertEqual(1, len(listed))
        self.assertAlmostEqual(
            first["results"]["micro"]["pearson"]["mean"], listed[0]["pearson"]["mean"], places=12, msg="the published one"
        )
        for command in (["runs", "show", "last", "--store", "runs.db"], ["confounds", "first.json"]):
            self.assertRegex(
                self.run_hre(*command).stdout, r"(?m)^score +Pearson +through length .*\n.*\nper-char .*\nper-token .*\nper-byte .*\nsum "
            )

    def test_the_published_name_is_of_the_published_score(self):
        self.evaluate(BASE, "base.json")
        tuned = self.evaluate(TUNED, "tuned.json")
        self.write("sum.json", self.run_hre("runs", "export", "last", "--store", "runs.db", "--score", "sum").stdout)
        for kind in ("model-index", "eval-results"):
            export = ("runs", "export", "tuned.json", "--to", kind, "--dataset-id", "some/data")
            self.assertIn(f"{tuned['results']['micro']['pearson']['mean']:.6f}"[:6], self.run_hre(*export, "--score", "per-char").stdout)
            for other in (("--score", "sum"), ("--reference", "base.json")):
                self.assertIn("publishes HumanRankEval, which is by sum_log_prob / n_chars", self.error_of(*export, *other))
            self.assertIn("the scores are sum_log_prob, and", self.error_of("runs", "export", "sum.json", *export[3:]))
        self.write(
            "study.toml",
            "".join(
                f'[[run]]\nrun = "{name}.json"\nfamily = "hre"\nsize = {size}\nstage = "pretrained"\n'
                for name, size in (("base", 1e7), ("tuned", 2e7))
            ),
        )
        for score, name in (((), "HumanRankEval"), (("--score", "sum"), "HumanRankEval by sum_log_prob")):
            study = json.loads(self.run_hre("study", "study.toml", *score, "--json", "-").stdout)
            self.assertEqual(name, study["benchmark"])
            self.write("study.json", json.dumps(study))
            self.run_hre("report", "base.json", "tuned.json", *score, "--study", "study.json", "--out", "out" + str(len(score)), "--quiet")
            self.assertIn(f"{name}, Pearson", (self.folder / f"out{len(score)}/figures/hre_overall.gp").read_text(encoding="utf-8"))

    def test_refused(self):
        self.evaluate(TUNED, "char.json")
        self.evaluate(TUNED, "sum.json", "--score", "sum")
        self.assertIn(
            "different configurations: score (sum_log_prob / n_chars | sum_log_prob)", self.error_of("compare", "char.json", "sum.json")
        )
        self.run_hre("compare", "char.json", "sum.json", "--score", "per-byte")
        self.assertIn(
            "--score: 'words' is not one of per-char, per-token, per-byte, sum",
            self.error_of("compare", "char.json", "sum.json", "--score", "words"),
        )
        self.assertIn(
            "has no tokens",
            self.run_hre("eval", "baseline:zstd", "--data", "sample", "--score", "per-token", "--store", "none", status=2).stderr,
        )
        line = self.error_of("eval", TUNED, "--data", "sample", "--score", "sum", "--until", "width=0.5")
        self.assertIn("stopping early looks at the published score", line)
        old = self.read_json("char.json")
        del old["score"]
        for question in old["questions"]:
            for answer in question["answers"]:
                del answer["n_bytes"]
        self.write("old.json", json.dumps(old))
        self.assertIn("the same evaluation again adds them", self.error_of("compare", "old.json", "old.json", "--score", "per-byte"))

    def test_against_a_reference(self):
        """The log-ratio of two models: two stored runs, a model evaluated now, and the sums by hand agree."""
        base = self.evaluate(BASE, "base.json")
        self.evaluate(TUNED, "tuned.json")
        sums = {q["id"]: [a["sum_log_prob"] for a in q["answers"]] for q in base["questions"]}
        at_once = self.evaluate(TUNED, "at_once.json", "--reference", BASE)
        self.assertEqual("hre-base-q8_0", at_once["reference"]["name"])
        for question in at_once["questions"]:
            self.assertEqual(sums[question["id"]], [a["reference_log_prob"] for a in question["answers"]])
        self.check(at_once, "sum", lambda a: a["sum_log_prob"] - a["reference_log_prob"])
        pairs = [
            (a["score"] - b["score"])
            for q in at_once["questions"][:1]
            for a in q["answers"]
            for b in q["answers"]
            if a["votes"] > b["votes"]
        ]
        self.assertAlmostEqual(statistics.mean(pairs), at_once["questions"][0]["margin"], places=9)
        self.assertAlmostEqual(sum(d > 0 for d in pairs) / len(pairs), at_once["questions"][0]["pairwise_accuracy"], places=12)
        exported = json.loads(self.run_hre("runs", "export", "last", "--store", "runs.db", "--reference", "base.json").stdout)
        self.assertEqual(at_once["questions"], exported["questions"])
        self.assertEqual(
            [note for note in at_once["notes"] if "reference" in note], [note for note in exported["notes"] if "reference" in note]
        )
        with Hub() as hub:
            hub.add("model", "org/released", {"base.json": (self.folder / "base.json").read_bytes()})
            environment = {
                "HF_ENDPOINT": hub.endpoint,
                "HF_HOME": str(self.folder / "hf"),
                "HF_TOKEN": None,
                "HF_HUB_OFFLINE": None,
                "HF_HUB_CACHE": None,
                "http_proxy": None,
                "HTTP_PROXY": None,
            }
            self.run_hre(
                "eval",
                TUNED,
                "--data",
                "sample",
                "--topic",
                "python",
                "--topic",
                "cpp",
                "--reference",
                "hf:org/released/base.json",
                "--json",
                "hub.json",
                "--details",
                "--quiet",
                "--store",
                "runs.db",
                env=environment,
            )
        self.assertEqual(at_once["questions"], self.read_json("hub.json")["questions"])
        self.assertIn("--reference RUN|MODEL|no-question", self.run_hre("eval", "--help-all").stdout)
        self.assertIn("--reference RUN|no-question", self.run_hre("compare", "--help-all").stdout)
        self.run_hre("compare", "at_once.json", "at_once.json")
        self.assertIn("reference (", self.error_of("compare", "tuned.json", "at_once.json"))
        per_token = self.run_hre("show", "tuned.json", "--reference", "base.json", "--score", "per-token", "--worst", 1)
        self.assertIn("votes", per_token.stdout)
        self.assertIn(
            "shares no question",
            self.run_hre(
                "eval", BASE, "--data", "sample", "--topic", "html", "--reference", "tuned.json", "--store", "none", status=2
            ).stderr,
        )

    def check_rewards(self, folder):
        """The rewards that TRL logged are beta times hre's scores against the reference."""
        said = json.loads((folder / "said.json").read_text())
        run = json.loads(self.run_hre("runs", "export", folder / "tuned.json", "--reference", folder / "base.json").stdout)
        found = {question["id"]: question["answers"] for question in run["questions"]}
        self.assertEqual(set(said["rewards"]), set(found))
        for key, pair in said["rewards"].items():
            for answer, reward in zip(found[key], pair, strict=True):
                self.assertAlmostEqual(reward, said["beta"] * answer["score"], delta=1e-3)
        chosen, rejected = zip(*said["rewards"].values())
        self.assertTrue(min(chosen) > 1 > -1 > max(rejected), "the tuning changed the model")

    def test_kept_rewards_of_trl(self):
        self.check_rewards(SOURCE_DIR / "tests/data/trl")

    @unittest.skipIf(os.environ.get("HRE_SANITIZE"), "a plain Python can't load a library built with sanitizers")
    def test_rewards_that_trl_logs_now(self):
        """A small random model tuned by its DPOTrainer."""
        python, package = torch_python(), BUILD_DIR / "python"
        if subprocess.run([python, "-c", "import trl"], capture_output=True, check=False).returncode != 0:
            self.skipTest(f"{python} has no trl")
        done = subprocess.run(
            [python, SOURCE_DIR / "tools/trl_rewards.py", self.folder / "new"],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            env=clean_environment(PYTHONPATH=str(package)),
        )
        self.assertEqual(0, done.returncode, done.stderr[-2000:])
        self.check_rewards(self.folder / "new")

    def test_pointwise_mutual_information_is_two_plain_evaluations(self):
        self.write("without.txt", "Question: \nAnswer: {answer}")
        plain = self.evaluate(TUNED, "plain.json")
        without = self.evaluate(TUNED, "without.json", "--prompt-file", "without.txt")
        pmi = self.evaluate(TUNED, "pmi.json", "--reference", "no-question")
        self.assertEqual(len(pmi["questions"]), pmi["times"]["questions_reused"])
        for one, other, both in zip(plain["questions"], without["questions"], pmi["questions"]):
            self.assertEqual(
                [a["sum_log_prob"] - b["sum_log_prob"] for a, b in zip(one["answers"], other["answers"])],
                [a["score"] for a in both["answers"]],
            )
        runs = json.loads(self.run_hre("runs", "list", "--json", "--store", "runs.db").stdout)["runs"]
        self.assertEqual(2, len(runs), "the extra pass is a run of its own, and shared")
        stored = json.loads(self.run_hre("runs", "export", "last", "--store", "runs.db", "--reference", "no-question").stdout)
        self.assertEqual(pmi["questions"], stored["questions"])
        self.assertTrue(any("pointwise mutual information" in note for note in pmi["notes"]))
        self.run_hre("runs", "remove", "last~1", "--store", "runs.db")
        line = self.error_of("runs", "export", "last", "--store", "runs.db", "--reference", "no-question")
        self.assertIn("hre eval MODEL --reference no-question makes it", line)


if __name__ == "__main__":
    unittest.main()
