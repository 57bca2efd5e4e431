#!/usr/bin/env python3
"""Trains the two language models that hre brings along, from nothing:

    tools/train/train.py --dumps FOLDER --out FOLDER [--smoke]

FOLDER of dumps has a folder a site, with Posts.xml. Written to --out: hre-base-q8_0.gguf and hre-tuned-q8_0.gguf
(and both in f32), held_out.jsonl (questions that neither model saw), and training.json (settings, the curve, values).
The base model learns posts as plain text; the tuned one goes on with question-answer pairs in the evaluation's own
prompt form, where an answer weighs the more the better people voted for it. Needs the packages of
requirements.txt beside this file; about an hour on two cores, --smoke a minute.
"""

import argparse
import json
import math
import pathlib
import random
import time

import numpy
import torch

import gguf_file
import model as lm
import posts

ABOUT = {
    "license": "CC-BY-SA-4.0",
    "license_link": "https://creativecommons.org/licenses/by-sa/4.0/",
    "author": "hre; trained on posts by contributors of Stack Exchange",
}


def settings(smoke):
    if smoke:
        return {
            "vocabulary": 512,
            "width": 32,
            "layers": 2,
            "heads": 2,
            "inner": 64,
            "base_steps": 20,
            "tuned_steps": 10,
            "window": 128,
            "batch": 4,
            "pairs": 4,
            "base_rate": 3e-3,
            "tuned_rate": 1e-3,
            "preference": 1.0,
            "evaluated": 5,
        }
    return {
        "vocabulary": 2048,
        "width": 128,
        "layers": 6,
        "heads": 4,
        "inner": 352,
        "base_steps": 1200,
        "tuned_steps": 400,
        "window": 512,
        "batch": 8,
        "pairs": 8,
        "base_rate": 3e-3,
        "tuned_rate": 4e-4,
        "preference": 1.0,
        "evaluated": None,
    }


class Log:
    """The curve of training, printed and kept."""

    def __init__(self):
        self.start, self.points = time.time(), []

    def add(self, stage, step, **numbers):
        point = {
            "stage": stage,
            "step": step,
            "seconds": round(time.time() - self.start, 1),
            **{name: round(value, 4) for name, value in numbers.items()},
        }
        self.points.append(point)
        print(json.dumps(point), flush=True)


def mean_value(model, tokenizer, rows):
    found = [value for value in lm.values(model, tokenizer, rows) if not math.isnan(value)]
    return float(numpy.mean(found)) if found else float("nan")


def train_base(model, tokenizer, texts, s, log):
    """Next-token prediction on windows of all posts, put one after another in random order, an epoch at a time."""
    end = tokenizer.token_to_id(lm.END)
    documents = [tokenizer.encode(text).ids + [end] for text in texts]
    optimizer, stream, average = lm.optimizer_of(model), [], None
    for step in range(s["base_steps"]):
        while len(stream) < s["batch"] * s["window"] + 1:
            random.shuffle(documents)
            stream += [end] + [token for document in documents for token in document]
        size = s["batch"] * s["window"]
        tokens = torch.tensor(stream[: size + 1])
        del stream[:size]
        inputs, targets = tokens[:-1].view(s["batch"], -1), tokens[1:].view(s["batch"], -1)
        logits = model(inputs).logits
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
        lm.update(model, optimizer, loss, lm.learning_rate(step, s["base_steps"], s["base_rate"]))
        average = loss.item() if average is None else 0.98 * average + 0.02 * loss.item()
        if step % 100 == 99:
            log.add("base", step + 1, loss=average)
    return sum(map(len, documents))


def weight_of(answer, question):
    """How much an answer counts: its rank among its question's answers, from 0.25 (the worst) to 1 (the best)."""
    below = sum(other.votes < answer.votes for other in question.answers)
    return 0.25 + 0.75 * (below + 1) / len(question.answers) if answer.votes > 0 else 0.1


def tuning_batches(questions, tokenizer, n_pairs):
    """Endless batches of questions, each with at most four answers: [(pair, weight, votes, characters)] a question."""
    usable = [question for question in questions if question.answers]
    while True:
        random.shuffle(usable)
        batch = []
        for question in usable:
            chosen = random.sample(question.answers, min(4, len(question.answers)))
            batch.append(
                [
                    (lm.encode_pair(tokenizer, question.text, answer.text), weight_of(answer, question), answer.votes, len(answer.text))
                    for answer in chosen
                ]
            )
            if sum(map(len, batch)) >= n_pairs:
                yield batch
                batch = []


