"""The store of runs: eval keeps and reuses answers, and hre runs lists, shows, exports, imports, merges, removes."""

import json
import random
import sqlite3
import unittest

from program import SOURCE_DIR, ProgramTest, shared_data


def without_times(run):
    return {name: value for name, value in run.items() if name not in ("created", "times")}


class RunsTest(ProgramTest):
    def evaluate(self, *options, model="baseline:zstd", data="sample", **keywords):
        """The run as JSON, and what was said on stderr."""
        done = self.run_hre("eval", model, "--data", data, "--json", "run.json", "--details", "--explain", *options, **keywords)
        return self.read_json("run.json"), done.stderr

    def listed(self, *options, **keywords):
        return json.loads(self.run_hre("runs", "list", "--json", *options, **keywords).stdout)["runs"]

    def store(self):
        return self.folder / "state" / "hre" / "runs.db"

    def count(self, table, store=None):
        with sqlite3.connect(store or self.store()) as database:
            return database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


class ReuseTest(RunsTest):
    def test_the_same_call_again_scores_nothing(self):
        first, said = self.evaluate()
        self.assertIn("0 of 112 questions reused", said)
        again, said = self.evaluate()
        self.assertIn("112 of 112 questions reused", said)
        self.assertEqual(without_times(first), without_times(again))
        self.assertEqual(112, again["times"]["questions_reused"])
        self.assertEqual(112, self.count("score"))
        self.assertEqual(1, self.count("run"))

    def test_equals_a_run_without_a_store(self):
        kept, _ = self.evaluate()
        alone, _ = self.evaluate("--store", "none")
        self.assertEqual(without_times(alone), without_times(kept))

    def test_other_selections_share_answers(self):
        self.evaluate("--topic", "python", "--topic", "c*")
        _, said = self.evaluate("--limit", "3")
        self.assertIn("9 of 42 questions reused", said)
        _, said = self.evaluate("--no-shuffle")
        self.assertIn("of 112 questions reused", said)
        self.assertNotIn("hre: baseline:zstd: 0 of", said)
        self.assertEqual(3, len(self.listed()))
        self.assertEqual(112, self.count("score"))

    def test_a_grown_dataset(self):
        lines = [
            json.dumps(
                {"topic": "a", "question": f"Question {n}?", "answers": [{"text": "yes " * n, "votes": n}, {"text": "no", "votes": 1}]}
            )
            + "\n"
            for n in range(1, 9)
        ]
        self.write("grown.jsonl", "".join(lines[:5]))
        self.evaluate(data="grown.jsonl")
        self.write("grown.jsonl", "".join(lines))
        _, said = self.evaluate(data="grown.jsonl")
        self.assertIn("5 of 8 questions reused", said)
        self.assertEqual(2, len(self.listed()))

    def test_votes_are_the_datasets_own(self):
        """Votes move no log-probability: with other votes, answers are reused and values are new."""
        line = {
            "topic": "a",
            "question": "Why?",
            "answers": [{"text": "Because it is so.", "votes": 3}, {"text": "No.", "votes": 1}, {"text": "What?", "votes": 2}],
        }
        self.write("a.jsonl", json.dumps(line))
        before, _ = self.evaluate(data="a.jsonl")
        line["answers"][1]["votes"] = 50
        self.write("a.jsonl", json.dumps(line))
        after, said = self.evaluate(data="a.jsonl")
        self.assertIn("1 of 1 question reused", said)
        alone, _ = self.evaluate("--store", "none", data="a.jsonl")
        self.assertEqual(without_times(alone), without_times(after))
        self.assertNotEqual(before["questions"][0]["pearson"], after["questions"][0]["pearson"])

    def test_tokens_that_were_not_kept(self):
        self.evaluate()
        _, said = self.evaluate("--keep-tokens")
        self.assertIn("112 questions to score: their tokens' values are not stored", said)
        kept, said = self.evaluate("--keep-tokens")
        self.assertIn("112 of 112 questions reused", said)
        self.assertIn("token_log_probs", kept["questions"][0]["answers"][0])
        without, said = self.evaluate()
        self.assertIn("112 of 112 questions reused", said)
        self.assertNotIn("token_log_probs", without["questions"][0]["answers"][0])

    def test_texts_of_tokens(self):
        options = ("--keep-tokens", "--limit", "1", "--threads", "1")
        model = SOURCE_DIR / "models" / "hre-base-q8_0.gguf"
        first, _ = self.evaluate(*options, model=model)
        again, said = self.evaluate(*options, model=model)
        self.assertIn("14 of 14 questions reused", said)
        self.assertIn("token_texts", first["questions"][0]["answers"][0])
        self.assertEqual(without_times(first), without_times(again))

    def check_stored_texts(self, model):
        """What the store gives back is what the run wrote, token for token, and spells the answers."""
        seed = random.randrange(1 << 30)
        chance = random.Random(seed)
        texts = [
            "plain words, and \n\tspace",
            "na\u00efve caf\u00e9 \u6771\u4eac \U0001f600\U0001f469\u200d\U0001f52c",
            "nul \0 and \u202e \ufffd",
            "x" * 500,
        ]
        alphabet = "ab .,\n\u00e9\u0301\u6771\U0001f600\u0000"
        texts += ["".join(chance.choice(alphabet) for _ in range(chance.randint(1, 60))) for _ in range(20)]
        self.write(
            "q.jsonl",
            "".join(
                json.dumps({"question": f"Q{i}?", "answers": [{"text": t, "votes": v} for v, t in enumerate(texts[i : i + 4])]}) + "\n"
                for i in range(len(texts) - 3)
            ),
        )
        run, _ = self.evaluate("--keep-tokens", "--long-answers", "skip", "--no-shuffle", model=model, data="q.jsonl")
        self.run_hre("runs", "export", "last", "--out", "copy.json")
        self.assertEqual(without_times(run), without_times(self.read_json("copy.json")), f"seed {seed}")
        scored = [answer for question in run["questions"] for answer in question["answers"]]
        self.assertGreater(len(scored), 40)
        for question in run["questions"]:
            for answer, text in zip(question["answers"], texts[int(question["id"].split("/")[1]) :]):
                self.assertEqual(len(answer["token_log_probs"]), len(answer["token_texts"]))
                self.assertEqual(text, "".join(answer["token_texts"]).removeprefix(" "), f"seed {seed}")
        self.assertIn("", [text for answer in scored for text in answer["token_texts"]])  # a part of a character
        self.run_hre("runs", "import", "copy.json", "--store", "b.db", "--name", "copied")
        self.run_hre("runs", "export", "copied", "--store", "b.db", "--out", "again.json")
        self.assertEqual(self.read_json("copy.json")["questions"], self.read_json("again.json")["questions"])
        self.run_hre("runs", "merge", self.store(), "--store", "c.db")
        self.run_hre("runs", "export", "last", "--store", "c.db", "--out", "merged.json")
        self.assertEqual(self.read_json("copy.json")["questions"], self.read_json("merged.json")["questions"])
        texts_kept = self.count("token_text")
        self.assertGreaterEqual(len(set(texts)), texts_kept)
        self.run_hre("runs", "remove", "last")
        self.assertEqual(0, self.count("token_text"))

    def test_stored_texts_of_a_byte_level_vocabulary(self):
        self.check_stored_texts(SOURCE_DIR / "models" / "hre-base-q8_0.gguf")

    def test_stored_texts_of_a_vocabulary_with_byte_tokens(self):
        self.check_stored_texts(shared_data("models/stories260K.gguf"))

    def test_damaged_texts_are_noticed(self):
        options = ("--keep-tokens", "--limit", "1", "--topic", "python", "--threads", "1")
        model = SOURCE_DIR / "models" / "hre-base-q8_0.gguf"
        first, _ = self.evaluate(*options, model=model)
        for change in (
            "UPDATE token_text SET text = 'other'",
            "UPDATE answer_score SET token_lengths = x'ffffffffffff7f'",
            "UPDATE answer_score SET token_lengths = NULL",
            "DELETE FROM token_text",
        ):
            with self.subTest(change=change):
                with sqlite3.connect(self.store()) as database:
                    database.execute(change)
                again, said = self.evaluate(*options, model=model)
                self.assertIn("1 question to score: their stored answers are damaged", said)
                self.assertEqual(without_times(first), without_times(again))

    def test_another_prompt(self):
        self.evaluate("--name", "first")
        self.write("prompt.txt", "Q: {question}\nA: {answer}")
        _, said = self.evaluate("--prompt-file", "prompt.txt")
        self.assertIn("112 questions to score: this model has no stored answers to their texts (run first had another prompt)", said)

    def test_no_cache(self):
        first, _ = self.evaluate()
        again, said = self.evaluate("--no-cache")
        self.assertEqual(0, again["times"]["questions_reused"])
        self.assertEqual(without_times(first), without_times(again))
        self.assertNotIn("differed", said)
        self.assertEqual(112, self.count("score"))

    def test_recheck(self):
        self.evaluate()
        _, said = self.evaluate("--recheck", "10%")
        self.assertIn("12 of them scored again: equal to the stored answers", said)

    def test_answers_of_another_question_are_noticed(self):
        first, _ = self.evaluate("--topic", "python")
        with sqlite3.connect(self.store()) as database:  # each question gets another's answers
            keys = [key for (key,) in database.execute("SELECT text_key FROM score ORDER BY id")]
            database.execute("UPDATE score SET text_key = NULL")
            for row, key in enumerate(keys[1:] + keys[:1], 1):
                database.execute("UPDATE score SET text_key = ? WHERE id = ?", (key, row))
        again, said = self.evaluate("--topic", "python")
        self.assertIn("8 questions to score: their stored answers are damaged", said)
        self.assertEqual(without_times(first), without_times(again))

    def test_damaged_answers_are_scored_again(self):
        first, _ = self.evaluate("--topic", "python")
        with sqlite3.connect(self.store()) as database:
            database.execute("UPDATE answer_score SET sum_log_prob = -1.5 WHERE position = 0")
        self.assertIn("the store is damaged", self.error_of("runs", "show", "last", status=1))
        again, said = self.evaluate("--topic", "python")
        self.assertIn("8 questions to score: their stored answers are damaged", said)
        self.assertEqual(without_times(first), without_times(again))
        self.run_hre("runs", "show", "last")

    def test_wrong_percentages(self):
        for wrong in ("101%", "-1%", "many", "%"):
            with self.subTest(wrong=wrong):
                self.assertIn("--recheck", self.error_of("eval", "baseline:zstd", "--data", "sample", "--recheck", wrong))


