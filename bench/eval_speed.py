#!/usr/bin/env python3
"""How fast hre scores real questions, against libllama and PyTorch with one pass per answer each, and against
lm-evaluation-harness.

    make bench
    bench/peers.sh
    build/peers/bin/python bench/neox_model.py VOCABULARY.gguf MODEL [410m|14m]
    build/peers/bin/python bench/eval_speed.py MODEL DATA [--type f32|bf16|q8_0] [--torch-scorer SCORER.py] [--lm-eval 1,8]
        [--no-plain] [--questions 12] [--together 4] [--repetitions 5] [--bench build/release/bench]

MODEL is the folder that neox_model.py wrote, DATA what `hre data convert` takes. SCORER.py is an independent scorer
(bench/eval_torch.py says what it must have); without it PyTorch is left out. --lm-eval names batch sizes of
lm-evaluation-harness's hf model, a contender each. Each contender is a process of its own with weights of the same type
(made from float32 where they are not there; PyTorch has none of q8_0); a few questions at a time (--together) go to every
contender in turn, so that they share whatever else the machine does; on a busy machine CPU time tells more than time. Token
counts must be equal and sums of log-probabilities agree, or there are no timings: in float32 to 1e-5 of themselves and 2e-3
nats; in the other types, where each contender rounds in its own way, to 1 % and 1 nat. All questions go round as often as
--repetitions says; times are medians of the rounds' totals, with their range.
"""

import argparse
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
from statistics import median

HERE = pathlib.Path(__file__).resolve().parent


class Contender:
    """A worker that scores a question a line; its peak memory is the process's."""

    def __init__(self, name, command):
        self.name, self.seconds, self.cpu_seconds, self.answers = name, [], [], []
        self.process = subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def cpu(self):
        """Seconds that all its threads have computed."""
        user, system = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def score(self, questions):
        before = self.cpu()
        self.process.stdin.write(json.dumps(questions) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.name} ended")
        reply = json.loads(line)
        self.seconds.append(reply["seconds"])
        self.cpu_seconds.append(self.cpu() - before)
        self.answers.append(reply["answers"])

    def end(self):
        """Ends the worker and gives its peak memory in bytes."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        self.process.stdin.close()
        self.process.wait()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024


def read_questions(program, data, n, seed=42):
    """n questions, drawn from all topics, that the model's context has room for."""
    with tempfile.TemporaryDirectory() as folder:
        lines = pathlib.Path(folder, "data.jsonl")
        subprocess.run([program, "data", "convert", data, lines, "--quiet"], check=True)
        questions = [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines()]
    fitting = [
        question for question in questions if max(len(question["question"] + answer["text"]) for answer in question["answers"]) < 5000
    ]
    chosen = random.Random(seed).sample(fitting, n)
    return [
        {
            "question": question["question"],
            "answers": [answer["text"] for answer in question["answers"]],
            "context": f"Question: {question['question']}\nAnswer:",
            "continuations": [" " + answer["text"] for answer in question["answers"]],
        }
        for question in chosen
    ]


def largest_difference(ours, theirs, tolerance):
    """In nats; ends the benchmark where the answers do not agree to a share of themselves and so many nats."""
    largest = 0
    for i, (mine, other) in enumerate(zip(ours.answers, theirs.answers)):
        for a, b in zip(mine, other, strict=True):
            difference = abs(a["sum_log_prob"] - b["sum_log_prob"])
            if a["n_tokens"] != b["n_tokens"] or difference > tolerance[0] * abs(b["sum_log_prob"]) + tolerance[1]:
                sys.exit(f"request {i}: {ours.name} says {a}, {theirs.name} says {b}")
            largest = max(largest, difference)
    return largest


