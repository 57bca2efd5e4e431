#!/usr/bin/env python3
"""What scoring costs as questions, answers, prompts, models and threads grow, beside the arithmetic that must be done.

    python3 bench/eval_growth.py MODEL.gguf [LARGER.gguf]... [--repetitions 3] [--hre build/release/src/hre]

Each row changes one thing of a common case: 16 questions of 4 answers, 60 words of question and 40 of an answer, one thread. The
operations are those that hre counts as it computes (products with weights, the output layer, attention to what is seen);
seconds are medians of the repetitions, which go round all cases, and only those of scoring. Both are shown as multiples of the common case's:
where nothing but the arithmetic grows, the last column is about 1, and less where larger products are faster.
"""

import argparse
import json
import os
import pathlib
import random
import subprocess
import tempfile
from statistics import median

HERE = pathlib.Path(__file__).resolve().parent
WORDS = """time year people way day man thing woman life child world school state family student group country problem hand
part place case week company system program question work government number night point home water room mother area money
story fact month lot right study book eye job word business issue side kind head house service friend father power hour game line
end member law car city community name president team minute idea kid body information back parent face others level office""".split()


def write_data(path, questions, answers, prompt, answer, seed=1):
    """Questions of random words, so that no two share more than the template."""
    generator = random.Random(seed)

    def text(n):
        return " ".join(generator.choices(WORDS, k=n))

    with open(path, "w", encoding="utf-8") as file:
        for _ in range(questions):
            row = {"topic": "words", "question": text(prompt), "answers": [{"text": text(answer), "votes": k} for k in range(answers)]}
            file.write(json.dumps(row) + "\n")


def run(hre, model, data, threads):
    """Seconds of scoring, and operations."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder, "run.json")
        subprocess.run(
            [hre, "eval", model, "--data", data, "--threads", str(threads), "--stats", "--quiet", "--json", out],
            check=True,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "HRE_STORE": "none"},
        )
        result = json.loads(out.read_text())
    parts = result["speed"]["parts"].values()
    return result["times"]["score_seconds"], sum(
        part.get(f"{kind}_operations", 0) for part in parts for kind in ("f32", "bf16", "int14", "int16")
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+", type=pathlib.Path, metavar="MODEL.gguf")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--hre", type=pathlib.Path, default=HERE.parent / "build" / "release" / "src" / "hre")
    arguments = parser.parse_args()
    common = {"questions": 16, "answers": 4, "prompt": 60, "answer": 40, "threads": 1, "model": arguments.models[0]}
    grown = [("questions", n) for n in (32, 64, 256)] + [("answers", n) for n in (8, 16)] + [("prompt", n) for n in (240, 960)]
    grown += [("answer", n) for n in (160, 480)] + [("threads", n) for n in range(2, (os.cpu_count() or 1) + 1)]
    grown += [("model", path) for path in arguments.models[1:]]
    cases = [common] + [{**common, name: value} for name, value in grown]
    with tempfile.TemporaryDirectory() as folder:
        seconds, operations = [[] for _ in cases], [0] * len(cases)
        for _ in range(arguments.repetitions):
            for i, case in enumerate(cases):
                data = pathlib.Path(folder, f"{i}.jsonl")
                if not data.exists():
                    write_data(data, case["questions"], case["answers"], case["prompt"], case["answer"])
                taken, operations[i] = run(arguments.hre, case["model"], data, case["threads"])
                seconds[i].append(taken)
    print(f"common case: {median(seconds[0]):.3f} s, {operations[0] / 1e9:.1f} GFLOP ({arguments.models[0].name})")
    print(f"{'':32}{'seconds':>10}{'times':>8}{'operations':>12}{'time/operations':>17}")
    for (name, value), taken, count in zip(grown, seconds[1:], operations[1:], strict=True):
        label = f"{name} {common[name] if name != 'model' else ''} -> {value if name != 'model' else value.stem}"
        times, more = median(taken) / median(seconds[0]), count / operations[0]
        print(f"{label:32}{median(taken):10.3f}{times:8.2f}{more:12.2f}{times / more:17.2f}")


if __name__ == "__main__":
    main()
