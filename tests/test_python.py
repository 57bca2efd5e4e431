"""The Python package: its values are the program's, data comes in every form, and its examples run.

test_torch.py has what needs PyTorch and Transformers.
"""

import json
import os
import pathlib
import re
import signal
import subprocess
import textwrap
import time
import unittest

from program import BUILD_DIR, SLOWER, SOURCE_DIR, ProgramTest, clean_environment, test_python
from stand_in_server import StandIn
from test_edges import OBEYED

#: The folder in which the package lies: HRE_PACKAGE names another one, such as that into which pip installed a wheel.
PACKAGE = pathlib.Path(os.environ.get("HRE_PACKAGE") or BUILD_DIR / "python").resolve()
TOPICS = ["python", "unix"]


def sanitizers():
    """What a plain Python needs to load a library that was built with sanitizers."""
    wanted = os.environ.get("HRE_SANITIZE", "")
    if not wanted:
        return {}
    if "address" not in wanted:
        raise unittest.SkipTest(f"a plain Python can't load a library built with {wanted}")
    # Exceptions are only found by the runtime where the C++ library is there before it.
    runtimes = [
        subprocess.run(
            [os.environ["HRE_CXX_COMPILER"], f"-print-file-name={name}"], capture_output=True, text=True, check=True
        ).stdout.strip()
        for name in ("libasan.so", "libstdc++.so")
    ]
    return {"LD_PRELOAD": " ".join(runtimes), "ASAN_OPTIONS": "detect_leaks=0"}