class ModelTest(RunsTest):
    """Each option of a language model that can move a value, alone, brings a rescoring."""

    def test_options_and_files(self):
        model, other = shared_data("models/stories260K.gguf"), shared_data("models/stories260K-Q8_0.gguf")
        self.write(
            "a.jsonl",
            json.dumps({"question": "Who was it?", "answers": [{"text": "The cat.", "votes": 2}, {"text": "The dog saw it.", "votes": 1}]}),
        )
        _, said = self.evaluate(model=model, data="a.jsonl")
        self.assertIn("0 of 1 question reused", said)
        for name, options in (
            ("bos", ["--bos", "always"]),
            ("max_length", ["--max-length", "100"]),
            ("long_answers", ["--long-answers", "truncate"]),
        ):
            with self.subTest(name=name):
                _, said = self.evaluate(*options, model=model, data="a.jsonl")
                self.assertIn("0 of 1 question reused", said)
                self.assertIn(f"{name} is '", said)
                _, said = self.evaluate(*options, model=model, data="a.jsonl")
                self.assertIn("1 of 1 question reused", said)
        _, said = self.evaluate(model=other, data="a.jsonl")
        self.assertIn("the weights differ", said)
        (self.folder / "moved.gguf").write_bytes(model.read_bytes())
        _, said = self.evaluate("--threads", "1", "--verify-weights", model="moved.gguf", data="a.jsonl")
        self.assertIn("1 of 1 question reused", said)


