"""Bits, neighbours and values at every instruction set that this machine can run, each by a cap in the environment.

The unit tests of kernels are run once for each set, and so is the program: on the architectures' checkpoints, on a shipped
model, on multiple choice. The first test says which sets those were.
"""

import json
import lzma
import os
import platform
import random
import re
import shutil
import subprocess
import unittest

import gguf_files
from program import BUILD_DIR, PROGRAM, SLOWER, SOURCE_DIR, ProgramTest, clean_environment

CAPS = ("SSE41", "AVX2", "AVX512_CORE", "AVX512_CORE_VNNI", "AVX512_CORE_BF16", "AVX512_CORE_AMX")
MODEL_TEST = BUILD_DIR / "src" / "model_test"
KERNEL_TESTS = "Isa.*:Kernels.*:Gates.*:Attention.*:Products.*:*IntegerProducts.*"
DATA = SOURCE_DIR / "tests" / "data" / "models"
SHIPPED = SOURCE_DIR / "models" / "hre-base-q8_0.gguf"
NARROW = {"bf16": gguf_files.as_bf16, "q8_0": gguf_files.as_q8_0, "q4_0": gguf_files.as_q4_0}
PRODUCT = re.compile(r"(attn_(q|k|v|qkv|output)|ffn_(up|down|gate)|^output)\.weight$")


def run_model_test(cap, *arguments):
    return subprocess.run(
        [MODEL_TEST, *arguments],
        env=clean_environment(ONEDNN_MAX_CPU_ISA=cap),
        capture_output=True,
        text=True,
        check=False,
        timeout=600 * SLOWER,
    )


def level_of(cap):
    """The instruction set that hre uses under this cap, in its own words."""
    return re.search(r"instruction set: (.*)", run_model_test(cap, "--gtest_filter=Isa.IsAtMostTheCap").stdout).group(1)


def caps_of_this_machine():
    """A cap for each instruction set that the machine has."""
    found = {}
    for cap in CAPS:
        found.setdefault(level_of(cap), cap)
    return found


