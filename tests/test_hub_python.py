"""The cache shared with Python: what hre fetches is read by huggingface_hub and datasets, and the other way round."""

import json
import subprocess
import unittest

from program import SLOWER, clean_environment, test_python
from test_hub import HubTest

REPOSITORY = {
    "config.json": b'{"model_type": "llama"}',
    "README.md": b"# tiny\n",
    "tokenizer.json": b"{}",
    "model-00001-of-00002.safetensors": b"a" * 3_000_000,
    "model-00002-of-00002.safetensors": b"b" * 1_000_000,
}

SPLITS = [
    "SoftEng",
    "LanguagesSciences",
    "English",
    "Math",
    "Unix",
    "CPP",
    "Java",
    "HTML",
    "AppleAndroid",
    "Physics",
    "CSDB",
    "Python",
    "Stats",
    "LaTeX",
]

MAKE_DATASET = """
import pathlib, random, sys
import pyarrow, pyarrow.parquet
folder, n, seed = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
answer = pyarrow.struct([("text", pyarrow.string()), ("votes", pyarrow.string())])
schema = pyarrow.schema([("question", pyarrow.string()), ("answers", pyarrow.list_(answer))])
(folder / "data").mkdir(parents=True)
for split in sys.argv[4:]:
    made = random.Random(f"{seed} {split}")
    def words():
        return " ".join(made.choice(["sort", "list", "pointer", "why", "naïve", "日本", "x = 1;"]) for _ in range(made.randint(3, 60)))
    rows = [{"question": words(), "answers": [{"text": words(), "votes": str(made.randint(-3, 200))} for _ in range(4)]}
            for _ in range(n)]
    name = f"HumanRankEval{split}-00000-of-00001-{made.getrandbits(64):016x}.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows, schema=schema), folder / "data" / name)
(folder / "README.md").write_text("---\\nlicense: cc-by-sa-4.0\\n---\\n# made questions\\n")
print("null")
"""


class PythonTest(HubTest):
    def setUp(self):
        test_python()
        super().setUp()

    def python(self, script, *arguments, **changes):
        """Runs a script with the tests' Python and this test's hub and cache; gives what it printed, read as JSON."""
        environment = clean_environment(**(self.environment | {"HF_HUB_DISABLE_PROGRESS_BARS": "1"} | changes))
        done = subprocess.run(
            [test_python(), "-c", script, *map(str, arguments)],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            timeout=300 * SLOWER,
            text=True,
            check=False,
        )
        self.assertEqual(0, done.returncode, done.stderr)
        return json.loads(done.stdout.splitlines()[-1])

    def bodies(self):
        return [
            request.path
            for request in self.hub.requests
            if request.method == "GET" and (request.host == "files" or "/resolve/" in request.path)
        ]


