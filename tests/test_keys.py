"""What stored answers depend on: every option and every input of a model is changed through the program, and either the
answers are scored again or they are reused. An option that stands in no list here fails the test."""

import json
import lzma
import random
import re
import unittest

import gguf_files
from program import SOURCE_DIR, ProgramTest
from stand_in_server import StandIn
from test_model_files import floats

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
    "--lora": (["adapter.gguf"], []),
    "--prompt-file": (["prompt.txt"], []),
    "--no-cache": ([], []),
    "--keep-tokens": ([], []),  # values of tokens that are not stored
}
# Options that can't: with a value, where they need one.
KEEPS = {
    "--data": ["copy.jsonl"], "--metadata": ["nowhere.jsonl"], "--topic": ["*"], "--limit": ["99"], "--shuffle-seed": ["7"],
    "--no-shuffle": [], "--where": ["answers>1"], "--undefined": ["zero"], "--until": ["width=0.001"], "--threads": ["2"],
    "--numa": [], "--workers": ["2"], "--metrics": ["all"], "--json": ["again.json"], "--details": [], "--reference-json": ["r.json"],
    "--stats": [], "--quiet": [], "--name": ["other"], "--recheck": ["100%"], "--verify-weights": [], "--explain": [],
    "--gpu-layers": ["0"], "--max-concurrency": ["3"], "--wait": ["5"], "--request-timeout": ["9"],
}
# Not tried here: what they need is not there, or they are another way to say something.
ELSEWHERE = {
    "--help": "says what there is", "--help-all": "says what else there is", "--version": "names the engine", "--store": "is where all of this is kept", "--models": "names models",
    "--rpc": "needs servers that hold layers (tests/test_scaling.py); they stand in the key's device",
    "--device": "chooses among GPUs, which stand in the key's device", "--tensor-split": "is between GPUs, as --device",
    "--precision": "moves what narrow weights are multiplied in, which the key's kernels say (tests/test_models.py)",
    "--stream-weights": "needs an engine that asks (tests/test_streaming.py)", "--shard": "is a share (tests/test_scaling.py)",
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
                with StandIn(api, *quirks, model="another") as server:
                    self.assertEqual(0, self.reused(f"server:{server.url}", store=store), "another model")

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


if __name__ == "__main__":
    unittest.main()
