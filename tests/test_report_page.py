"""The page of hre report in a real browser: headless Chromium by its driver."""

import json
import time
import unittest

import report_data
from browser import Browser, skip_without_browser
from program import ProgramTest

SEED = 20240601


class PageTest(ProgramTest):
    """One browser for all tests of a class; each opens its own page."""

    @classmethod
    def setUpClass(cls):
        skip_without_browser()
        cls.browser = Browser().__enter__()
        cls.addClassCleanup(cls.browser.__exit__, None, None, None)

    def make_runs(self, dataset, models, tokens=False):
        """Runs of baseline:zstd on a dataset, moved at random for more models. Gives their files' names."""
        self.run_hre("eval", "baseline:zstd", "--data", dataset, "--json", "base.json", "--details", "--quiet", "--no-shuffle")
        base = self.read_json("base.json")
        texts = self.texts_of(dataset)
        files = []
        for i, model in enumerate(models):
            run = report_data.other_model(base, model, i)
            if tokens:
                report_data.with_tokens(run, texts, SEED + i)
            (self.folder / f"run{i}.json").write_text(json.dumps(run), encoding="utf-8")
            files.append(f"run{i}.json")
        return files

    def texts_of(self, dataset):
        if not (self.folder / "texts.jsonl").exists():
            self.run_hre("data", "convert", dataset, "texts.jsonl", "--quiet")
        places, texts = {}, {}
        for line in (self.folder / "texts.jsonl").read_text(encoding="utf-8").split("\n")[:-1]:
            question = json.loads(line)
            place = places[question["topic"]] = places.get(question["topic"], -1) + 1
            texts[question["topic"], question.get("id", f"{question['topic']}/{place:06}")] = [a["text"] for a in question["answers"]]
        return texts

    def open_report(self, *runs, fragment=""):
        self.run_hre("report", *runs, "--out", "out", "--quiet", env={"PATH": "/nonexistent"})  # no figures: quick
        self.browser.messages(), self.browser.requests()
        self.browser.open(self.folder / "out" / "index.html", fragment)
        self.browser.until("return document.documentElement.hasAttribute('data-ready')")
        self.browser.until("return document.querySelector('#detail h3') !== null")

    def check_quiet(self):
        """Nothing was said in the console, and nothing was asked for but the page itself and what it holds."""
        self.assertEqual([], self.browser.messages())
        page = (self.folder / "out" / "index.html").resolve().as_uri()
        self.assertEqual([], [url for url in self.browser.requests() if not url.startswith((page, "data:", "chrome:"))])

    def text(self, selector):
        return self.browser.run("return document.querySelector(arguments[0]).textContent", selector)

    def focus(self, selector):
        self.browser.run("document.querySelector(arguments[0]).focus()", selector)


