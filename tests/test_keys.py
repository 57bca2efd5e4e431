"""What stored answers depend on: every option and every input of a model is changed through the program, and either the
answers are scored again or they are reused. An option that stands in no list here fails the test."""

import dataclasses
import itertools
import json
import lzma
import pathlib
import random
import re
import subprocess
import unittest

import gguf_files
from program import BUILD_DIR, PROGRAM, SOURCE_DIR, ProgramTest, clean_environment
from stand_in_server import StandIn
from test_isa import CAPS
from test_model_files import floats, split

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
    "--data": ["copy.jsonl"],
    "--metadata": ["nowhere.jsonl"],
    "--topic": ["*"],
    "--limit": ["99"],
    "--shuffle-seed": ["7"],
    "--no-shuffle": [],
    "--where": ["answers>1"],
    "--undefined": ["zero"],
    "--until": ["width=0.001"],
    "--threads": ["2"],
    "--numa": [],
    "--workers": ["2"],
    "--metrics": ["all"],
    "--cluster": ["topic"],
    "--score": ["sum"],
    "--reference": ["baseline:zstd"],
    "--json": ["again.json"],
    "--details": [],
    "--reference-json": ["r.json"],
    "--stats": [],
    "--quiet": [],
    "--name": ["other"],
    "--recheck": ["100%"],
    "--verify-weights": [],
    "--explain": [],
    "--gpu-layers": ["0"],
    "--stream-weights": [],
    "--max-concurrency": ["3"],
    "--wait": ["5"],
    "--request-timeout": ["9"],
}
# Not tried here: what they need is not there, or they are another way to say something.
ELSEWHERE = {
    "--help": "says what there is",
    "--help-all": "says what else there is",
    "--version": "names the engine",
    "--store": "is where all of this is kept",
    "--models": "names models",
    "--rpc": "needs servers that hold layers (tests/test_scaling.py); they stand in the key's device",
    "--device": "chooses among GPUs, which stand in the key's device",
    "--tensor-split": "is between GPUs, in the key's device (computation_plan_test.cc)",
    "--shard": "is a share (tests/test_scaling.py)",
    "--gate": "stops by a policy (tests/test_gate.py)",
    "--rank-timeout": "is for MPI (tests/test_scaling.py)",
    "--api-key-file": "is a secret (tests/test_server.py)",
    "--ca-file": "is of connections (tests/test_server.py)",
}
# What an option does with models that aren't computed in process: it moves values (M), keeps them (K) or is refused (R).
# In turn: vLLM, SGLang and llama-server, which are given token ids; TGI and an OpenAI server with a tokenizer, which are given
# text; a server whose tokenizer can't be asked; baseline:length; baseline:zstd.
OTHERS = {
    option: effects
    for effects, options in {
        "MMMRRRRR": "--bos",
        "MMMMMRRR": "--max-length",
        "MMMMMMRR": "--long-answers",
        "RRRRRRRR": "--chat-template --system --date --kv-type --flash-attention --engine-kernels --precision --lora --numa "
        "--gpu-layers --stream-weights --device --tensor-split --rpc",
        "RRRRRRKK": "--workers",
        "KKKKKKRK": "--reference",
        "MMMMMMMM": "--prompt-file --no-cache --keep-tokens",
        "KKKKKKKK": "--data --metadata --topic --limit --shuffle-seed --no-shuffle --where --undefined --until --threads --metrics "
        "--cluster --score --json --details --reference-json --stats --quiet --name --recheck --verify-weights --explain "
        "--max-concurrency --wait --request-timeout",
    }.items()
    for option in options.split()
}
# Of those that stand in ELSEWHERE, what others than models in process must refuse, with a value.
OF_DEVICES = {"--device": ["CPU"], "--tensor-split": ["1,1"], "--rpc": ["127.0.0.1:9"]}
# What a processor must have for each level of its own up to AMX, in the words of /proc/cpuinfo.
LEVELS = ("sse4_1", "avx2 fma", "avx512f avx512bw avx512dq avx512vl", "avx512_vnni", "avx512_bf16")
# Sets a number of the patch in a store's settings, and their keys to match, from Python with xxhash.
CHANGE_PATCH = """
import json, sqlite3, struct, sys, xxhash
def key(components):
    fields = [text.encode() for pair in components for text in pair]
    return xxhash.xxh3_128(b"".join(struct.pack("<Q", len(field)) + field for field in fields)).digest()
database = sqlite3.connect(sys.argv[1])
seen = []
for row, stored, components in database.execute("SELECT id, key, components FROM setting").fetchall():
    pairs = json.loads(components)
    assert key(pairs) == stored, "the key is no hash of the components"
    changed = [[name, value.replace(sys.argv[2], sys.argv[3]) if name == "engine" else value] for name, value in pairs]
    seen.append(changed != pairs)
    database.execute("UPDATE setting SET key = ?, components = ? WHERE id = ?", (key(changed), json.dumps(changed, separators=(",", ":")), row))
database.commit()
print(json.dumps(seen))
"""


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
            tensors += [
                gguf_files.Tensor(
                    f"{target.name}.lora_{part}", shape, 0, floats([generator.gauss(0, 0.3) for _ in range(shape[0] * shape[1])])
                )
                for part, shape in (("a", (columns, 2)), ("b", (2, rows)))
            ]
        text = lambda value: gguf_files.value(gguf_files.STRING, value)
        gguf_files.write(
            self.folder / name,
            {
                "general.architecture": text("llama"),
                "general.type": text("adapter"),
                "adapter.type": text("lora"),
                "adapter.lora.alpha": gguf_files.value(gguf_files.F32, 3.0),
            },
            tensors,
        )

    def checkpoint(self):
        """Writes a checkpoint with the model of the other tests; gives the environment in which a Python stands in for the
        converter's: it copies the folder's own model, and says how often it was called."""
        converter = self.write("python", '#!/bin/bash\necho >> calls\ncp "${@: -2:1}/model.bin" "${@: -1}"\n')
        converter.chmod(0o755)
        self.write("checkpoint/config.json", "{}")
        self.write("checkpoint/model.bin", (self.folder / "model.gguf").read_bytes())
        return {"HRE_CONVERT_PYTHON": str(converter)}

    def keeps(self, model, option, value, store, env=None):
        """Whether all answers of the store stood for those of a call with this option of KEEPS."""
        options = [] if option in ("--data", "--json") else [option, *value]
        if option == "--reference-json":
            options += ["--limit", "9"]
        return self.n == self.reused(model, *options, store=store, data=value[0] if option == "--data" else "q.jsonl", env=env)

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
                self.assertTrue(self.keeps("model.gguf", option, value, "runs.db"))

    def test_every_option_of_a_checkpoint_does_what_it_does_of_a_file(self):
        env = self.checkpoint()
        self.assertEqual(0, self.reused("checkpoint", store="runs.db", env=env))
        for option, (value, base) in MOVES.items():
            with self.subTest(option=option):
                store = f"moves{option}.db" if base else "runs.db"
                if base:
                    self.assertEqual(0, self.reused("checkpoint", *base, store=store, env=env))
                self.assertEqual(0, self.reused("checkpoint", *base, option, *value, store=store, env=env))
                if option != "--no-cache":
                    self.assertEqual(self.n, self.reused("checkpoint", *base, option, *value, store=store, env=env))
        for option, value in KEEPS.items():
            with self.subTest(option=option):
                self.assertTrue(self.keeps("checkpoint", option, value, "runs.db", env))
        self.assertEqual(1, len((self.folder / "calls").read_text().splitlines()), "one conversion serves all")

    def test_weights_are_known_by_content(self):
        self.assertEqual(0, self.reused("model.gguf", store="runs.db"))
        elsewhere = self.write("elsewhere/other.gguf", (self.folder / "model.gguf").read_bytes())
        self.assertEqual(self.n, self.reused(elsewhere, store="runs.db"))
        weights = bytearray(elsewhere.read_bytes())
        weights[-6] ^= 1  # the last weights' lowest bits
        elsewhere.write_bytes(weights)
        self.assertEqual(0, self.reused(elsewhere, store="runs.db"))

    def test_every_part_of_a_split_model_is_known_by_content(self):
        parts = split(self.folder, self.values, self.tensors, 3)
        self.assertEqual(0, self.reused(parts[0], store="runs.db"))
        self.assertEqual(self.n, self.reused(parts[0], store="runs.db"))
        for part in range(3):
            at = len(self.tensors) * (part + 1) // 3 - 1  # the part's last
            data = bytearray(self.tensors[at].data)
            data[0] ^= 1
            self.tensors[at] = dataclasses.replace(self.tensors[at], data=bytes(data))
            before = [path.read_bytes() for path in parts]
            split(self.folder, self.values, self.tensors, 3)
            self.assertEqual([part], [i for i, path in enumerate(parts) if path.read_bytes() != before[i]])
            self.assertEqual(0, self.reused(parts[0], store="runs.db"), f"part {part + 1}")

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
        number = self.need_own_engine()
        old, new = f"hre's patch {number}", f"hre's patch {number + 1}"
        self.assertIn(old, config["engine"])
        self.assertEqual([True], self.run_python(CHANGE_PATCH, "runs.db", old, new))
        done = self.run_hre("eval", "model.gguf", "--data", "q.jsonl", "--store", "runs.db", "--threads", "1", "--explain")
        said = (
            f"{self.n} questions to score: the stored answers have other settings: engine is '{config['engine']}' and was "
            f"'{config['engine'].replace(old, new)}'"
        )
        self.assertIn(said, done.stderr)
        self.assertEqual(self.n, self.reused("model.gguf", store="runs.db"))

    def test_the_instruction_set_is_in_the_key(self):
        """Of the levels that this processor has: none takes another's answers, and each takes its own."""
        self.reused("model.gguf", store="none")
        self.need_kernels(self.read_json("run.json")["config"]["kernels"])
        flags = set(re.search(r"^flags\s*:(.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)[1].split())
        levels = list(itertools.takewhile(lambda level: flags.issuperset(level.split()), LEVELS))
        if len(levels) < 2:
            self.skipTest("this processor has the baseline alone")
        seen = set()
        for cap in CAPS:
            reused = self.reused("model.gguf", store="isa.db", env={"ONEDNN_MAX_CPU_ISA": cap})
            kernels = self.read_json("run.json")["config"]["kernels"]
            self.assertEqual(self.n if kernels in seen else 0, reused, f"{cap}: {kernels}")  # a cap above the processor's level is none
            seen.add(kernels)
            self.assertEqual(self.n, self.reused("model.gguf", store="isa.db", env={"ONEDNN_MAX_CPU_ISA": cap}), cap)
        self.assertIn(len(seen), (len(levels), len(levels) + 1), levels)  # AMX needs the system's leave, too

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
        env = self.checkpoint()
        weights = bytearray((self.folder / "model.gguf").read_bytes())
        self.assertEqual(0, self.reused("checkpoint", store="runs.db", env=env))
        self.assertEqual(self.n, self.reused("checkpoint", store="runs.db", env=env))
        weights[-6] ^= 1
        self.write("checkpoint/model.bin", weights)
        self.assertEqual(0, self.reused("checkpoint", store="runs.db", env=env))

    def test_every_part_of_a_checkpoint_makes_another_conversion(self):
        env = self.checkpoint()
        expected = 0
        for name in (
            "config.json",
            "tokenizer.json",
            "tokenizer_config.json",
            "chat_template.jinja",
            "tokenizer.model",
            "merges.txt",
            "model.safetensors",
            "qwen.tiktoken",
            "spiece.vocab",
        ):
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
        env = self.checkpoint()
        for n, text in ((1, ""), (2, "# another version\n")):
            lock.write_text(lock.read_text() + text)
            self.run_hre(
                "eval",
                "checkpoint",
                "--data",
                "q.jsonl",
                "--limit",
                "1",
                "--threads",
                "1",
                "--quiet",
                program=install / "bin" / "hre",
                env=env,
            )
            self.assertEqual(n, len((self.folder / "calls").read_text().splitlines()))

    def others_do_what_the_table_says(self, model, column):
        """Each option with a model that isn't computed in process: by the column of OTHERS."""
        values = {
            **{option: value for option, (value, _) in MOVES.items()},
            **KEEPS,
            **OF_DEVICES,
            "--max-length": ["300"],
        }  # questions that are too long are never stored: none is
        self.assertEqual(set(values), set(OTHERS), "say in OTHERS what these options do")
        store = f"others{column}.db"
        self.assertEqual(0, self.reused(model, store=store))
        self.assertEqual(self.n, self.reused(model, store=store))
        for option, value in values.items():
            with self.subTest(model=model, option=option):
                if OTHERS[option][column] == "R":
                    line = self.error_of("eval", model, "--data", "q.jsonl", option, *value, "--quiet")
                    self.assertRegex(line, rf"{option}: a (baseline|server)|{option}: the values|--bos never|{option} can't be")
                elif OTHERS[option][column] == "K":
                    self.assertTrue(self.keeps(model, option, value, store))
                else:
                    self.assertEqual(0, self.reused(model, option, *value, store=store))
                    if option != "--no-cache":
                        self.assertEqual(self.n, self.reused(model, option, *value, store=store))

    def test_every_option_with_every_server(self):
        apis = ("vllm", "sglang", "llama", "tgi", "openai")
        for column, (api, *quirks) in enumerate((*([api] for api in apis), ["openai", "no_tokenizer"])):
            with StandIn(api, *quirks) as server:
                model, store = f"server:{server.url}", f"others{column}.db"
                self.others_do_what_the_table_says(model, column)
                for named in apis:  # as another kind than the probe's it is refused or scored again
                    with self.subTest(api=api, quirks=quirks, named=named):
                        done = subprocess.run(
                            [PROGRAM, "eval", f"{model},api={named}", "--data", "q.jsonl", "--store", store, "--json", "named.json"],
                            cwd=self.folder,
                            env=clean_environment(),
                            capture_output=True,
                            text=True,
                            check=False,
                        )
                        self.assertIn(done.returncode, (0,) if named == api else (0, 1, 2), done.stderr)
                        if done.returncode == 0:
                            self.assertEqual(self.n if named == api else 0, self.read_json("named.json")["times"]["questions_reused"])
            with StandIn(api, *quirks, model="another") as server:
                self.assertEqual(0, self.reused(f"server:{server.url}", store=store), "another model")

    def test_every_option_with_every_baseline(self):
        for column, model in ((6, "baseline:length"), (7, "baseline:zstd")):
            self.others_do_what_the_table_says(model, column)

    def test_a_server_that_does_not_always_repeat_itself_keeps_its_answers(self):
        """Whether two equal requests agree is chance, and no part of the key."""
        with StandIn("vllm", "unsteady") as server:
            server.unsteadiness = 0
            self.assertEqual(0, self.reused(f"server:{server.url}", store="runs.db"))
            for unsteadiness in (1e-5, 1e-3, 0):
                server.unsteadiness = unsteadiness
                self.assertEqual(self.n, self.reused(f"server:{server.url}", store="runs.db"), unsteadiness)

    def test_options_beside_a_baseline_are_the_models(self):
        self.run_hre(
            "eval", "model.gguf", "baseline:zstd", "--data", "q.jsonl", "--max-length", "60", "--long-answers", "truncate", "--threads", "1"
        )

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


if __name__ == "__main__":
    unittest.main()
