"""Models and datasets by name, against a stand-in hub on the loopback (tests/hub.py), and against Python's own
huggingface_hub and datasets, which use the same cache."""

import fcntl
import hashlib
import json
import os
import pathlib
import resource
import signal
import subprocess
import time
import unittest

from hub import Fault, Hub
from program import PROGRAM, SLOWER, ProgramTest, clean_environment, shared_data

MODEL = "org/tiny-GGUF"
WEIGHTS = bytes(range(256)) * 40_000  # 10 MB, of no model
SMALL = {"config.json": b'{"model_type": "llama"}', "README.md": b"# tiny\n", "tokenizer.json": b"{}"}
QUESTION = {
    "question": "Which?",
    "answers": [{"text": "this one", "votes": "5"}, {"text": "no", "votes": "1"}, {"text": "none of them", "votes": "3"}],
}


def jsonl(n):
    """n questions whose answers differ in length."""
    lines = []
    for i in range(n):
        answers = [{"text": "word " * (1 + (i * 7 + k * 5) % 11), "votes": str((i + k * k) % 9)} for k in range(4)]
        lines.append(json.dumps({"question": f"Question {i}?", "answers": answers}))
    return ("\n".join(lines) + "\n").encode()


class HubTest(ProgramTest):
    """A hub of its own for every test, and an empty cache."""

    def setUp(self):
        super().setUp()
        self.hub = Hub()
        self.hub.__enter__()
        self.addCleanup(self.hub.__exit__)
        self.environment = {
            "HF_ENDPOINT": self.hub.endpoint,
            "HF_HOME": str(self.folder / "hf"),
            "HF_TOKEN": None,
            "HF_HUB_OFFLINE": None,
            "HF_HUB_CACHE": None,
            "http_proxy": None,
            "HTTP_PROXY": None,
        }

    def hre(self, *arguments, **options):
        environment = self.environment | options.pop("env", {})
        return self.run_hre(*arguments, env=environment, **options)

    def problem(self, *arguments, **options):
        environment = self.environment | options.pop("env", {})
        return self.error_of(*arguments, env=environment, **options)

    def cache(self, kind="models", name=MODEL):
        return self.folder / "hf" / "hub" / f"{kind}--{name.replace('/', '--')}"

    def assert_clean(self, cache):
        """Every blob of the cache is what its name says, and no link leads nowhere."""
        for blob in (cache / "blobs").glob("*") if (cache / "blobs").exists() else []:
            data = blob.read_bytes()
            name = hashlib.sha256(data) if len(blob.name) == 64 else hashlib.sha1(f"blob {len(data)}\0".encode() + data)
            self.assertEqual(blob.name, name.hexdigest())
        for path in (cache / "snapshots").rglob("*"):
            self.assertTrue(path.exists(), path)


