#!/usr/bin/env python3
"""Writes the tables that the tests of src/stats compare with: tests/data/stats/*.tsv.

    python3 tools/make_stats_table.py [TABLE...]      needs numpy, scipy

Expected values come from scipy, or from the definition in exact arithmetic where scipy's own rounding would show
(huge offsets); both are computed and must agree before a row is written. The same numbers come out every time.
Fields are separated by tabs, numbers in a list by spaces; '-' is an undefined number.
"""
import decimal
import fractions
import itertools
import math
import pathlib
import sys
import warnings

import numpy as np
from scipy import stats

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "stats"
decimal.getcontext().prec = 60


def number(value):
    return "-" if value is None else repr(float(value))


def numbers(values):
    return " ".join(number(v) for v in values)


def write(name, columns, rows):
    OUT.mkdir(parents=True, exist_ok=True)
    lines = ["\t".join(columns)] + ["\t".join(row) for row in rows]
    (OUT / f"{name}.tsv").write_text("\n".join(lines) + "\n")
    print(f"{name}.tsv: {len(rows)} cases")


# --- correlation -----------------------------------------------------------------------------------------------


def exact_pearson(x, y):
    """The definition, in rational numbers and a 60-digit root."""
    x, y = [fractions.Fraction(v) for v in x], [fractions.Fraction(v) for v in y]
    mx, my = sum(x) / len(x), sum(y) / len(y)
    sxy = sum((a - mx) * (b - my) for a, b in zip(x, y))
    product = sum((a - mx) ** 2 for a in x) * sum((b - my) ** 2 for b in y)
    as_decimal = lambda f: decimal.Decimal(f.numerator) / decimal.Decimal(f.denominator)
    return float(as_decimal(sxy) / as_decimal(product).sqrt())


def agree(ours, scipys, tolerance, what):
    if abs(ours - scipys) > tolerance:
        raise SystemExit(f"{what}: {ours} by the definition, {scipys} by scipy")


def pairwise_accuracy(votes, scores):
    points = [0.5 if a == b else float((a > b) == (v > w))
              for (v, a), (w, b) in itertools.combinations(zip(votes, scores), 2) if v != w]
    return sum(points) / len(points)


def expected_correlations(family, votes, scores):
    """pearson, spearman, kendall, pairwise accuracy."""
    if len(votes) < 2 or not all(map(math.isfinite, [*votes, *scores])) or len(set(votes)) == 1:
        return [None] * 4
    if len(set(scores)) == 1 or family == "equal_but_for_rounding":
        return [None] * 3 + [0.5]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pearson = exact_pearson(votes, scores)
        if family not in ("huge_offset", "extreme_scale"):
            agree(pearson, stats.pearsonr(votes, scores).statistic, 1e-11, f"pearson {votes} {scores}")
        spearman = exact_pearson(stats.rankdata(votes), stats.rankdata(scores))
        agree(spearman, stats.spearmanr(votes, scores).statistic, 1e-12, "spearman")
        accuracy = pairwise_accuracy(votes, scores)
        agree(accuracy, (1 + stats.somersd(votes, scores).statistic) / 2 if len(set(votes)) > 1 else 0.5, 1e-12,
              "pairwise accuracy")
        return [pearson, spearman, stats.kendalltau(votes, scores).statistic, accuracy]


def rounding_variants(rng, n):
    """One number by n ways of computing it, which differ in their last digits."""
    value = rng.uniform(0.1, 5)
    divisors = rng.choice(np.arange(3, 2000), n, replace=False)
    ways = [value * float(d) / float(d) if i % 2 else value / float(d) * float(d) for i, d in enumerate(divisors)]
    ways[0], ways[1] = value, math.nextafter(value, 9)
    return [-w for w in ways]


