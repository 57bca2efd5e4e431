"""Models of PyTorch and Transformers in memory, in training loops and in several processes.

They need the Python of tools/setup.sh torch, or one that HRE_TORCH_PYTHON names, with the packages of third_party/pypi-torch.txt;
without one they are skipped, visibly.
"""

import json
import os
import pathlib
import socket
import subprocess
import unittest

from program import SLOWER, SOURCE_DIR, clean_environment, shared_data, torch_python
from test_python import PACKAGE, PackageTest, documented_blocks

#: What tests of models in memory have in common: in_memory.py beside them.
IN_MEMORY = """
import hre

class Bytes:
    bos_token_id, eos_token_id = 1, 2
    def __call__(self, texts, add_special_tokens, verbose):
        return {"input_ids": [tokens_of(text) for text in texts]}

def tokens_of(text):
    return [byte + 3 for byte in text.encode()]

data = hre.load_dataset("sample")
texts = {data.question(i)["id"]: data.question(i) for i in range(len(data))}

def plain(model, whole, n):
    # The log-likelihood of a text's last n tokens, from a pass of its own.
    import torch

    with torch.no_grad():
        values = torch.log_softmax(model(torch.tensor([whole[:-1]])).logits[0].float(), -1)
    return sum(values[i - 1, whole[i]].item() for i in range(len(whole) - n, len(whole)))

def small(kind="Llama", **values):
    # A random model in training mode.
    import torch, transformers

    torch.manual_seed(7)
    common = dict(vocab_size=300, hidden_size=64, intermediate_size=96, num_hidden_layers=3, num_attention_heads=4, max_position_embeddings=4096)
    model = transformers.AutoModelForCausalLM.from_config(getattr(transformers, kind + "Config")(**{**common, **values}))
    for parameter in model.parameters():
        parameter.data.mul_(3)
    return model.train()

def largest_difference(run, model):
    # Between a run's answers and plain passes of the model, in nats.
    training, differences = model.training, []
    model.eval()
    for context, continuation, given in answers_of(run):
        differences.append(abs(plain(model, tokens_of(context + continuation), len(tokens_of(continuation))) - given["sum_log_prob"]))
    model.train(training)
    assert differences
    return max(differences)

def answers_of(run):
    for question in run.questions:
        full = texts[question["id"]]
        for answer, given in zip(full["answers"], question["answers"], strict=True):
            yield f"Question: {full['question']}\\nAnswer:", " " + answer["text"], given
"""