class CacheTest(PythonTest):
    def test_python_reads_what_hre_fetched(self):
        commit = self.hub.add("model", "org/check", REPOSITORY)
        path = self.hre("model", "fetch", "hf:org/check", "--quiet").stdout.strip()
        self.assertTrue(path.endswith(commit))
        found = self.python(
            """
import json
from huggingface_hub import hf_hub_download, scan_cache_dir, snapshot_download
cache = scan_cache_dir()
[repository] = cache.repos
print(json.dumps({"snapshot": snapshot_download("org/check", local_files_only=True),
                  "file": hf_hub_download("org/check", "tokenizer.json", local_files_only=True),
                  "warnings": list(map(str, cache.warnings)), "id": repository.repo_id, "size": repository.size_on_disk,
                  "revisions": [[revision.commit_hash, sorted(revision.refs), len(revision.files)]
                                for revision in repository.revisions]}))
""",
            HF_HUB_OFFLINE="1",
        )
        self.assertEqual(
            {
                "snapshot": path,
                "file": f"{path}/tokenizer.json",
                "warnings": [],
                "id": "org/check",
                "size": sum(map(len, REPOSITORY.values())),
                "revisions": [[commit, ["main"], 5]],
            },
            found,
        )

    def test_python_fetches_nothing_again(self):
        self.hub.add("model", "org/check", REPOSITORY)
        path = self.hre("model", "fetch", "hf:org/check", "--quiet").stdout.strip()
        before = len(self.bodies())
        self.assertEqual(
            path,
            self.python("""
import json
from huggingface_hub import snapshot_download
print(json.dumps(snapshot_download("org/check")))
"""),
        )
        self.assertEqual([], self.bodies()[before:])

    def test_hre_takes_what_python_fetched(self):
        self.hub.add("model", "org/check", REPOSITORY)
        path = self.python("""
import json
from huggingface_hub import snapshot_download
print(json.dumps(snapshot_download("org/check")))
""")
        before = len(self.hub.requests)
        for offline in ({"HF_HUB_OFFLINE": "1"}, {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_OFFLINE": None}):
            with self.subTest(offline=offline):
                self.assertEqual(path, self.hre("model", "fetch", "hf:org/check", "--quiet", env=offline).stdout.strip())
        self.assertEqual(before, len(self.hub.requests))
        self.hre("model", "fetch", "hf:org/check")
        self.assertEqual([], [path for path in self.bodies()[before:] if path in self.bodies()[:before]])

    def test_hre_fetches_the_rest_of_what_python_has(self):
        self.hub.add("model", "org/check", REPOSITORY)
        self.python("""
import json
from huggingface_hub import hf_hub_download
print(json.dumps(hf_hub_download("org/check", "model-00001-of-00002.safetensors")))
""")
        self.problem("model", "fetch", "hf:org/check", env={"HF_HUB_OFFLINE": "1"})
        before = self.hub.bodies_of(self.etag("model-00001-of-00002.safetensors"))
        self.hre("model", "fetch", "hf:org/check")
        self.assertEqual((1, 1), (before, self.hub.bodies_of(self.etag("model-00001-of-00002.safetensors"))))
        self.assertEqual(1, self.hub.bodies_of(self.etag("model-00002-of-00002.safetensors")))

    def etag(self, name):
        repository = self.hub.repositories[("model", "org/check")]
        return repository.commits[repository.find("main")][name].etag


class DatasetTest(PythonTest):
    def test_published_layout(self):
        """14 splits of 500 made questions go by name to a value, and Python reads them from the same cache."""
        made = self.folder / "made"
        self.python(MAKE_DATASET, made, 500, 11, *SPLITS)
        commit = self.hub.add_folder("dataset", "huawei-noah/human_rank_eval", made)
        self.hre("eval", "baseline:length", "--json", "named.json")
        self.hre("eval", "baseline:length", "--data", made, "--json", "plain.json")
        named, plain = self.read_json("named.json"), self.read_json("plain.json")
        self.assertEqual(plain["results"], named["results"])
        self.assertEqual(plain["dataset"]["fingerprint"], named["dataset"]["fingerprint"])
        self.assertEqual((7000, 14), (named["dataset"]["questions"], len(named["results"]["topics"])))
        self.assertEqual(f"hf:huawei-noah/human_rank_eval@{commit}", named["dataset"]["source"])
        before = len(self.bodies())
        self.assertEqual(15, before)
        loaded = self.python("""
import datasets, json
loaded = datasets.load_dataset("huawei-noah/human_rank_eval")
print(json.dumps({split: [len(rows), rows[499]["question"], rows[499]["answers"][3]["votes"]] for split, rows in loaded.items()}))
""")
        self.assertEqual([], self.bodies()[before:], "datasets found all of it in the cache")
        self.assertEqual(sorted(f"HumanRankEval{split}" for split in SPLITS), sorted(loaded))
        snapshot = self.cache("datasets", "huawei-noah/human_rank_eval") / "snapshots" / commit
        offline = self.python(
            """
import datasets, json, sys
loaded = datasets.load_dataset(sys.argv[1])
print(json.dumps({split: [len(rows), rows[499]["question"], rows[499]["answers"][3]["votes"]] for split, rows in loaded.items()}))
""",
            snapshot,
            HF_HUB_OFFLINE="1",
            HF_DATASETS_CACHE=str(self.folder / "other"),
        )
        self.assertEqual(loaded, offline)


if __name__ == "__main__":
    unittest.main()