class FetchTest(HubTest):
    def test_layout(self):
        commit = self.hub.add("model", MODEL, {"sub/tiny-Q8_0.gguf": WEIGHTS} | SMALL)
        done = self.hre("model", "fetch", f"hf:{MODEL}")
        path = self.cache() / "snapshots" / commit / "sub" / "tiny-Q8_0.gguf"
        self.assertEqual(f"{path}\n", done.stdout)
        self.assertEqual(WEIGHTS, path.read_bytes())
        self.assertEqual(f"../../../blobs/{hashlib.sha256(WEIGHTS).hexdigest()}", os.readlink(path))
        self.assertEqual(commit, (self.cache() / "refs" / "main").read_text())
        self.assertEqual([path.name], [file.name for file in (self.cache() / "snapshots").rglob("*") if file.is_file()])
        self.assertEqual([], list((self.cache() / ".hre" / "parts").glob("*")))
        self.assertIn(f"hf:{MODEL}@{commit}/sub/tiny-Q8_0.gguf: 1 file, 10.2 MB", done.stderr)

    def test_checkpoint(self):
        commit = self.hub.add(
            "model",
            "org/check",
            SMALL | {"model.safetensors": WEIGHTS, "pytorch_model.bin": b"x", "onnx/model.onnx": b"x", "onnx/config.json": b"{}"},
        )
        done = self.hre("model", "fetch", "hf:org/check", "--quiet")
        folder = self.cache(name="org/check") / "snapshots" / commit
        self.assertEqual((f"{folder}\n", ""), (done.stdout, done.stderr))
        self.assertEqual(sorted([*SMALL, "model.safetensors"]), sorted(path.name for path in folder.rglob("*")))
        self.assert_clean(self.cache(name="org/check"))

    def test_in_pieces_over_several_connections(self):
        weights = self.folder / "big.gguf"
        weights.write_bytes(os.urandom(1 << 20) * 50)
        self.hub.add("model", MODEL, {"big.gguf": weights})
        path = self.hre("model", "fetch", f"hf:{MODEL}").stdout.strip()
        self.assertEqual(weights.read_bytes(), pathlib.Path(path).read_bytes())
        ranges = [request.headers["range"] for request in self.hub.requests if request.host == "files"]
        self.assertEqual(
            ["bytes=0-16777215", "bytes=16777216-33554431", "bytes=33554432-50331647", "bytes=50331648-52428799"],
            sorted(ranges, key=lambda text: int(text[6:].split("-")[0])),
        )

    def test_token_goes_to_the_hub_alone(self):
        self.hub.add("model", MODEL, {"a.gguf": WEIGHTS}, access="gated")
        self.hre("model", "fetch", f"hf:{MODEL}", env={"HF_TOKEN": " hf_right\n"})
        seen = {
            host: {request.headers.get("authorization") for request in self.hub.requests if request.host == host}
            for host in ("hub", "files")
        }
        self.assertEqual({"hub": {"Bearer hf_right"}, "files": {None}}, seen)

    def assert_nowhere(self, secrets, *runs):
        """No output and no file of the test's folder, the store and the cache among them, has one of these."""
        texts = [text.encode() for done in runs for text in (done.stdout, done.stderr)]
        texts += [path.read_bytes() for path in self.folder.rglob("*") if path.is_file()]
        names = [str(path).encode() for path in self.folder.rglob("*")]
        for secret in secrets:
            self.assertFalse([text[:300] for text in (*texts, *names) if secret.encode() in text], secret)

    def test_no_secret_is_shown_or_kept(self):
        """The token, a password in the hub's address, one in the proxy's, and signed addresses, when all goes well and when it doesn't."""
        self.hub.token = "hf_a*secret*token"
        password = "pass*word*in*url"
        self.hub.add("dataset", "org/data", {"data.jsonl": jsonl(9)}, access="private")
        self.hub.add("model", MODEL, {"big.gguf": WEIGHTS}, access="private")
        env = {"HF_TOKEN": self.hub.token, "HF_ENDPOINT": self.hub.endpoint.replace("://", f"://somebody:{password}@")}
        runs = [
            self.hre("eval", "baseline:length", "--data", "hf:org/data", "--json", "run.json", env=env),
            self.hre("model", "fetch", f"hf:{MODEL}", env=env),
        ]
        signatures = list(self.hub.signatures)
        self.assertTrue(signatures)
        self.assertIn(f"Bearer {self.hub.token}", {request.headers.get("authorization") for request in self.hub.requests})

        def fails(name, *, status=(1, 2), **more):
            runs.append(self.hre("model", "fetch", name, status=status, env=env | more))
            return runs[-1].stderr

        self.assertIn("there is no such model", fails("hf:org/nowhere"))
        self.assertIn("there is no revision", fails(f"hf:{MODEL}@v9"))
        self.hub.add("model", "org/gated", {"a.gguf": b"x"}, access="gated")
        self.hub.accepted = False
        self.assertIn("accept them at http://127.0.0.1:", fails("hf:org/gated"))
        self.assertIn("not an http or https address", fails("hf:org/x", HF_ENDPOINT=f"ftp://somebody:{password}@h"))
        self.assertIn("not an http or https address", fails("hf:org/x", HF_ENDPOINT=f"http://somebody:{password}@h h"))
        proxy = f"http://somebody:{password}@127.0.0.1:9"
        self.assertIn("no connection", fails("hf:org/x", http_proxy=proxy, HTTP_PROXY=proxy, no_proxy=""))
        self.hub.add("model", "org/other", {"b.gguf": WEIGHTS[::-1]})
        for fault, said in (
            (Fault(status=400, headers={"X-Error-Message": f"bad header Bearer {self.hub.token}"}), "Bearer ***"),
            (Fault(status=302, headers={"Location": "ftp://h/x?Signature=a*signature"}), "redirect"),
            (Fault(corrupt=True), "hash"),
        ):
            self.hub.faults = [lambda request, fault=fault: fault if not fault.corrupt or request.host == "files" else None]
            self.assertIn(said, fails("hf:org/other"))
        self.assert_nowhere([self.hub.token, password, "a*signature", *signatures, *self.hub.signatures], *runs)

    def test_token_from_its_file(self):
        self.hub.add("model", MODEL, {"a.gguf": b"weights"}, access="private")
        self.write("hf/token", "hf_right\n")
        self.hre("model", "fetch", f"hf:{MODEL}")
        self.problem("model", "fetch", f"hf:{MODEL}", env={"HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"})
        self.hre(
            "model", "fetch", f"hf:{MODEL}", env={"HF_HOME": str(self.folder / "other"), "HF_TOKEN_PATH": str(self.folder / "hf" / "token")}
        )

    def test_revisions(self):
        old = self.hub.add("model", MODEL, {"a.gguf": b"old weights"}, reference="v1")
        new = self.hub.add("model", MODEL, {"a.gguf": b"new weights", "b.txt": b"b"})
        review = self.hub.add("model", MODEL, {"a.gguf": b"under review"}, reference="refs/pr/3")
        for revision, commit in ((None, new), ("v1", old), (old, old), ("refs/pr/3", review)):
            with self.subTest(revision=revision):
                name = f"hf:{MODEL}" + (f"@{revision}" if revision else "")
                self.assertIn(commit, self.hre("model", "fetch", name + "/a.gguf").stdout)
        self.assertIn(f"hf:{MODEL}: there is no revision 'v2'", self.problem("model", "fetch", f"hf:{MODEL}@v2"))

    def test_pages_of_the_tree(self):
        self.hub.page_size = 3
        files = {f"model-{i:05}-of-00008.safetensors": bytes([i]) * 100 for i in range(1, 9)}
        self.hub.add("model", "org/check", SMALL | files)
        done = self.hre("model", "fetch", "hf:org/check")
        self.assertIn(": 11 files,", done.stderr)
        self.assertEqual(4, sum("/tree/" in request.path for request in self.hub.requests))

    def test_moved_repository(self):
        self.hub.add("model", MODEL, {"a.gguf": b"weights"})
        self.hub.moved[("model", "old/name")] = MODEL
        self.hre("model", "fetch", "hf:old/name", env={"HF_TOKEN": "hf_right"})

    def test_cached_name_needs_no_hub(self):
        self.hub.add("model", MODEL, {"a-Q4_0.gguf": b"weights", "b-Q8_0.gguf": b"more"})
        self.hre("model", "fetch", f"hf:{MODEL}/Q4_0")
        before = len(self.hub.requests)
        self.hre("model", "fetch", f"hf:{MODEL}/*Q4*", env={"HF_HUB_OFFLINE": "1"})
        self.assertIn("HF_HUB_OFFLINE", self.problem("model", "fetch", f"hf:{MODEL}/Q8_0", env={"HF_HUB_OFFLINE": "1"}))
        self.assertIn("HF_HUB_OFFLINE", self.problem("model", "fetch", "hf:org/other", env={"HF_HUB_OFFLINE": "yes"}))
        self.assertEqual(before, len(self.hub.requests))
        done = self.hre("model", "fetch", f"hf:{MODEL}/Q4_0", env={"HF_ENDPOINT": "http://127.0.0.1:9"})
        self.assertIn("using the cached copy", done.stderr)

    def test_fetch_takes_the_newest(self):
        self.hub.add("dataset", "org/data", {"a.jsonl": jsonl(3)})
        self.assertIn("3 questions", self.hre("data", "info", "hf:org/data").stdout)
        self.hub.add("dataset", "org/data", {"a.jsonl": jsonl(4)})
        self.assertIn("3 questions", self.hre("data", "info", "hf:org/data").stdout)
        self.hre("data", "fetch", "hf:org/data")
        self.assertIn("4 questions", self.hre("data", "info", "hf:org/data").stdout)


