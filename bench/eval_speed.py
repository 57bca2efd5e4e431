#!/usr/bin/env python3
"""How fast hre scores real questions, against libllama and PyTorch with one pass an answer each, and against
lm-evaluation-harness.

    make bench
    PYTHONPATH=build/deps/llama.cpp/gguf-py python3 bench/neox_model.py VOCABULARY.gguf MODEL
    python3 bench/eval_speed.py MODEL DATA [--torch-scorer SCORER.py] [--lm-eval 1,8] [--questions 12] [--repetitions 5]
                                [--bench build/release/bench]

MODEL is the folder that neox_model.py wrote, DATA what `hre data convert` takes. SCORER.py is an independent scorer
(bench/eval_torch.py says what it must have); without it PyTorch is left out. --lm-eval names batch sizes of
lm-evaluation-harness's hf model, a contender each. Each contender is a process of its own
with the same weights in float32; the questions go round, each to every contender in turn, so that they share whatever
else the machine does; on a busy machine CPU time tells more than time. Token counts must be equal and sums of log-probabilities agree to 1e-5 of themselves and
2e-3 nats, or there are no timings. All questions go round as often as
--repetitions says; times are medians of the rounds' totals, with their range. Needs torch and transformers for PyTorch,
lm_eval[hf] for lm-evaluation-harness: python3 -m pip install torch transformers 'lm_eval[hf]'.
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

    def score(self, question):
        before = self.cpu()
        self.process.stdin.write(json.dumps(question) + "\n")
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
    fitting = [question for question in questions
               if max(len(question["question"] + answer["text"]) for answer in question["answers"]) < 5000]
    chosen = random.Random(seed).sample(fitting, n)
    return [{"question": question["question"], "answers": [answer["text"] for answer in question["answers"]],
             "context": f"Question: {question['question']}\nAnswer:",
             "continuations": [" " + answer["text"] for answer in question["answers"]]} for question in chosen]


def largest_difference(ours, theirs):
    """In nats; ends the benchmark where the answers do not agree."""
    largest = 0
    for i, (mine, other) in enumerate(zip(ours.answers, theirs.answers)):
        for a, b in zip(mine, other, strict=True):
            difference = abs(a["sum_log_prob"] - b["sum_log_prob"])
            if a["n_tokens"] != b["n_tokens"] or difference > 2e-3 + 1e-5 * abs(b["sum_log_prob"]):
                sys.exit(f"question {i}: {ours.name} says {a}, {theirs.name} says {b}")
            largest = max(largest, difference)
    return largest


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("data")
    parser.add_argument("--torch-scorer", type=pathlib.Path)
    parser.add_argument("--lm-eval", default="", metavar="BATCH,...")
    parser.add_argument("--questions", type=int, default=12)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--bench", type=pathlib.Path, default=HERE.parent / "build" / "release" / "bench")
    arguments = parser.parse_args()

    questions = read_questions(arguments.bench.parent / "src" / "hre", arguments.data, arguments.questions)
    weights = arguments.model / "neox.gguf"
    contenders = [Contender("hre", [arguments.bench / "bench_eval_worker", "shared", weights]),
                  Contender("libllama, a decode an answer", [arguments.bench / "bench_eval_worker", "plain", weights])]
    if arguments.torch_scorer:
        contenders.append(Contender("PyTorch, a pass an answer",
                                    [sys.executable, HERE / "eval_torch.py", arguments.torch_scorer, arguments.model / "hf"]))
    for batch_size in filter(None, arguments.lm_eval.split(",")):
        contenders.append(Contender(f"lm-evaluation-harness hf, batch {batch_size}",
                                    [sys.executable, HERE / "eval_lm_harness.py", arguments.model / "hf", batch_size]))
    warm_up = {"question": "?", "answers": ["Yes."], "context": "Question: ?\nAnswer:", "continuations": [" Yes."]}
    for contender in contenders:
        contender.score(warm_up)
    n = len(questions)
    for i, question in enumerate(questions * arguments.repetitions):
        for contender in contenders[i % len(contenders):] + contenders[:i % len(contenders)]:
            contender.score(question)
        print(f"\r{i + 1} of {n * arguments.repetitions} questions", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)

    def rounds(values):
        """Seconds a question, of each round."""
        return [sum(values[1 + n * r:1 + n * (r + 1)]) / n for r in range(arguments.repetitions)]

    hre = contenders[0]
    tokens = sum(answer["n_tokens"] for answers in hre.answers[1:n + 1] for answer in answers)
    print(f"{n} questions, {tokens} answer tokens, {arguments.repetitions} rounds, weights of {weights.stat().st_size / 1e6:.0f} MB")
    print(f"{'median (range)':36}{'s a question':>22}{'CPU s a question':>22}{'peak MB':>9}{'hre is faster':>15}{'by CPU time':>13}"
          f"{'differs by':>14}")
    wall, cpu = median(rounds(hre.seconds)), median(rounds(hre.cpu_seconds))
    for contender in contenders:
        shown = [f"{median(r):.2f} ({min(r):.2f}-{max(r):.2f})" for r in (rounds(contender.seconds), rounds(contender.cpu_seconds))]
        print(f"{contender.name:36}{shown[0]:>22}{shown[1]:>22}{contender.end() / 1e6:9.0f}"
              f"{median(rounds(contender.seconds)) / wall:13.2f} x{median(rounds(contender.cpu_seconds)) / cpu:11.2f} x"
              f"{largest_difference(hre, contender):9.1e} nats")


if __name__ == "__main__":
    main()
