"""Logs of other harnesses as runs: lm-evaluation-harness's samples, CSV and JSON lines."""

import json
import os
import pathlib
import random
import statistics
import subprocess
import unittest

from program import ProgramTest, clean_environment


class LogTest(ProgramTest):
    def json_of(self, *arguments, status=0):
        return json.loads(self.run_hre(*arguments, "--json", "-", status=status).stdout)

    def write_samples(self, folder, task, values, metric="acc"):
        """Lines as lm-evaluation-harness writes them."""
        lines = [{"doc_id": i, "doc": {"text": f"item {i}"}, "target": "0", "arguments": {}, "resps": [], "filtered_resps": [],
                  "filter": "none", "metrics": [metric, "acc_norm"], "doc_hash": f"{i:064x}", "prompt_hash": "0", "target_hash": "0",
                  metric: value, "acc_norm": 1.0} for i, value in enumerate(values)]
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

    def test_bad_logs(self):
        for name, content, problem in (("a.jsonl", "", "holds no item"), ("a.jsonl", "[1]\n", "line 1: is not a JSON object"),
                                       ("a.jsonl", '{"item": 1}\n', "there is no 'score'"), ("a.jsonl", '{"value": 1}\n', "there is no item"),
                                       ("a.jsonl", '{"item": 1, "value": "x"}\n', "line 1: 'value' is not a number"),
                                       ("a.jsonl", '{"doc_id": 1}\n', "the sample names no metric"),
                                       ("a.csv", "item,value\n1,x\n", "row 1: 'value' is not a number"), ("a.csv", "\xff", "byte 1 is not UTF-8")):
            with self.subTest(content=content):
                self.write(name, content.encode("latin-1"))
                self.assertIn(problem, self.error_of("compare", name, name))
        self.write("a.jsonl", '{"item": 1, "value": 1}\n')
        self.run_hre("eval", "baseline:length", "--data", "sample", "--json", "run.json", "--details", "--quiet")
        self.assertIn("can be compared only with each other", self.error_of("compare", "a.jsonl", "run.json"))
        self.assertIn("has no answers' log-likelihoods", self.error_of("compare", "a.jsonl", "a.jsonl", "--score", "sum"))

    def test_a_file_that_the_harness_wrote(self):
        python = os.environ.get("HRE_TORCH_PYTHON", "")
        if not python or subprocess.run([python, "-c", "import lm_eval"], capture_output=True, check=False).returncode != 0:
            self.skipTest("no Python with lm_eval (HRE_TORCH_PYTHON)")
        lines = [{"text": f"word {i}", "choices": ["yes", "no"], "gold": i % 2} for i in range(50)]
        self.write("items.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
        self.write("tasks/tiny.yaml", "task: tiny\ndataset_path: json\ndataset_kwargs:\n  data_files:\n    test: items.jsonl\ntest_split: test\n"
                                      "output_type: multiple_choice\ndoc_to_text: text\ndoc_to_choice: choices\ndoc_to_target: gold\n"
                                      "metric_list:\n  - metric: acc\n")
        results = []
        for seed in (1, 2):
            done = subprocess.run([python, "-m", "lm_eval", "--model", "dummy", "--tasks", "tiny", "--include_path", "tasks", "--log_samples",
                                   "--output_path", f"out{seed}", "--seed", str(seed)], cwd=self.folder, capture_output=True, text=True, check=False,
                                  env=clean_environment(HF_HOME=str(self.folder / "hf"), HF_HUB_OFFLINE="1"))
            self.assertEqual(0, done.returncode, done.stderr[-2000:])
            folder = pathlib.Path(self.folder, f"out{seed}")
            results.append((next(folder.rglob("samples_tiny_*.jsonl")), json.loads(next(folder.rglob("results_*.json")).read_text())))
        compared = self.json_of("compare", *(str(path.relative_to(self.folder)) for path, _ in results))
        self.assertEqual(50, compared["questions"]["shared"])
        for run, (_, result) in zip(compared["runs"], results):
            self.assertAlmostEqual(result["results"]["tiny"]["acc,none"], run["micro"]["item"]["mean"], places=12)
            self.assertAlmostEqual(result["results"]["tiny"]["acc_stderr,none"], run["micro"]["item"]["stderr"], places=12)


if __name__ == "__main__":
    unittest.main()
