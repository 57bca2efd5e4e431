"""Two real models with quantised weights, on text as people write it: bits in any company, and values by another way.

SmolLM2-135M-Instruct (Q4_1) and Gemma 3 270M (Q4_K_M: Q8_0, Q5_0, Q4_K and others); tools/setup.sh models fetches them.
"""

import json
import os
import random
import subprocess
import unittest

from program import BUILD_DIR, SLOWER, SOURCE_DIR, ProgramTest, clean_environment, real_model, shared_data
from test_isa import caps_of_this_machine

MODELS = ("smollm2-135m-instruct.q4_1.gguf", "gemma-3-270m-q4_k_m.gguf")
QUESTIONS = [
    json.loads(line)
    for path in sorted((SOURCE_DIR / "src" / "data" / "sample").glob("*.jsonl"))
    for line in path.read_text(encoding="utf-8").splitlines()[:1]
]


class RealModelsTest(ProgramTest):
    def evaluate(self, model, questions, *options, env=None):
        """Each question's sums of log-probabilities, in nats, and the run's kernels."""
        data = self.write("data.jsonl", "".join(json.dumps(question) + "\n" for question in questions))
        self.run_hre(
            "eval",
            model,
            "--data",
            data,
            "--store",
            "none",
            "--no-shuffle",
            "--json",
            "run.json",
            "--details",
            "--quiet",
            "--long-answers",
            "truncate",
            "--max-length",
            300,
            *options,
            env=env,
        )
        run = self.read_json("run.json")
        sums = [[answer["sum_log_prob"] for answer in question["answers"]] for question in run["questions"]]
        return sums, run["config"]["kernels"]

    def test_bits_in_any_company(self):
        """A subset in another order, with other threads and workers, has the bits of the whole."""
        seed = random.randrange(1 << 32)
        chance = random.Random(seed)
        for name in MODELS:
            model = real_model(name)
            questions = chance.sample(QUESTIONS, 6)
            whole, kernels = self.evaluate(model, questions)
            self.assertNotEqual("the engine's", kernels)
            for _ in range(3):
                options = ("--threads", chance.choice((1, 2, 3)), "--workers", chance.choice((1, 2, 3)))
                chosen = chance.sample(range(6), chance.choice((1, 2, 3)))
                with self.subTest(model=name, chosen=chosen, options=options, seed=seed):
                    part, _ = self.evaluate(model, [questions[i] for i in chosen], *options)
                    self.assertEqual([whole[i] for i in chosen], part)

    @unittest.skipIf(os.environ.get("HRE_SANITIZE"), "float32 products of whole models take hours under sanitizers")
    def test_values_are_those_of_float32_products(self):
        """hre verify computes each product as it is defined, from float32 weights, one pass per answer."""
        for name in MODELS:
            for options, tolerance in ((("--precision", "exact"), 1e-3), ((), 0.2)):
                with self.subTest(model=name, options=options):
                    self.evaluate(real_model(name), QUESTIONS[:2], *options)
                    self.run_hre("verify", "run.json", "--questions", 1, "--tolerance", tolerance, "--quiet")

    def test_every_instruction_set(self):
        """The unit tests of bits and of values again, by the kernels of each narrower instruction set."""
        for name in MODELS:
            real_model(name)
        shared_data("questions/data")
        for level, cap in list(caps_of_this_machine().items())[:-1]:
            with self.subTest(level=level):
                done = subprocess.run(
                    [BUILD_DIR / "src" / "eval_test", "--gtest_filter=Real/ModelTest.*", "--gtest_brief=1"],
                    env=clean_environment(ONEDNN_MAX_CPU_ISA=cap, HRE_TEST_ROUNDS="1", HRE_TEST_MODELS=str(real_model(MODELS[0]).parent)),
                    capture_output=True,
                    text=True,
                    check=False,
                    timeout=1200 * SLOWER,
                )
                self.assertEqual(0, done.returncode, done.stdout)
                self.assertIn("4 tests ran", done.stdout.replace("tests from 1 test suite ran", "tests ran"))
                self.assertNotIn("SKIPPED", done.stdout)


if __name__ == "__main__":
    unittest.main()
