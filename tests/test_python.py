"""The Python package: its values are the program's, data comes in every form, and its examples run.

What needs torch and Transformers runs in the Python that HRE_TORCH_PYTHON names, and is skipped without one: they are
some gigabytes.
"""

import json
import os
import re
import signal
import subprocess
import textwrap
import time
import unittest

from program import BUILD_DIR, SLOWER, SOURCE_DIR, ProgramTest, clean_environment, shared_data, test_python
from stand_in_server import StandIn
from test_edges import OBEYED

PACKAGE = BUILD_DIR / "python"
TOPICS = ["python", "unix"]


def sanitizers():
    """What a plain Python needs to load a library that was built with sanitizers."""
    wanted = os.environ.get("HRE_SANITIZE", "")
    if not wanted:
        return {}
    if "address" not in wanted:
        raise unittest.SkipTest(f"a plain Python can't load a library built with {wanted}")
    # Exceptions are only found by the runtime where the C++ library is there before it.
    runtimes = [subprocess.run([os.environ["HRE_CXX_COMPILER"], f"-print-file-name={name}"], capture_output=True, text=True, check=True).stdout.strip()
                for name in ("libasan.so", "libstdc++.so")]
    return {"LD_PRELOAD": " ".join(runtimes), "ASAN_OPTIONS": "detect_leaks=0"}


def documented_blocks():
    return re.findall(r"^```python\n(.*?)^```", (SOURCE_DIR / "docs" / "python.md").read_text(encoding="utf-8"), re.M | re.S)


class PackageTest(ProgramTest):
    @classmethod
    def setUpClass(cls):
        cls.python, cls.sanitizers = test_python(), sanitizers()
        if not (PACKAGE / "hre" / "__init__.py").exists():
            raise unittest.SkipTest("the Python package was not built: nanobind or Python's headers are missing")

    def run_python(self, code, *arguments, status=0, python=None, quiet=False):
        """Runs a program that may print JSON, which is given back."""
        done = subprocess.run([python or self.python, "-c", textwrap.dedent(code), *map(str, arguments)], cwd=self.folder,
                              capture_output=True, text=True, env=clean_environment(PYTHONPATH=str(PACKAGE), **self.sanitizers), timeout=600 * SLOWER, check=False)
        self.assertEqual(status, done.returncode, done.stdout + done.stderr)
        return json.loads(done.stdout) if done.stdout.strip() and not quiet else None


