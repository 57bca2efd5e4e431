"""The training of the models that hre brings: what is held out is not trained on, and the whole of it runs.

The run needs torch, transformers, tokenizers and gguf, which the tests' own Python lacks: HRE_TRAIN_PYTHON names one.
"""

import os
import re
import subprocess
import unittest

from program import SOURCE_DIR, ProgramTest, clean_environment, shared_data

SPLIT = """
import json, sys
sys.path.insert(0, sys.argv[1])
import posts
questions = posts.read_questions(sys.argv[2])
train, n_questions, n_answers = posts.without_overlap(questions)
print(json.dumps({"train": [posts.texts_of(q) for q in train],
                  "held_out": [posts.texts_of(q) for q in questions if q.part == "held_out"],
                  "ids": {part: [[q.site, q.id] for q in questions if q.part == part]
                          for part in ("train", "validation", "held_out")}}))
"""


def runs_of_words(text, n=13):
    """The text's runs of n words: stated again, apart from the training's own."""
    words = re.findall(r"\w+", text.lower())
    return {" ".join(words[i : i + n]) for i in range(len(words) - n + 1)}


def runs_of_texts(questions):
    return set().union(*(runs_of_words(text) for texts in questions for text in texts))


class TrainTest(ProgramTest):
    def test_held_out_text_is_not_trained_on(self):
        dumps = shared_data("stackexchange")
        found = self.run_python(SPLIT, SOURCE_DIR / "tools" / "train", dumps)
        parts = {part: {tuple(question) for question in ids} for part, ids in found["ids"].items()}
        total = sum(map(len, parts.values()))
        self.assertEqual(total, len(set.union(*parts.values())), "a question is in two parts")
        self.assertAlmostEqual(len(parts["held_out"]) / total, 0.3, delta=0.05)
        held_out, trained = runs_of_texts(found["held_out"]), runs_of_texts(found["train"])
        self.assertGreater(len(held_out), 50000)
        self.assertGreater(len(trained), 100000)
        self.assertEqual(set(), held_out & trained)

    def test_smoke(self):
        python = os.environ.get("HRE_TRAIN_PYTHON")
        if not python:
            raise unittest.SkipTest("HRE_TRAIN_PYTHON names no Python with torch, transformers, tokenizers and gguf")
        subprocess.run(
            [python, SOURCE_DIR / "tools" / "train" / "train.py", "--dumps", shared_data("stackexchange"), "--out", self.folder, "--smoke"],
            env=clean_environment(),
            capture_output=True,
            check=True,
        )
        self.assertEqual(10, self.read_json("training.json")["settings"]["tuned_steps"])
        for name in ("hre-base-q8_0", "hre-base-f32", "hre-tuned-q8_0", "hre-tuned-f32"):
            self.run_hre(
                "eval",
                f"{name}.gguf",
                "--data",
                "held_out.jsonl",
                "--limit",
                "2",
                "--long-answers",
                "truncate",
                "--json",
                "run.json",
                "--quiet",
                "--threads",
                "1",
            )
            run = self.read_json("run.json")
            self.assertEqual("llama", run["model"]["architecture"])
            self.assertEqual(8, run["results"]["micro"]["questions"])


if __name__ == "__main__":
    unittest.main()
