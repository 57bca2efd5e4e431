"""Models in several files: split ones and adapters; and checkpoint folders."""

import array
import json
import lzma
import os
import pathlib
import random
import shutil
import subprocess
import sys
import textwrap
import unittest

import gguf_files
from program import PROGRAM, SLOWER, SOURCE_DIR, ProgramTest, clean_environment

DATA = SOURCE_DIR / "tests" / "data" / "models"


def split(folder, values, tensors, n):
    """Writes the model as n files, and returns their paths."""
    paths = []
    for i in range(n):
        own = dict(values) if i == 0 else {}
        own["split.no"], own["split.count"] = gguf_files.value(gguf_files.U16, i), gguf_files.value(gguf_files.U16, n)
        own["split.tensors.count"] = gguf_files.value(gguf_files.I32, len(tensors))
        paths.append(folder / f"model-{i + 1:05}-of-{n:05}.gguf")
        gguf_files.write(paths[-1], own, tensors[len(tensors) * i // n : len(tensors) * (i + 1) // n])
    return paths


def floats(values):
    return array.array("f", values).tobytes()


class FilesTest(ProgramTest):
    def setUp(self):
        super().setUp()
        data = lzma.decompress((DATA / "llama-gqa.gguf.xz").read_bytes())
        self.model = self.folder / "whole.gguf"
        self.model.write_bytes(data)
        self.values, self.tensors = gguf_files.read(data)

    def run_of(self, model, *options):
        done = self.run_hre(
            "eval", model, "--data", DATA / "questions.jsonl", "--threads", 1, "--json", "-", "--details", "--quiet", *options
        )
        return json.loads(done.stdout)

    def sums(self, model, *options):
        return [answer["sum_log_prob"] for question in self.run_of(model, *options)["questions"] for answer in question["answers"]]

    def assert_near(self, ours, theirs, delta):
        self.assertLess(max(abs(a - b) for a, b in zip(ours, theirs, strict=True)), delta)

    def test_split(self):
        parts = split(self.folder, self.values, self.tensors, 3)
        whole = self.sums(self.model)
        for part in parts:  # any of them stands for all
            run = self.run_of(part)
            self.assertEqual("model", run["model"]["name"])
            self.assertEqual(whole, [answer["sum_log_prob"] for question in run["questions"] for answer in question["answers"]])
        self.assertEqual(3, json.loads(self.run_hre("model", "show", parts[0], "--json").stdout)["files"])
        parts[1].unlink()
        self.assertIn("part 2 of 3 of this model is missing", self.error_of("eval", parts[0], "--data", "sample"))
        renamed = self.folder / "first.gguf"
        parts[0].rename(renamed)
        self.assertIn("is one of 3 parts of a model", self.error_of("eval", renamed, "--data", "sample"))

    def write_adapter(self, name, generator, rank=2, alpha=3.0, architecture="llama"):
        """An adapter of two tensors; returns its path, and its change of each tensor, by name, as floats."""
        tensors, changes = [], {}
        for target in (t for t in self.tensors if t.name in ("blk.0.attn_q.weight", "blk.1.ffn_down.weight")):
            columns, rows = target.shape
            down = [generator.gauss(0, 0.3) for _ in range(columns * rank)]  # [rank x columns]
            up = [generator.gauss(0, 0.3) for _ in range(rank * rows)]  # [rows x rank]
            tensors += [
                gguf_files.Tensor(f"{target.name}.lora_a", (columns, rank), 0, floats(down)),
                gguf_files.Tensor(f"{target.name}.lora_b", (rank, rows), 0, floats(up)),
            ]
            changes[target.name] = [
                alpha / rank * sum(up[row * rank + r] * down[r * columns + column] for r in range(rank))
                for row in range(rows)
                for column in range(columns)
            ]
        values = {
            "general.architecture": gguf_files.value(gguf_files.STRING, architecture),
            "general.type": gguf_files.value(gguf_files.STRING, "adapter"),
            "adapter.type": gguf_files.value(gguf_files.STRING, "lora"),
            "adapter.lora.alpha": gguf_files.value(gguf_files.F32, alpha),
        }
        path = self.folder / name
        gguf_files.write(path, values, tensors)
        return path, changes

    def merged(self, *changes_and_scales):
        """The model with changes, times their scales, added to its weights."""
        tensors = []
        for tensor in self.tensors:
            values = tensor.floats()
            for changes, scale in changes_and_scales:
                for i, change in enumerate(changes.get(tensor.name, [])):
                    values[i] += scale * change
            tensors.append(gguf_files.Tensor(tensor.name, tensor.shape, tensor.type, values.tobytes()))
        path = self.folder / "merged.gguf"
        gguf_files.write(path, self.values, tensors)
        return path

    def test_adapters_equal_merged_weights(self):
        seed = int.from_bytes(os.urandom(4), "big")
        generator = random.Random(seed)
        with self.subTest(seed=seed):
            one, change_one = self.write_adapter("one.gguf", generator)
            two, change_two = self.write_adapter("two.gguf", generator, rank=3, alpha=1.5)
            plain = self.sums(self.model)
            single = self.sums(self.model, "--lora", one)
            self.assertGreater(max(abs(a - b) for a, b in zip(plain, single)), 0.1)
            self.assert_near(single, self.sums(self.merged((change_one, 1))), 1e-3)
            both = self.sums(self.model, "--lora", f"{one}=0.5", "--lora", f"{two}=-1.25")
            self.assert_near(both, self.sums(self.merged((change_one, 0.5), (change_two, -1.25))), 1e-3)
            adapters = self.run_of(self.model, "--lora", f"{one}=0.5")["config"]["adapters"]
            self.assertRegex(adapters, r"\A[0-9a-f]{32} x 0\.5\Z")
            other, _ = self.write_adapter("other.gguf", generator, architecture="qwen2")
            self.assertIn(
                "the adapter can't be used with this model", self.error_of("eval", self.model, "--data", "sample", "--lora", other)
            )
            self.assertIn("no such file", self.error_of("eval", self.model, "--data", "sample", "--lora", "nowhere.gguf"))

    def test_checkpoint_folders_that_cannot_be_converted(self):
        folder = self.folder / "checkpoint"
        folder.mkdir()
        self.assertIn("is a folder without a config.json", self.error_of("eval", folder, "--data", "sample"))

    def test_no_code_of_a_checkpoint_is_run(self):
        """By a module that stands in for Transformers, and wants to be allowed to run code as it does."""
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                textwrap.dedent("""
            import sys, types
            sys.path.insert(0, sys.argv[1])
            import convert_checkpoint
            asked = []
            class Auto:
                @classmethod
                def from_pretrained(cls, folder, trust_remote_code=None, **named):
                    asked.append(trust_remote_code)
                    if folder == "broken":
                        raise ValueError("no vocabulary")
                    if folder == "own code" and not trust_remote_code:
                        raise ValueError("Please pass the argument `trust_remote_code=True` to allow custom code to be run.")
                    return cls.__name__, folder
            transformers = types.SimpleNamespace(AutoConfig=type("AutoConfig", (Auto,), dict(vars(Auto))),
                                                 AutoTokenizer=type("AutoTokenizer", (Auto,), dict(vars(Auto))))
            convert_checkpoint.leave_own_code_alone(transformers)
            assert transformers.AutoTokenizer.from_pretrained("plain", trust_remote_code=True) == ("AutoTokenizer", "plain")
            for loader in (transformers.AutoConfig, transformers.AutoTokenizer):
                for folder, expected in (("own code", convert_checkpoint.Refused), ("broken", ValueError)):
                    try:
                        loader.from_pretrained(folder, trust_remote_code=True)
                    except expected:
                        continue
                    raise AssertionError(folder)
            assert asked == [False] * 5, asked"""),
                SOURCE_DIR / "src" / "model" / "checkpoint",
            ],
            capture_output=True,
            text=True,
            check=False,
            env=clean_environment(PYTHONDONTWRITEBYTECODE="1"),
        )
        self.assertEqual(0, done.returncode, done.stderr)

    def test_several_processes_make_one_environment_and_one_file(self):
        """By a python3 that stands in for the real one: it takes its time, and leaves traces."""
        small = self.model
        folder = self.folder / "checkpoint"
        folder.mkdir()
        (folder / "config.json").write_text("{}")
        program = f"""#!/bin/bash
if [ "$2" = venv ]; then
  echo venv >> {self.folder}/calls; mkdir -p "${{@: -1}}/bin"; sleep 0.3; cp "$0" "${{@: -1}}/bin/python"
elif [ "$2" = pip ]; then
  echo pip >> {self.folder}/calls; sleep 0.5; touch "$(dirname "$0")/../installed"
else
  test -e "$(dirname "$0")/../installed" || exit 9
  echo convert >> {self.folder}/calls
  out="${{@: -1}}"; head -c 1000 {small} > "$out"; sleep 0.5; cat {small} > "$out"
fi
"""
        tools = self.folder / "tools"
        tools.mkdir()
        (tools / "python3").write_text(program)
        (tools / "python3").chmod(0o755)
        env = clean_environment(HRE_CACHE=str(self.folder / "cache"), PATH=f"{tools}:{os.environ['PATH']}")
        (self.folder / "cache").mkdir()
        calls = [
            subprocess.Popen(
                [PROGRAM, "eval", folder, "--data", DATA / "questions.jsonl", "--threads", "1", "--quiet"],
                cwd=self.folder,
                env=env,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(4)
        ]
        for call in calls:
            _, errors = call.communicate(timeout=120 * SLOWER)
            self.assertEqual(0, call.returncode, errors)
        self.assertEqual(["convert", "pip", "venv"], sorted((self.folder / "calls").read_text().split()))
        self.assertEqual([], [path for path in (self.folder / "cache").rglob("*") if ".part-" in path.name])
        # What an earlier hre left incomplete gives way.
        made = next((self.folder / "cache" / "python").glob("convert-*/ready"))
        made.unlink()
        (made.parent / "stale").write_text("")
        shutil.rmtree(self.folder / "cache" / "converted")
        done = subprocess.run(
            [PROGRAM, "eval", folder, "--data", DATA / "questions.jsonl", "--threads", "1", "--quiet"],
            cwd=self.folder,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertTrue(made.exists() and not (made.parent / "stale").exists())
        self.assertEqual([], [path for path in (self.folder / "cache").rglob("*") if ".part-" in path.name])

    def converter_python(self):
        """A Python with the converter's packages; the test is skipped, visibly, where none is named."""
        python = os.environ.get("HRE_CONVERT_PYTHON", "")
        if not os.access(python, os.X_OK):
            self.skipTest("HRE_CONVERT_PYTHON names no Python with the converter's packages")
        return {"HRE_CONVERT_PYTHON": python, "HRE_CACHE": str(self.folder / "cache")}

    def test_checkpoint_is_converted_once(self):
        env = self.converter_python()
        source = pathlib.Path(os.environ.get("HRE_TEST_DATA") or SOURCE_DIR.parent / "shared" / "data") / "models" / "TinyStories-656K"
        if not source.exists():
            self.skipTest(f"{source} is not there")
        folder = self.folder / "tiny"
        shutil.copytree(source, folder)
        question = {
            "question": "what did the cat see",
            "answers": [{"text": "the cat saw a bird.", "votes": 2}, {"text": "it was sad.", "votes": 1}],
        }
        (self.folder / "q.jsonl").write_text(json.dumps(question) + "\n")
        runs = []
        for _ in range(2):
            self.run_hre(
                "eval", folder, "--data", "q.jsonl", "--threads", 1, "--json", "run.json", "--details", "--quiet", env=env, timeout=600
            )
            runs.append(json.loads((self.folder / "run.json").read_text()))
        made = list((self.folder / "cache" / "converted").rglob("*.gguf"))
        self.assertEqual(["tiny.gguf"], [path.name for path in made])
        self.assertEqual(str(folder), runs[0]["model"]["source"])
        self.assertEqual(runs[0]["questions"], runs[1]["questions"])
        done = self.run_hre("verify", "run.json", "--python", "--quiet", env=env, timeout=600)
        self.assertIn("scored again by Transformers in float32", " ".join(done.stdout.split()))
        question["answers"][0]["text"] = "the cat saw a bird. " * 300
        (self.folder / "q.jsonl").write_text(json.dumps(question) + "\n")
        self.run_hre(
            "eval",
            folder,
            "--data",
            "q.jsonl",
            "--long-answers",
            "truncate",
            "--json",
            "run.json",
            "--details",
            "--quiet",
            env=env,
            timeout=600,
        )
        self.assertGreater(json.loads((self.folder / "run.json").read_text())["questions"][0]["answers"][0]["n_cut_chars"], 0)
        self.run_hre("verify", "run.json", "--python", "--quiet", env=env, timeout=600)
        settings = json.loads((folder / "tokenizer_config.json").read_text())
        settings["tokenizer_class"], settings["auto_map"] = "Own", {"AutoTokenizer": ["own.Own", None]}
        (folder / "own.py").write_text(f"open({str(self.folder / 'ran')!r}, 'w')\nfrom transformers import GPT2Tokenizer as Own\n")
        kept = (folder / "tokenizer_config.json").read_text()
        (folder / "tokenizer_config.json").write_text(json.dumps(settings))
        error = self.error_of("eval", folder, "--data", "q.jsonl", "--quiet", env=env, timeout=600)
        self.assertIn("is Python code of its own, which hre does not run", error)
        self.assertIn("convert_hf_to_gguf.py runs it", error)
        self.assertFalse((self.folder / "ran").exists(), "the folder's own code was run")
        (folder / "tokenizer_config.json").write_text(kept)
        weights = folder / "model.safetensors"
        weights.write_bytes(weights.read_bytes()[:-100])
        self.assertIn("was cut short", self.error_of("eval", folder, "--data", "q.jsonl", "--quiet", env=env, timeout=600))


if __name__ == "__main__":
    unittest.main()