class PythonTest(PackageTest):
    def test_every_example_runs(self):
        failed = self.run_python("""
            import doctest, json, hre, hre._data, hre._model, hre._run
            results = [doctest.testmod(module) for module in (hre, hre._data, hre._model, hre._run)]
            assert sum(result.attempted for result in results) > 10
            print(json.dumps(sum(result.failed for result in results)))""")
        self.assertEqual(0, failed)

    def test_documentation(self):
        """Every block of docs/python.md, in order; those of Transformers are run below."""
        blocks = documented_blocks()
        self.assertGreater(len(blocks), 6)
        self.write("blocks.py", "\n".join(block for block in blocks if "hre.transformers" not in block))
        self.run_python("import contextlib, io; contextlib.redirect_stdout(io.StringIO()).__enter__(); exec(open('blocks.py').read())")

    def test_beside_other_libraries(self):
        """No symbol of a library that hre brings takes the place of one that Python's modules mean."""
        for modules in ("ssl, hmac, hashlib", "pandas, pyarrow.parquet, pyarrow.dataset, polars", "sqlite3, zlib, lzma, xml.etree.ElementTree"):
            self.run_python(f"import hre, {modules}; import ssl; ssl.create_default_context()")

    def test_notebook(self):
        """Every cell of docs/python.ipynb runs, and gives outputs like those that it shows."""
        done = subprocess.run([self.python, SOURCE_DIR / "tools" / "run_notebook.py", SOURCE_DIR / "docs" / "python.ipynb"], capture_output=True, text=True,
                              env=clean_environment(PYTHONPATH=str(PACKAGE), **self.sanitizers), timeout=600 * SLOWER, check=False)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"\A\d+ cells, 0 different\n\Z")

    def test_values_are_the_programs(self):
        model = SOURCE_DIR / "models" / "hre-base-q8_0.gguf"
        for spec, options in ((model, {"threads": 1, "long_answers": "truncate"}), ("baseline:zstd", {})):
            arguments = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value)]
            self.run_hre("eval", spec, "--data", "sample", "--limit", 2, "--topic", "python", "--topic", "unix", *arguments, "--quiet",
                         "--details", "--json", "run.json")
            found = self.run_python("""
                import json, sys, hre
                run = hre.evaluate(sys.argv[1], "sample", limit=2, topics=["python", "unix"], progress=False, **json.loads(sys.argv[2]))
                assert run.value == run.summary["pearson"]["mean"] and not run.partial
                run.save("saved.json")
                assert hre.load("saved.json").value == run.value
                print(run.json())""", spec, json.dumps(options))
            expected = self.read_json("run.json")
            for key in ("model", "dataset", "config", "results", "questions"):
                self.assertEqual(expected[key], found[key])
        self.assertEqual(found["questions"], json.loads((self.folder / "saved.json").read_text())["questions"])

    def test_comparisons_are_the_programs(self):
        for name in ("length", "zstd"):
            self.run_hre("eval", f"baseline:{name}", "--data", "sample", "--limit", 3, "--quiet", "--details", "--json", f"{name}.json")
        self.run_hre("compare", "length.json", "zstd.json", "--json", "compared.json")
        self.run_hre("power", "length.json", "--difference", 0.1, "--json", "power.json")
        found = self.run_python("""
            import json, hre
            runs = hre.load("length.json"), hre.load("zstd.json")
            print(json.dumps([hre.compare(*runs).data, hre.power(runs[0], difference=0.1).data]))""")
        self.assertEqual([self.read_json("compared.json"), self.read_json("power.json")], found)

    def test_studies_and_reports_are_the_programs(self):
        for name in ("length", "zstd"):
            self.run_hre("eval", f"baseline:{name}", "--data", "sample", "--limit", 3, "--quiet", "--details", "--json", f"{name}.json")
        stages = {"length": "pretrained", "zstd": "tuned"}
        runs = "".join(f'[[run]]\nrun = "{name}.json"\nfamily = "F"\nsize = 1000\nstage = "{stage}"\nname = "{name}"\n' for name, stage in stages.items())
        self.write("study.toml", 'name = "S"\n' + runs + '[[judgements]]\nfile = "judged.csv"\nmodel_column = "model"\ncolumns = ["Elo"]\n')
        self.write("judged.csv", "model,Elo\nzstd,7.5\nlength,-\n")
        self.run_hre("study", "study.toml", "--json", "study.json")
        self.run_hre("report", "length.json", "zstd.json", "--study", "study.json", "--out", "program", "--quiet")
        found = self.run_python("""
            import json, pandas, hre
            runs = {name: hre.load(f"{name}.json") for name in ("length", "zstd")}
            members = [{"run": runs[name], "family": "F", "size": 1000, "stage": stage, "name": name} for name, stage in (("length", "pretrained"), ("zstd", "tuned"))]
            study = hre.study(members, {"Elo": {"zstd": 7.5}}, name="S")
            frame = pandas.DataFrame({"Elo": [7.5, None]}, index=["zstd", "length"])
            assert hre.study(members, frame, name="S").data == study.data
            page = hre.report(*runs.values(), out="package", study=study, progress=False)
            assert page == "package/index.html", page
            try:
                hre.study([{**members[0], "stage": "base"}])
            except hre.InputError as problem:
                error = str(problem)
            print(json.dumps([study.data, error]))""")
        self.assertEqual([self.read_json("study.json"), "stage: 'base' is not one of: pretrained, tuned, preference"], found)
        written = {path.relative_to(self.folder / "program") for path in (self.folder / "program").rglob("*") if path.is_file()}
        self.assertGreater(len(written), 5)
        for path in written:
            self.assertEqual((self.folder / "program" / path).read_bytes(), (self.folder / "package" / path).read_bytes(), path)

    def test_gates_are_the_programs(self):
        self.run_hre("eval", "baseline:zstd", "--data", "sample", "--quiet", "--details", "--json", "base.json")
        run = self.read_json("base.json")
        for i, question in enumerate(run["questions"]):
            for name in ("pearson", "spearman", "kendall", "pairwise_accuracy"):
                del question[name]
            for answer in question["answers"]:
                del answer["score"]
                answer["sum_log_prob"] += (i * 37 % 11 - 5) * 0.2 * (answer["votes"] % 3)
        self.write("new.json", json.dumps(run))
        self.write("gate.toml", 'level = 0.1\n[[check]]\nmetric = "bits_per_byte"\nmargin = 0.01\n[[check]]\nscore = "sum"\ntopics = "p*"\n')
        calls = (("--margin", 0.9), ("--margin", 0.001, "--score", "per-byte", "--topics", "c*", "--level", 0.2, "--weights", "topics", "--metric", "spearman"),
                 ("--policy", "gate.toml"))
        for i, call in enumerate(calls):
            self.run_hre("gate", "new.json", "--against", "base.json", *call, "--json", f"gate{i}.json", status=(0, 3, 4))
        found = self.run_python("""
            import json, hre
            new, base = hre.load("new.json"), hre.load("base.json")
            gates = [hre.gate(new, base, margin=0.9), hre.gate(new, base, margin=0.001, score="per-byte", topics="c*", level=0.2, weights="topics", metric="spearman"),
                     hre.gate(new, base, policy="gate.toml")]
            assert [bool(gate) for gate in gates] == [gate.verdict == "pass" for gate in gates]
            errors = []
            for bad in (dict(level=0), dict(margin=-1), dict(topics="none"), dict(score="x"), dict(policy="new.json")):
                try:
                    hre.gate(new, base, **bad)
                except hre.InputError as problem:
                    errors.append(str(problem))
            print(json.dumps([[gate.data for gate in gates], errors]))""")
        self.assertEqual([self.read_json(f"gate{i}.json") for i in range(3)], found[0])
        for expected, error in zip(("level: ", "margin: ", "no topic matches 'none'", "score: 'x' is not one of", "new.json: line 1"), found[1], strict=True):
            self.assertIn(expected, error)

    def test_logs_of_other_harnesses(self):
        logs = SOURCE_DIR / "tests" / "data" / "logs" / "inspect_ai"
        said = json.loads((logs / "said.json").read_text())["logs"]["both:right"]
        names = [str(logs / name) for name, _, _ in said]
        arguments = [f"{name}#both:right" for name in names]
        self.run_hre("compare", *arguments, "--json", "compared.json")
        self.run_hre("power", arguments[0], "--json", "power.json")
        self.run_hre("gate", *arguments[:1], "--against", arguments[1], "--json", "gate.json", status=(0, 3, 4))
        self.run_hre("report", *arguments, "--out", "program", "--quiet", env={"PATH": "/nonexistent"})
        found = self.run_python("""
            import json, os, sys, hre
            os.environ["PATH"] = "/nonexistent"
            runs = [hre.load(name, metric="both:right") for name in sys.argv[1:]]
            assert runs[0].interval[0] < runs[0].value < runs[0].interval[1]
            assert sum(item["item"] for item in runs[0].questions) / 30 - runs[0].value < 1e-12 and runs[0].questions[0]["measurements"] == 3
            assert "HumanRankEval " not in str(runs[0]) + runs[0]._repr_html_() and "30 items" in str(runs[0])
            hre.report(*runs, out="package", progress=False)
            errors = []
            for call in (lambda: runs[0].save("x.json"), lambda: hre.load(sys.argv[1], metric="third"), lambda: hre.load("compared.json", metric="x"),
                         lambda: runs[0].with_score("sum")):
                try:
                    call()
                except ValueError as problem:
                    errors.append(str(problem))
            print(json.dumps([[run.value for run in runs], hre.compare(*runs).data, hre.power(runs[0]).data, hre.gate(*runs).data, errors]))""", *names)
        for (_, mean, _), value in zip(said, found[0], strict=True):
            self.assertAlmostEqual(mean, value, places=12)
        self.assertEqual([self.read_json(f"{name}.json") for name in ("compared", "power", "gate")], found[1:4])
        for expected, error in zip(("is a log of another harness", "there is no value 'third'", "is no log", "has no answers' log-likelihoods"), found[4], strict=True):
            self.assertIn(expected, error)
        self.assertEqual((self.folder / "program/index.html").read_bytes(), (self.folder / "package/index.html").read_bytes())

    def test_scores_are_the_programs(self):
        """Two models that come with hre, one tuned from the other: against the reference, and what moved from it on the page."""
        models = [SOURCE_DIR / "models" / f"hre-{name}-q8_0.gguf" for name in ("tuned", "base")]
        for name, model in zip(("tuned", "base"), models):
            self.run_hre("eval", model, "--data", "sample", "--topic", "python", "--keep-tokens", "--quiet", "--details", "--json", f"{name}.json")
        self.run_hre("eval", models[0], "--data", "sample", "--topic", "python", "--reference", models[1], "--quiet", "--details", "--json", "program.json")
        self.run_hre("report", "tuned.json", "--reference", "base.json", "--out", "program", "--quiet", env={"PATH": "/nonexistent"})
        found = self.run_python("""
            import json, os, sys, hre
            os.environ["PATH"] = "/nonexistent"
            tuned, base = hre.load("tuned.json"), hre.load("base.json")
            moved = tuned.with_score(reference=base)
            hre.report(moved, out="package", progress=False)
            evaluated = [hre.evaluate(model, "sample", topics=["python"], progress=False) for model in sys.argv[1:]]
            print(json.dumps([moved.data, evaluated[0].with_score(reference=evaluated[1]).data]))""", *models)
        expected = self.read_json("program.json")
        for run in found:
            self.assertEqual(expected["results"], run["results"])
            self.assertEqual(expected["reference"]["name"], run["reference"]["name"])
            for one, other in zip(expected["questions"], run["questions"], strict=True):
                self.assertEqual([[a["score"], a["reference_log_prob"]] for a in one["answers"]], [[a["score"], a["reference_log_prob"]] for a in other["answers"]])
        self.assertEqual((self.folder / "program/index.html").read_bytes(), (self.folder / "package/index.html").read_bytes())

    def test_data_in_every_form(self):
        found = self.run_python("""
            import json, datasets, pandas, polars, pyarrow, hre
            rows = [{"topic": "tea" if i < 4 else "coffee", "question": f"How hot? {i}", "answers": [
                {"text": "x" * (3 + a * i), "votes": float(a * a - i)} for a in range(3)]} for i in range(7)]
            table = pyarrow.Table.from_pylist(rows)
            frame, polar = pandas.DataFrame(rows), polars.DataFrame(rows)
            dataset = datasets.Dataset.from_list(rows)
            shuffled = dataset.select([6, 5, 4, 3, 2, 1, 0]).select([6, 5, 4, 3, 2, 1, 0])
            splits = datasets.DatasetDict({topic: dataset.filter(lambda row: row["topic"] == topic).remove_columns("topic") for topic in ("tea", "coffee")})
            loaded = [hre.load_dataset(data) for data in (rows, iter(rows), table, frame, polar, polars.concat([polar[:3], polar[3:]], rechunk=False), dataset, shuffled, splits)]
            assert loaded[0].question(6)["answers"][2] == {"text": "x" * 15, "votes": -2.0}, loaded[0].question(6)
            ids = []
            for kind, first in ((pyarrow.int64(), 2**53 + 1), (pyarrow.uint64(), 2**64 - 3)):
                column = pyarrow.array([first, first + 1], kind)
                ids += [hre.load_dataset(table.slice(0, 2).append_column("id", column)).question(i)["id"] for i in (0, 1)]
            print(json.dumps([[[data.fingerprint, len(data)] for data in loaded], ids]))""")
        self.assertEqual([found[0][0]] * 9, found[0])
        self.assertEqual([str(n) for n in (2**53 + 1, 2**53 + 2, 2**64 - 3, 2**64 - 2)], found[1], "not rounded to 53 bits")

    def test_bad_data_and_models(self):
        found = self.run_python("""
            import json, hre
            good = {"question": "q", "answers": [{"text": "a", "votes": 1}, {"text": "b", "votes": 2}]}
            def error(call):
                try:
                    call()
                except (hre.Error, TypeError, ValueError) as problem:
                    return f"{type(problem).__name__}: {problem}"
            class Few:
                def loglikelihoods(self, pairs): return [[-1.0]]
            class Raises:
                def loglikelihoods(self, pairs): raise KeyError("mine")
            class Words:
                def loglikelihoods(self, pairs): return ["many"] * len(pairs)
            def raised():
                try:
                    hre.evaluate(Raises(), [good])
                except KeyError as problem:
                    return str(problem)
            print(json.dumps([error(lambda: hre.load_dataset([good, data])) for data in (
                {**good, "answers": [{"text": "a", "votes": "many"}, {"text": "b", "votes": 2}]}, {"question": "q"}, {**good, "question": 3}, 5,
                {**good, "answers": []}, {**good, "answers": [{"text": "a", "votes": float("nan")}] * 2})] + [
                error(lambda: hre.load_dataset([])), error(lambda: hre.load_dataset("nowhere")), error(lambda: hre.evaluate("nowhere.gguf", [good])),
                error(lambda: hre.evaluate("baseline:zstd", [good], thread=3)), error(lambda: hre.evaluate("baseline:zstd", [good], bos="maybe")),
                error(lambda: hre.evaluate(3, [good])), error(lambda: hre.evaluate(Few(), [good])), error(lambda: hre.evaluate(Words(), [good])), raised()]))""")
        for message, expected in zip(found, ("row 2: 'votes' is missing or of another type", "row 2: 'answers' is missing", "row 2: 'question'",
                                             "row 2: ", "row 2, column answers: no answers", "row 2: its votes are not finite", "no questions",
                                             "nowhere: ", "nowhere.gguf: no such file", "no option 'thread'", "not one of: never, auto, always",
                                             "int is no model", "1 results for 2 pairs", "", "'mine'"), strict=True):
            self.assertIn(expected, message or "")
        self.assertRegex(found[-2], "many")

    def test_every_option_of_the_program(self):
        """Each option of hre eval is an argument here, or is the program's alone; and the other way round."""
        other_names = {"topic": "topics", "no_shuffle": "shuffle", "prompt_file": "prompt", "lora": "adapters", "device": "devices", "no_cache": "reuse"}
        programs = {"help", "help_all",
                    "models", "shard", "rank_timeout",  # several models, jobs and ranks: loops, and hre.transformers.Processes
                    "cluster",  # hre.compare's
                    "score", "reference", "gate",  # Run.with_score, hre.gate
                    "metrics", "json", "details", "reference_json", "stats", "quiet",  # what is shown: Run has it all
                    "recheck", "verify_weights", "explain"}  # checks of a store and of the cache
        options = {name.replace("-", "_") for name in re.findall(r"^ {2,6}(?:-\w,)?--([a-z-]+)", self.run_hre("eval", "--help-all").stdout, re.M)}
        self.assertGreater(len(options), 40)
        self.assertEqual(set(), programs - options, "are no options any more")
        expected = {other_names.get(name, name) for name in options - programs}
        evaluate, opening = self.run_python("""
            import inspect, json, re, hre
            arguments = set(inspect.signature(hre.evaluate).parameters) - {"model", "progress", "model_options"}
            listed = re.search(r"options, of models.*?They", hre.open_model.__doc__, re.S)[0]
            listed = set(re.findall(r"[a-z_]+", re.sub(r"\\([^()]*(\\([^()]*\\))?[^()]*\\)", "", listed.split(":", 1)[1])))
            print(json.dumps([sorted(arguments), sorted(listed)]))""")
        self.assertEqual(expected, set(evaluate) | {name for name in opening if name in expected})
        # What the text lists is what there is: an unknown one is refused by its name.
        refused = self.run_python("""
            import json, sys, hre
            refused = []
            for name in json.loads(sys.argv[1]):
                try:
                    hre.open_model("baseline:zstd", **{name: object()})
                except hre.InputError as problem:
                    refused.append(str(problem))
            print(json.dumps(refused))""", json.dumps(sorted(expected - set(evaluate))))
        self.assertEqual([f"{name}: it has the wrong type" for name in sorted(expected - set(evaluate))], refused)

    def test_questions_chosen_by_conditions_and_width(self):
        common = ["eval", "baseline:zstd", "--data", "sample", "--quiet", "--details"]
        self.run_hre(*common, "--where", "answers>=4", "--where", "topic=p*", "--json", "where.json")
        self.run_hre(*common, "--until", "width=0.8", "--json", "until.json")
        found = self.run_python("""
            import json, hre
            runs = [hre.evaluate("baseline:zstd", "sample", progress=False, **options) for options in ({"where": ["answers>=4", "topic=p*"]}, {"until": 0.8})]
            errors = []
            for options in ({"where": ["colour=red"]}, {"where": ["date>2020"]}, {"until": 0}):
                try:
                    hre.evaluate("baseline:zstd", [{"question": "q", "answers": [{"text": "a", "votes": 1}, {"text": "b", "votes": 2}]}], progress=False, **options)
                except hre.InputError as problem:
                    errors.append(str(problem))
            print(json.dumps([[json.loads(run.json()) for run in runs], errors]))""")
        for name, run in zip(("where", "until"), found[0]):
            expected = self.read_json(f"{name}.json")
            for key in ("config", "results", "questions"):
                self.assertEqual(expected[key], run[key], name)
        self.assertLess(len(found[0][0]["questions"]), 70)
        self.assertLess(len(found[0][1]["questions"]), 70)
        for error, expected in zip(found[1], ("colour", "metadata", "until: a width is above 0"), strict=True):
            self.assertIn(expected, error)

    def test_names_are_shown_and_not_obeyed(self):
        """Of models, datasets and topics, as a terminal shows them: no control characters, and each name in a line."""
        evil = "a\r\x1b[Kb\x1b]0;t\x07\u009b2J\u202egnp\u202c\nnext line"
        questions = [{"topic": f"{evil} {i % 2}", "question": f"q{i}", "answers": [
            {"text": f"{evil} {'x' * (7 * a * i % 11)}", "votes": a} for a in range(4)]} for i in range(6)]
        name = "evil\x1b[31m\nnext line.jsonl"
        self.write(name, "".join(json.dumps(question) + "\n" for question in questions))
        for model in ("length", "zstd"):
            self.run_hre("eval", f"baseline:{model}", "--data", name, "--details", "--json", f"{model}.json", "--quiet")
            run = self.read_json(f"{model}.json")
            run["model"]["name"] = run["model"]["source"] = f"{model} {evil}"
            self.write(f"{model}.json", json.dumps(run))
        found = self.run_python("""
            import json, sys, hre
            runs = [hre.load(f"{model}.json") for model in ("length", "zstd")]
            data = hre.load_dataset(sys.argv[1])
            compared = hre.compare(*runs, allow_different=True)
            print(json.dumps([repr(runs[0]), repr(runs), str(runs[1]), repr(data), str(compared), repr(compared),
                              repr(hre.gate(*runs, allow_different=True)), repr(hre.evaluate("baseline:length", data))]))""", name)
        for text in found:
            self.assertNotRegex(text, OBEYED)
            self.assertNotIn("\nnext line", text)
        self.assertNotIn("\n", found[0])
        self.assertIn("length a", found[0])

    def test_options_that_a_baseline_has_no_use_for(self):
        found = self.run_python("""
            import json, hre
            messages = []
            for name, value in {"kv_type": "f16", "max_length": 9, "bos": "always", "precision": "exact"}.items():
                try:
                    hre.open_model("baseline:zstd", **{name: value})
                except hre.InputError as problem:
                    messages.append(str(problem))
            print(json.dumps(messages))""")
        self.assertEqual([f"{name}: a baseline has no model to apply it to" for name in ("kv_type", "max_length", "bos", "precision")], found)

    def test_a_model_of_ones_own(self):
        """Its values come through to the last digit, batched as it asks."""
        found = self.run_python("""
            import json, zlib, hre
            class Mine:
                name, settings, batch_questions = "mine", {"kind": "made up"}, 3
                sizes = []
                def loglikelihoods(self, pairs):
                    self.sizes.append(len(pairs))
                    return [[-(zlib.crc32((context + continuation).encode()) % 1000) / 8.0, -0.5] for context, continuation in pairs]
            data = hre.load_dataset("sample")
            run = hre.evaluate(Mine(), data, limit=2, topics=["python", "unix"], progress=False)
            texts = {data.question(i)["id"]: data.question(i) for i in range(len(data))}
            for question in run.questions:
                full = texts[question["id"]]
                for answer, given in zip(full["answers"], question["answers"], strict=True):
                    text = f"Question: {full['question']}\\nAnswer: {answer['text']}"
                    assert given["sum_log_prob"] == -(zlib.crc32(text.encode()) % 1000) / 8.0 - 0.5, given
            assert run.config["kind"] == "made up"
            print(json.dumps(Mine.sizes))""")
        self.assertEqual([12, 4], found)

    def test_stores(self):
        found = self.run_python("""
            import json, hre
            class Mine:
                fingerprint, calls = "weights 1", 0
                def loglikelihoods(self, pairs):
                    Mine.calls += len(pairs)
                    return [[-1.0, -0.25 * len(text)] for _, text in pairs]
            runs = [hre.evaluate(Mine(), "sample", limit=1, store="runs.db", name=f"run-{i}", progress=False) for i in range(2)]
            store = hre.Store("runs.db")
            assert store.load("last").value == runs[0].value
            print(json.dumps([Mine.calls, [info["name"] for info in store.list()], len(store), [len(run.questions) for run in store]]))""")
        self.assertEqual([14 * 4, ["run-1"], 1, [14]], found)
        self.assertIn("run-1", self.run_hre("runs", "list", "--store", "runs.db").stdout)

    def test_a_store_needs_a_fingerprint(self):
        """Two objects of one class are two models: neither's scores may stand for the other's."""
        message = self.run_python("""
            import json, os, hre
            class Mine:
                def __init__(self, factor): self.factor = factor
                def loglikelihoods(self, pairs): return [[-self.factor * len(text)] for _, text in pairs]
            try:
                for factor in (1.0, 2.0):
                    hre.evaluate(Mine(factor), "sample", limit=1, topics=["python"], store="runs.db", progress=False)
            except hre.InputError as problem:
                assert not os.path.exists("runs.db")
                print(json.dumps(str(problem)))""")
        self.assertIn("Mine: a store can't tell this model from others: it has no fingerprint", message)
        self.assertIn("or leave out store", message)

    def test_ctrl_c(self):
        self.write("slow.py", textwrap.dedent("""
            import time, hre
            class Slow:
                batch_questions = 1
                def loglikelihoods(self, pairs):
                    print("scoring", flush=True)
                    time.sleep(0.2)
                    return [[-1.0, -float(len(text))] for _, text in pairs]
            try:
                hre.evaluate(Slow(), "sample", progress=False)
            except KeyboardInterrupt:
                print("interrupted", flush=True)"""))
        process = subprocess.Popen([self.python, "slow.py"], cwd=self.folder, env=clean_environment(PYTHONPATH=str(PACKAGE), **self.sanitizers), stdout=subprocess.PIPE,
                                   text=True)
        process.stdout.readline()
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=60 * SLOWER)[0]
        self.assertIn("interrupted", rest)
        self.assertLess(rest.count("scoring"), 20)
        self.assertLess(time.monotonic() - started, 30)

    def test_threads(self):
        """Other threads go on while one evaluates, and two evaluate at once."""
        self.assertTrue(self.run_python("""
            import json, threading, hre
            runs, ticks, done = {}, 0, threading.Event()
            def work(name):
                runs[name] = hre.evaluate(f"baseline:{name}", "sample", progress=False).value
            def tick():
                global ticks
                while not done.wait(0.01):
                    ticks += 1
            threads = [threading.Thread(target=work, args=[name]) for name in ("zstd", "length")]
            ticker = threading.Thread(target=tick)
            for thread in (*threads, ticker): thread.start()
            for thread in threads: thread.join()
            done.set()
            expected = {name: hre.evaluate(f"baseline:{name}", "sample", progress=False).value for name in runs}
            print(json.dumps(runs == expected and ticks > 0))"""))

    def test_progress(self):
        self.assertEqual(["tokenising", "scoring"], self.run_python("""
            import json, hre
            class Listener:
                stages, ends = [], 0
                def begin(self, stage, total, unit): self.stages.append(stage); self.total = total
                def advance(self, done): self.done = done
                def end(self): assert self.done == self.total; Listener.ends += 1
                def note(self, message): pass
            hre.evaluate("baseline:zstd", "sample", limit=1, progress=Listener())
            assert Listener.ends == len(Listener.stages)
            print(json.dumps(Listener.stages))"""))


    def test_nothing_is_left_behind(self):
        """Many evaluations in one process take no more memory than some."""
        grown = self.run_python("""
            import json, os, hre
            class Short:
                def loglikelihoods(self, pairs): return [[-1.0, -2.0] for _ in pairs]
            rows = [{"question": f"q {i}", "answers": [{"text": "a" * (k + 1) * 50, "votes": k} for k in range(4)]} for i in range(8)]
            def used():
                with open("/proc/self/statm") as file:
                    return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            def times(n):
                for i in range(n):
                    run = hre.evaluate(Short(), rows, progress=False)
                    assert len(run.questions) == 8 and run.value is not None
            times(200)
            before = used()
            times(800)
            print(json.dumps(used() - before))""")
        self.assertLess(grown, 4_000_000)


