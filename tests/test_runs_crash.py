"""Runs survive: kill -9 at any moment, Ctrl-C, several processes at once, disks that are full or read-only."""

import contextlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import time
import unittest

from program import PROGRAM, SLOWER, ProgramTest, clean_environment, shared_data

WORDS = "the a of list value return type error file line thread lock queue tree node hash key map set read write".split()


def made_questions(n, words):
    """JSON lines of n questions with four answers of up to so many words each, always the same."""
    rng = random.Random(7)
    text = lambda n_words: " ".join(rng.choices(WORDS, k=n_words))
    for i in range(n):
        answers = [{"text": text(rng.randrange(words // 4, words)), "votes": rng.randrange(-3, 60)} for _ in range(4)]
        yield json.dumps({"topic": f"topic{i % 5}", "question": text(words // 2) + f" {i}?", "answers": answers}) + "\n"


def but_for_times(text):
    """The run's JSON text as lines, without those of times."""
    run = json.loads(text)
    del run["times"], run["created"]
    return json.dumps(run, indent=1).splitlines()


class StoreTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.seed = int.from_bytes(os.urandom(4), "little")
        print(f"seed {self.seed}")
        self.random = random.Random(self.seed)

    def make_data(self, n, words=120):
        self.write("data.jsonl", "".join(made_questions(n, words)))

    def start(self, *options, model="baseline:zstd", store="runs.db", json_file="run.json"):
        call = [PROGRAM, "eval", model, "--data", "data.jsonl", "--store", store, "--json", json_file, "--details", "--quiet", *options]
        return subprocess.Popen(
            call, cwd=self.folder, env=clean_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )

    def whole(self, store, json_file, **options):
        process = self.start(store=store, json_file=json_file, **options)
        _, said = process.communicate(timeout=300 * SLOWER)
        self.assertEqual(0, process.returncode, said)
        return (self.folder / json_file).read_text(encoding="utf-8")

    def check_store(self, store, scores):
        """SQLite finds the file sound, and every question is stored once."""
        with contextlib.closing(sqlite3.connect(self.folder / store)) as database:
            self.assertEqual([("ok",)], database.execute("PRAGMA integrity_check").fetchall())
            self.assertEqual(scores, database.execute("SELECT count(*) FROM score").fetchone()[0])
            self.assertEqual(scores, database.execute("SELECT count(*) FROM run_question").fetchone()[0])
            self.assertEqual(4 * scores, database.execute("SELECT count(*) FROM answer_score").fetchone()[0])
            self.assertEqual(0, database.execute("SELECT count(*) FROM claim").fetchone()[0])

    def stored(self, store):
        if not (self.folder / store).exists():
            return 0
        try:
            with contextlib.closing(sqlite3.connect(self.folder / store)) as database:
                return database.execute("SELECT count(*) FROM score").fetchone()[0]
        except sqlite3.OperationalError:
            return 0


class CrashTest(StoreTest):
    def test_a_killed_program_leaves_no_file_of_results_behind(self):
        self.make_data(3000)
        process = self.start()
        while not (self.folder / "runs.db").exists() and process.poll() is None:
            time.sleep(0.002)
        process.kill()
        process.communicate(timeout=60 * SLOWER)
        try:
            os.close(os.open(self.folder, os.O_WRONLY | os.O_TMPFILE, 0o600))
        except OSError:
            self.skipTest("this file system has no files without a name")
        self.assertEqual([], [path.name for path in self.folder.glob("run.json*")])

    def first_stored(self, **options):
        """Seconds until a run has stored something."""
        started = time.monotonic()
        process = self.start(store="first.db", json_file="first.json", **options)
        while self.stored("first.db") == 0 and process.poll() is None:
            time.sleep(0.005)
        seconds = time.monotonic() - started
        process.kill()
        process.communicate(timeout=60 * SLOWER)
        return seconds

    def kill_50_times(self, n_questions, **options):
        started = time.monotonic()
        whole = self.whole("whole.db", "whole.json", **options)
        seconds = time.monotonic() - started
        latest = self.first_stored(**options) + min(seconds / 8, 0.6)
        seen, killed = [0], 0
        for i in range(50):
            if seen[-1] == n_questions:  # nothing is left to be killed at
                (self.folder / "runs.db").unlink()
                seen.append(0)
            process = self.start(**options)
            if i % 2:  # just after something new was stored, however long that takes on a busy machine
                while self.stored("runs.db") <= seen[-1] and process.poll() is None:
                    time.sleep(0.002)
                time.sleep(self.random.uniform(0, 0.02))
            else:
                time.sleep(self.random.uniform(0, latest))
            process.send_signal(signal.SIGKILL)
            process.communicate()
            n = self.stored("runs.db")
            self.assertGreaterEqual(n, seen[-1], "something stored was lost")
            killed += process.returncode == -signal.SIGKILL and 0 < n < n_questions
            seen.append(n)
            if n == n_questions:
                self.check_resumed(whole, n_questions, **options)
        print(f"{seconds:.2f} s uninterrupted; stored after each kill: {seen}; {killed} were killed amid the work")
        self.assertGreater(killed, 4, "hardly a kill came amid the work")
        self.check_resumed(whole, n_questions, **options)

    def check_resumed(self, whole, n_questions, **options):
        self.assertEqual(but_for_times(whole), but_for_times(self.whole("runs.db", "run.json", **options)))
        self.check_store("runs.db", n_questions)

    def test_sigkill_at_50_random_moments(self):
        self.make_data(1500)
        self.kill_50_times(1500)

    def test_sigkill_of_a_language_model(self):
        model = shared_data("models/stories260K.gguf")
        questions = max(300 // SLOWER, 100)
        self.make_data(questions, words=60)
        self.kill_50_times(questions, model=model)

    def test_interrupted_and_gone_on(self):
        self.make_data(1500)
        whole = self.whole("whole.db", "whole.json")
        process = self.start()
        while process.poll() is None and self.stored("runs.db") == 0:  # before it begins, it ends at once
            time.sleep(0.01)
        time.sleep(self.random.uniform(0, 0.4))
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60 * SLOWER)
        self.assertIn(process.returncode, (0, 130))
        kept = self.stored("runs.db")
        print(f"{kept} kept after Ctrl-C")
        self.assertEqual(but_for_times(whole), but_for_times(self.whole("runs.db", "run.json")))
        self.check_store("runs.db", 1500)


class SharingTest(StoreTest):
    def test_eight_processes_share_one_run(self):
        model = shared_data("models/stories260K.gguf")
        self.make_data(1000, words=4)
        processes = [self.start("--threads", "1", model=model, json_file=f"run{i}.json") for i in range(8)]
        for process in processes:
            _, said = process.communicate(timeout=600 * SLOWER)
            self.assertEqual(0, process.returncode, said)
            self.assertEqual("", said)
        self.check_store("runs.db", 1000)
        texts = [(self.folder / f"run{i}.json").read_text(encoding="utf-8") for i in range(8)]
        for text in texts:
            self.assertEqual(but_for_times(texts[0]), but_for_times(text))
        reused = [json.loads(text)["times"]["questions_reused"] for text in texts]
        print(f"scored by each: {[1000 - n for n in reused]}")
        self.assertEqual(1000, sum(1000 - n for n in reused), "a question was scored twice, or by nobody")


class DiskTest(StoreTest):
    def mounted(self, name, *options):
        """A file system of its own in the test's folder, where one may be mounted."""
        mount = self.folder / name
        mount.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", *options, "tmpfs", mount], capture_output=True, check=False)
        if done.returncode != 0:
            self.skipTest("no file system can be mounted here: " + done.stderr.decode().strip())
        self.addCleanup(subprocess.run, ["umount", mount], check=False)
        return mount

    def test_full_disk(self):
        """A file system of 256 KiB, where one may be mounted."""
        mount = self.mounted("small", "-o", "size=256k")
        self.make_data(1500)
        whole = self.whole("whole.db", "whole.json")
        process = self.start(store="small/runs.db")
        _, said = process.communicate(timeout=300 * SLOWER)
        self.assertEqual(0, process.returncode, said)
        self.assertIn("not kept", said)
        self.assertIn("the disk is full", said)
        self.assertEqual(but_for_times(whole), but_for_times((self.folder / "run.json").read_text(encoding="utf-8")))
        subprocess.run(["mount", "-o", "remount,size=64m", mount], check=True)
        self.assertEqual(but_for_times(whole), but_for_times(self.whole("small/runs.db", "again.json")))
        self.check_store("small/runs.db", 1500)

    def test_read_only(self):
        mount = self.mounted("fixed")
        self.make_data(100)
        whole = self.whole("fixed/runs.db", "whole.json")
        subprocess.run(["mount", "-o", "remount,ro", mount], check=True)
        process = self.start(store="fixed/runs.db")
        _, said = process.communicate(timeout=300 * SLOWER)
        self.assertEqual(0, process.returncode, said)
        self.assertIn("not kept", said)
        again = (self.folder / "run.json").read_text(encoding="utf-8")
        self.assertEqual(but_for_times(whole), but_for_times(again))
        self.assertEqual(100, json.loads(again)["times"]["questions_reused"])
        listed = self.run_hre("runs", "list", "--store", "fixed/runs.db").stdout
        self.assertIn("baseline-zstd-data", listed)

    def store_with_a_log(self, folder):
        """Puts runs.db into the folder, with one run in the file and another in the log alone."""
        self.make_data(20)
        self.whole("live.db", "run.json")
        with contextlib.closing(sqlite3.connect(self.folder / "live.db")) as reader:  # while it is open the log stays
            reader.execute("SELECT count(*) FROM score").fetchone()
            self.whole("live.db", "run.json", model="baseline:length")
            for suffix in ("", "-wal", "-shm"):
                shutil.copy(self.folder / f"live.db{suffix}", folder / f"runs.db{suffix}")
        self.assertGreater((folder / "runs.db-wal").stat().st_size, 0)

    def test_read_only_with_a_log(self):
        mount = self.mounted("fixed")
        self.store_with_a_log(mount)
        (mount / "runs.db-shm").unlink()  # it would have to be made to read the log as SQLite does
        subprocess.run(["mount", "-o", "remount,ro", mount], check=True)
        self.assertEqual(2, len(json.loads(self.run_hre("runs", "list", "--json", "--store", "fixed/runs.db").stdout)["runs"]))
        for model in ("baseline:length", "baseline:zstd"):
            self.whole("fixed/runs.db", "run.json", model=model)
            self.assertEqual(20, self.read_json("run.json")["times"]["questions_reused"], model)

    def test_read_only_with_a_log_that_cannot_be_read(self):
        """Another user's log, which nobody else may read: the store without it would lack its last run."""
        if os.geteuid() != 0 or not shutil.which("setpriv"):
            self.skipTest("only root can become another user")
        self.folder.chmod(0o755)
        fixed = self.folder / "fixed"
        fixed.mkdir()
        self.store_with_a_log(fixed)
        (fixed / "runs.db-wal").chmod(0o600)

        def as_another(*command):
            done = subprocess.run(
                ["setpriv", "--reuid", "54321", "--clear-groups", PROGRAM, *command, "--store", "fixed/runs.db"],
                cwd=self.folder,
                env=clean_environment(HRE_STORE=None),
                capture_output=True,
                text=True,
                check=False,
            )
            if "setpriv" in done.stderr or "shared libraries" in done.stderr:
                self.skipTest("that user can't run the program here")
            return done

        advice = (
            r"its write-ahead log can't be read from here; a process that can write the store must open the store once \(hre runs list\)"
        )
        for index in ("with", "without"):  # the log's index
            for command in (("runs", "list"), ("runs", "show", "last"), ("compare", "baseline-zstd-data", "baseline-length-data")):
                done = as_another(*command)
                self.assertEqual(1, done.returncode, done.stderr)
                self.assertEqual("", done.stdout)
                self.assertRegex(done.stderr, advice, f"{index} the index")
            done = as_another("eval", "baseline:zstd", "--data", "data.jsonl", "--json", "-", "--quiet")
            self.assertEqual(0, done.returncode, done.stderr)
            self.assertIn("not kept", done.stderr)
            self.assertEqual(0, json.loads(done.stdout)["times"]["questions_reused"])
            (fixed / "runs.db-shm").unlink(missing_ok=True)
        self.run_hre("runs", "list", "--store", "fixed/runs.db")  # as is advised
        self.assertEqual(2, len(json.loads(as_another("runs", "list", "--json").stdout)["runs"]))


if __name__ == "__main__":
    unittest.main()
