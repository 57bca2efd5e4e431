"""More than one process: shards, workers, ranks of an MPI job, lists of models. Each must give what one process gives."""

import contextlib
import json
import lzma
import os
import pathlib
import random
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import threading
import time
import unittest

from program import PROGRAM, SLOWER, SOURCE_DIR, ProgramTest, clean_environment, shared_data


def comparable(run):
    """A run without what differs from one evaluation to the next."""
    return {key: value for key, value in run.items() if key not in ("created", "times")}


class ScalingTest(ProgramTest):
    def run_hre(self, *arguments, env=None, **options):
        """Without a store, so that each evaluation scores anew."""
        return super().run_hre(*arguments, env={"HRE_STORE": "none", **(env or {})}, **options)

    def reference(self, model, *arguments, data="sample"):
        self.run_hre("eval", model, "--data", data, "--json", "one.json", "--details", "--keep-tokens", *arguments)
        return comparable(self.read_json("one.json"))


class ShardTest(ScalingTest):
    def shard(self, model, i, n, *arguments):
        self.run_hre(
            "eval", model, "--data", "sample", "--shard", f"{i}/{n}", "--json", f"shard-{i}.json", "--details", "--keep-tokens", *arguments
        )

    def test_merged_they_are_one_run(self):
        one = self.reference("baseline:zstd", "--limit", "4")
        for i in (1, 2, 3):
            self.shard("baseline:zstd", i, 3, "--limit", "4")
        self.run_hre("runs", "merge", "shard-2.json", "shard-1.json", "shard-3.json", "--json", "merged.json")
        self.assertEqual(one, comparable(self.read_json("merged.json")))

    def test_what_cannot_be_merged(self):
        for i in (1, 2):
            self.shard("baseline:zstd", i, 2)
        self.run_hre("eval", "baseline:length", "--data", "sample", "--shard", "2/2", "--json", "other.json", "--details")
        self.run_hre("eval", "baseline:zstd", "--data", "sample", "--json", "whole.json", "--details")
        for files, said in (
            (["shard-1.json"], "of 2 shards, 2 is missing"),
            (["shard-1.json", "shard-2.json", "shard-2.json"], "shard 2/2 is given twice"),
            (["shard-1.json", "other.json"], "differ"),
            (["whole.json"], "is no shard"),
            (["missing.json"], "missing.json"),
        ):
            with self.subTest(files=files):
                self.assertIn(said, self.error_of("runs", "merge", *files, "--json", "merged.json"))
                self.assertFalse((self.folder / "merged.json").exists())

    def test_shards_of_other_choices(self):
        """Of questions chosen by another --where: refused, and another run each in the store."""
        for i, condition in ((1, "answers>1"), (2, "votes>-1000")):  # which choose the same questions
            self.shard("baseline:zstd", i, 2, "--where", condition, "--store", "runs.db")
        self.assertIn(
            "shard 1/2 and shard 2/2 can't be merged: their --where differs",
            self.error_of("runs", "merge", "shard-1.json", "shard-2.json", "--json", "merged.json"),
        )
        self.shard("baseline:zstd", 2, 2, "--where", "answers>1", "--store", "runs.db")
        self.run_hre("runs", "merge", "shard-1.json", "shard-2.json", "--json", "merged.json")
        self.assertEqual(["answers>1"], self.read_json("merged.json")["config"]["where"])
        self.assertEqual(3, len(json.loads(self.run_hre("runs", "list", "--json", "--store", "runs.db").stdout)["runs"]))

    def test_what_is_not_a_shard(self):
        for text in ("0/2", "3/2", "1", "1/", "/2", "1/2/3", "a/b", "-1/2", "1/0"):
            self.assertIn("is not a shard", self.error_of("eval", "baseline:zstd", "--data", "sample", "--shard", text))

    def test_processes_of_srun_with_a_share_each(self):
        done = self.run_hre("eval", "baseline:zstd", "--data", "sample", env={"PMI_SIZE": "2"}, status=1)
        if "built without MPI" not in done.stderr:
            self.skipTest("this hre was built with MPI: its processes are ranks, unless srun says --mpi=none")
        for i in (1, 2):
            self.run_hre(
                "eval",
                "baseline:zstd",
                "--data",
                "sample",
                "--shard",
                f"{i}/2",
                "--json",
                f"shard-{i}.json",
                "--details",
                env={"PMI_SIZE": "2"},
            )
        self.run_hre("runs", "merge", "shard-1.json", "shard-2.json", "--json", "merged.json")