class SamplePageTest(PageTest):
    def setUp(self):
        super().setUp()
        self.open_report(*self.make_runs("sample", ["one", "two", "three"], tokens=True))

    def column(self, name):
        return self.browser.run(
            """
            const heads = [...document.querySelectorAll('#summary-table thead th')].map((head) => head.textContent);
            const column = heads.indexOf(arguments[0]);
            return [...document.querySelectorAll('#summary-table tbody tr')].map((row) => row.children[column].firstChild.textContent);""",
            name,
        )

    def test_values_are_the_runs_own(self):
        shown = dict(zip(self.column("Model"), self.column("Pearson")))
        for i, model in enumerate(["one", "two", "three"]):
            values = [q["pearson"] for q in self.read_json(f"run{i}.json")["questions"] if q["pearson"] is not None]
            self.assertEqual(f"{sum(values) / len(values):.3f}".replace("-", "\u2212"), shown[model])
        self.check_quiet()

    def test_shows_scores_and_bits(self):
        rows = lambda table: self.browser.run(
            "return [...document.querySelectorAll(`#${arguments[0]} tbody tr`)].map((row) => [...row.children].map((cell) => cell.firstChild?.textContent ?? ''))",
            table,
        )
        compared = json.loads(self.run_hre("compare", "run0.json", "run1.json", "run2.json", "--json", "-").stdout)
        scores = rows("scores-table")
        self.assertEqual(["per-char", "per-token", "per-byte", "sum"] * 3, [row[1] for row in scores])
        self.assertEqual(["one", "", "", "", "two", "", "", "", "three", "", "", ""], [row[0] for row in scores])
        number = lambda value: f"{value:.3f}".replace("-", "\u2212")
        self.assertEqual([number(run["micro"]["pearson"]["mean"]) for run in compared["runs"]], [row[2] for row in scores[::4]])
        bits = rows("bits-table")
        pair = compared["pairs"][0]
        names = ("bits_per_byte", "bits_best", "bits_worst", "bits_gap")
        self.assertEqual(
            [[str(pair[name]["n"]), str(pair[name]["won"]), str(pair[name]["lost"])] for name in names],
            [[row[1], row[6], row[8]] for row in bits],
        )
        for name, row in zip(names, bits):
            self.assertAlmostEqual(pair[name]["difference"], float(row[2].replace("\u2212", "-").lstrip("+")), delta=0.006)
        self.check_quiet()

    def test_sorts_by_keyboard(self):
        self.focus("#summary-table thead th:nth-child(2) button")
        for direction in ("descending", "ascending"):
            self.browser.press("Enter")
            values = [float(text.replace("\u2212", "-")) for text in self.column("Pearson")]
            self.assertEqual(sorted(values, reverse=direction == "descending"), values)
            self.assertEqual(
                direction, self.browser.run("return document.querySelector('#summary-table th:nth-child(2)').getAttribute('aria-sort')")
            )
        self.check_quiet()

    def test_all_is_reached_by_tab(self):
        reached = set()
        self.focus("#title")
        for _ in range(90):
            self.browser.press("Tab")
            reached.add(
                self.browser.run(
                    "const e = document.activeElement; return e.id || e.closest('label, th, nav, .answer, .question')?.textContent.slice(0, 12) || e.tagName"
                )
            )
            if "list" in reached and "search" in reached and "theme" in reached and any(name.startswith("Answers in") for name in reached):
                break
        self.assertLessEqual({"theme", "search", "list"}, reached)

    def test_searches(self):
        self.focus("#search")
        self.browser.press("memo[n]")  # in an answer of the sample's first question on Python
        found = self.browser.until(
            "const m = document.querySelector('#count').textContent.match(/^(\\d+) of 112 questions$/); return m && m[1] !== '112' && m[1]"
        )
        expected = [key for key, texts in self.texts_of("sample").items() if any("memo[n]" in text for text in texts)]
        self.assertEqual(str(len(expected)), found)
        self.assertEqual(expected[0][1], self.text(".row .top span"))
        self.check_quiet()

    def test_filters_and_sorts_the_questions(self):
        select = """const list = [...document.querySelectorAll('#filters label')].find((label) => label.firstChild.textContent === arguments[0]).querySelector('select');
            list.value = [...list.options].find((option) => option.textContent === arguments[1]).value;
            list.dispatchEvent(new Event('change'));"""
        self.browser.run(select, "Topic", "python")
        self.assertEqual("8 of 112 questions", self.text("#count"))
        self.browser.run(select, "Topic", "all topics")
        self.browser.run(select, "Sort by", "value in A, lowest first")
        values = {q["id"]: q["pearson"] for q in self.read_json("run0.json")["questions"]}
        # The page keeps values to four decimals.
        self.assertAlmostEqual(
            min(value for value in values.values() if value is not None), values[self.text(".row .top span")], delta=1e-4
        )
        self.browser.run(select, "Show", "models disagree on the best answer")
        runs = [
            {
                q["id"]: max(range(len(q["answers"])), key=lambda i: q["answers"][i]["score"])
                for q in self.read_json(f"run{i}.json")["questions"]
                if q["answers"]
            }
            for i in range(3)
        ]
        disagree = sum(len({run[id] for run in runs}) > 1 for id in runs[0])
        self.assertEqual(f"{disagree} of 112 questions", self.text("#count"))
        self.browser.run(select, "Show", "moved most from A to B (100)")
        other = {q["id"]: q["pearson"] for q in self.read_json("run1.json")["questions"]}
        moved = {id: abs(values[id] - other[id]) for id in values if values[id] is not None and other[id] is not None}
        self.assertAlmostEqual(max(moved.values()), moved[self.text(".row .top span")], delta=2e-4)
        self.check_quiet()

    def test_opens_a_question_by_keyboard(self):
        self.focus("#list")
        self.browser.press("Home", "Down", "Down")
        third = self.browser.until(
            "return document.querySelector('.row[aria-posinset=\"3\"][aria-selected=\"true\"]')?.querySelector('span').textContent"
        )
        self.browser.until("return document.querySelector('#detail h3').textContent === arguments[0]", third)
        self.assertEqual(4, self.browser.run("return document.querySelectorAll('.answer').length"))
        self.check_quiet()

    def test_shades_tokens(self):
        id = self.text("#detail h3")
        question = next(q for q in self.read_json("run0.json")["questions"] if q["id"] == id)
        best = max(range(4), key=lambda i: question["answers"][i]["votes"])
        answer = question["answers"][best]
        parts = self.browser.run("return [...document.querySelector('.tokens').children].map((span) => span.textContent)")
        self.assertEqual(answer["token_texts"], parts)
        self.focus(".tokens")
        self.browser.press("Right", "Right")
        nats = answer["token_log_probs"][2]
        self.assertIn(f"{nats:.3f} nats".replace("-", "\u2212"), self.text("#read"))
        shades = self.browser.run(
            "return [...document.querySelector('.tokens').children].map((span) => Number(span.style.backgroundColor.match(/([\\d.]+)\\)$/)[1]))"
        )
        for shade, value in zip(shades, answer["token_log_probs"]):
            self.assertAlmostEqual(0.75 * min(1, -value / 8), shade, delta=0.005)
        self.check_quiet()

    def test_shades_differences(self):
        self.browser.run("""const list = [...document.querySelectorAll('#detail label')].find((label) => label.textContent.startsWith('Shade')).querySelector('select');
            list.value = 'difference'; list.dispatchEvent(new Event('change'));""")
        pieces = self.browser.run("return [...document.querySelector('.tokens').children].map((span) => span.textContent)")
        id = self.text("#detail h3")
        a, b = (next(q for q in self.read_json(f"run{i}.json")["questions"] if q["id"] == id) for i in (0, 1))
        best = max(range(4), key=lambda i: a["answers"][i]["votes"])
        a, b = a["answers"][best], b["answers"][best]
        self.assertEqual("".join(a["token_texts"]), "".join(pieces))
        ends = lambda parts: {sum(map(len, parts[: i + 1])) for i in range(len(parts))}
        self.assertEqual(ends(a["token_texts"]) & ends(b["token_texts"]), ends(pieces))
        sums = lambda answer: sum(
            p for p, end in zip(answer["token_log_probs"], sorted(ends(answer["token_texts"]))) if end <= len(pieces[0])
        )
        self.focus(".tokens")
        self.browser.press("Home")
        self.assertIn(f"A minus B {sums(a) - sums(b):+.3f} nats".replace("-", "\u2212"), self.text("#read"))
        self.check_quiet()
        self.open_report("run0.json", "--reference", "run1.json")
        self.assertEqual(pieces, self.browser.run("return [...document.querySelector('.tokens').children].map((span) => span.textContent)"))
        self.focus(".tokens")
        self.browser.press("Home")
        self.assertIn(f": {sums(a) - sums(b):+.3f} nats against the reference".replace("-", "\u2212"), self.text("#read"))
        self.check_quiet()

    def test_compares_tokens_with_and_without_the_space_before_them(self):
        run = self.read_json("run1.json")
        for question in run["questions"]:
            for answer in question["answers"]:
                answer["token_texts"][0] = answer["token_texts"][0][1:]
        (self.folder / "run1.json").write_text(json.dumps(run), encoding="utf-8")
        self.open_report("run0.json", "run1.json")
        self.browser.run("""const list = [...document.querySelectorAll('#detail label')].find((label) => label.textContent.startsWith('Shade')).querySelector('select');
            list.value = 'difference'; list.dispatchEvent(new Event('change'));""")
        a, b = (next(q for q in self.read_json(f"run{i}.json")["questions"] if q["id"] == self.text("#detail h3")) for i in (0, 1))
        best = max(range(4), key=lambda i: a["answers"][i]["votes"])
        nats = 0
        for _ in self.browser.run("return [...document.querySelector('.tokens').children].map((span) => span.textContent)"):
            if not nats:
                self.focus(".tokens")
                self.browser.press("Home")
            else:
                self.browser.press("Right")
            nats += float(self.text("#read").rsplit("A minus B ", 1)[1].split(" ")[0].replace("\u2212", "-"))
        self.assertAlmostEqual(sum(a["answers"][best]["token_log_probs"]) - sum(b["answers"][best]["token_log_probs"]), nats, delta=0.01)
        text = "".join(a["answers"][best]["token_texts"])
        self.open_report("run0.json", "--reference", "run1.json")
        pieces = self.browser.run("return [...document.querySelector('.tokens').children].map((span) => span.textContent)")
        self.assertEqual(text.removeprefix(" "), "".join(pieces))
        self.check_quiet()

    def test_switches_the_theme(self):
        seen = []
        self.focus("#theme")
        for _ in range(3):
            self.browser.press("Enter")
            seen.append((self.text("#theme"), self.browser.run("return getComputedStyle(document.body).backgroundColor")))
        self.assertEqual(["Theme: light", "Theme: dark", "Theme: auto"], [name for name, _ in seen])
        self.assertNotEqual(seen[0][1], seen[1][1])
        self.check_quiet()

    def test_colours_begin_at_chance(self):
        worst = self.read_json("run2.json")  # better than chance the wrong way round
        for question in worst["questions"]:
            for answer in question["answers"]:
                answer["score"], answer["sum_log_prob"] = -answer["score"], -answer["sum_log_prob"]
                answer.pop("token_log_probs"), answer.pop("token_texts")
            question["pearson"] = None if question["pearson"] is None else -question["pearson"]
            for name in ("top_one", "ndcg", "spearman", "kendall", "pairwise_accuracy", "pearson_log", "pearson_ranks"):
                question.pop(name, None)
        self.write("run2.json", json.dumps(worst))
        self.open_report("run0.json", "run1.json", "run2.json")
        for metric, title in (("pearson", "Pearson"), ("pairwise_accuracy", "Pairwise accuracy"), ("top_one", "Top-1"), ("ndcg", "NDCG")):
            self.browser.run(
                """const list = [...document.querySelectorAll('label')].find((label) => label.firstChild.textContent === 'Statistic').querySelector('select');
                list.value = arguments[0]; list.dispatchEvent(new Event('change'));""",
                metric,
            )
            self.assertTrue(self.text("#heat-table caption").startswith(title + " by topic"))
            cells = []
            for text, tip, colour in self.browser.run(
                "return [...document.querySelectorAll('#heat-table td')].map((cell) => [cell.textContent, cell.title, cell.style.getPropertyValue('--cell')])"
            ):
                value, chance = (float(part.replace("\u2212", "-")) for part in (text, tip.rsplit("chance ", 1)[1]))
                red, _, blue = (int(part) for part in colour[4:-1].split(","))
                cells.append((value - chance, blue - red))
            if metric == "top_one":
                chances = [q["top_one_chance"] for q in self.read_json("run0.json")["questions"]]
                self.assertAlmostEqual(sum(chances) / len(chances), chance, delta=6e-4)
            self.assertTrue(any(above > 0.01 for above, _ in cells) and any(above < -0.01 for above, _ in cells), metric)
            for above, blue in cells:  # values and chance are shown to three decimals
                self.assertTrue(abs(above) < 0.002 or (above > 0) == (blue > 0), (metric, above, blue))
            strengths = [strength for _, strength in sorted((abs(above), abs(blue)) for above, blue in cells)]
            self.assertGreater(strengths[-1], 130)
            self.assertLess(strengths[0], 40)
        self.check_quiet()

    def test_chance_stands_beside_a_question(self):
        self.assertNotIn("random order", self.text("#ranks caption"))  # Pearson's is 0
        id = self.text("#detail h3")
        chance = next(q["ndcg_chance"] for q in self.read_json("run0.json")["questions"] if q["id"] == id)
        self.browser.run("""const list = [...document.querySelectorAll('#filters label')].find((label) => label.firstChild.textContent === 'Value').querySelector('select');
            list.value = 'ndcg'; list.dispatchEvent(new Event('change'));""")
        self.browser.until(
            "return document.querySelector('#ranks caption').textContent.includes(arguments[0])",
            f"A random order of the answers gets NDCG {chance:.3f} on average.",
        )
        self.check_quiet()

    def test_nothing_is_wider_than_the_page(self):
        for width in (500, 800, 1280):
            self.browser.resize(width, 900)
            self.assertLessEqual(self.browser.run("return document.documentElement.scrollWidth - window.innerWidth"), 0, width)
        self.browser.resize(1280, 900)

    def test_the_summary_fits_a_wide_window(self):
        names = ["hre-base-q8_0", "Meta-Llama-3.1-70B-Instruct-GPTQ-INT4", "stories260K", "a", "b", "c", "d", "e"]
        self.open_report(*self.make_runs("sample", names))
        self.browser.resize(1280, 900)
        self.assertLessEqual(
            self.browser.run(
                "const table = document.querySelector('#summary-table'); return table.offsetWidth - table.parentNode.clientWidth"
            ),
            0,
        )
        self.browser.resize(1280, 900)
        self.check_quiet()

    def test_names_a_question_in_its_address(self):
        self.browser.open(self.folder / "out" / "index.html", "#question=unix%2F000003")
        self.browser.call("POST", "/refresh", {})
        self.browser.until("return document.querySelector('#detail h3')?.textContent === 'unix/000003'")
        self.browser.run("location.hash = '#question=python%2F000001'")  # and when it changes on the open page
        self.browser.until("return document.querySelector('#detail h3')?.textContent === 'python/000001'")
        self.browser.run("location.hash = '#question=%E0%DA4'")  # no encoding of anything
        self.check_quiet()


