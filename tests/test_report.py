"""hre report without a browser: its files, figures and tables; and hre show."""

import csv
import json
import os
import re
import shutil
import statistics
import struct
import subprocess
import tempfile
import unittest
import zlib

import report_data
from program import PROGRAM, SOURCE_DIR, ProgramTest, clean_environment

REFERENCES = SOURCE_DIR / "tests" / "data" / "figures"
PLOTTERS = ("gnuplot", "pdftocairo")


MOST_DIFFERENT = 10  # of 255: a missing series makes 22 or more of some part, another machine's fonts are the same package's


def worst_part(image, other, size=6):
    """The mean difference of pixels in the square of so many dots where the two images of equal size differ most."""
    assert image[:2] == other[:2], f"sizes {image[:2]} and {other[:2]}"
    width, height, pixels = image
    worst = 0
    for top in range(0, height, size):
        for left in range(0, width, size):
            right = min(left + size, width)
            rows = [slice(y * width + left, y * width + right) for y in range(top, min(top + size, height))]
            different = [abs(a - b) for row in rows for a, b in zip(pixels[row], other[2][row])]
            worst = max(worst, sum(different) / len(different))
    return worst


def gray_pixels(path):
    """(width, height, bytes) of a PNG of 8 bits of gray, not interlaced."""
    data, at, header, packed = path.read_bytes(), 8, None, b""
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + size]
        header = body if kind == b"IHDR" else header
        packed += body if kind == b"IDAT" else b""
        at += size + 12
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    assert (depth, colour, interlaced) == (8, 0, 0), path
    raw, pixels, above = zlib.decompress(packed), bytearray(), bytes(width)
    for y in range(height):
        kind, line = raw[y * (width + 1)], bytearray(raw[y * (width + 1) + 1 : (y + 1) * (width + 1)])
        for x in range(width):
            left, up, corner = line[x - 1] if x else 0, above[x], above[x - 1] if x else 0
            nearest = min((abs(up - corner), 0, left), (abs(left - corner), 1, up), (abs(left + up - 2 * corner), 2, corner))[2]
            line[x] = (line[x] + (0, left, up, (left + up) // 2, nearest)[kind]) & 255
        pixels += line
        above = line
    return width, height, bytes(pixels)


class ReportTest(ProgramTest):
    def make_runs(self, count=2):
        """Runs of the sample: baseline:zstd as it is, and moved at random."""
        self.run_hre("eval", "baseline:zstd", "--data", "sample", "--json", "run0.json", "--details", "--quiet")
        base = self.read_json("run0.json")
        for i in range(1, count):
            run = report_data.other_model(base, f"model-step{i}000" if i > 2 else f"model-{i}", i)
            run["times"].update({"positions": 10000 * i, "positions_unshared": 20000 * i, "score_seconds": 1 + i})
            (self.folder / f"run{i}.json").write_text(json.dumps(run))
        return [f"run{i}.json" for i in range(count)]

    def table(self, name, out="out"):
        with open(self.folder / out / "figures" / f"{name}.tsv", encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


class FilesTest(ReportTest):
    def test_says_what_it_wrote(self):
        done = self.run_hre("report", *self.make_runs(), "--out", "out")
        lines = done.stdout.splitlines()
        self.assertEqual(["out/figures", "out/tables", "out/index.html"], [line.split("  ")[0] for line in lines])
        self.assertIn("112 questions, 2 runs", lines[2])
        self.assertIn("families of models, ChatArena, corr: they need --study", done.stderr)

    def test_tables(self):
        self.run_hre("report", *self.make_runs(), "--out", "out", "--quiet")
        results = self.read_json("run0.json")["results"]
        with open(self.folder / "out/tables/topics.csv", encoding="utf-8", newline="") as file:
            topics = {row["topic"]: row["baseline:zstd"] for row in csv.DictReader(file)}
        for name, topic in results["topics"].items():
            self.assertEqual(f"{topic['pearson']['mean']:.4f}", topics[name])
        self.assertEqual(f"{results['micro']['pearson']['mean']:.4f}", topics["micro average"])
        with open(self.folder / "out/tables/scores.csv", encoding="utf-8", newline="") as file:
            scores = {row["score"]: row for row in csv.DictReader(file) if row["model"] == "baseline:zstd"}
        self.assertEqual(set(results["scores"]), set(scores))
        for name, row in scores.items():
            expected = results["scores"][name]
            for column, e in (
                ("pearson", expected["pearson"]),
                ("through_length", expected["length"]["through"]),
                ("pairwise_accuracy", expected["pairwise_accuracy"]),
            ):
                self.assertEqual("" if e["mean"] is None else f"{e['mean']:.4f}", row[column])
        latex = (self.folder / "out/tables/topics.tex").read_text()
        self.assertIn("\\toprule", latex)
        self.assertIn("apple\\_android & ", latex)
        markdown = (self.folder / "out/tables/summary.md").read_text()
        self.assertIn("| baseline:zstd |", markdown)
        self.assertEqual(1, len({line.count("|") for line in markdown.splitlines() if line.startswith("|")}))

    def test_the_page_needs_nothing_else(self):
        self.run_hre("report", *self.make_runs(), "--out", "out", "--quiet")
        page = (self.folder / "out/index.html").read_text(encoding="utf-8")
        self.assertNotRegex(page, r"(src|href)=[\"']?(https?:|//)")
        self.assertIn("default-src 'none'", page)

    def test_without_the_plotting_programs(self):
        done = self.run_hre("report", *self.make_runs(), "--out", "out", env={"PATH": "/nonexistent"})
        self.assertIn("gnuplot and pdftocairo are missing", done.stderr)
        self.assertTrue((self.folder / "out/figures/votes.tsv").exists())
        self.assertFalse((self.folder / "out/figures/votes.pdf").exists())
        self.assertTrue((self.folder / "out/index.html").exists())

    def test_a_plotting_program_that_fails(self):
        broken = self.folder / "bin" / "gnuplot"
        self.write("bin/gnuplot", "#!/bin/sh\necho no such terminal >&2\nexit 1\n")
        broken.chmod(0o755)
        done = self.run_hre("report", *self.make_runs(), "--out", "out", env={"PATH": f"{broken.parent}:{os.environ['PATH']}"})
        self.assertIn("figure votes could not be drawn: gnuplot: failed: no such terminal", done.stderr)
        self.assertTrue((self.folder / "out/index.html").exists())

    def test_one_run(self):
        done = self.run_hre("report", *self.make_runs(1), "--out", "out")
        self.assertIn("without forest, rank_intervals, detection_rate: there is only one run", done.stderr)
        self.run_hre("eval", "baseline:length", "--data", "sample", "--json", "length.json", "--details", "--quiet")
        done = self.run_hre("report", "length.json", "--out", "length")
        self.assertIn("bits_per_byte: no run has log-likelihoods", done.stderr)
        self.assertFalse((self.folder / "length/tables/scores.csv").exists())

    def test_mistakes(self):
        runs = self.make_runs()
        self.write("file", "")
        self.assertIn("file/out: the folder cannot be created", self.error_of("report", *runs, "--out", "file/out"))
        self.assertIn("nothing.json", self.error_of("report", "nothing.json", "--out", "out"))
        self.write("other.jsonl", '{"topic": "t", "question": "q", "answers": [{"text": "a", "votes": 1}, {"text": "bb", "votes": 2}]}\n')
        self.assertIn("is not the dataset of the run", self.error_of("report", *runs, "--out", "out", "--data", "other.jsonl"))
        self.run_hre("eval", "baseline:zstd", "--data", "other.jsonl", "--json", "other.json", "--details", "--quiet")
        self.assertIn("all runs of a report must be on one dataset", self.error_of("report", runs[0], "other.json", "--out", "out"))
        self.assertIn("is not a study", self.error_of("report", *runs, "--out", "out", "--study", "other.json", "--quiet"))

    def test_runs_without_their_questions(self):
        for i, model in enumerate(("baseline:zstd", "baseline:length")):
            self.run_hre("eval", model, "--data", "sample", "--json", f"long{i}.json", "--details", "--quiet")
            self.run_hre("eval", model, "--data", "sample", "--json", f"short{i}.json", "--quiet")
        self.run_hre("report", "long0.json", "long1.json", "--out", "whole", "--quiet")
        done = self.run_hre("report", "short0.json", "short1.json", "--out", "out")
        self.assertIn(
            "baseline:zstd was written without its questions, so only its means are shown, and it takes part in no comparison", done.stderr
        )
        self.assertIn("without votes, appendix_votes: the runs have no questions", done.stderr)
        self.assertNotIn("texts are missing", done.stderr)
        self.assertIn("0 questions, 2 runs", done.stdout)
        for name in ("tables/summary.csv", "tables/topics.csv", "figures/overall_mean.tsv"):
            self.assertEqual((self.folder / "whole" / name).read_text(), (self.folder / "out" / name).read_text(), name)
        mixed = self.run_hre("report", "long0.json", "short1.json", "--out", "mixed")
        self.assertIn("112 questions, 2 runs", mixed.stdout)
        self.assertIn("baseline:length was written without its questions", mixed.stderr)
        self.assertTrue((self.folder / "mixed/figures/votes.tsv").exists())
        self.assertIn("no question has a value in every run", mixed.stderr)

    def test_a_partial_run_without_its_questions(self):
        short = self.read_json(self.make_runs(1)[0])
        del short["questions"]
        short.update({"partial": True, "planned": 150})
        (self.folder / "short.json").write_text(json.dumps(short))
        self.assertIn(
            "baseline:zstd: partial: 112 of 150 questions were finished", self.run_hre("report", "short.json", "--out", "out").stderr
        )

    def test_means_that_are_wrong(self):
        short = self.read_json(self.make_runs(1)[0])
        del short["questions"]
        for wrong, expected in (
            ({"topics": 1}, "results.topics: is not an object"),
            ({"topics": {}, "micro": {}, "macro": {}}, "results.micro: has no field 'questions'"),
        ):
            (self.folder / "wrong.json").write_text(json.dumps({**short, "results": wrong}))
            self.assertIn(expected, self.error_of("report", "wrong.json", "--out", "out", "--quiet"))

    def test_detection_needs_200_questions(self):
        done = self.run_hre("report", *self.make_runs(2), "--out", "few")
        self.assertIn("without detection_rate: the runs share fewer than 200 questions", done.stderr)
        report_data.write_dataset(self.folder / "data.jsonl", report_data.many_questions(240, 3, 1))
        self.run_hre("eval", "baseline:zstd", "--data", "data.jsonl", "--json", "a.json", "--details", "--quiet")
        (self.folder / "b.json").write_text(json.dumps(report_data.other_model(self.read_json("a.json"), "other", 1)))
        done = self.run_hre("report", "a.json", "b.json", "--out", "out")
        self.assertNotIn("could not be drawn", done.stderr)
        rows = self.table("detection_rate")
        self.assertEqual([10, 20, 50, 100, 200, 240], [int(row["questions"]) for row in rows])
        for row in rows:
            self.assertTrue(0 <= float(row["low"]) <= float(row["rate"]) <= float(row["high"]) <= 1)

    def test_a_study_of_one_family(self):
        study = json.loads((SOURCE_DIR / "tests/data/report/study.json").read_text())
        study.update(
            {
                "runs": [run for run in study["runs"] if run["family"] == "Pythia" and run["stage"] == "tuned"],
                "judgements": [],
                "agreement": [],
                "matrix": None,
            }
        )
        (self.folder / "one.json").write_text(json.dumps(study))
        done = self.run_hre("report", *self.make_runs(1), "--out", "out", "--study", "one.json")
        for reason in (
            "Pythia: nothing to compare: all of its models are tuned",
            "ChatArena: the study has no judgement of that name",
            "corr: the study has no judgements",
        ):
            self.assertIn(reason, done.stderr)
        self.assertEqual(
            [str(float(run["size"])) for run in study["runs"]], [str(float(row["size"])) for row in self.table("pythia_overall")]
        )

    def test_a_real_study(self):
        self.make_runs(3)
        self.write(
            "study.toml",
            "".join(
                f'[[run]]\nrun = "run{i}.json"\nfamily = "Mine"\nsize = "{1 + i // 2}M"\nstage = "{stage}"\n'
                for i, stage in enumerate(["pretrained", "tuned", "pretrained"])
            )
            + '[[judgements]]\nfile = "arena.csv"\ncolumns = ["Arena Elo"]\n',
        )
        self.write("arena.csv", "Model,Arena Elo\nbaseline:zstd,900\nmodel-1,1000\nmodel-2,950\n")
        self.run_hre("study", "study.toml", "--json", "study.json")
        done = self.run_hre("report", "run0.json", "run1.json", "run2.json", "--out", "out", "--study", "study.json")
        self.assertNotIn("could not be drawn", done.stderr)
        study = self.read_json("study.json")
        for name, key in (("appendix_mine", "topics"), ("appendix_mine_spearman", "topics_spearman")):
            rows = {(row["size"], row["stage"], row["topic"]): row for row in self.table(name)}
            self.assertEqual(3 * 14, len(rows))
            for run in study["runs"]:
                for topic, e in run[key].items():
                    row = rows[f"{run['size'] / 1e6:g}M", run["stage"], topic]
                    self.assertAlmostEqual(e["mean"], float(row["mean"]), delta=1e-5)
                    self.assertEqual(e["n"], int(row["n"]))
        self.run_hre("study", "study.toml", "--weights", "topics", "--where", "votes>30", "--json", "topics.json")
        self.run_hre("report", "run0.json", "--out", "topics", "--study", "topics.json", "--quiet")
        topics = self.read_json("topics.json")
        by_topics = {(float(row["size"]), row["stage"]): float(row["mean"]) for row in self.table("mine_overall", out="topics")}
        for run in topics["runs"]:
            self.assertAlmostEqual(run["macro"]["pearson"]["mean"], by_topics[run["size"], run["stage"]], delta=1e-5)
            self.assertGreater(abs(run["macro"]["pearson"]["mean"] - run["micro"]["pearson"]["mean"]), 1e-4)
        spearman = {run["model"]: run["micro"]["spearman"]["mean"] for run in study["runs"]}
        self.assertAlmostEqual(self.read_json("run0.json")["results"]["micro"]["spearman"]["mean"], spearman["baseline:zstd"], places=12)
        arena = {row["model"]: row for row in self.table("ChatArena")}
        self.assertEqual(
            {"baseline:zstd": 900, "model-1": 1000, "model-2": 950}, {name: float(row["judgement"]) for name, row in arena.items()}
        )

    def test_families_whose_figures_would_share_a_name(self):
        study = json.loads((SOURCE_DIR / "tests/data/report/study.json").read_text())
        runs = [run for run in study["runs"] if run["family"] == "Pythia"]
        study["runs"] = runs + [{**run, "name": run["name"] + " too", "family": "Pythia overall"} for run in runs]
        study["judgements"], study["agreement"], study["matrix"] = [], [], None
        self.write("study.json", json.dumps(study))
        done = self.run_hre("report", *self.make_runs(1), "--out", "out", "--study", "study.json")
        drawn = int(re.search(r"(\d+) figures", done.stdout + done.stderr)[1])
        self.assertEqual(drawn, len(list((self.folder / "out/figures").glob("*.tsv"))))
        self.assertEqual({"Pythia"}, {row["family"] for row in self.table("pythia_overall")})

    def test_a_dataset_that_is_gone(self):
        self.write("mine.jsonl", '{"topic": "t", "question": "q", "answers": [{"text": "a", "votes": 1}, {"text": "bb", "votes": 2}]}\n')
        self.run_hre("eval", "baseline:zstd", "--data", "mine.jsonl", "--json", "mine.json", "--details", "--quiet")
        (self.folder / "mine.jsonl").rename(self.folder / "moved.jsonl")
        self.assertIn("--data names the dataset", self.run_hre("report", "mine.json", "--out", "out").stderr)
        self.assertNotIn("texts are missing", self.run_hre("report", "mine.json", "--out", "out", "--data", "moved.jsonl").stderr)


class FigureTest(ReportTest):
    @classmethod
    def setUpClass(cls):
        missing = [name for name in PLOTTERS if shutil.which(name) is None]
        if missing:
            raise unittest.SkipTest(f"{' and '.join(missing)} missing (Debian: gnuplot-nox, poppler-utils)")

    made = None  # one report for all tests

    def make_report(self, anew=False):
        if self.made is None or anew:
            runs = [f"run{i}.json" for i in range(6)] if anew else self.make_runs(6)
            self.run_hre("report", *runs, "--out", "out", "--study", SOURCE_DIR / "tests" / "data" / "report" / "study.json", "--quiet")
        else:
            shutil.copytree(self.made.name, self.folder, dirs_exist_ok=True)
        if self.made is None:
            type(self).made = tempfile.TemporaryDirectory(prefix="hre-figures-")
            self.addClassCleanup(self.made.cleanup)
            shutil.copytree(self.folder, self.made.name, dirs_exist_ok=True)
        return sorted(path.stem for path in (self.folder / "out/figures").glob("*.gp"))

    def test_numbers_are_the_runs_own(self):
        self.make_report()
        means = {row["model"]: float(row["mean"]) for row in self.table("overall_mean")}
        first = self.read_json("run0.json")
        self.assertAlmostEqual(first["results"]["micro"]["pearson"]["mean"], means["baseline:zstd"], delta=1e-6)
        bits = {row["model"]: float(row["mean"]) for row in self.table("bits_per_byte")}
        self.assertAlmostEqual(first["results"]["micro"]["bits_per_byte"]["mean"], bits["baseline:zstd"], delta=1e-5)
        self.assertEqual(sorted(bits.values(), reverse=True), list(bits.values()))
        votes = sorted(a["votes"] for q in first["questions"] if q["topic"] == "python" for a in q["answers"])
        row = next(row for row in self.table("votes") if row["topic"] == "python")
        self.assertEqual((len(votes), statistics.median(votes)), (int(row["answers"]), float(row["median"])))
        shares = [float(row["share"]) for row in self.table("appendix_votes") if row["topic"] == "python"]
        self.assertAlmostEqual(1, sum(shares), delta=1e-4)
        other = {q["id"]: q["pearson"] for q in self.read_json("run1.json")["questions"]}
        pairs = [(q["pearson"], other[q["id"]]) for q in first["questions"] if q["pearson"] is not None and other[q["id"]] is not None]
        difference = next(row for row in self.table("forest") if row["pair"] == "baseline:zstd − model-1")
        self.assertAlmostEqual(sum(a - b for a, b in pairs) / len(pairs), float(difference["difference"]), delta=1e-5)
        ends = json.loads(self.run_hre("compare", *(f"run{i}.json" for i in range(6)), "--json", "-").stdout)["pairs"][0]["bootstrap95"]
        drawn = [difference["low"], difference["high"]]
        self.assertEqual(["", ""] if ends is None else [f"{end:.6g}" for end in ends], drawn)
        shown = self.table("headline")
        best = max(([self.read_json(f"run{i}.json") for i in range(len(means))]), key=lambda run: means[run["model"]["name"]])
        question = next(q for q in best["questions"] if q["id"] == shown[0]["id"])
        self.assertEqual([a["votes"] for a in question["answers"]], [float(row["votes"]) for row in shown])
        for answer, row in zip(question["answers"], shown):
            self.assertAlmostEqual(1, float(row["score"]) / answer["score"], delta=1e-5)

    def test_numbers_are_the_studys_own(self):
        self.make_report()
        study = json.loads((SOURCE_DIR / "tests/data/report/study.json").read_text())

        def check(row, e):
            for key, expected in (("mean", e["mean"]), ("low", e["ci95"][0]), ("high", e["ci95"][1]), ("n", e["n"])):
                self.assertAlmostEqual(expected, float(row[key]), delta=1e-5 * max(1, abs(expected)))

        for run in study["runs"]:
            family, stage = run["family"].lower(), run["stage"]
            for name, metric in ((f"{family}_overall", "pearson"), (f"{family}_spearman", "spearman")):
                row = next(row for row in self.table(name) if float(row["size"]) == run["size"] and row["stage"] == stage)
                check(row, run["micro"][metric])
            size = f"{run['size'] / 1e9:g}B" if run["size"] >= 1e9 else f"{run['size'] / 1e6:g}M"
            for name, key in ((f"appendix_{family}", "topics"), (f"appendix_{family}_spearman", "topics_spearman")):
                rows = {row["topic"]: row for row in self.table(name) if row["size"] == size and row["stage"] == stage}
                self.assertEqual(set(study["topics"]), set(rows))
                for topic, row in rows.items():
                    check(row, run[key][topic])
        for judgement in study["judgements"][:1]:
            shown = {row["model"]: row for row in self.table("ChatArena")}
            for run, value in zip(study["runs"], judgement["values"]):
                self.assertEqual(value, float(shown[run["name"]]["judgement"]))
                self.assertAlmostEqual(run["micro"]["pearson"]["mean"], float(shown[run["name"]]["value"]), delta=1e-5)
        matrix = iter(self.table("corr"))
        for row in study["matrix"]["pearson"]:
            for cell in row:
                shown = next(matrix)
                self.assertAlmostEqual(cell["value"], float(shown["correlation"]), delta=1e-5)
                self.assertEqual(cell["n"], int(shown["models"]))

    def test_same_bytes(self):
        names = self.make_report()
        endings = ("tsv", "gp", "pdf", "svg", "png")
        first = {f"{name}.{ending}": (self.folder / f"out/figures/{name}.{ending}").read_bytes() for name in names for ending in endings}
        page = (self.folder / "out/index.html").read_bytes()
        shutil.rmtree(self.folder / "out")
        self.make_report(anew=True)
        for name, content in first.items():
            self.assertTrue(content == (self.folder / "out/figures" / name).read_bytes(), name)
        self.assertTrue(page == (self.folder / "out/index.html").read_bytes())

    def draw(self, name):
        """A figure's pixels at 50 dots an inch, in gray, and the file that has them."""
        drawn = self.folder / name
        subprocess.run(
            ["pdftocairo", "-png", "-gray", "-singlefile", "-r", "50", self.folder / f"out/figures/{name}.pdf", drawn], check=True
        )
        path = drawn.with_name(f"{name}.png")
        return gray_pixels(path), path

    def test_look_as_kept(self):
        """Part by part, in which a series or an error bar that is missing shows. HRE_UPDATE_FIGURES=1 keeps what is drawn now."""
        names = self.make_report()
        self.assertLessEqual(
            {
                "headline",
                "dialogue",
                "votes",
                "appendix_votes",
                "overall_mean",
                "bits_per_byte",
                "forest",
                "rank_intervals",
                "training_steps",
                "value_speed",
                "pythia",
                "appendix_pythia",
                "pythia_overall",
                "starcoder",
                "starcoder_overall",
                "starcoder_spearman",
                "appendix_starcoder_spearman",
                "ChatArena",
                "corr",
            },
            set(names),
        )
        for name in names:
            with self.subTest(figure=name):
                now, path = self.draw(name)
                kept = REFERENCES / f"{name}.png"
                if os.environ.get("HRE_UPDATE_FIGURES"):
                    REFERENCES.mkdir(exist_ok=True)
                    shutil.copy(path, kept)
                self.assertLess(worst_part(now, gray_pixels(kept)), MOST_DIFFERENT)
                self.assertLess(min(now[2]), 140, "nothing is drawn")

    def test_a_missing_series_does_not_look_as_kept(self):
        """The last plot of each figure is drawn without each of its series, if it has several."""
        missed, drawn = [], 0
        for name in self.make_report():
            script = self.folder / f"out/figures/{name}.gp"
            head, plot, series = script.read_text(encoding="utf-8").rpartition("\nplot ")
            series, end, after = series.partition("\nunset multiplot")
            series = re.split(r", \\\n\s*", series.rstrip("\n"))
            for i in range(len(series)) if len(series) > 1 else ():
                if series[i].startswith("0 with lines"):  # zero, which may lie on an axis
                    continue
                rest = [*series[:i], *series[i + 1 :]]
                rest[0] = re.sub(r"\A''", "data", rest[0])
                script.write_text(head + plot + ", \\\n  ".join(rest) + "\n" + end + after, encoding="utf-8")
                subprocess.run(["gnuplot", script.name], cwd=script.parent, check=True, capture_output=True)
                drawn += 1
                if worst_part(self.draw(name)[0], gray_pixels(REFERENCES / f"{name}.png")) < MOST_DIFFERENT:
                    missed.append((name, series[i]))
        self.assertGreater(drawn, 20)
        self.assertEqual([], missed)

    def test_fonts_are_in_it(self):
        self.make_report()
        fonts = subprocess.run(
            ["pdffonts", self.folder / "out/figures/votes.pdf"], capture_output=True, text=True, check=True
        ).stdout.splitlines()[2:]
        self.assertTrue(fonts)
        for line in fonts:
            self.assertIn("DejaVuSans", line)
            self.assertRegex(line, r" yes yes (yes|no) ")
        self.assertNotIn("<text", (self.folder / "out/figures/votes.svg").read_text())

    def words(self, name):
        return subprocess.run(
            ["pdftotext", self.folder / f"out/figures/{name}.pdf", "-"], capture_output=True, text=True, check=True
        ).stdout

    def test_words_and_numbers_are_written_out(self):
        self.make_report()
        for row in self.table("headline"):
            self.assertIn(f"{float(row['score']):.4g}", self.words("headline"))
            self.assertIn(f"{float(row['votes']):g}", self.words("headline"))
        for name in ("Pythia-6.9B-tuned", "StarCoder-15B"):
            self.assertIn(name, self.words("ChatArena"))
        self.assertIn("Pythia 1.4B", self.words("appendix_pythia"))

    def test_hostile_names(self):
        report_data.write_dataset(
            self.folder / "bad.jsonl",
            report_data.hostile_questions() + [("it's `touch hacked` %d $x @y", "q \\n", [("a", 1), ("bb ccc", 2), ("d", 4)])],
        )
        self.run_hre("eval", "baseline:zstd", "--data", "bad.jsonl", "--json", "run.json", "--details", "--quiet")
        for i, name in enumerate(["'; system 'touch hacked'; '", "`touch hacked`77%s%n"]):
            (self.folder / f"run{i}.json").write_text(json.dumps(report_data.other_model(self.read_json("run.json"), name, i)))
        done = self.run_hre("report", "run0.json", "run1.json", "--out", "out")
        self.assertNotIn("could not be drawn", done.stderr)
        self.assertEqual([], [path for path in self.folder.rglob("hacked*")])


class ShowTest(ReportTest):
    def test_worst(self):
        runs = self.make_runs(1)
        values = sorted((q["pearson"], q["id"]) for q in self.read_json(runs[0])["questions"] if q["pearson"] is not None)
        done = self.run_hre("show", runs[0], "--worst", 2)
        parts = done.stdout.split("\n" + "-" * 40 + "\n\n")
        self.assertEqual([id for _, id in values[:2]], [part.splitlines()[0] for part in parts])
        self.assertIn(f"Pearson {values[0][0]:.2f}", parts[0])
        self.assertNotIn("\x1b", done.stdout)

    def test_question(self):
        runs = self.make_runs(1)
        out = self.run_hre("show", runs[0], "--question", "python/000000", "--full").stdout
        question = next(q for q in self.read_json(runs[0])["questions"] if q["id"] == "python/000000")
        rows = [line.split() for line in out.splitlines() if line[:1] in "ABCD" and line[1:2] == " "][:4]
        votes = sorted((a["votes"] for a in question["answers"]), reverse=True)
        self.assertEqual(votes, [float(row[1]) for row in rows])
        scores = {row[0]: row[4] for row in rows}
        for i, answer in enumerate(question["answers"]):
            self.assertEqual(f"{answer['score']:.3f}", scores["ABCD"[i]])
        self.assertIn("functools.cache", out)
        self.assertIn("did you mean python/000001?", self.error_of("show", runs[0], "--question", "pyton/000001"))

    def test_equal_ids_in_two_topics(self):
        """Every place that names a question says which of the two it is."""
        self.write(
            "q.jsonl",
            "".join(
                json.dumps(
                    {
                        "topic": topic,
                        "id": "7",
                        "question": f"About {topic}?",
                        "answers": [{"text": topic * 3 * a, "votes": votes} for a, votes in enumerate(votes, 1)],
                    }
                )
                + "\n"
                for topic, votes in (("tea", [1, 2, 3]), ("coffee", [2, 2, 2]))
            ),
        )
        self.run_hre("eval", "baseline:length", "--data", "q.jsonl", "--json", "run.json", "--details", "--quiet")
        shown = self.run_hre("show", "run.json", "--question", "7", "--topic", "tea").stdout
        self.assertEqual("7 (topic tea)", shown.splitlines()[0])
        self.assertIn("topics coffee, tea each have a question '7'", self.error_of("show", "run.json", "--question", "7"))
        verified = self.run_hre("verify", "run.json", "--quiet").stdout
        self.assertEqual(["7 (topic coffee)", "7 (topic tea)"], sorted(re.findall(r"^7 \(topic \w+\)", verified, re.M)))
        failed = self.run_hre("eval", "baseline:length", "--data", "q.jsonl", "--undefined", "fail", "--quiet", status=3)
        self.assertIn("question 7 (topic coffee) has no correlation", failed.stderr)

    def test_disagree(self):
        runs = self.make_runs(2)
        values = [{q["id"]: q["pearson"] for q in self.read_json(run)["questions"]} for run in runs]
        most = max(
            (id for id in values[0] if None not in (values[0][id], values[1][id])), key=lambda id: abs(values[0][id] - values[1][id])
        )
        out = self.run_hre("show", runs[0], "--disagree", runs[1], "--worst", 1).stdout
        self.assertEqual(most, out.splitlines()[0])
        self.assertIn("model-1: Pearson", out)

    def test_hostile_texts(self):
        report_data.write_dataset(self.folder / "bad.jsonl", report_data.hostile_questions())
        self.run_hre("eval", "baseline:zstd", "--data", "bad.jsonl", "--json", "run.json", "--details", "--quiet")
        out = self.run_hre("show", "run.json", "--worst", 100).stdout
        self.assertNotRegex(out, "[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
        self.assertIn("␛[31mred", out)
        self.assertIn("<U+202E>gnp.exe", out)
        self.assertLess(max(map(len, out.splitlines())), 400)

    def test_colour_on_a_terminal(self):
        runs = self.make_runs(1)
        run = self.read_json(runs[0])
        self.run_hre("data", "convert", "sample", "texts.jsonl", "--quiet")
        texts, places = {}, {}
        for line in (self.folder / "texts.jsonl").read_text(encoding="utf-8").splitlines():
            q = json.loads(line)
            places[q["topic"]] = place = places.get(q["topic"], -1) + 1
            texts[q["topic"], f"{q['topic']}/{place:06}"] = [a["text"] for a in q["answers"]]
        (self.folder / "tokens.json").write_text(json.dumps(report_data.with_tokens(run, texts, 3)))
        if shutil.which("script") is None:
            self.skipTest("script is missing (Debian: bsdutils)")
        done = subprocess.run(
            ["script", "-qec", f"{PROGRAM} show tokens.json --worst 1", "/dev/null"],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            env={**os.environ, "TERM": "xterm-256color"},
        )
        self.assertIn(b"\x1b[30;48;5;", done.stdout)
        # A run of the store: without its tokens, and with them.
        model = SOURCE_DIR / "models" / "hre-base-q8_0.gguf"
        for options, shaded in (([], False), (["--keep-tokens"], True)):
            self.run_hre("eval", model, "--data", "sample", "--limit", "1", "--topic", "python", "--quiet", *options)
            done = subprocess.run(
                ["script", "-qec", f"{PROGRAM} show last --worst 1", "/dev/null"],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=True,
                env=clean_environment(TERM="xterm-256color", HRE_STORE=str(self.folder / "state" / "hre" / "runs.db")),
            )
            self.assertEqual(shaded, b"\x1b[30;48;5;" in done.stdout)
            self.assertEqual(not shaded, b"the same evaluation with --keep-tokens keeps them" in b" ".join(done.stdout.split()))
        # Another vocabulary counts the space before an answer to the prompt: what stands behind it is compared all the same.
        other = report_data.with_tokens(report_data.other_model(run, "other", 1), texts, 5)
        for answer in (answer for question in other["questions"] for answer in question["answers"]):
            answer["token_texts"][0] = answer["token_texts"][0][1:]
        (self.folder / "other.json").write_text(json.dumps(other))
        for how, legend in (("--disagree", b"more likely in the first run:"), ("--reference", b"more likely than in the reference:")):
            done = subprocess.run(
                ["script", "-qec", f"{PROGRAM} show tokens.json {how} other.json --worst 1", "/dev/null"],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=True,
                env={**os.environ, "TERM": "xterm-256color"},
            )
            self.assertRegex(done.stdout, rb"\x1b\[30;48;5;(153|117|75|33)m")
            self.assertRegex(done.stdout, rb"\x1b\[30;48;5;(223|216|209|202)m")
            self.assertIn(legend, done.stdout)


if __name__ == "__main__":
    unittest.main()
