"""Options of statistics that no other test gives: that each moves the number that it is about."""

import json
import math
import random
import statistics
import unittest

from program import ProgramTest


class OptionValuesTest(ProgramTest):
    def setUp(self):
        super().setUp()
        for model in ("zstd", "length"):
            self.run_hre("eval", f"baseline:{model}", "--data", "sample", "--json", f"{model}.json", "--details", "--quiet")

    def result(self, *arguments):
        return json.loads(self.run_hre(*arguments, "--json", "-").stdout)

    def test_alpha_and_power_by_the_normal_formula(self):
        def detectable(alpha, power):
            case = self.result("power", "zstd.json", "length.json", "--difference", 0.05, "--alpha", alpha, "--power", power)["cases"][0]
            points = {point["questions"]: point["detectable"] for point in case["curve"]}
            return points[30000]  # where Student's quantiles are the normal ones

        def quantiles(alpha, power):
            return statistics.NormalDist().inv_cdf(1 - alpha / 2) + statistics.NormalDist().inv_cdf(power)

        usual = detectable(0.05, 0.8)
        for alpha, power in ((0.01, 0.8), (0.05, 0.9), (0.001, 0.95)):
            self.assertAlmostEqual(quantiles(alpha, power) / quantiles(0.05, 0.8), detectable(alpha, power) / usual, delta=1e-3)

    def test_min_k_is_the_mean_of_the_least_likely_share(self):
        run = json.loads((self.folder / "zstd.json").read_text(encoding="utf-8"))
        chance = random.Random(5)
        for question in run["questions"]:
            for answer in question["answers"]:
                shares = [chance.random() for _ in range(chance.randint(1, 40))]
                answer["token_log_probs"] = [answer["sum_log_prob"] * share / sum(shares) for share in shares]
        self.write("tokens.json", json.dumps(run))
        self.write(
            "meta.jsonl",
            "".join(json.dumps({"topic": q["topic"], "id": q["id"], "created": "2024-05-01"}) + "\n" for q in run["questions"]),
        )

        def expected(share):
            def of(tokens):
                lowest = sorted(tokens)[: max(1, math.floor(share * len(tokens)))]
                return statistics.fmean(lowest)

            return statistics.fmean(
                statistics.fmean(of(answer["token_log_probs"]) for answer in question["answers"]) for question in run["questions"]
            )

        for options, share in (((), 0.2), (("--min-k", 0.5), 0.5), (("--min-k", 1), 1), (("--min-k", 0.001), 0.001)):
            (year,) = self.result("confounds", "tokens.json", "--metadata", "meta.jsonl", *options)["runs"][0]["min_k"]
            self.assertEqual(2024, year["year"])
            self.assertAlmostEqual(expected(share), year["value"]["mean"], 4)  # stored as float32

    def test_moved_names_so_many(self):
        ten = self.result("compare", "zstd.json", "length.json")["moved"]
        self.assertEqual(10, len(ten))
        self.assertEqual(ten[:3], self.result("compare", "zstd.json", "length.json", "--moved", 3)["moved"])
        self.assertEqual([], self.result("compare", "zstd.json", "length.json", "--moved", 0)["moved"])


if __name__ == "__main__":
    unittest.main()
