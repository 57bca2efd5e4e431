"""hre watch: checkpoints are evaluated as they become complete, each once, whatever is killed."""

import contextlib
import dataclasses
import http.server
import itertools
import json
import lzma
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import statistics
import struct
import subprocess
import sys
import threading
import time

import gguf_files
from program import PROGRAM, SLOWER, SOURCE_DIR, ProgramTest, clean_environment, torch_python

MODELS = SOURCE_DIR / "tests" / "data" / "models"
N_STEPS = 20
VALUES, TENSORS = gguf_files.read(lzma.decompress((MODELS / "llama-gqa.gguf.xz").read_bytes()))


def model_of(step, parts=1):
    """The files of a checkpoint, as bytes: the same model with other weights at each step."""
    generator = random.Random(step)
    tensors = []
    for tensor in TENSORS:
        if tensor.name == "output.weight":
            n = len(tensor.data) // 4
            numbers = struct.unpack(f"<{n}f", tensor.data)
            tensor = dataclasses.replace(tensor, data=struct.pack(f"<{n}f", *(x + generator.gauss(0, 0.2) for x in numbers)))
        tensors.append(tensor)
    files = []
    scratch = pathlib.Path(os.environ.get("TMPDIR", "/tmp")) / f"hre-watch-model-{os.getpid()}-{threading.get_ident()}"
    for i in range(parts):
        own = dict(VALUES) if i == 0 else {}
        if parts > 1:
            own["split.no"], own["split.count"] = gguf_files.value(gguf_files.U16, i), gguf_files.value(gguf_files.U16, parts)
            own["split.tensors.count"] = gguf_files.value(gguf_files.I32, len(tensors))
        gguf_files.write(scratch, own, tensors[len(tensors) * i // parts : len(tensors) * (i + 1) // parts])
        files.append(scratch.read_bytes())
    scratch.unlink()
    return files


def files_of(folder, step):
    """How the simulated training lays down a step: a manner, and its files with their bytes."""
    manner = ("atomic", "slow", "sharded", "folder")[step % 4]
    if manner == "sharded":
        return manner, {folder / f"step-{step}-{i + 1:05}-of-00003.gguf": data for i, data in enumerate(model_of(step, 3))}
    name = folder / f"step-{step}" / "model.gguf" if manner == "folder" else folder / f"step-{step}.gguf"
    return manner, {name: model_of(step)[0]}


def train(folder, first, seed):
    """The training: writes checkpoints from this step on, at random speeds."""
    generator = random.Random(seed)
    for step in range(first, N_STEPS + 1):
        manner, files = files_of(folder, step)
        for path, data in files.items():
            path.parent.mkdir(exist_ok=True)
            if manner == "atomic":
                path.with_name(path.name + ".tmp").write_bytes(data)
                time.sleep(generator.uniform(0, 0.2))
                path.with_name(path.name + ".tmp").rename(path)
                continue
            with open(path, "wb", buffering=0) as file:
                cuts = sorted(generator.randrange(len(data)) for _ in range(generator.randrange(1, 5)))
                for begin, end in zip([0, *cuts], [*cuts, len(data)]):
                    file.write(data[begin:end])
                    time.sleep(generator.uniform(0, 0.25))
        time.sleep(generator.choice((0, 0, 0.1, 0.8)))


def questions():
    """36 questions in two topics, as JSON lines."""
    known = [json.loads(line) for line in (MODELS / "questions.jsonl").read_text(encoding="utf-8").splitlines()]
    lines = []
    for i in range(36):
        one = known[i % 3]
        answers = [{**answer, "text": f"{answer['text']} ({i})"} for answer in one["answers"]]
        lines.append(json.dumps({"topic": "ab"[i % 2], "question": f"{i}: {one['question']}", "answers": answers}))
    return "\n".join(lines) + "\n"


class WatchTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.write("q.jsonl", questions())
        (self.folder / "run").mkdir()

    def command(self, *options, folder="run", store="runs.db"):
        return [
            "watch",
            folder,
            "--data",
            "q.jsonl",
            "--store",
            store,
            "--threads",
            "1",
            "--every",
            "0.1",
            "--settle",
            "0.4",
            *map(str, options),
        ]

    def watch(self, *options, **more):
        places = {name: more.pop(name) for name in ("folder", "store") if name in more}
        return self.run_hre(*self.command(*options, **places), **more)

    def start(self, *options, **places):
        environment = clean_environment(
            XDG_STATE_HOME=str(self.folder / "state"), XDG_CACHE_HOME=str(self.folder / "cache"), HRE_STORE=None
        )
        process = subprocess.Popen(
            [PROGRAM, *self.command(*options, **places)],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

        def end():
            process.kill()
            process.communicate()

        self.addCleanup(end)
        return process

    def lines(self, name="run/hre-watch.jsonl"):
        path = self.folder / name
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def wait_for(self, condition, seconds=60):
        end = time.monotonic() + seconds * SLOWER
        while not condition():
            self.assertLess(time.monotonic(), end, "it did not happen in time")
            time.sleep(0.05)

    def put(self, step, name=None):
        path = self.folder / "run" / (name or f"step-{step}.gguf")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(model_of(step)[0])
        return path

    def values_of(self, paths):
        """What hre eval says of these models."""
        self.run_hre("eval", *paths, "--data", "q.jsonl", "--store", "none", "--threads", "1", "--json", "eval.json", "--quiet")
        runs = self.read_json("eval.json")
        return [run["results"]["micro"]["pearson"]["mean"] for run in (runs if isinstance(runs, list) else [runs])]


class TrainingTest(WatchTest):
    def test_a_training_with_kills(self):
        """A training writes 20 checkpoints in four manners; it, the watch and both together (the machine) are killed at random
        moments. Every checkpoint that is whole is evaluated once, no other is, and the values are those of hre eval."""
        seed = int(os.environ.get("HRE_TEST_SEED") or random.randrange(10**6))
        print(f"HRE_TEST_SEED={seed}", file=sys.stderr)
        generator = random.Random(seed)
        folder = self.folder / "run"
        options = ["--quiet", "--on-result", "echo $HRE_STEP >> told", "--page", "page"]
        begun = lambda: sum(
            1 for step in range(1, N_STEPS + 1) if any(path.exists() or path.with_name(path.name + ".tmp").exists() for path in names[step])
        )
        names = {step: list(files_of(folder, step)[1]) for step in range(1, N_STEPS + 1)}
        trainer = watcher = None
        kills = 0
        for kill in (*(generator.choice(("trainer", "watcher", "watcher", "machine")) for _ in range(6)), "none"):
            if trainer is None:
                trainer = subprocess.Popen([sys.executable, "-B", __file__, "train", folder, str(begun() + 1), str(generator.random())])
                self.addCleanup(trainer.kill)
            if watcher is None:
                watcher = self.start(*options)
            if kill == "none":
                break
            time.sleep(generator.uniform(0.3, 2.2))
            if kill in ("trainer", "machine"):
                trainer.kill()
                trainer.wait()
                trainer = None
            if kill in ("watcher", "machine"):
                watcher.kill()
                watcher.communicate()
                watcher = None
                kills += 1
        self.assertEqual(0, trainer.wait(timeout=120))
        watcher.send_signal(signal.SIGTERM)
        self.assertEqual(130, watcher.wait(timeout=60 * SLOWER))
        done = self.watch("--once", *options)

        whole = {
            step: next(iter(files))
            for step, (_, files) in ((step, files_of(folder, step)) for step in names)
            if all(path.exists() and path.read_bytes() == data for path, data in files.items())
        }
        lines = self.lines()
        self.assertGreaterEqual(len(whole), N_STEPS - 6)
        self.assertEqual(["evaluated"] * len(lines), [line["status"] for line in lines], done.stderr)
        self.assertEqual(sorted(whole), sorted(line["step"] for line in lines), "each once, and those alone")
        self.assertEqual({str(path) for path in whole.values()}, {line["path"] for line in lines})
        self.assertEqual({str(folder)}, {line["training"] for line in lines})

        # The store has each of them once, with all questions.
        with contextlib.closing(sqlite3.connect(self.folder / "runs.db")) as store:
            self.assertEqual(len(whole), store.execute("SELECT count(*) FROM run").fetchone()[0])
        self.assertEqual({36}, {line["questions"] for line in lines})
        self.assertEqual(len(whole), len({line["run"] for line in lines}))

        # Results were told at least once, and again only where the watch was killed meanwhile.
        told = [int(step) for step in (self.folder / "told").read_text().split()]
        self.assertEqual(set(whole), set(told))
        self.assertLessEqual(len(told), len(whole) + kills)

        # The curve.
        steps = sorted(whole)
        by_step = {line["step"]: line for line in lines}
        expected = self.values_of([whole[step] for step in steps])
        self.assertEqual(len(set(expected)), len(expected), "the checkpoints differ")
        self.assertEqual(expected, [by_step[step]["value"] for step in steps])
        best = None
        for i, line in enumerate(lines):
            with self.subTest(step=line["step"]):
                if i == 0:
                    self.assertIsNone(line["since_first"] or line["since_last"] or line["since_best"])
                else:
                    for name, earlier in (("first", lines[0]), ("last", lines[i - 1]), ("best", best)):
                        self.assertEqual(earlier["path"], line[f"since_{name}"]["path"])
                        self.assertAlmostEqual(line["value"] - earlier["value"], line[f"since_{name}"]["difference"], 9)
                self.assertEqual(best is None or line["value"] > best["value"], line["best"])
                best = line if line["best"] else best
        table = [row.split("\t") for row in (self.folder / "page/figures/training_steps.tsv").read_text().splitlines()[1:]]
        self.assertEqual(steps, [int(row[1]) for row in table])
        for value, row in zip(expected, table):
            self.assertAlmostEqual(value, float(row[2]), 5)
        by_page = (self.folder / "page/tables/training.csv").read_text()
        self.run_hre("report", *(by_step[step]["run"] for step in steps), "--store", "runs.db", "--out", "report", "--quiet")
        self.assertEqual(by_page, (self.folder / "report/tables/training.csv").read_text(), "the page's curve is that of all runs")
        by_file = self.run_hre("report", "run/hre-watch.jsonl", "--store", "runs.db", "--out", "report2", "--quiet")
        self.assertEqual(by_page, (self.folder / "report2/tables/training.csv").read_text(), "which the watch's results name")
        self.assertIn(
            f"Training run: {len(steps)} checkpoints from step {steps[0]} to {steps[-1]}; HumanRankEval went from",
            " ".join(by_file.stdout.split()),
        )
        row = dict(zip(*(line.split(",") for line in by_page.splitlines())))
        self.assertEqual(
            (str(len(steps)), str(steps[0]), str(steps[-1]), "5"),
            tuple(row[name] for name in ("checkpoints", "first_step", "last_step", "last_checkpoints")),
        )
        noise = statistics.stdev(expected[-5:])
        squares = [(a - b) ** 2 for a, b in itertools.pairwise(expected)]
        for name, number in (
            ("best", max(expected)),
            ("noise", noise),
            ("range", max(expected) - min(expected)),
            ("signal_to_noise", (max(expected) - min(expected)) / noise),
            ("neighbour_noise", (sum(squares) / (2 * len(squares))) ** 0.5),
        ):
            self.assertAlmostEqual(1, float(row[name]) / number, 3, name)


class CompletenessTest(WatchTest):
    def test_a_file_that_is_filled_where_it_lies(self):
        """Its size is right from the beginning: only its times tell that it is being written."""
        data = model_of(3)[0]
        path = self.folder / "run" / "step-3.gguf"
        watcher = self.start("--quiet")
        with open(path, "wb", buffering=0) as file:
            file.write(data[:20000])
            file.truncate(len(data))
            for begin in range(20000, len(data), 8000):
                file.write(data[begin : begin + 8000])
                time.sleep(0.1)
                self.assertEqual([], self.lines())
        self.wait_for(self.lines)
        watcher.terminate()
        self.assertNotIn("changed while it was evaluated", watcher.communicate(timeout=60 * SLOWER)[1], "it was taken too early")
        self.assertEqual(130, watcher.returncode)
        self.assertEqual(self.values_of([path]), [line["value"] for line in self.lines()])

    def test_what_is_not_complete(self):
        path = self.put(1)
        path.write_bytes(path.read_bytes()[:-100])
        done = self.watch("--once")
        self.assertIn("step-1.gguf is not complete: step-1.gguf: the file is broken near byte", done.stderr)
        self.assertIn("there is no complete checkpoint in", done.stderr)
        self.assertEqual([], self.lines())
        done = self.watch("--once", "--patience", "0")
        self.assertIn("step-1.gguf failed: it is not complete, and nothing has changed for 0 s: ", done.stderr)
        self.assertEqual(["failed"], [line["status"] for line in self.lines()])
        self.assertNotIn("step-1.gguf", self.watch("--once", "--patience", "0").stderr, "it is said once")
        self.put(1)
        self.watch("--once")
        self.assertEqual(["failed", "evaluated"], [line["status"] for line in self.lines()])

    def test_one_that_is_removed_before_its_turn(self):
        paths = [self.put(step) for step in (1, 2, 3)]
        watcher = self.start("--quiet", "--on-result", "sleep 3; true")
        self.wait_for(self.lines)
        paths[1].unlink()
        self.wait_for(lambda: len(self.lines()) == 3)
        watcher.terminate()
        watcher.communicate()
        self.assertEqual(
            [("evaluated", 1), ("skipped", 2), ("evaluated", 3)],
            sorted(((line["status"], line["step"]) for line in self.lines()), key=lambda row: row[1]),
        )


class FailuresTest(WatchTest):
    def test_a_checkpoint_that_fails_is_recorded_once(self):
        values = dict(VALUES)
        values["general.architecture"] = gguf_files.value(gguf_files.STRING, "no-such-thing")
        gguf_files.write(self.folder / "run" / "step-1.gguf", values, TENSORS)
        self.put(2)
        done = self.watch("--once", "--on-result", "echo $HRE_STATUS: $HRE_WHY >> told")
        self.assertIn("step-1.gguf failed: ", done.stderr)
        lines = self.lines()
        self.assertEqual([("failed", 1), ("evaluated", 2)], [(line["status"], line["step"]) for line in lines])
        self.assertIn("no-such-thing", lines[0]["why"])
        self.assertRegex((self.folder / "told").read_text(), r"\Afailed: .*no-such-thing.*\nevaluated:\n\Z")
        self.watch("--once")
        self.assertEqual(2, len(self.lines()))
        self.watch("--once", "--retry-failed")
        self.assertEqual(["failed", "evaluated", "failed"], [line["status"] for line in self.lines()])
        self.put(1)
        self.watch("--once")
        self.assertEqual(("evaluated", 1), tuple(self.lines()[-1][name] for name in ("status", "step")))

    def test_one_at_which_the_watch_ends_every_time(self):
        """It is evaluated after the others."""
        first = self.put(1)
        self.put(2)
        self.put(3)
        for times, steps in ((1, [1, 2, 3]), (2, [2, 3, 1])):
            self.write("run/hre-watch.jsonl", "")
            self.write("run/hre-watch.jsonl.lock", f"{0:<20}\n{times} {first}\n")
            done = self.watch("--once")
            self.assertEqual(steps, [line["step"] for line in self.lines()])
        self.assertIn("hre ended 2 times in a row while step-1.gguf was evaluated, so others come first", done.stderr)

    def test_mistakes(self):
        self.assertEqual(
            "hre: nowhere: there is no such folder; DIR is the folder where a training writes its checkpoints; make it if it has yet to start",
            self.error_of(*self.command(folder="nowhere")),
        )
        self.assertIn("q.jsonl: is no folder", self.error_of(*self.command(folder="q.jsonl")))
        self.assertIn("--store: a watch keeps its runs", self.error_of(*self.command(store="none")))
        self.assertIn("is no http or https URL", self.error_of(*self.command("--webhook", "ftp://x/y")))
        self.assertIn("'wide' is not a stopping rule", self.error_of(*self.command("--until", "wide")))
        self.assertIn("--backlog", self.error_of(*self.command("--backlog", "some")))
        self.assertIn("nowhere/w.jsonl: cannot be written", self.error_of(*self.command("--json-lines", "nowhere/w.jsonl")))
        self.write("run.json", '{"format": "hre-run/1"}\n')
        self.assertIn("run.json:1: is not a line of the format hre-watch/1", self.error_of(*self.command("--json-lines", "run.json")))
        self.assertIn("nowhere.toml", self.error_of(*self.command("--gate", "nowhere.toml")))

    def test_another_dataset(self):
        self.put(1)
        self.watch("--once")
        self.write("q.jsonl", questions().replace("Buy a new printer", "Buy another printer"))
        self.assertIn("holds results on another dataset than q", self.error_of(*self.command("--once", "--quiet")))

    def test_nothing_there(self):
        done = self.watch("--once", "--quiet")
        self.assertEqual("", done.stdout)
        self.assertIn("there is no complete checkpoint in ", done.stderr)

    def test_a_command_that_fails_or_does_not_end(self):
        self.put(1)
        done = self.watch("--once", "--on-result", "echo oh no >&2; exit 7")
        self.assertIn("the command for results failed at step-1.gguf: echo oh no >&2; exit 7: ended with status 7: oh no", done.stderr)
        self.put(2)
        done = self.watch("--once", "--on-result", "sleep 100", "--result-timeout", "0.3")
        self.assertIn("did not end within 0.3 s, and was ended", done.stderr)
        self.assertEqual(2, len(self.lines()))


class TellingTest(WatchTest):
    def test_command_and_webhook(self):
        posted = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                posted.append((self.path, self.headers["content-type"], self.rfile.read(int(self.headers["content-length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.put(1)
        self.put(2)
        done = self.watch(
            "--once",
            "--on-result",
            "cat >> stdin; env | grep ^HRE_ | grep -v HRE_STORE | sort > variables; echo a line of its own",
            "--webhook",
            f"http://127.0.0.1:{server.server_port}/hook",
            env={"COLUMNS": "400"},
        )
        kept = (self.folder / "run/hre-watch.jsonl").read_text()
        self.assertEqual(kept, (self.folder / "stdin").read_text())
        self.assertEqual([("/hook", "application/json", line.encode()) for line in kept.splitlines()], posted)
        self.assertIn("a line of its own\n", done.stderr)
        line = self.lines()[1]
        variables = dict(row.split("=", 1) for row in (self.folder / "variables").read_text().splitlines())
        self.assertEqual(
            {
                "HRE_STATUS": "evaluated",
                "HRE_CHECKPOINT": line["path"],
                "HRE_TRAINING": line["training"],
                "HRE_STEP": "2",
                "HRE_VALUE": json.dumps(line["value"]),
                "HRE_CI_LOW": json.dumps(line["ci95"][0]),
                "HRE_CI_HIGH": json.dumps(line["ci95"][1]),
                "HRE_QUESTIONS": "36",
                "HRE_BEST": json.dumps(line["best"]),
                **{f"HRE_SINCE_{name}": json.dumps(line["since_" + name.lower()]["difference"]) for name in ("FIRST", "LAST", "BEST")},
                "HRE_GATE": "",
                "HRE_RUN": line["run"],
                "HRE_WHY": "",
            },
            variables,
        )
        self.assertRegex(
            done.stdout,
            r"\Astep-1\.gguf: HumanRankEval \S+ ± \S+ \(36 questions, [^)]+\)\nstep-2\.gguf: HumanRankEval [^\n]+, since the first [+-]",
        )

    def test_a_webhook_that_is_gone(self):
        self.put(1)
        done = self.watch("--once", "--webhook", "http://127.0.0.1:9/x?token=secret")
        self.assertIn("the result of step-1.gguf could not be posted: http://127.0.0.1:9/x: ", done.stderr)
        self.assertNotIn("secret", done.stderr)
        self.assertEqual(["evaluated"], [line["status"] for line in self.lines()])

    def test_what_was_not_told_is_told_again(self):
        self.put(1)
        watcher = self.start("--quiet", "--on-result", "echo $HRE_STEP >> told; sleep 100")
        self.wait_for((self.folder / "told").exists)
        watcher.kill()
        watcher.communicate()
        self.watch("--once", "--on-result", "echo again $HRE_STEP >> told")
        self.assertEqual("1\nagain 1\n", (self.folder / "told").read_text())
        self.watch("--once", "--on-result", "echo again $HRE_STEP >> told")
        self.assertEqual("1\nagain 1\n", (self.folder / "told").read_text())

    def test_gate(self):
        self.put(1, "base.gguf")
        self.run_hre("eval", "run/base.gguf", "--data", "q.jsonl", "--store", "runs.db", "--threads", "1", "--name", "base", "--quiet")
        (self.folder / "run/base.gguf").unlink()
        self.write("gate.toml", 'baseline = "base"\n[[check]]\nmargin = 0.5\n')
        self.put(2)
        done = self.watch("--once", "--gate", "gate.toml", "--on-result", "echo $HRE_GATE > verdict", env={"COLUMNS": "400"})
        self.assertEqual("inconclusive", self.lines()[0]["gate"], "36 questions decide nothing")
        self.assertEqual("inconclusive\n", (self.folder / "verdict").read_text())
        self.assertIn(", gate: inconclusive", done.stdout)


class PolicyTest(WatchTest):
    def test_backlog(self):
        for step in (1, 2, 10):
            self.put(step)
        self.put(7, "other/step-7.gguf")
        done = self.watch("--once", "--backlog", "latest")
        self.assertEqual(
            [("skipped", 1), ("skipped", 2), ("evaluated", 10), ("evaluated", 7)], [(line["status"], line["step"]) for line in self.lines()]
        )
        self.assertIn("step-2.gguf skipped: a later checkpoint was there", done.stderr)
        self.assertIsNone(self.lines()[3]["since_first"], "it is another training's")
        self.put(11)
        self.watch("--once")
        self.assertEqual([("evaluated", 11)], [(line["status"], line["step"]) for line in self.lines()[4:]])
        self.assertEqual(10, self.lines()[4]["since_first"]["step"])

    def test_budgets(self):
        self.put(1)
        self.watch("--once", "--limit", "3")
        self.put(2)
        self.watch("--once", "--time-limit", "0.001")
        first, late = self.lines()
        self.assertEqual((6, 6, False), (first["questions"], first["planned"], first["partial"]))
        self.assertEqual(("failed", "nothing was scored within the time limit"), (late["status"], late["why"]))

    def test_stopping(self):
        self.put(1)
        watcher = self.start("--quiet", "--stop-file", "done")
        self.wait_for(self.lines)
        self.put(2)
        self.write("done", "")
        self.assertEqual(0, watcher.wait(timeout=60 * SLOWER))
        self.assertEqual([1, 2], [line["step"] for line in self.lines()])

    def test_the_same_content_is_no_new_checkpoint(self):
        path = self.put(1)
        self.watch("--once")
        os.utime(path, (1e9, 1e9))
        done = self.watch("--once")
        self.assertIn("step-1.gguf has the content that was evaluated before", done.stderr)
        self.assertEqual(1, len(self.lines()))
        path.write_bytes(model_of(5)[0])
        self.watch("--once")
        self.assertEqual(2, len(self.lines()), "a file that is overwritten is another checkpoint")
        self.assertNotEqual(*(line["value"] for line in self.lines()))

    def test_two_at_once(self):
        """With the same results: the second is refused. With results of its own: the store shares the work between them."""
        paths = [self.put(step) for step in range(1, 6)]
        one, two = (self.start("--quiet", "--stop-file", "done", "--json-lines", name) for name in ("a.jsonl", "b.jsonl"))
        self.wait_for(lambda: (self.folder / "a.jsonl.lock").exists())
        self.assertIn(
            "a.jsonl: another hre watch writes these results", self.error_of(*self.command("--once", "--json-lines", "a.jsonl"), status=1)
        )
        self.write("done", "")
        self.assertEqual([0, 0], [process.wait(timeout=120 * SLOWER) for process in (one, two)])
        values = self.values_of(paths)
        for name in ("a.jsonl", "b.jsonl"):
            self.assertEqual(values, [line["value"] for line in self.lines(name)])
        with contextlib.closing(sqlite3.connect(self.folder / "runs.db")) as store:
            self.assertEqual(5, store.execute("SELECT count(*) FROM run").fetchone()[0])


class ConvertedTest(WatchTest):
    def checkpoint(self, step):
        """A folder whose conversion is a copy of the model in it; gives its name."""
        folder = self.folder / "run" / f"checkpoint-{step}"
        header = json.dumps({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
        for name, content in (
            ("config.json", b"{}"),
            ("model.safetensors", struct.pack("<Q", len(header)) + header + bytes(8)),
            ("pytorch_model.gguf.bin", model_of(step)[0]),
        ):
            self.write(f"run/checkpoint-{step}/{name}", content)
        return folder

    def setUp(self):
        super().setUp()
        self.write("python", '#!/bin/bash\necho >> calls\ncp "${@: -2:1}/pytorch_model.gguf.bin" "${@: -1}"\n').chmod(0o755)
        self.env = {"HRE_CONVERT_PYTHON": str(self.folder / "python")}

    def converted(self):
        return sorted(path.name for path in (self.folder / "cache/hre/converted").glob("*/*"))

    def test_they_are_removed_again(self):
        self.checkpoint(1)
        self.watch("--once", env=self.env)
        self.assertEqual((["evaluated"], [1]), tuple([line[name] for line in self.lines()] for name in ("status", "step")))
        self.assertEqual([], self.converted())
        self.assertEqual([], list((self.folder / "cache/hre/converted").iterdir()))
        self.checkpoint(2)
        self.watch("--once", "--keep-converted", env=self.env)
        self.assertEqual(["checkpoint-2.gguf"], [name for name in self.converted() if name.endswith(".gguf")])

    def test_one_that_was_there_stays(self):
        folder = self.checkpoint(1)
        self.run_hre("eval", folder, "--data", "q.jsonl", "--store", "none", "--threads", "1", env=self.env)
        self.watch("--once", env=self.env)
        self.assertEqual(["checkpoint-1.gguf"], [name for name in self.converted() if name.endswith(".gguf")])
        self.assertEqual(1, len((self.folder / "calls").read_text().splitlines()))

    def test_what_a_killed_watch_left(self):
        """Whenever it is killed: the next one takes away what it made, whether the checkpoint is still there or not."""
        with_slow = clean_environment(
            XDG_STATE_HOME=str(self.folder / "state"),
            XDG_CACHE_HOME=str(self.folder / "cache"),
            HRE_STORE=None,
            HRE_CONVERT_PYTHON=str(self.folder / "slow"),
        )
        convert = '#!/bin/bash\ncp "${@: -2:1}/pytorch_model.gguf.bin" "${@: -1}"\necho > converted\n'
        for step, then in ((1, ""), (2, "sleep 2\n")):  # about when the file gets its name, and before
            with self.subTest(then=then):
                folder = self.checkpoint(step)
                self.write("slow", convert + then).chmod(0o755)
                process = subprocess.Popen(
                    [PROGRAM, *self.command("--quiet", "--once")],
                    cwd=self.folder,
                    env=with_slow,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
                self.wait_for(lambda: (self.folder / "converted").exists() or process.poll() is not None)
                process.kill()
                process.wait()
                shutil.rmtree(folder)
                (self.folder / "converted").unlink()
                self.checkpoint(step + 10)
                self.watch("--once", env=self.env)
                self.assertEqual([], self.converted())
                self.assertEqual([step + 10], [line["step"] for line in self.lines() if line["status"] == "evaluated"][-1:])


WRITE = """
import sys, torch, transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
torch.manual_seed(0)
words = Tokenizer(models.BPE())
words.pre_tokenizer, words.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
words.train_from_iterator(["how to reverse a list"], trainers.BpeTrainer(vocab_size=300, special_tokens=["<end>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=words, eos_token="<end>", bos_token="<end>")
model = transformers.GPT2LMHeadModel(transformers.GPT2Config(vocab_size=len(tokenizer), n_embd=32, n_layer=2, n_head=2, n_positions=2048,
                                                             bos_token_id=0, eos_token_id=0))
for step, largest in ((10, "5GB"), (20, "60KB")):
    for parameter in model.parameters():
        parameter.data.add_(torch.randn_like(parameter) * 0.05)
    model.save_pretrained(f"run/checkpoint-{step}", max_shard_size=largest)
    tokenizer.save_pretrained(f"run/checkpoint-{step}")
"""


class TransformersTest(WatchTest):
    def test_checkpoints_of_transformers(self):
        """As its save_pretrained writes them, in one file and in shards, through the real converter."""
        python = torch_python()
        subprocess.run([python, "-c", WRITE], cwd=self.folder, check=True, capture_output=True, timeout=300 * SLOWER)
        env = {"HRE_CONVERT_PYTHON": python, "HRE_CACHE": str(self.folder / "cache")}
        self.assertEqual(4, len(list((self.folder / "run/checkpoint-20").glob("*.safetensors"))))
        done = self.watch("--once", env=env)
        self.assertEqual([10, 20], [line["step"] for line in self.lines()], done.stderr)
        self.assertEqual(["evaluated"] * 2, [line["status"] for line in self.lines()], done.stderr)
        self.assertEqual([], list((self.folder / "cache/converted").iterdir()))
        self.run_hre(
            "eval",
            "run/checkpoint-10",
            "run/checkpoint-20",
            "--data",
            "q.jsonl",
            "--store",
            "none",
            "--threads",
            "1",
            "--json",
            "eval.json",
            env=env,
        )
        self.assertEqual(
            [run["results"]["micro"]["pearson"]["mean"] for run in self.read_json("eval.json")], [line["value"] for line in self.lines()]
        )


if __name__ == "__main__" and sys.argv[1:2] == ["train"]:
    train(pathlib.Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