class WorkersTest(ScalingTest):
    def test_equal_to_one_process(self):
        model = shared_data("models/stories260K.gguf")
        one = self.reference(model, "--limit", "1", "--threads", "1")
        for n in (1, 3):
            with self.subTest(workers=n):
                self.run_hre(
                    "eval",
                    model,
                    "--data",
                    "sample",
                    "--limit",
                    "1",
                    "--threads",
                    "1",
                    "--workers",
                    n,
                    "--json",
                    "run.json",
                    "--details",
                    "--keep-tokens",
                )
                self.assertEqual(one, comparable(self.read_json("run.json")))

    def children(self, process):
        text = pathlib.Path(f"/proc/{process}/task/{process}/children").read_text()
        return [int(child) for child in text.split()]

    def start(self, *arguments):
        return subprocess.Popen(
            [
                PROGRAM,
                "eval",
                shared_data("models/stories260K.gguf"),
                "--data",
                "sample",
                "--limit",
                "2",
                "--threads",
                "1",
                "--json",
                "run.json",
                "--details",
                "--keep-tokens",
                *arguments,
            ],
            cwd=self.folder,
            env=clean_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def test_a_killed_worker(self):
        one = self.reference(shared_data("models/stories260K.gguf"), "--limit", "2", "--threads", "1")
        program = self.start("--workers", "3")
        while program.poll() is None and len(self.children(program.pid)) < 3:
            time.sleep(0.005)
        for child in self.children(program.pid)[:1]:
            os.kill(child, signal.SIGKILL)
        _, errors = program.communicate(timeout=200 * SLOWER)
        self.assertEqual(0, program.returncode, errors)
        self.assertIn("a worker was lost (signal 9)", errors)
        self.assertEqual(one, comparable(self.read_json("run.json")))

    def test_no_worker_outlives_the_program(self):
        program = self.start("--workers", "2")
        while program.poll() is None and len(self.children(program.pid)) < 2:
            time.sleep(0.005)
        children = self.children(program.pid)
        program.kill()
        program.communicate(timeout=60 * SLOWER)
        deadline = time.monotonic() + 20
        while any(
            pathlib.Path(f"/proc/{child}/cmdline").exists() and pathlib.Path(f"/proc/{child}/cmdline").read_bytes() for child in children
        ):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)

    def test_the_weights_are_in_memory_once(self):
        model = shared_data("models/stories260K.gguf")
        program = self.start("--workers", "2")
        shared = []
        while program.poll() is None and not shared:
            for child in self.children(program.pid):
                try:
                    maps = pathlib.Path(f"/proc/{child}/smaps").read_text().split("\n")
                except OSError:
                    continue
                for i, line in enumerate(maps):
                    if str(model) in line:
                        fields = dict(entry.split(":", 1) for entry in maps[i + 1 : i + 20] if ":" in entry)
                        shared.append(int(fields["Private_Dirty"].split()[0]))
            time.sleep(0.01)
        program.communicate(timeout=200 * SLOWER)
        self.assertEqual(0, program.returncode)
        if not shared:
            self.skipTest("the weights are not mapped from the file here")
        self.assertEqual({0}, set(shared), "no private copy of any page of the file")


class ModelListTest(ScalingTest):
    def test_goes_on_and_tells_what_failed(self):
        self.write("models.txt", "# controls\nbaseline:length\n\nmissing.gguf\nbaseline:zstd  \nbaseline:nothing\n")
        done = self.run_hre("eval", "--models", "models.txt", "--data", "sample", "--json", "run.json", status=2)
        self.assertEqual(["baseline:length", "baseline:zstd"], [run["model"]["name"] for run in self.read_json("run.json")])
        self.assertRegex(done.stdout, r"2 models failed:\n  missing\.gguf +no such file")
        self.assertRegex(done.stdout, r"\n  baseline:nothing +there is no such baseline")

    def test_a_hundred(self):
        self.write("models.txt", "baseline:zstd\nmissing.gguf\n" * 50)
        done = self.run_hre("eval", "--models", "models.txt", "--data", "sample", "--topic", "python", "--json", "run.json", status=2)
        self.assertEqual(50, len(self.read_json("run.json")))
        self.assertIn("50 models failed:", done.stdout)

    def test_lists_that_are_none(self):
        self.write("empty.txt", "# nothing\n")
        self.assertIn("names no model", self.error_of("eval", "--models", "empty.txt", "--data", "sample"))
        self.assertIn("missing.txt", self.error_of("eval", "--models", "missing.txt", "--data", "sample"))
        self.assertIn("no MODEL is given", self.error_of("eval", "--data", "sample"))