class TorchTest(PackageTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if cls.sanitizers:
            raise unittest.SkipTest("PyTorch is not run under sanitizers: test_python.py runs the package there")
        cls.torch_python = torch_python()

    def need(self, *packages):
        """Skips the test where that Python lacks one of these."""
        for package in packages:
            if (
                subprocess.run(
                    [self.torch_python, "-c", f"import importlib.util, sys; sys.exit(importlib.util.find_spec('{package}') is None)"],
                    check=False,
                ).returncode
                != 0
            ):
                self.skipTest(f"{self.torch_python} has no {package}")


class TransformersTest(TorchTest):
    def test_every_example_runs(self):
        self.run_python(
            """
            import doctest, hre._processes, hre.transformers
            for thing in (hre.transformers.Model, hre.transformers.Callback, hre.transformers.Processes):
                assert ">>>" in thing.__doc__, thing
            for module in (hre.transformers, hre._processes):
                result = doctest.testmod(module)
                assert result.attempted and not result.failed, result""",
            python=self.torch_python,
            quiet=True,
        )

    def prove_in_memory(self, *options, path=""):
        done = subprocess.run(
            [self.torch_python, SOURCE_DIR / "tools" / "models" / "prove_in_memory.py", *options, "--json", self.folder / "found.json"],
            capture_output=True,
            text=True,
            cwd=self.folder,
            timeout=1200 * SLOWER,
            check=False,
            env=clean_environment(PYTHONPATH=f"{PACKAGE}:{path}".rstrip(":"), HF_HUB_OFFLINE="1", **self.sanitizers),
        )
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        with open(SOURCE_DIR / "tests" / "data" / "models" / "expected.json", encoding="utf-8") as file:
            expected = set(json.load(file))
        found = self.read_json("found.json")
        self.assertEqual(set(), expected - set(found), done.stdout)
        return expected, found

    def test_every_architecture(self):
        """Of docs/models.md: shared prompts, padding and blocks of logits against one plain pass for each answer."""
        _, found = self.prove_in_memory()
        self.assertGreater(len(found), 60)
        for name, result in found.items():
            with self.subTest(name=name):
                self.assertLess(result["plain"], 1e-3)
        self.assertEqual([True, True, False, False], [found[name]["shares"] for name in ("llama", "gemma3", "mamba", "phi-longrope")])

    def test_every_architecture_equals_its_file(self):
        """The same weights by hre eval. The converter needs a Transformers of its own."""
        sources, converter = (
            os.environ.get("HRE_ENGINE_SOURCES", ""),
            os.environ.get("HRE_CONVERTER_PACKAGES", str(pathlib.Path(self.torch_python).parents[1] / "converter")),
        )
        for folder in (sources, converter):
            if not os.path.isdir(folder):
                self.skipTest(f"'{folder}' is not there: tools/setup.sh torch makes it")
        expected, found = self.prove_in_memory("--engine", sources, path=converter)
        for name in expected:
            with self.subTest(name=name):
                self.assertIsInstance(found[name]["file"], float, found[name]["file"])
                self.assertLess(max(found[name]["plain"], found[name]["file"]), 1e-3)

    def test_modes_of_modules_come_back(self):
        """Each module's own, such as a part that the training keeps frozen; and what was evaluated can be trained."""
        self.write("in_memory.py", IN_MEMORY)
        self.run_python(
            """
            import torch, transformers, hre, hre.transformers
            from in_memory import *
            longrope = dict(rope_scaling={"rope_type": "longrope", "short_factor": [1.0] * 8, "long_factor": [2.0] * 8, "factor": 4.0},
                            original_max_position_embeddings=256, pad_token_id=0)
            for model in (small(attention_dropout=0.1), small("Phi3", **longrope)):
                model.model.layers[1].eval()
                modes = {name: module.training for name, module in model.named_modules()}
                assert len(set(modes.values())) == 2
                scorer = hre.transformers.Model(model, Bytes(), max_length=4000)
                hre.evaluate(scorer, data, limit=1, topics=["python", "unix"], progress=False)
                assert {name: module.training for name, module in model.named_modules()} == modes
                try:
                    hre.evaluate(hre.transformers.Model(model, lambda *_, **__: {"input_ids": [[999]] * 99}), data, limit=1, progress=False)
                except Exception:
                    pass
                assert {name: module.training for name, module in model.named_modules()} == modes
                tokens = torch.tensor([[5] * 300])  # beyond the rope's original length
                model(input_ids=tokens, labels=tokens).loss.backward()
            """,
            python=self.torch_python,
        )

    def test_out_of_memory(self):
        """The budget is halved until a pass fits; every answer has its value; and a pass that can't be smaller ends it."""
        self.write("in_memory.py", IN_MEMORY)
        self.run_python(
            """
            import torch, transformers, hre, hre.transformers
            from in_memory import *
            model, failures = small(), []
            def limited(most, error):
                def check(_module, arguments, options):
                    if options["input_ids"].numel() > most:
                        failures.append(options["input_ids"].numel())
                        raise error
                return model.register_forward_pre_hook(check, with_kwargs=True)
            options = dict(limit=2, topics=["python", "unix"], progress=False)
            for error in (torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")):
                failures.clear()
                hook = limited(2000, error)
                scorer = hre.transformers.Model(model, Bytes(), batch_tokens=16384)
                scorer._pass_cost = 1 << 20  # more together than a CPU takes
                run = hre.evaluate(scorer, data, **options)
                hook.remove()
                assert failures and scorer.batch_tokens < 16384 and scorer.logit_bytes < 1 << 26, (failures, scorer.batch_tokens)
                assert largest_difference(run, model) < 1e-3
            for most, error in ((5, torch.OutOfMemoryError("no memory")), (5, RuntimeError("shape mismatch"))):
                hook = limited(most, error)
                try:
                    hre.evaluate(hre.transformers.Model(model, Bytes()), data, **options)
                    raise AssertionError
                except RuntimeError as problem:
                    assert problem is error, problem
                hook.remove()
            """,
            python=self.torch_python,
        )

    def test_answers_after_prompts_of_several_passes(self):
        """Prompts of unlike lengths are computed apart, and their answers, of like length, together."""
        self.write("in_memory.py", IN_MEMORY)
        self.run_python(
            """
            import torch, hre.transformers
            from in_memory import *
            def tokens(n):
                return torch.randint(3, 300, (n,)).tolist()
            for model in (small(), small("Gemma2", head_dim=16, sliding_window=64), small("Bloom", hidden_size=64)):
                plans = []
                for prompt, answers in ((200, (33, 31)), (20, (32, 30)), (0, (29,))):
                    answers = [tokens(n) for n in answers]
                    plans.append((tokens(prompt), [(answer[:-1], answer[0 if prompt else 1:]) for answer in answers]))
                shapes = []
                model.get_input_embeddings().register_forward_hook(lambda _module, _arguments, output: shapes.append(tuple(output.shape[:2])))
                results = hre.transformers.Model(model, Bytes()).score_plans(plans)
                assert shapes == [(1, 200), (1, 20), (5, 32)], shapes
                model.eval()
                for (prompt, answers), values in zip(plans, results, strict=True):
                    for (tail, targets), given in zip(answers, values, strict=True):
                        assert abs(sum(given) - plain(model, prompt + tail + targets[-1:], len(targets))) < 1e-3
            """,
            python=self.torch_python,
        )

    def test_logits_in_blocks(self):
        """No more logits at once than logit_bytes, even for a single answer; what lies below is computed once."""
        self.write("in_memory.py", IN_MEMORY)
        self.run_python(
            """
            import torch, transformers, hre, hre.transformers
            from in_memory import *
            for model in (small(), small("Gemma2", head_dim=16, final_logit_softcapping=5.0, sliding_window=64), small("GPTNeoX")):
                rows, passes = [], []
                model.get_output_embeddings().register_forward_hook(lambda _module, _arguments, output: rows.append(output.shape[1]))
                model.get_input_embeddings().register_forward_hook(lambda *_: passes.append(1))
                unbounded = hre.evaluate(hre.transformers.Model(model, Bytes(), logit_bytes=1 << 30), data, limit=1, topics=["python", "unix"], progress=False)
                wide, together = max(rows), len(passes)
                rows.clear(), passes.clear()
                run = hre.evaluate(hre.transformers.Model(model, Bytes(), logit_bytes=4 * 300 * 40), data, limit=1, topics=["python", "unix"], progress=False)
                assert wide > 400 and max(rows) == 40, (wide, max(rows))
                assert len(passes) == together < len(rows), (len(passes), together, len(rows))
                assert largest_difference(run, model) < 1e-3 and largest_difference(unbounded, model) < 1e-3
                assert "forward" not in model.base_model.__dict__
            """,
            python=self.torch_python,
        )

    def test_adapters_and_types(self):
        """PEFT's adapters are on, and a model in bfloat16 has the values of its own plain passes within that type's rounding."""
        self.need("peft")
        self.write("in_memory.py", IN_MEMORY)
        self.run_python(
            """
            import torch, transformers, peft, hre, hre.transformers
            from in_memory import *
            options = dict(limit=1, topics=["python", "unix"], progress=False)
            bare = hre.evaluate(hre.transformers.Model(small(), Bytes()), data, **options)
            for more in ({}, {"modules_to_save": ["lm_head"]}, {"target_modules": ["q_proj", "lm_head"]}):
                adapted = peft.get_peft_model(small(), peft.LoraConfig(**{"r": 4, "target_modules": ["q_proj", "v_proj", "down_proj"], **more}))
                for name, parameter in adapted.named_parameters():
                    if "lora_B" in name:
                        parameter.data.normal_(std=0.3)
                run = hre.evaluate(hre.transformers.Model(adapted, Bytes(), logit_bytes=4 * 300 * 64), data, **options)
                assert largest_difference(run, adapted) < 1e-3, more
                assert abs(run.questions[0]["answers"][0]["sum_log_prob"] - bare.questions[0]["answers"][0]["sum_log_prob"]) > 1
                with adapted.disable_adapter():
                    off = hre.evaluate(hre.transformers.Model(adapted, Bytes()), data, **options)
                if not more:
                    assert off.questions == bare.questions
            narrow = small().to(torch.bfloat16)
            for batch in (300, 8192):
                run = hre.evaluate(hre.transformers.Model(narrow, Bytes(), batch_tokens=batch), data, **options)
                assert run.config["dtype"] == "torch.bfloat16", run.config
                tokens = max(answer["n_tokens"] for question in run.questions for answer in question["answers"])
                assert largest_difference(run, narrow) < 0.02 * tokens, (largest_difference(run, narrow), tokens)
            """,
            python=self.torch_python,
        )

    def test_sharded_models(self):
        """accelerate's: weights on the CPU or on disk until they are used, and layers on devices of their own."""
        self.need("accelerate")
        self.write("in_memory.py", IN_MEMORY)
        self.run_python(
            """
            import torch, transformers, accelerate, hre, hre.transformers
            from in_memory import *
            whole = small()
            whole.save_pretrained("checkpoint")
            def mapped(place):
                parts = {"model.embed_tokens": "cpu", "model.layers.0": "cpu", "model.layers.1": place, "model.layers.2": place, "model.norm": place,
                         "model.rotary_emb": "cpu", "lm_head": place}
                return transformers.AutoModelForCausalLM.from_pretrained("checkpoint", device_map=parts, offload_folder="offloaded")
            models = {"map": lambda: mapped("cpu"), "disk": lambda: mapped("disk"), "all on the CPU": lambda: accelerate.cpu_offload(small(), execution_device=torch.device("cpu")),
                      "all on disk": lambda: accelerate.disk_offload(small(), "offloaded-2", execution_device=torch.device("cpu"))}
            for name, make in models.items():
                model = make()
                run = hre.evaluate(hre.transformers.Model(model, Bytes(), logit_bytes=4 * 300 * 64), data, limit=1, topics=["python", "unix"], progress=False)
                assert largest_difference(run, whole) < 1e-3, name
                if "disk" in name:
                    assert any(parameter.device.type == "meta" for parameter in model.parameters()), name
                assert largest_difference(hre.evaluate(hre.transformers.Model(model, Bytes()), data, limit=1, topics=["unix"], progress=False), whole) < 1e-3, name
            """,
            python=self.torch_python,
        )

    def test_encoder_decoders(self):
        """The prompt goes to the encoder, and each answer to the decoder after its start token."""
        self.write("in_memory.py", IN_MEMORY)
        self.run_python(
            """
            import torch, transformers, hre, hre.transformers
            from in_memory import Bytes, answers_of, data, tokens_of
            torch.manual_seed(8)
            configs = [transformers.T5Config(vocab_size=300, d_model=64, d_kv=16, d_ff=96, num_layers=2, num_heads=4, decoder_start_token_id=0),
                       transformers.BartConfig(vocab_size=300, d_model=64, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4, decoder_attention_heads=4,
                                               encoder_ffn_dim=96, decoder_ffn_dim=96, max_position_embeddings=4096, decoder_start_token_id=2)]
            for config in configs:
                model = transformers.AutoModelForSeq2SeqLM.from_config(config)
                for parameter in model.parameters():
                    parameter.data.mul_(2)
                for batch, end in ((300, False), (8192, True)):
                    run = hre.evaluate(hre.transformers.Model(model, Bytes(), batch_tokens=batch, max_length=4000, bos=end), data, limit=1, topics=["python", "unix"], progress=False)
                    model.eval()
                    for context, continuation, given in answers_of(run):
                        source, labels = tokens_of(context) + ([2] if end else []), tokens_of(continuation)
                        with torch.inference_mode():
                            logits = model(input_ids=torch.tensor([source]), decoder_input_ids=torch.tensor([[config.decoder_start_token_id] + labels[:-1]])).logits[0].float()
                        values = torch.log_softmax(logits, -1)
                        expected = sum(values[i, label].item() for i, label in enumerate(labels))
                        assert abs(expected - given["sum_log_prob"]) < 1e-3, (type(model), batch, expected, given["sum_log_prob"])
            """,
            python=self.torch_python,
        )

    def test_values_are_those_of_the_file(self):
        """A checkpoint in memory and its file, in float32."""
        folder, file = shared_data("models/TinyStories-656K"), shared_data("models/TinyStories-656K-f32.gguf")
        self.run_python(
            """
            import random, sys, torch, transformers, hre, hre.transformers
            made = random.Random(5)
            words = "the cat sat on a mat and then it saw one big dog who was very happy to play in the park with little girl".split()
            text = lambda: " ".join(made.choices(words, k=made.randint(3, 60))) + "."
            rows = [{"topic": "tale", "question": text(), "answers": [{"text": text(), "votes": a} for a in range(4)]} for _ in range(12)]
            model = transformers.AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32)
            tokenizer = transformers.AutoTokenizer.from_pretrained(sys.argv[1])
            memory = hre.evaluate(hre.transformers.Model(model, tokenizer, max_length=256), rows, progress=False)
            file = hre.evaluate(sys.argv[2], rows, max_length=256, precision="exact", progress=False)
            n = 0
            for a, b in zip(memory.questions, file.questions, strict=True):
                for x, y in zip(a["answers"], b["answers"], strict=True):
                    assert x["n_tokens"] == y["n_tokens"], (x, y)
                    assert abs(x["sum_log_prob"] - y["sum_log_prob"]) < 1e-3, (x, y)
                    n += 1
            assert n == 48, n
            """,
            folder,
            file,
            python=self.torch_python,
        )

    def test_with_the_evaluation_harness(self):
        """The task that comes along, and the harness's models as hre's, have hre's values."""
        self.need("lm_eval")
        self.run_python(
            """
            import doctest, json, pathlib, random, subprocess, sys, torch, transformers, hre, hre.lm_eval, hre.transformers
            from lm_eval.models.huggingface import HFLM
            from tokenizers import Tokenizer, decoders, models, pre_tokenizers
            torch.manual_seed(6)
            made = random.Random(6)
            words = "the cat sat on a mat and then it saw one big dog who was very happy to play in the park with little girl".split()
            text = lambda: " ".join(made.choices(words, k=made.randint(3, 40))) + "."
            rows = [{"topic": "tale", "question": text(), "answers": [{"text": text(), "votes": made.randint(-2, 9)} for a in range(4)]} for _ in range(12)]
            pathlib.Path("tales.jsonl").write_text("".join(json.dumps(row) + "\\n" for row in rows))
            # Bytes: the harness feeds the context's own tokens, which for other tokenizers may not begin those of the whole.
            vocabulary = {sign: i for i, sign in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
            made_of_bytes = Tokenizer(models.BPE(vocab={**vocabulary, "<eos>": 256}, merges=[]))
            made_of_bytes.pre_tokenizer, made_of_bytes.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False), decoders.ByteLevel()
            tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=made_of_bytes, eos_token="<eos>", pad_token="<eos>")
            model = transformers.LlamaForCausalLM(transformers.LlamaConfig(vocab_size=257, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
                num_attention_heads=2, max_position_embeddings=1024, bos_token_id=None, eos_token_id=256, pad_token_id=256))
            for parameter in model.parameters():
                parameter.data.mul_(3)
            model.save_pretrained("small"), tokenizer.save_pretrained("small")
            own = hre.evaluate(hre.transformers.Model(model, tokenizer), "tales.jsonl", progress=False)
            theirs = hre.evaluate(hre.lm_eval.Model(HFLM(pretrained=model, tokenizer=tokenizer, batch_size=4, add_bos_token=False)), "tales.jsonl", progress=False)
            include = subprocess.run([sys.executable, "-m", "hre.lm_eval"], capture_output=True, text=True, check=True).stdout.strip()
            subprocess.run([sys.executable, "-m", "lm_eval", "--model", "hf", "--model_args", "pretrained=small,dtype=float32,add_bos_token=False",
                            "--tasks", "human_rank_eval", "--include_path", include, "--metadata", '{"data": "tales.jsonl"}', "--output_path", "out",
                            "--device", "cpu", "--batch_size", "4"], capture_output=True, check=True)
            results = json.loads(next(pathlib.Path("out").rglob("results*.json")).read_text())["results"]["human_rank_eval"]
            for a, b in zip(own.questions, theirs.questions, strict=True):
                for x, y in zip(a["answers"], b["answers"], strict=True):
                    assert abs(x["sum_log_prob"] - y["sum_log_prob"]) < 1e-3, (x, y)
            examples = doctest.testmod(hre.lm_eval)
            assert examples.attempted and not examples.failed, examples
            metrics = "pearson", "spearman", "pairwise_accuracy", "bits_per_byte", "bits_gap"
            with open("found.json", "w") as file:
                json.dump([[own.summary[name]["mean"] for name in metrics], [results[f"{name},none"] for name in metrics]], file)""",
            python=self.torch_python,
            quiet=True,
        )
        own, task = self.read_json("found.json")
        for a, b in zip(own, task, strict=True):
            self.assertAlmostEqual(a, b, delta=1e-4)

    def test_in_a_training_loop(self):
        """A tiny Llama in 300 steps: its value rises, and the files of TensorBoard and of MLflow have the curve under eval/hre."""
        self.need("accelerate", "tensorboard", "mlflow")
        done = subprocess.run(
            [self.torch_python, SOURCE_DIR / "bench" / "finetune_curve.py", self.folder / "out", "--report-to", "tensorboard,mlflow"],
            capture_output=True,
            text=True,
            env=clean_environment(PYTHONPATH=str(PACKAGE), **self.sanitizers),
            timeout=600 * SLOWER,
            check=False,
        )
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        found = self.read_json("out/log.json")
        self.assertEqual(list(range(0, 301, 25)), [step for step, _ in found["values"]])
        self.assertEqual(found["values"], [[row["step"], row["eval_hre"]] for row in found["log"]])
        self.assertEqual(list(range(25, 301, 25)), found["losses"], "the trainer's own log is as without the callback")
        first, last = found["log"][0], found["log"][-1]
        self.assertGreater(last["eval_hre"], first["eval_hre"] + 0.3)
        self.assertLess(last["eval_hre_bits_per_byte"], first["eval_hre_bits_per_byte"] / 2)
        self.assertAlmostEqual(last["eval_hre"] - first["eval_hre"], last["eval_hre_since_first"], places=9)
        best = max(found["values"], key=lambda row: row[1])
        self.assertEqual([best[0], f"checkpoints/checkpoint-{best[0]}"], [found["best"], found["best_model_checkpoint"]])
        self.assertRegex(
            done.stderr,
            r"hre: step 0: HumanRankEval -?0\.\d{4} ± 0\.\d{4} \(95 %\) of 80 questions \(limit=50 of each topic\), [\d.]+ s\n"
            r"hre: step 25: .* gate: (pass|inconclusive|fail)\n",
        )
        self.run_python(
            """
            import glob, json
            from mlflow.tracking import MlflowClient
            from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
            events = EventAccumulator(glob.glob("out/**/events.out*", recursive=True)[0])
            events.Reload()
            boards = {tag: [[event.step, event.value] for event in events.Scalars(tag)] for tag in events.Tags()["scalars"] if "hre" in tag}
            client = MlflowClient("file:out/mlruns")
            run, = client.search_runs([experiment.experiment_id for experiment in client.search_experiments()])
            flow = {name: [[metric.step, metric.value] for metric in client.get_metric_history(run.info.run_id, name)] for name in run.data.metrics if "hre" in name}
            with open("curves.json", "w") as file:
                json.dump([boards, flow], file)""",
            python=self.torch_python,
            quiet=True,
            MLFLOW_ALLOW_FILE_STORE="true",
        )
        for curves, prefix in zip(self.read_json("curves.json"), ("eval/hre", "eval_hre"), strict=True):
            self.assertEqual(
                {name.replace("eval_hre", prefix) for row in found["log"] for name in row if name.startswith("eval_hre")}, set(curves)
            )
            for name, curve in curves.items():
                expected = [[row["step"], row[key]] for row in found["log"] for key in row if key.replace("eval_hre", prefix) == name]
                self.assertEqual([step for step, _ in expected], [step for step, _ in curve], name)
                for (_, value), (_, shown) in zip(expected, curve, strict=True):
                    self.assertAlmostEqual(value, shown, delta=1e-5 * (1 + abs(value)), msg=name)

    def test_gates_and_checkpoints_in_training(self):
        """A training that goes astray is stopped, and the checkpoint of its best value is kept and marked."""
        self.need("accelerate")
        self.write("in_memory.py", IN_MEMORY)
        self.run_python(
            """
            import sys, torch, transformers, hre, hre.transformers
            sys.path.insert(0, sys.argv[1])
            import random, finetune_curve
            from finetune_curve import Bytes
            made = random.Random(4)
            data = hre.load_dataset([row for row in finetune_curve.questions(made, 440) if row["topic"] == "ab"])
            def rows(which):
                texts = [f"Question: {row['question']}\\nAnswer: {row['answers'][which]['text']}" for row in finetune_curve.questions(made, 200) if row["topic"] == "ab"]
                return [{"input_ids": ids, "labels": ids} for ids in Bytes()(texts)["input_ids"]]
            torch.manual_seed(5)
            model = transformers.LlamaForCausalLM(transformers.LlamaConfig(vocab_size=260, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
                num_attention_heads=2, max_position_embeddings=256))
            def train(which, folder, callback, steps, **more):
                arguments = transformers.TrainingArguments(output_dir=folder, max_steps=steps, per_device_train_batch_size=8, learning_rate=3e-3, report_to=[],
                                                           use_cpu=True, disable_tqdm=True, **{"save_strategy": "no", **more})
                trainer = transformers.Trainer(model=model, args=arguments, train_dataset=rows(which), processing_class=Bytes(), callbacks=[callback],
                    data_collator=lambda rows: {key: torch.tensor([row[key] for row in rows]) for key in rows[0]})
                trainer.train()
                return trainer
            good = hre.transformers.Callback(data, every=20, save_best=True, limit=None, quiet=True)
            trainer = train(0, "good", good, 70, save_strategy="steps", save_steps=10, save_total_limit=1)
            assert [step for step, _ in good.runs] == [0, 20, 40, 60, 70] and good.runs[-1][1].value > 0.5, good.runs
            import os
            best = f"good/checkpoint-{good.best[0]}"
            assert trainer.state.best_model_checkpoint == best and trainer.state.best_metric == good.best[1].value
            assert hre.load(f"{best}/hre.json").value == good.best[1].value  # though only one checkpoint more is kept
            assert len(os.listdir("good")) <= 2, os.listdir("good")
            # The other way: to what people don't like, held against a run that is given, and against a policy's file.
            with open("gate.toml", "w") as file:
                file.write('[[check]]\\nmetric = "pearson"\\nmargin = 0.1\\n')
            state = {name: value.clone() for name, value in model.state_dict().items()}
            for options, gated in ((dict(gate=0.1, against=good.runs[-1][1]), 0), (dict(gate="gate.toml"), 20), (dict(gate={"margin": 0.1}, against="last"), 20)):
                model.load_state_dict(state)
                bad = hre.transformers.Callback(data, every=20, stop=True, limit=None, quiet=True, **options)
                trainer = train(2, "bad", bad, 400)
                step, gate = bad.gates[-1]
                assert gate.verdict == "fail" and trainer.state.global_step == step < 400, (options, bad.gates)
                assert bad.gates[0][0] == gated, bad.gates
                assert [row["eval_hre_gate"] for row in trainer.state.log_history if "eval_hre_gate" in row][-1] == -1
                assert trainer.state.best_model_checkpoint is None
            for wrong in (dict(stop=True), dict(gate=0.1, against="frist")):
                try:
                    hre.transformers.Callback(data, **wrong)
                    raise AssertionError
                except ValueError:
                    pass
            """,
            SOURCE_DIR / "bench",
            python=self.torch_python,
            quiet=True,
        )

    def test_in_a_loop_of_trl(self):
        """TRL's SFTTrainer with an adapter, given the callback and nothing else."""
        self.need("trl", "peft", "datasets")
        self.write("in_memory.py", IN_MEMORY)
        self.run_python(
            """
            import sys, datasets, peft, torch, transformers, trl, hre, hre.transformers
            tokenizer = transformers.AutoTokenizer.from_pretrained(sys.argv[1])
            tokenizer.pad_token = tokenizer.eos_token
            model = transformers.AutoModelForCausalLM.from_pretrained(sys.argv[1])
            rows = datasets.Dataset.from_list([{"text": f"The cat sat on mat {i}."} for i in range(32)])
            arguments = trl.SFTConfig(output_dir="out", max_steps=4, per_device_train_batch_size=4, learning_rate=1e-2, report_to=[], save_strategy="no", use_cpu=True,
                                      disable_tqdm=True, logging_steps=2, bf16=False)
            callback = hre.transformers.Callback("sample", every=2, limit=2, model_options={"max_length": 256})
            trainer = trl.SFTTrainer(model=model, args=arguments, train_dataset=rows, processing_class=tokenizer, callbacks=[callback],
                                     peft_config=peft.LoraConfig(r=4, target_modules=["q_proj", "v_proj"]))
            trainer.train()
            assert [step for step, _ in callback.runs] == [0, 2, 4]
            sums = [run.questions[0]["answers"][0]["sum_log_prob"] for _, run in callback.runs]
            assert len(set(sums)) == 3, "adapters are on, and learn"
            assert [row["step"] for row in trainer.state.log_history if "eval_hre" in row] == [0, 2, 4]
            assert [row["step"] for row in trainer.state.log_history if "loss" in row] == [2, 4]
            """,
            shared_data("models/TinyStories-656K"),
            python=self.torch_python,
            quiet=True,
        )

    def test_documentation(self):
        """Every block about models of Transformers; those about several processes run in DistributedTest."""
        blocks = [block for block, _ in documented_blocks() if "hre.transformers" in block and "torch.distributed" not in block]
        self.assertEqual(2, len(blocks))
        self.write("blocks.py", "import hre\n" + "\n".join(blocks))
        self.run_python(
            """
            import sys, torch, transformers
            model = transformers.AutoModelForCausalLM.from_pretrained(sys.argv[1])
            tokenizer = transformers.AutoTokenizer.from_pretrained(sys.argv[1])
            rows = [{"input_ids": [3, 4, 5, 6], "labels": [3, 4, 5, 6]}] * 8
            arguments = transformers.TrainingArguments(output_dir="out", max_steps=2, report_to=[], save_strategy="no", use_cpu=True, disable_tqdm=True)
            trainer = transformers.Trainer(model=model, args=arguments, train_dataset=rows, processing_class=tokenizer)
            with open("/dev/null", "w") as sys.stdout:
                exec(open("blocks.py").read().replace("(model, tokenizer)", '(model, tokenizer, long_answers="truncate")'))
            assert [step for step, _ in callback.runs] == [0, 2] and callback.runs[0][1].value is not None""",
            shared_data("models/TinyStories-656K"),
            python=self.torch_python,
        )


#: A small model in every process; results.RANK.json holds what the process got of hre.
SHARED = """
import json, os, sys, time
import torch, transformers
import hre, hre.transformers
from in_memory import Bytes, data

torch.set_num_threads(1)  # as torchrun has it: a product's bits may depend on the number of threads

def model():
    torch.manual_seed(7)
    return transformers.LlamaForCausalLM(transformers.LlamaConfig(vocab_size=300, hidden_size=64, intermediate_size=96, num_hidden_layers=2,
        num_attention_heads=4, max_position_embeddings=4096))

class Counting(hre.transformers.Model):
    questions = 0
    def _score_passes(self, passes):
        self.questions += sum(map(len, passes))
        return super()._score_passes(passes)

def results(run):
    return [run.value, [answer["sum_log_prob"] for question in run.questions for answer in question["answers"]]]

def write(rank, content):
    with open(f"results.{rank}.json", "w") as file:
        json.dump(content, file)
"""


class DistributedTest(TorchTest):
    """Processes that share an evaluation. One thread each: a product's bits may depend on the number of threads."""

    def setUp(self):
        super().setUp()
        self.write("in_memory.py", IN_MEMORY)
        self.write("shared.py", SHARED)
        self.environment = clean_environment(
            PYTHONPATH=str(PACKAGE), OMP_NUM_THREADS="1", TOKENIZERS_PARALLELISM="false", **self.sanitizers
        )

    def launch(self, processes, script, by="torchrun"):
        """What the processes of a launcher write."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        launcher = {
            "torchrun": ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)],
            # The launcher of several GPUs, which asks for none; with --cpu it would need MPI.
            "accelerate": [
                "-m",
                "accelerate.commands.launch",
                "--multi_gpu",
                "--num_processes",
                str(processes),
                "--num_machines",
                "1",
                "--mixed_precision",
                "no",
                "--dynamo_backend",
                "no",
                "--main_process_port",
                str(port),
            ],
        }[by]
        done = subprocess.run(
            [self.torch_python, *launcher, self.write("script.py", script)],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=600 * SLOWER,
            check=False,
        )
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return [self.read_json(f"results.{rank}.json") for rank in range(processes)]

    def test_same_bits_for_any_number_of_processes(self):
        self.run_python(
            """
            from shared import *
            alone = Counting(model(), Bytes(), batch_tokens=1024)
            write(0, [alone.questions, results(hre.evaluate(alone, data, limit=5, progress=False))])""",
            python=self.torch_python,
        )
        alone = self.read_json("results.0.json")[1]
        self.assertEqual(14 * 5, len(alone[1]) // 4)
        for processes, launcher in ((1, "torchrun"), (2, "accelerate"), (3, "torchrun")):
            found = self.launch(
                processes,
                """
from shared import *
torch.distributed.init_process_group("gloo")
mine = Counting(model(), Bytes(), batch_tokens=1024, fingerprint="w", processes=hre.transformers.Processes())
run = hre.evaluate(mine, data, limit=5, store="runs.db", name=f"by-{torch.distributed.get_world_size()}", progress=False)
try:
    hre.evaluate(mine, "nowhere", progress=False)
except hre.InputError as problem:  # of process 0, in every one
    write(torch.distributed.get_rank(), [mine.questions, results(run), str(problem)])
""",
                launcher,
            )
            for questions, values, problem in found:
                self.assertEqual(alone, values)
                self.assertIn("nowhere: ", problem)
                self.assertGreater(questions, 70 // processes // 2)
            self.assertEqual(70, sum(questions for questions, _, _ in found))
            kept = self.run_python("""
                import json, hre
                store = hre.Store("runs.db")
                print(json.dumps([store.list()[0]["name"], store.load("last").value]))""")
            self.assertEqual([f"by-{processes}", alone[0]], kept)
            (self.folder / "runs.db").unlink()

    def test_documentation(self):
        (block,) = (block for block, _ in documented_blocks() if "torch.distributed" in block)
        found = self.launch(
            2,
            f"""
from shared import *
model, tokenizer = model(), Bytes()
{block}
write(processes.rank, results(run))
""",
        )
        self.assertEqual(found[0], found[1])
        self.assertIsNotNone(found[0][0])

    def test_processes_that_die_or_fall_silent(self):
        """Without torchrun, which would end the others itself."""
        self.write(
            "script.py",
            """
from shared import *
rank, case = int(sys.argv[1]), sys.argv[2]
torch.distributed.init_process_group("gloo", init_method=f"file://{os.getcwd()}/meeting.{case}", rank=rank, world_size=3)
class Failing(hre.transformers.Model):
    def _score_passes(self, passes):
        if rank == 1 and case == "raises":
            raise KeyError("mine")
        if rank == 1 and case == "dies":
            os._exit(7)
        if rank == 1 and case == "silent":
            time.sleep(90)
        return super()._score_passes(passes)
mine = Failing(model(), Bytes(), processes=hre.transformers.Processes(timeout=5 if case == "silent" else 300))
started = time.monotonic()
try:
    hre.evaluate(mine, data, limit=1, progress=False)
except hre.Error as problem:
    write(rank, [str(problem), time.monotonic() - started])
    os._exit(0)
""",
        )
        expected = {
            "raises": ("process 1: KeyError: 'mine'",) * 3,
            "dies": ("process 1 of 3 ended", None, "process 0 of 3 ended"),
            "silent": ("process 1 of 3 ended, or was silent for 5 seconds", None, "process 0 of 3 ended"),
        }
        for case, messages in expected.items():
            processes = [
                subprocess.Popen(
                    [self.torch_python, "script.py", str(rank), case],
                    cwd=self.folder,
                    env=self.environment,
                    stderr=subprocess.PIPE,
                    text=True,
                )
                for rank in range(3)
            ]
            for rank in (0, 2):
                self.assertEqual(0, processes[rank].wait(timeout=400 * SLOWER), case)
            processes[1].kill() if case == "silent" else None
            for process in processes:
                process.communicate()
            for rank, message in enumerate(messages):
                if message:
                    text, seconds = self.read_json(f"results.{rank}.json")
                    self.assertIn(message, text)
                    self.assertLess(seconds, 80, case)

    def test_in_a_training_loop(self):
        """Every process has the same runs, each by its share of the questions, and the first one's log has the values."""
        found = self.launch(
            2,
            """
from shared import *
hre.transformers.Model = Counting
network = model()
rows = [{"input_ids": ids, "labels": ids} for ids in ([3 + i % 250] * 8 for i in range(64))]
pad = lambda rows: {key: torch.tensor([row[key] for row in rows]) for key in rows[0]}
arguments = transformers.TrainingArguments(output_dir="out", max_steps=4, per_device_train_batch_size=4, report_to=[], save_strategy="no", use_cpu=True, disable_tqdm=True)
trainer = transformers.Trainer(model=network, args=arguments, train_dataset=rows, data_collator=pad, processing_class=Bytes())
counted = []
evaluate = hre.evaluate
def counting(mine, *arguments, **options):
    run = evaluate(mine, *arguments, **options)
    counted.append(mine.questions)
    return run
hre.evaluate = counting
callback = hre.transformers.Callback(data, every=2, limit=2, store="curve.db").attach(trainer)
trainer.train()
write(torch.distributed.get_rank(), [[[step, results(run)] for step, run in callback.runs], counted, [row["eval_hre"] for row in trainer.state.log_history if "eval_hre" in row]])
""",
        )
        self.assertEqual(found[0][0], found[1][0])
        self.assertEqual([0, 2, 4], [step for step, _ in found[0][0]])
        self.assertEqual(3, len({values[0] for _, values in found[0][0]}), "training changes the model")
        for a, b in zip(found[0][1], found[1][1], strict=True):
            self.assertEqual(28, a + b)
            self.assertGreater(min(a, b), 5)
        self.assertEqual([values[0] for _, values in found[0][0]], found[0][2])


if __name__ == "__main__":
    unittest.main()
