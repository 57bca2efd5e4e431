"""Runs in other programs' formats, read by those programs where they are installed."""

import csv
import hashlib
import io
import json
import os
import pickle
import sqlite3
import unittest

from program import ProgramTest

QUESTIONS = [
    {
        "topic": "a",
        "question": 'Why, "really"?',
        "answers": [
            {"text": "Because it is so.", "votes": 3},
            {"text": "No.", "votes": -1},
            {"text": "Ünïcödé \U0001f600 \x7f", "votes": 2},
        ],
    },
    {"topic": "a", "question": "How?", "answers": [{"text": "So.", "votes": 5}, {"text": "Otherwise, and longer.", "votes": 1.5}]},
    {"topic": "b", "question": "Tied?", "answers": [{"text": "Yes.", "votes": 1}, {"text": "No, not at all.", "votes": 1}]},
    {"topic": "b", "question": "Empty?", "answers": [{"text": "", "votes": 1}, {"text": "Nothing.", "votes": 2}]},
]


class FormatsTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.write("data.jsonl", "".join(json.dumps(question) + "\n" for question in QUESTIONS))
        self.run_hre("eval", "baseline:zstd", "--data", "data.jsonl", "--no-shuffle", "--name", "mine", "--json", "run.json", "--details")
        self.whole = self.read_json("run.json")

    def export(self, form, *options):
        return self.run_hre("runs", "export", "mine", "--to", form, *options).stdout

    def answers(self):
        return [(question, answer) for question in self.whole["questions"] for answer in question["answers"]]

    def python(self, script, *arguments):
        """Runs a script under the Python of the tests; the test is skipped where a package of it is not there."""
        modules = [line.split()[1].split(".")[0] for line in script.splitlines() if line.startswith("from ")]
        check = "import importlib.util, json, sys; print(json.dumps([m for m in sys.argv[1:] if not importlib.util.find_spec(m)]))"
        if missing := self.run_python(check, *modules):
            self.skipTest(f"the Python of the tests has no {missing[0]}")
        return self.run_python(script, *arguments)


class TableTest(FormatsTest):
    def test_csv(self):
        rows = list(csv.DictReader(io.StringIO(self.export("csv"))))
        self.assertEqual(len(self.answers()), len(rows))
        for row, (question, answer) in zip(rows, self.answers()):
            self.assertEqual(question["id"], row["question"])
            for name in ("votes", "n_chars", "sum_log_prob", "score"):
                self.assertEqual(answer[name], float(row[name]))
            self.assertEqual(question["pearson"], float(row["question_pearson"]) if row["question_pearson"] else None)

    def test_csv_wide(self):
        rows = list(csv.DictReader(io.StringIO(self.export("csv-wide"))))
        self.assertEqual([question["id"] for question in self.whole["questions"]], [row["question"] for row in rows])
        self.assertEqual("", rows[1]["answer_3_votes"])
        self.assertEqual("-1", rows[0]["answer_2_votes"])
        self.assertEqual("answer 1 is empty", rows[3]["problem"])

    def test_parquet(self):
        self.export("parquet", "--out", "run.parquet")
        rows = self.python("""
import json, pyarrow.parquet as pq
table = pq.read_table("run.parquet")
print(json.dumps({"schema": {field.name: str(field.type) for field in table.schema}, "rows": table.to_pylist()}))
""")
        self.assertEqual("double", rows["schema"]["sum_log_prob"])
        self.assertEqual("int64", rows["schema"]["n_tokens"])
        self.assertEqual([answer["sum_log_prob"] for _, answer in self.answers()], [row["sum_log_prob"] for row in rows["rows"]])
        self.assertIn("writes a file", self.error_of("runs", "export", "mine", "--to", "parquet"))