def documented_blocks():
    """The Python of docs/python.md, each block with the output that is shown after it, or None."""
    text = (SOURCE_DIR / "docs" / "python.md").read_text(encoding="utf-8")
    return [(block[1], block[2]) for block in re.finditer(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```)?", text, re.M | re.S)]


class PackageTest(ProgramTest):
    @classmethod
    def setUpClass(cls):
        cls.python, cls.sanitizers = test_python(), sanitizers()
        if not (PACKAGE / "hre" / "__init__.py").exists():
            raise unittest.SkipTest("the Python package was not built: nanobind or Python's headers are missing")

    def run_python(self, code, *arguments, status=0, python=None, quiet=False, **environment):
        """Runs a program that may print JSON, which is given back."""
        done = subprocess.run(
            [python or self.python, "-c", textwrap.dedent(code), *map(str, arguments)],
            cwd=self.folder,
            capture_output=True,
            text=True,
            env=clean_environment(PYTHONPATH=str(PACKAGE), **self.sanitizers, **environment),
            timeout=600 * SLOWER,
            check=False,
        )
        self.assertEqual(status, done.returncode, done.stdout + done.stderr)
        return json.loads(done.stdout) if done.stdout.strip() and not quiet else None


class PythonTest(PackageTest):
    def test_every_example_runs(self):
        """Every public object is documented and has an example, in which each of its members is used; and the examples are right."""
        self.run_python(
            """
            import doctest, inspect, json, hre, hre._data, hre._model, hre._run
            wrong, examples = [], []
            for name in hre.__all__:
                thing = getattr(hre, name)
                parsed = doctest.DocTestParser().get_doctest(thing.__doc__ or "", dict(vars(hre._run)), name, None, 0)
                if not parsed.examples:
                    wrong.append(f"{name} has no example")
                runner = doctest.DocTestRunner()
                if runner.run(parsed).failed:
                    wrong.append(f"{name}: its example fails")
                source = "".join(example.source for example in parsed.examples)
                for member in [member for member in dir(thing) if not member.startswith("_")] if inspect.isclass(thing) and not issubclass(thing, Exception) else []:
                    if not inspect.getdoc(getattr(thing, member)):
                        wrong.append(f"{name}.{member} is not documented")
                    if f".{member}" not in source:
                        wrong.append(f"{name}.{member} is in no example")
            wrong += [f"a method's example of {module.__name__} fails" for module in (hre, hre._data, hre._model, hre._run) if doctest.testmod(module).failed]
            with open("wrong.json", "w") as file:
                json.dump(wrong, file)""",
            quiet=True,
        )
        self.assertEqual([], self.read_json("wrong.json"))

    def test_import_is_light(self):
        """Neither of the libraries that take long to load; and little more than Python has at its start."""
        found = self.run_python("""
            import json, sys, time
            before = set(sys.modules)
            started = time.process_time()
            import hre
            seconds = time.process_time() - started
            print(json.dumps([sorted(set(sys.modules) - before), seconds]))""")
        heavy = {
            "numpy",
            "torch",
            "pandas",
            "pyarrow",
            "polars",
            "datasets",
            "tqdm",
            "transformers",
            "asyncio",
            "ssl",
            "sqlite3",
            "http.client",
            "multiprocessing",
        }
        self.assertEqual(set(), {module.split(".")[0] for module in found[0]} & heavy)
        self.assertLess(len(found[0]), 60, found[0])
        if not self.sanitizers:
            self.assertLess(found[1], 0.2 * 5, "processor seconds; 0.2 on a machine of one's own")

    def test_stubs(self):
        """hre/_core.pyi has every public member of hre._core, with as many parameters; the rest of the package has its types inline."""
        stub = PACKAGE / "hre" / "_core.pyi"
        if not stub.exists():
            self.skipTest("a build with sanitizers makes no stubs")
        missing = self.run_python(
            """
            import ast, inspect, json, re, sys, hre
            from hre import _core
            stub = ast.parse(open(sys.argv[1]).read())
            def arguments(function):
                return [one.arg for one in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]
            def compare(thing, body, place, wrong):
                known = {node.name: node for node in body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
                known.update({node.target.id: node for node in body if isinstance(node, ast.AnnAssign)})
                for name in dir(thing):
                    if name.startswith("_") and name != "__len__":
                        continue
                    if name not in known:
                        wrong.append(f"{place}{name} is missing")
                    elif inspect.isclass(getattr(thing, name)):
                        compare(getattr(thing, name), known[name].body, f"{name}.", wrong)
                    elif isinstance(known[name], ast.FunctionDef) and callable(getattr(thing, name)):
                        signature = re.search(r"\\((.*?)\\) ?(->|$)", (getattr(thing, name).__doc__ or "").split("\\n")[0])
                        if signature and len(re.findall(r"\\w+: ", signature[1])) != len([a for a in arguments(known[name]) if a != "self"]):
                            wrong.append(f"{place}{name} has other parameters: {signature[0]} and {arguments(known[name])}")
                return wrong
            wrong = compare(_core, stub.body, "", [])
            for name in hre.__all__:  # annotations where types are inline
                thing = getattr(hre, name)
                members = [(name, thing)] if inspect.isfunction(thing) else [
                    (f"{name}.{key}", value.fget if isinstance(value, property) else value) for key, value in vars(thing).items()
                    if thing.__module__ != "hre._core" and (not key.startswith("_") or key == "__init__") and (inspect.isfunction(value) or isinstance(value, property))]
                for place, function in members:
                    signature = inspect.signature(function)
                    untyped = [key for key, one in signature.parameters.items() if one.annotation is one.empty and key not in ("self", "core", "result")]
                    if untyped or (signature.return_annotation is signature.empty and not place.endswith("__init__")):
                        wrong.append(f"{place} lacks types: {untyped}")
            print(json.dumps(wrong))""",
            stub,
        )
        self.assertEqual([], missing)
        self.assertTrue((PACKAGE / "hre" / "py.typed").exists())

    def test_documentation(self):
        """Every block of docs/python.md, in order, prints what is shown after it; those of Transformers are run by test_torch.py."""
        blocks = [block for block in documented_blocks() if "hre.transformers" not in block[0]]
        self.assertGreater(len(blocks), 6)
        self.assertGreater(len([shown for _, shown in blocks if shown]), 2)
        self.write("blocks.json", json.dumps(blocks))
        different = self.run_python("""
            import contextlib, doctest, io, json
            names, different = {}, []
            for block, shown in json.load(open("blocks.json")):
                printed = io.StringIO()
                with contextlib.redirect_stdout(printed):
                    exec(block, names)
                if shown is not None and not doctest.OutputChecker().check_output(shown, printed.getvalue(), doctest.ELLIPSIS):
                    different.append(f"{block}\\nprints\\n{printed.getvalue()}\\nand not\\n{shown}")
            print(json.dumps(different))""")
        self.assertEqual([], different, "\n".join(different))

    def test_beside_other_libraries(self):
        """No symbol of a library that hre brings takes the place of one that Python's modules mean."""
        for modules in (
            "ssl, hmac, hashlib",
            "pandas, pyarrow.parquet, pyarrow.dataset, polars",
            "sqlite3, zlib, lzma, xml.etree.ElementTree",
        ):
            self.run_python(f"import hre, {modules}; import ssl; ssl.create_default_context()")

    def test_notebook(self):
        """Every cell of docs/python.ipynb runs, and gives outputs like those that it shows."""
        done = subprocess.run(
            [self.python, SOURCE_DIR / "tools" / "run_notebook.py", SOURCE_DIR / "docs" / "python.ipynb"],
            capture_output=True,
            text=True,
            env=clean_environment(PYTHONPATH=str(PACKAGE), **self.sanitizers),
            timeout=600 * SLOWER,
            check=False,
        )
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"\A\d+ cells, 0 different\n\Z")

    def test_values_are_the_programs(self):
        model = SOURCE_DIR / "models" / "hre-base-q8_0.gguf"
        for spec, options in ((model, {"threads": 1, "long_answers": "truncate"}), ("baseline:zstd", {})):
            arguments = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value)]
            self.run_hre(
                "eval",
                spec,
                "--data",
                "sample",
                "--limit",
                2,
                "--topic",
                "python",
                "--topic",
                "unix",
                *arguments,
                "--quiet",
                "--details",
                "--json",
                "run.json",
            )
            found = self.run_python(
                """
                import json, sys, hre
                run = hre.evaluate(sys.argv[1], "sample", limit=2, topics=["python", "unix"], progress=False, **json.loads(sys.argv[2]))
                assert run.value == run.summary["pearson"]["mean"] and not run.partial
                run.save("saved.json")
                assert hre.load("saved.json").value == run.value
                print(run.json())""",
                spec,
                json.dumps(options),
            )
            expected = self.read_json("run.json")
            if "HRE_PACKAGE" in os.environ:  # a wheel's engine is built for other processors too
                expected["config"].pop("engine_build", None), found["config"].pop("engine_build", None)
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
        runs = "".join(
            f'[[run]]\nrun = "{name}.json"\nfamily = "F"\nsize = 1000\nstage = "{stage}"\nname = "{name}"\n'
            for name, stage in stages.items()
        )
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
        self.write(
            "gate.toml", 'level = 0.1\n[[check]]\nmetric = "bits_per_byte"\nmargin = 0.01\n[[check]]\nscore = "sum"\ntopics = "p*"\n'
        )
        calls = (
            ("--margin", 0.9),
            ("--margin", 0.001, "--score", "per-byte", "--topics", "c*", "--level", 0.2, "--weights", "topics", "--metric", "spearman"),
            ("--policy", "gate.toml"),
        )
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
        for expected, error in zip(
            ("level: ", "margin: ", "no topic matches 'none'", "score: 'x' is not one of", "new.json: line 1"), found[1], strict=True
        ):
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
        found = self.run_python(
            """
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
            print(json.dumps([[run.value for run in runs], hre.compare(*runs).data, hre.power(runs[0]).data, hre.gate(*runs).data, errors]))""",
            *names,
        )
        for (_, mean, _), value in zip(said, found[0], strict=True):
            self.assertAlmostEqual(mean, value, places=12)
        self.assertEqual([self.read_json(f"{name}.json") for name in ("compared", "power", "gate")], found[1:4])
        for expected, error in zip(
            ("is a log of another harness", "there is no value 'third'", "is no log", "has no answers' log-likelihoods"),
            found[4],
            strict=True,
        ):
            self.assertIn(expected, error)
        self.assertEqual((self.folder / "program/index.html").read_bytes(), (self.folder / "package/index.html").read_bytes())

    def test_scores_are_the_programs(self):
        """Two models that come with hre, one tuned from the other: against the reference, and what moved from it on the page."""
        models = [SOURCE_DIR / "models" / f"hre-{name}-q8_0.gguf" for name in ("tuned", "base")]
        for name, model in zip(("tuned", "base"), models):
            self.run_hre(
                "eval", model, "--data", "sample", "--topic", "python", "--keep-tokens", "--quiet", "--details", "--json", f"{name}.json"
            )
        self.run_hre(
            "eval",
            models[0],
            "--data",
            "sample",
            "--topic",
            "python",
            "--reference",
            models[1],
            "--quiet",
            "--details",
            "--json",
            "program.json",
        )
        self.run_hre("report", "tuned.json", "--reference", "base.json", "--out", "program", "--quiet", env={"PATH": "/nonexistent"})
        found = self.run_python(
            """
            import json, os, sys, hre
            os.environ["PATH"] = "/nonexistent"
            tuned, base = hre.load("tuned.json"), hre.load("base.json")
            moved = tuned.with_score(reference=base)
            hre.report(moved, out="package", progress=False)
            evaluated = [hre.evaluate(model, "sample", topics=["python"], progress=False) for model in sys.argv[1:]]
            print(json.dumps([moved.data, evaluated[0].with_score(reference=evaluated[1]).data]))""",
            *models,
        )
        expected = self.read_json("program.json")
        for run in found:
            self.assertEqual(expected["results"], run["results"])
            self.assertEqual(expected["reference"]["name"], run["reference"]["name"])
            for one, other in zip(expected["questions"], run["questions"], strict=True):
                self.assertEqual(
                    [[a["score"], a["reference_log_prob"]] for a in one["answers"]],
                    [[a["score"], a["reference_log_prob"]] for a in other["answers"]],
                )
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
        for message, expected in zip(
            found,
            (
                "row 2: 'votes' is missing or of another type",
                "row 2: 'answers' is missing",
                "row 2: 'question'",
                "row 2: ",
                "row 2, column answers: no answers",
                "row 2: its votes are not finite",
                "no questions",
                "nowhere: ",
                "nowhere.gguf: no such file",
                "no option 'thread'",
                "not one of: never, auto, always",
                "int is no model",
                "1 results for 2 pairs",
                "",
                "'mine'",
            ),
            strict=True,
        ):
            self.assertIn(expected, message or "")
        self.assertRegex(found[-2], "many")

    def test_every_option_of_the_program(self):
        """Each option of hre eval is an argument here, or is the program's alone; and the other way round."""
        other_names = {
            "topic": "topics",
            "no_shuffle": "shuffle",
            "prompt_file": "prompt",
            "lora": "adapters",
            "device": "devices",
            "no_cache": "reuse",
        }
        programs = {
            "help",
            "help_all",
            "models",
            "shard",
            "rank_timeout",  # several models, jobs and ranks: loops, and hre.transformers.Processes
            "cluster",  # hre.compare's
            "score",
            "reference",
            "gate",  # Run.with_score, hre.gate
            "metrics",
            "json",
            "details",
            "reference_json",
            "stats",
            "quiet",  # what is shown: Run has it all
            "recheck",
            "verify_weights",
            "explain",
        }  # checks of a store and of the cache
        options = {
            name.replace("-", "_") for name in re.findall(r"^ {2,6}(?:-\w,)?--([a-z-]+)", self.run_hre("eval", "--help-all").stdout, re.M)
        }
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
        refused = self.run_python(
            """
            import json, sys, hre
            refused = []
            for name in json.loads(sys.argv[1]):
                try:
                    hre.open_model("baseline:zstd", **{name: object()})
                except hre.InputError as problem:
                    refused.append(str(problem))
            print(json.dumps(refused))""",
            json.dumps(sorted(expected - set(evaluate))),
        )
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
        questions = [
            {
                "topic": f"{evil} {i % 2}",
                "question": f"q{i}",
                "answers": [{"text": f"{evil} {'x' * (7 * a * i % 11)}", "votes": a} for a in range(4)],
            }
            for i in range(6)
        ]
        name = "evil\x1b[31m\nnext line.jsonl"
        self.write(name, "".join(json.dumps(question) + "\n" for question in questions))
        for model in ("length", "zstd"):
            self.run_hre("eval", f"baseline:{model}", "--data", name, "--details", "--json", f"{model}.json", "--quiet")
            run = self.read_json(f"{model}.json")
            run["model"]["name"] = run["model"]["source"] = f"{model} {evil}"
            self.write(f"{model}.json", json.dumps(run))
        found = self.run_python(
            """
            import json, sys, hre
            runs = [hre.load(f"{model}.json") for model in ("length", "zstd")]
            data = hre.load_dataset(sys.argv[1])
            compared = hre.compare(*runs, allow_different=True)
            print(json.dumps([repr(runs[0]), repr(runs), str(runs[1]), repr(data), str(compared), repr(compared),
                              repr(hre.gate(*runs, allow_different=True)), repr(hre.evaluate("baseline:length", data))]))""",
            name,
        )
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
        self.assertEqual(
            [f"{name}: a baseline has no model to apply it to" for name in ("kv_type", "max_length", "bos", "precision")], found
        )

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
        self.write(
            "slow.py",
            textwrap.dedent("""
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
                print("interrupted", flush=True)"""),
        )
        # A shell without a terminal lets its background jobs ignore the signal, and their children too.
        process = subprocess.Popen(
            [self.python, "slow.py"],
            cwd=self.folder,
            env=clean_environment(PYTHONPATH=str(PACKAGE), **self.sanitizers),
            stdout=subprocess.PIPE,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            text=True,
        )
        process.stdout.readline()
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=60 * SLOWER)[0]
        self.assertIn("interrupted", rest)
        self.assertLess(rest.count("scoring"), 20)
        self.assertLess(time.monotonic() - started, 30)

    def test_threads(self):
        """Other threads go on while one evaluates, and two evaluate at once."""
        self.assertTrue(
            self.run_python("""
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
            print(json.dumps(runs == expected and ticks > 0))""")
        )

    def test_progress(self):
        self.assertEqual(
            ["tokenising", "scoring"],
            self.run_python("""
            import json, hre
            class Listener:
                stages, ends = [], 0
                def begin(self, stage, total, unit): self.stages.append(stage); self.total = total
                def advance(self, done): self.done = done
                def end(self): assert self.done == self.total; Listener.ends += 1
                def note(self, message): pass
            hre.evaluate("baseline:zstd", "sample", limit=1, progress=Listener())
            assert Listener.ends == len(Listener.stages)
            print(json.dumps(Listener.stages))"""),
        )

    def test_progress_by_tqdm(self):
        """A class with tqdm's interface gets its total, description and unit, is updated to its end and closed; notes go through write."""
        bars, written = self.run_python("""
            import json, hre
            class Bar:
                bars, written = [], []
                def __init__(self, iterable=None, desc=None, total=None, leave=True, unit="it", **_):
                    self.n, self.row = 0, [desc, total, unit, leave, 0]
                    Bar.bars.append(self.row)
                def update(self, n=1):
                    assert self.row[4] == 0, "after its end"
                    self.n += n
                def close(self):
                    self.row[4] = self.n
                @classmethod
                def write(cls, text, **_): cls.written.append(text)
            rows = [{"question": f"q {i}", "answers": [{"text": "a" * (k + 1) * 50, "votes": k} for k in range(4)]} for i in range(8)]
            hre.evaluate("baseline:zstd", rows, progress=Bar)
            print(json.dumps([Bar.bars, Bar.written]))""")
        self.assertEqual([["tokenising", 8, " questions", False, 8], ["scoring", 8, " questions", False, 8]], bars)
        self.assertEqual([], written)

    @unittest.skipIf(os.environ.get("HRE_SANITIZE"), "sanitizers keep what was freed for a while")
    def test_nothing_is_left_behind(self):
        """Many evaluations in one process, by an object and by the engine, take no more memory than some."""
        grown = self.run_python(
            """
            import json, os, sys, hre
            class Short:
                def loglikelihoods(self, pairs): return [[-1.0, -2.0] for _ in pairs]
            rows = [{"question": f"q {i}", "answers": [{"text": "a" * (k + 1) * 50, "votes": k} for k in range(4)]} for i in range(8)]
            def used():
                with open("/proc/self/statm") as file:
                    return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            def times(n, model, rows):
                for i in range(n):
                    run = hre.evaluate(model, rows, progress=False)
                    assert len(run.questions) == len(rows) and run.value is not None
            opened = hre.open_model(sys.argv[1], threads=1)
            grown = []
            for model, some in ((Short(), rows), (opened, [{**row, "answers": [{"text": "It is. " * (a + 1), "votes": a} for a in range(3)]} for row in rows[:1]])):
                times(200, model, some)
                before = used()
                times(800, model, some)
                grown.append(used() - before)
            print(json.dumps(grown))""",
            SOURCE_DIR / "models" / "hre-base-q8_0.gguf",
        )
        self.assertLess(max(grown), 4_000_000, grown)


class ServedTest(PackageTest):
    def test_notes_after_opening(self):
        """A server that fails amid the work is told to the listener with which the model was opened."""
        rows = [
            {"topic": "t", "question": f"question {i}", "answers": [{"text": f"answer {a} " * (1 + a), "votes": a} for a in range(4)]}
            for i in range(40)
        ]
        self.write("rows.json", json.dumps(rows))
        with StandIn("vllm", delay=0.01) as a, StandIn("vllm", "401", after=8, times=1000) as b:
            notes = self.run_python(
                """
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
                print(json.dumps(Listener.notes))""",
                f"server:{a.url},{b.url}",
            )
        self.assertRegex(" ".join(notes), "left out|take over")


if __name__ == "__main__":
    unittest.main()
