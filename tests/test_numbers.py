#!/usr/bin/env python3
"""One pair of runs, looked at by every command that shows their values: equal numbers, caveats and refusals."""

import base64
import csv
import io
import json
import math
import re
import unittest
import zlib

import report_data
from program import SOURCE_DIR, ProgramTest


def page_index(page):
    """The numbers inside a page."""
    packed = re.search(r'<script type="application/octet-stream" id="data-index">([^<]*)</script>', page)[1]
    return json.loads(zlib.decompress(base64.b64decode(packed)))


def rounded(value, decimals):
    """No minus before zero."""
    text = f"{value:.{decimals}f}"
    return text.lstrip("-") if not text.strip("-0.") else text


def with_error(estimate, factor=1):
    """How a mean is shown, with two digits of half of its interval (without one, of its standard error), and its number of decimals."""
    half = None if estimate["ci95"][0] is None else factor * (estimate["ci95"][1] - estimate["ci95"][0]) / 2
    error = factor * (estimate["stderr"] or 0) if half is None else half
    decimals = max(0, 1 - math.floor(math.log10(error))) if error > 0 else 3
    return rounded(factor * estimate["mean"], decimals) + ("" if half is None else f" ± {rounded(half, decimals)}"), decimals


def rows_of(text, *first):
    """The cells of a text's rows that begin with one of these, by the first cell."""
    rows = (re.split(r"\s{2,}", line.strip()) for line in text.splitlines())
    return {row[0]: row[1:] for row in reversed(list(rows)) if row[0] in first}  # of the first table with such a row