def weights_of(model, kind, bench):
    """The model's GGUF file of that type."""
    path = model / ("neox.gguf" if kind == "f32" else f"neox-{kind}.gguf")
    if not path.exists():
        subprocess.run(
            [bench / "bench_quantise", model / "neox.gguf", path, kind.upper()],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("data")
    parser.add_argument("--type", choices=["f32", "bf16", "q8_0"], default="f32")
    parser.add_argument("--torch-scorer", type=pathlib.Path)
    parser.add_argument("--lm-eval", default="", metavar="BATCH,...")
    parser.add_argument("--no-plain", action="store_true", help="leave libllama out, which takes longest")
    parser.add_argument("--questions", type=int, default=12)
    parser.add_argument("--together", type=int, default=4)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--bench", type=pathlib.Path, default=HERE.parent / "build" / "release" / "bench")
    arguments = parser.parse_args()

    questions = read_questions(arguments.bench.parent / "src" / "hre", arguments.data, arguments.questions)
    weights = weights_of(arguments.model, arguments.type, arguments.bench)
    dtype = {"f32": "float32", "bf16": "bfloat16"}.get(arguments.type)
    tolerance = (1e-5, 2e-3) if arguments.type == "f32" else (1e-2, 1)
    contenders = [Contender("hre", [arguments.bench / "bench_eval_worker", "shared", weights])]
    if not arguments.no_plain:
        contenders.append(Contender("libllama, a decode an answer", [arguments.bench / "bench_eval_worker", "plain", weights]))
    if arguments.torch_scorer and dtype:
        contenders.append(
            Contender(
                "PyTorch, a pass per answer",
                [sys.executable, HERE / "eval_torch.py", arguments.torch_scorer, arguments.model / "hf", dtype],
            )
        )
    for batch_size in filter(None, arguments.lm_eval.split(",") if dtype else []):
        contenders.append(
            Contender(
                f"lm-evaluation-harness hf, batch {batch_size}",
                [sys.executable, HERE / "eval_lm_harness.py", arguments.model / "hf", batch_size, dtype],
            )
        )
    warm_up = {"question": "?", "answers": ["Yes."], "context": "Question: ?\nAnswer:", "continuations": [" Yes."]}
    for contender in contenders:
        contender.score([warm_up])
    requests = [questions[i : i + arguments.together] for i in range(0, len(questions), arguments.together)]
    n = len(requests)
    for i, request in enumerate(requests * arguments.repetitions):
        for contender in contenders[i % len(contenders) :] + contenders[: i % len(contenders)]:
            contender.score(request)
        print(f"\r{i + 1} of {n * arguments.repetitions} requests", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)

    def rounds(values):
        """Seconds a question, of each round."""
        return [sum(values[1 + n * r : 1 + n * (r + 1)]) / len(questions) for r in range(arguments.repetitions)]

    hre = contenders[0]
    tokens = sum(answer["n_tokens"] for answers in hre.answers[1 : n + 1] for answer in answers)
    print(
        f"{len(questions)} questions, {arguments.together} at a time, {tokens} answer tokens, {arguments.repetitions} rounds, "
        f"{arguments.type} weights of {weights.stat().st_size / 1e6:.0f} MB"
    )
    print(
        f"{'median (range)':36}{'s a question':>24}{'CPU s a question':>24}{'peak MB':>9}{'hre is faster':>15}{'by CPU time':>13}"
        f"{'differs by':>14}"
    )
    wall, cpu = median(rounds(hre.seconds)), median(rounds(hre.cpu_seconds))
    for contender in contenders:
        shown = [f"{median(r):.3f} ({min(r):.3f}-{max(r):.3f})" for r in (rounds(contender.seconds), rounds(contender.cpu_seconds))]
        print(
            f"{contender.name:36}{shown[0]:>24}{shown[1]:>24}{contender.end() / 1e6:9.0f}"
            f"{median(rounds(contender.seconds)) / wall:13.2f} x{median(rounds(contender.cpu_seconds)) / cpu:11.2f} x"
            f"{largest_difference(hre, contender, tolerance):9.1e} nats"
        )


if __name__ == "__main__":
    main()
