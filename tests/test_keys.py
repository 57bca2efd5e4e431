"""What stored answers depend on: every option and every input of a model is changed through the program, and either the
answers are scored again or they are reused. An option that stands in no list here fails the test."""

import json
import lzma
import os
import pathlib
import random
import re
import subprocess
import unittest

import gguf_files
from program import SOURCE_DIR, ProgramTest
from stand_in_server import StandIn
from test_model_files import floats

BUILD_DIR = pathlib.Path(os.environ.get("HRE_BUILD_DIR", "build/release")).resolve()
MODELS = SOURCE_DIR / "tests" / "data" / "models"
DATED = "{{ strftime_now('%d %b %Y') }}{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}"

# Options that can move a value of a model in process: a value, and what stands on both sides.
MOVES = {
    "--bos": (["always"], []),
    "--max-length": (["60"], ["--long-answers", "truncate"]),
    "--long-answers": (["truncate"], []),
    "--chat-template": (["dated.jinja"], []),
    "--system": (["Be brief."], ["--chat-template", "dated.jinja"]),
    "--date": (["2031-01-02"], ["--chat-template", "dated.jinja"]),
    "--kv-type": (["f16"], []),
    "--flash-attention": (["on"], []),
    "--engine-kernels": (["plain"], []),
    "--precision": (["exact"], []),
    "--lora": (["adapter.gguf"], []),
    "--prompt-file": (["prompt.txt"], []),
    "--no-cache": ([], []),
    "--keep-tokens": ([], []),  # values of tokens that are not stored
}
# Options that can't: with a value, where they need one.
KEEPS = {
    "--data": ["copy.jsonl"], "--metadata": ["nowhere.jsonl"], "--topic": ["*"], "--limit": ["99"], "--shuffle-seed": ["7"],
    "--no-shuffle": [], "--where": ["answers>1"], "--undefined": ["zero"], "--until": ["width=0.001"], "--threads": ["2"],
    "--numa": [], "--workers": ["2"], "--metrics": ["all"], "--cluster": ["topic"], "--score": ["sum"], "--reference": ["baseline:zstd"], "--json": ["again.json"], "--details": [], "--reference-json": ["r.json"],
    "--stats": [], "--quiet": [], "--name": ["other"], "--recheck": ["100%"], "--verify-weights": [], "--explain": [],
    "--gpu-layers": ["0"], "--stream-weights": [], "--max-concurrency": ["3"], "--wait": ["5"], "--request-timeout": ["9"],
}
# Not tried here: what they need is not there, or they are another way to say something.
ELSEWHERE = {
    "--help": "says what there is", "--help-all": "says what else there is", "--version": "names the engine", "--store": "is where all of this is kept", "--models": "names models",
    "--rpc": "needs servers that hold layers (tests/test_scaling.py); they stand in the key's device",
    "--device": "chooses among GPUs, which stand in the key's device", "--tensor-split": "is between GPUs, in the key's device (computation_plan_test.cc)",
    "--shard": "is a share (tests/test_scaling.py)",
    "--rank-timeout": "is for MPI (tests/test_scaling.py)", "--api-key-file": "is a secret (tests/test_server.py)",
    "--ca-file": "is of connections (tests/test_server.py)",
}


