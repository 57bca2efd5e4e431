"""Checkpoint folders that hre converts itself, without Python: equal to what llama.cpp's converter writes.

Everything runs with an HRE_CONVERT_PYTHON that fails, or that says it was called. The comparison with the converter needs a Python
with its packages (third_party/pypi-convert.lock), which HRE_CONVERT_PYTHON names where the tests start.
"""

import hashlib
import json
import os
import shutil
import subprocess
import unittest

import checkpoint_files
import gguf_files
from program import SOURCE_DIR, ProgramTest, clean_environment, shared_data

#: Of the GGUF files of checkpoint_files' Llama: what the converter writes, but for the notes.
GOLDEN = {
    "F32": "1eff52dd76f7cfd8edb91370b8884f97208104877f6eac16f89cdd0873fa50a8",
    "BF16": "9f9dfc55aacedb55f0ac8a32575c52fd15b6fd1ad3084d11b5f8694549974245",
}
#: Families of tools/models/families.py.
FAMILIES = [
    "llama",
    "llama-gqa",
    "llama-rope3",
    "llama-linear",
    "llama-yarn",
    "llama-bias",
    "mistral",
    "mistral-whole",
    "qwen2",
    "qwen3",
    "gemma2",
    "gemma3",
    "gptneox",
    "gptneox-sequential",
    "phi-3",
    "phi-longrope",
    "olmo2",
    "smollm3",
]
#: Keys of general.* that are the same by both roads. The others are the converter's notes about where a model comes from.
SAME = ("general.architecture", "general.type", "general.name", "general.file_type", "general.quantization_version", "general.sampling.")
MAKE = """
import pathlib, shutil, sys
root, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path[:0] = [str(root / "tools" / "models"), str(root / "src" / "model" / "checkpoint")]
import checkpoint, convert_checkpoint, torch
from families import FAMILIES
for family in FAMILIES:
    if family.name not in sys.argv[4:]:
        continue
    model, _ = checkpoint.make(folder / family.name, family)
    for kind in ("bfloat16", "float16"):  # with values that are on no grid
        narrow = folder / f"{family.name}-{kind}"
        shutil.copytree(folder / family.name, narrow)
        generator = torch.Generator().manual_seed(1)
        with torch.no_grad():
            for weight in model.parameters():
                weight.add_(0.1 * torch.randn(weight.shape, generator=generator))
        model.to(getattr(torch, kind)).save_pretrained(narrow)
        model.float()
for made in sorted(folder.iterdir()):
    convert_checkpoint.convert(pathlib.Path(sys.argv[3]), made, made / "by-converter.gguf")
"""


def content(path):
    """(metadata but for the converter's notes, tensors)"""
    values, tensors = gguf_files.read(path.read_bytes())
    return {key: value for key, value in values.items() if not key.startswith("general.") or key.startswith(SAME)}, tensors


class NativeCheckpointsTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.python = self.write("python", f"#!/bin/sh\necho called >> {self.folder}/calls\necho no >&2\nexit 1\n")
        self.python.chmod(0o755)
        self.cache = self.folder / "cache"

    def convert(self, folder):
        """The file that hre makes of a folder, and what it says."""
        shutil.rmtree(self.cache, ignore_errors=True)
        done = self.run_hre("model", "show", folder, env={"HRE_CONVERT_PYTHON": str(self.python), "HRE_CACHE": str(self.cache)})
        self.assertFalse((self.folder / "calls").exists(), done.stderr)
        made = list(self.cache.rglob("*.gguf"))
        self.assertEqual(1, len(made))
        return made[0]

    def refused(self, folder):
        """What hre says where it leaves a folder to the converter, which stands for a failure here."""
        (self.folder / "calls").unlink(missing_ok=True)
        error = self.run_hre(
            "model", "show", folder, status=1, env={"HRE_CONVERT_PYTHON": str(self.python), "HRE_CACHE": str(self.cache)}
        ).stderr
        self.assertTrue((self.folder / "calls").exists(), error)
        self.assertEqual([], list(self.cache.rglob("*.gguf")))
        return error

    def test_golden(self):
        """By the hash of the metadata and tensors that the converter wrote for the same folders."""
        for kind, expected in GOLDEN.items():
            folder = self.folder / "small"
            checkpoint_files.write_llama(folder, kind)
            with self.subTest(kind=kind):
                self.assertEqual(expected, hashlib.sha256(repr(content(self.convert(folder))).encode()).hexdigest())

    def test_shards_make_the_same_file(self):
        folder = self.folder / "small"
        checkpoint_files.write_llama(folder)
        whole = content(self.convert(folder))
        tensors = list(checkpoint_files.llama_tensors().items())
        (folder / "model.safetensors").unlink()
        places = {}
        for i in range(3):
            name = f"model-{i + 1:05}-of-00003.safetensors"
            (folder / name).write_bytes(checkpoint_files.safetensors(dict(tensors[i::3])))
            places |= {tensor: name for tensor, _ in tensors[i::3]}
        (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
        values, parts = content(self.convert(folder))
        self.assertEqual(whole[0], values)
        self.assertEqual(sorted(whole[1], key=lambda tensor: tensor.name), sorted(parts, key=lambda tensor: tensor.name))

    def test_tiny_stories(self):
        folder, known = shared_data("models/TinyStories-656K"), shared_data("models/TinyStories-656K-f32.gguf")
        values, tensors = content(self.convert(folder))
        expected, wanted = gguf_files.read(known.read_bytes())
        self.assertEqual({tensor.name: tensor for tensor in wanted}, {tensor.name: tensor for tensor in tensors})
        for key in (
            "tokenizer.ggml.tokens",
            "llama.embedding_length",
            "llama.attention.head_count_kv",
            "llama.attention.layer_norm_rms_epsilon",
        ):
            self.assertEqual(expected[key], values[key], key)  # that file is of an older converter, which says less

    def test_what_is_not_known_goes_to_the_converter(self):
        def config(**values):
            return lambda folder: (folder / "config.json").write_text(json.dumps({**checkpoint_files.CONFIG, **values}))

        def vocabulary(change):
            def write(folder):
                tokenizer = checkpoint_files.tokenizer()
                change(tokenizer)
                (folder / "tokenizer.json").write_text(json.dumps(tokenizer))

            return write

        def settings(**values):
            return lambda folder: (folder / "tokenizer_config.json").write_text(json.dumps({**checkpoint_files.SETTINGS, **values}))

        def tensor(name, kind="F32", shape=(16,), size=64):
            tensors = {**checkpoint_files.llama_tensors(), name: (kind, shape, bytes(size))}
            return lambda folder: (folder / "model.safetensors").write_bytes(checkpoint_files.safetensors(tensors))

        def file(name, text="{}"):
            return lambda folder: (folder / name).write_text(text)

        for why, change in {
            "the key num_experts": config(num_experts=4),
            "the key quantization_config": config(quantization_config={"quant_method": "fp8"}),
            "the key auto_map": config(auto_map={"AutoConfig": "own.Own"}),
            "the rope scaling dynamic": config(rope_scaling={"rope_type": "dynamic", "factor": 2.0}),
            "the rope parameter mscale": config(rope_scaling={"rope_type": "yarn", "factor": 2.0, "mscale": 1.0}),
            "an unusual base": config(
                rope_theta=123.0,
                rope_scaling={
                    "rope_type": "llama3",
                    "factor": 8.0,
                    "low_freq_factor": 1.0,
                    "high_freq_factor": 4.0,
                    "original_max_position_embeddings": 64,
                },
            ),
            "no rms_norm_eps": config(rms_norm_eps=None),
            "values of unusual kinds": config(hidden_size=16.5),
            "the architecture OPTForCausalLM": config(architectures=["OPTForCausalLM"]),
            "a model_type of another": config(model_type="mistral"),
            "more tokens than config.json says": config(vocab_size=200),
            "a tensor model.layers.0.surprise.weight": tensor("model.layers.0.surprise.weight"),
            "a tensor model.layers.2.input_layernorm.weight": tensor("model.layers.2.input_layernorm.weight"),
            "model.norm.weight has the type I32": tensor("model.norm.weight", "I32"),
            "model.norm.weight has an unusual shape": tensor("model.norm.weight", shape=(4, 2, 2)),
            "a shape that its heads don't divide": tensor("model.layers.0.self_attn.q_proj.weight", shape=(18, 1), size=72),
            "a pre-tokenizer": vocabulary(lambda it: it.update(pre_tokenizer={"type": "Whitespace"})),
            "an unusual added token": vocabulary(lambda it: it["added_tokens"][1].update(content="<a b>")),
            "a normalizer": vocabulary(lambda it: it.update(normalizer={"type": "Lowercase"})),
            "a model other than BPE": vocabulary(lambda it: it["model"].update(type="Unigram")),
            "has a number twice": vocabulary(lambda it: it["model"]["vocab"].update({"x": 7})),
            "the class LlamaTokenizer": settings(tokenizer_class="LlamaTokenizer"),
            "no special token <s>": settings(bos_token="<s>"),
            "several chat templates": settings(chat_template=[{"name": "default", "template": "a"}]),
            "a adapter_config.json": file("adapter_config.json"),
            "safetensors files of another model": lambda folder: (folder / "other.safetensors").write_bytes(
                checkpoint_files.safetensors({})
            ),
            "README.md may name the model": file("README.md", "---\nmodel_name: phi-3\n---\n"),
            "config.json has the name a twice": file("config.json", '{"a": 1, "a": 2}'),
        }.items():
            with self.subTest(why=why):
                folder = self.folder / "checkpoint"
                shutil.rmtree(folder, ignore_errors=True)
                checkpoint_files.write_llama(folder)
                change(folder)
                self.assertIn(why, self.refused(folder))

    def test_broken_weights(self):
        folder = self.folder / "checkpoint"
        checkpoint_files.write_llama(folder)
        weights = folder / "model.safetensors"
        whole = weights.read_bytes()
        for broken in (whole[:-4], whole + b"\0", whole[:100], b"", b"\xff" * 50):
            weights.write_bytes(broken)
            error = self.error_of("model", "show", folder, env={"HRE_CONVERT_PYTHON": str(self.python), "HRE_CACHE": str(self.cache)})
            self.assertIn("model.safetensors", error)
            self.assertFalse((self.folder / "calls").exists())

    def test_equal_to_the_converter(self):
        python = os.environ.get("HRE_CONVERT_PYTHON", "")
        if not os.access(python, os.X_OK):
            self.skipTest("HRE_CONVERT_PYTHON names no Python with the converter's packages")
        sources = os.environ.get("HRE_ENGINE_SOURCES") or SOURCE_DIR / "build" / "deps" / "llama.cpp"
        made = self.folder / "made"
        made.mkdir()
        checkpoint_files.write_llama(made / "small-f32")
        checkpoint_files.write_llama(made / "small-bf16", "BF16")
        shutil.copytree(shared_data("models/TinyStories-656K"), made / "TinyStories-656K")
        (made / "small-f32" / "generation_config.json").write_text('{"temperature": 0.6, "top_k": 20, "top_p": 0.95}')
        done = subprocess.run(
            [python, "-c", MAKE, SOURCE_DIR, made, sources, *FAMILIES],
            capture_output=True,
            text=True,
            check=False,
            env=clean_environment(PYTHONDONTWRITEBYTECODE="1"),
        )
        self.assertEqual(0, done.returncode, done.stderr[-2000:])
        folders = sorted(made.iterdir())
        self.assertEqual(3 * len(FAMILIES) + 3, len(folders))
        questions = SOURCE_DIR / "tests" / "data" / "models" / "questions.jsonl"
        for folder in folders:
            with self.subTest(name=folder.name):
                theirs = folder / "by-converter.gguf"
                ours = self.convert(folder)
                self.assertEqual(list(content(theirs)[0].items()), list(content(ours)[0].items()))
                self.assertEqual(content(theirs)[1], content(ours)[1])
                if folder.name.endswith("16") or "small" in folder.name:
                    continue  # one evaluation of a family is enough
                done = self.run_hre(
                    "eval",
                    theirs,
                    ours,
                    "--data",
                    questions,
                    "--no-cache",
                    "--json",
                    "-",
                    "--details",
                    "--quiet",
                    "--threads",
                    1,
                    "--long-answers",
                    "truncate",
                )
                runs = json.loads(done.stdout)
                self.assertEqual(*[[question["answers"] for question in run["questions"]] for run in runs])


if __name__ == "__main__":
    unittest.main()
