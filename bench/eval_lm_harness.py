"""Scores questions for bench/eval_speed.py, by lm-evaluation-harness's hf model.

    python3 bench/eval_lm_harness.py CHECKPOINT BATCH_SIZE float32|bfloat16 [DEVICE]

Reads a line [{"context", "continuations": [text]}] a few questions, and answers as eval_worker.cc does. Needs lm_eval[hf].
"""

import json
import logging
import os
import sys
import time

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
logging.disable(logging.WARNING)

from lm_eval.api.instance import Instance  # noqa: E402
from lm_eval.models.huggingface import HFLM  # noqa: E402

LONGEST = 2048


def main(checkpoint, batch_size, dtype, device="cpu"):
    model = HFLM(pretrained=checkpoint, dtype=dtype, device=device, batch_size=int(batch_size), max_length=LONGEST)
    for line in sys.stdin:
        pairs = [(request["context"], continuation) for request in json.loads(line) for continuation in request["continuations"]]
        start = time.perf_counter()
        results = model.loglikelihood([Instance("loglikelihood", {}, pair, i) for i, pair in enumerate(pairs)], disable_tqdm=True)
        seconds = time.perf_counter() - start
        answers = [
            {"n_tokens": len(model._encode_pair(*pair)[1]), "sum_log_prob": total} for pair, (total, _) in zip(pairs, results, strict=True)
        ]
        print(json.dumps({"seconds": seconds, "answers": answers}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
