"""What a power cut would leave: no file may get the name by which others find it before its bytes are on the disk.

A preloaded library notes which files have bytes that are not synced, in this process and its children, and reports every
rename and link that gives such a file a name. glibc's stdio writes by calls of its own that no library sees, so that its
functions are noted themselves. The store's files are copied whenever they are synced: a power cut leaves of
each what was synced last, or what was written since."""

import contextlib
import json
import lzma
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import time
import unittest

from hub import Hub
from program import PROGRAM, SOURCE_DIR, ProgramTest, clean_environment
from test_data_build import table, thread

MODELS = SOURCE_DIR / "tests" / "data" / "models"
LIBRARY = r"""
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
// A file without a name in the folder $UNSYNCED for each inode with bytes that are not on the disk.
static void mark_of(const struct stat* s, char* path) {
  snprintf(path, 512, "%s/%lx-%lx", getenv("UNSYNCED"), (unsigned long)s->st_dev, (unsigned long)s->st_ino);
}
static void dirty(int fd) {
  struct stat s;
  char path[512];
  if (fstat(fd, &s) || !S_ISREG(s.st_mode)) return;
  mark_of(&s, path);
  int mark = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0666);
  if (mark >= 0) close(mark);
}
static void clean(int fd) {
  struct stat s;
  char path[512];
  if (fstat(fd, &s)) return;
  mark_of(&s, path);
  unlink(path);
}
static void check(const struct stat* s, const char* name) {
  char path[512], line[1200];
  mark_of(s, path);
  if (access(path, F_OK)) return;
  snprintf(path, sizeof path, "%s.named", getenv("UNSYNCED"));
  int report = open(path, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0666);
  int n = snprintf(line, sizeof line, "%s\n", name);
  static ssize_t (*real)(int, const void*, size_t);
  if (!real) real = (ssize_t (*)(int, const void*, size_t))dlsym(RTLD_NEXT, "write");
  if (report >= 0 && real(report, line, n) == n) close(report);
}
static int check_entry(const char* name, const struct stat* s, int type, struct FTW* where) {
  (void)type;
  (void)where;
  check(s, name);
  return 0;
}
static void named(int folder, const char* name) {
  struct stat s;
  if (fstatat(folder, name, &s, 0)) return;
  if (S_ISDIR(s.st_mode)) nftw(name, check_entry, 16, FTW_PHYS);
  else check(&s, name);
}
ssize_t write(int fd, const void* b, size_t n) { dirty(fd); return REAL(write)(fd, b, n); }
ssize_t writev(int fd, const struct iovec* v, int n) { dirty(fd); return REAL(writev)(fd, v, n); }
ssize_t pwrite(int fd, const void* b, size_t n, off_t o) { dirty(fd); return REAL(pwrite)(fd, b, n, o); }
ssize_t pwrite64(int fd, const void* b, size_t n, off_t o) { dirty(fd); return REAL(pwrite64)(fd, b, n, o); }
ssize_t copy_file_range(int a, off64_t* x, int b, off64_t* y, size_t n, unsigned f) { dirty(b); return REAL(copy_file_range)(a, x, b, y, n, f); }
ssize_t sendfile(int to, int from, off_t* o, size_t n) { dirty(to); return REAL(sendfile)(to, from, o, n); }
ssize_t sendfile64(int to, int from, off64_t* o, size_t n) { dirty(to); return REAL(sendfile64)(to, from, o, n); }
int ftruncate(int fd, off_t n) { dirty(fd); return REAL(ftruncate)(fd, n); }
int ftruncate64(int fd, off64_t n) { dirty(fd); return REAL(ftruncate64)(fd, n); }
size_t fwrite(const void* b, size_t size, size_t n, FILE* f) { dirty(fileno(f)); return REAL(fwrite)(b, size, n, f); }
int fputs(const char* b, FILE* f) { dirty(fileno(f)); return REAL(fputs)(b, f); }
int fputc(int c, FILE* f) { dirty(fileno(f)); return REAL(fputc)(c, f); }
int putc(int c, FILE* f) { dirty(fileno(f)); return REAL(putc)(c, f); }
int vfprintf(FILE* f, const char* form, va_list list) { dirty(fileno(f)); return REAL(vfprintf)(f, form, list); }
int fprintf(FILE* f, const char* form, ...) {
  va_list list;
  va_start(list, form);
  int n = vfprintf(f, form, list);
  va_end(list);
  return n;
}
// What is left in the stream's memory reaches the file only now.
int fflush(FILE* f) { if (f && __fpending(f)) dirty(fileno(f)); return REAL(fflush)(f); }
int fclose(FILE* f) { if (__fpending(f)) dirty(fileno(f)); return REAL(fclose)(f); }
// As a disk that says that it has the bytes and hasn't: to see that a test would notice what is not synced.
static int forgets(void) { return getenv("FORGETS") != 0; }
int symlink(const char* to, const char* name) {
  if (getenv("NO_SYMLINKS")) { errno = EPERM; return -1; }
  return REAL(symlink)(to, name);
}
int fsync(int fd) { int r = REAL(fsync)(fd); if (!r && !forgets()) clean(fd); return r; }
int fdatasync(int fd) { int r = REAL(fdatasync)(fd); if (!r && !forgets()) clean(fd); return r; }
int syncfs(int fd) {
  int r = REAL(syncfs)(fd);
  if (forgets()) return r;
  DIR* all = opendir(getenv("UNSYNCED"));
  struct dirent* entry;
  while (all && (entry = readdir(all))) unlinkat(dirfd(all), entry->d_name, 0);
  if (all) closedir(all);
  return r;
}
int rename(const char* a, const char* b) { named(AT_FDCWD, a); return REAL(rename)(a, b); }
int renameat2(int x, const char* a, int y, const char* b, unsigned f) { named(x, a); return REAL(renameat2)(x, a, y, b, f); }
int link(const char* a, const char* b) { named(AT_FDCWD, a); return REAL(link)(a, b); }
int linkat(int x, const char* a, int y, const char* b, int f) { named(x, a); return REAL(linkat)(x, a, y, b, f); }
"""
SYNCED = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
// Puts a copy of a store's file into the folder $SYNCED.
static void keep(int fd) {
  char link[64], name[512], part[600], whole[600], bytes[1 << 16];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, name, sizeof name - 1);
  if (n < 0) return;
  name[n] = 0;
  struct stat s;
  if (!fstat(fd, &s) && S_ISDIR(s.st_mode)) {  // now its files are gone that were deleted
    snprintf(whole, sizeof whole, "%s/runs.db-journal", getenv("SYNCED"));
    if (faccessat(fd, "runs.db-journal", F_OK, 0)) unlink(whole);
    return;
  }
  const char* base = strrchr(name, '/');
  if (!base || strncmp(base, "/runs.db", 8)) return;
  snprintf(whole, sizeof whole, "%s%s", getenv("SYNCED"), base);
  snprintf(part, sizeof part, "%s.part", whole);
  static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&one);
  int to = open(part, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0666);
  // Read through the same descriptor: to close another one of the file would give up the process's locks on it.
  for (off_t at = 0; (n = pread(fd, bytes, sizeof bytes, at)) > 0; at += n)
    if (write(to, bytes, n) != n) abort();
  close(to);
  rename(part, whole);
  pthread_mutex_unlock(&one);
}
int fsync(int fd) { int r = ((__typeof__(&fsync))dlsym(RTLD_NEXT, "fsync"))(fd); if (!r) keep(fd); return r; }
int fdatasync(int fd) { int r = ((__typeof__(&fdatasync))dlsym(RTLD_NEXT, "fdatasync"))(fd); if (!r) keep(fd); return r; }
"""
CONVERTER = """#!/bin/bash
if [ "$2" = venv ]; then mkdir -p "${{@: -1}}/bin"; cat "$0" > "${{@: -1}}/bin/python"; chmod +x "${{@: -1}}/bin/python"
elif [ "$2" = pip ]; then cat {model} > "$(dirname "$0")/../package"
else cat {model} > "${{@: -1}}"
fi
"""


def build_library(test, source, name):
    """Skips the test where that can't be."""
    compiler = os.environ.get("HRE_CXX_COMPILER") or shutil.which("c++")
    if not compiler or os.environ.get("HRE_SANITIZE"):
        test.skipTest("no compiler, or a sanitizer that wants to be first")
    test.write(f"{name}.c", source)
    subprocess.run(
        [compiler.replace("g++", "gcc").replace("c++", "cc"), "-shared", "-fPIC", "-o", f"{name}.so", f"{name}.c", "-ldl"],
        cwd=test.folder,
        check=True,
    )
    (test.folder / name).mkdir()
    return {"LD_PRELOAD": str(test.folder / f"{name}.so"), name.upper(): str(test.folder / name)}


class PowerCutTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.environment = build_library(self, LIBRARY, "unsynced")

    def named_too_early(self, arguments, **env):
        """Files that got a name before they were on the disk."""
        report = self.folder / "unsynced.named"
        report.unlink(missing_ok=True)
        for mark in (self.folder / "unsynced").iterdir():  # inodes are used again
            mark.unlink()
        self.run_hre(*arguments, env={**self.environment, **env})
        return report.read_text().splitlines() if report.exists() else []

    def assert_synced(self, *arguments, made, again, **env):
        """A call gives names to what is on the disk alone; without any syncing it is seen that it gives one to a file whose path
        matches `made`. `again` makes the call possible a second time."""
        with self.subTest(arguments=arguments):
            self.assertEqual([], self.named_too_early(arguments, **env))
            again()
            named = self.named_too_early(arguments, FORGETS="1", **env)
            self.assertTrue([name for name in named if re.search(made, name)], f"{made} is not among {named}")

    def remove(self, *names):
        for name in names:
            path = self.folder / name
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)

    def test_the_library_sees_what_is_not_synced(self):
        """Written by calls of the kernel, by stdio at once, and by stdio at its end."""
        python = f"""{sys.executable} -c 'import ctypes; c = ctypes.CDLL(None); c.fopen.restype = ctypes.c_void_p
f = ctypes.c_void_p(c.fopen(b"a", b"w")); {{}}'; mv a b"""
        flush = "c.fflush(f); c.fsync(c.fileno(f))"
        for command, expected in (
            ("cat /etc/passwd > a; mv a b", ["a"]),
            ("cat /etc/passwd > a; sync -d a; mv a b", []),
            (python.format('c.fwrite(b"text", 1, 4, f); c.fclose(f)'), ["a"]),
            (python.format(f'c.fputs(b"text", f); {flush}; c.fclose(f)'), []),
            (python.format(f'c.fputs(b"text", f); {flush}; c.fprintf(f, b"%d", 1); c.fclose(f)'), ["a"]),
            (python.format('c.fwrite(b"text", 1, 4, f); c.fclose(f)').replace("mv", "sync -d a; mv"), []),
        ):
            with self.subTest(command=command):
                (self.folder / "unsynced.named").unlink(missing_ok=True)
                subprocess.run(["bash", "-c", command], cwd=self.folder, env={**os.environ, **self.environment}, check=True)
                report = self.folder / "unsynced.named"
                self.assertEqual(expected, report.read_text().split() if report.exists() else [])

    def test_results(self):
        self.assert_synced(
            "eval",
            "baseline:length",
            "--data",
            "sample",
            "--json",
            "run.json",
            "--details",
            "--store",
            "runs.db",
            made=r"run\.json|/proc/self/fd/",
            again=lambda: self.remove("run.json"),
        )
        self.run_hre("eval", "baseline:length", "--data", "sample", "--store", "runs.db", "--name", "mine")
        for form, out in (
            ("json", "out.json"),
            ("csv", "out.csv"),
            ("parquet", "out.parquet"),
            ("lm-eval", "lm"),
            ("reference", "ref.csv"),
        ):
            self.assert_synced(
                "runs",
                "export",
                "mine",
                "--store",
                "runs.db",
                "--to",
                form,
                "--out",
                out,
                made=rf"{out.partition('.')[0]}|/proc/self/fd/",
                again=lambda out=out: self.remove(out),
            )
        self.assert_synced("report", "run.json", "--out", "page", made=r"page/|/proc/self/fd/", again=lambda: self.remove("page"))

    def test_datasets(self):
        for out, *options in (["set"], ["set", "--to", "jsonl"], ["set.jsonl"]):
            for more in ((), ("--force",)):  # beside nothing, and in another one's place
                self.assert_synced(
                    "data",
                    "convert",
                    "sample",
                    out,
                    "--topic",
                    "python",
                    *options,
                    *more,
                    made=r"\.set\.hre-\w{6}",
                    again=(lambda: None) if more else (lambda out=out: self.remove(out)),
                )
            self.remove(out)
        self.write("beer.stackexchange.com/Posts.xml", table("".join(thread(10 * i) for i in range(1, 9))))
        self.assert_synced(
            "data",
            "build",
            "--topic",
            "beer=beer.stackexchange.com",
            "--out",
            "set",
            made=r"\.set\.hre-\w{6}/data/.*\.parquet",
            again=lambda: self.remove("set"),
        )
        self.assert_synced(
            "data",
            "build",
            "--topic",
            "beer=beer.stackexchange.com",
            "--out",
            "set",
            "--force",
            made=r"\.set\.hre-\w{6}/metadata/questions.jsonl",
            again=lambda: None,
        )

    def test_downloads(self):
        with Hub() as hub:
            hub.add("model", "org/tiny", {"a.gguf": bytes(range(256)) * 10_000, "README.md": b"# tiny\n"})
            for more, made in (({}, "/parts/"), ({"NO_SYMLINKS": "1"}, "/snapshots/.*/a\\.gguf")):
                self.assert_synced(
                    "model",
                    "fetch",
                    "hf:org/tiny",
                    made=made,
                    again=lambda: self.remove("hf"),
                    HF_ENDPOINT=hub.endpoint,
                    HF_HOME=str(self.folder / "hf"),
                    **more,
                )
                self.assertEqual([not more], [path.is_symlink() for path in (self.folder / "hf").rglob("a.gguf")])
                self.remove("hf")

    def test_conversions(self):
        model = self.write("small.gguf", lzma.decompress((MODELS / "llama-gqa.gguf.xz").read_bytes()))
        self.write("checkpoint/config.json", "{}")
        python = self.write("tools/python3", CONVERTER.format(model=model))
        python.chmod(0o755)
        self.assert_synced(
            "eval",
            "checkpoint",
            "--data",
            MODELS / "questions.jsonl",
            "--threads",
            "1",
            made=r"checkpoint\.gguf",
            again=lambda: self.remove("cache"),
            HRE_CACHE=str(self.folder / "cache"),
            PATH=f"{python.parent}:{os.environ['PATH']}",
        )
        self.assertTrue(list((self.folder / "cache").rglob("checkpoint.gguf")))

    def test_stores(self):
        """What upgrading and repairing leave beside the store, and in its place."""
        for version in ("v1", "v2"):
            store = self.folder / f"{version}.db"

            def renew(store=store, version=version):
                for path in self.folder.glob(f"{store.name}*"):
                    path.unlink()
                shutil.copy(SOURCE_DIR / "tests" / "data" / "store" / f"{version}.db", store)

            renew()
            self.assert_synced("runs", "list", "--store", store.name, made=rf"{version}\.db\.{version}\.\d+", again=renew)
            self.assertTrue((self.folder / f"{version}.db.{version}").exists())
        self.run_hre("eval", "baseline:length", "--data", "sample", "--store", "whole.db")

        def damage():
            for path in self.folder.glob("runs.db*"):
                path.unlink()
            shutil.copy(self.folder / "whole.db", self.folder / "runs.db")
            with contextlib.closing(sqlite3.connect(self.folder / "runs.db")) as database:
                database.execute("UPDATE score SET checksum = checksum + 1 WHERE id = 1")
                database.commit()

        damage()
        self.assert_synced("runs", "repair", "--store", "runs.db", made=r"runs\.db\.repaired", again=damage)
        self.assertTrue((self.folder / "runs.db.damaged").exists())


class StorePowerCutTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.environment = build_library(self, SYNCED, "synced")
        self.seed = random.randrange(1 << 32)
        self.random = random.Random(self.seed)
        self.words = ["".join(self.random.choices("etaoinsh", k=5)) for _ in range(500)]
        self.call = [
            PROGRAM,
            "eval",
            "baseline:zstd",
            "--data",
            "data.jsonl",
            "--threads",
            "1",
            "--quiet",
            "--details",
            "--json",
            "run.json",
        ]

    def write_questions(self, n):
        text = lambda: " ".join(self.random.choices(self.words, k=60))
        self.write(
            "data.jsonl",
            "".join(
                json.dumps({"topic": "t", "question": text(), "answers": [{"text": text(), "votes": votes} for votes in range(3)]}) + "\n"
                for _ in range(n)
            ),
        )

    def write_work(self):
        """Questions that take long enough to be stored in several parts, however fast the machine is."""
        n, seconds = 400, 0
        while seconds < 1:
            self.write_questions(n)
            (self.folder / "whole.db").unlink(missing_ok=True)
            begin = time.monotonic()
            self.run_hre(*self.call[1:], "--store", "whole.db")
            seconds, n_questions, n = time.monotonic() - begin, n, 2 * n
        return n_questions, seconds

    def cut_the_power(self):
        """Leaves of each file what was synced, or also what was written after it; how many questions are stored then."""
        for name in ("runs.db", "runs.db-wal", "runs.db-journal"):
            file, synced = self.folder / name, self.folder / "synced" / name
            if self.random.random() < 0.5:
                file.unlink(missing_ok=True)
                if synced.exists():
                    shutil.copy(synced, file)
        (self.folder / "runs.db-shm").unlink(missing_ok=True)
        stored = self.stored() if (self.folder / "runs.db").exists() else 0
        for file in (self.folder / "synced").iterdir():
            file.unlink()
        for file in self.folder.glob("runs.db*"):  # what is there now is on the disk
            shutil.copy(file, self.folder / "synced" / file.name)
        return stored

    def seen(self):
        """How many questions other processes see in the store."""
        try:
            with contextlib.closing(sqlite3.connect(f"file:{self.folder}/runs.db?mode=ro", uri=True)) as database:
                return database.execute("SELECT count(*) FROM score").fetchone()[0]
        except sqlite3.OperationalError:  # there is none yet
            return 0

    def stored(self):
        with contextlib.closing(sqlite3.connect(self.folder / "runs.db")) as database:
            self.assertEqual([("ok",)], database.execute("PRAGMA integrity_check").fetchall(), f"seed {self.seed}")
            made = database.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'score'").fetchone()[0]
            return database.execute("SELECT count(*) FROM score").fetchone()[0] if made else 0

    def test_what_was_synced_stays(self):
        n_questions, seconds = self.write_work()
        whole, seen, stored, before, n_amid = self.read_json("run.json")["questions"], [], [], 0, 0
        for i in range(15):
            if before == n_questions:  # nothing is left to lose power at
                self.remove_stores()
                before = 0
            process = subprocess.Popen(
                [*self.call, "--store", "runs.db"],
                cwd=self.folder,
                env=clean_environment(**self.environment),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            aimed = i % 2 == 0  # at the moment after something new was stored
            while aimed and self.seen() <= before and process.poll() is None:
                time.sleep(0.002)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(self.random.uniform(0, 0.02 if aimed else seconds / 2))
            seen.append(self.seen())
            process.kill()
            process.wait()
            before = self.cut_the_power()
            stored.append(before)
            n_amid += 0 < before < n_questions
        print(f"seed {self.seed}; {n_questions} questions, {seconds:.2f} s; stored after each power cut: {stored}")
        self.assertTrue(all(a <= b for a, b in zip(seen, stored)), f"something stored was lost: {seen}")
        self.assertGreater(n_amid, 2, "hardly a power cut came amid the work")
        self.run_hre(*self.call[1:], "--store", "runs.db", env=self.environment)
        self.assertEqual(n_questions, self.cut_the_power(), "a finished run was lost")
        self.assertEqual(whole, self.read_json("run.json")["questions"])
        self.assertEqual(
            whole, json.loads(self.run_hre("runs", "export", "last", "--store", "runs.db", "--to", "json").stdout)["questions"]
        )

    def remove_stores(self):
        for file in (*self.folder.glob("runs.db*"), *(self.folder / "synced").iterdir()):
            file.unlink()


if __name__ == "__main__":
    unittest.main()
