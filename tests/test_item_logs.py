"""Logs of other harnesses as runs: samples of lm-evaluation-harness, Inspect's logs, lighteval's details, olmo-eval's
predictions, CSV and JSON lines.

Files are laid out by hand, and written by the harnesses themselves: tests/data/logs holds some, and where a Python has a harness
(HRE_TORCH_PYTHON, or one of those that HRE_HARNESS_PYTHON names, with colons between), it writes new ones.
"""

import csv
import json
import math
import os
import pathlib
import random
import statistics
import subprocess
import unittest
import zipfile

from program import PROGRAM, SOURCE_DIR, ProgramTest, clean_environment


def python_with(package):
    """A Python that has a harness; the test is skipped, visibly, where there is none."""
    for python in [os.environ.get("HRE_TORCH_PYTHON", ""), *os.environ.get("HRE_HARNESS_PYTHON", "").split(":")]:
        if python and subprocess.run([python, "-c", f"import {package}"], capture_output=True, check=False).returncode == 0:
            return python
    raise unittest.SkipTest(f"no Python with {package} (HRE_TORCH_PYTHON, HRE_HARNESS_PYTHON)")


def inspect_samples(items, epochs, seed, scorers=("match",)):
    """Samples as Inspect writes them: right by chance, an item's own chance."""
    choose = random.Random(seed)
    chances = [choose.random() for _ in range(items)]
    return [
        {
            "id": i + 1,
            "epoch": epoch + 1,
            "input": f"item {i}",
            "target": "yes",
            "scores": {scorer: {"value": "CI"[choose.random() < chances[i]], "answer": "yes"} for scorer in scorers},
        }
        for epoch in range(epochs)
        for i in range(items)
    ]