class ServedTest(PackageTest):
    def test_notes_after_opening(self):
        """A server that fails amid the work is told to the listener with which the model was opened."""
        rows = [{"topic": "t", "question": f"question {i}", "answers": [{"text": f"answer {a} " * (1 + a), "votes": a} for a in range(4)]}
                for i in range(40)]
        self.write("rows.json", json.dumps(rows))
        with StandIn("vllm", delay=0.01) as a, StandIn("vllm", "401", after=8, times=1000) as b:
            notes = self.run_python("""
                import gc, json, sys, hre
                class Listener:
                    notes = []
                    def begin(self, stage, total, unit): pass
                    def advance(self, done): pass
                    def end(self): pass
                    def note(self, message): self.notes.append(message)
                model = hre.open_model(sys.argv[1], progress=Listener())
                gc.collect()
                assert len(hre.evaluate(model, json.load(open("rows.json")), progress=False).questions) == 40
                print(json.dumps(Listener.notes))""", f"server:{a.url},{b.url}")
        self.assertRegex(" ".join(notes), "left out|take over")


#: What tests of models in memory have in common: in_memory.py beside them.
IN_MEMORY = """
import hre

class Bytes:
    bos_token_id, eos_token_id = 1, 2
    def __call__(self, texts, add_special_tokens, verbose):
        return {"input_ids": [tokens_of(text) for text in texts]}

def tokens_of(text):
    return [byte + 3 for byte in text.encode()]

data = hre.load_dataset("sample")
texts = {data.question(i)["id"]: data.question(i) for i in range(len(data))}

def answers_of(run):
    for question in run.questions:
        full = texts[question["id"]]
        for answer, given in zip(full["answers"], question["answers"], strict=True):
            yield f"Question: {full['question']}\\nAnswer:", " " + answer["text"], given
"""