class EqualIdsPageTest(PageTest):
    def test_a_question_is_its_topic_and_id(self):
        self.write(
            "q.jsonl",
            "".join(
                json.dumps(
                    {
                        "topic": topic,
                        "id": "7 & 8",
                        "question": f"About {topic}?",
                        "answers": [{"text": topic * 3 * a, "votes": a} for a in range(1, 4)],
                    }
                )
                + "\n"
                for topic in ("coffee", "tea")
            ),
        )
        self.run_hre("eval", "baseline:length", "--data", "q.jsonl", "--json", "run.json", "--details", "--quiet")
        self.open_report("run.json", fragment="#topic=tea&question=7%20%26%208")
        self.assertEqual("7 & 8 (topic tea)", self.text("#detail h3"))
        self.assertIn("About tea?", self.text(".question .prose"))
        self.browser.run("location.hash = '#topic=coffee&question=7%20%26%208'")
        self.browser.until("return document.querySelector('#detail h3')?.textContent === '7 & 8 (topic coffee)'")
        self.focus("#list")
        self.browser.press("End")  # and what is chosen gets an address of its own
        self.browser.until("return location.hash === '#topic=tea&question=7%20%26%208'")


class HostilePageTest(PageTest):
    def test_nothing_runs(self):
        report_data.write_dataset(self.folder / "bad.jsonl", report_data.hostile_questions())
        self.open_report(
            *self.make_runs(
                "bad.jsonl", ["<script>window.hacked = 9</script>", "</title><img src=x onerror=window.hacked=10>"], tokens=True
            )
        )
        for i in range(len(report_data.HOSTILE)):
            self.focus("#list")
            self.browser.press(*(["Home"] if i == 0 else ["Down"]))
            self.browser.until(
                'return document.querySelector(`.row[aria-posinset="${arguments[0]}"][aria-selected="true"]`) !== null', i + 1
            )
        self.assertIsNone(self.browser.run("return window.hacked ?? null"))
        self.assertEqual(
            0,
            self.browser.run(
                "return document.querySelectorAll('#main img, #main iframe, #main a[href^=javascript], #main svg[onload], #main script, #main style').length"
            ),
        )
        self.assertIn("<script>window.hacked = 9</script>", self.text("#summary-table"))
        self.check_quiet()

    def test_texts_are_shown_as_they_are(self):
        report_data.write_dataset(self.folder / "bad.jsonl", report_data.hostile_questions())
        self.open_report(*self.make_runs("bad.jsonl", ["a", "b"]))
        self.browser.resize(500, 900)
        shown = set()
        for i in range(len(report_data.HOSTILE)):
            self.focus("#list")
            self.browser.press(*(["Home"] if i == 0 else ["Down"]))
            id = self.browser.until(
                'return document.querySelector(`.row[aria-posinset="${arguments[0]}"][aria-selected="true"]`)?.querySelector(\'span\').textContent',
                i + 1,
            )
            self.browser.until("return document.querySelector('#detail h3').textContent === arguments[0]", id)
            shown.add(self.text(".question .prose"))
            self.assertLessEqual(self.browser.run("return document.documentElement.scrollWidth - window.innerWidth"), 0)
        self.browser.resize(1280, 900)
        for text in report_data.HOSTILE[:5] + report_data.HOSTILE[6:7]:
            self.assertIn(text, shown)
        signs = next(text for text in shown if "gnp.exe" in text)
        self.assertNotRegex(signs, "[\u202a-\u202e\u2066-\u2069\u200b\x1b\x07]")
        self.assertIn("U+202Egnp.exe", signs)

    def test_the_policy_stands_behind_it(self):
        report_data.write_dataset(self.folder / "bad.jsonl", report_data.hostile_questions())
        self.open_report(*self.make_runs("bad.jsonl", ["a"]))
        self.browser.run(
            "const script = document.createElement('script'); script.textContent = 'window.hacked = 11'; document.body.append(script);"
        )
        self.browser.run(
            "document.body.insertAdjacentHTML('beforeend', '<img src=\"http://127.0.0.1:9/x.png\" onerror=\"window.hacked = 12\">');"
        )
        time.sleep(0.3)
        self.assertIsNone(self.browser.run("return window.hacked ?? null"))
        self.assertTrue(all("Content Security Policy" in message["message"] for message in self.browser.messages()))


