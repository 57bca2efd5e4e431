"""Values architecture by architecture, against what Transformers gave for the same random checkpoints.

tests/data/models holds the converted checkpoints and expected.json; tools/models/prove.py makes both.
"""

import json
import lzma
import re
import unittest

import gguf_files
from program import BUILD_DIR, SOURCE_DIR, ProgramTest, real_model, shared_data

DATA = SOURCE_DIR / "tests" / "data" / "models"
EXPECTED = json.loads((DATA / "expected.json").read_text(encoding="utf-8"))
TOLERANCE = 1e-3  # nats per answer, of float32 weights
# The same for products of narrow weights: of Q8_0 in integers of 16 bits, of others of 14, and in bfloat16.
INTEGER_TOLERANCE = {"bf16": 0.1, "q8_0": 0.02, "q4_0": 0.1}
BF16_TOLERANCE = 2
CHOOSES_EXPERTS = (
    "deepseek2",
    "deepseek3",
    "deepseek3-one-group",
    "gptoss",
    "granitemoe",
    "jamba",
    "mistral",
    "mixtral",
    "olmoe",
    "qwen2moe",
    "qwen3moe",
)
PRODUCT = re.compile(r"(attn_(q|k|v|qkv|output)|ffn_(up|down|gate)|^output)\.weight$")