class TorchTest(PackageTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.torch_python = os.environ.get("HRE_TORCH_PYTHON", "")
        if not os.access(cls.torch_python, os.X_OK):
            raise unittest.SkipTest("HRE_TORCH_PYTHON names no Python with torch and transformers")


class TransformersTest(TorchTest):
    def test_every_architecture(self):
        """Small random models, shared prompts and padding against one plain pass for each answer."""
        self.write("in_memory.py", IN_MEMORY)
        self.run_python("""
            import torch, transformers, hre, hre.transformers
            from in_memory import Bytes, answers_of, data, tokens_of
            torch.manual_seed(7)
            common = dict(vocab_size=300, hidden_size=64, intermediate_size=96, num_hidden_layers=3, num_attention_heads=4, max_position_embeddings=4096)
            grouped = dict(num_key_value_heads=2, **common)
            configs = [transformers.LlamaConfig(**grouped), transformers.GPTNeoXConfig(**common), transformers.Qwen2Config(**grouped),
                       transformers.GPT2Config(vocab_size=300, n_embd=64, n_layer=3, n_head=4, n_positions=4096, bos_token_id=1, eos_token_id=1),
                       transformers.Gemma2Config(head_dim=16, sliding_window=64, final_logit_softcapping=5.0, **grouped),
                       transformers.MistralConfig(sliding_window=50, **grouped)]
            for config in configs:
                model = transformers.AutoModelForCausalLM.from_config(config)
                for parameter in model.parameters():
                    parameter.data.mul_(3)
                model.train()
                for batch in (300, 8192):
                    run = hre.evaluate(hre.transformers.Model(model, Bytes(), batch_tokens=batch), data, limit=1, topics=["python", "unix"], progress=False)
                    assert model.training
                    model.eval()
                    for context, continuation, given in answers_of(run):
                        whole, n = tokens_of(context + continuation), len(tokens_of(context))
                        with torch.inference_mode():
                            logits = model(torch.tensor([whole[:-1]])).logits[0].float()
                        values = torch.log_softmax(logits, -1)
                        expected = sum(values[i - 1, whole[i]].item() for i in range(n, len(whole)))
                        assert abs(expected - given["sum_log_prob"]) < 1e-3, (type(model), batch, expected, given["sum_log_prob"])
                    model.train()
            """, python=self.torch_python)

    def test_encoder_decoders(self):
        """The prompt goes to the encoder, and each answer to the decoder after its start token."""
        self.write("in_memory.py", IN_MEMORY)
        self.run_python("""
            import torch, transformers, hre, hre.transformers
            from in_memory import Bytes, answers_of, data, tokens_of
            torch.manual_seed(8)
            configs = [transformers.T5Config(vocab_size=300, d_model=64, d_kv=16, d_ff=96, num_layers=2, num_heads=4, decoder_start_token_id=0),
                       transformers.BartConfig(vocab_size=300, d_model=64, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4, decoder_attention_heads=4,
                                               encoder_ffn_dim=96, decoder_ffn_dim=96, max_position_embeddings=4096, decoder_start_token_id=2)]
            for config in configs:
                model = transformers.AutoModelForSeq2SeqLM.from_config(config)
                for parameter in model.parameters():
                    parameter.data.mul_(2)
                for batch, end in ((300, False), (8192, True)):
                    run = hre.evaluate(hre.transformers.Model(model, Bytes(), batch_tokens=batch, max_length=4000, bos=end), data, limit=1, topics=["python", "unix"], progress=False)
                    model.eval()
                    for context, continuation, given in answers_of(run):
                        source, labels = tokens_of(context) + ([2] if end else []), tokens_of(continuation)
                        with torch.inference_mode():
                            logits = model(input_ids=torch.tensor([source]), decoder_input_ids=torch.tensor([[config.decoder_start_token_id] + labels[:-1]])).logits[0].float()
                        values = torch.log_softmax(logits, -1)
                        expected = sum(values[i, label].item() for i, label in enumerate(labels))
                        assert abs(expected - given["sum_log_prob"]) < 1e-3, (type(model), batch, expected, given["sum_log_prob"])
            """, python=self.torch_python)

    def test_values_are_those_of_the_file(self):
        """A checkpoint in memory and its file, in float32."""
        folder, file = shared_data("models/TinyStories-656K"), shared_data("models/TinyStories-656K-f32.gguf")
        self.run_python("""
            import random, sys, torch, transformers, hre, hre.transformers
            made = random.Random(5)
            words = "the cat sat on a mat and then it saw one big dog who was very happy to play in the park with little girl".split()
            text = lambda: " ".join(made.choices(words, k=made.randint(3, 60))) + "."
            rows = [{"topic": "tale", "question": text(), "answers": [{"text": text(), "votes": a} for a in range(4)]} for _ in range(12)]
            model = transformers.AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32)
            tokenizer = transformers.AutoTokenizer.from_pretrained(sys.argv[1])
            memory = hre.evaluate(hre.transformers.Model(model, tokenizer, max_length=256), rows, progress=False)
            file = hre.evaluate(sys.argv[2], rows, max_length=256, precision="exact", progress=False)
            n = 0
            for a, b in zip(memory.questions, file.questions, strict=True):
                for x, y in zip(a["answers"], b["answers"], strict=True):
                    assert x["n_tokens"] == y["n_tokens"], (x, y)
                    assert abs(x["sum_log_prob"] - y["sum_log_prob"]) < 1e-3, (x, y)
                    n += 1
            assert n == 48, n
            """, folder, file, python=self.torch_python)

    def test_with_the_evaluation_harness(self):
        """The task that comes along, and the harness's models as hre's, have hre's values."""
        if subprocess.run([self.torch_python, "-c", "import lm_eval"], capture_output=True, check=False).returncode != 0:
            self.skipTest("that Python has no lm_eval")
        self.run_python("""
            import json, pathlib, random, subprocess, sys, torch, transformers, hre, hre.lm_eval, hre.transformers
            from lm_eval.models.huggingface import HFLM
            from tokenizers import Tokenizer, decoders, models, pre_tokenizers
            torch.manual_seed(6)
            made = random.Random(6)
            words = "the cat sat on a mat and then it saw one big dog who was very happy to play in the park with little girl".split()
            text = lambda: " ".join(made.choices(words, k=made.randint(3, 40))) + "."
            rows = [{"topic": "tale", "question": text(), "answers": [{"text": text(), "votes": made.randint(-2, 9)} for a in range(4)]} for _ in range(12)]
            pathlib.Path("tales.jsonl").write_text("".join(json.dumps(row) + "\\n" for row in rows))
            # Bytes: the harness feeds the context's own tokens, which for other tokenizers may not begin those of the whole.
            vocabulary = {sign: i for i, sign in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
            made_of_bytes = Tokenizer(models.BPE(vocab={**vocabulary, "<eos>": 256}, merges=[]))
            made_of_bytes.pre_tokenizer, made_of_bytes.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False), decoders.ByteLevel()
            tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=made_of_bytes, eos_token="<eos>", pad_token="<eos>")
            model = transformers.LlamaForCausalLM(transformers.LlamaConfig(vocab_size=257, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
                num_attention_heads=2, max_position_embeddings=1024, bos_token_id=None, eos_token_id=256, pad_token_id=256))
            for parameter in model.parameters():
                parameter.data.mul_(3)
            model.save_pretrained("small"), tokenizer.save_pretrained("small")
            own = hre.evaluate(hre.transformers.Model(model, tokenizer), "tales.jsonl", progress=False)
            theirs = hre.evaluate(hre.lm_eval.Model(HFLM(pretrained=model, tokenizer=tokenizer, batch_size=4, add_bos_token=False)), "tales.jsonl", progress=False)
            include = subprocess.run([sys.executable, "-m", "hre.lm_eval"], capture_output=True, text=True, check=True).stdout.strip()
            subprocess.run([sys.executable, "-m", "lm_eval", "--model", "hf", "--model_args", "pretrained=small,dtype=float32,add_bos_token=False",
                            "--tasks", "human_rank_eval", "--include_path", include, "--metadata", '{"data": "tales.jsonl"}', "--output_path", "out",
                            "--device", "cpu", "--batch_size", "4"], capture_output=True, check=True)
            results = json.loads(next(pathlib.Path("out").rglob("results*.json")).read_text())["results"]["human_rank_eval"]
            for a, b in zip(own.questions, theirs.questions, strict=True):
                for x, y in zip(a["answers"], b["answers"], strict=True):
                    assert abs(x["sum_log_prob"] - y["sum_log_prob"]) < 1e-3, (x, y)
            metrics = "pearson", "spearman", "pairwise_accuracy"
            with open("found.json", "w") as file:
                json.dump([[own.summary[name]["mean"] for name in metrics], [results[f"{name},none"] for name in metrics]], file)""",
            python=self.torch_python, quiet=True)
        own, task = self.read_json("found.json")
        for a, b in zip(own, task, strict=True):
            self.assertAlmostEqual(a, b, delta=1e-4)

    def test_in_a_training_loop(self):
        """A small model learns the answers that people like: its value rises, and the files of TensorBoard and of MLflow have the curve."""
        logs = [log for log in ("tensorboard", "mlflow") if subprocess.run([self.torch_python, "-c", f"import {log}"], capture_output=True, check=False).returncode == 0]
        if not logs:
            self.skipTest("that Python has neither tensorboard nor mlflow")
        found = self.run_python("""
            import glob, json, os, random, sys, torch, transformers, hre, hre.transformers
            logs = sys.argv[1:]
            os.environ.update(MLFLOW_TRACKING_URI="file:mlruns", MLFLOW_ALLOW_FILE_STORE="true")
            torch.manual_seed(3)
            made = random.Random(3)
            class Bytes:
                bos_token_id = 1
                def __call__(self, texts, add_special_tokens=False, verbose=False):
                    return {"input_ids": [[byte + 3 for byte in text.encode()] for text in texts]}
                def save_pretrained(self, folder): pass
            word = lambda letters: "".join(made.choices(letters, k=12))
            rows = [{"topic": "t", "question": word("abc"), "answers": [{"text": word("xy"), "votes": 9}, {"text": word("xyuv"), "votes": 5},
                     {"text": word("uv"), "votes": 1}]} for _ in range(40)]
            data = hre.load_dataset(rows)
            texts = [f"Question: {row['question']}\\nAnswer: {row['answers'][0]['text']}" for row in rows]
            train = [{"input_ids": ids, "labels": ids} for ids in (Bytes()([text])["input_ids"][0] for text in texts)]
            model = transformers.LlamaForCausalLM(transformers.LlamaConfig(vocab_size=260, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
                num_attention_heads=2, max_position_embeddings=256))
            arguments = transformers.TrainingArguments(output_dir="out", max_steps=60, per_device_train_batch_size=8, learning_rate=3e-3, report_to=logs,
                                                       save_strategy="no", logging_steps=20, use_cpu=True, disable_tqdm=True)
            pad = lambda rows: {key: torch.tensor([row[key] for row in rows]) for key in rows[0]}
            trainer = transformers.Trainer(model=model, args=arguments, train_dataset=train, data_collator=pad, processing_class=Bytes())
            callback = hre.transformers.Callback(data, every=20, store="curve.db").attach(trainer)
            trainer.train()
            curves = {}
            if "tensorboard" in logs:
                from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
                events = EventAccumulator(os.path.dirname(glob.glob("**/events.out*", recursive=True)[0]))
                events.Reload()
                tag = next(tag for tag in events.Tags()["scalars"] if tag.endswith("eval/hre"))
                curves["tensorboard"] = [[event.step, event.value] for event in events.Scalars(tag)]
            if "mlflow" in logs:
                from mlflow.tracking import MlflowClient
                client = MlflowClient("file:mlruns")
                run, = client.search_runs([experiment.experiment_id for experiment in client.search_experiments()])
                curves["mlflow"] = [[metric.step, metric.value] for metric in client.get_metric_history(run.info.run_id, "eval/hre")]
            with open("found.json", "w") as file:
                json.dump({"steps": [step for step, _ in callback.runs], "values": [run.value for _, run in callback.runs], "curves": curves,
                           "kept": sorted(run.value for run in hre.Store("curve.db")),
                           "log": [row for row in trainer.state.log_history if "eval/hre" in row]}, file)""", *logs, python=self.torch_python, quiet=True)
        found = self.read_json("found.json")
        self.assertEqual([0, 20, 40, 60], found["steps"])
        self.assertEqual(sorted(found["values"]), found["kept"], "no step's scores stand for another's")
        self.assertGreater(found["values"][-1], max(0.9, found["values"][0] + 0.1))
        self.assertEqual(set(logs), set(found["curves"]))
        for log, curve in found["curves"].items():
            self.assertEqual(found["steps"], [step for step, _ in curve], log)
            for expected, (_, value) in zip(found["values"], curve, strict=True):
                self.assertAlmostEqual(expected, value, places=6)
        self.assertAlmostEqual(found["values"][-1] - found["values"][0], found["log"][-1]["eval/hre_since_first"], places=9)

    def test_documentation(self):
        """Every block about models of Transformers; those about several processes run in DistributedTest."""
        blocks = [block for block in documented_blocks() if "hre.transformers" in block and "torch.distributed" not in block]
        self.assertEqual(2, len(blocks))
        self.write("blocks.py", "import hre\n" + "\n".join(blocks))
        self.run_python("""
            import sys, torch, transformers
            model = transformers.AutoModelForCausalLM.from_pretrained(sys.argv[1])
            tokenizer = transformers.AutoTokenizer.from_pretrained(sys.argv[1])
            rows = [{"input_ids": [3, 4, 5, 6], "labels": [3, 4, 5, 6]}] * 8
            arguments = transformers.TrainingArguments(output_dir="out", max_steps=2, report_to=[], save_strategy="no", use_cpu=True, disable_tqdm=True)
            trainer = transformers.Trainer(model=model, args=arguments, train_dataset=rows, processing_class=tokenizer)
            with open("/dev/null", "w") as sys.stdout:
                exec(open("blocks.py").read().replace("(model, tokenizer)", '(model, tokenizer, long_answers="truncate")'))
            assert [step for step, _ in callback.runs] == [0, 2] and callback.runs[0][1].value is not None""",
                        shared_data("models/TinyStories-656K"), python=self.torch_python)


#: A small model in every process; results.RANK.json holds what the process got of hre.
SHARED = """
import json, os, sys, time
import torch, transformers
import hre, hre.transformers
from in_memory import Bytes, data

torch.set_num_threads(1)  # as torchrun has it: a product's bits may depend on the number of threads

def model():
    torch.manual_seed(7)
    return transformers.LlamaForCausalLM(transformers.LlamaConfig(vocab_size=300, hidden_size=64, intermediate_size=96, num_hidden_layers=2,
        num_attention_heads=4, max_position_embeddings=4096))

class Counting(hre.transformers.Model):
    questions = 0
    def _score_passes(self, passes):
        self.questions += sum(map(len, passes))
        return super()._score_passes(passes)

def results(run):
    return [run.value, [answer["sum_log_prob"] for question in run.questions for answer in question["answers"]]]

def write(rank, content):
    with open(f"results.{rank}.json", "w") as file:
        json.dump(content, file)
"""


class DistributedTest(TorchTest):
    """Processes that share an evaluation. One thread each: a product's bits may depend on the number of threads."""

    def setUp(self):
        super().setUp()
        self.write("in_memory.py", IN_MEMORY)
        self.write("shared.py", SHARED)
        self.environment = clean_environment(PYTHONPATH=str(PACKAGE), OMP_NUM_THREADS="1", TOKENIZERS_PARALLELISM="false", **self.sanitizers)

    def torchrun(self, processes, script):
        done = subprocess.run([self.torch_python, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes), self.write("script.py", script)],
                              cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=600 * SLOWER, check=False)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return [self.read_json(f"results.{rank}.json") for rank in range(processes)]

    def test_same_bits_for_any_number_of_processes(self):
        self.run_python("""
            from shared import *
            alone = Counting(model(), Bytes(), batch_tokens=1024)
            write(0, [alone.questions, results(hre.evaluate(alone, data, limit=5, progress=False))])""", python=self.torch_python)
        alone = self.read_json("results.0.json")[1]
        self.assertEqual(14 * 5, len(alone[1]) // 4)
        for processes in (2, 3):
            found = self.torchrun(processes, """
from shared import *
torch.distributed.init_process_group("gloo")
mine = Counting(model(), Bytes(), batch_tokens=1024, fingerprint="w", processes=hre.transformers.Processes())
run = hre.evaluate(mine, data, limit=5, store="runs.db", name=f"by-{torch.distributed.get_world_size()}", progress=False)
try:
    hre.evaluate(mine, "nowhere", progress=False)
except hre.InputError as problem:  # of process 0, in every one
    write(torch.distributed.get_rank(), [mine.questions, results(run), str(problem)])
""")
            for questions, values, problem in found:
                self.assertEqual(alone, values)
                self.assertIn("nowhere: ", problem)
                self.assertGreater(questions, 70 // processes // 2)
            self.assertEqual(70, sum(questions for questions, _, _ in found))
            kept = self.run_python("""
                import json, hre
                store = hre.Store("runs.db")
                print(json.dumps([store.list()[0]["name"], store.load("last").value]))""")
            self.assertEqual([f"by-{processes}", alone[0]], kept)
            (self.folder / "runs.db").unlink()

    def test_documentation(self):
        block, = (block for block in documented_blocks() if "torch.distributed" in block)
        found = self.torchrun(2, f"""
from shared import *
model, tokenizer = model(), Bytes()
{block}
write(processes.rank, results(run))
""")
        self.assertEqual(found[0], found[1])
        self.assertIsNotNone(found[0][0])

    def test_processes_that_die_or_fall_silent(self):
        """Without torchrun, which would end the others itself."""
        self.write("script.py", """
from shared import *
rank, case = int(sys.argv[1]), sys.argv[2]
torch.distributed.init_process_group("gloo", init_method=f"file://{os.getcwd()}/meeting.{case}", rank=rank, world_size=3)
class Failing(hre.transformers.Model):
    def _score_passes(self, passes):
        if rank == 1 and case == "raises":
            raise KeyError("mine")
        if rank == 1 and case == "dies":
            os._exit(7)
        if rank == 1 and case == "silent":
            time.sleep(90)
        return super()._score_passes(passes)
mine = Failing(model(), Bytes(), processes=hre.transformers.Processes(timeout=5 if case == "silent" else 300))
started = time.monotonic()
try:
    hre.evaluate(mine, data, limit=1, progress=False)
except hre.Error as problem:
    write(rank, [str(problem), time.monotonic() - started])
    os._exit(0)
""")
        expected = {"raises": ("process 1: KeyError: 'mine'",) * 3,
                    "dies": ("process 1 of 3 ended", None, "process 0 of 3 ended"),
                    "silent": ("process 1 of 3 ended, or was silent for 5 seconds", None, "process 0 of 3 ended")}
        for case, messages in expected.items():
            processes = [subprocess.Popen([self.torch_python, "script.py", str(rank), case], cwd=self.folder, env=self.environment, stderr=subprocess.PIPE, text=True)
                         for rank in range(3)]
            for rank in (0, 2):
                self.assertEqual(0, processes[rank].wait(timeout=400 * SLOWER), case)
            processes[1].kill() if case == "silent" else None
            for process in processes:
                process.communicate()
            for rank, message in enumerate(messages):
                if message:
                    text, seconds = self.read_json(f"results.{rank}.json")
                    self.assertIn(message, text)
                    self.assertLess(seconds, 80, case)

    def test_in_a_training_loop(self):
        """Every process has the same runs, each by its share of the questions, and the first one's log has the values."""
        found = self.torchrun(2, """
from shared import *
hre.transformers.Model = Counting
network = model()
rows = [{"input_ids": ids, "labels": ids} for ids in ([3 + i % 250] * 8 for i in range(64))]
pad = lambda rows: {key: torch.tensor([row[key] for row in rows]) for key in rows[0]}
arguments = transformers.TrainingArguments(output_dir="out", max_steps=4, per_device_train_batch_size=4, report_to=[], save_strategy="no", use_cpu=True, disable_tqdm=True)
trainer = transformers.Trainer(model=network, args=arguments, train_dataset=rows, data_collator=pad, processing_class=Bytes())
counted = []
evaluate = hre.evaluate
def counting(mine, *arguments, **options):
    run = evaluate(mine, *arguments, **options)
    counted.append(mine.questions)
    return run
hre.evaluate = counting
callback = hre.transformers.Callback(data, every=2, limit=2, store="curve.db").attach(trainer)
trainer.train()
write(torch.distributed.get_rank(), [[[step, results(run)] for step, run in callback.runs], counted, [row["eval/hre"] for row in trainer.state.log_history if "eval/hre" in row]])
""")
        self.assertEqual(found[0][0], found[1][0])
        self.assertEqual([0, 2, 4], [step for step, _ in found[0][0]])
        self.assertEqual(3, len({values[0] for _, values in found[0][0]}), "training changes the model")
        for a, b in zip(found[0][1], found[1][1], strict=True):
            self.assertEqual(28, a + b)
            self.assertGreater(min(a, b), 5)
        self.assertEqual([values[0] for _, values in found[0][0]], found[0][2])


if __name__ == "__main__":
    unittest.main()