class ChoiceTest(HubTest):
    def setUp(self):
        super().setUp()
        self.hub.add(
            "model",
            MODEL,
            SMALL
            | {
                "tiny-Q4_K_M.gguf": b"4" * 4000,
                "tiny-Q4_K_S.gguf": b"3" * 4000,
                "tiny-IQ4_K_M.gguf": b"2",
                "mmproj-tiny-F16.gguf": b"p",
                "F16/tiny-F16-00001-of-00002.gguf": b"a",
                "F16/tiny-F16-00002-of-00002.gguf": b"b",
            },
        )

    def test_by_name_pattern_and_type(self):
        for file, expected in (
            ("tiny-Q4_K_M.gguf", "tiny-Q4_K_M.gguf"),
            ("*-Q4_K_M*", "tiny-Q4_K_M.gguf"),
            ("Q4_K_M", "tiny-Q4_K_M.gguf"),
            ("q4_k_s", "tiny-Q4_K_S.gguf"),
            ("F16", "F16/tiny-F16-00001-of-00002.gguf"),
            ("F16/*", "F16/tiny-F16-00001-of-00002.gguf"),
        ):
            with self.subTest(file=file):
                self.assertTrue(self.hre("model", "fetch", f"hf:{MODEL}/{file}", "--quiet").stdout.endswith(f"/{expected}\n"))
        self.assertTrue((next((self.cache() / "snapshots").iterdir()) / "F16/tiny-F16-00002-of-00002.gguf").exists())

    def test_choices_are_listed(self):
        line = self.problem("model", "fetch", f"hf:{MODEL}")
        self.assertEqual(
            f"hre: hf:{MODEL}: 4 files are possible: F16/tiny-F16.gguf (1 KB), tiny-IQ4_K_M.gguf (1 KB), "
            "tiny-Q4_K_M.gguf (4 KB), tiny-Q4_K_S.gguf (4 KB); choose one by name, pattern or type: "
            f"hf:{MODEL}/F16/tiny-F16.gguf",
            line,
        )
        self.hre("model", "fetch", f"hf:{MODEL}/F16/tiny-F16.gguf")

    def test_near_names(self):
        line = self.problem("model", "fetch", f"hf:{MODEL}/tiny-Q4_K_L.gguf")
        self.assertIn("no such file: tiny-Q4_K_L.gguf; similar names are tiny-Q4_K_M.gguf, tiny-Q4_K_S.gguf", line)

    def test_nothing_to_choose(self):
        self.hub.add("model", "org/pickled", {"config.json": b"{}", "pytorch_model.bin": b"x"})
        self.assertIn("which can contain programs", self.problem("model", "fetch", "hf:org/pickled"))
        self.hub.add("model", "org/readme", {"README.md": b"hello"})
        self.assertIn("no .gguf file and no safetensors", self.problem("model", "fetch", "hf:org/readme"))
        self.hub.add("dataset", "org/csv", {"a.csv": b"hello"})
        self.assertIn("no parquet or .jsonl files", self.problem("data", "fetch", "hf:org/csv"))

    def test_local_folder_of_the_same_layout(self):
        for name in ("tiny-Q4_K_M.gguf", "tiny-Q8_0.gguf"):
            self.write(f"models/{name}", "no weights")
        line = self.problem("eval", "models", "--data", "sample")
        self.assertIn("models: 2 files are possible: tiny-Q4_K_M.gguf (1 KB), tiny-Q8_0.gguf (1 KB)", line)
        self.assertIn("models/tiny-Q8_0.gguf", self.problem("eval", "models/*Q8*", "--data", "sample"))

    def test_wrong_names(self):
        for name, part in (
            ("tiny", "not a name on the hub"),
            ("hf:", "not a valid repository name"),
            ("hf:a/../b", "not a valid "),
            ("hf:org/repo/../x", "not a valid path"),
            ("hf:org/repo@", "not a valid revision"),
            ("hf:org/re po", "not a valid repository name"),
            ("hf:org/repo/f@main", "revision must come before"),
            ("hf:org/repo/", "nothing follows"),
        ):
            with self.subTest(name=name):
                self.assertIn(part, self.problem("model", "fetch", name))
        self.assertEqual([], self.hub.requests)


