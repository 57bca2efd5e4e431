"""What a power cut would leave: no file may get the name by which others find it before its bytes are on the disk.

A preloaded library notes which files have bytes that are not synced, in this process and its children, and reports every
rename and link that gives such a file a name."""

import lzma
import os
import shutil
import subprocess
import unittest

from hub import Hub
from program import SOURCE_DIR, ProgramTest

MODELS = SOURCE_DIR / "tests" / "data" / "models"
LIBRARY = r"""
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
int fsync(int fd) { int r = REAL(fsync)(fd); if (!r) clean(fd); return r; }
int fdatasync(int fd) { int r = REAL(fdatasync)(fd); if (!r) clean(fd); return r; }
int syncfs(int fd) {
  int r = REAL(syncfs)(fd);
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
CONVERTER = """#!/bin/bash
if [ "$2" = venv ]; then mkdir -p "${{@: -1}}/bin"; cat "$0" > "${{@: -1}}/bin/python"; chmod +x "${{@: -1}}/bin/python"
elif [ "$2" = pip ]; then cat {model} > "$(dirname "$0")/../package"
else cat {model} > "${{@: -1}}"
fi
"""


class PowerCutTest(ProgramTest):
    def setUp(self):
        super().setUp()
        compiler = os.environ.get("HRE_CXX_COMPILER") or shutil.which("c++")
        if not compiler or os.environ.get("HRE_SANITIZE"):
            self.skipTest("no compiler, or a sanitizer that wants to be first")
        self.write("unsynced.c", LIBRARY)
        subprocess.run([compiler.replace("g++", "gcc").replace("c++", "cc"), "-shared", "-fPIC", "-o", "unsynced.so", "unsynced.c", "-ldl"],
                       cwd=self.folder, check=True)
        (self.folder / "unsynced").mkdir()
        self.environment = {"LD_PRELOAD": str(self.folder / "unsynced.so"), "UNSYNCED": str(self.folder / "unsynced")}

    def named_too_early(self, *arguments, **env):
        """Files that got a name before they were on the disk."""
        report = self.folder / "unsynced.named"
        report.unlink(missing_ok=True)
        self.run_hre(*arguments, env={**self.environment, **env})
        return report.read_text().splitlines() if report.exists() else []

    def test_the_library_sees_what_is_not_synced(self):
        for command, expected in (("cat /etc/passwd > a; mv a b", ["a"]), ("cat /etc/passwd > a; sync -d a; mv a b", [])):
            (self.folder / "unsynced.named").unlink(missing_ok=True)
            subprocess.run(["bash", "-c", command], cwd=self.folder, env={**os.environ, **self.environment}, check=True)
            report = self.folder / "unsynced.named"
            self.assertEqual(expected, report.read_text().split() if report.exists() else [], command)

    def test_results_and_datasets(self):
        self.assertEqual([], self.named_too_early("eval", "baseline:length", "--data", "sample", "--json", "run.json", "--store", "runs.db"))
        self.assertEqual([], self.named_too_early("data", "convert", "sample", "data/"))
        self.assertEqual([], self.named_too_early("data", "convert", "sample", "data.jsonl"))

    def test_downloads(self):
        with Hub() as hub:
            hub.add("model", "org/tiny", {"a.gguf": bytes(range(256)) * 10_000, "README.md": b"# tiny\n"})
            self.assertEqual([], self.named_too_early("model", "fetch", "hf:org/tiny", HF_ENDPOINT=hub.endpoint,
                                                      HF_HOME=str(self.folder / "hf")))

    def test_conversions(self):
        model = self.write("small.gguf", lzma.decompress((MODELS / "llama-gqa.gguf.xz").read_bytes()))
        self.write("checkpoint/config.json", "{}")
        python = self.write("tools/python3", CONVERTER.format(model=model))
        python.chmod(0o755)
        self.assertEqual([], self.named_too_early(
            "eval", "checkpoint", "--data", MODELS / "questions.jsonl", "--threads", "1", HRE_CACHE=str(self.folder / "cache"),
            PATH=f"{python.parent}:{os.environ['PATH']}"))
        self.assertTrue(list((self.folder / "cache").rglob("checkpoint.gguf")))


if __name__ == "__main__":
    unittest.main()
