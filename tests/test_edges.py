"""Where people met trouble with programs like this one: files that are something else, terminals and pipes, folders without
locks, environments without a home."""

import json
import lzma
import os
import pathlib
import pty
import random
import resource
import select
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import gguf_files
from program import PROGRAM, SLOWER, SOURCE_DIR, ProgramTest, clean_environment

MODELS = SOURCE_DIR / "tests" / "data" / "models"
PRELOADED = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
// As a file system without locks (ENOLCK) or without shared mappings (ENODEV) answers, for the store's files.
static int is_store(int fd) {
  char link[64], name[512];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, name, sizeof name - 1);
  if (n < 0) return 0;
  name[n] = 0;
  return strstr(name, "runs.db") != 0;
}
int fcntl64(int fd, int cmd, ...) {
  static int (*real)(int, int, void*);
  if (!real) real = (int (*)(int, int, void*))dlsym(RTLD_NEXT, "fcntl64");
  va_list list;
  va_start(list, cmd);
  void* argument = va_arg(list, void*);
  va_end(list);
  if ((cmd == F_SETLK || cmd == F_SETLKW) && getenv("NO_LOCKS") && is_store(fd)) { errno = ENOLCK; return -1; }
  return real(fd, cmd, argument);
}
void* mmap64(void* at, size_t size, int protection, int flags, int fd, off_t offset) {
  static void* (*real)(void*, size_t, int, int, int, off_t);
  if (!real) real = (void* (*)(void*, size_t, int, int, int, off_t))dlsym(RTLD_NEXT, "mmap64");
  if (fd >= 0 && (flags & MAP_SHARED) && getenv("NO_SHM") && is_store(fd)) { errno = ENODEV; return MAP_FAILED; }
  return real(at, size, protection, flags, fd, offset);
}
int fcntl(int fd, int cmd, ...) {
  va_list list;
  va_start(list, cmd);
  void* argument = va_arg(list, void*);
  va_end(list);
  return fcntl64(fd, cmd, argument);
}
void* mmap(void* at, size_t size, int protection, int flags, int fd, off_t offset) {
  return mmap64(at, size, protection, flags, fd, offset);
}
"""
PASSWORDS = r"""
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
// As a list of users in which everybody's home is $PASSWORD_HOME.
int getpwuid_r(uid_t user, struct passwd* entry, char* text, size_t size, struct passwd** found) {
  (void)text;
  (void)size;
  memset(entry, 0, sizeof *entry);
  entry->pw_uid = user;
  entry->pw_dir = getenv("PASSWORD_HOME");
  *found = entry;
  return 0;
}
"""


def fixture(name):
    return lzma.decompress((MODELS / f"{name}.gguf.xz").read_bytes())


class ModelFilesTest(ProgramTest):
    def test_what_is_no_gguf_file_is_named(self):
        model = fixture("llama-gqa")
        for content, said in (
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "is a Git LFS pointer, not the file itself; git lfs pull"),
            (b"<!DOCTYPE html><html>", "is a web page"),
            (b"<html><head>", "is a web page"),
            (b"lmgg" + bytes(100), "is a GGML file, which came before GGUF"),
            (b"GGUF" + (3).to_bytes(4, "big") + model[8:], "is a big-endian GGUF file"),
            (b"GGUF" + (1).to_bytes(4, "little") + model[8:], "of version 1, which is no longer read; convert it again"),
            (b"GGUF" + (4).to_bytes(4, "little") + model[8:], "of version 4, and this hre reads up to 3; update hre"),
            (b"hello", "is not a GGUF file"),
        ):
            with self.subTest(said=said):
                self.write("m.gguf", content)
                for command in (("eval", "m.gguf", "--data", "sample"), ("model", "show", "m.gguf")):
                    self.assertIn(said, self.error_of(*command))

    def test_a_vocabulary_whose_converter_did_not_know_it(self):
        values, tensors = gguf_files.read(fixture("qwen2"))
        values["tokenizer.ggml.pre"] = gguf_files.value(gguf_files.STRING, "default")
        gguf_files.write(self.folder / "m.gguf", values, tensors)
        self.write("t.jsonl", json.dumps({"question": "Why?", "answers": [{"text": "a", "votes": 1}, {"text": "b", "votes": 2}]}))
        for command in (("eval", "m.gguf", "--data", "t.jsonl"), ("model", "tokens", "m.gguf", "t.jsonl")):
            self.assertIn("'default' for how its vocabulary splits text into words", self.error_of(*command))

    def test_a_cache_of_8_bits_is_refused_before_loading(self):
        self.write("m.gguf", b"no model at all")
        line = self.error_of("eval", "m.gguf", "--data", "sample", "--kv-type", "q8_0")
        self.assertIn("a cache of 8-bit values needs flash attention; give --flash-attention on", line)

    def test_a_model_that_expects_a_beginning_is_noted(self):
        self.write("m.gguf", fixture("gemma"))
        call = ("eval", "m.gguf", "--data", MODELS / "questions.jsonl", "--threads", "1")
        self.assertIn(": the model expects a beginning-of-sequence token", self.run_hre(*call).stderr)
        self.assertNotIn("beginning-of-sequence", self.run_hre(*call, "--bos", "auto").stderr)

    def test_a_template_that_refuses_says_why(self):
        self.write("m.gguf", fixture("llama-gqa"))
        self.write(
            "t.jinja",
            "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
            "{% for m in messages %}{{ m.content }}{% endfor %}",
        )
        call = ("eval", "m.gguf", "--data", MODELS / "questions.jsonl", "--threads", "1", "--chat-template", "t.jinja")
        self.run_hre(*call)
        line = self.error_of(*call, "--quiet", "--system", "Be brief.")
        self.assertIn("t.jinja: the chat template can't be rendered: System role not supported; leave out --system", line)

    def test_options_for_templates_are_not_ignored(self):
        self.write("m.gguf", fixture("llama-gqa"))
        self.write("t.jinja", "{% for m in messages %}{{ m.content }}{% endfor %}")
        call = ("eval", "m.gguf", "--data", MODELS / "questions.jsonl", "--date", "2031-01-02")
        self.assertIn("--date needs a chat template", self.error_of(*call, "--quiet"))
        self.assertIn("does not ask for a date", self.error_of(*call, "--quiet", "--chat-template", "t.jinja"))
        self.assertIn("is not a day", self.error_of(*call[:-1], "2031-13-02", "--quiet", "--chat-template", "t.jinja"))
        self.assertIn("--date", self.error_of("eval", "server:http://127.0.0.1:9", "--data", "sample", "--date", "2031-01-02"))


class EnvironmentTest(ProgramTest):
    def preloaded(self, source=PRELOADED):
        compiler = os.environ.get("HRE_CXX_COMPILER") or shutil.which("c++")
        if not compiler or os.environ.get("HRE_SANITIZE"):
            self.skipTest("no compiler, or a sanitizer that wants to be first")
        self.write("preloaded.c", source)
        subprocess.run(
            [compiler.replace("g++", "gcc").replace("c++", "cc"), "-shared", "-fPIC", "-o", "preloaded.so", "preloaded.c", "-ldl"],
            cwd=self.folder,
            check=True,
        )
        return str(self.folder / "preloaded.so")

    def test_more_topics_than_files_may_be_open(self):
        """Converted from files of a topic each, and from one that mixes them, to files of a topic each: always the same bytes."""
        topics = [f"t{i:03}" for i in range(150)]
        answers = '"answers": [{"text": "a", "votes": 1}, {"text": "b", "votes": 2}]'
        lines = {t: [f'{{"topic": "{t}", "question": "{t} {i}", {answers}}}\n' for i in range(3)] for t in topics}
        (self.folder / "apart").mkdir()
        for topic, of_topic in lines.items():
            (self.folder / "apart" / f"{topic}.jsonl").write_text("".join(of_topic))
        (self.folder / "mixed.jsonl").write_text("".join(lines[t][i] for i in range(3) for t in topics))
        for source in ("apart", "mixed.jsonl"):
            for options in ([], ["--to", "jsonl"]):
                with self.subTest(source=source, options=options):
                    for limit in (None, 64):
                        done = subprocess.run(
                            [PROGRAM, "data", "convert", source, f"out{limit}", "--force", "--quiet", *options],
                            cwd=self.folder,
                            env=clean_environment(),
                            capture_output=True,
                            text=True,
                            check=False,
                            preexec_fn=limit and (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))),
                        )
                        self.assertEqual(0, done.returncode, done.stderr)
                    files = [[f for f in sorted((self.folder / f"out{limit}").rglob("*")) if f.is_file()] for limit in (None, 64)]
                    self.assertEqual(150, len(files[1]))
                    for a, b in zip(*files, strict=True):
                        self.assertEqual(a.name, b.name)
                        self.assertEqual(a.read_bytes(), b.read_bytes())

    def test_a_folder_that_cannot_lock_or_map(self):
        library = self.preloaded()
        for variable, said in (("NO_LOCKS", "can't lock files"), ("NO_SHM", "can't map files into shared memory")):
            with self.subTest(variable=variable):
                done = self.run_hre(
                    "eval",
                    "baseline:length",
                    "--data",
                    "sample",
                    "--store",
                    "runs.db",
                    timeout=20,
                    env={"LD_PRELOAD": library, variable: "1"},
                )
                self.assertIn(said, done.stderr)
                self.assertIn("give a --store on a local disk", done.stderr)
                self.assertEqual([], list(self.folder.glob("runs.db*")))

    def test_a_home_of_the_list_of_users(self):
        """As services and containers start programs: without $HOME."""
        environment = {
            "LD_PRELOAD": self.preloaded(PASSWORDS),
            "PASSWORD_HOME": str(self.folder / "home"),
            "HOME": None,
            "XDG_STATE_HOME": None,
            "XDG_CACHE_HOME": None,
        }
        for reused in (0, 16):
            done = self.run_hre(
                "eval", "baseline:length", "--data", "sample", "--topic", "python", "--topic", "cpp", "--json", "run.json", env=environment
            )
            self.assertEqual(reused, self.read_json("run.json")["times"]["questions_reused"])
            self.assertNotIn("nothing is kept", done.stderr)
        self.assertTrue((self.folder / "home/.local/state/hre/runs.db").exists())

    def test_stores_whose_path_begins_with_two_slashes(self):
        """As that of XDG_STATE_HOME=/ does; in SQLite's addresses a host stands there."""
        for n, (where, place) in enumerate(((("--store", f"/{self.folder}/a.db"), "a.db"), ((), "state/hre/runs.db"), ((), "b.db"))):
            environment = {"XDG_STATE_HOME": f"/{self.folder}/state", "HRE_STORE": f"/{self.folder}/b.db" if place == "b.db" else None}
            for reused in (0, 8):
                done = self.run_hre(
                    "eval", "baseline:length", "--data", "sample", "--topic", "python", "--json", "run.json", *where, env=environment
                )
                self.assertEqual(reused, self.read_json("run.json")["times"]["questions_reused"], place)
                self.assertNotIn("not kept", done.stderr)
            self.assertTrue((self.folder / place).exists(), f"case {n}")
            listed = json.loads(self.run_hre("runs", "list", "--json", *where, env=environment).stdout)
            self.assertEqual(1, len(listed["runs"]))

    def test_without_a_home(self):
        """A user without an entry in the list of users."""
        if os.geteuid() != 0 or not shutil.which("setpriv"):
            self.skipTest("only root can become a user that is in no list")
        open_folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, open_folder)
        open_folder.chmod(0o777)
        environment = clean_environment(HOME=None, HRE_STORE=None, XDG_STATE_HOME=None, XDG_CACHE_HOME=None)
        two = ("baseline:length", "baseline:zstd", "--data", "sample")
        for command in (("eval", *two), ("compare", *two), ("compare", *two, "--until", "decided")):
            done = subprocess.run(
                ["setpriv", "--reuid", "54321", "--clear-groups", PROGRAM, *command],
                cwd=open_folder,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            if "Permission denied" in done.stderr:
                self.skipTest("that user can't run the program here")
            self.assertEqual(0, done.returncode, done.stderr)
            self.assertEqual(
                1,
                done.stderr.count("hre: nothing is kept: there is no home folder for a store of runs; --store FILE names one\n"),
                done.stderr,
            )
            environment["HRE_STORE"] = "none"
            done = subprocess.run(
                ["setpriv", "--reuid", "54321", "--clear-groups", PROGRAM, *command],
                cwd=open_folder,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            self.assertNotIn("nothing is kept", done.stderr)
            del environment["HRE_STORE"]


# What a terminal would obey, or turn text by.
OBEYED = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069]"


class TerminalTest(ProgramTest):
    def on_terminal(self, *arguments, term="xterm", status=0, **environment):
        """What a terminal gets of both streams."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [PROGRAM, *map(str, arguments)],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
            env=clean_environment(TERM=term, **environment),
        )
        os.close(theirs)
        shown = b""
        while select.select([ours], [], [], 60)[0]:
            try:
                part = os.read(ours, 65536)
            except OSError:
                break
            if not part:
                break
            shown += part
        os.close(ours)
        self.assertIn(process.wait(timeout=60 * SLOWER), status if isinstance(status, tuple) else (status,), shown)
        return shown.decode(errors="replace").replace("\r\n", "\n")

    def test_names_with_escapes_are_shown_and_not_obeyed(self):
        name = "a\x1b]0;title\x07b\x1b[2Jc\nd.gguf"
        self.write(name, fixture("llama-gqa"))
        shown = self.on_terminal("eval", name, "--data", MODELS / "questions.jsonl", "--threads", "1", "--bos", "auto", "--quiet")
        self.assertNotRegex(shown, OBEYED)
        done = self.run_hre("eval", "nowhere\x1b[2J\n.gguf", "--data", "sample", status=2)
        self.assertEqual(1, done.stderr.count("\n"))
        self.assertNotIn("\x1b", done.stderr)

    def test_nothing_from_elsewhere_is_obeyed(self):
        """Names of models, datasets, topics and questions, and texts, in every command that shows them: on a terminal and in a pipe.
        hre's own codes stay out, by --quiet and NO_COLOR."""
        evil = "a\r\x1b[Kb\x1b[31;1mc\x1b[0m\x1b]0;t\x07\u009b2J\u202egnp\u202c\nnext line"
        questions = [
            {
                "topic": f"{evil} {i % 2}",
                "id": f"{evil} {i}",
                "question": f"{evil} {i}?",
                "answers": [{"text": f"{evil} {'x' * (7 * a * i % 11)}", "votes": a} for a in range(4)],
            }
            for i in range(6)
        ]
        self.write("evil\x1b[31m.jsonl", "".join(json.dumps(question) + "\n" for question in questions))
        store = ("--store", "evil.db")
        for model in ("length", "zstd"):
            self.run_hre("eval", f"baseline:{model}", "--data", "evil\x1b[31m.jsonl", "--details", "--json", f"{model}.json", "--quiet")
            run = self.read_json(f"{model}.json")
            run["model"]["name"] = run["model"]["source"] = f"{model} {evil}"
            run["config"][f"key {evil}"] = f"{model} {evil}"
            self.write(f"{model}.json", json.dumps(run))
            self.run_hre("runs", "import", f"{model}.json", "--name", model, *store)
        self.write(
            "study.toml",
            "".join(f'[[run]]\nrun = "{model}.json"\nfamily = "Baselines"\n' for model in ("length", "zstd"))
            + '[[judgements]]\nfile = "scores.csv"\ncolumns = ["Elo"]\n',
        )
        self.write("scores.csv", f'Model,Elo\n"{evil}",900\nlength,1000\n')
        other, run = "other\x1b[31m\nnext line.db", self.read_json("zstd.json")
        shutil.copy(self.folder / "evil.db", self.folder / other)
        plain = [{**question, "topic": "plain", "id": str(i)} for i, question in enumerate(questions)]
        self.write("plain\x1b[31m.jsonl", "".join(json.dumps(question) + "\n" for question in plain))
        self.write(
            "weights.json",
            json.dumps(
                {
                    **run,
                    "model": {**run["model"], "source": f"nowhere {evil}.gguf"},
                    "config": {**run["config"], "architecture": f"llama {evil}"},
                }
            ),
        )
        for command in (
            ("eval", "baseline:zstd", "baseline:length", "--data", "evil\x1b[31m.jsonl", "--quiet"),
            ("compare", "length.json", "zstd.json", "--allow-different", "--quiet"),
            ("compare", "length.json", "zstd.json", "zstd.json", "--allow-different", "--quiet"),
            ("power", "length.json"),
            ("power", "length.json", "zstd.json"),
            ("confounds", "zstd.json"),
            ("runs", "list", *store),
            ("runs", "show", "zstd", *store),
            ("data", "info", "evil\x1b[31m.jsonl", "--quiet"),
            ("runs", "merge", other, "--store", "merged.db"),
            ("runs", "merge", "length.json", "zstd.json", "--json", "merged.json"),
            ("runs", "merge", "nowhere\x1b[31m\nnext line.db", "--store", "merged.db"),
            ("data", "convert", "evil\x1b[31m.jsonl", "out.jsonl", "--force", "--quiet"),
            ("data", "convert", "plain\x1b[31m.jsonl", "out\x1b[31m\nnext line.jsonl", "--force", "--quiet"),
            ("data", "convert", "plain\x1b[31m.jsonl", "out\x1b[31m\nnext line", "--force", "--quiet"),
            ("study", "study.toml", "--allow-different"),
            ("study", "study.toml"),
            ("gate", "zstd.json", "--against", "length.json", "--allow-different"),
            ("gate", "zstd.json", "--against", "length.json"),
            ("verify", "zstd.json", "--data", "evil\x1b[31m.jsonl", "--quiet"),
            ("verify", "weights.json", "--quiet"),
            ("verify", "zstd", *store, "--data", "evil\x1b[31m.jsonl"),
            ("show", "zstd.json", "--data", "evil\x1b[31m.jsonl", "--worst", "9"),
            ("show", "zstd.json", "--disagree", "length.json", "--data", "evil\x1b[31m.jsonl"),
        ):
            with self.subTest(command=command):
                statuses = (0, 2, 3, 4) if command[0] in ("runs", "data", "study", "gate", "verify") else (0,)  # some can't but complain
                shown = self.on_terminal(*command, status=statuses, NO_COLOR="1")
                self.assertNotRegex(shown, OBEYED)
                piped = self.run_hre(*command, status=statuses)
                self.assertNotRegex(piped.stdout + piped.stderr, OBEYED)
                self.assertTrue(piped.stdout + piped.stderr)
                if command[0] != "show":  # whose texts have lines
                    self.assertNotIn("\nnext line", shown + piped.stdout + piped.stderr)
        line = self.on_terminal("show", "zstd.json", "--question", evil + " 9", "--data", "evil\x1b[31m.jsonl", status=2)
        self.assertNotRegex(line, OBEYED)
        self.assertNotIn("\nnext line", line)

    def test_progress_is_drawn(self):
        """hre's own codes reach a terminal that understands them: a line that starts anew, and is gone at the end. The same call
        gives another one plain text."""
        call = (
            "eval",
            SOURCE_DIR / "models" / "hre-base-q8_0.gguf",
            "--data",
            "sample",
            "--limit",
            "4",
            "--threads",
            "1",
            "--long-answers",
            "truncate",
        )
        shown = self.on_terminal(*call)
        self.assertRegex(shown, "\r\x1b\\[K[█░]{20} scoring \\d+ of 56 questions")
        self.assertNotRegex(shown.replace("\r\x1b[K", ""), OBEYED)
        dumb = self.on_terminal(*call, term="dumb")
        self.assertNotRegex(dumb, OBEYED)
        self.assertNotIn("█", dumb)
        self.assertIn("HumanRankEval", dumb)

    def test_a_reader_that_is_gone(self):
        for command in (
            ("data", "info", "sample"),
            ("eval", "baseline:length", "--data", "sample", "--json", "-", "--details"),
            ("runs", "list", "--help"),
        ):
            with self.subTest(command=command):
                reader, writer = os.pipe()
                os.close(reader)
                done = subprocess.run(
                    [PROGRAM, *command],
                    cwd=self.folder,
                    stdout=writer,
                    stderr=subprocess.PIPE,
                    text=True,
                    env=clean_environment(),
                    timeout=60 * SLOWER,
                    check=False,
                )
                os.close(writer)
                self.assertNotIn("could not be written", done.stderr)
                self.assertIn(done.returncode, (0, 128 + signal.SIGPIPE, -signal.SIGPIPE))
        if os.path.exists("/dev/full"):
            with open("/dev/full", "w", encoding="utf-8") as full:
                done = subprocess.run(
                    [PROGRAM, "data", "info", "sample"],
                    stdout=full,
                    stderr=subprocess.PIPE,
                    text=True,
                    env=clean_environment(),
                    timeout=60 * SLOWER,
                    check=False,
                )
            self.assertEqual(1, done.returncode)
            self.assertIn("standard output could not be written", done.stderr)


class CommandLineTest(ProgramTest):
    def test_a_signal_ends_statistics(self):
        """Of many runs they take minutes, and keep nothing that a first Ctrl-C would have to wait for."""
        chance = random.Random(7)
        runs = [
            self.write(f"{i}.csv", "item,group,value\n" + "".join(f"{k},all,{chance.random()}\n" for k in range(500))) for i in range(80)
        ]
        for call in (["report", *runs, "--out", "page"], ["compare", *runs]):
            with self.subTest(call=call[0]):
                process = subprocess.Popen(
                    [PROGRAM, *map(str, call)],
                    cwd=self.folder,
                    env=clean_environment(),
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
                time.sleep(2)
                process.send_signal(signal.SIGTERM)
                out, err = process.communicate(timeout=60 * SLOWER)
                self.assertEqual((130, ""), (process.returncode, out))
                self.assertTrue(err.strip().splitlines()[-1].startswith("hre: interrupted"), err)
                self.assertFalse((self.folder / "page").exists())

    def test_seeds(self):
        self.run_hre("eval", "baseline:length", "--data", "sample", "--json", "a.json", "--details")
        self.run_hre("eval", "baseline:zstd", "--data", "sample", "--json", "b.json", "--details")
        for command in (("compare", "a.json", "b.json"), ("power", "a.json", "b.json")):
            for seed in ("-1", str(2**64), "1.5", "x"):
                self.assertIn("--seed", self.error_of(*command, "--seed", seed))
        ten = self.run_hre("compare", "a.json", "b.json", "--json", "-", "--seed", "010").stdout
        self.assertIn('"seed": 10', ten)

    def test_runs_of_another_store_in_every_command(self):
        for model in ("length", "zstd"):
            self.run_hre("eval", f"baseline:{model}", "--data", "sample", "--store", "x.db", "--name", model)
        store = ("--store", "x.db")
        self.run_hre("compare", "length", "zstd", *store)
        self.run_hre("power", "length", "zstd", *store)
        self.run_hre("confounds", "length", *store)
        self.run_hre("show", "zstd", *store)
        self.run_hre("verify", "zstd", *store, "--questions", "3")
        self.run_hre("report", "length", "zstd", *store, "--out", "page")

    def test_a_file_in_the_folder_is_not_taken_for_a_run(self):
        self.run_hre("eval", "baseline:length", "--data", "sample")
        self.write("last", "{}")
        self.run_hre("show", "last")

    def test_many_topics(self):
        """Each is a file that is open while a dataset is written."""
        lines = [{"topic": f"t{i}", "question": "q", "answers": [{"text": "a", "votes": 1}, {"text": "b", "votes": 2}]} for i in range(400)]
        self.write("many.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
        for name, more in (("parquet", ()), ("jsonl", ("--to", "jsonl"))):
            call = f"ulimit -Sn 100; exec {PROGRAM} data convert many.jsonl {name} {' '.join(more)}"
            done = subprocess.run(
                ["bash", "-c", call], cwd=self.folder, env=clean_environment(), capture_output=True, text=True, check=False
            )
            self.assertEqual(0, done.returncode, done.stderr)

    def test_options_are_no_toml(self):
        self.write("r.toml", (SOURCE_DIR / "recipes" / "fresh.toml").read_text())
        line = self.error_of("data", "build", "--recipe", "r.toml", "--dumps", ".", "--out", "o", "--choose", 'x"\nname="y')
        self.assertIn("choose", line)


if __name__ == "__main__":
    unittest.main()
