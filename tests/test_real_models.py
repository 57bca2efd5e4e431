"""Two real models with quantised weights, on text as people write it: bits in any company, and values by another way.

SmolLM2-135M-Instruct (Q4_1) and Gemma 3 270M (Q4_K_M: Q8_0, Q5_0, Q4_K and others); tools/setup.sh models fetches them.
"""

import json
import random
import unittest

from program import SOURCE_DIR, ProgramTest, real_model, shared_data
from test_isa import caps_of_this_machine

MODELS = ("smollm2-135m-instruct.q4_1.gguf", "gemma-3-270m-q4_k_m.gguf")
QUESTIONS = [json.loads(line) for path in sorted((SOURCE_DIR / "src" / "data" / "sample").glob("*.jsonl"))
             for line in path.read_text(encoding="utf-8").splitlines()[:1]]


class RealModelsTest(ProgramTest):
    def evaluate(self, model, questions, *options, env=None):
        """Each question's sums of log-probabilities, in nats, and the run's kernels."""
        data = self.write("data.jsonl", "".join(json.dumps(question) + "\n" for question in questions))
        self.run_hre("eval", model, "--data", data, "--store", "none", "--no-shuffle", "--json", "run.json", "--details",
                            "--quiet", "--long-answers", "truncate", "--max-length", 300, *options, env=env)
        run = self.read_json("run.json")
        sums = [[answer["sum_log_prob"] for answer in question["answers"]] for question in run["questions"]]
        return sums, run["config"]["kernels"]

    def test_bits_in_any_company(self):
        """A subset in another order, with other threads or workers, by any instruction set, has the bits of the whole."""
        seed = random.randrange(1 << 32)
        chance = random.Random(seed)
        for name in MODELS:
            model = real_model(name)
            questions = chance.sample(QUESTIONS, 6)
            whole, kernels = self.evaluate(model, questions)
            self.assertNotEqual("the engine's", kernels)
            for options in (("--threads", 1), ("--workers", 2)):
                chosen = chance.sample(range(6), 2)
                with self.subTest(model=name, chosen=chosen, options=options, seed=seed):
                    part, _ = self.evaluate(model, [questions[i] for i in chosen], *options)
                    self.assertEqual([whole[i] for i in chosen], part)

    def test_values_are_those_of_float32_products(self):
        """hre verify computes each product as it is defined, from float32 weights, one pass per answer."""
        for name in MODELS:
            for options, tolerance in ((("--precision", "exact"), 1e-3), ((), 0.2)):
                with self.subTest(model=name, options=options):
                    self.evaluate(real_model(name), QUESTIONS[:2], *options)
                    self.run_hre("verify", "run.json", "--questions", 1, "--tolerance", tolerance, "--quiet")

    def test_real_questions_at_every_instruction_set(self):
        """SmolLM2 alone and among others, in float32 and by the table; the mean of r moves by less than 0.01 between those."""
        data, model = shared_data("questions/data"), real_model(MODELS[0])
        for level, cap in caps_of_this_machine().items():
            means, environment = {}, {"ONEDNN_MAX_CPU_ISA": cap}
            for precision in ("exact", "auto"):
                with self.subTest(level=level, precision=precision):
                    arguments = ("eval", model, "--data", data, "--store", "none", "--limit", 1, "--long-answers", "truncate", "--topic", "ai",
                                 "--max-length", 120, "--precision", precision, "--details", "--quiet", "--json")
                    self.run_hre(*arguments, "run.json", "--topic", "beer", env=environment)
                    self.run_hre(*arguments, "one.json", env=environment)
                    run, alone = self.read_json("run.json"), self.read_json("one.json")["questions"]
                    self.assertIn(f", {level}, ", run["config"]["kernels"])
                    means[precision] = run["results"]["micro"]["pearson"]["mean"]
                    among = [question for question in run["questions"] if question["topic"] == "ai"]
                    self.assertEqual([[answer["sum_log_prob"] for answer in question["answers"]] for question in among],
                                     [[answer["sum_log_prob"] for answer in question["answers"]] for question in alone])
                    if precision == "exact":
                        self.run_hre("verify", "run.json", "--questions", 1, "--tolerance", 1e-3, "--quiet", env=environment)
            self.assertAlmostEqual(means["exact"], means["auto"], delta=0.01)


if __name__ == "__main__":
    unittest.main()
