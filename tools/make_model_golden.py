#!/usr/bin/env python3
"""Scores the built-in sample's first questions by Transformers, from the GGUF files of models/, in float32.

    tools/make_model_golden.py        writes tests/data/golden/MODEL.expected.tsv for each

One forward pass per answer, without batching or shared prefixes. Needs torch, transformers, accelerate and gguf.
"""

import json
import math
import pathlib

import torch
import transformers

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOPICS = ("english", "html", "latex", "math", "python", "unix")  # two questions of each
CONTEXT = 1024


def escaped(text):
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")


def questions():
    for topic in TOPICS:
        lines = (ROOT / "src/data/sample" / f"{topic}.jsonl").read_text(encoding="utf-8").splitlines()
        yield from map(json.loads, lines[:2])


@torch.inference_mode()
def sum_of(model, tokenizer, context, continuation):
    """(tokens, sum of log-probabilities in nats) of the continuation."""
    encode = lambda text: tokenizer.encode(text, add_special_tokens=False)
    whole = encode(context + continuation)
    targets = whole[len(encode(context)) :]
    inputs = whole[-(CONTEXT + 1) :][:-1]
    logits = model(torch.tensor([inputs])).logits[0, -len(targets) :].float()
    found = torch.log_softmax(logits, -1).gather(1, torch.tensor(targets)[:, None])
    return len(targets), math.fsum(found[:, 0].double().tolist())


def main():
    for path in sorted((ROOT / "models").glob("*.gguf")):
        source = {"pretrained_model_name_or_path": str(path.parent), "gguf_file": path.name}
        tokenizer = transformers.AutoTokenizer.from_pretrained(**source)
        model = transformers.AutoModelForCausalLM.from_pretrained(**source, dtype=torch.float32).eval()
        rows = ["# by tools/make_model_golden.py: context, continuation, tokens, sum of log-probabilities in nats"]
        for question in questions():
            for answer in question["answers"]:
                context, continuation = f"Question: {question['question']}\nAnswer:", " " + answer["text"]
                tokens, total = sum_of(model, tokenizer, context, continuation)
                rows.append(f"{escaped(context)}\t{escaped(continuation)}\t{tokens}\t{total:.6f}")
        (ROOT / "tests/data/golden" / f"{path.stem}.expected.tsv").write_text("\n".join(rows) + "\n")


if __name__ == "__main__":
    main()