def correlation_cases():
    rng = np.random.default_rng(20240601)
    yield "empty", [], []
    for n in (1, 2, 3):
        for _ in range(12):
            yield f"n_{n}", rng.integers(-2, 5, n), rng.integers(-2, 5, n)
            yield f"n_{n}", rng.normal(size=n), rng.normal(size=n)
    for _ in range(60):  # as the published data: four answers, skewed votes, log-likelihoods a character
        yield "four_answers", np.floor(rng.exponential(20, 4)) - 2, -rng.gamma(9, 0.08, 4)
    for n in (4, 5, 7, 30, 200):
        for _ in range(6):
            yield "many_ties", rng.integers(0, 3, n), rng.integers(0, 4, n)
            yield "no_ties", rng.normal(size=n), rng.normal(size=n)
            x = rng.normal(size=n)
            yield "strong", x, x + 1e-3 * rng.normal(size=n)
    for n in (2, 4, 9):
        x = np.arange(n) * 1.1
        yield "perfect", x, 3 * x - 2
        yield "perfect", x, -0.1 * x
        yield "perfect_ranks", x, np.exp(x)
    for n in (2, 4, 10):
        yield "constant_votes", np.full(n, 7.0), rng.normal(size=n)
        yield "constant_scores", rng.permutation(n), np.full(n, -0.3)
        yield "constant_both", np.zeros(n), np.full(n, 1e300)
        yield "constant_zero", rng.permutation(n), np.array([0.0, -0.0] * (n // 2))
    for n in (2, 3, 4, 8):
        for _ in range(5):
            yield "equal_but_for_rounding", rng.permutation(n), rounding_variants(rng, n)
    yield "equal_but_for_rounding", [1, 2, 3], [0.1 + 0.2, 0.3, 0.3]
    for offset in (1e6, 1e9, 1e12, 1e15, -1e15):
        for _ in range(4):
            yield "huge_offset", offset + rng.permutation(5), rng.normal(size=5)
            yield "huge_offset", rng.permutation(5), offset + rng.integers(0, 64, 5)
            yield "huge_offset", offset + rng.permutation(9), -offset + rng.permutation(9)
    for scale in (1e-320, 1e-300, 1e-160, 1e160, 1e307):
        for _ in range(3):
            yield "extreme_scale", rng.integers(-9, 10, 5) * scale, rng.normal(size=5)
            yield "extreme_scale", rng.integers(-9, 10, 5) * scale, rng.integers(1, 17, 5) / max(scale, 1e-300)
    for bad in (math.inf, -math.inf, math.nan):
        for n in (1, 2, 4):
            x, y = rng.normal(size=n), rng.normal(size=n)
            yield "not_finite", [bad, *x[1:]], y
            yield "not_finite", x, [*y[1:], bad]
        yield "not_finite", [bad] * 3, [bad] * 3


def make_correlation():
    rows = []
    for family, votes, scores in correlation_cases():
        votes, scores = [float(v) for v in votes], [float(s) for s in scores]
        expected = expected_correlations(family, votes, scores)
        rows.append([family, numbers(votes), numbers(scores), *map(number, expected)])
    write("correlation", ["family", "votes", "scores", "pearson", "spearman", "kendall", "pairwise_accuracy"], rows)


# --- summary ---------------------------------------------------------------------------------------------------


def t_interval(mean, error, df):
    return stats.t.interval(0.95, df, loc=mean, scale=error) if error > 0 else (mean, mean)


def expected_mean(values):
    """n, mean, stderr, low, high"""
    if len(values) == 0:
        return [0, None, None, None, None]
    if len(values) == 1:
        return [1, values[0], None, None, None]
    error = stats.sem(values)
    return [len(values), np.mean(values), error, *t_interval(np.mean(values), error, len(values) - 1)]


def expected_macro(topics):
    topics = [t for t in topics if len(t)]
    if not topics:
        return [0, None, None, None, None]
    mean = np.mean([np.mean(t) for t in topics])
    if any(len(t) < 2 for t in topics):
        return [len(topics), mean, None, None, None]
    variances = np.array([stats.sem(t) ** 2 for t in topics])
    error = math.sqrt(variances.sum()) / len(topics)
    df = variances.sum() ** 2 / sum(v * v / (len(t) - 1) for v, t in zip(variances, topics)) if error else 1
    return [len(topics), mean, error, *t_interval(mean, error, df)]


def summary_cases():
    rng = np.random.default_rng(20240602)
    yield [[]]
    yield [[0.25]]
    yield [[0.5, 0.5, 0.5]]
    yield [[0.5, 0.5], [0.25, 0.25, 0.25]]
    yield [[0.1, 0.4], [], [0.7]]
    yield [[], []]
    yield [[1e9 + v for v in (0.25, 0.5, 0.75, 1.5)]]
    for shape in ([2], [3], [30], [100], [500], [2, 2], [2, 30], [5, 0, 9], [1, 8, 8], [500] * 3, [4] * 14, [3, 50, 200]):
        for _ in range(3):
            yield [np.tanh(rng.normal(0.1, 0.9, n)) for n in shape]


def make_summary():
    """A case is one line a topic, then its micro and its macro mean; a topic without values is '-'."""
    rows = []
    for case, topics in enumerate(summary_cases()):
        topics = [[float(v) for v in t] for t in topics]
        expected = [(f"topic_{i:02}", t, expected_mean(t)) for i, t in enumerate(topics)]
        pooled = [v for t in topics for v in t]
        expected += [("micro", [], expected_mean(pooled)), ("macro", [], expected_macro(topics))]
        for name, values, (n, *estimate) in expected:
            rows.append([str(case), name, numbers(values), str(n), *map(number, estimate)])
    write("summary", ["case", "row", "values", "n", "mean", "stderr", "ci_low", "ci_high"], rows)


TABLES = {"correlation": make_correlation, "summary": make_summary}


def main():
    for name in sys.argv[1:] or TABLES:
        if name not in TABLES:
            raise SystemExit(f"no table {name}: {', '.join(TABLES)}")
        TABLES[name]()


if __name__ == "__main__":
    main()