class RpcTest(ScalingTest):
    """libllama's RPC servers: here, on this machine. Where the engine has no RPC, hre says so."""

    model = SOURCE_DIR / "models" / "hre-base-q8_0.gguf"
    one = ("--data", "sample", "--limit", "2", "--threads", "1", "--details", "--keep-tokens")

    def refused(self, *arguments, model=None):
        done = subprocess.run(
            [PROGRAM, "eval", model or self.model, "--data", "sample", "--limit", "1", *arguments],
            cwd=self.folder,
            env=clean_environment(),
            capture_output=True,
            text=True,
            timeout=100 * SLOWER,
            check=False,
        )
        self.assertIn(done.returncode, (1, 2), done.stderr)
        self.assertEqual(1, done.stderr.count("\n"), done.stderr)
        return done.stderr

    def test_nobody_there(self):
        said = self.refused("--rpc", f"127.0.0.1:{self.free_port()}")
        if "engine has no RPC" in said:
            self.assertIn("build the engine with HRE_ENGINE_OPTIONS=-DGGML_RPC=ON", said)
        else:
            self.assertIn("no RPC server answers", said)

    def need_rpc(self):
        if "engine has no RPC" in self.refused("--rpc", f"127.0.0.1:{self.free_port()}"):
            self.skipTest("this hre's engine was built without RPC (HRE_ENGINE_OPTIONS=-DGGML_RPC=ON)")

    def free_port(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return probe.getsockname()[1]

    def server(self):
        """An rpc-server of one thread; (process, address)."""
        self.need_rpc()
        program = os.environ.get("HRE_RPC_SERVER", "")
        if not os.access(program, os.X_OK):
            self.skipTest(f"no rpc-server ('{program}'): tools/setup.sh makes it with HRE_ENGINE_OPTIONS=-DGGML_RPC=ON")
        port = self.free_port()
        process = subprocess.Popen(
            [program, "-H", "127.0.0.1", "-p", str(port), "-t", "1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
                return process, f"127.0.0.1:{port}"
            self.assertIsNone(process.poll(), "the rpc-server ended")
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)

    def stand_in(self, answer):
        """The address of something that gives this answer to whoever connects, and then says nothing."""
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        kept = []

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    kept.append(listener.accept()[0])
                    kept[-1].sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        self.addCleanup(lambda: [connection.close() for connection in kept])
        return "127.0.0.1:%d" % listener.getsockname()[1]

    def test_what_is_no_server(self):
        self.need_rpc()
        older = struct.pack("<Q", 28) + bytes([4, 0, 0, 0]) + bytes(24)  # what a server of protocol 4.0.0 says first
        for answer, said in (
            (b"HTTP/1.1 400 Bad Request\r\n\r\n", "the program that answers is not an RPC server"),
            (older, "the RPC server has another version"),
            (b"", "no answer within 10 s"),
        ):
            with self.subTest(said=said):
                self.assertIn(said, self.refused("--rpc", self.stand_in(answer)))
        for address in ("localhost", "127.0.0.1:", ":50052", "127.0.0.1:x", "127.0.0.1:123456"):
            with self.subTest(address=address):
                self.assertIn("is not HOST:PORT", self.refused("--rpc", address))

    def test_what_it_does_not_go_with(self):
        self.assertIn("one process at a time", self.refused("--rpc", "127.0.0.1:1", "--workers", "2"))
        self.assertIn("streamed weights", self.refused("--rpc", "127.0.0.1:1", "--stream-weights"))
        self.assertIn("spreads a model", self.refused("--rpc", "127.0.0.1:1", model="server:http://127.0.0.1:1"))

    def test_every_architecture_gives_the_same_bits(self):
        (_, first), (_, second) = self.server(), self.server()
        paths = []
        for name in sorted(json.loads((SOURCE_DIR / "tests/data/models/expected.json").read_text())):
            packed = SOURCE_DIR / "tests" / "data" / "models" / f"{name}.gguf.xz"
            paths.append(self.write(f"{name}.gguf", lzma.decompress(packed.read_bytes())))
        self.assertGreater(len(paths), 30)
        runs = {}
        for servers in ((), (first,), (first, second)):
            options = [word for server in servers for word in ("--rpc", server)]
            self.run_hre(
                "eval",
                *paths,
                "--data",
                SOURCE_DIR / "tests/data/models/questions.jsonl",
                "--threads",
                "1",
                "--engine-kernels",
                "plain",
                "--json",
                "runs.json",
                "--details",
                "--quiet",
                *options,
            )
            runs[len(servers)] = self.read_json("runs.json")
        for n in (1, 2):
            for expected, run in zip(runs[0], runs[n], strict=True):
                with self.subTest(model=run["model"]["name"], servers=n):
                    self.assertRegex(run["config"]["device"], r"^RPC device of \d+ MiB(, RPC device of \d+ MiB)* \(all layers\)$")
                    self.assertEqual(n, run["config"]["device"].count("RPC"))
                    self.assertEqual(expected["questions"], run["questions"])

    def stored(self):
        with contextlib.closing(sqlite3.connect(self.folder / "runs.db")) as database:
            with contextlib.suppress(sqlite3.OperationalError):  # there is no table yet
                return database.execute("SELECT count(*) FROM score").fetchone()[0]
        return 0

    def start(self, address, *more):
        """An evaluation that has stored some of its questions."""
        program = subprocess.Popen(
            [PROGRAM, "eval", self.model, *more, *self.one, "--store", "runs.db", "--rpc", address],
            cwd=self.folder,
            env=clean_environment(HRE_STORE=None),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(program.wait)
        self.addCleanup(program.kill)
        deadline = time.monotonic() + 200
        while not (self.folder / "runs.db").exists() or self.stored() < 2:
            self.assertIsNone(program.poll(), "it ended too early")
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)
        return program

    def finish(self, reference):
        """Scores the rest by another server; the whole is as it would have been."""
        stored = self.stored()
        self.assertIn(stored, range(2, 28))
        _, address = self.server()
        super().run_hre(
            "eval", self.model, *self.one, "--store", "runs.db", "--rpc", address, "--json", "rest.json", env={"HRE_STORE": None}
        )
        run = self.read_json("rest.json")
        self.assertEqual(stored, run["times"]["questions_reused"])
        self.assertEqual(reference, comparable(run))

    def whole(self):
        _, address = self.server()
        self.run_hre("eval", self.model, *self.one, "--rpc", address, "--json", "whole.json")
        return comparable(self.read_json("whole.json"))

    def test_a_server_that_dies(self):
        reference = self.whole()
        process, address = self.server()
        program = self.start(address, SOURCE_DIR / "models" / "hre-tuned-q8_0.gguf")
        process.kill()
        out, errors = program.communicate(timeout=100 * SLOWER)
        self.assertEqual(1, program.returncode, errors)
        self.assertIn("hre-base-q8_0.gguf: an RPC server is gone", errors)
        self.assertIn("2 models failed:", out)
        self.assertIn("an RPC server was lost earlier; start hre again", out)
        self.finish(reference)

    def test_interrupted(self):
        reference = self.whole()
        _, address = self.server()
        program = self.start(address)
        program.send_signal(signal.SIGINT)
        _, errors = program.communicate(timeout=100 * SLOWER)
        self.assertEqual(130, program.returncode, errors)
        self.assertIn("interrupted; the values are those of the finished questions", errors)
        self.finish(reference)


class MpiTest(ScalingTest):
    def mpirun(self, n, *arguments, prefix=()):
        return [shutil.which("mpirun"), "--allow-run-as-root", "--oversubscribe", *prefix, "-n", str(n), PROGRAM, *map(str, arguments)]

    def setUp(self):
        super().setUp()
        if not shutil.which("mpirun"):
            self.skipTest("mpirun is not installed (Debian: openmpi-bin)")
        probe = subprocess.run(
            self.mpirun(2, "eval", "baseline:zstd", "--data", "sample", "--quiet"),
            cwd=self.folder,
            env=clean_environment(),
            capture_output=True,
            text=True,
            timeout=120 * SLOWER,
            check=False,
        )
        if "without MPI" in probe.stderr:
            self.assertIn("-DHRE_MPI=ON", probe.stderr)
            self.skipTest("this hre was built without MPI (-DHRE_MPI=ON)")

    def run_all(self, *command, **environment):
        done = subprocess.run(
            [*map(str, command)],
            cwd=self.folder,
            env=clean_environment(**environment),
            capture_output=True,
            text=True,
            timeout=200 * SLOWER,
            check=False,
        )
        self.assertNotEqual(0, done.returncode)
        return done.stderr

    def test_another_mpi_that_finds_each_process_alone(self):
        for variable in ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE"):
            with self.subTest(variable=variable):
                said = self.run_all(PROGRAM, "eval", "baseline:zstd", "--data", "sample", "--json", "run.json", **{variable: "2"})
                self.assertIn("MPI sees only this one", said)
                self.assertFalse((self.folder / "run.json").exists())

    def test_what_ranks_cannot_share(self):
        said = self.run_all(*self.mpirun(2, "eval", "baseline:zstd", "--data", "sample", "--rpc", "127.0.0.1:1"))
        self.assertIn("an rpc-server serves one process at a time", said)
        share = f"exec {PROGRAM} eval baseline:zstd --data sample --quiet --json run.json --shard $((OMPI_COMM_WORLD_RANK + 1))/2"
        said = self.run_all(*self.mpirun(2)[:-1], "sh", "-c", share)
        self.assertIn("ranks of one MPI job have different shards", said)
        self.assertFalse((self.folder / "run.json").exists())

    def test_one_share_by_two_ranks(self):
        model = shared_data("models/stories260K.gguf")
        shard = ("eval", model, "--data", "sample", "--limit", 1, "--threads", 1, "--shard", "2/3", "--details")
        self.run_hre(*shard, "--json", "one.json")
        done = subprocess.run(
            self.mpirun(2, *shard, "--json", "two.json"),
            cwd=self.folder,
            env=clean_environment(),
            capture_output=True,
            text=True,
            timeout=300 * SLOWER,
            check=False,
        )
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertNotIn("left out", done.stderr)
        self.assertEqual(comparable(self.read_json("one.json")), comparable(self.read_json("two.json")))

    def test_equal_to_one_process(self):
        model = shared_data("models/stories260K.gguf")
        one = self.reference(model, "--limit", "1", "--threads", "1")
        for n in (1, 2, 4):
            with self.subTest(ranks=n):
                done = subprocess.run(
                    self.mpirun(
                        n,
                        "eval",
                        model,
                        "--data",
                        "sample",
                        "--limit",
                        1,
                        "--threads",
                        1,
                        "--json",
                        "run.json",
                        "--details",
                        "--keep-tokens",
                    ),
                    cwd=self.folder,
                    env=clean_environment(),
                    capture_output=True,
                    text=True,
                    timeout=300 * SLOWER,
                    check=False,
                )
                self.assertEqual(0, done.returncode, done.stderr)
                self.assertEqual(one, comparable(self.read_json("run.json")))
                self.assertEqual(1, done.stdout.count(": HumanRankEval "), "one table")
                (self.folder / "run.json").unlink()

    def ranks(self, program, n):
        """The processes that mpirun started, once there are n; none where it has ended."""
        found = []
        while program.poll() is None and len(found) < n:
            listed = subprocess.run(
                ["ps", "-o", "pid=,comm=", "--ppid", str(program.pid)], capture_output=True, text=True, check=False
            ).stdout.splitlines()
            found = [int(line.split()[0]) for line in listed if line.split()[1] == PROGRAM.name]
        return found

    def kill_one(self, model, one, n, *prefix, moment, victim):
        """Kills a rank at a moment of an evaluation; the run's file, if there is one, and what hre said."""
        program = subprocess.Popen(
            self.mpirun(
                n,
                "eval",
                model,
                "--data",
                "sample",
                "--limit",
                2,
                "--threads",
                1,
                "--json",
                "run.json",
                "--details",
                "--keep-tokens",
                "--store",
                "runs.db",
                "--rank-timeout",
                3,
                prefix=prefix,
            ),
            cwd=self.folder,
            env=clean_environment(HRE_STORE=None),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        ranks = self.ranks(program, n)
        time.sleep(moment)
        killed = program.poll() is None and len(ranks) == n
        if killed:
            with contextlib.suppress(ProcessLookupError):
                os.kill(ranks[victim], signal.SIGKILL)
        said, _ = program.communicate(timeout=100 * SLOWER)
        whole = {question["id"]: question for question in one["questions"]}
        path = self.folder / "run.json"
        run = self.read_json("run.json") if path.exists() else None
        for question in run["questions"] if run else []:
            self.assertEqual(whole[question["id"]], question, said)
        path.unlink(missing_ok=True)
        return killed, run, said

    def resume(self, model, one):
        """What was stored is not scored again, and the whole is as it would have been."""
        stored = 0
        if (self.folder / "runs.db").exists():
            with contextlib.closing(sqlite3.connect(self.folder / "runs.db")) as database:
                stored = database.execute("SELECT count(*) FROM score").fetchone()[0]
        super().run_hre(
            "eval",
            model,
            "--data",
            "sample",
            "--limit",
            "2",
            "--threads",
            "1",
            "--json",
            "rest.json",
            "--details",
            "--keep-tokens",
            "--store",
            "runs.db",
            env={"HRE_STORE": None},
        )
        run = self.read_json("rest.json")
        self.assertEqual(one, comparable(run))
        for path in self.folder.glob("runs.db*"):
            path.unlink()
        return stored

    def kill_10_times(self, n, *prefix, finishes):
        model = shared_data("models/stories260K.gguf")
        begin = time.monotonic()
        one = self.reference(model, "--limit", "2", "--threads", "1")
        seconds = time.monotonic() - begin
        seed = random.randrange(1 << 30)
        print(f"seed {seed}")
        rng = random.Random(seed)
        kills = stored = 0
        for _ in range(40):
            if kills == 10:
                break
            victim = rng.randrange(1, n) if finishes else rng.randrange(n)
            moment = rng.uniform(0, seconds)
            with self.subTest(seed=seed, victim=victim, moment=moment):
                killed, run, said = self.kill_one(model, one, n, *prefix, moment=moment, victim=victim)
                if finishes and "MPI did not start in time" not in said:  # one that dies so early leaves no job to others
                    self.assertIsNotNone(run, said)
                    self.assertEqual(one, comparable(run), said)
                stored += self.resume(model, one)
                kills += killed
        print(f"{kills} kills, {stored} questions stored by then")
        self.assertEqual(10, kills, "the others came after the end")

    def test_a_killed_rank_loses_nothing_where_mpirun_ends_the_job(self):
        self.kill_10_times(2, finishes=False)

    def test_a_killed_ranks_work_is_done_by_others_where_mpirun_goes_on(self):
        self.kill_10_times(3, "--enable-recovery", finishes=True)

    def test_a_stopped_rank_is_taken_for_dead(self):
        model = shared_data("models/stories260K.gguf")
        one = self.reference(model, "--limit", "2", "--threads", "1")
        program = subprocess.Popen(
            self.mpirun(
                2,
                "eval",
                model,
                "--data",
                "sample",
                "--limit",
                2,
                "--threads",
                1,
                "--json",
                "run.json",
                "--details",
                "--keep-tokens",
                "--rank-timeout",
                2,
            ),
            cwd=self.folder,
            env=clean_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        ranks = self.ranks(program, 2)
        time.sleep(0.5)
        os.kill(ranks[1], signal.SIGSTOP)
        deadline = time.monotonic() + 100
        while not (self.folder / "run.json").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(ranks[1], signal.SIGCONT)  # it is told that the job has ended
        _, errors = program.communicate(timeout=60 * SLOWER)
        self.assertEqual(one, comparable(self.read_json("run.json")), errors)
        self.assertIn("rank 1 is", errors)


if __name__ == "__main__":
    unittest.main()