class LogPageTest(PageTest):
    def test_shows_values_alone(self):
        """A log of another harness has no answers: nothing on its page is about them."""
        for name, shift in (("one", 0), ("two", 3)):
            self.write(
                f"{name}.csv",
                "item,group,exact\n"
                + "".join(f"i{i:02},{'ab'[i % 2]},{(i * 7 + shift + epoch) % 5 / 4}\n" for i in range(40) for epoch in range(2)),
            )
        self.open_report("one.csv#exact", "two.csv#exact")
        self.assertEqual(
            ["Model", "exact", "exact, macro", "Questions"],
            self.browser.run("return [...document.querySelectorAll('#summary-table thead th')].map((head) => head.textContent)"),
        )
        page = self.browser.run("return document.body.innerText")
        for absent in ("Pearson", "people", "votes", "Tokens", "parameters", "texts", "answers", "HumanRankEval:", "null"):
            self.assertNotIn(absent, page)
        self.assertIn("Paired differences of exact", page)
        self.assertEqual("i00 (topic a)", self.text("#detail h3"))
        cells = self.browser.run(
            "return [...document.querySelectorAll('#item tbody tr')].map((row) => [...row.children].map((cell) => cell.textContent))"
        )
        self.assertEqual([["one", "0.1250", "2", "0.1768"], ["two", "0.8750", "2", "0.1768"]], cells)
        self.check_quiet()


class LargePageTest(PageTest):
    def test_opens(self):
        """Opens and answers; how quickly is bench/report_page.py's to say."""
        report_data.write_dataset(self.folder / "large.jsonl", report_data.many_questions(700, 7, SEED))
        self.open_report(*self.make_runs("large.jsonl", [f"model {i}" for i in range(6)]))
        self.assertEqual("700 of 700 questions", self.text("#count"))
        self.assertLess(self.browser.run("return document.querySelectorAll('.row').length"), 40)
        self.focus("#list")
        self.browser.press("End")
        self.browser.until("return document.querySelector('#detail h3').textContent === 'topic_06/000099'")
        self.check_quiet()


if __name__ == "__main__":
    unittest.main()