class NumbersTest(ProgramTest):
    def evaluate(self, *options, questions=61):
        """Two runs in the store and in files; the second a model that scores otherwise. Gives the first one's text."""
        self.write(
            "data.jsonl",
            "".join(
                json.dumps(
                    {
                        "topic": ("maths", "law", "rare")[i % 3 if i < 60 else 0],
                        "question": f"q{i}",
                        "answers": [
                            {"text": "word " * (3 + (i * 7 + k * k) % 11), "votes": (0 if i == 5 else (k * 5 + i * 3) % 13 - 2)}
                            for k in range(3 + i % 3)
                        ],
                    }
                )
                + "\n"
                for i in range(questions)
            ),
        )
        text = self.run_hre(
            "eval", "baseline:zstd", "--data", "data.jsonl", "--name", "first", "--json", "a.json", "--details", "--quiet", *options
        ).stdout
        a = self.read_json("a.json")
        b = report_data.other_model(a, "other", 3, spread=0.4)
        for question in b["questions"]:  # nothing derived from the scores that were there before
            for name in [name for name in question if name not in ("id", "topic", "answers", "pearson")]:
                del question[name]
        self.write("b.json", json.dumps(b))
        self.run_hre("runs", "import", "b.json", "--name", "second")
        return text

    def check(self, *options):
        shown = self.evaluate(*options)
        a = self.read_json("a.json")
        micro = a["results"]["micro"]

        exported = {name: json.loads(self.run_hre("runs", "export", name).stdout)["results"] for name in ("first", "second")}
        self.assertEqual(a["results"], exported["first"])
        compared = json.loads(self.run_hre("compare", "a.json", "b.json", "--json", "-").stdout)
        by_name = json.loads(self.run_hre("compare", "first", "second", "--json", "-").stdout)
        self.assertEqual(compared["pairs"], by_name["pairs"])
        for run, name in zip(compared["runs"], ("first", "second")):
            self.assertLessEqual({"pearson", "top_one", "length"}, set(run["micro"]))
            for metric, estimate in exported[name]["micro"].items():
                if metric in run["micro"] and not metric.startswith("bits"):  # those have a value where votes are equal
                    self.equal(estimate, run["micro"][metric], f"{name} {metric}")
            self.equal(exported[name]["micro"]["length_share"], run["length_share"], f"{name} length_share")

        number, decimals = with_error(micro["pearson"])
        self.assertIn(f"first: HumanRankEval {number}".replace("first", "baseline:zstd"), shown)
        value, through, beyond = (micro["length"][part]["mean"] for part in ("value", "through", "beyond"))
        sign = "−" if beyond < 0 else "+"
        self.assertIn(
            f"{value:.{decimals}f} = {through:.{decimals}f} through the answers' length {sign} {abs(beyond):.{decimals}f} beyond it", shown
        )
        for text in (shown, self.run_hre("runs", "show", "first").stdout):
            self.check_table(a["results"], text)
        self.assertRegex(self.run_hre("runs", "list").stdout, rf"first +{re.escape(number)} ")
        metrics = self.run_hre(
            "eval", "baseline:zstd", "--data", "data.jsonl", "--quiet", "--metrics", "all", *options, env={"COLUMNS": "200"}
        ).stdout
        for metric in ("top_one", "ndcg"):
            self.assertIn(f"{with_error(micro[metric])[0]} (chance {micro[metric]['chance']:.{with_error(micro[metric])[1]}f})", metrics)
        listed = json.loads(self.run_hre("runs", "list", "--json").stdout)["runs"]
        self.assertIn(micro["pearson"]["mean"], [run["pearson"]["mean"] for run in listed])

        text = self.run_hre("compare", "a.json", "b.json").stdout
        pair = compared["pairs"][0]
        interval = None if pair["bootstrap95"] is None else pair["bootstrap95"]
        decimals = 3 if interval is None else max(0, 1 - math.floor(math.log10((interval[1] - interval[0]) / 2)))
        difference = rounded(pair["difference"], decimals) + (
            "" if interval is None else f" [{rounded(interval[0], decimals)}, {rounded(interval[1], decimals)}]"
        )
        all_row = rows_of(text, "all")["all"]
        self.assertEqual([str(pair["n"]), rounded(pair["mean_a"], 2), rounded(pair["mean_b"], 2), difference], all_row[:4])
        self.assertAlmostEqual(pair["p"], float(all_row[4].replace("< ", "")), delta=0.06 * pair["p"] + 0.0001)
        self.assertEqual([rounded(pair["effect_size"], 2), f"{pair['won']}/{pair['tied']}/{pair['lost']}"], all_row[5:])

        self.run_hre("report", "a.json", "b.json", "--out", "out", "--quiet")
        index = page_index((self.folder / "out/index.html").read_text(encoding="utf-8"))
        self.check_files(index, (exported["first"], exported["second"]))
        for run, results in zip(index["runs"], (exported["first"], exported["second"])):
            self.same_estimates(results["micro"], run["micro"])
            self.same_estimates(results["macro"], run["macro"])
            self.same_estimates(results["micro"]["length"], run["length"])
            for topic, metrics in results["topics"].items():
                self.same_estimates(metrics, run["topics"][topic])
        pair, expected = index["pairs"][0], compared["pairs"][0]
        self.assertEqual((expected["told_apart"], expected["not_interchangeable"]), (pair["apart"], pair["apart"] or pair["not_settled"]))
        self.same_pair(expected, pair["all"])
        for topic, of_topic in zip(index["topics"], pair["topics"]):
            self.same_pair(compared["topics"][topic], of_topic)
        with open(self.folder / "out/tables/differences.csv", encoding="utf-8", newline="") as file:
            row = next(csv.DictReader(file))
        self.assertEqual(
            [f"{value:.4f}" for value in (expected["difference"], *expected["bootstrap95"], expected["p"])],
            [*(row[name] for name in ("difference", "low", "high")), f"{float(row['p']):.4f}"],
        )  # 0.109 by newer fmt
        with open(self.folder / "out/figures/forest.tsv", encoding="utf-8", newline="") as file:
            row = next(csv.DictReader(file, delimiter="\t"))
        for name, value in zip(
            ("difference", "low", "high", "p", "p_holm"),
            (expected["difference"], *expected["bootstrap95"], expected["p"], expected["p_holm"]),
        ):
            self.near(value, float(row[name]), name)

        question = min((q for q in a["questions"] if q["pearson"] is not None), key=lambda q: q["pearson"])
        worst = self.run_hre("show", "first", "--worst", 1, "--data", "data.jsonl").stdout
        self.assertIn(question["id"], worst)
        self.assertIn(f"Pearson {question['pearson']:.2f},", worst)
        return a, compared

    def check_table(self, results, text):
        """The table of one run."""
        topics, micro = results["topics"], results["micro"]
        rows = rows_of(text, *topics, "macro average", "micro average", "length alone", "chance")
        questions = str(micro["questions"])
        for name, metrics, n in (
            *((name, metrics, str(metrics["questions"])) for name, metrics in topics.items()),
            ("macro average", results["macro"], questions),
            ("micro average", micro, questions),
        ):
            self.assertEqual(
                [n, with_error(metrics["pearson"])[0], with_error(metrics["pairwise_accuracy"], 100)[0] + " %"], rows[name], name
            )
        self.assertEqual([questions, with_error(micro["length_only"])[0]], rows["length alone"])
        self.assertEqual(["0", f"{100 * micro['pairwise_accuracy']['chance']:.0f} %"], rows["chance"])

    def read_table(self, name):
        with open(self.folder / "out" / name, encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file, delimiter="\t" if name.endswith("tsv") else ","))

    def four(self, value):
        return "" if value is None else f"{value:.4f}"

    def check_files(self, index, by_run):
        """A report's tables and the figure of means, against each run's results."""
        labels = [run["label"] for run in index["runs"]]
        means = {row["topic"]: row for row in self.read_table("tables/topics.csv")}
        estimates = {(row["model"], row["topic"], row["metric"]): row for row in self.read_table("tables/estimates.csv")}
        for label, results, summary in zip(labels, by_run, self.read_table("tables/summary.csv"), strict=True):
            parts = {**results["topics"], "macro average": results["macro"], "micro average": results["micro"]}
            for topic, metrics in parts.items():
                self.assertEqual(self.four(metrics["pearson"]["mean"]), means[topic][label])
                for metric in index["metrics"]:
                    e, row = metrics[metric["name"]], estimates[label, topic, metric["name"]]
                    self.assertEqual(
                        [str(e["n"]), *map(self.four, (e["mean"], *e["ci95"], e.get("chance")))],
                        [row[name] for name in ("n", "mean", "low", "high", "chance")],
                        (label, topic, metric["name"]),
                    )
            micro = results["micro"]
            self.assertEqual(label, summary["model"])
            for metric in index["metrics"]:
                self.assertEqual(self.four(micro[metric["name"]]["mean"]), summary[metric["name"]])
            for name, value in (
                ("pearson_low", micro["pearson"]["ci95"][0]),
                ("pearson_high", micro["pearson"]["ci95"][1]),
                ("through_length", micro["length"]["through"]["mean"]),
                ("beyond_length", micro["length"]["beyond"]["mean"]),
                ("top_one_chance", micro["top_one"]["chance"]),
                ("ndcg_chance", micro["ndcg"]["chance"]),
                ("macro_pearson", results["macro"]["pearson"]["mean"]),
            ):
                self.assertEqual(self.four(value), summary[name], name)
        drawn = {row["model"]: row for row in self.read_table("figures/overall_mean.tsv")}
        for label, results in zip(labels, by_run):
            e = results["micro"]["pearson"]
            for name, value in (
                ("mean", e["mean"]),
                ("low", e["ci95"][0]),
                ("high", e["ci95"][1]),
                ("stderr", e["stderr"]),
                ("questions", e["n"]),
            ):
                self.near(value, float(drawn[label][name]), name)

    def equal(self, one, other, what):
        """But for rounding, since sums over questions have an order. Comparisons count questions left out once, for all runs."""
        if isinstance(one, dict):
            self.assertEqual(set(one), set(other), what)
            for name in one:
                if name != "undefined":
                    self.equal(one[name], other[name], f"{what} {name}")
        elif isinstance(one, list):
            self.assertEqual(len(one), len(other), what)
            for a, b in zip(one, other):
                self.equal(a, b, what)
        elif isinstance(one, float):
            self.assertAlmostEqual(one, other, 12, what)
        else:
            self.assertEqual(one, other, what)

    def same_estimates(self, expected, shown):
        """The page has six digits."""
        for metric, values in shown.items():
            names = ("mean", "stderr", ("ci95", 0), ("ci95", 1), "n", "undefined", "chance")
            for name, value in zip(names, values):
                exact = expected[metric][name[0]][name[1]] if isinstance(name, tuple) else expected[metric].get(name)
                self.near(exact, value, f"{metric} {name}")

    def same_pair(self, expected, shown):
        for name, value in (
            ("difference", shown["mean"]),
            ("p", shown["p"]),
            ("p_holm", shown["p_holm"]),
            ("effect_size", shown["d"]),
            ("n", shown["n"]),
            ("won", shown["won"]),
            ("lost", shown["lost"]),
        ):
            self.near(expected[name], value, name)
        if expected["bootstrap95"] is None:
            self.assertIsNone(shown["bootstrap"])
        else:
            for exact, value in zip(expected["bootstrap95"], shown["bootstrap"]):
                self.near(exact, value, "bootstrap95")

    def near(self, exact, value, what):
        if exact is None or value is None:
            self.assertEqual(exact, value, what)
        else:
            self.assertLessEqual(abs(exact - value), 1e-5 * abs(exact), what)

    def test_equal_numbers(self):
        _, compared = self.check()
        self.assertEqual("left out", compared["config"]["undefined"])
        for metric in ("bits_per_byte", "bits_gap"):
            shown = json.loads(self.run_hre("compare", "first", "second", "--metric", metric, "--json", "-").stdout)
            for run, name in zip(shown["runs"], ("first", "second")):
                exported = json.loads(self.run_hre("runs", "export", name).stdout)["results"]["micro"][metric]
                self.equal(exported, run["micro"][metric], f"{name} {metric}")

    def test_equal_numbers_where_undefined_counts_as_chance(self):
        a, compared = self.check("--undefined", "zero")
        self.assertEqual("zero", compared["config"]["undefined"])
        self.assertEqual(61, compared["questions"]["shared"])
        self.assertEqual(61, a["results"]["micro"]["pearson"]["n"])
        for metric in ("top_one", "ndcg", "pairwise_accuracy"):
            shown = json.loads(self.run_hre("compare", "a.json", "b.json", "--metric", metric, "--json", "-").stdout)
            mean = a["results"]["micro"][metric]["mean"]
            self.assertAlmostEqual(mean, shown["pairs"][0]["mean_a"], 12, metric)
            self.assertAlmostEqual(mean, shown["runs"][0]["micro"][metric]["mean"], 12, metric)

    def test_lists_show_the_interval_that_is_known(self):
        """Of two answers each r is 1 or -1, whose interval is exact; values that are all equal have none."""
        for name, answers in (("equal", lambda i: ((3, 1), (5, 2), (9, 3))), ("exact", lambda i: ((3, 1), (5, 2 if i % 4 else 0)))):
            self.write(
                f"{name}.jsonl",
                "".join(
                    json.dumps(
                        {"topic": "t", "question": f"q{i}", "answers": [{"text": "word " * n, "votes": votes} for n, votes in answers(i)]}
                    )
                    + "\n"
                    for i in range(40)
                ),
            )
            self.run_hre("eval", "baseline:length", "--data", f"{name}.jsonl", "--name", name, "--json", f"{name}.json", "--quiet")
        listed = self.run_hre("runs", "list").stdout
        equal = self.read_json("equal.json")["results"]["micro"]["pearson"]
        self.assertRegex(listed, rf"equal +{equal['mean']:.3f} +40 ")
        exact = self.read_json("exact.json")["results"]["micro"]["pearson"]
        self.assertAlmostEqual(0.5, exact["mean"], 12)
        self.assertNotAlmostEqual(exact["ci95"][0] + exact["ci95"][1], 1, 2, "exact intervals need not lie evenly")
        self.assertRegex(listed, rf"exact +{re.escape(with_error(exact)[0])} +40 ")
        runs = {run["name"]: run for run in json.loads(self.run_hre("runs", "list", "--json").stdout)["runs"]}
        self.assertEqual([None, None], runs["equal"]["pearson"]["ci95"])
        self.assertEqual(exact["ci95"], runs["exact"]["pearson"]["ci95"])

    def test_differences_without_an_interval(self):
        """Of few runs that hardly differ: no interval in any place, and none of width zero; p alone tells no two apart."""
        self.evaluate()
        a = self.read_json("a.json")
        b = report_data.other_model(a, "other", 3, spread=0.02)
        for question in b["questions"]:
            for name in [name for name in question if name not in ("id", "topic", "answers", "pearson")]:
                del question[name]
        self.write("b.json", json.dumps(b))
        compared = json.loads(self.run_hre("compare", "a.json", "b.json", "--json", "-").stdout)["pairs"][0]
        self.assertEqual((None, [None, None], False), (compared["bootstrap95"], compared["ci95"], compared["told_apart"]))
        self.run_hre("report", "a.json", "b.json", "--out", "out", "--quiet")
        for name in ("tables/differences.csv", "figures/forest.tsv"):
            row = self.read_table(name)[0]
            self.assertEqual(("", ""), (row["low"], row["high"]), name)
        index = page_index((self.folder / "out/index.html").read_text(encoding="utf-8"))
        self.same_pair(compared, index["pairs"][0]["all"])

    def test_small_p_alone_does_not_say_which_is_better(self):
        """Of 40 items that hardly differ, rare losses may not have been seen; the items' values are taken for shares."""
        for name, shift in (("x", 0), ("y", 0.05), ("z", 0.05)):
            self.write(
                f"{name}.jsonl",
                "".join(
                    json.dumps(
                        {
                            "id": f"i{i}",
                            "topic": "t",
                            "value": 0.5
                            + 0.001 * (i % 7)
                            - shift
                            - (0.001 * (i % 3) if name != "x" else 0)
                            - (0.4 if name == "z" and i % 2 else 0),
                        }
                    )
                    + "\n"
                    for i in range(40)
                ),
            )
        compared = json.loads(self.run_hre("compare", "x.jsonl", "y.jsonl", "--json", "-").stdout)
        pair = compared["pairs"][0]
        self.assertEqual((False, True, None), (pair["told_apart"], pair["not_interchangeable"], pair["bootstrap95"]))
        self.assertIn(
            "are not interchangeable, but these 40 questions don't settle which is better: A − B is",
            " ".join(self.run_hre("compare", "x.jsonl", "y.jsonl").stdout.split()),
        )
        many = " ".join(self.run_hre("compare", "x.jsonl", "y.jsonl", "z.jsonl").stdout.split())
        self.assertRegex(many, r"A \(\S+\) and B \(\S+\) are not interchangeable, but which is better is not settled\.")
        self.assertRegex(many, r"A \(\S+\) is better than C \(\S+\)\.")
        self.run_hre("report", "x.jsonl", "y.jsonl", "--out", "out", "--quiet")
        page = page_index((self.folder / "out/index.html").read_text(encoding="utf-8"))["pairs"][0]
        self.assertEqual((False, True), (page["apart"], page["not_settled"]))

    def test_ranks_and_groups_of_three(self):
        self.evaluate()
        a = self.read_json("a.json")
        c = report_data.other_model(a, "third", 5, spread=0.6)
        for question in c["questions"]:
            for name in [name for name in question if name not in ("id", "topic", "answers", "pearson")]:
                del question[name]
            for k, answer in enumerate(question["answers"]):  # nearly the opposite of what people say
                answer["score"] = -answer["votes"] - 3 * (k == 1)
                answer["sum_log_prob"] = answer["score"] * answer["n_chars"]
            question["pearson"] = report_data.pearson(*([answer[name] for answer in question["answers"]] for name in ("votes", "score")))
        self.write("c.json", json.dumps(c))
        names = ("a.json", "b.json", "c.json")
        compared = json.loads(self.run_hre("compare", *names, "--json", "-").stdout)
        self.assertTrue(any(pair["told_apart"] for pair in compared["pairs"]), compared["pairs"])
        text = " ".join(self.run_hre("compare", *names).stdout.split())
        models = [f"{letter} ({run['model']})" for letter, run in zip("ABC", compared["runs"])]
        for group in compared["groups"]:
            if len(group) > 1:
                self.assertIn(" and ".join(models[run] for run in group) + " can't be told apart.", text)
        self.run_hre("report", *names, "--out", "out", "--quiet")
        index = page_index((self.folder / "out/index.html").read_text(encoding="utf-8"))
        ranks = {row["model"]: row for row in self.read_table("figures/rank_intervals.tsv")}
        for page, run in zip(index["runs"], compared["runs"], strict=True):
            row = ranks[page["label"]]
            self.assertEqual((run["rank"], run["rank95"]), (float(row["rank"]), [float(row["low"]), float(row["high"])]), page["label"])
        self.assertEqual(
            [[pair["a"], pair["b"], pair["told_apart"]] for pair in compared["pairs"]],
            [[pair["a"], pair["b"], pair["apart"]] for pair in index["pairs"]],
        )
        for expected, shown in zip(compared["pairs"], index["pairs"]):
            self.same_pair(expected, shown["all"])
        better = [pair for pair in compared["pairs"] if pair["told_apart"]]
        apart = {frozenset((pair["a"], pair["b"])) for pair in better}
        for group in compared["groups"]:
            self.assertFalse(any(frozenset((x, y)) in apart for x in group for y in group if x != y), compared["groups"])

    def test_gates_show_chance(self):
        self.evaluate()
        compared = json.loads(self.run_hre("compare", "a.json", "b.json", "--metric", "ndcg", "--json", "-").stdout)
        text = self.run_hre(
            "gate",
            "a.json",
            "--against",
            "b.json",
            "--metric",
            "ndcg",
            "--margin",
            0.1,
            "--json",
            "gate.json",
            "--markdown",
            "gate.md",
            status=4,
        ).stdout
        chance = compared["runs"][0]["micro"]["ndcg"]["chance"]
        self.assertAlmostEqual(chance, self.read_json("gate.json")["checks"][0]["chance"], 12)
        for shown in (text, (self.folder / "gate.md").read_text(encoding="utf-8")):
            self.assertIn(f"ndcg (chance {chance:.2f})", " ".join(shown.split()))

    def test_clusters(self):
        self.write(
            "data.jsonl",
            "".join(
                json.dumps(
                    {
                        "topic": f"t{i % 30}",
                        "question": f"q{i}",
                        "answers": [{"text": "word " * (3 + (i * 7 + k * k) % 11), "votes": (k * 5 + i % 30 * 3) % 13} for k in range(4)],
                    }
                )
                + "\n"
                for i in range(120)
            ),
        )
        call = ["eval", "baseline:zstd", "--data", "data.jsonl", "--json", "a.json", "--details", "--quiet", "--name", "kept", "--cluster"]
        text = self.run_hre(*call, "topic").stdout
        a = self.read_json("a.json")
        (self.folder / "b.json").write_text(json.dumps(report_data.other_model(a, "other", 3, spread=0.4)))
        clustered = a["results"]["micro"]["clustered"]
        self.assertEqual(("topic", 30), (clustered["by"], clustered["clusters"]))
        shown = re.search(
            r"for other topics: standard error (\S+), 95 % interval \[(\S+), (\S+)\], by bootstrap over clusters "
            r"\[(\S+), (\S+)\] \(clusters by topic: 30, effective 30\.0\)",
            " ".join(text.split()),
        )
        self.assertTrue(shown, text)
        macro = a["results"]["macro"]["clustered"]
        self.assertEqual(("topic", 30), (macro["by"], macro["clusters"]))
        self.near(clustered["stderr"], macro["stderr"], "topics of one size")
        said = re.findall(r"(?:macro average )?for other topics: [^)]*\)", " ".join(text.split()))
        self.assertEqual(2, len(said))
        kept = " ".join(self.run_hre("runs", "show", "kept", "--cluster", "topic").stdout.split())
        self.assertEqual(said, re.findall(r"(?:macro average )?for other topics: [^)]*\)", kept))
        self.assertNotIn("for other topics", self.run_hre("runs", "show", "kept").stdout)
        for number, exact in zip(shown.groups(), (clustered["stderr"], *clustered["ci95"], *clustered["bootstrap95"]), strict=True):
            self.assertAlmostEqual(float(number), exact, delta=0.0051)
        pair = json.loads(self.run_hre("compare", "a.json", "b.json", "--cluster", "topic", "--json", "-").stdout)["pairs"][0]["clustered"]
        compared = self.run_hre("compare", "a.json", "b.json", "--cluster", "topic").stdout
        for part in ("other questions of these topics [95 %]", "other topics [95 %]", "by bootstrap over clusters"):
            self.assertIn(part, compared)
        intervals = [tuple(map(float, ends)) for ends in re.findall(r"\[(-?[\d.]+), (-?[\d.]+)\]", compared)]
        self.assertTrue(any(all(abs(x - y) < 0.0051 for x, y in zip(interval, pair["bootstrap95"])) for interval in intervals), compared)
        self.run_hre("report", "a.json", "b.json", "--out", "out", "--cluster", "topic", "--quiet")
        index = page_index((self.folder / "out/index.html").read_text(encoding="utf-8"))
        for expected, shown in (
            (clustered, index["runs"][0]["clustered"]),
            (macro, index["runs"][0]["clustered_macro"]),
            (pair, index["pairs"][0]["clustered"]),
        ):
            self.assertEqual(("topic", "other topics", 30), (shown["by"], shown["others"], shown["clusters"]))
            for exact, value in zip((expected["stderr"], *expected["ci95"]), shown["estimate"][1:4]):
                self.near(exact, value, "clustered")
        with open(self.folder / "out/tables/estimates.csv", encoding="utf-8", newline="") as file:
            rows = {(row["model"], row["topic"]): row for row in csv.DictReader(file)}
        self.assertEqual(f"{clustered['ci95'][0]:.4f}", rows["baseline:zstd", "micro average, for other topics"]["low"])
        self.assertEqual(f"{macro['ci95'][0]:.4f}", rows["baseline:zstd", "macro average, for other topics"]["low"])
        self.assertIn("metadata does not say the site", self.error_of(*call, "site"))
        self.assertIn("metadata does not say the author", self.error_of("report", "a.json", "--out", "out", "--cluster", "author"))

    def test_invented_votes_are_said_wherever_the_sample_lies(self):
        done = self.run_hre(
            "eval",
            "baseline:zstd",
            "--data",
            SOURCE_DIR / "src/data/sample",
            "--limit",
            2,
            "--name",
            "mine",
            "--json",
            "mine.json",
            "--details",
        )
        for text in (
            done.stdout,
            self.run_hre("runs", "show", "mine").stdout,
            self.run_hre("power", "mine.json").stdout,
            self.run_hre("confounds", "mine.json").stdout,
            "".join(self.read_json("mine.json")["notes"]),
            self.run_hre("show", "mine", "--worst", 1).stderr,
            self.run_hre("runs", "list").stdout,
            self.run_hre("runs", "export", "mine", "--to", "eval-results", "--dataset-id", "a/b").stdout,
            *(self.run_hre("runs", "export", "mine", "--to", name).stdout for name in ("csv", "csv-wide", "reference")),
        ):
            self.assertIn("votes are invented", text)
        self.run_hre("runs", "export", "mine", "--to", "lm-eval", "--out", "lm")
        results = next((self.folder / "lm" / "baseline__zstd").glob("results_*.json"))
        self.assertIn("votes are invented", " ".join(json.loads(results.read_text(encoding="utf-8"))["config"]["notes"]))
        rows = csv.DictReader(io.StringIO(self.run_hre("runs", "export", "mine", "--to", "csv").stdout))
        self.assertEqual({"baseline:zstd"}, {row["model"] for row in rows if "invented" in row["notes"]})

    def test_confounds_and_the_ceiling(self):
        self.evaluate()
        a = self.read_json("a.json")
        shown = json.loads(self.run_hre("confounds", "a.json", "--json", "-").stdout)["runs"][0]
        for part in ("through", "beyond"):
            self.equal(a["results"]["micro"]["length"][part], shown["covariates"][0][part], part)
        ceiling = shown["ceiling"]
        self.assertEqual(("differences", 60, None), (ceiling["votes"], ceiling["questions"], ceiling["ci95"]))
        self.assertAlmostEqual(a["results"]["micro"]["pearson"]["mean"], ceiling["value"], 12)
        self.assertEqual([None] * 4, [ceiling[name] for name in ("mean_r", "reliability", "share", "share95")])
        text = self.run_hre("confounds", "a.json").stdout
        self.assertIn("Ceiling: not shown; it needs 200 questions whose votes differ, and these are 60.", text)

        self.run_hre("runs", "remove", "first", "second")
        self.evaluate(questions=222)
        a = self.read_json("a.json")
        ceiling = json.loads(self.run_hre("confounds", "a.json", "--json", "-").stdout)["runs"][0]["ceiling"]
        self.assertEqual(221, ceiling["questions"])
        self.assertAlmostEqual(ceiling["value"] / ceiling["mean_r"], ceiling["share"], 12)
        self.assertLess(ceiling["ci95"][0], ceiling["mean_r"])

        # Of twice as many people for the same differences, more of the votes is chance.
        lines = [
            {
                "topic": q["topic"],
                "id": q["id"],
                "answers": [
                    {"votes": v["votes"], "up": int(max(v["votes"], 0)) + 6, "down": int(max(-v["votes"], 0)) + 6} for v in q["answers"]
                ],
            }
            for q in a["questions"]
        ]
        self.write("meta.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
        counted = json.loads(self.run_hre("confounds", "a.json", "--metadata", "meta.jsonl", "--json", "-").stdout)["runs"][0]["ceiling"]
        self.assertEqual(("counted", 221), (counted["votes"], counted["questions"]))
        self.assertLess(counted["mean_r"], ceiling["mean_r"])
        self.assertLess(counted["reliability"], ceiling["reliability"])
        noise = sum(
            (len(q["answers"]) - 1) / len(q["answers"]) * sum(abs(v["votes"]) + 12 for v in q["answers"])
            for q in a["questions"]
            if q["pearson"] is not None
        )
        spread = 0
        for q in a["questions"]:
            if q["pearson"] is not None:
                mean = sum(v["votes"] for v in q["answers"]) / len(q["answers"])
                spread += sum((v["votes"] - mean) ** 2 for v in q["answers"])
        self.assertAlmostEqual(1 - noise / spread, counted["reliability"], 12)

    def test_the_report_refuses_what_compare_refuses(self):
        self.evaluate()
        b = self.read_json("b.json")
        b["model"]["architecture"] = "llama"
        b["config"]["bos"] = "always"
        self.write("b.json", json.dumps(b))
        c = self.read_json("a.json")
        c["model"]["architecture"] = "llama"
        c["config"]["bos"] = "never"
        self.write("c.json", json.dumps(c))
        errors = [self.error_of("compare", "b.json", "c.json"), self.error_of("report", "b.json", "c.json", "--out", "out", "--quiet")]
        self.assertEqual(errors[0], errors[1])
        self.assertIn("bos (always | never)", errors[0])
        self.run_hre("report", "b.json", "c.json", "--out", "out", "--quiet", "--allow-different")
        index = page_index((self.folder / "out/index.html").read_text(encoding="utf-8"))
        self.assertTrue(any("bos (always | never)" in caveat for caveat in index["caveats"]), index["caveats"])
        text = self.run_hre("compare", "b.json", "c.json", "--allow-different").stdout
        self.assertIn("The runs have different configurations: bos (always | never)", text)
        for command in (("power", "b.json", "c.json"), ("show", "b.json", "--disagree", "c.json")):
            done = self.run_hre(*command)
            self.assertIn("The runs have different configurations: bos (always | never)", done.stdout + done.stderr, command)
        notes = json.loads(self.run_hre("power", "b.json", "c.json", "--json", "-").stdout)["notes"]
        self.assertTrue(any("bos (always | never)" in note for note in notes), notes)

    def test_the_same_caveats(self):
        self.evaluate()
        a = self.read_json("a.json")
        a["early_stop"] = {"rule": "width=0.5", "metric": "pearson", "seed": 42, "reached": True, "ci95": [-0.2, 0.2]}
        a["planned"] = 200
        a["dataset"]["source"] = "sample"
        self.write("a.json", json.dumps(a))
        notes = json.loads(self.run_hre("compare", "a.json", "b.json", "--json", "-").stdout)["notes"]
        for part in ("votes are invented", "stopped early, at width=0.5 after 61 of 200", "3 to 5 answers"):
            self.assertTrue(any(part in note for note in notes), (part, notes))
        self.run_hre("report", "a.json", "b.json", "--out", "out", "--quiet")
        caveats = page_index((self.folder / "out/index.html").read_text(encoding="utf-8"))["caveats"]
        self.assertLessEqual(set(notes), set(caveats))

    def test_one_run_without_questions_does_not_shrink_the_others(self):
        self.evaluate()
        means = self.read_json("a.json")
        del means["questions"]
        means["model"]["name"] = "means alone"
        self.write("means.json", json.dumps(means))
        self.run_hre("report", "a.json", "b.json", "means.json", "--out", "out", "--quiet")
        index = page_index((self.folder / "out/index.html").read_text(encoding="utf-8"))
        self.assertEqual([(0, 1)], [(pair["a"], pair["b"]) for pair in index["pairs"]])
        compared = json.loads(self.run_hre("compare", "a.json", "b.json", "--json", "-").stdout)["pairs"][0]
        self.same_pair(compared, index["pairs"][0]["all"])


if __name__ == "__main__":
    unittest.main()