class ListTest(RunsTest):
    def test_filters(self):
        self.evaluate(model="baseline:length")
        self.evaluate()
        self.assertEqual(["baseline-zstd-sample", "baseline-length-sample"], [run["name"] for run in self.listed()])
        self.assertEqual(["baseline:length"], [run["model"] for run in self.listed("--model", "*length")])
        self.assertEqual([], self.listed("--dataset", "other"))
        self.assertEqual(2, len(self.listed("--since", "2020", "--until", "2999-12")))
        self.assertEqual([], self.listed("--until", "2019-12-31"))
        table = self.run_hre("runs", "list").stdout
        self.assertIn("baseline-zstd-sample", table)
        self.assertIn("HumanRankEval", table)

    def test_without_a_store(self):
        self.assertEqual("no runs\n", self.run_hre("runs", "list").stdout)
        self.assertIn("there is no store of runs", self.error_of("runs", "show", "last"))

    def test_show(self):
        self.evaluate("--limit", "2", "--name", "mine")
        text = self.run_hre("runs", "show", "mine").stdout
        for part in ("mine", "Provenance", "Configuration", "2 questions per topic", "Speed", "micro average"):
            self.assertIn(part, text)


class NameTest(RunsTest):
    def test_ways_to_name_a_run(self):
        self.evaluate("--name", "one", model="baseline:length")
        self.evaluate("--name", "two")
        runs = {run["name"]: run for run in self.listed()}
        for argument, name in (
            ("one", "one"),
            (runs["one"]["id"][:6], "one"),
            ("last", "two"),
            ("last~1", "one"),
            ("last:o*", "one"),
            ("last~1:*", "one"),
        ):
            with self.subTest(argument=argument):
                self.assertEqual(name, self.run_hre("runs", "show", argument).stdout.split("\n")[0])
        self.assertIn("the store has 2 runs", self.error_of("runs", "show", "last~2"))
        self.assertIn("did you mean one?", self.error_of("runs", "show", "oen"))

    def test_names_differ(self):
        self.evaluate("--name", "mine")
        self.assertIn("another run has the name 'mine'", self.error_of("eval", "baseline:length", "--data", "sample", "--name", "mine"))
        self.evaluate("--limit", "1")
        self.evaluate("--limit", "2")
        self.assertEqual({"mine", "baseline-zstd-sample", "baseline-zstd-sample-2"}, {run["name"] for run in self.listed()})
        self.evaluate("--name", "other")  # the first run again: it is renamed
        self.assertEqual({"other", "baseline-zstd-sample", "baseline-zstd-sample-2"}, {run["name"] for run in self.listed()})

    def test_names_that_mean_something_else(self):
        for name in ("last", "last~3", "a/b", "x.json", "-x", "a b"):
            with self.subTest(name=name):
                self.assertIn("--name", self.error_of("eval", "baseline:zstd", "--data", "sample", f"--name={name}"))
        self.assertIn("--name names one run", self.error_of("eval", "baseline:zstd", "baseline:length", "--data", "sample", "--name", "x"))


