"""The tools that check the repository itself: that they pass here, and that each finds what it is for in a repository that has it."""

import http.server
import importlib.util
import json
import pathlib
import subprocess
import sys
import tempfile
import threading
import unittest

from program import PROGRAM, SOURCE_DIR, clean_environment

TOOLS = SOURCE_DIR / "tools"


class CheckTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="hre-checks-")
        self.addCleanup(scratch.cleanup)
        self.root = pathlib.Path(scratch.name).resolve()

    def write(self, files):
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def check(self, tool, *arguments, status=0):
        done = subprocess.run(
            [sys.executable, "-B", TOOLS / tool, *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            env=clean_environment(),
            cwd=SOURCE_DIR,
        )
        self.assertEqual(status, done.returncode, done.stdout + done.stderr)
        return done.stdout


class LinksTest(CheckTest):
    def dead(self, files):
        self.write(files)
        subprocess.run(["git", "init", "-q"], cwd=self.root, check=True)
        return self.check("check_links.py", "--root", self.root, status=1).splitlines()[:-1]

    def test_this_repository(self):
        if not (SOURCE_DIR / ".git").exists():
            self.skipTest("this is no git checkout")
        self.check("check_links.py")

    def test_finds_dead_links(self):
        self.assertEqual(
            [
                "README.md:3: docs/b.md: there is no such file",
                "README.md:3: docs/a.md#two: docs/a.md has no such heading",
                "README.md:4: picture.png: there is no such file",
                "README.md:5: #nowhere: README.md has no such heading",
                "docs/a.md:4: ../../other/x leads out of the repository",
            ],
            self.dead(
                {
                    "README.md": "# A title\n\n[one](docs/a.md#one), [no](docs/b.md), [`two`](docs/a.md#two), [self](#a-title), [web](https://a.org/b_(c))\n"
                    "![picture](picture.png) `[code](nowhere.md)`\n[x](#nowhere) [folder](docs) [again](docs/a.md#one-1)\n"
                    "```\n[code](nowhere.md)\n# nowhere\n```\n",
                    "docs/a.md": "# One\n## One\n[up](../README.md) [root](/docs/a.md)\n[out](../../other/x)\n",
                }
            ),
        )

    def test_a_repository_without_links_is_no_success(self):
        self.dead({"README.md": "# Nothing\n"})


class Osv(http.server.BaseHTTPRequestHandler):
    """Stands in for osv.dev: knows one vulnerability of one version."""

    def log_message(self, *_):
        pass

    def do_POST(self):
        queries = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
        bad = {"package": {"ecosystem": "PyPI", "name": "bad-one"}, "version": "1.0"}
        body = json.dumps({"results": [{"vulns": [{"id": "GHSA-1"}]} if query == bad else {} for query in queries]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class PinsTest(CheckTest):
    HASH = " --hash=sha256:" + "0" * 64

    def setUp(self):
        super().setUp()
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Osv)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.osv = f"http://127.0.0.1:{server.server_port}"

    def pins(self, lock, advisories="", status=1, osv=None):
        self.write({"third_party/a.lock": lock, "third_party/debian.txt": "", "third_party/advisories.txt": advisories})
        return self.check("check_pins.py", "--root", self.root, "--osv", osv or self.osv, status=status)

    def test_this_repository(self):
        listed = self.check("check_pins.py", "--list")
        for name in ("llama-cpp-python", "pyarrow", "onednn-cpu-gomp", "torch", "transformers", "auditwheel", "ruff"):
            self.assertIn(f"\tPyPI\t{name}\t", listed)
        self.assertIn(" 0 problems", self.check("check_pins.py", "--offline"))

    def test_a_pin_without_a_version_or_hash(self):
        self.assertIn("a.lock:2: good has no hash\n", self.pins("# a lock\ngood==2.0\n"))
        self.assertIn("a.lock:1: not pinned: good>=2.0", self.pins("good>=2.0" + self.HASH))
        self.pins("", status=1)

    def test_known_vulnerabilities(self):
        self.assertIn("1 pins, 0 problems", self.pins("good==2.0" + self.HASH, status=0))
        self.assertIn("a.lock:2: bad-one 1.0: GHSA-1\n", self.pins(f"good==2.0{self.HASH}\nBad_One==1.0{self.HASH}\n"))
        self.assertIn("bad-one 1.0: GHSA-1: unused", self.pins(f"Bad_One==1.0{self.HASH}\n", "GHSA-1 unused here\n", status=0))
        self.assertIn("GHSA-1 has no reason", self.pins(f"Bad_One==1.0{self.HASH}\n", "GHSA-1\n"))

    def test_no_network_is_said(self):
        self.assertIn(
            "skipped: known vulnerabilities were not asked for", self.pins("good==2.0" + self.HASH, osv="http://127.0.0.1:9", status=77)
        )


class PublicTest(CheckTest):
    """What the last release offered is there, or the changelog tells users."""

    def public(self, *arguments, status=0):
        return self.check("check_public.py", "--program", PROGRAM, *arguments, status=status)

    def test_this_build(self):
        listed = self.public("--list").splitlines()
        for thing in (
            "header hre/evaluate.h",
            "command data build",
            "option eval --data",
            "json hre-run/1 results.micro.pearson.mean",
            "json hre-gate/1 verdict",
            "python hre.evaluate",
        ):
            self.assertIn(thing, listed)
        self.assertTrue([thing for thing in listed if thing.startswith("symbol hre::evaluate(hre::Dataset const&, hre::Scorer&")])
        self.public()

    def test_what_is_gone_must_be_in_the_changelog(self):
        gone = ["option eval --gone", "symbol hre::RunStore::vanish(int)", "json hre-run/1 results.micro.nothing"]
        now = self.public("--list")  # what is gone since the last release is for the real changelog to say
        self.write(
            {
                "before.txt": now + "\n".join(gone) + "\n",
                "some.md": "# Changes\n\n## 9\n\n- `--gone` is --gone-on now.\n\n## 8\n\n- `vanish`\n",
                "all.md": "# Changes\n\n## 9\n\n- `hre eval --gone`, `vanish()` and `micro.nothing` are no more.\n",
            }
        )
        said = self.public("--before", self.root / "before.txt", "--changelog", self.root / "some.md", status=1)
        self.assertEqual([f"gone, and not in the changelog: {thing}" for thing in sorted(gone[1:])], said.splitlines()[:-1])
        self.public("--before", self.root / "before.txt", "--changelog", self.root / "all.md")


class DockerfileTest(CheckTest):
    def test_is_understood(self):
        """tools/check_dockerfile.py, which runs its commands, knows every instruction; the last stage ends as a user without rights."""
        last = self.check("check_dockerfile.py", "--parse").splitlines()[-1]
        self.assertRegex(last, r"^last: scratch, .*USER, WORKDIR, ENTRYPOINT, CMD$")


class TidyTest(CheckTest):
    def test_recent(self):
        """What a merge brought comes first, however old its commits are; where git knows no history it is skipped."""

        def git(*arguments, date="2026-02-01T00:00:00"):
            environment = clean_environment(GIT_AUTHOR_DATE=date, GIT_COMMITTER_DATE=date, GIT_CONFIG_GLOBAL="/dev/null")
            subprocess.run(
                ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments],
                cwd=self.root,
                env=environment,
                check=True,
                capture_output=True,
            )

        def commit(name, **when):
            self.write({name: name, **({"tools/tidy.py": (TOOLS / "tidy.py").read_text(encoding="utf-8")} if name == "src/a.cc" else {})})
            git("add", "-A")
            git("commit", "-m", name, **when)

        git("init", "-b", "main")
        for name in ("src/a.cc", "src/b.cc", "src/c.cc", "src/c.h", "src/d.cc"):
            commit(name)
        git("checkout", "-b", "side")
        (self.root / "src/c.h").unlink()
        commit("src/c.h.in", date="2026-01-01T00:00:00")
        git("checkout", "main")
        (self.root / "src/b.cc").unlink()
        commit("src/b.txt", date="2026-03-01T00:00:00")
        git("merge", "--no-ff", "-m", "merge", "side", date="2026-04-01T00:00:00")
        self.write({"src/d.cc": "not committed"})
        spec = importlib.util.spec_from_file_location("tidy", self.root / "tools" / "tidy.py")
        tidy = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(tidy)
        sources = [self.root / "src" / f"{name}.cc" for name in "abcd"]
        self.assertEqual(["d.cc", "c.cc", "b.cc", "a.cc"], [path.name for path in tidy.by_recency(sources)])

        git("clone", "--depth", "1", f"file://{self.root}", "shallow")
        done = subprocess.run(
            [sys.executable, "-B", "tools/tidy.py", "--recent"],
            cwd=self.root / "shallow",
            env=clean_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(77, done.returncode, done.stdout + done.stderr)
        self.assertIn("skipped: ", done.stdout)


if __name__ == "__main__":
    unittest.main()
