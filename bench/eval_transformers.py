#!/usr/bin/env python3
"""How fast hre.transformers.Model scores real questions, beside lm-evaluation-harness's hf model on the same checkpoint.

    make bench
    bench/peers.sh
    build/peers/bin/python bench/neox_model.py VOCABULARY.gguf MODEL 160m
    PYTHONPATH=build/release/python build/peers/bin/python bench/eval_transformers.py MODEL/hf DATA
        [--lm-eval 1,8] [--questions 12] [--repetitions 5] [--device cpu] [--dtype float32]

DATA is what `hre data convert` takes. Each contender is a process of its own and is given all questions at once, in rounds that
take turns. In float32, sums of log-probabilities must agree to 1e-5 of themselves and 2e-3 nats, or there are no timings.

"Work" counts multiplications and additions that the questions need, without padding: of the harness, all tokens of prompt and
answer through all layers and the output layer; of hre, each prompt once, and the output layer for the answers' tokens alone.
"""

import argparse
import json
import pathlib
import sys
import time
from statistics import median

from eval_speed import HERE, Contender, largest_difference, read_questions

LONGEST = 2048


def work(checkpoint, questions):
    """(of the harness, of hre), in 1e12 operations."""
    import transformers

    config = transformers.AutoConfig.from_pretrained(checkpoint)
    tokenizer = transformers.AutoTokenizer.from_pretrained(checkpoint)
    width, layers, inner = config.hidden_size, config.num_hidden_layers, config.intermediate_size
    products = layers * 2 * width * (4 * width + 2 * inner)  # of a token in a plain transformer
    output = 2 * width * config.vocab_size
    seen = 4 * width * layers  # attention, of a token and one that it sees
    theirs = ours = 0
    for question in questions:
        prompt = len(tokenizer.encode(question["context"]))
        ours += prompt * products + seen * prompt**2 / 2
        for continuation in question["continuations"]:
            answer = len(tokenizer.encode(question["context"] + continuation)) - prompt
            length = prompt + answer - 1  # the last token is not fed
            theirs += length * (products + output) + seen * length**2 / 2
            ours += (answer - 1) * products + answer * output + seen * (length**2 - prompt**2) / 2
    return theirs / 1e12, ours / 1e12


def score(checkpoint, device, dtype):
    """The worker: answers a line [{"context", "continuations"}] as eval_worker.cc does."""
    import torch
    import transformers

    import hre.transformers

    model = transformers.AutoModelForCausalLM.from_pretrained(checkpoint, dtype=getattr(torch, dtype)).to(device)
    scorer = hre.transformers.Model(model, transformers.AutoTokenizer.from_pretrained(checkpoint), max_length=LONGEST)
    for line in sys.stdin:
        requests = json.loads(line)
        rows = [
            {"id": f"q/{i:06}", "question": request["question"], "answers": [{"text": text, "votes": 0} for text in request["answers"]]}
            for i, request in enumerate(requests)
        ]
        start = time.perf_counter()
        run = hre.evaluate(scorer, rows, shuffle=False, progress=False)
        seconds = time.perf_counter() - start
        answers = [
            {"n_tokens": answer["n_tokens"], "sum_log_prob": answer["sum_log_prob"]}
            for question in sorted(run.questions, key=lambda question: question["id"])
            for answer in question["answers"]
        ]
        print(json.dumps({"seconds": seconds, "answers": answers}), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("data")
    parser.add_argument("--lm-eval", default="1,8", metavar="BATCH,...")
    parser.add_argument("--questions", type=int, default=12)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--program", type=pathlib.Path, default=HERE.parent / "build" / "release" / "src" / "hre")
    arguments = parser.parse_args()

    questions = read_questions(arguments.program, arguments.data, arguments.questions)
    worker = f"import sys; sys.path.insert(0, {str(HERE)!r}); import eval_transformers; eval_transformers.score(*sys.argv[1:])"
    contenders = [Contender("hre.transformers.Model", [sys.executable, "-c", worker, arguments.model, arguments.device, arguments.dtype])]
    contenders += [
        Contender(
            f"lm-evaluation-harness hf, batch {batch}",
            [sys.executable, HERE / "eval_lm_harness.py", arguments.model, batch, arguments.dtype, arguments.device],
        )
        for batch in filter(None, arguments.lm_eval.split(","))
    ]
    warm_up = {"question": "?", "answers": ["Yes.", "No."], "context": "Question: ?\nAnswer:", "continuations": [" Yes.", " No."]}
    for contender in contenders:
        contender.score([warm_up])
    for i in range(arguments.repetitions):
        for contender in contenders[i % len(contenders) :] + contenders[: i % len(contenders)]:
            contender.score(questions)
        if i == 0 and arguments.dtype == "float32":
            for contender in contenders:
                largest_difference(contenders[0], contender, (1e-5, 2e-3))
        print(f"\r{i + 1} of {arguments.repetitions} rounds", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)

    theirs, ours = work(arguments.model, questions)
    tokens = sum(answer["n_tokens"] for answer in contenders[0].answers[1])
    print(
        f"{len(questions)} questions, {tokens} answer tokens, {arguments.dtype} on {arguments.device}, {arguments.repetitions} rounds; "
        f"work: {theirs:.2f} and {ours:.2f} Tflop, ratio {theirs / ours:.2f}"
    )
    print(f"{'median (range)':36}{'s a question':>24}{'CPU s a question':>18}{'peak MB':>9}{'hre is faster':>15}{'differs by':>14}")
    base = median(contenders[0].seconds[1:])
    for contender in contenders:
        wall, cpu = ([value / len(questions) for value in values[1:]] for values in (contender.seconds, contender.cpu_seconds))
        nats = largest_difference(contenders[0], contender, (1e-5, 2e-3) if arguments.dtype == "float32" else (1, 1e9))
        print(
            f"{contender.name:36}{f'{median(wall):.3f} ({min(wall):.3f}-{max(wall):.3f})':>24}{median(cpu):18.3f}{contender.end() / 1e6:9.0f}"
            f"{median(wall) * len(questions) / base:13.2f} x{nats:9.1e} nats"
        )


if __name__ == "__main__":
    main()
