"""hre compare, power, study and --until: on runs of the baselines, whose values are there in a moment."""

import json
import re
import unittest

from program import ProgramTest, shared_data
from stand_in_server import StandIn


class RunsTest(ProgramTest):
    def evaluate(self, model, name, *arguments, data="sample"):
        self.run_hre("eval", model, "--data", data, "--json", name, "--details", "--quiet", *arguments)
        return self.read_json(name)

    def setUp(self):
        super().setUp()
        self.zstd = self.evaluate("baseline:zstd", "zstd.json")
        self.length = self.evaluate("baseline:length", "length.json")

    def values(self, run, metric="pearson"):
        return {question["id"]: question[metric] for question in run["questions"]}

    def json_of(self, *arguments, status=0):
        done = self.run_hre(*arguments, "--json", "-", status=status)
        return json.loads(done.stdout, parse_constant=self.fail)


class CompareTest(RunsTest):
    def test_numbers_are_those_of_the_runs(self):
        result = self.json_of("compare", "zstd.json", "length.json")
        a, b = self.values(self.zstd), self.values(self.length)
        differences = [a[i] - b[i] for i in a]
        pair = result["pairs"][0]
        self.assertEqual("hre-compare/1", result["format"])
        self.assertEqual(112, pair["n"])
        self.assertAlmostEqual(sum(differences) / 112, pair["difference"], places=12)
        self.assertEqual([sum(d > 0 for d in differences), sum(d < 0 for d in differences)], [pair["won"], pair["lost"]])
        self.assertAlmostEqual(self.zstd["results"]["micro"]["pearson"]["mean"], pair["mean_a"], places=12)
        self.assertEqual(self.zstd["results"]["micro"]["pearson"], result["runs"][0]["micro"]["pearson"])
        self.assertLess(pair["bootstrap95"][0], pair["difference"])
        self.assertLess(pair["difference"], pair["bootstrap95"][1])
        self.assertEqual(14, len(result["topics"]))
        self.assertTrue(all(t["p_holm"] >= t["p"] for t in result["topics"].values()))
        moved = [abs(q["difference"]) for q in result["moved"]]
        self.assertEqual(sorted(moved, reverse=True), moved)
        self.assertAlmostEqual(max(map(abs, differences)), moved[0], places=12)

    def test_swapping_swaps(self):
        one, other = (self.json_of("compare", *pair)["pairs"][0] for pair in (("zstd.json", "length.json"), ("length.json", "zstd.json")))
        self.assertAlmostEqual(one["difference"], -other["difference"], places=15)
        self.assertEqual(one["p"], other["p"])
        self.assertEqual([one["won"], one["lost"]], [other["lost"], other["won"]])

    def test_threads_and_repeats_change_nothing(self):
        outputs = {self.run_hre("compare", "zstd.json", "length.json", "--threads", n, "--json", "-").stdout for n in (1, 2, 3, 2)}
        self.assertEqual(1, len(outputs))
        other = self.run_hre("compare", "zstd.json", "length.json", "--seed", 7, "--json", "-").stdout
        self.assertNotIn(other, outputs)

    def test_run_with_itself(self):
        text = self.run_hre("compare", "zstd.json", "zstd.json").stdout
        self.assertRegex(
            " ".join(text.split()),
            r"^These 112 questions can't tell A \(baseline:zstd\) and B \(baseline:zstd\) apart at 5 %: A − B is 0\.000, p = 1\.0\.",
        )
        self.assertIn("0/112/0", text)

    def test_many_runs(self):
        part = self.evaluate("baseline:length", "short.json", "--topic", "p*")
        result = self.json_of("compare", "zstd.json", "length.json", "short.json")
        self.assertEqual(3, len(result["pairs"]))
        self.assertEqual([112 - 16] * 2 + [0], [run["only_here"] for run in result["runs"]])
        self.assertEqual(len(part["questions"]), result["questions"]["shared"])
        self.assertEqual({}, result["topics"])
        self.assertEqual({0, 1, 2}, {member for group in result["groups"] for member in group})
        self.assertTrue(any({1, 2} <= set(group) for group in result["groups"]), result["groups"])
        text = self.run_hre("compare", "zstd.json", "length.json", "short.json").stdout
        self.assertIn("B (baseline:length), C (baseline:length) and A (baseline:zstd) can't be told apart.", " ".join(text.split()))
        self.assertIn("B − C", text)

    def test_models_at_once(self):
        by_runs = self.json_of("compare", "zstd.json", "length.json")
        at_once = self.json_of("compare", "baseline:zstd", "baseline:length", "--data", "sample", "--quiet")
        for result in (by_runs, at_once):
            for run in result["runs"]:
                del run["created"]
        self.assertEqual(by_runs, at_once)

    def test_models_at_once_take_the_options_of_eval(self):
        self.write("prompt.txt", "{question}\n{answer}")
        for given in (["--limit", 2], ["--topic", "p*"], ["--no-shuffle", "--limit", 1], ["--prompt-file", "prompt.txt"]):
            with self.subTest(given=given):
                one = self.evaluate("baseline:zstd", "one.json", *given)
                self.evaluate("baseline:length", "other.json", *given)
                by_runs = self.json_of("compare", "one.json", "other.json")
                at_once = self.json_of("compare", "baseline:zstd", "baseline:length", "--data", "sample", "--quiet", *given)
                self.assertEqual(len(one["questions"]), by_runs["questions"]["shared"])
                self.assertEqual(by_runs["pairs"], at_once["pairs"])
                self.assertEqual(by_runs["moved"], at_once["moved"])
        for given in (["--limit", 2], ["--bos", "auto"], ["--max-length", 9], ["--lora", "x.gguf"]):
            with self.subTest(given=given):
                self.assertIn(
                    given[0] + " is about evaluating models, and the arguments are runs; give --data",
                    self.error_of("compare", "zstd.json", "length.json", *given),
                )

    def test_models_at_once_keep_their_answers(self):
        """In the store, as hre eval does, which then scores nothing again."""
        chosen = ("--data", "sample", "--where", "topic=p*", "--where", "votes>3")
        for _ in range(2):
            self.run_hre("compare", "baseline:zstd", "baseline:length", *chosen, "--store", "runs.db", "--quiet")
        runs = json.loads(self.run_hre("runs", "list", "--json", "--store", "runs.db").stdout)["runs"]
        self.assertEqual(["baseline:length", "baseline:zstd"], sorted(run["model"] for run in runs))
        for model in ("baseline:zstd", "baseline:length"):
            self.run_hre("eval", model, *chosen, "--store", "runs.db", "--json", "run.json", "--details", "--quiet")
            run = self.read_json("run.json")
            self.assertEqual(["topic=p*", "votes>3"], run["config"]["where"])
            self.assertEqual(run["planned"], run["times"]["questions_reused"])
            self.assertGreater(run["planned"], 0)
        self.run_hre(
            "compare", "baseline:zstd", "baseline:length", "--data", "sample", "--until", "decided", "--store", "until.db", "--quiet"
        )
        self.assertEqual(2, len(json.loads(self.run_hre("runs", "list", "--json", "--store", "until.db").stdout)["runs"]))

    def test_until_reuses_what_is_stored(self):
        """A server counts what it is asked to score: the second time that is the probe's texts alone."""
        with StandIn("vllm") as server:
            model, options = f"server:{server.url}", ("--data", "sample", "--topic", "python", "--store", "runs.db", "--quiet")

            def asked(*call):
                before = server.scored
                self.run_hre(*call, *options)
                return server.scored - before

            until = ("compare", model, "baseline:length", "--until", "decided", "--allow-different")
            first, second = asked(*until), asked(*until)
            asked("eval", model, "--limit", "1")
            probe = asked("eval", model, "--limit", "1")
            self.assertGreater(first, second)
            self.assertEqual(probe, second)

    def test_moved_questions_of_equal_ids_name_their_topics(self):
        lines = [
            {
                "topic": topic,
                "id": "1",
                "question": f"Why {topic}?",
                "answers": [{"text": f"{topic} " * n, "votes": votes} for n, votes in ((1, 5), (7, 1), (3, 9))],
            }
            for topic in ("red", "blue")
        ]
        self.write("ids.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
        for model in ("zstd", "length"):
            self.evaluate(f"baseline:{model}", f"{model}-ids.json", data="ids.jsonl")
        text = self.run_hre("compare", "zstd-ids.json", "length-ids.json", "--allow-different", env={"COLUMNS": "160"}).stdout
        moved = text[text.index("moved most") :]
        self.assertEqual({"red", "blue"}, set(re.findall(r"^ *1 \(topic (\w+)\)", moved, re.MULTILINE)), text)

    def test_a_real_model_takes_its_options(self):
        model = shared_data("models/stories260K.gguf")
        call = ["compare", model, "baseline:length", "--data", "sample", "--limit", 1, "--allow-different", "--quiet"]
        plain = self.json_of(*call, "--max-length", 4096)
        with_bos = self.json_of(*call, "--max-length", 4096, "--bos", "always")
        self.assertNotEqual(plain["pairs"][0]["mean_a"], with_bos["pairs"][0]["mean_a"])
        self.assertEqual(plain["pairs"][0]["mean_b"], with_bos["pairs"][0]["mean_b"])

    def test_clusters(self):
        by_topic = self.json_of("compare", "zstd.json", "length.json", "--cluster", "topic")["pairs"][0]["clustered"]
        self.assertEqual(("topic", 14), (by_topic["by"], by_topic["clusters"]))
        self.assertLess(by_topic["ci95"][0], by_topic["ci95"][1])
        lines = [
            {
                "id": q["id"],
                "topic": q["topic"],
                "site": f"s{i % 7}",
                "author_id": str(i % 9),
                "answers": [{"author_id": str(i % 5)}, {"author_id": str(i % 11)}, {}, {"author": "x"}],
            }
            for i, q in enumerate(self.zstd["questions"])
        ]
        self.write("meta.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
        other = [{**line, "answers": [{"votes": 12345}] * 4} for line in lines]
        self.write("other.jsonl", "".join(json.dumps(line) + "\n" for line in other))
        clustered = ("--cluster", "site", "--metadata", "other.jsonl")
        for call in (
            ("compare", "zstd.json", "length.json"),
            ("report", "zstd.json", "--out", "out"),
            ("eval", "baseline:length", "--data", "sample"),
            ("runs", "show", "last", "--store", "kept.db"),
        ):
            if call[0] == "runs":
                self.run_hre("eval", "baseline:length", "--data", "sample", "--limit", 1, "--store", "kept.db", "--quiet")
            self.assertIn("the metadata is of another dataset", self.error_of(*call, *clustered), call)
        for kind, clusters in (("site", 7), ("asker", 63)):
            result = self.json_of("compare", "zstd.json", "length.json", "--cluster", kind, "--metadata", "meta.jsonl")
            self.assertEqual(clusters, result["pairs"][0]["clustered"]["clusters"], kind)
        text = self.run_hre(
            "compare", "zstd.json", "length.json", "--cluster", "author", "--metadata", "meta.jsonl", env={"COLUMNS": "200"}
        ).stdout
        self.assertIn("other authors of answers [95 %]", text)
        self.assertIn("--metadata", self.error_of("compare", "zstd.json", "length.json", "--cluster", "site"))

    def test_weights_that_do_not_hold_are_refused(self):
        self.assertIn("--weights topics", self.error_of("compare", "zstd.json", "length.json", "--until", "decided", "--weights", "topics"))

    def test_other_metrics_and_weights(self):
        for name, key in (("spearman", "spearman"), ("pairwise", "pairwise_accuracy"), ("pearson_ranks", "pearson_ranks")):
            result = self.json_of("compare", "zstd.json", "zstd.json", "--metric", name)
            self.assertEqual(key, result["metric"])
            values = [v for v in self.values(self.zstd, key).values() if v is not None]
            self.assertAlmostEqual(sum(values) / len(values), result["pairs"][0]["mean_a"], places=12)
        topics = self.json_of("compare", "zstd.json", "length.json", "--weights", "topics")
        self.assertAlmostEqual(self.zstd["results"]["macro"]["pearson"]["mean"], topics["pairs"][0]["mean_a"], places=12)
        self.assertIn("did you mean pearson?", self.error_of("compare", "zstd.json", "zstd.json", "--metric", "pearsn"))

    def test_where(self):
        result = self.json_of("compare", "zstd.json", "length.json", "--where", "topic=p*", "--where", "votes>45")
        expected = [q for q in self.zstd["questions"] if q["topic"].startswith("p") and max(a["votes"] for a in q["answers"]) > 45]
        self.assertTrue(expected)
        self.assertEqual(len(expected), result["questions"]["shared"])
        self.assertEqual(["topic=p*", "votes>45"], result["config"]["where"])
        self.assertIn("no question meets the conditions", self.error_of("compare", "zstd.json", "length.json", "--where", "votes>1e9"))
        self.assertIn("has none", self.error_of("compare", "zstd.json", "length.json", "--where", "date>2019"))
        self.assertIn("did you mean votes?", self.error_of("compare", "zstd.json", "length.json", "--where", "vote>1"))

    def test_where_by_date_and_tag(self):
        lines = [
            {"id": q["id"], "topic": q["topic"], "created": f"20{10 + i % 3}-05-01", "tags": ["odd"] * (i % 2)}
            for i, q in enumerate(self.zstd["questions"])
        ]
        self.write("meta.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
        for where, n in (("date=2011", 37), ("date>=2011", 74), ("tag=odd", 56)):
            result = self.json_of("compare", "zstd.json", "length.json", "--where", where, "--metadata", "meta.jsonl")
            self.assertEqual(n, result["questions"]["shared"], where)

    def test_different_configurations_are_refused(self):
        prompt = self.write("prompt.txt", "Q: {question}\nA: {answer}")
        self.evaluate("baseline:zstd", "other.json", "--prompt-file", prompt)
        line = self.error_of("compare", "zstd.json", "other.json")
        self.assertIn("the runs have different configurations: prompt (", line)
        self.assertIn("--allow-different", line)
        text = self.run_hre("compare", "zstd.json", "other.json", "--allow-different").stdout
        self.assertIn("The runs have different configurations: prompt (", text)
        result = self.json_of("compare", "zstd.json", "other.json", "--allow-different")
        self.assertEqual(["prompt"], [d["what"] for d in result["differences"]])

    def test_other_dataset(self):
        data = "".join(
            json.dumps({"topic": "python", "question": "q", "answers": [{"text": "a" * n, "votes": n % 3} for n in range(1, 5)]}) + "\n"
            for _ in range(3)
        )
        self.write("mine.jsonl", data)
        self.evaluate("baseline:zstd", "mine.json", data="mine.jsonl")
        self.assertIn("dataset (", self.error_of("compare", "zstd.json", "mine.json"))
        line = self.error_of("compare", "zstd.json", "mine.json", "--allow-different")
        self.assertIn("no question with the same answers", line)

    def test_fail_if_worse(self):
        self.evaluate_good_and_bad()
        self.run_hre("compare", "good.json", "bad.json", "--fail-if-worse")
        done = self.run_hre("compare", "bad.json", "good.json", "--fail-if-worse", status=3)
        self.assertIn("is worse than", done.stderr)
        self.assertIn("B (baseline:length) is better than A (baseline:length): A − B is -", " ".join(done.stdout.split()))
        self.run_hre("compare", "bad.json", "good.json", "--fail-if-worse", "1.99")
        self.run_hre("compare", "bad.json", "good.json", "--fail-if-worse", "0.5", status=3)
        self.run_hre("compare", "zstd.json", "zstd.json", "--fail-if-worse")
        gate = self.json_of("compare", "bad.json", "good.json", "--fail-if-worse", "1.99")["gate"][0]
        self.assertEqual("pass", gate["verdict"])
        self.assertEqual("inconclusive", self.json_of("compare", "zstd.json", "zstd.json", "--fail-if-worse")["gate"][0]["verdict"])
        few = self.json_of("compare", "zstd.json", "length.json", "--fail-if-worse", "1.5")["gate"][0]
        self.assertEqual("inconclusive", few["verdict"], "112 questions are too few to let a model pass")

    def evaluate_good_and_bad(self):
        """Answers whose length goes with votes, and the same run with its values turned round."""
        lines = [
            {"topic": t, "question": f"q{i}", "answers": [{"text": "x" * (n + i % 3 * (n == 2)), "votes": n} for n in (1, 2, 3, 5)]}
            for t in ("a", "b")
            for i in range(100)
        ]
        self.write("votes.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
        run = self.evaluate("baseline:length", "good.json", data="votes.jsonl")
        for question in run["questions"]:
            for answer in question["answers"]:
                answer["sum_log_prob"], answer["score"] = -answer["sum_log_prob"], -answer["score"]
            for metric in ("pearson", "spearman", "kendall"):
                question[metric] = -question[metric]
            question["pairwise_accuracy"] = 1 - question["pairwise_accuracy"]
        self.write("bad.json", json.dumps(run))
        run["questions"][0]["pearson"] += 0.5
        self.write("changed.json", json.dumps(run))
        self.assertIn("but the answers beside it give", self.error_of("compare", "good.json", "changed.json"))

    def test_until_decided(self):
        self.evaluate_good_and_bad()
        until = self.json_of("compare", "good.json", "bad.json", "--until", "decided")["until"]
        self.assertTrue(until["decided"])
        self.assertLess(until["used"], 40)
        self.assertGreater(until["ci95"][0], 0)
        same = self.json_of("compare", "good.json", "good.json", "--until", "decided")["until"]
        self.assertFalse(same["decided"])
        self.assertIn("% saved", self.run_hre("compare", "good.json", "bad.json", "--until", "decided").stdout)

    def test_until_decided_on_models(self):
        lines = [
            {
                "topic": t,
                "question": f"q{i}",
                "answers": [{"text": "long and nothing in it " * n, "votes": n + i % 2} for n in (1, 2, 3, 5)],
            }
            for t in ("a", "b")
            for i in range(100)
        ]
        self.write("data.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
        call = ["compare", "baseline:length", "baseline:zstd", "--data", "data.jsonl"]
        until = self.json_of(*call, "--until", "decided", "--quiet")
        self.assertTrue(until["until"]["decided"])
        self.assertLess(until["until"]["used"], 200)
        self.assertEqual(until["until"]["used"], until["questions"]["shared"])
        whole = self.json_of(*call, "--quiet")
        self.assertEqual(200, whole["questions"]["shared"])
        self.assertEqual(whole["pairs"][0]["difference"] > 0, until["pairs"][0]["difference"] > 0)

    def test_mistakes(self):
        self.assertIn("two or more runs", self.error_of("compare", "zstd.json"))
        self.assertIn("nowhere.json", self.error_of("compare", "zstd.json", "nowhere.json"))
        self.assertIn("--until", self.error_of("compare", "zstd.json", "length.json", "--until", "bored"))
        self.assertIn("--data", self.error_of("compare", "zstd.json", "length.json", "--topic", "python"))
        self.evaluate("baseline:zstd", "plain.json")
        self.run_hre("eval", "baseline:zstd", "--data", "sample", "--json", "bare.json", "--quiet")
        self.assertIn("--details", self.error_of("compare", "zstd.json", "bare.json"))
        self.assertIn("/dev/null/x", self.run_hre("compare", "zstd.json", "length.json", "--json", "/dev/null/x", status=2).stderr)


class EvalTest(RunsTest):
    def test_length_controls(self):
        micro = self.zstd["results"]["micro"]
        self.assertEqual(self.length["results"]["micro"]["pearson"]["mean"], micro["length_only"]["mean"])
        self.assertEqual({"draws": 10000, "seed": 42}, micro["bootstrap"])
        text = self.run_hre("eval", "baseline:zstd", "--data", "sample", "--quiet").stdout
        for part in ("length alone", "chance", "through the answers' length", "beyond it", "The sample's votes are invented"):
            self.assertIn(part, text)
        self.assertRegex(
            text.splitlines()[-2] + text.splitlines()[-1], r"^baseline:zstd: HumanRankEval 0\.395 ± 0\.086", "the value ends it"
        )
        whole = self.run_hre("eval", "baseline:zstd", "--data", "sample", "--quiet", "--metrics", "all", env={"COLUMNS": "120"}).stdout
        for part in ("Length only", "(chance 0.25", "(chance 0.8"):
            self.assertIn(part, whole)

    def test_undefined(self):
        self.write(
            "q.jsonl",
            '{"question": "q", "answers": [{"text": "a", "votes": 1}, {"text": "bb", "votes": 2}]}\n'
            '{"question": "p", "answers": [{"text": "a", "votes": 1}, {"text": "bb", "votes": 1}]}\n',
        )
        call = ["eval", "baseline:length", "--data", "q.jsonl", "--json", "-", "--quiet"]
        for policy, mean, n in (("leave-out", 1, 1), ("zero", 0.5, 2)):
            pearson = json.loads(self.run_hre(*call, "--undefined", policy).stdout)["results"]["micro"]["pearson"]
            self.assertEqual([mean, n, 1], [pearson["mean"], pearson["n"], pearson["undefined"]])
        done = self.run_hre(*call, "--undefined", "fail", status=3)
        self.assertIn("question q/000001 has no correlation: equal votes or equal scores", done.stderr)

    def test_where(self):
        some = self.evaluate("baseline:zstd", "some.json", "--where", "topic=python")
        self.assertEqual({"python"}, {q["topic"] for q in some["questions"]})
        self.assertEqual(["topic=python"], some["config"]["where"])

    def test_until_width(self):
        lines = [
            {"topic": t, "question": f"q{i}", "answers": [{"text": "x" * n, "votes": (n * 7 + i) % 5} for n in (1, 2, 3, 5)]}
            for t in ("a", "b", "c")
            for i in range(200)
        ]
        self.write("data.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
        whole = self.evaluate("baseline:length", "whole.json", data="data.jsonl")
        early = self.evaluate("baseline:length", "early.json", "--until", "width=0.5", data="data.jsonl")
        stop = early["early_stop"]
        self.assertTrue(stop["reached"])
        self.assertFalse(early["partial"])
        self.assertLessEqual(stop["ci95"][1] - stop["ci95"][0], 0.5)
        self.assertLess(len(early["questions"]), 400)
        self.assertEqual(600, early["planned"])
        values = self.values(whole)
        self.assertEqual({q: values[q] for q in self.values(early)}, self.values(early))
        self.assertTrue(stop["ci95"][0] <= whole["results"]["micro"]["pearson"]["mean"] <= stop["ci95"][1])
        text = self.run_hre("eval", "baseline:length", "--data", "data.jsonl", "--until", "width=0.5", "--quiet").stdout
        self.assertRegex(text, r"stopped early, at width=0.5 after \d+ of 600\s+questions: only the")
        never = self.evaluate("baseline:length", "never.json", "--until", "width=0.001", data="data.jsonl")
        self.assertFalse(never["early_stop"]["reached"])
        self.assertEqual(values, self.values(never))
        call = ["eval", "baseline:length", "--data", "data.jsonl"]
        for wrong in ("width=", "width=-1", "width", "decided"):
            self.assertIn("width=0.05", self.error_of(*call, "--until", wrong))
        self.assertIn("--no-shuffle", self.error_of(*call, "--until", "width=0.5", "--no-shuffle"))


class PowerTest(RunsTest):
    def test_two_runs(self):
        result = self.json_of("power", "zstd.json", "length.json", "--difference", "0.1", "--questions", "500")
        case = result["cases"][0]
        self.assertFalse(case["assumed"])
        more = self.json_of("power", "zstd.json", "length.json", "--questions", str(case["needed"]))
        self.assertLessEqual(more["cases"][0]["detectable"], 0.1)
        fewer = self.json_of("power", "zstd.json", "length.json", "--questions", str(case["needed"] - 1))
        self.assertGreater(fewer["cases"][0]["detectable"], 0.1)
        self.assertEqual([], result["detection"])
        seen = self.json_of("power", "zstd.json", "length.json")
        self.assertIsNone(seen["difference"])
        self.assertIsNone(seen["cases"][0]["needed"])
        self.assertEqual({"questions": None, "ci95": [None, None]}, seen["needed_for_seen"])
        self.assertIsNone(seen["seen"]["effect95"])
        self.assertIn("its interval needs 200 questions", " ".join(self.run_hre("power", "zstd.json", "length.json").stdout.split()))

    def test_questions_for_the_difference_seen(self):
        self.write(
            "data.jsonl",
            "".join(
                json.dumps(
                    {
                        "topic": "t",
                        "question": f"q{i}",
                        "answers": [{"text": "word " * (3 + (i * 7 + k * k) % 11), "votes": (k * 5 + i * 3) % 13} for k in range(4)],
                    }
                )
                + "\n"
                for i in range(240)
            ),
        )
        for name in ("zstd", "length"):
            self.evaluate(f"baseline:{name}", f"more-{name}.json", data="data.jsonl")
        result = self.json_of("power", "more-zstd.json", "more-length.json")
        self.assertEqual([10, 20, 50, 100, 200, 240], [point["questions"] for point in result["detection"]])
        for point in result["detection"]:
            self.assertTrue(point["rate95"][0] <= point["rate"] <= point["rate95"][1])
        low, high = result["seen"]["effect95"]
        self.assertTrue(low < result["seen"]["effect_size"] < high)
        self.assertLessEqual(result["needed_for_seen"]["ci95"][0], result["needed_for_seen"]["questions"])

    def test_one_run(self):
        result = self.json_of("power", "zstd.json")
        self.assertEqual([0, 0.5, 0.8], [case["correlation"] for case in result["cases"]])
        detectable = [case["detectable"] for case in result["cases"]]
        self.assertEqual(sorted(detectable, reverse=True), detectable)
        self.assertIsNone(result["difference"])
        self.assertIn("0.50 (assumed)", self.run_hre("power", "zstd.json").stdout)

    def test_mistakes(self):
        self.assertIn("--help", self.error_of("power"))
        self.assertIn("takes one run or two, not 3", self.error_of("power", "zstd.json", "zstd.json", "zstd.json"))
        self.assertIn("too few", self.error_of("power", "zstd.json", "--where", "id=python/000001"))


class StudyTest(RunsTest):
    STUDY = """
name = "Controls"
[[run]]
run = "length.json"
family = "Baselines"
size = 1000
stage = "pretrained"
[[run]]
run = "zstd.json"
name = "Zstd"
family = "Baselines"
size = "1K"
stage = "tuned"
[[run]]
run = "length.json"
family = "More"
size = "2K"
stage = "preference"
name = "Third"
[[judgements]]
file = "scores.csv"
columns = ["Elo", "MT"]
models = { "baseline:length" = "Length" }
"""

    def setUp(self):
        super().setUp()
        self.write("study.toml", self.STUDY)
        self.write("scores.csv", "Model,Elo,MT\nlength,900,-\nzstd,1000,7.5\nThird,950,7\n")

    def test_numbers(self):
        result = self.json_of("study", "study.toml")
        self.assertEqual("hre-study/1", result["format"])
        self.assertEqual(["pretrained", "tuned", "preference"], [run["stage"] for run in result["runs"]])
        first = result["separations"][0]
        self.assertEqual(("pretrained", "tuned"), (first["earlier"], first["later"]))
        pair = first["pairs"][0]
        self.assertEqual((1, 0), (pair["later"], pair["earlier"]))
        compared = self.json_of("compare", "zstd.json", "length.json")["pairs"][0]
        for key in ("difference", "p", "won", "lost"):
            self.assertEqual(compared[key], pair[key])
        for expected, bound in zip(compared["bootstrap95"], pair["bootstrap95"]):
            self.assertAlmostEqual(expected, bound, places=12)
        self.assertEqual(pair["difference"], first["pooled"]["difference"])
        self.assertIn(first["auc"]["area"], (0, 1))
        self.assertEqual([], result["separations"][1]["pairs"])
        self.assertEqual([900, 1000, 950], result["judgements"][0]["values"])
        self.assertEqual([None, 7.5, 7], result["judgements"][1]["values"])
        self.assertEqual([3, 3, 3, 2, 2, 2], [a["n"] for a in result["agreement"]])
        self.assertEqual(["pearson", "Elo", "MT"], result["matrix"]["columns"])
        text = self.run_hre("study", "study.toml").stdout
        for part in ("Controls", "tuned against pretrained", "pooled over sizes", "Fewer than ten models", "kendall"):
            self.assertIn(part, text)

    def test_one_family_of_one_stage(self):
        one = "[[run]]".join(self.STUDY.split("[[run]]")[:2])
        self.write("one.toml", one)
        result = self.json_of("study", "one.toml")
        self.assertEqual(([], []), (result["separations"], result["judgements"]))
        text = self.run_hre("study", "one.toml").stdout
        self.assertIn("of one stage", text)

    def test_runs_of_a_store(self):
        for name in ("zstd", "length"):
            self.run_hre(
                "eval", f"baseline:{name}", "--data", "sample", "--topic", "python", "--name", name, "--store", "mine.db", "--quiet"
            )
        (self.folder / "last").mkdir()  # names of the store are no files, whatever lies beside the study
        self.write("zstd", "no run")
        self.write(
            "store.toml",
            "".join(
                f'[[run]]\nrun = "{run}"\nfamily = "one"\nsize = "1M"\nstage = "{stage}"\n'
                for run, stage in (("zstd", "pretrained"), ("last", "tuned"))
            ),
        )
        result = self.json_of("study", "store.toml", "--store", "mine.db")
        self.assertEqual(["baseline:zstd", "baseline:length"], [run["model"] for run in result["runs"]])

    def test_example_is_a_study(self):
        example = self.run_hre("study", "--example").stdout
        self.write("example.toml", example)
        self.assertIn("pythia-410m.json", self.error_of("study", "example.toml"))

    def test_mistakes(self):
        for old, new, expected in (
            ('stage = "tuned"', 'stage = "tunned"', "not one of: pretrained, tuned, preference"),
            ('size = "1K"', 'size = "big"', "not a number of parameters"),
            ('family = "More"', 'famly = "More"', "did you mean family?"),
            ('"Elo", "MT"', '"Elo", "Nt"', "there are Model, Elo, MT"),
            ('"baseline:length" = "Length"', '"length" = "Length"', "not the name of a run"),
            ("[[run]]", "[[runn]]", "did you mean run?"),
            ('name = "Controls"', "name = ", "line 2"),
            ('stage = "preference"', 'stage = "tuned"\nsize = 3', "line"),
        ):
            with self.subTest(new=new):
                self.write("wrong.toml", self.STUDY.replace(old, new))
                self.assertIn(expected, self.error_of("study", "wrong.toml"))
        self.write(
            "twice.toml",
            self.STUDY.replace('family = "More"\nsize = "2K"\nstage = "preference"', 'family = "Baselines"\nsize = "1K"\nstage = "tuned"'),
        )
        self.assertIn("same family, size and stage", self.error_of("study", "twice.toml"))
        self.write("scores.csv", "Model,Elo,MT\nlength,many,-\n")
        self.assertIn("not a number: 'many'", self.error_of("study", "study.toml"))
        self.assertIn("--example", self.error_of("study"))

    def test_judgements_of_linked_names(self):
        self.write(
            "scores.csv", 'Model,Elo,MT\n[length](https://example.org/a),900,1\n"[Zstd](https://example.org/b)",1000,2\n"[a, b](x)",1,1\n'
        )
        done = self.run_hre("study", "study.toml", "--json", "study.json")
        self.assertEqual([900, 1000, None], self.read_json("study.json")["judgements"][0]["values"])
        self.assertIn("scores.csv: there is no row for Third", done.stderr)
        self.write("scores.csv", "Model,Elo,MT\n[one](x),900,1\ntwo,1,1\n")
        error = self.error_of("study", "study.toml")
        self.assertIn("there is no row for any run: baseline:length, Zstd, Third", error)
        self.assertIn("the file has rows for one, two", error)

    def test_arena(self):
        board = shared_data("human-judgement/leaderboard_table_20231108.csv")
        self.write(
            "arena.toml",
            self.STUDY.replace('"scores.csv"', f'"{board}"')
            .replace('"Elo", "MT"', '"Arena Elo rating", "MMLU"')
            .replace('= "Length"', '= "Vicuna-13B"')
            .replace('"Zstd"', '"GPT-4"')
            .replace('"Third"', '"vicuna-7b"'),
        )
        result = self.json_of("study", "arena.toml")
        self.assertTrue(all(value > 500 for value in result["judgements"][0]["values"]))
        self.assertEqual(3, result["agreement"][0]["n"])


if __name__ == "__main__":
    unittest.main()