class ReferenceTest(FormatsTest):
    def test_result(self):
        self.run_hre("eval", "baseline:zstd", "--data", "data.jsonl", "--no-shuffle", "--reference-json", "reference.json")
        self.assertEqual(self.read_json("reference.json"), json.loads(self.export("reference")))

    def test_cache_out(self):
        self.assertIn("--data DATA", self.error_of("runs", "export", "mine", "--to", "reference-cache", "--out", "c.db"))
        self.export("reference-cache", "--data", "data.jsonl", "--out", "cache.db")
        with sqlite3.connect(self.folder / "cache.db") as database:
            cache = {key: pickle.loads(value) for key, value in database.execute("SELECT key, value FROM unnamed")}
        scored = 0
        for question, result in zip(QUESTIONS, self.whole["questions"]):
            for answer, values in zip(question["answers"], result["answers"]):
                text = json.dumps(["loglikelihood", f"Question: {question['question']}\nAnswer:", " " + answer["text"]])
                self.assertEqual((values["sum_log_prob"], False), cache[hashlib.sha256(text.encode()).hexdigest()])
                scored += 1
        self.assertEqual(scored, len(cache))

    def test_cache_by_sqlitedict(self):
        self.export("reference-cache", "--data", "data.jsonl", "--out", "cache.db")
        values = self.python("""
import json
from sqlitedict import SqliteDict
print(json.dumps(sorted(value[0] for value in SqliteDict("cache.db").values())))
""")
        self.assertEqual(sorted(answer["sum_log_prob"] for _, answer in self.answers()), values)

    def test_cache_in(self):
        with sqlite3.connect(self.folder / "cache.db") as database:
            database.execute('CREATE TABLE IF NOT EXISTS "unnamed" (key TEXT PRIMARY KEY, value BLOB)')
            for protocol, question in zip((4, 5), QUESTIONS):
                for n, answer in enumerate(question["answers"]):
                    text = json.dumps(["loglikelihood", f"Question: {question['question']}\nAnswer:", " " + answer["text"]])
                    database.execute(
                        "INSERT INTO unnamed VALUES (?, ?)",
                        (hashlib.sha256(text.encode()).hexdigest(), pickle.dumps((-10.25 * (n + 1), n == 0), protocol)),
                    )
        said = self.run_hre("runs", "import", "cache.db", "--from", "reference-cache", "--data", "data.jsonl", "--model", "theirs").stdout
        self.assertEqual("imported theirs-data\n", said)
        self.run_hre("runs", "export", "theirs-data", "--out", "theirs.json")
        theirs = self.read_json("theirs.json")
        self.assertTrue(theirs["partial"])
        self.assertEqual(
            [[-10.25, -20.5, -30.75], [-10.25, -20.5]],
            [[answer["sum_log_prob"] for answer in question["answers"]] for question in theirs["questions"]],
        )
        self.write("other.jsonl", json.dumps({**QUESTIONS[0], "question": "Another?"}))
        self.assertIn(
            "holds no question of other", self.error_of("runs", "import", "cache.db", "--from", "reference-cache", "--data", "other.jsonl")
        )
        self.assertIn("--data DATA", self.error_of("runs", "import", "cache.db", "--from", "reference-cache"))

    def test_a_cache_with_other_things(self):
        with sqlite3.connect(self.folder / "cache.db") as database:
            database.execute('CREATE TABLE "unnamed" (key TEXT PRIMARY KEY, value BLOB)')
            text = json.dumps(["loglikelihood", f"Question: {QUESTIONS[0]['question']}\nAnswer:", " Because it is so."])
            database.execute("INSERT INTO unnamed VALUES (?, ?)", (hashlib.sha256(text.encode()).hexdigest(), pickle.dumps(print)))
        self.assertIn(
            "is not a pickled pair", self.error_of("runs", "import", "cache.db", "--from", "reference-cache", "--data", "data.jsonl")
        )


