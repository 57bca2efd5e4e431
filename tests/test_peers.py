"""hre against other programs that read the same formats and compute the same numbers."""

import json
import random
import unittest

from program import ProgramTest, shared_data

LOAD = """
import datasets, json, sys
loaded = datasets.load_dataset(sys.argv[1], cache_dir="cache")
print(json.dumps({name: list(split) for name, split in loaded.items()}))
"""

SAVE = """
import datasets, json, sys
datasets.load_dataset(sys.argv[1], cache_dir="cache").save_to_disk(sys.argv[2])
print(0)
"""

SCIPY = """
import json, sys, warnings
import numpy as np
from scipy import stats
warnings.simplefilter("ignore")
def number(value):
    return None if np.isnan(value) else float(value)
def values(question):
    votes, scores = ([answer[key] for answer in question["answers"]] for key in ("votes", "score"))
    return {"pearson": number(stats.pearsonr(votes, scores)[0]), "spearman": number(stats.spearmanr(votes, scores)[0]),
            "kendall": number(stats.kendalltau(votes, scores, variant="b")[0])}
def summary(values):
    defined = np.array([value for value in values if value is not None])
    stderr = stats.sem(defined)
    low, high = stats.t.interval(0.95, len(defined) - 1, defined.mean(), stderr)
    return {"mean": defined.mean(), "stderr": stderr, "low": low, "high": high}
questions = json.load(open(sys.argv[1]))["questions"]
each = [values(question) for question in questions]
topics = {}
for question, of in zip(questions, each):
    topics.setdefault(question["topic"], []).append(of["pearson"])
    topics.setdefault("all questions", []).append(of["pearson"])
print(json.dumps({"questions": each, "topics": {topic: summary(of) for topic, of in topics.items()}}))
"""


class DatasetsTest(ProgramTest):
    """Python's datasets reads what hre writes, and hre reads what it saves."""

    def read_lines(self, name):
        return [json.loads(line) for line in (self.folder / name).read_text(encoding="utf-8").splitlines()]

    def test_reads_what_hre_writes(self):
        self.run_hre("data", "convert", "sample", "written")
        self.run_hre("data", "convert", "sample", "sample.jsonl")
        loaded = self.run_python(LOAD, self.folder / "written")
        ours = {}
        for line in self.read_lines("sample.jsonl"):
            answers = [{"text": answer["text"], "votes": str(answer["votes"])} for answer in line["answers"]]
            ours.setdefault(line["topic"], []).append({"question": line["question"], "answers": answers})
        self.assertEqual(14, len(ours))
        self.assertIn("HumanRankEvalSoftEng", loaded)
        self.assertEqual(ours["soft_eng"], loaded["HumanRankEvalSoftEng"])
        self.assertEqual(sorted(map(str, ours.values())), sorted(map(str, loaded.values())))

    def test_hre_reads_what_it_saves(self):
        real = shared_data("questions")
        self.run_python(SAVE, real, self.folder / "saved")
        self.run_hre("data", "convert", real, "real.jsonl")
        self.run_hre("data", "convert", "saved", "saved.jsonl")
        key = lambda line: (line["topic"], line["question"])  # saved splits have another order
        self.assertEqual(sorted(self.read_lines("real.jsonl"), key=key), sorted(self.read_lines("saved.jsonl"), key=key))


class ScipyTest(ProgramTest):
    def test_correlations_and_intervals(self):
        self.run_hre("eval", "baseline:zstd", "--data", "sample", "--json", "run.json", "--details", "--quiet")
        run = self.read_json("run.json")
        peers = self.run_python(SCIPY, self.folder / "run.json")
        self.assertGreater(len(run["questions"]), 50)
        self.assertEqual(len(run["questions"]), len(peers["questions"]))
        for question, values in zip(run["questions"], peers["questions"]):
            for name, value in values.items():
                with self.subTest(question=question["id"], metric=name):
                    if value is None:
                        self.assertIsNone(question[name])
                    else:
                        self.assertAlmostEqual(value, question[name], delta=1e-9)
        for topic, peer in peers["topics"].items():
            ours = (run["results"]["micro"] if topic == "all questions" else run["results"]["topics"][topic])["pearson"]
            for value, name in ((ours["mean"], "mean"), (ours["stderr"], "stderr"), (ours["ci95"][0], "low"), (ours["ci95"][1], "high")):
                with self.subTest(topic=topic, of=name):
                    if name in ("low", "high") and ours["n"] < 20:
                        self.assertIsNone(value)
                    else:
                        self.assertAlmostEqual(peer[name], value, delta=1e-9)


class ShuffleTest(ProgramTest):
    def ids(self, *options):
        self.run_hre("eval", "baseline:length", "--data", "many.jsonl", "--json", "run.json", "--details", "--quiet", *options)
        return [question["id"] for question in self.read_json("run.json")["questions"]]

    def test_limit_takes_what_cpython_shuffles_to_the_front(self):
        lines = [
            {"question": f"Which of {number}?", "answers": [{"text": "a" * (number + 1), "votes": 1}, {"text": "b", "votes": 0}]}
            for number in range(500)
        ]
        self.write("many.jsonl", "\n".join(map(json.dumps, lines)))
        for seed in (42, 7, 0, 2**63):
            order = list(range(500))
            random.Random(seed).shuffle(order)
            for limit in (10, 499):
                with self.subTest(seed=seed, limit=limit):
                    ids = self.ids(f"--shuffle-seed={seed}", f"--limit={limit}")
                    self.assertEqual({f"many/{number:06}" for number in order[:limit]}, set(ids))
        self.assertEqual([f"many/{number:06}" for number in range(10)], sorted(self.ids("--no-shuffle", "--limit=10")))


if __name__ == "__main__":
    unittest.main()