class HandOnTest(RunsTest):
    def test_export_and_import(self):
        run, _ = self.evaluate("--keep-tokens")
        self.run_hre("runs", "export", "last", "--out", "copy.json")
        copy = self.read_json("copy.json")
        self.assertEqual(without_times(run), without_times(copy))
        self.run_hre("runs", "import", "copy.json", "--store", "b.db", "--name", "copied")
        self.run_hre("runs", "export", "copied", "--store", "b.db", "--out", "again.json")
        self.assertEqual(copy, self.read_json("again.json"))
        self.assertIn("already in the store", self.run_hre("runs", "import", "copy.json", "--store", "b.db").stdout)

    def test_an_import_with_other_scores_is_another_run(self):
        run, _ = self.evaluate()
        said = [self.run_hre("runs", "import", "run.json").stdout]
        question = next(question for question in run["questions"] if question["pearson"] is not None)
        question["answers"][0]["sum_log_prob"] -= 7
        for derived, holder in (
            ("score", question["answers"][0]),
            *((metric, question) for metric in ("pearson", "spearman", "kendall", "pairwise_accuracy")),
        ):
            holder.pop(derived)
        self.write("moved.json", json.dumps(run))
        said += [self.run_hre("runs", "import", "moved.json").stdout for _ in range(2)]
        self.assertRegex(said[0], "^already in the store: ")
        self.assertRegex(said[1], "^imported ")
        self.assertRegex(said[2], "^already in the store: ")
        self.assertEqual(2, len(json.loads(self.run_hre("runs", "list", "--json").stdout)["runs"]))

    def test_imported_answers_are_never_reused(self):
        self.evaluate()
        self.run_hre("runs", "import", "run.json", "--store", "b.db")
        _, said = self.evaluate("--store", "b.db")
        self.assertIn("0 of 112 questions reused", said)

    def test_merge(self):
        self.evaluate("--topic", "python", "--store", "a.db")
        self.evaluate("--topic", "c*", "--store", "b.db")
        self.evaluate("--topic", "python", "--store", "b.db")
        said = self.run_hre("runs", "merge", "b.db", "--store", "a.db").stdout
        self.assertEqual("b.db: 1 run added, 1 already in the store; 16 questions added\n", said)
        _, said = self.evaluate("--store", "a.db", "--topic", "python", "--topic", "c*")
        self.assertIn("24 of 24 questions reused", said)
        self.assertEqual(24, self.count("score", self.folder / "a.db"))

    def test_remove(self):
        self.evaluate("--topic", "python", "--name", "some")
        self.evaluate("--name", "all")
        self.assertIn("removed all", self.run_hre("runs", "remove", "all").stdout)
        self.assertEqual(["some"], [run["name"] for run in self.listed()])
        self.assertEqual(8, self.count("score"))
        self.assertEqual(8, self.count("question"))
        self.assertIn("no run with this name", self.error_of("runs", "remove", "all"))


class TroubleTest(RunsTest):
    def test_a_store_of_a_newer_version(self):
        self.evaluate()
        with sqlite3.connect(self.store()) as database:
            database.execute("PRAGMA user_version = 999")
        run, said = self.evaluate()
        self.assertEqual(112, len(run["questions"]))
        self.assertIn("this run is not kept", said)
        self.assertIn("newer hre", said)
        self.assertIn("newer hre", self.error_of("runs", "list", status=1))

    def test_not_a_store(self):
        self.write("text.db", "no database at all, but text " * 100)
        _, said = self.evaluate("--store", "text.db")
        self.assertIn("text.db: is not a store of runs", said)
        with sqlite3.connect(self.folder / "other.db") as database:
            database.execute("CREATE TABLE mine (x)")
        _, said = self.evaluate("--store", "other.db")
        self.assertIn("is a database, but not a store of runs", said)
        _, said = self.evaluate("--store", self.folder)
        self.assertIn("is a folder", said)
        _, said = self.evaluate("--store", "nowhere/runs.db")
        self.assertIn("can't be opened", said)
        self.assertEqual({"text.db", "other.db", "run.json"}, {path.name for path in self.folder.iterdir()} - {"state"})


if __name__ == "__main__":
    unittest.main()
