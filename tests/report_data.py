"""Runs made up for tests of reports, in format hre-run/1: any number of questions and models, tokens, hostile texts."""

import json
import random

HOSTILE = [
    "<script>window.hacked = 1</script>",
    "</script><script>window.hacked = 2</script>",
    '<img src=x onerror="window.hacked = 3">',
    '<a href="javascript:window.hacked=4">here</a> [here](javascript:window.hacked=5)',
    "<svg onload=window.hacked=6><style>*{display:none}</style>",
    "\u202egnp.exe\u202c \u2066isolated\u2069 zero\u200bwidth \x1b[31mred\x1b[0m \x07",
    "W" * 100_000,
    "{{data}} {{script}} ${window.hacked=7} `window.hacked=8` ' \" & \\ \u2028",
]


def write_dataset(path, questions):
    """JSON lines of [(topic, text, [(answer, votes), ...]), ...]."""
    with open(path, "w", encoding="utf-8") as file:
        for topic, text, answers in questions:
            json.dump({"topic": topic, "question": text, "answers": [{"text": t, "votes": v} for t, v in answers]}, file)
            file.write("\n")


def hostile_questions():
    """Every hostile text as a question and as an answer, in a topic with a hostile name."""
    topics = ["a<b>&\"'</script>", "plain"]
    return [
        (topics[i % 2], text, [(text, 3), ("An answer.", 2), (HOSTILE[(i + 1) % len(HOSTILE)], 1), ("Another one, longer.", 0)])
        for i, text in enumerate(HOSTILE)
    ]


def many_questions(count, topics, seed):
    """Texts of some hundred characters, as real ones have."""
    rng = random.Random(seed)
    words = [("".join(rng.choices("etaoinshrdlu", k=rng.randint(2, 9)))) for _ in range(4000)]
    text = lambda low, high: " ".join(rng.choices(words, k=rng.randint(low, high)))
    return [
        (f"topic_{i * topics // count:02}", text(40, 160), [(text(30, 120), rng.randint(-3, 90)) for _ in range(4)]) for i in range(count)
    ]


def other_model(run, name, seed, spread=0.05):
    """The same run as another model might have made it: scores moved at random, values left to be computed from them."""
    rng = random.Random(seed)
    moved = json.loads(json.dumps(run))
    moved["model"].update(
        {
            "name": name,
            "source": name + ".gguf",
            "fingerprint": f"{seed:032x}",
            "architecture": "llama",
            "parameters": 10**8 * (seed + 1),
            "file_type": "F32",
        }
    )
    moved["config"]["score"] = "sum_log_prob / n_chars"
    for question in moved["questions"]:
        for answer in question["answers"]:
            answer["score"] += rng.gauss(0, spread)
            answer["sum_log_prob"] = answer["score"] * answer["n_chars"]
        for name in ("spearman", "kendall", "pairwise_accuracy"):
            question.pop(name, None)
        if len(question["answers"]) > 1:
            question["pearson"] = pearson([a["votes"] for a in question["answers"]], [a["score"] for a in question["answers"]])
    return moved


def pearson(x, y):
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    xy = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y))
    xx, yy = sum((a - mean_x) ** 2 for a in x), sum((b - mean_y) ** 2 for b in y)
    return xy / (xx * yy) ** 0.5 if xx > 0 and yy > 0 else None


def with_tokens(run, texts, seed, longest=6):
    """Gives every answer tokens that spell " " + its text. `texts`: [(topic, id)] -> answers' texts."""
    rng = random.Random(seed)
    for question in run["questions"]:
        for answer, text in zip(question["answers"], texts[question["topic"], question["id"]]):
            parts, rest = [], " " + text
            while rest:
                size = rng.randint(1, longest)
                parts.append(rest[:size])
                rest = rest[size:]
            answer["token_texts"] = parts
            shares = [max(0.001, rng.expovariate(0.5)) for _ in parts]
            answer["token_log_probs"] = [answer["sum_log_prob"] * share / sum(shares) for share in shares]
            answer["n_tokens"] = len(parts)
    return run