class LogTest(ProgramTest):
    def json_of(self, *arguments, status=0):
        return json.loads(self.run_hre(*arguments, "--json", "-", status=status).stdout)

    def write_samples(self, folder, task, values, metric="acc"):
        """Lines as lm-evaluation-harness writes them."""
        lines = [
            {
                "doc_id": i,
                "doc": {"text": f"item {i}"},
                "target": "0",
                "arguments": {},
                "resps": [],
                "filtered_resps": [],
                "filter": "none",
                "metrics": [metric, "acc_norm"],
                "doc_hash": f"{i:064x}",
                "prompt_hash": "0",
                "target_hash": "0",
                metric: value,
                "acc_norm": 1.0,
            }
            for i, value in enumerate(values)
        ]
        self.write(f"{folder}/samples_{task}_2026-01-31T12-00-00.000000.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
        return f"{folder}/samples_{task}_2026-01-31T12-00-00.000000.jsonl"

    def test_samples_of_the_harness(self):
        choose = random.Random(7)
        values = [[float(choose.random() < p) for _ in range(300)] for p in (0.5, 0.6)]
        a, b = (self.write_samples(f"models/{name}", "arc_easy", v) for name, v in zip("ab", values))
        result = self.json_of("compare", a, b)
        pair = result["pairs"][0]
        self.assertEqual("item", result["metric"])
        self.assertEqual(["a", "b"], [run["model"] for run in result["runs"]])
        self.assertEqual({"arc_easy"}, set(result["topics"]))
        self.assertAlmostEqual(statistics.mean(values[0]) - statistics.mean(values[1]), pair["difference"], places=12)
        self.assertEqual([sum(x > y for x, y in zip(*values)), sum(x < y for x, y in zip(*values))], [pair["won"], pair["lost"]])
        self.assertIn("Values are acc of another harness's log, not HumanRankEval's.", result["notes"])
        # Of 0/1 values the exact test (McNemar's), which is binomial, by its terms.
        won, lost = pair["won"], pair["lost"]
        tail = sum(math.comb(won + lost, k) for k in range(min(won, lost) + 1)) / 2 ** (won + lost)
        self.assertGreater(won + lost, 100)
        self.assertEqual(["exact", True], [pair["p_method"], pair["p_exact"]])
        self.assertAlmostEqual(1, pair["p"] / (2 * tail), places=11)
        # Of a mean of 0 and 1 the exact interval (Clopper and Pearson), which is wider than Wald's near the middle.
        estimate = result["runs"][0]["micro"]["item"]
        self.assertLess(estimate["ci95"][0], estimate["mean"] - 1.95 * estimate["stderr"])
        text = self.run_hre("compare", a, b).stdout
        self.assertNotIn("through length", text)
        equal = self.json_of("compare", f"{a}#acc_norm", f"{b}#acc_norm")
        self.assertEqual([0, 300], [equal["pairs"][0]["difference"], equal["pairs"][0]["tied"]])
        self.assertEqual("fail", self.json_of("gate", a, "--against", b, "--margin", "0", status=3)["verdict"])
        self.assertEqual("pass", self.json_of("gate", a, "--against", a, "--margin", "0.02")["verdict"])
        self.assertEqual(300, self.json_of("power", a, b, "--difference", "0.1")["shared"])

    def test_other_contents_are_other_items(self):
        a = self.write_samples("a", "task", [1.0] * 10)
        lines = pathlib.Path(self.folder, a).read_text().splitlines()
        changed = json.loads(lines[3])
        changed["doc_hash"] = "f" * 64
        lines[3] = json.dumps(changed)
        self.write("b/samples_task_2026-01-31T12-00-00.000000.jsonl", "\n".join(lines))
        result = self.json_of("compare", a, "b/samples_task_2026-01-31T12-00-00.000000.jsonl")
        self.assertEqual([9, 1, 1], [result["questions"]["shared"], *(run["only_here"] for run in result["runs"])])

    def test_plain_tables(self):
        """CSV and JSON lines of the same values; values of an item are averaged."""
        rows = [(f"i{i}", "ab"[i % 2], (i * 7 % 5) / 4 + epoch * 0.1) for i in range(40) for epoch in range(2)]
        self.write("x.csv", "item,group,value\n" + "".join(f"{item},{group},{value}\n" for item, group, value in rows))
        self.write("y.jsonl", "".join(json.dumps({"id": item, "topic": group, "score": value}) + "\n" for item, group, value in rows))
        self.assertIn("the logs have different values: value and score", self.error_of("compare", "x.csv", "y.jsonl"))
        self.write("y.jsonl", "".join(json.dumps({"id": item, "topic": group, "value": value}) + "\n" for item, group, value in rows))
        result = self.json_of("compare", "x.csv", "y.jsonl")
        self.assertEqual([40, 0], [result["questions"]["shared"], result["pairs"][0]["difference"]])
        mean = statistics.mean(value for _, _, value in rows)
        self.assertAlmostEqual(mean, result["runs"][0]["micro"]["item"]["mean"], places=12)
        by_topic = self.json_of("compare", "x.csv", "y.jsonl")["topics"]
        self.assertEqual({"a", "b"}, set(by_topic))

    def write_inspect(self, name, samples, model="mockllm/model", task="tiny", journal=False):
        """A log as Inspect writes it: .eval, an archive; .json, one file. In a journal there are no summaries of the whole."""
        header = {
            "version": 2,
            "status": "success",
            "eval": {"task": task, "model": model, "created": "2026-01-31T12:00:00+00:00", "dataset": {}},
            "plan": {},
        }
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith(".json"):
            whole = [
                sample | {"messages": [{"id": "x", "content": "hello", "role": "user"}], "events": [{"id": 7, "scores": {}}]}
                for sample in samples
            ]
            path.write_text(json.dumps(header | {"samples": whole, "reductions": []}, indent=2))
            return name
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("_journal/start.json", json.dumps({"version": 2, "eval": header["eval"], "plan": {}}))
            for sample in samples:
                archive.writestr(f"samples/{sample['id']}_epoch_{sample['epoch']}.json", json.dumps(sample | {"messages": []}))
            half = len(samples) // 2
            archive.writestr("_journal/summaries/1.json", json.dumps(samples[:half]))
            archive.writestr("_journal/summaries/2.json", json.dumps(samples[half:]))
            if not journal:
                archive.writestr("summaries.json", json.dumps(samples))
                archive.writestr("header.json", json.dumps(header))
        return name

    def test_layout_of_inspect(self):
        """An archive, its journal alone, and one file of JSON hold the same values."""
        samples = inspect_samples(40, 3, 5)
        names = [self.write_inspect(name, samples, journal=name.startswith("journal")) for name in ("a.eval", "journal.eval", "a.json")]
        result = self.json_of("compare", *names)
        self.assertEqual([40, 0], [result["questions"]["shared"], result["questions"]["undefined"]])
        self.assertEqual({"tiny"}, set(self.json_of("compare", *names[:2])["topics"]))
        self.assertEqual(["mockllm/model"] * 3, [run["model"] for run in result["runs"]])
        self.assertEqual("2026-01-31T12:00:00+00:00", result["runs"][0]["created"])
        self.assertEqual([0, 0, 0], [pair["difference"] for pair in result["pairs"]])
        self.assertIn("Values are match of another harness's log, not HumanRankEval's.", result["notes"])
        mean = statistics.mean(sample["scores"]["match"]["value"] == "C" for sample in samples)
        self.assertAlmostEqual(mean, result["runs"][0]["micro"]["item"]["mean"], places=12)
        # Other contents are another item; messages have ids made at random, which are no contents.
        messages = [
            [
                sample
                | {
                    "input": [
                        {"id": who, "role": "user", "content": sample["input"]},
                        {"id": who, "role": "user", "content": [{"type": "text", "text": "more"}, {"type": "image", "image": "x"}]},
                    ]
                }
                for sample in samples
            ]
            for who in "ab"
        ]
        messages[1][3]["input"][0]["content"] = "other"
        messages[1][4]["input"][1]["content"][0]["text"] = "less"
        result = self.json_of("compare", self.write_inspect("a.eval", messages[0][:40]), self.write_inspect("b.eval", messages[1][:40]))
        self.assertEqual(38, result["questions"]["shared"])

    def test_values_of_inspect(self):
        values = ["C", "I", "P", "N", 1, 0.25, True, "yes", "No", "0.5", float("nan"), None]
        expected = [1, 0, 0.5, 0, 1, 0.25, 1, 1, 0, 0.5]
        samples = [
            {
                "id": f"s{i}",
                "epoch": 1,
                "input": 'NaN, -Infinity and \\"NaN\\"',
                "scores": {"first": {"value": value}, "two": {"value": {"a": i, "b": -i}}},
            }
            for i, value in enumerate(values)
        ]
        samples.append({"id": "error", "epoch": 1, "input": "", "scores": None, "error": "it failed"})
        for name in ("a.eval", "a.json"):
            self.write_inspect(name, samples)
            run = self.json_of("compare", name, name)["runs"][0]
            self.assertAlmostEqual(statistics.mean(expected), run["micro"]["item"]["mean"], places=12)
            self.assertEqual([10, 3], [run["micro"]["item"]["n"], run["undefined"]])
            named = self.json_of("compare", f"{name}#two:b", f"{name}#two:b")["runs"][0]
            self.assertEqual(-5.5, named["micro"]["item"]["mean"])
            self.assertIn("FILE#NAME names one: two:a, two:b", self.error_of("compare", f"{name}#two", name))
            self.assertIn("there is no value 'two:c'; there are two:a, two:b", self.error_of("compare", f"{name}#two:c", name))
            self.assertIn("there is no value 'third'; there are first, two", self.error_of("compare", f"{name}#third", name))

    def test_bad_logs_of_inspect(self):
        samples = inspect_samples(5, 1, 1)
        self.write_inspect("good.eval", samples)
        whole = (self.folder / "good.eval").read_bytes()
        for length in (0, 10, len(whole) // 2, len(whole) - 40, len(whole) - 22, len(whole) - 1):
            with self.subTest(length=length):
                self.write("cut.eval", whole[:length])
                self.assertIn("cut.eval: the file is cut short", self.error_of("compare", "cut.eval", "good.eval"))
        self.write("folder.eval/x", "")
        self.error_of("compare", "folder.eval", "good.eval")
        for name, content, problem in (
            ("summaries.json", "[1]", "is not a sample of Inspect"),
            ("summaries.json", "{", "is not JSON"),
            ("summaries.json", "{}", "is not JSON"),
            ("summaries.json", "[]", "holds no item"),
            ("summaries.json", '[{"id": 1, "scores": {"a": {"value": "x"}}}]', "'a' is not a number: x"),
            ("summaries.json", '[{"id": 1, "scores": {"a": 1}}]', "a score has no value"),
            ("summaries.json", '[{"id": 1}]', "no sample has a score"),
            ("summaries.json", "[" * 100000, "is not JSON"),
            ("header.json", "[1]", "is not JSON"),
            ("other.json", "1", "holds no samples of Inspect"),
        ):
            with self.subTest(name=name, content=content[:40]):
                with zipfile.ZipFile(self.folder / "bad.eval", "w", zipfile.ZIP_DEFLATED) as archive:
                    archive.writestr(name, content)
                    if name == "header.json":
                        archive.writestr("summaries.json", json.dumps(samples))
                self.assertIn(problem, self.error_of("compare", "bad.eval", "bad.eval"))
        for content, problem in (
            ('{"version": 2, "samples": 1}', "holds no samples of Inspect"),
            ('{"version": 2', "is not JSON"),
            ('{"version": 2, "samples": []}', "holds no item"),
            ('{"version": 2, "samples": ["\xff"]}', "is not UTF-8"),
        ):
            with self.subTest(content=content):
                self.write("bad.json", content.encode("latin-1"))
                self.assertIn(problem, self.error_of("compare", "bad.json", "bad.json"))

    def test_an_archive_that_unpacks_to_too_much(self):
        with zipfile.ZipFile(self.folder / "bomb.eval", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            with archive.open("summaries.json", "w") as entry:
                for _ in range(600):
                    entry.write(b" " * (1 << 20))
        self.assertLess((self.folder / "bomb.eval").stat().st_size, 8 << 20)
        self.assertIn("bomb.eval:summaries.json: unpacks to more than 536870912 bytes", self.error_of("compare", "bomb.eval", "bomb.eval"))

    def test_layout_of_lighteval(self):
        done = self.run_python("""
import json, pyarrow, pyarrow.parquet as parquet
rows = [{"doc": {"query": f"item {i}", "choices": ["a", "b"], "id": str(i), "specific": None, "num_samples": 1},
         "metric": {"acc": i % 2, "em": i / 10, "text": "x"}, "model_response": {"logprobs": [-1.0, -2.0]}} for i in range(30)]
table = pyarrow.Table.from_pylist(rows)
import pathlib
folder = pathlib.Path("details/org/model/2026-01-31T12-00-00.000000")
folder.mkdir(parents=True)
path = folder / "details_tiny|0_2026-01-31T12-00-00.000000.parquet"
parquet.write_table(table, path)
rows[5]["doc"]["query"] = "other"
rows[6]["metric"] = {"acc": None, "em": float("nan"), "text": None}
parquet.write_table(pyarrow.Table.from_pylist(rows), "b.parquet")
parquet.write_table(pyarrow.table({"question": ["x"]}), "bad.parquet")
parquet.write_table(pyarrow.table({"metric": [{"acc": 1}]}), "no_id.parquet")
print(json.dumps(str(path)))
""")
        result = self.json_of("compare", done, done)
        self.assertEqual(["model", {"tiny|0"}], [result["runs"][0]["model"], set(result["topics"])])
        self.assertEqual(0.5, result["runs"][0]["micro"]["item"]["mean"])
        self.assertAlmostEqual(1.45, self.json_of("compare", f"{done}#em", f"{done}#em")["runs"][0]["micro"]["item"]["mean"], places=12)
        self.assertIn("there are acc, em, text", self.error_of("compare", f"{done}#f1", done))
        self.write("details_tiny|0_2026-01-31T12-00-00.000000.parquet", (self.folder / "b.parquet").read_bytes())
        other = self.json_of("compare", done, "details_tiny|0_2026-01-31T12-00-00.000000.parquet")
        self.assertEqual([28, 1, 1], [other["questions"]["shared"], other["runs"][1]["only_here"], other["questions"]["undefined"]])
        self.assertIn("holds no item", self.error_of("compare", "bad.parquet", "bad.parquet"))
        self.assertIn("there is no doc.id", self.error_of("compare", "no_id.parquet", "no_id.parquet"))
        whole = (self.folder / "b.parquet").read_bytes()
        for length in (0, 3, len(whole) // 2, len(whole) - 1):
            self.write("cut.parquet", whole[:length])
            self.assertIn("cut.parquet", self.error_of("compare", "cut.parquet", "cut.parquet"))

    def test_layout_of_olmo_eval(self):
        for model, shift in (("a", 0), ("b", 1)):
            lines = [
                {
                    "doc_id": i,
                    "native_id": f"q{i}",
                    "model_output": [],
                    "label": 0,
                    "instance_metrics": {"acc": {"acc": (i + shift) % 3 == 0}, "pass_at_1": {"code": i / 10}},
                }
                for i in range(30)
            ]
            self.write(f"{model}/arc_mc_1a2b3c-predictions.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
        names = [f"{model}/arc_mc_1a2b3c-predictions.jsonl" for model in "ab"]
        result = self.json_of("compare", *names)
        self.assertEqual(
            [["a", "b"], {"arc_mc_1a2b3c"}, 30],
            [[run["model"] for run in result["runs"]], set(result["topics"]), result["questions"]["shared"]],
        )
        self.assertAlmostEqual(1 / 3, result["runs"][0]["micro"]["item"]["mean"], places=12)
        self.assertAlmostEqual(
            1.45, self.json_of("compare", *(f"{name}#pass_at_1:code" for name in names))["runs"][0]["micro"]["item"]["mean"], places=12
        )
        self.assertIn("there are acc, pass_at_1:code", self.error_of("compare", f"{names[0]}#code", names[1]))

    def test_a_folder_that_is_gone(self):
        log = self.write("a.csv", "item,value\n" + "".join(f"{i},{i % 2}\n" for i in range(30)))
        (self.folder / "gone").mkdir()
        done = subprocess.run(
            ["bash", "-c", 'cd gone && rmdir ../gone && exec "$0" power "$1" --json -', PROGRAM, log],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            env=clean_environment(),
        )
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual("a", json.loads(done.stdout)["runs"][0]["model"])

    def test_a_study_of_logs(self):
        for i, seed in enumerate((1, 2)):
            choose = random.Random(seed)
            self.write(
                f"{i}.csv",
                "item,group,value\n" + "".join(f"{item},{'ab'[item % 2]},{int(choose.random() < 0.4 + i / 5)}\n" for item in range(60)),
            )
        self.write(
            "study.toml",
            "".join(
                f'[[run]]\nrun = "{i}.csv"\nfamily = "grown"\nsize = {size}\nstage = "pretrained"\n' for i, size in enumerate((1e8, 1e9))
            ),
        )
        study = self.json_of("study", "study.toml")
        self.assertEqual(["item", "value", 60], [study["metric"], study["benchmark"], study["questions"]["shared"]])
        for run, i in zip(study["runs"], range(2)):
            with open(self.folder / f"{i}.csv", encoding="utf-8", newline="") as file:
                values = [int(row["value"]) for row in csv.DictReader(file)]
            self.assertAlmostEqual(statistics.mean(values), run["micro"]["item"]["mean"], places=12)
            self.assertEqual([{"a", "b"}, None], [set(run["topics"]), run["score"]])
        self.write("study.json", json.dumps(study))
        self.run_hre("report", "0.csv", "1.csv", "--study", "study.json", "--out", "out", "--quiet")
        label = (self.folder / "out/figures/grown_overall.gp").read_text()
        self.assertIn('set ylabel "value"\n', label)

    def test_repeated_measurements(self):
        """The error of a mean in two parts (Miller, arXiv 2411.00640): between items, and within them by their measurements."""
        logs = [inspect_samples(60, 4, seed) for seed in (3, 4)]
        result = self.json_of("compare", *(self.write_inspect(f"{i}.eval", log) for i, log in enumerate(logs)))
        within = []
        for run, log in zip(result["runs"], logs):
            items = {}
            for sample in log:
                items.setdefault(sample["id"], []).append(float(sample["scores"]["match"]["value"] == "C"))
            within.append(sum(statistics.variance(values) / 4 for values in items.values()) / 60**2)
            self.assertAlmostEqual(within[-1] ** 0.5, run["repetition"]["stderr_measurements"], places=12)
            between = statistics.variance(statistics.mean(values) for values in items.values()) / 60 - within[-1]
            self.assertAlmostEqual(between**0.5, run["repetition"]["stderr_items"], places=12)
            self.assertEqual([60, 4], [run["repetition"]["repeated_items"], run["repetition"]["measurements_per_item"]])
        pair = result["pairs"][0]
        self.assertAlmostEqual(sum(within) ** 0.5, pair["repetition"]["stderr_measurements"], places=12)
        self.assertAlmostEqual(pair["stderr"] ** 2, sum(part**2 for part in pair["repetition"].values()), places=12)
        text = self.run_hre("compare", "0.eval", "1.eval").stdout
        self.assertIn("measurements alone", text)
        single = self.json_of("compare", *(self.write_inspect(f"{i}.eval", log[:60]) for i, log in enumerate(logs)))
        self.assertNotIn("repetition", single["runs"][0])
        self.assertNotIn("measurements alone", self.run_hre("compare", "0.eval", "1.eval").stdout)

    def test_report(self):
        """Figures and tables are of the log's value; what needs answers is absent."""
        names = [
            self.write_inspect(f"{model}.eval", inspect_samples(50, 2, seed), model=model) for seed, model in enumerate(["one", "two"])
        ]
        done = self.run_hre("report", *names, "--out", "out")
        for unknown in ("headline", "votes", "texts are missing", "value_speed", "Pearson"):
            self.assertNotIn(unknown, done.stdout + done.stderr)
        run = self.json_of("compare", *names)["runs"][0]["micro"]["item"]
        with open(self.folder / "out/tables/summary.csv", encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual(
            {
                "model": "one",
                "questions": "50",
                "undefined": "0",
                "mean": f"{run['mean']:.4f}",
                "low": f"{run['ci95'][0]:.4f}",
                "high": f"{run['ci95'][1]:.4f}",
                "macro_mean": f"{run['mean']:.4f}",
            },
            rows[0],
        )
        self.assertFalse((self.folder / "out/tables/scores.csv").exists())
        figures = {path.stem for path in (self.folder / "out/figures").iterdir()}
        self.assertEqual(
            {"overall_mean", "forest", "rank_intervals"},
            figures & {"overall_mean", "forest", "rank_intervals", "votes", "headline", "value_speed"},
        )
        for path in [*(self.folder / "out/tables").iterdir(), *(self.folder / "out/figures").glob("*.gp")]:
            self.assertNotIn("Pearson", path.read_text(), path)
            self.assertNotIn("pearson", path.read_text(), path)
        self.assertIn("mean of match", (self.folder / "out/figures/overall_mean.gp").read_text())
        self.run_hre("report", names[0], "--out", "one", "--cluster", "topic", "--quiet")
        self.run_hre("eval", "baseline:length", "--data", "sample", "--json", "run.json", "--details", "--quiet")
        self.assertIn("can be compared only with each other", self.error_of("report", names[0], "run.json", "--out", "x"))

    def test_bad_logs(self):
        for name, content, problem in (
            ("a.jsonl", "", "holds no item"),
            ("a.jsonl", "[1]\n", "line 1: is not a JSON object"),
            ("a.jsonl", '{"item": 1}\n', "there is no 'score'"),
            ("a.jsonl", '{"value": 1}\n', "there is no item"),
            ("a.jsonl", '{"item": 1, "value": "x"}\n', "line 1: 'value' is not a number"),
            ("a.jsonl", '{"doc_id": 1}\n', "the sample names no metric"),
            ("a.jsonl", '{"doc_id": null, "metrics": ["acc"], "acc": 1}\n', "line 1: the item has no id"),
            ("a.jsonl", '{"instance_metrics": {"acc": {"acc": 1}}}\n', "line 1: the item has no id"),
            ("a.csv", "item,value\n1,x\n", "row 1: 'value' is not a number"),
            ("a.csv", "\xff", "byte 1 is not UTF-8"),
        ):
            with self.subTest(content=content):
                self.write(name, content.encode("latin-1"))
                self.assertIn(problem, self.error_of("compare", name, name))
        self.write("a.jsonl", '{"item": 1, "value": 1}\n')
        self.run_hre("eval", "baseline:length", "--data", "sample", "--json", "run.json", "--details", "--quiet")
        self.assertIn("can be compared only with each other", self.error_of("compare", "a.jsonl", "run.json"))
        self.assertIn("has no answers' log-likelihoods", self.error_of("compare", "a.jsonl", "a.jsonl", "--score", "sum"))
        self.assertIn("a.jsonl: is a log of another harness", self.error_of("runs", "export", "a.jsonl"))

    def check_against_harness(self, folder):
        """What said.json beside the logs holds: their means and standard errors as the harness says; gives it."""
        said = json.loads((folder / "said.json").read_text())
        self.assertTrue(said["logs"])
        for metric, files in said["logs"].items():
            compared = self.json_of("compare", *(f"{folder / name}#{metric}" for name, _, _ in files))
            self.assertEqual([said["items"], 0], [compared["questions"]["shared"], compared["questions"]["undefined"]])
            for run, (name, mean, error) in zip(compared["runs"], files):
                with self.subTest(harness=said["harness"], version=said["version"], metric=metric, file=name):
                    self.assertAlmostEqual(mean, run["micro"]["item"]["mean"], places=12)
                    if error is not None:
                        self.assertAlmostEqual(error, run["micro"]["item"]["stderr"], places=12)
        return said

    def test_kept_files_of_harnesses(self):
        folders = sorted(path.parent for path in (SOURCE_DIR / "tests/data/logs").glob("*/said.json"))
        self.assertEqual(
            {
                "inspect_ai": {"match", "both:right", "both:length"},
                "lighteval": {"acc"},
                "lm_eval": {"acc"},
                "olmo_eval": {"accuracy:exact_match", "bits_per_byte"},
            },
            {folder.name: set(self.check_against_harness(folder)["logs"]) for folder in folders},
        )

    def test_what_harnesses_write_now(self):
        """The same by the harness that is installed, with its other formats."""
        for harness in ("lm_eval", "inspect_ai", "lighteval"):
            with self.subTest(harness=harness):
                python = python_with(harness)
                done = subprocess.run(
                    [python, SOURCE_DIR / "tools/harness_logs.py", harness, self.folder / harness, "--all"],
                    capture_output=True,
                    text=True,
                    check=False,
                    env=clean_environment(),
                )
                self.assertEqual(0, done.returncode, done.stderr[-2000:])
                logs = self.check_against_harness(self.folder / harness)["logs"]
                if harness == "inspect_ai":
                    names = [name for name, _, _ in logs["match"]]
                    self.assertEqual(["run1.eval", "run2.eval", "run1.json", "run2.json"], names)
                    repetition = self.json_of("compare", *(f"{harness}/{name}" for name in names))["runs"][2]["repetition"]
                    self.assertEqual([30, 3], [repetition["repeated_items"], repetition["measurements_per_item"]])


if __name__ == "__main__":
    unittest.main()
