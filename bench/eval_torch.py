"""Scores questions for bench/eval_speed.py, by PyTorch and Transformers with one pass per answer.

    python3 bench/eval_torch.py SCORER.py CHECKPOINT float32|bfloat16

SCORER.py has score_answer(model, tokenizer, question, answer, max_length), which gives the log-probabilities of
an answer's tokens. Reads a line [{"question", "answers": [text]}] a few questions, and answers as eval_worker.cc does.
"""

import importlib.util
import json
import math
import sys
import time

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

LONGEST = 2048


def main(scorer, checkpoint, dtype):
    spec = importlib.util.spec_from_file_location("scorer", scorer)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    model = AutoModelForCausalLM.from_pretrained(checkpoint, dtype=getattr(torch, dtype)).eval()
    for line in sys.stdin:
        requests = json.loads(line)
        start = time.perf_counter()
        answers = []
        for request in requests:
            for answer in request["answers"]:
                log_probs = module.score_answer(model, tokenizer, request["question"], answer, LONGEST)
                answers.append({"n_tokens": len(log_probs), "sum_log_prob": math.fsum(log_probs)})
        print(json.dumps({"seconds": time.perf_counter() - start, "answers": answers}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
