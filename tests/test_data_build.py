"""hre data build: a dataset from dumps, end to end."""

import collections
import fcntl
import filecmp
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import time
import unittest
from xml.sax.saxutils import quoteattr

from program import PROGRAM, SLOWER, SOURCE_DIR, ProgramTest, clean_environment, shared_data, test_python

# Some words in each of the languages that the paper names.
LANGUAGES = {
    "english": "What do you call the foam on top of a freshly poured beer, and why does it last longer in some glasses than in others?",
    "latin": "Quomodo spuma cervisiae Latine appellatur, et cur in aliis poculis diutius manet quam in aliis? Gratias vobis ago.",
    "chinese": "为什么在一些杯子里啤酒的泡沫能保持得更久呢？我想知道这个问题的答案是什么。",
    "french": "Comment appelle-t-on la mousse d'une bière fraîchement servie, et pourquoi dure-t-elle plus longtemps dans certains verres ?",
    "german": "Wie nennt man den Schaum auf einem frisch gezapften Bier, und warum hält er sich in manchen Gläsern länger als in anderen?",
    "japanese": "なぜグラスによってビールの泡が長く残るのでしょうか。詳しく教えてください。",
    "spanish": "¿Cómo se llama la espuma de una cerveza recién servida, y por qué dura más en unos vasos que en otros?",
}
SITES = ["ai.stackexchange.com", "beer.stackexchange.com", "matheducators.stackexchange.com", "stackoverflow.com"]


def row(**attributes):
    return "  <row " + " ".join(f"{name}={quoteattr(str(value))}" for name, value in attributes.items()) + " />\n"


def thread(number, answers=5, tags="<hops>"):
    rows = row(
        Id=number,
        PostTypeId=1,
        CreationDate="2020-01-01T00:00:00.000",
        Score=5,
        ViewCount=9,
        Body=f"<p>What is {number}?</p>",
        OwnerUserId=1,
        Title=f"On {number}",
        Tags=tags,
    )
    for i in range(answers):
        rows += row(
            Id=number + 1 + i,
            PostTypeId=2,
            ParentId=number,
            CreationDate="2020-01-02T00:00:00.000",
            Score=10 * i,
            Body=f"<p>It is <b>{i}</b> of {number}.</p>",
            OwnerUserId=2,
        )
    return rows


def speaking(number, words):
    """A thread in the language of these words."""
    rows = thread(number).replace(f"What is {number}?", words).replace(f"On {number}", "").replace('Score="40"', 'Score="90"')
    for i in range(5):
        rows = rows.replace(f"It is &lt;b&gt;{i}&lt;/b&gt; of {number}.", words + words[: 20 + 3 * i])
    return rows


def table(rows, root="posts"):
    return f'<?xml version="1.0" encoding="utf-8"?>\n<{root}>\n{rows}</{root}>'