class ModelsTest(ProgramTest):
    def unpack(self, name):
        path = self.folder / f"{name}.gguf"
        path.write_bytes(lzma.decompress((DATA / f"{name}.gguf.xz").read_bytes()))
        return path

    def evaluate(self, models, *options, data=DATA / "questions.jsonl"):
        """The runs of these models on the questions that Transformers scored."""
        done = self.run_hre(
            "eval",
            *models,
            "--data",
            data,
            "--no-cache",
            "--no-shuffle",
            "--json",
            "-",
            "--details",
            "--quiet",
            *(() if "--threads" in options else ("--threads", 1)),
            *options,
        )
        runs = json.loads(done.stdout)
        return runs if isinstance(runs, list) else [runs]

    def sums(self, run):
        return [answer["sum_log_prob"] for question in run["questions"] for answer in question["answers"]]

    def test_every_architecture_equals_transformers(self):
        names = sorted(EXPECTED)
        self.assertGreater(len(names), 30)
        paths = [self.unpack(name) for name in names]
        self.assertNotIn(
            "nobody has compared", self.run_hre("eval", *paths, "--data", DATA / "questions.jsonl", "--limit", 1, "--threads", 1).stderr
        )
        self.check_values(names, self.evaluate(paths, "--engine-kernels", "plain"))

    def test_every_architecture_by_kernels_of_our_own(self):
        names = sorted(EXPECTED)
        runs = self.evaluate([self.unpack(name) for name in names], "--threads", 2)
        for run in runs:
            self.need_kernels(run["config"]["kernels"])
        self.check_values(names, runs)

    def test_every_way_to_multiply_narrow_weights(self):
        """In float32, and as the table has it for this processor; tests/test_isa.py has the other instruction sets."""
        names = sorted(EXPECTED)
        for kind, to_narrow in (("bf16", gguf_files.as_bf16), ("q8_0", gguf_files.as_q8_0), ("q4_0", gguf_files.as_q4_0)):
            narrow, wide = [], []
            for name in names:
                values, tensors = gguf_files.read(self.unpack(name).read_bytes())
                rounded = [to_narrow(tensor) if PRODUCT.search(tensor.name) else (tensor, tensor) for tensor in tensors]
                narrow.append(self.folder / f"{name}-{kind}.gguf"), wide.append(self.folder / f"{name}-{kind}-wide.gguf")
                gguf_files.write(narrow[-1], values, [pair[0] for pair in rounded])
                gguf_files.write(wide[-1], values, [pair[1] for pair in rounded])
            expected = [self.sums(run) for run in self.evaluate(wide, "--engine-kernels", "plain")]
            for precision in ("exact", "auto"):
                for name, sums, run in zip(names, expected, self.evaluate(narrow, "--precision", precision), strict=True):
                    tolerance = TOLERANCE
                    if precision == "auto":
                        tolerance = BF16_TOLERANCE if "by bf16" in run["config"]["kernels"] else INTEGER_TOLERANCE[kind]
                        if name in CHOOSES_EXPERTS:
                            continue  # a token near a choice of experts may get others
                    with self.subTest(name=name, kind=kind, precision=precision):
                        self.assertLess(max(abs(a - b) for a, b in zip(sums, self.sums(run), strict=True)), tolerance)

    def test_a_question_gives_the_same_bits_among_others(self):
        names = sorted(EXPECTED)
        paths = [self.unpack(name) for name in names]
        together = [self.sums(run) for run in self.evaluate(paths)]
        alone = [[] for _ in names]
        for line in (DATA / "questions.jsonl").read_text(encoding="utf-8").splitlines():
            data = self.write("one.jsonl", line + "\n")
            for sums, run in zip(alone, self.evaluate(paths, data=data), strict=True):
                sums += self.sums(run)
        for name, expected, found in zip(names, alone, together, strict=True):
            with self.subTest(name=name):
                self.assertEqual(expected, found)

    def check_values(self, names, runs):
        for run, name in zip(runs, names, strict=True):
            for question, answers in zip(run["questions"], EXPECTED[name]["answers"], strict=True):
                for answer, (n_tokens, sum_log_prob) in zip(question["answers"], answers, strict=True):
                    with self.subTest(name=name, question=question["id"]):
                        self.assertEqual(n_tokens, answer["n_tokens"])
                        self.assertAlmostEqual(sum_log_prob, answer["sum_log_prob"], delta=TOLERANCE)

    def test_architectures_without_proof(self):
        values, tensors = gguf_files.read(self.unpack("llama-gqa").read_bytes())
        renamed = {key.replace("llama.", "phimoe."): value for key, value in values.items()}
        renamed["general.architecture"] = gguf_files.value(gguf_files.STRING, "phimoe")
        gguf_files.write(self.folder / "phimoe.gguf", renamed, tensors)
        self.assertIn("the architecture phimoe differ from Transformers'", self.error_of("eval", "phimoe.gguf", "--data", "sample"))
        renamed = {key.replace("llama.", "arcee."): value for key, value in values.items()}
        renamed["general.architecture"] = gguf_files.value(gguf_files.STRING, "arcee")
        gguf_files.write(self.folder / "arcee.gguf", renamed, [tensor for tensor in tensors if "ffn_gate" not in tensor.name])
        done = self.run_hre("eval", "arcee.gguf", "--data", "sample", "--limit", 1, "--threads", 1, "--long-answers", "truncate")
        self.assertIn("nobody has compared libllama's values for the architecture arcee", done.stderr)

    def test_files_that_state_no_pre_tokenizer(self):
        values, tensors = gguf_files.read(self.unpack("gptneox").read_bytes())
        stated = self.evaluate([self.unpack("gptneox")])[0]
        del values["tokenizer.ggml.pre"]
        gguf_files.write(self.folder / "old.gguf", values, tensors)
        self.assertEqual(self.sums(stated), self.sums(self.evaluate(["old.gguf"])[0]))
        values, tensors = gguf_files.read(self.unpack("qwen2").read_bytes())
        del values["tokenizer.ggml.pre"]
        gguf_files.write(self.folder / "old.gguf", values, tensors)
        self.assertIn("does not say how its vocabulary splits text", self.error_of("eval", "old.gguf", "--data", "sample"))

    def test_gelu_is_the_form_that_the_file_states(self):
        for name, own, other in (("gptneox", "gelu", "gelu_fast"), ("gpt2", "gelu_new", "gelu")):
            values, tensors = gguf_files.read(self.unpack(name).read_bytes())
            runs = {}
            for form in (None, own, other, "relu"):
                stated = dict(values)
                if form:
                    stated[f"{name}.hidden_activation"] = gguf_files.value(gguf_files.STRING, form)
                gguf_files.write(self.folder / f"{name}-{form}.gguf", stated, tensors)
                if form == "relu":
                    self.assertIn("states the activation relu", self.error_of("eval", f"{name}-relu.gguf", "--data", "sample"))
                else:
                    for kernels in ("plain", "auto"):
                        runs[form, kernels] = self.evaluate([f"{name}-{form}.gguf"], "--engine-kernels", kernels)[0]
            for kernels in ("plain", "auto"):
                with self.subTest(name=name, kernels=kernels):
                    self.assertEqual(self.sums(runs[None, kernels]), self.sums(runs[own, kernels]))
                    moved = max(abs(a - b) for a, b in zip(self.sums(runs[own, kernels]), self.sums(runs[other, kernels]), strict=True))
                    self.assertGreater(moved, 1e-4)
                    exact = runs[own if own == "gelu" else other, kernels]["config"]
                    self.assertEqual("exact", exact["gelu"])
            by_engine, by_hre = self.sums(runs[other, "plain"]), self.sums(runs[other, "auto"])
            self.assertLess(max(abs(a - b) for a, b in zip(by_engine, by_hre, strict=True)), 1e-4)
            noted = [
                self.run_hre("eval", f"{name}-{form}.gguf", "--data", DATA / "questions.jsonl", "--threads", 1).stderr
                for form in (None, own)
            ]
            self.assertIn("does not state which GELU it was trained with", noted[0])
            self.assertNotIn("GELU", noted[1])

    def test_learned_positions_end(self):
        path = self.unpack("gpt2")
        message = self.error_of("eval", path, "--data", "sample", "--max-length", 2000)
        self.assertRegex(
            message, "--max-length: 2000 tokens are more than the 320 positions that .*gpt2.gguf has learned; give at most 320"
        )
        self.run_hre("eval", path, "--data", DATA / "questions.jsonl", "--max-length", 320, "--threads", 1)

    def test_paths_that_the_system_refuses(self):
        for name in ("m" * 300, "/proc/self/mem/x", "m" * 100000):
            with self.subTest(name=name[:20]):
                self.assertRegex(self.error_of("eval", name, "--data", "sample"), "no such file|cannot be read")
                self.assertRegex(self.error_of("model", "show", name), "no such file|cannot be read")

    def test_shared_copied_and_plain_passes_agree(self):
        for name in ("llama-gqa", "gemma2", "mamba", "mamba2", "jamba", "falcon-h1", "lfm2", "t5", "phi-longrope"):
            with self.subTest(name=name):
                path = self.unpack(name)
                self.run_hre("eval", path, "--data", DATA / "questions.jsonl", "--threads", 1, "--json", "run.json", "--details", "--quiet")
                done = self.run_hre("verify", "run.json", "--threads", 1, "--tolerance", 1e-4, "--quiet")
                self.assertIn(
                    "of 9 answers to 3 questions, scored again one pass per answer, with float32 products", " ".join(done.stdout.split())
                )

    def test_verify_multiplies_narrow_weights_as_they_are(self):
        for name in ("llama-gqa", "gptneox", "mixtral"):
            for kind, to_narrow in (("bf16", gguf_files.as_bf16), ("q8_0", gguf_files.as_q8_0), ("q4_0", gguf_files.as_q4_0)):
                with self.subTest(name=name, kind=kind):
                    values, tensors = gguf_files.read(self.unpack(name).read_bytes())
                    rounded = [
                        to_narrow(tensor) if PRODUCT.search(tensor.name) or "_exps" in tensor.name else (tensor, tensor)
                        for tensor in tensors
                    ]
                    gguf_files.write(self.folder / "narrow.gguf", values, [pair[0] for pair in rounded])
                    gguf_files.write(self.folder / "wide.gguf", values, [pair[1] for pair in rounded])
                    wide = self.sums(self.evaluate(["wide.gguf"], "--engine-kernels", "plain")[0])
                    self.run_hre(
                        "eval",
                        "narrow.gguf",
                        "--data",
                        DATA / "questions.jsonl",
                        "--no-shuffle",
                        "--threads",
                        1,
                        "--json",
                        "run.json",
                        "--details",
                        "--quiet",
                    )
                    # Most bytes of these small files are float32's, so the tolerance is theirs.
                    self.run_hre("verify", "run.json", "--threads", 1, "--quiet", "--tolerance", 0.2)
                    run = self.read_json("run.json")
                    answers = [answer for question in run["questions"] for answer in question["answers"]]
                    for answer, expected in zip(answers, wide, strict=True):
                        answer["sum_log_prob"] = expected
                    self.write_changed(run)
                    self.run_hre("verify", "run.json", "--threads", 1, "--quiet", "--tolerance", 3e-4)
                    answers[4]["sum_log_prob"] += 2e-3
                    self.write_changed(run)
                    self.run_hre("verify", "run.json", "--threads", 1, "--quiet", "--tolerance", 3e-4, status=3)

    def write_changed(self, run):
        """Writes run.json without the numbers that follow from its answers: those that were there contradict changed ones."""
        for question in run["questions"]:
            for name in ("pearson", "spearman", "kendall", "pairwise_accuracy"):
                question.pop(name, None)
            for answer in question["answers"]:
                answer.pop("score", None)
        self.write("run.json", json.dumps(run))

    def test_verify_finds_a_changed_value(self):
        path = self.unpack("llama-gqa")
        self.run_hre("eval", path, "--data", DATA / "questions.jsonl", "--threads", 1, "--json", "run.json", "--details", "--quiet")
        run = json.loads((self.folder / "run.json").read_text())
        run["questions"][1]["answers"][0]["sum_log_prob"] += 0.01
        (self.folder / "run.json").write_text(json.dumps(run))
        self.assertIn("score: is", self.error_of("verify", "run.json", "--quiet"))
        self.write_changed(run)
        done = self.run_hre("verify", "run.json", "--threads", 1, "--quiet", status=3)
        self.assertIn("largest difference: 1.00e-02 nats", done.stdout)
        run["model"]["fingerprint"] = "0" * 32
        (self.folder / "run.json").write_text(json.dumps(run))
        self.assertIn("its weights differ", self.error_of("verify", "run.json", "--quiet"))

    def test_verify_of_a_quantised_model_by_its_name(self):
        """A run that is kept under a name: verify finds its model and data, and all its values right."""
        self.run_hre(
            "eval",
            shared_data("models/stories260K-Q8_0.gguf"),
            "--data",
            shared_data("questions/plain/beer.jsonl"),
            "--limit",
            4,
            "--long-answers",
            "skip",
            "--name",
            "v",
            "--threads",
            1,
            "--quiet",
        )
        done = self.run_hre("verify", "v", "--threads", 1)
        self.assertIn("of 16 answers to 4 questions, scored again\n", done.stdout)

    def test_verify_tolerates_what_the_type_costs(self):
        """By default: a thousandth of a nat of float32, and more by what the run says that it multiplied in."""
        values, tensors = gguf_files.read(self.unpack("llama-gqa").read_bytes())
        narrow = [
            gguf_files.as_q8_0(tensor)[0] if tensor.name.endswith("weight") and len(tensor.shape) == 2 else tensor for tensor in tensors
        ]
        stated = lambda number: {**values, "general.file_type": gguf_files.value(gguf_files.U32, number)}
        for own, of_weights, options in (
            (stated(0), tensors, ()),
            (stated(7), narrow, ()),
            (stated(15), narrow, ()),
            (stated(0), narrow, ()),
            (stated(7), narrow, ("--precision", "exact")),
            (stated(7), narrow, ("--engine-kernels", "plain")),
        ):
            gguf_files.write(self.folder / "m.gguf", own, of_weights)
            self.run_hre(
                "eval", "m.gguf", "--data", DATA / "questions.jsonl", "--threads", 1, "--json", "run.json", "--details", "--quiet", *options
            )
            run = self.read_json("run.json")
            kernels, tolerance = run["config"]["kernels"], 1e-3
            if of_weights is narrow:
                ways = {"Q8_0 by int16": 0.05, "Q8_0 by int14": 0.2, "Q8_0 by bf16": 10}
                tolerance = 10 if kernels == "the engine's" else max([way for name, way in ways.items() if name in kernels], default=1e-3)
            with self.subTest(file_type=run["model"]["file_type"], options=options, kernels=kernels, tolerance=tolerance):
                self.run_hre("verify", "run.json", "--threads", 1, "--quiet")
                for moved, status in ((0.3, 0), (3, 3)):
                    run["questions"][1]["answers"][0]["sum_log_prob"] -= moved * tolerance
                    self.write_changed(run)
                    self.run_hre("verify", "run.json", "--threads", 1, "--quiet", status=status)
                    run["questions"][1]["answers"][0]["sum_log_prob"] += moved * tolerance

    def test_show(self):
        path = self.unpack("llama-gqa")
        shown = json.loads(self.run_hre("model", "show", path, "--json").stdout)
        self.assertEqual(("hre-model/1", "llama", 1), (shown["format"], shown["architecture"], shown["files"]))
        self.assertEqual(EXPECTED["llama-gqa"]["parameters"], shown["parameters"])
        self.assertEqual("SentencePiece BPE", shown["vocabulary"]["kind"])
        self.assertEqual("<s>", shown["bos"])
        self.assertGreater(shown["memory"]["weights"], 4 * shown["parameters"] - 1)
        run = self.evaluate([path])[0]
        self.assertEqual(run["model"]["fingerprint"], shown["fingerprint"])
        self.assertIn("memory to score", self.run_hre("model", "show", path).stdout)

    def file_type(self, path):
        return json.loads(self.run_hre("model", "show", path, "--json").stdout)["file_type"]

    def test_file_types_are_what_the_file_states(self):
        """And what most weights are, where that is another."""
        values, tensors = gguf_files.read(self.unpack("llama-gqa").read_bytes())
        narrow = [
            gguf_files.as_q8_0(tensor)[0] if tensor.name.endswith("weight") and len(tensor.shape) == 2 else tensor for tensor in tensors
        ]
        unknown = 999
        for of_weights, stated, expected in (
            (tensors, None, "F32"),
            (tensors, 0, "F32"),
            (tensors, unknown, "F32"),
            (narrow, 7, "Q8_0"),
            (narrow, None, "Q8_0"),
            (narrow, unknown, "Q8_0"),
            (narrow, 15, "Q4_K - Medium, most weights Q8_0"),
            (narrow, 0, "F32, most weights Q8_0"),
        ):
            with self.subTest(stated=stated, expected=expected):
                own = {key: value for key, value in values.items() if key != "general.file_type"}
                if stated is not None:
                    own["general.file_type"] = gguf_files.value(gguf_files.U32, stated)
                path = self.folder / "stated.gguf"
                gguf_files.write(path, own, of_weights)
                self.assertEqual(expected, self.file_type(path))
                run = self.evaluate([path])[0]
                self.assertEqual(expected, run["model"]["file_type"])

    def test_file_type_of_a_real_model(self):
        self.assertEqual("Q4_K - Medium, most weights Q8_0", self.file_type(real_model("gemma-3-270m-q4_k_m.gguf")))

    def test_not_a_number(self):
        path = self.unpack("llama-gqa")
        data = bytearray(path.read_bytes())
        data[-64:] = b"\x00\x00\xc0\x7f" * 16
        path.write_bytes(data)
        done = self.run_hre("eval", path, "--data", DATA / "questions.jsonl", "--threads", 1, "--json", "run.json", "--details")
        run = json.loads((self.folder / "run.json").read_text())
        self.assertEqual(3, run["results"]["micro"]["undefined"])
        self.assertIsNone(run["results"]["micro"]["pearson"]["mean"])
        self.assertRegex(done.stderr, "llama-gqa: 3 questions could not be scored .* models/00000.: .*answer . is not finite")

    def test_chat_template(self):
        path = self.unpack("llama-gqa")
        template = SOURCE_DIR / "tests" / "data" / "chat" / "llama2.jinja"
        plain, chat, system = (
            self.evaluate([path], *options)[0]
            for options in ((), ("--chat-template", template), ("--chat-template", template, "--system", "Be brief."))
        )
        self.assertEqual(
            [a["n_chars"] for q in plain["questions"] for a in q["answers"]],
            [a["n_chars"] for q in chat["questions"] for a in q["answers"]],
        )
        self.assertEqual("{question}{answer}", chat["config"]["prompt"])
        self.assertTrue(chat["config"]["chat_template"].startswith("a file's "))
        self.assertEqual("Be brief.", system["config"]["system"])
        self.assertEqual(3, len({sum(self.sums(run)) for run in (plain, chat, system)}))
        self.assertNotIn("chat_template", plain["config"])
        # The template writes <s> itself, so asking for BOS changes nothing.
        self.assertEqual(self.sums(chat), self.sums(self.evaluate([path], "--chat-template", template, "--bos", "always")[0]))
        self.assertIn("no chat template", self.error_of("eval", path, "--data", "sample", "--chat-template", "auto"))
        self.assertIn("--chat-template", self.error_of("eval", path, "--data", "sample", "--system", "x"))

    def test_options_of_computing(self):
        path = self.unpack("llama-gqa")
        exact = self.sums(self.evaluate([path])[0])
        for options, most in ((("--kv-type", "f16"), 0.03), (("--flash-attention", "on"), 0.15)):  # 0.0075 and 0.037 nats as measured
            with self.subTest(options=options):
                difference = max(abs(a - b) for a, b in zip(exact, self.sums(self.evaluate([path], *options)[0]), strict=True))
                self.assertLess(difference, most)
                self.assertGreater(difference, 0, "the option does something")
        cache = BUILD_DIR / "CMakeCache.txt"
        if cache.exists() and "HRE_CUDA:BOOL=ON" in cache.read_text(encoding="utf-8"):
            most = 1.0  # of a GPU against a CPU
        else:
            most = 0  # where there is no GPU, these say what is so anyway
        for options in (("--numa",), ("--gpu-layers", "0"), ("--device", "CPU"), ("--tensor-split", "1,1")):
            with self.subTest(options=options):
                self.assertLessEqual(
                    max(abs(a - b) for a, b in zip(exact, self.sums(self.evaluate([path], *options)[0]), strict=True)), most
                )
        self.assertIn("there is no device CUDA9", self.error_of("eval", path, "--data", "sample", "--device", "CUDA9"))


if __name__ == "__main__":
    unittest.main()
