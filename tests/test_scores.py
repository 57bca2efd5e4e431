"""Values that follow from one pass: bits per byte."""

import json
import math
import sqlite3
import statistics
import unittest

from program import ProgramTest


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
        self.assertIsNone(self.evaluate("baseline:length", "length.json")["results"]["micro"]["bits_per_byte"]["mean"],
                          "a length is no log-likelihood")

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
        self.assertIn("A is better than B by ", text)
        self.assertRegex(text, r"(?m)^worst − best ")
        self.assertGreaterEqual(100, max(map(len, text.splitlines())))
        many = self.run_hre("compare", "zstd.json", "worse.json", "zstd.json").stdout
        self.assertRegex(many, r"(?m)^bits per byte of ")
        line = self.error_of("compare", "zstd.json", "worse.json", "--metric", "bits_per_byte", "--until", "decided")
        self.assertIn("bits_per_byte has no bounds", line)

    def test_runs_of_older_stores_get_them_when_evaluated_again(self):
        model = ("eval", "baseline:zstd", "--data", "sample", "--topic", "python", "--store", "runs.db")
        self.run_hre(*model)
        with sqlite3.connect(self.folder / "runs.db") as database:
            stored = database.execute("SELECT n_bytes FROM answer_score ORDER BY score, position").fetchall()
        shown = json.loads(self.run_hre("runs", "export", "last", "--store", "runs.db").stdout)
        self.assertEqual(sorted(n for n, in stored), sorted(a["n_bytes"] for q in shown["questions"] for a in q["answers"]))


if __name__ == "__main__":
    unittest.main()