def files_of(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


class BuildTestCase(ProgramTest):
    def dump(self, rows, site="beer.stackexchange.com"):
        return self.write(f"{site}/Posts.xml", table(rows)).parent

    def assert_oracle_agrees(self, recipe, dumps, built, *options):
        done = subprocess.run(
            [test_python(), SOURCE_DIR / "tools/oracle_stackexchange.py", "--recipe", recipe, "--dumps", dumps, "--built", built, *options],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"\d+ questions, \d+ answers: 0 differences\n\Z")

    def same_folders(self, a, b):
        self.assertEqual(files_of(a), files_of(b))
        self.assertEqual([], filecmp.cmpfiles(a, b, files_of(a), shallow=False)[1])


class BuildTest(BuildTestCase):
    def test_builds_what_eval_reads(self):
        self.dump("".join(thread(10 * i) for i in range(1, 9)))
        done = self.run_hre("data", "build", "--topic", "beer=beer.stackexchange.com", "--out", "set")
        self.assertEqual("beer: 8 questions of 500 asked for, 32 answers\nwritten to set\n", done.stdout)
        self.assertEqual(
            ["README.md", "data/HumanRankEvalBeer-00000-of-00001.parquet", "metadata/questions.jsonl", "recipe.toml"],
            files_of(self.folder / "set"),
        )
        self.assertEqual(["beer.stackexchange.com", "set"], sorted(os.listdir(self.folder)))
        self.run_hre("eval", "baseline:length", "--data", "set", "--json", "run.json", "--details")
        run = self.read_json("run.json")
        self.assertEqual(8, run["dataset"]["questions"])
        self.assertEqual({4}, {len(question["answers"]) for question in run["questions"]})
        lines = [json.loads(line) for line in (self.folder / "set/metadata/questions.jsonl").read_text().splitlines()]
        self.assertEqual([f"beer/{i:06}" for i in range(8)], [line["id"] for line in lines])
        card = (self.folder / "set/README.md").read_text()
        for said in (
            "For every question and answer,\n`metadata/questions.jsonl` gives the address",
            "none of 32 answers was edited",
            "The topics have 8 questions in the dumps; 8 passed the filters, of which 8 were drawn (seed 42)",
        ):
            self.assertIn(said, card)
        self.assertEqual(
            [
                "Composition",
                "Collection",
                "Consent, attribution and licence",
                "Processing",
                "Known biases: what votes go with",
                "Freshness",
                "Use",
                "Other choices",
            ],
            re.findall(r"^## (.*)$", card, re.MULTILINE),
        )
        self.assertEqual([], [line for line in card.splitlines() if len(line) > 120 and not line.startswith(("|", "- "))])
        named = re.findall(r"`([\w/]+\.(?:jsonl|toml))`", card)
        self.assertEqual([], [name for name in named if not (self.folder / "set" / name).is_file()])

    def test_the_resolved_recipe_builds_the_same(self):
        self.dump("".join(thread(10 * i) for i in range(1, 30)))
        self.run_hre("data", "build", "--topic", "beer=beer.stackexchange.com[hops]", "--out", "set", "--questions", "7", "--seed", "3")
        self.run_hre("data", "build", "--recipe", "set/recipe.toml", "--dumps", ".", "--out", "again")
        self.same_folders(self.folder / "set", self.folder / "again")

    def test_dry_run_writes_nothing(self):
        self.dump(thread(10))
        done = self.run_hre("data", "build", "--topic", "beer=beer.stackexchange.com", "--dry-run", "--explain", "--why", "12")
        self.assertIn("beer: 1 question of 500", done.stdout)
        self.assertIn("beer.stackexchange.com/12: an answer to 10 of topic beer, score 10", done.stdout)
        self.assertIn("- not chosen", done.stdout)
        self.assertEqual(["beer.stackexchange.com"], os.listdir(self.folder))

    def test_what_is_there_stays(self):
        self.dump(thread(10))
        self.write("set/notes.txt", "mine")
        call = ["data", "build", "--topic", "beer=beer.stackexchange.com", "--out", "set"]
        self.assertEqual("hre: set: already exists; choose another path, or use --force to replace it", self.error_of(*call))
        self.assertIn("holds more than a dataset (notes.txt), so it is not replaced", self.error_of(*call, "--force"))
        self.assertEqual("mine", (self.folder / "set/notes.txt").read_text())

    def test_force_replaces_a_dataset(self):
        self.dump(thread(10))
        call = ["data", "build", "--topic", "beer=beer.stackexchange.com", "--out", "set/"]
        self.run_hre(*call)
        self.dump(thread(10) + thread(20))
        self.run_hre(*call, "--force")
        self.assertEqual(2, len((self.folder / "set/metadata/questions.jsonl").read_text().splitlines()))
        self.assertEqual(["beer.stackexchange.com", "set"], sorted(os.listdir(self.folder)))

    def test_the_work_folder_may_be_that_of_the_dumps(self):
        path = self.dump(thread(10))
        self.run_hre("data", "build", "--topic", "beer=beer.stackexchange.com", "--out", "set", "--work", ".")
        self.assertEqual(table(thread(10)), (path / "Posts.xml").read_text())
        self.assertEqual(["beer.stackexchange.com", "set"], sorted(os.listdir(self.folder)))

    def test_bad_rows_are_shown_and_strict_refuses_them(self):
        self.dump(thread(10) + '  <row Id="5" Body="\x01" />\n  <row Id="6" Body="a & b" />\n')
        call = ["data", "build", "--topic", "beer=beer.stackexchange.com", "--out", "set", "--quiet"]
        done = self.run_hre(*call)
        self.assertRegex(done.stderr, r"skipped: \S+Posts.xml: row 7, byte \d+: PostTypeId is missing")
        self.assertRegex(done.stderr, r"skipped: \S+Posts.xml: row 8, byte \d+: not well-formed \(invalid token\)")
        self.assertIn("1 row read without control characters", done.stderr)
        self.assertRegex(
            self.error_of(*call[:-2], "other", "--strict"),
            r"hre: \S+Posts.xml: row 7, byte \d+: not well-formed \(invalid token\); without --strict the row is skipped",
        )
        self.assertFalse((self.folder / "other").exists())
        self.assertEqual(["beer.stackexchange.com", "set"], sorted(os.listdir(self.folder)))

    def test_control_characters_cost_no_post(self):
        """As a real dump has them: in an answer whose question, and whose other answers, are good."""
        rows = thread(10, answers=4).replace("It is &lt;b&gt;1&lt;/b&gt; of 10.", "If checked, &#x0E;⌘-1 \x02switches tabs.")
        self.dump(rows)
        done = self.run_hre("data", "build", "--topic", "beer=beer.stackexchange.com", "--out", "set", "--quiet")
        self.assertIn("beer: 1 question of 500 asked for, 4 answers", done.stdout)
        self.assertIn("1 row read without control characters", done.stderr)
        self.assertIn("1 row read without control characters", (self.folder / "set/README.md").read_text())
        self.run_hre("data", "convert", "set", "lines.jsonl")
        (line,) = (json.loads(one) for one in (self.folder / "lines.jsonl").read_text().splitlines())
        self.assertIn("If checked, ⌘-1 switches tabs.", [answer["text"] for answer in line["answers"]])

    def test_work_is_kept_for_the_same_rules(self):
        self.dump("".join(thread(10 * i) for i in range(1, 9)))
        call = ["data", "build", "--topic", "beer=beer.stackexchange.com", "--work", "work", "--keep-work", "--quiet"]
        self.run_hre(*call, "--out", "set")
        key = json.loads((self.folder / "work/beer.stackexchange.com.index/index.json").read_text())["key"]
        seal = (self.folder / "work/beer.stackexchange.com.index/texts.key").read_text()
        before = {path: path.stat().st_mtime_ns for path in (self.folder / "work").rglob("*") if path.name in ("index.json", "texts.key")}
        self.run_hre(*call, "--out", "again")
        self.assertEqual(before, {path: path.stat().st_mtime_ns for path in before}, "both are used again")
        self.run_hre(*call, "--out", "fenced", "--code", "fenced")
        self.assertNotEqual(seal, (self.folder / "work/beer.stackexchange.com.index/texts.key").read_text())
        self.assertEqual(key, json.loads((self.folder / "work/beer.stackexchange.com.index/index.json").read_text())["key"])

    def test_a_cut_dump(self):
        path = self.dump(thread(10))
        text = (path / "Posts.xml").read_text()
        (path / "Posts.xml").write_text(text[:-30])
        call = ["data", "build", "--topic", "beer=beer.stackexchange.com", "--out", "set"]
        self.assertRegex(self.error_of(*call), r"row 6, byte \d+: the file is cut short.*--allow-truncated")
        self.run_hre(*call, "--allow-truncated")

    def test_cut_votes(self):
        """Posts that are whole, and votes that are not: they are refused, or taken and said to be too few."""
        path = self.dump(thread(10))
        votes = "".join(row(Id=i, PostId=11, VoteTypeId=2) for i in range(1, 40))
        (path / "Votes.xml").write_text(table(votes, "votes")[:-90])
        call = ["data", "build", "--topic", "beer=beer.stackexchange.com", "--out", "set"]
        self.assertRegex(self.error_of(*call), r"Votes.xml: row \d+, byte \d+: the file is cut short.*--allow-truncated")
        done = self.run_hre(*call, "--allow-truncated")
        said = "cut short: Votes.xml (votes cast are undercounted)"
        self.assertIn(said, done.stderr)
        self.assertIn(said, (self.folder / "set" / "README.md").read_text())

    def test_near_duplicates_in_a_script_without_spaces(self):
        text = "日本語の助詞「は」と「が」の違いは何ですか。例文をいくつか挙げて、できるだけ分かりやすく教えてください。"
        bodies = {10: text, 20: text.replace("例文", "用例"), 30: "京都でおすすめの店はどこですか。"}
        rows = "".join(thread(i).replace(f"What is {i}?", body).replace(f"On {i}", "") for i, body in bodies.items())
        self.dump(rows, "japanese.stackexchange.com")
        self.write("r.toml", 'near_duplicates = 0.5\n[[topic]]\nname = "japanese"\nsites = ["japanese.stackexchange.com"]\n')
        done = self.run_hre("data", "build", "--recipe", "r.toml", "--dumps", ".", "--out", "set", "--explain")
        self.assertRegex(done.stdout, r"- nearly the same as a question taken +-1 ")
        self.assertIn("japanese: 2 questions", done.stdout)
        self.assert_oracle_agrees("r.toml", ".", "set")

    def test_a_census_helps_to_choose_dates(self):
        rows = "".join(thread(10 * i).replace("2020-01", f"2020-0{1 + i % 3}") for i in range(1, 9)) + thread(100, answers=2)
        self.dump(rows)
        self.write("r.toml", "[question]\nfrom = 2020-03-01\n")
        done = self.run_hre("data", "build", "--recipe", "r.toml", "--topic", "beer=beer.stackexchange.com", "--census")
        self.assertEqual(
            "beer: questions by the month of their posting, and how many are left after each filter\n"
            "  month     questions   answers\n"
            "  2020-01           3         2\n"
            "  2020-02           3         3\n"
            "  2020-03           3         3\n"
            "  all               9         8\n",
            done.stdout,
        )
        self.assertEqual(["beer.stackexchange.com", "r.toml"], sorted(os.listdir(self.folder)))

    def test_against_an_older_set(self):
        text = "Which of these thirteen words in a row would you say are too many?"
        self.dump("".join(thread(10 * i) for i in range(1, 4)) + thread(90).replace("What is 90?", text))
        call = ["data", "build", "--topic", "beer=beer.stackexchange.com", "--out"]
        self.run_hre(*call, "all")
        old = {"topic": "old", "question": "Well. " + text.upper(), "answers": [{"text": "a", "votes": 1}, {"text": "b", "votes": 2}]}
        self.write("old.jsonl", json.dumps(old) + "\n")
        done = self.run_hre(*call, "new", "--against", "old.jsonl", "--explain")
        self.assertRegex(done.stdout, r"- shares 13 words in a row with known texts +-1 ")
        self.assertIn("beer: 3 questions", done.stdout)
        self.assertIn("shares a run of 13 words with old (fingerprint", (self.folder / "new/README.md").read_text())
        self.write("r.toml", '[[topic]]\nname = "beer"\nsites = ["beer.stackexchange.com"]\n')
        self.assert_oracle_agrees("r.toml", ".", "new", "--against", "old.jsonl")
        self.write("corpus.jsonl", "".join(json.dumps({"text": one, "source": "web"}) + "\n\n" for one in ("Nothing.", "So. " + text)))
        done = self.run_hre(*call, "plain", "--against", "corpus.jsonl", "--explain")
        self.assertRegex(done.stdout, r"- shares 13 words in a row with known texts +-1 ")
        self.assert_oracle_agrees("r.toml", ".", "plain", "--against", "corpus.jsonl")
        self.write("corpus.jsonl", json.dumps({"text": "one"}) + "\n{}\n")
        self.assertIn(
            "corpus.jsonl: line 2: is not a JSON object with a string text", self.error_of(*call, "x", "--against", "corpus.jsonl")
        )
        self.assertIn("no such", self.error_of(*call, "x", "--against", "nowhere").lower())
        self.assertFalse((self.folder / "x.work").exists())

    def test_json_lines_of_another_forum(self):
        def line(i, **more):
            answers = [
                {
                    "text": f'  Answer {k} to {i}:\n\n<b>bold</b> & "quoted"',
                    "score": 10 * k,
                    "created": 1700000000 + 1000 * k + i,
                    "author": f"a{k}",
                    "accepted": k == 2,
                }
                for k in range(5)
            ]
            return {
                "question": f"What is {i}?\nAnd why?",
                "title": f"On {i}",
                "created": "2023-11-14T10:00:00Z",
                "author": "q",
                "url": f"https://forum.example/{i}",
                "tags": ["x y"],
                "views": 7,
                "answers": answers,
            } | more

        html = line(3, format="html", question="<p>HTML &amp; <em>so on</em></p>")
        lines = [line(1), line(2), html, {"question": "no answers"}, line(4, created="yesterday"), line(5, title="T\x01itle")]
        self.write("My forum.jsonl", "".join(json.dumps(one) + "\n" for one in lines) + "{not JSON\n\n")
        self.write("r.toml", 'near_duplicates = 0\n[[topic]]\nname = "forum"\nsources = ["jsonl:My forum.jsonl"]\n')
        done = self.run_hre("data", "build", "--recipe", "r.toml", "--out", "set", "--explain", "--quiet")
        self.assertIn("forum: 4 questions of 500 asked for, 16 answers\n", done.stdout)
        for said in (
            "My forum.jsonl: line 4: has no answers, and neither an id nor a parent",
            "line 5: field created is not a date",
            "line 7: is not a JSON object",
            "my_forum: 7 lines, 4 questions, 20 answers, 0 other posts, 3 lines skipped, 1 line read without control characters\n",
        ):
            self.assertIn(said, done.stderr)
        metadata = [json.loads(one) for one in (self.folder / "set/metadata/questions.jsonl").read_text().splitlines()]
        self.assertEqual(
            {"https://forum.example/1", "https://forum.example/2", "https://forum.example/3", "https://forum.example/5"},
            {one["url"] for one in metadata},
        )
        self.assertEqual({("x y",)}, {tuple(one["tags"]) for one in metadata})
        self.assertEqual({"not stated"}, {one["licence"] for one in metadata})
        self.assertEqual({None}, {one["author_url"] for one in metadata})
        digest = (
            subprocess.run(
                [test_python(), "-c", "import sys, xxhash; print(xxhash.xxh3_128_hexdigest(sys.stdin.buffer.read()))"],
                input=(self.folder / "My forum.jsonl").read_bytes(),
                capture_output=True,
                check=True,
            )
            .stdout.decode()
            .strip()
        )
        self.assertIn(f"# my_forum JSON lines XXH3-128 {digest}\n", (self.folder / "set/recipe.toml").read_text())
        card = (self.folder / "set/README.md").read_text()
        self.assertIn("license: other", card)
        self.assertNotIn("Stack Exchange", card)
        good = [line(1), line(2), html]
        self.write("My forum.jsonl", "".join(json.dumps(one) + "\n" for one in good))
        self.run_hre("data", "build", "--recipe", "r.toml", "--out", "good", "--label", "accepted")
        self.write("r.toml", 'near_duplicates = 0\nlabel = "accepted"\n[[topic]]\nname = "forum"\nsources = ["jsonl:My forum.jsonl"]\n')
        self.assert_oracle_agrees("r.toml", ".", "good")
        self.run_hre("data", "build", "--recipe", "good/recipe.toml", "--out", "again")
        self.same_folders(self.folder / "good", self.folder / "again")
        self.run_hre("eval", "baseline:length", "--data", "good", "--json", "run.json", "--details")
        self.assertEqual(3, self.read_json("run.json")["dataset"]["questions"])

    def test_dates_reach_the_values(self):
        """Pairs whose later answer has more votes, and newer questions against older ones, from metadata that a build writes."""
        draws, rows = random.Random(5), ""
        for i in range(80):
            rows += thread(10 * i + 10, answers=4).replace("2020-01-", f"20{20 + i % 2}-01-")
        for number in range(10, 820, 10):
            for i in range(4):  # later answers are longer in half of the cases
                rows = rows.replace(f"It is &lt;b&gt;{i}&lt;/b&gt; of {number}.", "word " * draws.randrange(3, 40) + f"{number} {i}")
                rows = re.sub(
                    rf'(Id="{number + 1 + i}" PostTypeId="2" ParentId="{number}" CreationDate="20..-01-0)2', rf"\g<1>{2 + i}", rows
                )
        self.dump(rows)
        for name, dates in (("old", "until = 2021-01-01"), ("new", "from = 2021-01-01")):
            self.write("r.toml", f"[question]\n{dates}\n")
            self.run_hre("data", "build", "--recipe", "r.toml", "--topic", "beer=beer.stackexchange.com", "--out", name)
            self.run_hre("eval", "baseline:length", "--data", name, "--json", f"{name}.json", "--details")
        run = self.read_json("old.json")
        posted = {
            question["id"]: [answer["created"] for answer in question["answers"]]
            for question in map(json.loads, (self.folder / "old/metadata/questions.jsonl").read_text().splitlines())
        }
        expected = {"later_wins": [], "earlier_wins": []}
        for question in run["questions"]:
            answers = [dict(answer, posted=date) for answer, date in zip(question["answers"], posted[question["id"]])]
            for name, sign in (("later_wins", 1), ("earlier_wins", -1)):
                pairs = [(a, b) for a in answers for b in answers if a["posted"] < b["posted"] and (b["votes"] - a["votes"]) * sign > 0]
                right = [0.5 if a["score"] == b["score"] else float((b["score"] - a["score"]) * sign > 0) for a, b in pairs]
                if right:
                    expected[name].append(sum(right) / len(right))
                    self.assertAlmostEqual(expected[name][-1], question[name], places=12)
        self.assertEqual(40, len(expected["later_wins"]))
        micro = run["results"]["micro"]
        self.assertAlmostEqual(sum(expected["later_wins"]) / 40, micro["later_wins"]["mean"], places=12)
        self.assertEqual(0.5, micro["later_wins"]["chance"])
        self.assertNotIn("earlier_wins", micro, "votes rise with time here")
        self.assertIn("Pairs that the later wins", self.run_hre("eval", "baseline:length", "--data", "old", "--metrics", "all").stdout)
        self.assertIn("Pairs that the later", self.run_hre("compare", "./old.json", "./old.json", "--metric", "later_wins").stdout)
        without = self.run_hre("eval", "baseline:length", "--data", "sample", "--limit", "2", "--metrics", "later_wins")
        self.assertIn("later_wins has no value: the dataset's metadata has no dates of answers", without.stderr)
        self.run_hre("confounds", "./new.json", "--older", "./old.json", "--json", "confounds.json")
        (confounds,) = self.read_json("confounds.json")["runs"]
        self.assertEqual(40, confounds["later_wins"]["n"])
        older, new = confounds["older"], self.read_json("new.json")["results"]["micro"]["pearson"]["mean"]
        self.assertAlmostEqual(new - micro["pearson"]["mean"], older["mean"]["difference"], places=12)
        self.assertEqual(["new", "old"], [older["newer"], older["older"]])
        self.assertLess(older["mean"]["ci95"][0], older["mean"]["difference"])
        self.assertIn("mean of topics", self.run_hre("confounds", "./new.json", "--older", "./old.json").stdout)
        self.assertIn("both runs are of the same dataset", self.error_of("confounds", "./new.json", "--older", "./new.json"))

    def test_exports_in_the_documentation(self):
        """The examples of docs/datasets.md, by hre and by the plain script."""
        page = (SOURCE_DIR / "docs/datasets.md").read_text(encoding="utf-8")
        section = page[page.index("Lemmy, the API's") : page.index("## What is written")]
        examples = re.findall(r"^(Lemmy|Discourse|Reddit)\b.*?```\n(.*?)```", section, re.MULTILINE | re.DOTALL)
        self.assertEqual(["Lemmy", "Discourse", "Reddit"], [name for name, _ in examples])
        command = re.search(r"```\nhre (data build .*)\n```", section)[1].split()
        self.write("r.toml", 'answers = 2\n[[topic]]\nname = "bread"\nsources = ["jsonl:bread.jsonl"]\n')
        for name, lines in examples:
            with self.subTest(name):
                self.write("bread.jsonl", lines)
                done = self.run_hre(*command, "--force")
                self.assertIn("bread: 4 lines, 1 questions, 2 answers, 1 other posts", done.stderr)
                (question,) = (json.loads(line) for line in (self.folder / "bread/metadata/questions.jsonl").read_text().splitlines())
                self.assertEqual("Bread without an oven?", question["title"])
                self.assertEqual(2, len(question["answers"]))
                self.assertEqual([name == "Discourse"], sorted({answer["accepted"] for answer in question["answers"]})[-1:])
                self.assertTrue(all(answer["author"] for answer in question["answers"]))
                self.assert_oracle_agrees("r.toml", ".", "bread")
                self.write("bread.jsonl", "".join(reversed(lines.splitlines(keepends=True))))  # answers before their question
                self.run_hre(*command, "--force")
                self.assert_oracle_agrees("r.toml", ".", "bread")

    def test_more_sites_than_files_may_be_open(self):
        """What a site leaves for the draw is opened for each reading."""
        recipe = "".join(f'[[topic]]\nname = "t{i}"\nsites = ["s{i}.stackexchange.com"]\n' for i in range(30))
        self.write("r.toml", recipe)
        for i in range(30):
            self.dump(thread(10).replace("of 10", f"of site {i}").replace("10?", f"site {i}?"), f"s{i}.stackexchange.com")
        done = subprocess.run(
            [PROGRAM, "data", "build", "--recipe", "r.toml", "--dumps", ".", "--out", "set", "--threads", "1"],
            cwd=self.folder,
            env=clean_environment(),
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24)),
        )
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual(30, len(os.listdir(self.folder / "set/data")))

    def test_more_topics_than_files_may_be_open(self):
        """A topic's file is complete before the next is begun, so that the hard limit doesn't matter, either."""
        number = 300
        self.write("r.toml", "".join(f'[[topic]]\nname = "t{i}"\nsites = ["beer.stackexchange.com[t{i}]"]\n' for i in range(number)))
        self.dump("".join(thread(10 * i + 10, tags=f"<t{i}>") for i in range(number)))
        done = subprocess.run(
            [PROGRAM, "data", "build", "--recipe", "r.toml", "--dumps", ".", "--out", "set", "--threads", "1"],
            cwd=self.folder,
            env=clean_environment(),
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)),
        )
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual(number, len(os.listdir(self.folder / "set/data")))

    def test_what_a_killed_build_left_is_removed(self):
        self.dump(thread(10))
        left = self.folder / ".set.hre-abcdef"
        for folder in (left, self.folder / ".set.hre-alive0", self.folder / ".other.hre-abcdef"):
            (folder / "data").mkdir(parents=True)
        living = os.open(self.folder / ".set.hre-alive0", os.O_RDONLY)
        self.addCleanup(os.close, living)
        fcntl.flock(living, fcntl.LOCK_EX)
        self.run_hre("data", "build", "--topic", "beer=beer.stackexchange.com", "--out", "set")
        self.assertEqual([".other.hre-abcdef", ".set.hre-alive0", "beer.stackexchange.com", "set"], sorted(os.listdir(self.folder)))

    def test_nothing_passes(self):
        self.dump(thread(10, answers=2))
        done = self.run_hre("data", "build", "--topic", "beer=beer.stackexchange.com", "--out", "set", status=2)
        self.assertIn("no question passed the filters; --explain shows what each filter removed", done.stderr)
        self.assertFalse((self.folder / "set").exists())

    def test_mistakes(self):
        self.dump(thread(10))
        cases = [
            (["--out", "set"], "hre: no topic is given; give --topic NAME=SOURCE, or a --recipe with topics"),
            (["--topic", "beer=beer.stackexchange.com"], "hre: no output folder is given; give --out DIR, --dry-run or --census"),
            (
                ["--topic", "beer=nowhere", "--out", "set"],
                "hre: nowhere: there is no such file or folder; give a dump's folder, SITE.7z or SITE-Posts.7z",
            ),
            (
                ["--topic", "beer", "--out", "set"],
                "hre: --topic beer: a topic has the form NAME=SOURCE[,SOURCE...]; for example beer=beer.stackexchange.com.7z",
            ),
            (["--recipe", "none.toml", "--out", "set"], "hre: none.toml: the recipe can't be read"),
        ]
        for arguments, message in cases:
            with self.subTest(arguments=arguments):
                self.assertEqual(message, self.error_of("data", "build", *arguments))
        self.write("r.toml", "seed = 1\n[question]\nmin_scor = 3\n")
        self.assertEqual(
            "hre: r.toml: line 3: unknown key 'min_scor' in question; did you mean min_score?",
            self.error_of("data", "build", "--recipe", "r.toml", "--out", "set"),
        )

    def test_interrupted_leaves_no_output_and_goes_on(self):
        self.dump("".join(thread(10 * i) for i in range(1, 20000)))
        call = ["data", "build", "--topic", "beer=beer.stackexchange.com", "--out", "set", "--questions", "0"]
        process = subprocess.Popen(
            [PROGRAM, *call], cwd=self.folder, env=clean_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        deadline = time.monotonic() + 60
        while not (self.folder / "set.work/beer.stackexchange.com.index/records").exists() and time.monotonic() < deadline:
            time.sleep(0.001)
        process.send_signal(signal.SIGINT)
        stderr = process.communicate(timeout=60 * SLOWER)[1]
        self.assertEqual(130, process.returncode, stderr)
        self.assertIn("the data read so far is kept in set.work", stderr)
        self.assertEqual(["beer.stackexchange.com", "set.work"], sorted(os.listdir(self.folder)))
        self.run_hre(*call)
        self.run_hre(*call[:-3], "other", "--questions", "0")
        self.same_folders(self.folder / "set", self.folder / "other")

    def test_killed_at_any_time_it_goes_on(self):
        self.dump("".join(thread(10 * i) for i in range(1, 4000)))
        call = ["data", "build", "--topic", "beer=beer.stackexchange.com", "--questions", "0", "--quiet", "--out"]
        start = time.monotonic()
        self.run_hre(*call, "whole")
        seconds, seed = time.monotonic() - start, random.randrange(10**6)
        print(f"seed {seed}", end=" ")
        times, index = random.Random(seed), self.folder / "set.work/beer.stackexchange.com.index"
        # A stage, what is there from its start on, and what is there from its end on.
        stages = {"reading posts": ("posts", "index.json"), "reading texts": ("records", "chosen"), "writing": ("chosen", None)}
        fell = collections.Counter()
        for i, aim in enumerate([*stages, *stages]):
            with subprocess.Popen(
                [PROGRAM, *call, "set"], cwd=self.folder, env=clean_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            ) as process:
                while not (index / stages[aim][0]).exists() and process.poll() is None:
                    time.sleep(0.0002)
                time.sleep(times.uniform(0, 0.2 * seconds) if i >= len(stages) else 0)
                process.kill()
            made = (self.folder / "set").exists()
            fell.update(
                "after all" if made else stage
                for stage, (begun, done) in stages.items()
                if made or (index / begun).exists() and not (done and (index / done).exists())
            )
            if made:
                shutil.rmtree(self.folder / "set")
            self.run_hre(*call, "set")
            self.same_folders(self.folder / "whole", self.folder / "set")
            self.assertEqual(["beer.stackexchange.com", "set", "whole"], sorted(os.listdir(self.folder)))
            shutil.rmtree(self.folder / "set")
        print(f"kills fell {dict(fell)}", end=" ")
        self.assertEqual(set(stages), set(fell) - {"after all"}, "kills missed what they were aimed at")

    def test_ctrl_c_is_heard_at_any_time(self):
        self.dump("".join(thread(10 * i) for i in range(1, 4000)))
        call = ["data", "build", "--topic", "beer=beer.stackexchange.com", "--questions", "0", "--out", "set"]
        posts = self.folder / "set.work/beer.stackexchange.com.index/posts"
        heard = 0
        for delay in (0.02, 0.05, 0.1, 0.2, None, None, None):  # None: when it reads, however long the way there is
            with subprocess.Popen(
                [PROGRAM, *call], cwd=self.folder, env=clean_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
            ) as process:
                while delay is None and not posts.exists() and process.poll() is None:
                    time.sleep(0.0002)
                time.sleep(delay or 0)
                process.send_signal(signal.SIGINT)
                stderr = process.communicate(timeout=60 * SLOWER)[1]
            if process.returncode == 0:  # it was done before
                shutil.rmtree(self.folder / "set")
                continue
            # Before the program listens to it, the signal itself ends it.
            self.assertIn(process.returncode, (130, -signal.SIGINT), stderr)
            self.assertFalse([name for name in os.listdir(self.folder) if name not in ("beer.stackexchange.com", "set.work")])
            heard += process.returncode == 130
            shutil.rmtree(self.folder / "set.work", ignore_errors=True)  # or the next would have nothing to read
        self.assertGreater(heard, 0, "no interrupt came while the program listened")

    def test_rows_of_locks_that_are_skipped_are_counted(self):
        self.dump("".join(thread(10 * i) for i in range(1, 9)))
        good = row(Id=1, PostHistoryTypeId=14, PostId=10)  # locks a question
        bad = "".join(row(Id=i, PostHistoryTypeId=14) for i in range(2, 32))
        self.write("beer.stackexchange.com/PostHistory.xml", table(good + bad, "posthistory"))
        call = ("data", "build", "--topic", "beer=beer.stackexchange.com", "--label", "votes")
        done = self.run_hre(*call, "--out", "set", "--quiet")
        listed = re.findall(
            r"^  skipped: .*PostHistory\.xml: row \d+, byte \d+: PostId or PostHistoryTypeId is missing$", done.stderr, re.MULTILINE
        )
        more = re.findall(r"^  and (\d+) more$", done.stderr, re.MULTILINE)
        self.assertTrue(listed)
        self.assertEqual([30 - len(listed)], [int(n) for n in more], done.stderr)
        self.assertIn("30 rows of PostHistory.xml skipped", (self.folder / "set/README.md").read_text())
        self.assertIn("beer: 7 questions", done.stdout)

    def test_a_recipe_for_each_language(self):
        """Each takes what is in its language, of sites that have questions in English, too."""
        recipes = {path.stem: path for path in (SOURCE_DIR / "recipes/languages").glob("*.toml")}
        self.assertEqual(set(LANGUAGES), set(recipes))
        for name, text in LANGUAGES.items():
            with self.subTest(language=name):
                site = re.search(r'sites = \["([^"]+)"', recipes[name].read_text())[1]
                other = LANGUAGES["german" if name == "english" else "english"]
                self.dump(speaking(10, text) + speaking(20, other), site)
                done = self.run_hre("data", "build", "--recipe", recipes[name], "--topic", f"{name}={site}", "--out", name, "--explain")
                self.assertIn(f"{name}: 1 question of 500", done.stdout)
                self.assertRegex(done.stdout, r"- in another language +-1 ")
                lines = (self.folder / name / "metadata/questions.jsonl").read_text().splitlines()
                self.assertEqual([10], [json.loads(line)["post_id"] for line in lines])

    def test_languages_of_sites(self):
        for site, languages in (("latin.stackexchange.com", ("latin", "german")), ("german.stackexchange.com", ("german", "latin"))):
            self.dump("".join(speaking(10 * i, LANGUAGES[language]) for i, language in enumerate((*languages, "english"), 1)), site)
        self.write(
            "r.toml",
            'near_duplicates = 0\n[[topic]]\nname = "both"\nsites = ["latin.stackexchange.com", "german.stackexchange.com"]\n'
            '[topic.site_languages]\n"latin.stackexchange.com" = ["en", "la"]\n"german.stackexchange.com" = ["de"]\n',
        )
        self.run_hre("data", "build", "--recipe", "r.toml", "--dumps", ".", "--out", "set")
        taken = [json.loads(line) for line in (self.folder / "set/metadata/questions.jsonl").read_text().splitlines()]
        self.assertEqual(
            {("latin.stackexchange.com", 10), ("latin.stackexchange.com", 30), ("german.stackexchange.com", 10)},
            {(one["site"], one["post_id"]) for one in taken},
        )
        self.run_hre("data", "build", "--recipe", "set/recipe.toml", "--dumps", ".", "--out", "again")
        self.same_folders(self.folder / "set", self.folder / "again")

    def test_prompts_of_languages(self):
        self.dump("".join(thread(10 * i) for i in range(1, 9)))
        self.run_hre("data", "build", "--topic", "beer=beer.stackexchange.com", "--out", "set")
        prompts = sorted((SOURCE_DIR / "recipes/prompts").glob("*.txt"))
        self.assertEqual([prompt.stem for prompt in prompts], sorted(set(LANGUAGES) - {"english"}))
        for prompt in prompts:
            self.run_hre("eval", "baseline:length", "--data", "set", "--prompt-file", prompt, "--json", "run.json")
            self.assertEqual(prompt.read_text(encoding="utf-8"), self.read_json("run.json")["config"]["prompt"], prompt)

    def test_all_missing_dumps_are_named_at_once(self):
        recipe = SOURCE_DIR / "recipes/humanrankeval.toml"
        self.assertRegex(
            self.error_of("data", "build", "--recipe", recipe, "--dumps", ".", "--out", "set"),
            r"hre: \.: no dump of stackoverflow\.com, english\.\S+, .*; put SITE/, SITE.7z or SITE-Posts.7z there for each",
        )


class RealDumpsTest(BuildTestCase):
    """On four real sites, where they are there."""

    def test_the_same_as_a_plain_script(self):
        dumps = shared_data("stackexchange")
        for recipe in sorted((SOURCE_DIR / "tests/data/stackexchange/recipes").glob("*.toml")):
            with self.subTest(recipe=recipe.name):
                self.run_hre("data", "build", "--recipe", recipe, "--dumps", dumps, "--out", recipe.stem)
                self.assert_oracle_agrees(recipe, dumps, recipe.stem)

    def test_texts_are_what_a_browser_shows(self):
        dumps, python = shared_data("stackexchange"), test_python()
        if shutil.which("chromium") is None:
            self.skipTest("no chromium")
        self.run_hre("data", "build", "--recipe", SOURCE_DIR / "tests/data/stackexchange/bodies.toml", "--dumps", dumps, "--out", "set")
        done = subprocess.run(
            [python, SOURCE_DIR / "tools/compare_inner_text.py", "--built", self.folder / "set", "--dumps", dumps, "--count", "200"],
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertIn("200 posts\n", done.stdout)

    def test_the_same_bytes_with_any_threads_and_archives(self):
        dumps = shared_data("stackexchange")
        recipe = SOURCE_DIR / "tests/data/stackexchange/recipes/plain.toml"
        self.run_hre("data", "build", "--recipe", recipe, "--dumps", dumps, "--out", "one", "--threads", "1")
        self.run_hre("data", "build", "--recipe", recipe, "--dumps", dumps, "--out", "two", "--threads", "2")
        self.assert_same("one", "two")
        packer = next(filter(None, map(shutil.which, ("7z", "7za", "7zz"))), None)
        if packer is None:
            self.skipTest("no 7z to pack the dumps with")
        for site in SITES:
            files = sorted(path.name for path in (dumps / site).iterdir())
            archive = self.folder / "packed" / f"{site}.7z"
            archive.parent.mkdir(exist_ok=True)
            subprocess.run([packer, "a", "-bd", "-y", archive, *files], cwd=dumps / site, check=True, stdout=subprocess.DEVNULL)
        self.run_hre("data", "build", "--recipe", recipe, "--dumps", "packed", "--out", "three")
        self.assert_same("one", "three")

    def assert_same(self, a, b):
        names = files_of(self.folder / a)
        self.assertEqual(names, files_of(self.folder / b))
        self.assertEqual(([], []), filecmp.cmpfiles(self.folder / a, self.folder / b, names, shallow=False)[1:])


if __name__ == "__main__":
    unittest.main()