class KeysTest(ProgramTest):
    def setUp(self):
        super().setUp()
        data = lzma.decompress((MODELS / "llama-gqa.gguf.xz").read_bytes())
        self.write("model.gguf", data)
        self.values, self.tensors = gguf_files.read(data)
        self.write("dated.jinja", DATED)
        self.write("prompt.txt", "Q: {question}\nA: {answer}")
        questions = (MODELS / "questions.jsonl").read_text()
        for name in ("q.jsonl", "copy.jsonl"):
            self.write(name, questions)
        self.n = len(questions.splitlines())
        self.write_adapter("adapter.gguf", 1)

    def write_adapter(self, name, seed):
        generator = random.Random(seed)
        tensors = []
        for target in (t for t in self.tensors if t.name == "blk.0.attn_q.weight"):
            columns, rows = target.shape
            tensors += [gguf_files.Tensor(f"{target.name}.lora_{part}", shape, 0,
                                          floats([generator.gauss(0, 0.3) for _ in range(shape[0] * shape[1])]))
                        for part, shape in (("a", (columns, 2)), ("b", (2, rows)))]
        text = lambda value: gguf_files.value(gguf_files.STRING, value)
        gguf_files.write(self.folder / name, {
            "general.architecture": text("llama"), "general.type": text("adapter"), "adapter.type": text("lora"),
            "adapter.lora.alpha": gguf_files.value(gguf_files.F32, 3.0)}, tensors)

    def reused(self, model, *options, store, data="q.jsonl", env=None):
        """How many questions' stored answers stood for new ones."""
        more = [] if "--threads" in options else ["--threads", "1"]
        self.run_hre("eval", model, "--data", data, "--store", store, "--json", "run.json", *more, *options, env=env)
        return self.read_json("run.json")["times"]["questions_reused"]

    def test_every_option_is_in_a_list(self):
        shown = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", self.run_hre("eval", "--help-all").stdout))
        listed = set(MOVES) | set(KEEPS) | set(ELSEWHERE)
        self.assertEqual(set(), {option for option in shown if option not in listed}, "say here what these options move")
        self.assertEqual(set(), {option for option in listed if option not in shown and option not in ("--help", "--help-all")})

    def test_options_that_move_values(self):
        for option, (value, base) in MOVES.items():
            with self.subTest(option=option):
                store = f"moves{option}.db"
                self.assertEqual(0, self.reused("model.gguf", *base, store=store))
                self.assertEqual(self.n, self.reused("model.gguf", *base, store=store))
                self.assertEqual(0, self.reused("model.gguf", *base, option, *value, store=store))
                if option != "--no-cache":
                    self.assertEqual(self.n, self.reused("model.gguf", *base, option, *value, store=store))

    def test_options_that_do_not(self):
        self.assertEqual(0, self.reused("model.gguf", store="runs.db"))
        for option, value in KEEPS.items():
            with self.subTest(option=option):
                data = value[0] if option == "--data" else "q.jsonl"
                options = [] if option in ("--data", "--json") else [option, *value]
                if option == "--reference-json":
                    options += ["--limit", "9"]
                self.assertEqual(self.n, self.reused("model.gguf", *options, store="runs.db", data=data))

    def test_weights_are_known_by_content(self):
        self.assertEqual(0, self.reused("model.gguf", store="runs.db"))
        elsewhere = self.write("elsewhere/other.gguf", (self.folder / "model.gguf").read_bytes())
        self.assertEqual(self.n, self.reused(elsewhere, store="runs.db"))
        weights = bytearray(elsewhere.read_bytes())
        weights[-6] ^= 1  # the last weights' lowest bits
        elsewhere.write_bytes(weights)
        self.assertEqual(0, self.reused(elsewhere, store="runs.db"))

    def test_files_beside_the_model_are_known_by_content(self):
        for option, name in (("--chat-template", "dated.jinja"), ("--lora", "adapter.gguf"), ("--prompt-file", "prompt.txt")):
            with self.subTest(option=option):
                store = f"files{option}.db"
                self.assertEqual(0, self.reused("model.gguf", option, name, store=store))
                self.assertEqual(self.n, self.reused("model.gguf", option, name, store=store))
                moved = self.write("moved-" + name, (self.folder / name).read_bytes())
                self.assertEqual(self.n, self.reused("model.gguf", option, moved, store=store))
                if option == "--lora":
                    self.write_adapter(name, 2)
                else:
                    (self.folder / name).write_text((self.folder / name).read_text().replace("[", "<").replace("A:", "B:"))
                self.assertEqual(0, self.reused("model.gguf", option, name, store=store))
        self.assertEqual(0, self.reused("model.gguf", "--lora", "adapter.gguf=0.5", store="files--lora.db"), "its scale")

    def test_the_engine_is_in_the_key(self):
        self.reused("model.gguf", store="runs.db")
        config = self.read_json("run.json")["config"]
        version = self.run_hre("--version").stdout
        self.assertIn(config["engine"], version)
        self.assertIn(config["engine_build"], version)
        if "hre's patch" in version:
            self.assertRegex(config["engine"], r"hre's patch \d+")

    def test_a_models_own_template_is_known_by_content(self):
        """--chat-template auto: the file has it, so that another template makes another file and another setting."""
        for template in (DATED, DATED.replace("[", "<")):
            values = {**self.values, "tokenizer.chat_template": gguf_files.value(gguf_files.STRING, template)}
            gguf_files.write(self.folder / "chat.gguf", values, self.tensors)
            self.assertEqual(0, self.reused("chat.gguf", store="runs.db"))
            self.assertEqual(0, self.reused("chat.gguf", "--chat-template", "auto", store="runs.db"))
            self.assertEqual(self.n, self.reused("chat.gguf", "--chat-template", "auto", store="runs.db"))
            for option, value in (("--system", "Be brief."), ("--date", "2031-01-02")):
                self.assertEqual(0, self.reused("chat.gguf", "--chat-template", "auto", option, value, store="runs.db"), option)

    def test_texts_count_and_votes_do_not(self):
        self.assertEqual(0, self.reused("model.gguf", store="runs.db"))
        lines = [json.loads(line) for line in (self.folder / "q.jsonl").read_text().splitlines()]
        for line in lines:
            for answer in line["answers"]:
                answer["votes"] += 1
        lines[0]["answers"][0]["text"] += "!"
        self.write("q.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
        self.assertEqual(self.n - 1, self.reused("model.gguf", store="runs.db"))

    def test_checkpoints_are_known_by_content(self):
        """By a Python that stands in for the converter's: it copies the folder's own model."""
        converter = self.write("python", '#!/bin/bash\ncp "${@: -2:1}/model.bin" "${@: -1}"\n')
        converter.chmod(0o755)
        env = {"HRE_CONVERT_PYTHON": str(converter)}
        self.write("checkpoint/config.json", "{}")
        weights = bytearray((self.folder / "model.gguf").read_bytes())
        self.write("checkpoint/model.bin", weights)
        self.assertEqual(0, self.reused("checkpoint", store="runs.db", env=env))
        self.assertEqual(self.n, self.reused("checkpoint", store="runs.db", env=env))
        weights[-6] ^= 1
        self.write("checkpoint/model.bin", weights)
        self.assertEqual(0, self.reused("checkpoint", store="runs.db", env=env))

    def test_every_part_of_a_checkpoint_makes_another_conversion(self):
        """By a Python that stands in for the converter's, and says how often it was called."""
        converter = self.write("python", '#!/bin/bash\necho >> calls\ncp "${@: -2:1}/model.bin" "${@: -1}"\n')
        converter.chmod(0o755)
        env = {"HRE_CONVERT_PYTHON": str(converter)}
        self.write("checkpoint/config.json", "{}")
        self.write("checkpoint/model.bin", (self.folder / "model.gguf").read_bytes())
        expected = 0
        for name in ("config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "tokenizer.model", "merges.txt", "model.safetensors",
                     "qwen.tiktoken", "spiece.vocab"):
            for content in ("{} ", "{}  "):
                self.write(f"checkpoint/{name}", content)
                for _ in range(2):
                    self.run_hre("eval", "checkpoint", "--data", "q.jsonl", "--limit", "1", "--threads", "1", "--quiet", env=env)
                expected += 1
                self.assertEqual(expected, len((self.folder / "calls").read_text().splitlines()), f"{name} is another one")
        self.write("checkpoint/README.md", "says nothing")
        self.run_hre("eval", "checkpoint", "--data", "q.jsonl", "--limit", "1", "--threads", "1", "--quiet", env=env)
        self.assertEqual(expected, len((self.folder / "calls").read_text().splitlines()))

    def test_the_pins_of_the_converters_packages_are_in_a_conversions_key(self):
        """Of an installed hre: its lock file can be changed there."""
        install = self.folder / "install"
        done = subprocess.run(["cmake", "--install", BUILD_DIR, "--prefix", str(install)], capture_output=True, text=True, check=False)
        lock = next(install.rglob("pypi-convert.lock"), None)
        if done.returncode != 0 or lock is None:
            self.skipTest("this build can't be installed from here: " + done.stderr[-200:])
        converter = self.write("python", '#!/bin/bash\necho >> calls\ncp "${@: -2:1}/model.bin" "${@: -1}"\n')
        converter.chmod(0o755)
        self.write("checkpoint/config.json", "{}")
        self.write("checkpoint/model.bin", (self.folder / "model.gguf").read_bytes())
        for n, text in ((1, ""), (2, "# another version\n")):
            lock.write_text(lock.read_text() + text)
            self.run_hre("eval", "checkpoint", "--data", "q.jsonl", "--limit", "1", "--threads", "1", "--quiet", program=install / "bin" / "hre",
                         env={"HRE_CONVERT_PYTHON": str(converter)})
            self.assertEqual(n, len((self.folder / "calls").read_text().splitlines()))

    def test_servers_are_known_by_what_they_state_and_compute(self):
        for api, *quirks in (["vllm"], ["sglang"], ["tgi"], ["openai"], ["openai", "no_tokenizer"]):
            with self.subTest(api=api, quirks=quirks):
                store = f"{api}{len(quirks)}.db"
                with StandIn(api, *quirks) as server:
                    self.assertEqual(0, self.reused(f"server:{server.url}", store=store))
                    self.assertEqual(self.n, self.reused(f"server:{server.url}", store=store))
                    if api in ("vllm", "sglang"):
                        for option, value in (("--bos", "always"), ("--max-length", "300"), ("--long-answers", "skip")):
                            self.assertEqual(0, self.reused(f"server:{server.url}", option, value, store=store), option)
                    for option, *value in (("--max-concurrency", "3"), ("--wait", "5"), ("--request-timeout", "9"), ("--threads", "2"), ("--limit", "99"),
                                           ("--undefined", "zero"), ("--topic", "*")):
                        self.assertEqual(self.n, self.reused(f"server:{server.url}", option, *value, store=store), option)
                    for option, value in (("--prompt-file", "prompt.txt"), ("--no-cache", None), ("--keep-tokens", None)):
                        self.assertEqual(0, self.reused(f"server:{server.url}", option, *([value] if value else []), store=store), option)
                with StandIn(api, *quirks, model="another") as server:
                    self.assertEqual(0, self.reused(f"server:{server.url}", store=store), "another model")

    def test_a_server_that_does_not_always_repeat_itself_keeps_its_answers(self):
        """Whether two equal requests agree is chance, and no part of the key."""
        with StandIn("vllm", "unsteady") as server:
            server.unsteadiness = 0
            self.assertEqual(0, self.reused(f"server:{server.url}", store="runs.db"))
            for unsteadiness in (1e-5, 1e-3, 0):
                server.unsteadiness = unsteadiness
                self.assertEqual(self.n, self.reused(f"server:{server.url}", store="runs.db"), unsteadiness)

    def test_options_of_a_model_in_process_are_refused_elsewhere(self):
        """Every option of MOVES and its like: a kind of model either takes it or refuses it."""
        given = {**{option: value for option, (value, _) in MOVES.items()}, **{option: values for option, values in KEEPS.items()},
                 "--device": ["CPU"], "--tensor-split": ["1,1"], "--gpu-layers": ["3"], "--rpc": ["127.0.0.1:9"]}
        for model, takes in (("baseline:zstd", ()), ("server:http://127.0.0.1:9", ("--bos", "--max-length", "--long-answers"))):
            for option in ("--bos", "--max-length", "--long-answers", "--chat-template", "--system", "--date", "--kv-type", "--flash-attention",
                           "--engine-kernels", "--precision", "--lora", "--gpu-layers", "--device", "--tensor-split", "--stream-weights",
                           "--numa", "--rpc"):
                if option in takes:
                    continue
                with self.subTest(model=model, option=option):
                    line = self.error_of("eval", model, "--data", "q.jsonl", option, *given[option])
                    self.assertIn(option, line)
                    self.assertRegex(line, "baseline has no model|server ")
        # Beside a model they are that model's.
        self.run_hre("eval", "model.gguf", "baseline:zstd", "--data", "q.jsonl", "--max-length", "60", "--long-answers", "truncate", "--threads", "1")

    def test_a_servers_vocabulary_is_known_by_content(self):
        content = bytearray((self.folder / "model.gguf").read_bytes())
        self.write("v.gguf", content)
        with StandIn("vllm") as server:
            model = f"server:{server.url},tokenizer=v.gguf"
            self.assertEqual(0, self.reused(model, store="runs.db"))
            self.assertEqual(self.n, self.reused(model, store="runs.db"))
            content[-6] ^= 1
            self.write("v.gguf", content)
            self.assertEqual(0, self.reused(model, store="runs.db"))

    def test_baselines(self):
        self.assertEqual(0, self.reused("baseline:length", store="runs.db"))
        self.assertEqual(self.n, self.reused("baseline:length", store="runs.db"))
        self.assertEqual(0, self.reused("baseline:zstd", store="runs.db"))
        for model in ("baseline:length", "baseline:zstd"):
            for option, *value in (("--threads", "2"), ("--workers", "2"), ("--limit", "99"), ("--undefined", "zero"), ("--topic", "*")):
                self.assertEqual(self.n, self.reused(model, option, *value, store="runs.db"), option)
            self.assertEqual(0, self.reused(model, "--prompt-file", "prompt.txt", store="runs.db"))
            self.assertEqual(0, self.reused(model, "--no-cache", store="runs.db"))


if __name__ == "__main__":
    unittest.main()
