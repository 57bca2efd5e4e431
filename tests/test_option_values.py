"""Options of statistics that no other test gives: that each moves the number that it is about."""

import json
import unittest
from statistics import NormalDist

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
            return NormalDist().inv_cdf(1 - alpha / 2) + NormalDist().inv_cdf(power)

        usual = detectable(0.05, 0.8)
        for alpha, power in ((0.01, 0.8), (0.05, 0.9), (0.001, 0.95)):
            self.assertAlmostEqual(quantiles(alpha, power) / quantiles(0.05, 0.8), detectable(alpha, power) / usual, delta=1e-3)

    def test_moved_names_so_many(self):
        ten = self.result("compare", "zstd.json", "length.json")["moved"]
        self.assertEqual(10, len(ten))
        self.assertEqual(ten[:3], self.result("compare", "zstd.json", "length.json", "--moved", 3)["moved"])
        self.assertEqual([], self.result("compare", "zstd.json", "length.json", "--moved", 0)["moved"])


if __name__ == "__main__":
    unittest.main()