class FailureTest(HubTest):
    def setUp(self):
        super().setUp()
        self.hub.add("model", MODEL, {"a.gguf": WEIGHTS})

    def fail_with(self, fault, when=lambda request: True):
        self.hub.faults = [lambda request: fault if when(request) else None]

    def assert_nothing_kept(self):
        self.assertEqual([], [path for path in self.cache().rglob("*") if path.is_file() and ".hre" not in path.parts])

    def test_no_network(self):
        line = self.problem("model", "fetch", f"hf:{MODEL}", status=1, env={"HF_ENDPOINT": "http://127.0.0.1:9"})
        self.assertIn("no connection", line)
        self.assertIn("check the network", line)

    def test_not_there_or_private(self):
        self.hub.add("model", "org/secret", {"a.gguf": b"x"}, access="private")
        for name in ("org/secret", "org/nowhere"):
            self.assertEqual(
                f"hre: hf:{name}: there is no such model, or it is private (401); check the name; if the "
                "repository is private, set HF_TOKEN to your token",
                self.problem("model", "fetch", f"hf:{name}"),
            )
        self.assertIn("there is no such model on the hub", self.problem("model", "fetch", "hf:org/nowhere", env={"HF_TOKEN": "hf_right"}))
        self.assertIn("there is no such dataset on the hub", self.problem("data", "fetch", f"hf:{MODEL}", env={"HF_TOKEN": "hf_right"}))
        self.assertIn("the hub rejected the token (401)", self.problem("model", "fetch", f"hf:{MODEL}", env={"HF_TOKEN": "hf_old"}))

    def test_gated(self):
        self.hub.add("model", "org/gated", {"a.gguf": b"x"}, access="gated")
        self.assertEqual(
            "hre: hf:org/gated: access requires that you accept the repository's terms; accept them at "
            f"{self.hub.endpoint}/org/gated, and set HF_TOKEN to your token",
            self.problem("model", "fetch", "hf:org/gated"),
        )
        self.hub.accepted = False
        self.assertIn(
            "with the account that the token belongs to", self.problem("model", "fetch", "hf:org/gated", env={"HF_TOKEN": "hf_right"})
        )

    def test_forbidden(self):
        self.fail_with(Fault(status=403))
        self.assertIn("the hub rejected the token (403)", self.problem("model", "fetch", f"hf:{MODEL}", env={"HF_TOKEN": "hf_right"}))

    def test_too_many_requests(self):
        self.fail_with(Fault(status=429, headers={"Retry-After": "120"}))
        line = self.problem("model", "fetch", f"hf:{MODEL}", status=1)
        self.assertIn("too many requests (429); try again in 120 s; the hub allows more if HF_TOKEN is set", line)
        self.assertEqual(1, len(self.hub.requests), "a wait of two minutes is the user's to take")
        self.fail_with(Fault(status=429, headers={"Retry-After": "0"}), lambda request: request.count == 0)
        self.hre("model", "fetch", f"hf:{MODEL}")

    def test_server_errors(self):
        self.fail_with(Fault(status=503))
        self.assertIn("an error of its own (503)", self.problem("model", "fetch", f"hf:{MODEL}", status=1))
        self.fail_with(Fault(status=500), lambda request: request.count == 0)
        self.hre("model", "fetch", f"hf:{MODEL}")

    def test_silence(self):
        self.fail_with(Fault(silent=True))
        line = self.problem("model", "fetch", f"hf:{MODEL}", status=1, env={"HF_HUB_DOWNLOAD_TIMEOUT": "0.2"})
        self.assertIn("timed out: no data arrived for 200 ms", line)

    def test_no_hub_at_all(self):
        self.fail_with(Fault(status=200))
        self.assertIn("check that HF_ENDPOINT is a hub's address", self.problem("model", "fetch", f"hf:{MODEL}", status=1))
        self.assertIn("not an http or https address", self.problem("model", "fetch", f"hf:{MODEL}", env={"HF_ENDPOINT": "ftp://x"}))

    def test_paths_that_lead_out_of_the_cache(self):
        for path in ("../../../evil.gguf", "/evil.gguf", "a/../../evil.gguf"):
            self.hub.add("model", "org/evil", {path: b"x"})
            self.assertIn("the list of files has an invalid entry", self.problem("model", "fetch", "hf:org/evil", status=1))
        self.assertEqual([], list(self.folder.rglob("*evil*gguf")))

    def test_broken_connection_is_resumed_where_it_broke(self):
        self.fail_with(Fault(cut=3_000_000), lambda request: request.host == "files" and request.count < 3)
        self.hre("model", "fetch", f"hf:{MODEL}")
        self.assert_clean(self.cache())
        ranges = [request.headers["range"] for request in self.hub.requests if request.host == "files"]
        self.assertEqual(["bytes=0-10239999", "bytes=3000000-10239999", "bytes=6000000-10239999", "bytes=9000000-10239999"], ranges)

    def test_resumed_by_the_next_call(self):
        self.fail_with(Fault(cut=4_000_000), lambda request: request.host == "files")
        self.hub.faults.append(lambda request: Fault(status=404) if request.host == "files" else None)
        cut, gone = self.hub.faults
        self.hub.faults = [lambda request: cut(request) if request.count == 0 else gone(request)]
        self.problem("model", "fetch", f"hf:{MODEL}")
        self.assert_nothing_kept()
        self.hub.faults, before = [], len(self.hub.requests)
        self.hre("model", "fetch", f"hf:{MODEL}")
        ranges = [request.headers["range"] for request in self.hub.requests[before:] if request.host == "files"]
        self.assertEqual(["bytes=4000000-10239999"], ranges)
        self.assert_clean(self.cache())

    def test_expired_address(self):
        self.fail_with(Fault(status=403), lambda request: request.host == "files" and request.count == 0)
        self.hre("model", "fetch", f"hf:{MODEL}")
        self.assertEqual(2, sum(request.method == "HEAD" for request in self.hub.requests))

    def test_server_without_ranges(self):
        weights = self.folder / "big.gguf"
        weights.write_bytes(os.urandom(1 << 20) * 40)
        self.hub.add("model", MODEL, {"big.gguf": weights})
        self.fail_with(Fault(no_ranges=True))
        self.hre("model", "fetch", f"hf:{MODEL}")
        self.assert_clean(self.cache())

    def test_etags_that_are_no_hashes(self):
        """As mirrors and proxies send them: the listing's hash is what counts."""
        for number, suffix in enumerate(("-gzip", "")):
            with self.subTest(suffix=suffix):
                self.hub.etag_suffix = suffix
                self.hub.faults.clear()
                self.hre("model", "fetch", f"hf:{MODEL}", env={"HF_HOME": str(self.folder / f"good{number}")})
                self.fail_with(Fault(corrupt=True), lambda request: request.host == "files")
                line = self.problem("model", "fetch", f"hf:{MODEL}", status=1, env={"HF_HOME": str(self.folder / f"bad{number}")})
                self.assertIn(f"arrived twice with a hash other than {hashlib.sha256(WEIGHTS).hexdigest()}", line)
                self.assertFalse(list((self.folder / f"bad{number}").rglob("blobs/*")))

    def test_wrong_hash_once(self):
        self.fail_with(Fault(corrupt=True), lambda request: request.host == "files" and request.count == 0)
        self.hre("model", "fetch", f"hf:{MODEL}")
        self.assert_clean(self.cache())

    def test_wrong_hash_twice(self):
        self.fail_with(Fault(corrupt=True), lambda request: request.host == "files")
        line = self.problem("model", "fetch", f"hf:{MODEL}", status=1)
        etag = hashlib.sha256(WEIGHTS).hexdigest()
        self.assertIn(
            f"a.gguf arrived twice with a hash other than {etag}; the received file is kept as {self.cache()}/.hre/wrong/{etag}", line
        )
        self.assertEqual(b"\xff" * len(WEIGHTS), (self.cache() / ".hre" / "wrong" / etag).read_bytes())
        self.assertEqual(2, self.hub.bodies_of(etag))
        self.assert_nothing_kept()

    def test_no_room(self):
        self.hub.repositories[("model", MODEL)].find("main")
        file = self.hub.repositories[("model", MODEL)].commits[self.hub.repositories[("model", MODEL)].find("main")]["a.gguf"]
        file.content.size = 1 << 49
        line = self.problem("model", "fetch", f"hf:{MODEL}", status=1)
        self.assertRegex(
            line,
            r"562949953.4 MB are needed, but [0-9.]+ MB are free; free some space, or set HF_HOME to a folder "
            r"on another disk",
        )
        self.assert_nothing_kept()

    def test_writing_fails(self):
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))

        done = subprocess.run(
            [PROGRAM, "model", "fetch", f"hf:{MODEL}"],
            env=clean_environment(**self.environment),
            preexec_fn=limit,
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(1, done.returncode)
        self.assertRegex(done.stderr, r"\Ahre: [^\n]*writing failed: File too large; set HF_HOME to use another folder[^\n]*\n\Z")
        self.assert_nothing_kept()

    def test_cache_that_cannot_be_written(self):
        self.write("file", "")
        line = self.problem("model", "fetch", f"hf:{MODEL}", status=1, env={"HF_HOME": str(self.folder / "file")})
        self.assertIn("cannot be written", line)

    def test_interrupted(self):
        self.fail_with(Fault(silent=True), lambda request: request.host == "files")
        child = subprocess.Popen(
            [PROGRAM, "model", "fetch", f"hf:{MODEL}"],
            env=clean_environment(**self.environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        while not any(request.host == "files" for request in self.hub.requests):
            time.sleep(0.01)
        child.send_signal(signal.SIGINT)
        _, errors = child.communicate(timeout=30 * SLOWER)
        self.assertEqual(130, child.returncode)
        self.assertIn("interrupted; the bytes received so far are kept, and the same command resumes", errors)


class ProcessesTest(HubTest):
    def test_several_processes_fetch_once(self):
        self.hub.add("model", MODEL, {"a.gguf": WEIGHTS})
        self.hub.faults = [lambda request: Fault(delay=0.5) if request.host == "files" else None]
        command = [PROGRAM, "model", "fetch", f"hf:{MODEL}", "--quiet"]
        children = [
            subprocess.Popen(command, env=clean_environment(**self.environment), stdout=subprocess.PIPE, text=True) for _ in range(4)
        ]
        paths = {child.communicate(timeout=60 * SLOWER)[0] for child in children}
        self.assertEqual(1, len(paths))
        self.assertEqual([0] * 4, [child.returncode for child in children])
        self.assertEqual(1, self.hub.bodies_of(hashlib.sha256(WEIGHTS).hexdigest()))

    def test_waits_for_a_python_process(self):
        self.hub.add("model", MODEL, {"a.gguf": WEIGHTS})
        etag = hashlib.sha256(WEIGHTS).hexdigest()
        lock = self.folder / "hf" / "hub" / ".locks" / f"models--{MODEL.replace('/', '--')}" / f"{etag}.lock"
        lock.parent.mkdir(parents=True)
        with lock.open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            child = subprocess.Popen(
                [PROGRAM, "model", "fetch", f"hf:{MODEL}"],
                env=clean_environment(**self.environment),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            self.assertIn("waiting for another process to fetch a.gguf", child.stderr.readline())
            blob = self.cache() / "blobs" / etag
            blob.parent.mkdir(parents=True)
            blob.write_bytes(WEIGHTS)
        child.communicate(timeout=60 * SLOWER)
        self.assertEqual(0, child.returncode)
        self.assertEqual(0, self.hub.bodies_of(etag))


class CacheTest(HubTest):
    def test_list_and_remove(self):
        self.assertIn("no model or dataset is in the cache", self.hre("model", "list").stderr)
        old = self.hub.add("model", MODEL, {"a.gguf": b"old" * 1000, "same.gguf": b"same"}, reference="v1")
        new = self.hub.add("model", MODEL, {"a.gguf": b"new" * 1000, "same.gguf": b"same"})
        self.hub.add("dataset", "org/data", {"a.jsonl": jsonl(3)})
        for name in (f"hf:{MODEL}@v1/a.gguf", f"hf:{MODEL}@v1/same.gguf", f"hf:{MODEL}/a.gguf", f"hf:{MODEL}/same.gguf"):
            self.hre("model", "fetch", name)
        self.hre("data", "fetch", "hf:org/data")
        listed = self.hre("model", "list").stdout
        for part in (f"hf:{MODEL}", "hf:org/data", f"{old[:8]} v1 (2 files)", f"{new[:8]} main (2 files)", "dataset"):
            self.assertIn(part, listed)
        self.assertRegex(self.hre("model", "remove", f"hf:{MODEL}@v1").stdout, r"removed, 3\.\d KB freed")
        self.assertEqual({b"new" * 1000, b"same"}, {path.read_bytes() for path in (self.cache() / "blobs").iterdir()})
        self.assertNotIn("v1", self.hre("model", "list").stdout)
        self.assertIn("not in the cache", self.problem("model", "remove", f"hf:{MODEL}@v1"))
        self.hre("model", "remove", f"hf:{MODEL}")
        self.hre("model", "remove", "hf:org/data")
        self.assertFalse(self.cache().exists())
        self.assertIn("not in the cache", self.problem("model", "remove", "hf:org/data"))
        self.assertIn("single files can't be removed", self.problem("model", "remove", f"hf:{MODEL}/a.gguf"))


class EvalTest(HubTest):
    DATA = "huawei-noah/human_rank_eval"

    def test_default_dataset(self):
        commit = self.hub.add("dataset", self.DATA, {"data/HumanRankEvalPython.jsonl": jsonl(5), "README.md": b"# card"})
        self.hre("eval", "baseline:length", "--json", "run.json", "--details")
        run = self.read_json("run.json")
        self.assertEqual("human_rank_eval", run["dataset"]["name"])
        self.assertEqual(["python"], list(run["results"]["topics"]))
        self.assertIn(f"hf:{self.DATA}@{commit}", json.dumps(run))
        self.assertIn("word", self.hre("show", "run.json", "--question", "python/000001").stdout)
        again = self.hre("eval", "baseline:length", "--data", f"hf:{self.DATA}@{commit}", env={"HF_HUB_OFFLINE": "1"})
        self.assertIn("on human_rank_eval: 5 questions", again.stdout)

    def test_default_dataset_out_of_reach(self):
        line = self.problem("eval", "baseline:length", status=1, env={"HF_ENDPOINT": "http://127.0.0.1:9"})
        self.assertIn("no --data was given, and the published dataset cannot be fetched: no connection", line)
        self.assertIn("give --data sample, a folder of it, or your own (hre data build makes one)", line)

    def test_commands_that_take_data(self):
        self.hub.add("dataset", "org/data", {"HumanRankEvalUnix.jsonl": jsonl(4), "other/x.jsonl": jsonl(2)})
        self.assertIn("data: 4 questions, 1 topic", self.hre("data", "info", "hf:org/data").stdout)
        self.assertIn("2 questions", self.hre("data", "info", "hf:org/data/other").stdout)
        self.assertIn("2 questions", self.hre("data", "info", "hf:org/data/other/x.jsonl").stdout)
        self.hre("data", "convert", "hf:org/data", "out.jsonl")
        self.assertEqual(4, len((self.folder / "out.jsonl").read_text().splitlines()))

    def test_gguf_by_name(self):
        weights = shared_data("models/stories260K.gguf")
        questions = shared_data("questions/plain")
        commit = self.hub.add("model", "org/stories", {"stories260K.gguf": weights, "stories-Q8_0.gguf": b"x"})
        arguments = ["--data", questions, "--limit", "2", "--json"]
        self.hre("eval", "hf:org/stories/stories260K.gguf", *arguments, "named.json")
        self.hre("eval", weights, *arguments, "plain.json")
        named, plain = self.read_json("named.json"), self.read_json("plain.json")
        self.assertEqual(plain["results"], named["results"])
        self.assertEqual(f"hf:org/stories@{commit}/stories260K.gguf", named["model"]["source"])
        self.assertEqual(plain["model"]["fingerprint"], named["model"]["fingerprint"])

    def test_checkpoint_by_name(self):
        python = os.environ.get("HRE_CONVERT_PYTHON", "")
        if not os.access(python, os.X_OK):
            self.skipTest("HRE_CONVERT_PYTHON names no Python with the converter's packages")
        folder, gguf = shared_data("models/TinyStories-656K"), shared_data("models/TinyStories-656K-f32.gguf")
        self.hub.add("model", "org/tiny", {path.name: path for path in folder.iterdir() if path.is_file()})
        self.environment["HRE_CONVERT_PYTHON"] = python
        arguments = ["--data", shared_data("questions/plain"), "--limit", "2", "--long-answers", "truncate", "--details", "--json"]
        self.hre("eval", "hf:org/tiny", *arguments, "named.json")
        self.hre("eval", gguf, *arguments, "plain.json")
        named, plain = (
            [answer["sum_log_prob"] for question in self.read_json(name)["questions"] for answer in question["answers"]]
            for name in ("named.json", "plain.json")
        )
        self.assertEqual(len(plain), len(named))
        for a, b in zip(plain, named, strict=True):
            self.assertAlmostEqual(a, b, delta=1e-3)


if __name__ == "__main__":
    unittest.main()
