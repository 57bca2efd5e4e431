"""hre bench, and hre's kernels against the engine's on a language model with quantised weights."""

import json
import re
import unittest

from program import SOURCE_DIR, ProgramTest

MODEL = SOURCE_DIR / "models" / "hre-base-q8_0.gguf"


class BenchTest(ProgramTest):
    def test_figures(self):
        done = self.run_hre("bench", "--questions", 2, "--threads", 1, "--json", "bench.json", "--quiet")
        bench = json.loads((self.folder / "bench.json").read_text())
        self.assertEqual(("hre-bench/1", 2), (bench["format"], bench["questions"]))
        ours, plain = bench["contenders"]
        self.assertEqual("the engine's", plain["kernels"])
        self.assertEqual(ours["answer_tokens"], plain["answer_tokens"])
        self.assertGreater(plain["positions"], 0)
        self.assertLess(bench["largest_difference"], 1)
        self.assertGreater(bench["speed"]["peak"]["memory"], 0)
        self.assertGreater(bench["speed"]["peak_memory"], 1 << 20)
        self.assertIn("times as fast", done.stdout)
        self.assertIn("where the time goes", done.stdout)
        parts = bench["speed"]["parts"]
        self.assertAlmostEqual(bench["speed"]["seconds"], sum(part["seconds"] for part in parts.values()), places=6)
        self.need_kernels(ours["kernels"])
        self.assertGreater(bench["speed"]["limit_seconds"], 0)
        self.assertLess(bench["speed"]["share_of_limit"], 1.05)
        self.check_verdicts_on_the_table(" ".join(done.stdout.split()), bench["speed"]["peak"])

    def check_verdicts_on_the_table(self, text, peak):
        """Each type of weights has its sentence, which follows from the rates that were measured."""
        said = re.findall(
            r"(bf16|Q8_0|other quantised) weights are multiplied in (\w+), ([0-9.]+) times as fast as in f32 on this "
            r"machine(: the table is wrong)?",
            text,
        )
        self.assertEqual(["bf16", "Q8_0", "other quantised"], [weights for weights, *_ in said], text)
        for weights, numbers, times, wrong in said:
            self.assertAlmostEqual(peak[numbers] / peak["f32"], float(times), delta=0.0051, msg=weights)
            self.assertEqual(peak["f32"] > 1.05 * peak[numbers], bool(wrong), weights)

    def test_stats_of_a_run(self):
        done = self.run_hre("eval", MODEL, "--data", "sample", "--limit", 1, "--stats", "--json", "run.json", "--quiet")
        self.assertIn("where the time goes", done.stdout)
        speed = json.loads((self.folder / "run.json").read_text())["speed"]
        self.assertGreater(speed["seconds"], 0)
        self.assertGreater(speed["parts"]["engine_rest"]["seconds"], 0)

    def test_refusals(self):
        self.assertIn("nowhere.gguf", self.error_of("bench", "nowhere.gguf"))
        self.assertIn("--questions", self.error_of("bench", "--questions", "0"))

    def test_kernels_are_part_of_what_is_stored(self):
        kernels = set()
        for choice in ("plain", "auto"):
            done = self.run_hre(
                "eval", "baseline:length", MODEL, "--data", "sample", "--limit", 1, "--engine-kernels", choice, "--json", "-", "--quiet"
            )
            kernels.add(json.loads(done.stdout)[1]["config"]["kernels"])
        self.assertIn("the engine's", kernels)
        self.assertEqual(2, len(kernels))
        self.assertIn("nonsense", self.error_of("eval", MODEL, "--data", "sample", "--engine-kernels", "nonsense"))


if __name__ == "__main__":
    unittest.main()