class LmEvalTest(FormatsTest):
    def files(self, *options):
        self.export("lm-eval", "--out", "lm", *options)
        folder = self.folder / "lm" / "baseline__zstd"
        return sorted(path.name for path in folder.iterdir()), folder

    def test_names_that_lead_elsewhere(self):
        """A model's name makes a folder's: it stays below the one that was named."""
        for n, name in enumerate(("..", ".", "../../x", "/etc", "a/../b", "")):
            with self.subTest(name=name):
                run = json.loads(json.dumps(self.whole))
                run["model"]["name"] = name
                self.write(f"named{n}.json", json.dumps(run))
                self.run_hre("runs", "import", f"named{n}.json", "--name", f"named{n}", "--store", "named.db")
                self.run_hre("runs", "export", f"named{n}", "--to", "lm-eval", "--out", f"deep/lm{n}", "--store", "named.db")
                made = [path for path in (self.folder / "deep" / f"lm{n}").rglob("*") if path.is_file()]
                self.assertGreater(len(made), 1)
                self.assertEqual({self.folder / "deep" / f"lm{n}"}, {path.parent.parent for path in made})
        self.assertEqual([f"lm{n}" for n in range(6)], sorted(os.listdir(self.folder / "deep")))

    def test_files(self):
        names, folder = self.files("--data", "data.jsonl")
        self.assertEqual(["results", "samples_human_rank_eval_a", "samples_human_rank_eval_b"], [name.rsplit("_", 1)[0] for name in names])
        results = json.loads((folder / names[0]).read_text(encoding="utf-8"))
        self.assertEqual(self.whole["results"]["topics"]["a"]["pearson"]["mean"], results["results"]["human_rank_eval_a"]["pearson,none"])
        self.assertEqual("N/A", results["results"]["human_rank_eval_b"]["pearson,none"])
        sample = json.loads((folder / names[1]).read_text(encoding="utf-8").splitlines()[0])
        self.assertEqual(" Because it is so.", sample["arguments"]["gen_args_0"]["arg_1"])
        self.assertEqual(self.whole["questions"][0]["answers"][0]["sum_log_prob"], float(sample["resps"][0][0][0]))

    def test_read_by_the_harness(self):
        names, folder = self.files()
        read = self.python(
            """
import json, sys
from lm_eval.utils import get_results_filenames, get_sample_results_filenames, make_table
paths = sys.argv[1:]
results = get_results_filenames(paths)
print(json.dumps({"table": make_table(json.load(open(results[0]))), "samples": len(get_sample_results_filenames(paths))}))
""",
            *[str(folder / name) for name in names],
        )
        self.assertEqual(2, read["samples"])
        self.assertIn("human_rank_eval_a", read["table"])
        self.assertIn(f"{self.whole['results']['micro']['pearson']['mean']:.4f}", read["table"])

    def test_samples_read_by_datasets(self):
        names, folder = self.files("--data", "data.jsonl")
        rows = self.python(
            """
import json, sys
from datasets import load_dataset
print(json.dumps(load_dataset("json", data_files=sys.argv[1], split="train", cache_dir="cache").to_list()))
""",
            str(folder / names[1]),
        )
        self.assertEqual(2, len(rows))
        self.assertAlmostEqual(self.whole["questions"][0]["pearson"], rows[0]["pearson"], places=9)  # it rounds


class HubTest(FormatsTest):
    def test_the_dataset_needs_an_id(self):
        self.assertIn("--dataset-id ORG/NAME", self.error_of("runs", "export", "mine", "--to", "model-index"))

    def test_model_index(self):
        self.export("model-index", "--dataset-id", "huawei-noah/human_rank_eval", "--out", "README.md")
        read = self.python("""
import json
from huggingface_hub import ModelCard
card = ModelCard.load("README.md")
print(json.dumps({"name": card.data.model_name, "results": [
    [result.dataset_type, result.dataset_config, result.metric_type, result.metric_value] for result in card.data.eval_results]}))
""")
        self.assertEqual("baseline:zstd", read["name"])
        values = {(config, metric): value for _, config, metric, value in read["results"]}
        self.assertEqual(self.whole["results"]["micro"]["pearson"]["mean"], values["micro_average", "pearsonr"])
        self.assertEqual(self.whole["results"]["topics"]["a"]["spearman"]["mean"], values["a", "spearmanr"])
        self.assertNotIn(("b", "pearsonr"), values)

    def test_eval_results(self):
        self.export("eval-results", "--dataset-id", "huawei-noah/human_rank_eval", "--out", "results.yaml")
        read = self.python("""
import json, yaml
from huggingface_hub import parse_eval_result_entries
entries = parse_eval_result_entries(yaml.safe_load(open("results.yaml")))
print(json.dumps([[entry.dataset_id, entry.task_id, entry.value, entry.date] for entry in entries]))
""")
        self.assertEqual(
            ["huawei-noah/human_rank_eval", "micro_average", self.whole["results"]["micro"]["pearson"]["mean"], self.whole["created"]],
            read[0],
        )
        self.assertEqual(["micro_average", "a"], [entry[1] for entry in read])


class MistakeTest(FormatsTest):
    def test_unknown_format(self):
        self.assertIn("did you mean parquet?", self.error_of("runs", "export", "mine", "--to", "parqet"))
        self.assertIn("there are json, csv", self.error_of("runs", "export", "mine", "--to", "x"))

    def test_of_a_file(self):
        """A run need not be in a store."""
        self.assertEqual(self.export("csv"), self.run_hre("runs", "export", "run.json", "--to", "csv").stdout)


if __name__ == "__main__":
    unittest.main()
