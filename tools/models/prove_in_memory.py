#!/usr/bin/env python3
"""Proves hre.transformers.Model architecture by architecture.

    PYTHONPATH=build/release/python tools/models/prove_in_memory.py [--only NAME]... [--engine build/deps/llama.cpp] [--json FILE]

For each family of families.py: makes a random checkpoint, scores three questions by hre.transformers.Model (in small passes, in one
large one, and with the logits in blocks), and prints the largest difference of an answer, in nats, from plain passes of its own. With
--engine it also converts the checkpoint as hre does, and prints the difference from hre eval on the file. The converter needs the
Transformers of third_party/pypi-convert.lock.
"""

import argparse
import contextlib
import dataclasses
import json
import logging
import os
import pathlib
import sys
import tempfile

os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "src" / "model" / "checkpoint"))

import torch
import transformers

import checkpoint
import convert_checkpoint
import score_checkpoint
from families import FAMILIES

import hre
import hre.transformers

QUESTIONS = checkpoint.ROOT / "tests" / "data" / "models" / "questions.jsonl"
TOLERANCE = 1e-3  # nats per answer


def sums(model, questions, **options):
    run = hre.evaluate(model, questions, shuffle=False, progress=False, **options)
    return [
        answer["sum_log_prob"] for question in sorted(run.questions, key=lambda question: question["id"]) for answer in question["answers"]
    ]


def largest(some, others):
    return max(abs(a - b) for a, b in zip(some, others, strict=True))


def prove(family, questions, folder, engine):
    """{"plain": nats, "file": nats or None or why there is no file, "shares": whether prompts are}"""
    if family.vocabulary != "bytes" and int(transformers.__version__.split(".")[0]) > 4:
        family = dataclasses.replace(family, vocabulary="bytes")  # its tokenizers take no SentencePiece file alone
    model, tokenizer = checkpoint.make(folder, family)
    plain = [
        answer["sum_log_prob"]
        for question in questions
        for answer in score_checkpoint.score_request(
            model, tokenizer, f"Question: {question['question']}\nAnswer:", [" " + answer["text"] for answer in question["answers"]]
        )
    ]
    result = {"plain": 0.0, "file": None}
    for options in ({"batch_tokens": 200}, {"batch_tokens": 8192}, {"batch_tokens": 8192, "logit_bytes": 20000}):
        scorer = hre.transformers.Model(model, tokenizer, **options)
        values = sums(scorer, questions)
        result["plain"] = max(result["plain"], largest(values, plain))
    result["shares"] = scorer.shares_prompts
    if engine:
        try:
            with contextlib.redirect_stdout(None):
                convert_checkpoint.convert(engine, folder, folder / "model.gguf")
            result["file"] = largest(sums(folder / "model.gguf", questions, threads=1), values)
        except (Exception, SystemExit) as problem:  # one that docs/models.md says hre refuses
            result["file"] = f"{type(problem).__name__}: {str(problem)[:200]}"
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--engine", type=pathlib.Path)
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    questions = [json.loads(line) for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]
    found, failed = {}, 0
    for family in FAMILIES:
        if options.only and family.name not in options.only:
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                result = found[family.name] = prove(family, questions, pathlib.Path(folder), options.engine)
            except Exception as problem:  # one family must not end the others
                failed += 1
                print(f"{family.name:20} FAILED: {type(problem).__name__}: {str(problem)[:300]}", flush=True)
                continue
        good = all(value <= TOLERANCE for value in result.values() if isinstance(value, float))
        failed += not good
        file = (
            result["file"]
            if isinstance(result["file"], str)
            else ""
            if result["file"] is None
            else f"{result['file']:.1e} nats from the file"
        )
        print(
            f"{family.name:20} {'ok    ' if good else 'WRONG '} {result['plain']:.1e} nats from plain passes, prompts {'shared' if result['shares'] else 'not shared'} {file}",
            flush=True,
        )
    if options.json:
        options.json.write_text(json.dumps(found))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
