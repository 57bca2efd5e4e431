#!/usr/bin/env python3
"""Paired bootstrap draws by hre and by numpy: 10,000 draws of 7,000 questions in 14 topics, 20 runs at once.

    python3 bench/stats_bench.py build/release/bench/bench_stats_bench [--draws N]      needs numpy

Checks first: hre's own draws made again from numpy's Philox, and the spread of both against the formula
(unbiased variance / n). Then prints the seconds of each, and the ratios. numpy does it in two ways: by taking the
drawn questions and averaging them, and by counting how often each was drawn and multiplying matrices (on as many cores
as its BLAS takes). Both draw each question once for all runs, as hre does.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time

import numpy as np

RUNS, TOPICS, OF_TOPIC, SEED, BOOTSTRAP = 20, 14, 500, 42, 1
QUESTIONS = TOPICS * OF_TOPIC


def hre(program, threads):
    with tempfile.TemporaryDirectory() as folder:
        command = [program, "--threads", str(threads), "--out", folder]
        line = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        values = np.fromfile(os.path.join(folder, "values.f64")).reshape(RUNS, QUESTIONS)
        deviations = np.fromfile(os.path.join(folder, "deviations.f64")).reshape(-1, RUNS)
    return float(line.split()[2]), values, deviations


def philox_indices(draw, topic):
    start = ((topic << 64 | draw << 128) - 1) % 2**256  # numpy counts up before it makes a block
    counter = np.array([start >> (64 * i) & (2**64 - 1) for i in range(4)], dtype=np.uint64)
    words = np.random.Philox(counter=counter, key=np.array([SEED, BOOTSTRAP], dtype=np.uint64)).random_raw(OF_TOPIC // 2)
    return (words.view(np.uint32).astype(np.uint64) * OF_TOPIC >> np.uint64(32)).astype(np.int64)


def influence(values):
    """[questions x runs]: stretched deviations from the topics' means, by their share of the micro mean."""
    topics = values.reshape(RUNS, TOPICS, OF_TOPIC)
    centred = topics - topics.mean(axis=2, keepdims=True)
    return (centred * np.sqrt(OF_TOPIC / (OF_TOPIC - 1)) / QUESTIONS).reshape(RUNS, QUESTIONS).T.copy()


def check(condition, what):
    if not condition:
        sys.exit(f"wrong: {what}")


def check_draws(rows, deviations):
    for draw in (0, 1, len(deviations) - 1):
        again = sum(rows[topic * OF_TOPIC + philox_indices(draw, topic)].sum(axis=0) for topic in range(TOPICS))
        check(np.allclose(again, deviations[draw], rtol=0, atol=1e-12), f"draw {draw} of hre is not Philox's")


def check_spread(rows, deviations, whose):
    expected = np.sqrt((rows**2).sum(axis=0))
    error = 4 / np.sqrt(2 * len(deviations))
    check(np.all(np.abs(deviations.std(axis=0) / expected - 1) < error), f"the spread of the draws of {whose}")


def by_taking(rng, rows, draws):
    starts = np.repeat(np.arange(TOPICS) * OF_TOPIC, OF_TOPIC)
    result = np.empty((draws, RUNS))
    for draw in range(draws):
        result[draw] = rows[starts + rng.integers(0, OF_TOPIC, QUESTIONS)].sum(axis=0)
    return result


def by_counting(rng, rows, draws, batch=100):
    starts = np.repeat(np.arange(TOPICS) * OF_TOPIC, OF_TOPIC)
    offsets = np.arange(batch)[:, None] * QUESTIONS
    result = np.empty((draws, RUNS))
    for first in range(0, draws, batch):
        drawn = offsets + starts + rng.integers(0, OF_TOPIC, (batch, QUESTIONS))
        counts = np.bincount(drawn.ravel(), minlength=batch * QUESTIONS).reshape(batch, QUESTIONS)
        result[first : first + batch] = counts.astype(np.float64) @ rows
    return result


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--draws", type=int, default=10000, help="numpy's draws; its time is scaled up to 10,000")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()

    ours, values, deviations = hre(arguments.program, arguments.threads)
    rows = influence(values)
    check_draws(rows, deviations)
    check_spread(rows, deviations, "hre")
    print(f"hre, {arguments.threads} threads             {ours:8.3f} s")
    for name, method in (("numpy, by counting", by_counting), ("numpy, by taking", by_taking)):
        rng = np.random.default_rng(7)
        start = time.perf_counter()
        theirs = method(rng, rows, arguments.draws)
        seconds = (time.perf_counter() - start) * len(deviations) / arguments.draws
        check_spread(rows, theirs, name)
        print(f"{name:<25} {seconds:8.3f} s   {seconds / ours:6.1f} times as long")


if __name__ == "__main__":
    main()