class IsaTest(ProgramTest):
    @classmethod
    def setUpClass(cls):
        cls.caps = caps_of_this_machine()
        names = {
            "SSE41": "baseline",
            "AVX2": "AVX2",
            "AVX512_CORE": "AVX-512",
            "AVX512_CORE_VNNI": "AVX-512 VNNI",
            "AVX512_CORE_BF16": "AVX-512 BF16",
            "AVX512_CORE_AMX": "AMX",
        }
        missing = [name for name in names.values() if name not in cls.caps]
        print(f"instruction sets tested: {', '.join(cls.caps)}; not on this machine: {', '.join(missing) or 'none'}")

    def evaluate(self, model, data, cap, *options):
        done = self.run_hre(
            "eval",
            model,
            "--data",
            data,
            "--store",
            "none",
            "--no-shuffle",
            "--json",
            "-",
            "--details",
            "--quiet",
            "--long-answers",
            "truncate",
            *options,
            env={"ONEDNN_MAX_CPU_ISA": cap},
        )
        return json.loads(done.stdout)

    def sums(self, run):
        return {question["id"]: [answer["sum_log_prob"] for answer in question["answers"]] for question in run["questions"]}

    def unpack(self, name):
        """An architecture's random checkpoint, in float32."""
        path = self.folder / f"{name}.gguf"
        path.write_bytes(lzma.decompress((DATA / f"{name}.gguf.xz").read_bytes()))
        return path

    def narrow(self, name, kind):
        """An architecture's random checkpoint with weights of this type."""
        values, tensors = gguf_files.read(lzma.decompress((DATA / f"{name}.gguf.xz").read_bytes()))
        rounded = [NARROW[kind](tensor)[0] if PRODUCT.search(tensor.name) else tensor for tensor in tensors]
        path = self.folder / f"{name}-{kind}.gguf"
        gguf_files.write(path, values, rounded)
        return path

    def test_kernels(self):
        for level, cap in self.caps.items():
            with self.subTest(level=level):
                done = run_model_test(cap, f"--gtest_filter={KERNEL_TESTS}", "--gtest_brief=1")
                self.assertEqual(0, done.returncode, done.stdout + done.stderr)
                self.assertIn(f"instruction set: {level}", done.stdout)

    def test_the_run_says_which(self):
        for level, cap in self.caps.items():
            run = self.evaluate(SHIPPED, "sample", cap, "--limit", 1)
            self.assertIn(f", {level}, ", run["config"]["kernels"])
        error = self.error_of("eval", SHIPPED, "--data", "sample", env={"ONEDNN_MAX_CPU_ISA": "AVX3"})
        self.assertIn("ONEDNN_MAX_CPU_ISA=AVX3 names no instruction set", error)

    def test_questions_in_any_company(self):
        """Random subsets, orders, threads and workers give every question the bits that it has among all."""
        seed = random.randrange(1 << 32)
        chance = random.Random(seed)
        lines = (DATA / "questions.jsonl").read_text(encoding="utf-8").splitlines()
        models = [
            SHIPPED,
            *(self.narrow(name, kind) for name in ("llama-gqa", "gemma2") for kind in NARROW),
            *map(self.unpack, ("bloom", "mamba", "olmoe", "t5")),
        ]  # ALiBi, a state, experts, an encoder
        data = self.write("all.jsonl", "".join(line + "\n" for line in lines))
        for level, cap in self.caps.items():
            for model in models:
                whole = list(self.sums(self.evaluate(model, data, cap)).values())
                for options in (("--threads", 1), ("--threads", 2), ("--workers", 2)):
                    chosen = chance.sample(range(len(lines)), chance.randint(1, len(lines)))
                    part = self.write("part.jsonl", "".join(lines[i] + "\n" for i in chosen))
                    with self.subTest(level=level, model=model.name, chosen=chosen, options=options, seed=seed):
                        found = list(self.sums(self.evaluate(model, part, cap, *options)).values())
                        self.assertEqual([whole[i] for i in chosen], found)

    def test_multiple_choice(self):
        """Answers of one token have few output rows: fewer alone than among others."""
        questions = [
            {
                "question": f"Is {n} a prime number?",
                "answers": [{"text": text, "votes": str(votes)} for votes, text in enumerate(("Yes", "No", "It", "You")[: 2 + n % 3])],
            }
            for n in range(12)
        ]
        data = self.write("choice.jsonl", "".join(json.dumps(question) + "\n" for question in questions))
        models = [SHIPPED, *(self.narrow("llama-gqa", kind) for kind in NARROW)]
        for level, cap in self.caps.items():
            for model in models:
                whole = list(self.sums(self.evaluate(model, data, cap)).values())
                for i in (0, 1, 7):
                    one = self.write("one.jsonl", json.dumps(questions[i]) + "\n")
                    with self.subTest(level=level, model=model.name, question=i):
                        self.assertEqual([whole[i]], list(self.sums(self.evaluate(model, one, cap)).values()))

    def test_the_engines_flash_attention(self):
        """It computes each row by itself, whatever the threads: a cache of 512 and more, and rows that come alone."""
        questions = [{"question": "Why? " * n, "answers": [{"text": "So " * k, "votes": k} for k in (1, 9, 40)]} for n in (140, 101, 6)]
        data = self.write("long.jsonl", "".join(json.dumps(question) + "\n" for question in questions))
        cap = list(self.caps.values())[-1]
        for kind in ("f32", "f16", "q8_0"):
            options = ("--flash-attention", "on", "--kv-type", kind)
            whole = list(self.sums(self.evaluate(SHIPPED, data, cap, *options, "--threads", 1)).values())
            for i, threads in ((0, 3), (1, 2), (0, 1), (2, 3)):
                one = self.write("one.jsonl", json.dumps(questions[i]) + "\n")
                with self.subTest(kind=kind, question=i, threads=threads):
                    found = self.sums(self.evaluate(SHIPPED, one, cap, *options, "--threads", threads))
                    self.assertEqual([whole[i]], list(found.values()))

    def test_stored_answers_are_found_right(self):
        for level, cap in self.caps.items():
            with self.subTest(level=level):
                store = self.folder / f"{cap}.db"
                arguments = ("eval", SHIPPED, "--data", "sample", "--limit", 2, "--store", store, "--quiet")
                self.run_hre(*arguments, env={"ONEDNN_MAX_CPU_ISA": cap})
                self.run_hre(*arguments, "--recheck", "100%", "--threads", 1, env={"ONEDNN_MAX_CPU_ISA": cap})

    def test_processes_that_start_at_once_agree(self):
        """Nothing is measured or kept that one process could find otherwise than another."""
        arguments = [
            "eval",
            SHIPPED,
            "--data",
            "sample",
            "--limit",
            1,
            "--topic",
            "python",
            "--store",
            "none",
            "--threads",
            1,
            "--json",
            "-",
            "--details",
            "--quiet",
            "--long-answers",
            "truncate",
        ]
        environment = clean_environment(XDG_CACHE_HOME=str(self.folder / "empty"), XDG_STATE_HOME=str(self.folder / "state"))
        processes = [
            subprocess.Popen([PROGRAM, *map(str, arguments)], env=environment, stdout=subprocess.PIPE, text=True, cwd=self.folder)
            for _ in range(16)
        ]
        runs = [json.loads(process.communicate(timeout=300 * SLOWER)[0]) for process in processes]
        self.assertEqual(1, len({json.dumps(run["config"]) for run in runs}))
        self.assertEqual(1, len({json.dumps(self.sums(run)) for run in runs}))

    def test_exact_is_near_every_row_of_the_table(self):
        """In nats per answer; the integers of the table are within thousandths on real models, random weights are worse."""
        for kind, tolerance in (("bf16", 0.1), ("q8_0", 0.02), ("q4_0", 0.1)):
            model = self.narrow("llama-gqa", kind)
            for level, cap in self.caps.items():
                exact = self.sums(self.evaluate(model, DATA / "questions.jsonl", cap, "--precision", "exact"))
                auto = self.sums(self.evaluate(model, DATA / "questions.jsonl", cap))
                for question, answers in exact.items():
                    for a, b in zip(answers, auto[question], strict=True):
                        with self.subTest(level=level, kind=kind, question=question):
                            self.assertAlmostEqual(a, b, delta=2 if level == "AMX" else tolerance)


class OtherProcessorTest(ProgramTest):
    def test_a_processor_that_lacks_what_the_engine_was_built_for(self):
        """Its instructions would end the process; what needs no engine works."""
        emulator = shutil.which("qemu-x86_64")
        if emulator is None or platform.machine() != "x86_64" or os.environ.get("HRE_SANITIZE"):
            self.skipTest("needs an x86-64, Debian's qemu-user, and a build without sanitizers")
        self.need_own_engine()
        run = lambda *arguments: subprocess.run(
            [emulator, "-cpu", "Nehalem", PROGRAM, *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            env=clean_environment(),
            timeout=300,
        )
        for command in (("eval", SHIPPED, "--data", "sample"), ("model", "show", SHIPPED)):
            done = run(*command)
            self.assertEqual(1, done.returncode, done.stderr)
            self.assertRegex(
                done.stderr,
                r"\Ahre: the engine was built for a processor with AVX, AVX2, [^;]*, which this one lacks; build hre on this machine\n\Z",
            )
        self.assertIn("which this one lacks", run("--version").stdout)
        self.assertEqual(0, run("eval", "baseline:length", "--data", "sample", "--limit", 1).returncode)


if __name__ == "__main__":
    unittest.main()
