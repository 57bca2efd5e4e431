#!/usr/bin/env python3
"""Proves hre's values architecture by architecture against Transformers.

    tools/models/prove.py --work DIR --hre build/release/src/hre [--only NAME]... [--update] [--table]

For each family of families.py: makes a random checkpoint, converts it as hre does (src/model/checkpoint/convert_checkpoint.py),
scores three questions by Transformers in float32 and by hre, and prints the largest difference of an answer in nats.
--update keeps the converted models and Transformers' values in tests/data/models, from which tests/test_models.py runs without
PyTorch; --table prints the table of docs/models.md. It needs the converter's environment (third_party/pypi-convert.lock).
"""

import argparse
import contextlib
import json
import lzma
import os
import pathlib
import subprocess
import sys

os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "src" / "model" / "checkpoint"))

import checkpoint
import convert_checkpoint
import score_checkpoint
from families import FAMILIES

ROOT = checkpoint.ROOT
DATA = ROOT / "tests" / "data" / "models"
TOLERANCE = 1e-3  # nats per answer
# The converted file is stored in 4-byte words of few different values, which this filter suits.
FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "lc": 0, "lp": 2, "pb": 2}]


def sources():
    deps = pathlib.Path(os.environ.get("HRE_DEPS", ROOT / "build" / "deps"))
    return deps / "llama.cpp"


def hre_scores(program, model, questions):
    """What hre gives: the same shape as reference.score_questions, and the number of undefined questions' problems."""
    done = subprocess.run(
        [program, "eval", model, "--data", questions, "--json", "-", "--details", "--no-shuffle", "--threads", "1", "--quiet"],
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip() or f"hre ended with status {done.returncode}")
    return [question["answers"] or [{"problem": question["problem"]}] for question in json.loads(done.stdout)["questions"]]


def compare(expected, found):
    """The largest difference in nats; raises where the tokens differ."""
    largest = 0.0
    for i, (ours, theirs) in enumerate(zip(found, expected, strict=True)):
        for j, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            if one.get("n_tokens") != other["n_tokens"]:
                raise RuntimeError(f"question {i}, answer {j}: {one.get('problem') or one['n_tokens']} against {other['n_tokens']} tokens")
            largest = max(largest, abs(one["sum_log_prob"] - other["sum_log_prob"]))
    return largest


def prove(family, options, questions):
    folder, out = options.work / family.name, options.work / f"{family.name}.gguf"
    model, tokenizer = checkpoint.make(folder, family)
    expected = [
        score_checkpoint.score_request(
            model, tokenizer, f"Question: {question['question']}\nAnswer:", [" " + answer["text"] for answer in question["answers"]]
        )
        for question in questions
    ]
    parameters = sum(weight.numel() for weight in model.parameters())
    result = {"family": family.people, "class": type(model).__name__, "parameters": parameters, "answers": expected}
    with contextlib.redirect_stdout(None):
        convert_checkpoint.convert(sources(), folder, out)
    result["bytes"] = out.stat().st_size
    result["difference"] = compare(expected, hre_scores(options.hre, out, DATA / "questions.jsonl"))
    return result


def keep(family, result, options):
    DATA.mkdir(parents=True, exist_ok=True)
    packed = lzma.compress((options.work / f"{family.name}.gguf").read_bytes(), format=lzma.FORMAT_XZ, filters=FILTERS)
    (DATA / f"{family.name}.gguf.xz").write_bytes(packed)
    path = DATA / "expected.json"
    stored = json.loads(path.read_text()) if path.exists() else {}
    stored[family.name] = {
        "family": result["family"],
        "class": result["class"],
        "parameters": result["parameters"],
        "answers": [[[answer["n_tokens"], round(answer["sum_log_prob"], 5)] for answer in question] for question in result["answers"]],
    }
    lines = [f"{json.dumps(name)}: {json.dumps(stored[name])}" for name in sorted(stored)]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--hre", type=pathlib.Path, required=True)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    options.hre = options.hre.resolve()
    questions = [json.loads(line) for line in (DATA / "questions.jsonl").read_text(encoding="utf-8").splitlines()]
    failed = 0
    for family in FAMILIES:
        if options.only and family.name not in options.only:
            continue
        try:
            result = prove(family, options, questions)
        except Exception as problem:  # one family must not end the others
            failed += 1
            print(f"{family.name:20} FAILED: {type(problem).__name__}: {str(problem)[:300]}", flush=True)
            continue
        good = result["difference"] <= TOLERANCE
        failed += not good
        if options.table:
            print(f"| {family.people} | `{result['class']}` | {result['parameters']:,} | {result['difference']:.1e} |", flush=True)
        else:
            print(
                f"{family.name:20} {'ok    ' if good else 'WRONG '} {result['difference']:.2e} nats, {result['parameters']:,} parameters",
                flush=True,
            )
        if good and options.update:
            keep(family, result, options)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
