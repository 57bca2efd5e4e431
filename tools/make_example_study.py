#!/usr/bin/env python3
"""Writes an example of hre-study/1 with made-up numbers, for tests and the gallery of figures.

    tools/make_example_study.py > tests/data/report/study.json

Only the fields that hre report reads are there. The numbers are drawn at random (seed 7) around a value that grows
with size and with tuning; they say nothing of real models.
"""

import json
import math
import random

TOPICS = [
    "apple_android",
    "cpp",
    "cs_db",
    "english",
    "html",
    "java",
    "languages_sciences",
    "latex",
    "math",
    "physics",
    "python",
    "soft_eng",
    "stats",
    "unix",
]
SIZES = {"Pythia": [70e6, 410e6, 1.4e9, 6.9e9], "StarCoder": [1e9, 3e9, 15e9]}
QUESTIONS = 500


def estimate(rng, mean, n):
    stderr = 0.55 / math.sqrt(n)
    value = mean + rng.gauss(0, stderr)
    return {
        "n": n,
        "undefined": 0,
        "mean": round(value, 5),
        "stderr": round(stderr, 5),
        "ci95": [round(value - 1.96 * stderr, 5), round(value + 1.96 * stderr, 5)],
    }


def member(rng, family, size, stage):
    mean = 0.06 + 0.018 * math.log2(size / 70e6) / 1.5 + (0.03 if stage == "tuned" else 0)
    label = f"{size / 1e9:g}B" if size >= 1e9 else f"{size / 1e6:g}M"
    micro = {name: estimate(rng, mean * scale, QUESTIONS * len(TOPICS)) for name, scale in (("pearson", 1), ("spearman", 0.93))}
    return {
        "name": f"{family}-{label}" + ("-tuned" if stage == "tuned" else ""),
        "family": family,
        "size": size,
        "stage": stage,
        "micro": micro,
        "topics": {topic: estimate(rng, mean + rng.gauss(0, 0.02), QUESTIONS) for topic in TOPICS},
    }


def pearson(pairs):
    n = len(pairs)
    mean_x, mean_y = sum(x for x, _ in pairs) / n, sum(y for _, y in pairs) / n
    xy = sum((x - mean_x) * (y - mean_y) for x, y in pairs)
    return xy / math.sqrt(sum((x - mean_x) ** 2 for x, _ in pairs) * sum((y - mean_y) ** 2 for _, y in pairs))


def line(pairs):
    """The least-squares line of the value on the judgement, as hre study writes it."""
    n = len(pairs)
    mean_x, mean_y = sum(x for _, x in pairs) / n, sum(y for y, _ in pairs) / n
    sum_xx = sum((x - mean_x) ** 2 for _, x in pairs)
    slope = sum((x - mean_x) * (y - mean_y) for y, x in pairs) / sum_xx
    residuals = sum((y - mean_y - slope * (x - mean_x)) ** 2 for y, x in pairs)
    return {
        "intercept": mean_y - slope * mean_x,
        "slope": slope,
        "mean_x": mean_x,
        "sum_xx": sum_xx,
        "error": math.sqrt(residuals / (n - 2)),
        "n": n,
    }


def both(a, b):
    return [(x, y) for x, y in zip(a, b) if x is not None and y is not None]


def main():
    rng = random.Random(7)
    runs = [member(rng, family, size, stage) for family, sizes in SIZES.items() for size in sizes for stage in ("pretrained", "tuned")]
    by_ranks = random.Random(8)
    for run in runs:
        run["topics_spearman"] = {topic: estimate(by_ranks, 0.93 * e["mean"], QUESTIONS) for topic, e in run["topics"].items()}
    values = [run["micro"]["pearson"]["mean"] for run in runs]
    judged = {
        "Arena Elo rating": [round(700 + 2600 * v + rng.gauss(0, 25)) for v in values],
        "MT-bench (score)": [round(1 + 38 * v + rng.gauss(0, 0.4), 2) for v in values],
        "MMLU": [round(0.22 + 1.4 * v + rng.gauss(0, 0.03), 3) for v in values],
    }
    judged["MMLU"][1] = None
    columns = {"pearson": values, **judged}
    study = {
        "format": "hre-study/1",
        "name": "Made-up example",
        "metric": "pearson",
        "topics": TOPICS,
        "runs": runs,
        "judgements": [{"name": name, "values": column} for name, column in judged.items()],
        "agreement": [
            {
                "judgement": name,
                "kind": "pearson",
                "n": len(both(values, column)),
                "value": round(pearson(both(values, column)), 4),
                "p": 0.001,
                "bootstrap95": None,
                "line": line(both(values, column)),
            }
            for name, column in judged.items()
        ],
        "matrix": {
            "columns": list(columns),
            "pearson": [
                [{"value": round(pearson(both(a, b)), 4), "n": len(both(a, b))} for b in columns.values()] for a in columns.values()
            ],
        },
    }
    print(json.dumps(study))


if __name__ == "__main__":
    main()