def tuning_loss(model, batch, preference):
    """Weighted negative log-likelihood a token, and a logistic loss on pairs of answers of one question.

    The second term asks that of two answers the one with more votes has the larger score, the
    log-likelihood a character that the evaluation ranks by.
    """
    rows = [row for question in batch for row in question]
    sums = lm.answer_log_probs(model, [pair for pair, _, _, _ in rows])
    n_tokens = torch.tensor([float(pair[1]) for pair, _, _, _ in rows])
    weights = torch.tensor([weight for _, weight, _, _ in rows])
    likelihood = -(weights * sums).sum() / (weights * n_tokens).sum()
    scores = sums / torch.tensor([float(characters) for _, _, _, characters in rows])
    losses, at = [], 0
    for question in batch:
        own = scores[at : at + len(question)]
        at += len(question)
        for i in range(len(question)):
            for j in range(len(question)):
                if question[i][2] > question[j][2]:
                    losses.append(torch.nn.functional.softplus(-8 * (own[i] - own[j])))
    ranking = torch.stack(losses).mean() if losses else torch.zeros(())
    return likelihood + preference * ranking, likelihood.item(), ranking.item()


def train_tuned(model, tokenizer, questions, validation, s, log):
    optimizer = lm.optimizer_of(model, decay=0.01)
    batches, seen = tuning_batches(questions, tokenizer, s["pairs"]), []
    for step in range(s["tuned_steps"]):
        loss, likelihood, ranking = tuning_loss(model, next(batches), s["preference"])
        lm.update(model, optimizer, loss, lm.learning_rate(step, s["tuned_steps"], s["tuned_rate"]))
        seen = (seen + [(likelihood, ranking)])[-100:]
        if step % 100 == 99:
            log.add(
                "tuned",
                step + 1,
                loss=float(numpy.mean([x for x, _ in seen])),
                ranking=float(numpy.mean([y for _, y in seen])),
                validation=mean_value(model, tokenizer, validation),
            )


def save(out, name, description, model, tokenizer):
    for suffix, q8_0 in (("q8_0", True), ("f32", False)):
        gguf_file.write(
            str(out / f"{name}-{suffix}.gguf"), model, tokenizer, lm.END, ABOUT | {"name": name, "description": description}, q8_0
        )


def write_questions(path, rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dumps", required=True)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("--smoke", action="store_true", help="a tiny model and a few steps, to see that all of it runs")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--tune", type=pathlib.Path, metavar="BASE.pt", help="start from this base model's checkpoint")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    random.seed(args.seed)
    torch.manual_seed(args.seed)
    s, log = settings(args.smoke), Log()
    args.out.mkdir(parents=True, exist_ok=True)

    questions = posts.read_questions(args.dumps)
    train, n_questions, n_answers = posts.without_overlap(questions)
    held_out = posts.json_lines(questions, "held_out")
    validation = posts.json_lines(questions, "validation", 3)[: s["evaluated"]]
    write_questions(args.out / "held_out.jsonl", held_out)
    texts = [text for question in train for text in posts.texts_of(question)]
    tokenizer = lm.train_tokenizer(texts, s["vocabulary"])
    model = lm.make_model(tokenizer, s["width"], s["layers"], s["heads"], s["inner"])
    facts = {
        "seed": args.seed,
        "settings": s,
        "parameters": sum(p.numel() for p in model.parameters()),
        "train_questions": len(train),
        "train_answers": sum(len(q.answers) for q in train),
        "left_out_for_overlap": {"questions": n_questions, "answers": n_answers},
        "held_out_questions": len(held_out),
        "validation_questions": len(validation),
    }
    print(json.dumps(facts), flush=True)

    if args.tune:
        model.load_state_dict(torch.load(args.tune))
    else:
        facts["train_tokens"] = train_base(model, tokenizer, texts, s, log)
        torch.save(model.state_dict(), args.out / "base.pt")
        save(args.out, "hre-base", "A small language model of Stack Exchange posts", model, tokenizer)
    facts["base"] = {"validation": mean_value(model, tokenizer, validation)}
    log.add("base", s["base_steps"], validation=facts["base"]["validation"])
    train_tuned(model, tokenizer, train, validation, s, log)
    save(args.out, "hre-tuned", "hre-base, continued on questions with answers weighted by their votes", model, tokenizer)
    facts["curve"] = log.points
    (args.out / "training.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
