#!/usr/bin/env python3
"""Writes the tables that the tests of src/stats compare with: tests/data/stats/*.tsv.

    python3 tools/make_stats_table.py [TABLE...]      needs numpy, scipy, statsmodels, scikit-learn

Expected values come from these packages, or from the definition by brute force (in exact arithmetic where scipy's own
rounding would show); where there are both, they must agree before a row is written. Random draws are made anew here from
numpy's Philox generator and the formulas in the headers of src/stats. The same numbers come out every time.
Fields are separated by tabs, numbers in a list by spaces, lists in a list by ';'; '-' is an undefined number.
"""

import csv
import decimal
import fractions
import functools
import itertools
import math
import os
import pathlib
import sys
import warnings

import numpy as np
from scipy import integrate, optimize, stats
from sklearn import metrics
import statsmodels.api as sm
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower
from statsmodels.stats.proportion import proportion_confint

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "stats"
decimal.getcontext().prec = 60


def number(value):
    return "-" if value is None else repr(float(value))


def numbers(values):
    return " ".join(number(v) for v in values)


def lists(values):
    return ";".join(numbers(v) for v in values)


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
    if not abs(ours - scipys) <= tolerance:
        raise SystemExit(f"{what}: {ours} by the definition, {scipys} by scipy")


def pairwise_accuracy(votes, scores):
    points = [0.5 if a == b else float((a > b) == (v > w)) for (v, a), (w, b) in itertools.combinations(zip(votes, scores), 2) if v != w]
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
        agree(accuracy, (1 + stats.somersd(votes, scores).statistic) / 2 if len(set(votes)) > 1 else 0.5, 1e-12, "pairwise accuracy")
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


FEWEST = 30  # of values of one topic, for Student's interval


def planned_df(shares):
    """Satterthwaite's degrees of freedom of strata of equal variance, from each stratum's questions' shares of the mean."""
    if any(len(s) < 2 for s in shares):
        return 0
    parts = [sum(w * w for w in s) for s in shares]
    return sum(parts) ** 2 / sum(v * v / (len(s) - 1) for v, s in zip(parts, shares))


def t_interval(mean, error, df):
    """Nothing where values are equal: they tell nothing of their spread."""
    return stats.t.interval(0.95, df, loc=mean, scale=error) if error > 0 else (None, None)


def exact_interval(values):
    """Clopper and Pearson's, of values that are -1 or 1."""
    k, n = int(np.sum(np.array(values) == 1)), len(values)
    return [2 * p - 1 for p in proportion_confint(k, n, method="beta")]


def expected_mean(values):
    """n, mean, stderr, low, high"""
    if len(values) == 0:
        return [0, None, None, None, None]
    if len(values) == 1:
        return [1, values[0], None, None, None]
    near = np.array(values) - values[0]  # exact under an offset, where scipy's own mean is rounded
    error, mean = stats.sem(near), values[0] + np.mean(near)
    if all(abs(v) == 1 for v in values):
        return [len(values), mean, error, *exact_interval(values)]
    return [len(values), mean, error, *(t_interval(mean, error, len(values) - 1) if len(values) >= FEWEST else (None, None))]


def expected_macro(topics):
    topics = [t for t in topics if len(t)]
    if not topics:
        return [0, None, None, None, None]
    near = [np.array(t) - topics[0][0] for t in topics]
    mean = topics[0][0] + np.mean([np.mean(t) for t in near])
    singles = [t[0] for t in topics if len(t) == 1]  # one stratum together
    if len(singles) == 1:
        return [len(topics), mean, None, None, None]
    strata = [(stats.sem(np.array(t) - t[0]) ** 2, len(t) - 1) for t in topics if len(t) > 1]
    if singles:
        strata.append((len(singles) * np.var(np.array(singles) - singles[0], ddof=1), len(singles) - 1))
    total = sum(v for v, _ in strata)
    error = math.sqrt(total) / len(topics)
    shares = [[1 / len(t)] * len(t) for t in topics if len(t) > 1] + ([[1] * len(singles)] if singles else [])
    if planned_df(shares) < FEWEST - 1 - 1e-9:
        return [len(topics), mean, error, None, None]
    df = total**2 / sum(v * v / df for v, df in strata) if error else 1
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
            yield [np.round(np.tanh(rng.normal(0.1, 0.9, n)), 6) for n in shape]
    for shape in ([1], [2], [3], [4], [2, 3], [1, 1], [3, 1, 2]):
        for offset in (0, 1e6, -1e12):
            yield [offset + rng.integers(-2, 3, n) * 0.25 for n in shape]  # ties
            yield [np.full(n, offset + 0.5) for n in shape]


def make_summary():
    """A case is one line per topic, then its micro and its macro mean; a topic without values is '-'."""
    rows = []
    for case, topics in enumerate(summary_cases()):
        topics = [[float(v) for v in t] for t in topics]
        expected = [(f"topic_{i:02}", t, expected_mean(t)) for i, t in enumerate(topics)]
        pooled = [v for t in topics for v in t]
        expected += [("micro", [], expected_mean(pooled)), ("macro", [], expected_macro(topics))]
        for name, values, (n, *estimate) in expected:
            rows.append([str(case), name, numbers(values), str(n), *map(number, estimate)])
    write("summary", ["case", "row", "values", "n", "mean", "stderr", "ci_low", "ci_high"], rows)


# --- random numbers ----------------------------------------------------------------------------------------------

BOOTSTRAP, SIGN_FLIPS = 1, 2
MASK = 2**64 - 1


def philox_words(counter, key, n):
    """Words of the blocks from `counter` on. numpy counts up before it makes a block."""
    start = (sum(word << (64 * i) for i, word in enumerate(counter)) - 1) % 2**256
    counter = np.array([start >> (64 * i) & MASK for i in range(4)], dtype=np.uint64)
    generator = np.random.Philox(counter=counter, key=np.array(key, dtype=np.uint64))
    return [int(w) for w in generator.random_raw(n)]


def stream(seed, purpose, major, minor, n):
    return philox_words([0, minor, major, 0], [seed, purpose], n)


def below(words, n):
    return [w * n >> 64 for w in words]


def make_philox():
    rng = np.random.default_rng(20240603)
    rows = []
    for case in range(200):
        counter = [int(w) for w in rng.integers(0, 2**64, 4, dtype=np.uint64)]
        key = [int(w) for w in rng.integers(0, 2**64, 2, dtype=np.uint64)]
        if case < 3:
            counter, key = [[0] * 4, [MASK] * 4, [1, 0, 0, 0]][case], [[0, 0], [MASK, MASK], [0, 1]][case]
        words = philox_words(counter, key, 4)
        rows.append([" ".join(map(str, part)) for part in (counter, key, words)])
    write("philox", ["counter", "key", "words"], rows)


# --- bootstrap ---------------------------------------------------------------------------------------------------


def values_with_shape(rng, n):
    """Correlations of four answers: spread over all of [-1, 1], with a few at its ends."""
    return np.round(np.tanh(rng.normal(0.2, 1.2, n)), 6)


def bca(draws, value, accel, critical):
    """Efron's interval, as scipy.stats.bootstrap has it."""
    equal = 1e-12 * np.max(np.abs(draws - value))  # but for rounding
    share = (np.sum(draws < value - equal) + np.sum(draws <= value + equal)) / (2 * len(draws))
    z0 = stats.norm.ppf(share)
    levels = [stats.norm.cdf(z0 + (z0 + z) / (1 - accel * (z0 + z))) for z in (-critical, critical)]
    return np.percentile(draws, 100 * np.array(levels))


def jackknife_acceleration(values):
    pull = np.mean(values) - values
    return np.sum(pull**3) / (6 * np.sum(pull**2) ** 1.5)


def make_bca():
    rng = np.random.default_rng(20240604)
    rows = []
    for n, kind in [(n, kind) for n in (2, 3, 4, 8, 32) for kind in range(6) for _ in range(7)]:
        x = values_with_shape(rng, n) if kind % 2 else rng.exponential(size=n) + 1e6 * (kind == 4)
        # Multiples of powers of two, whose means are exact: scipy takes draws for different that differ by rounding.
        x = np.round(x * (8 if kind == 3 else 1024)) / (8 if kind == 3 else 1024)
        draws = np.array([np.mean(rng.choice(x, n)) for _ in range(59)])
        theirs = stats.bootstrap(
            (x,), np.mean, n_resamples=0, method="BCa", bootstrap_result=type("R", (), {"bootstrap_distribution": draws})()
        )
        interval = list(theirs.confidence_interval)
        accel = jackknife_acceleration(-x)  # scipy's sign: mean of the jackknife values less each
        for a, b in zip(bca(draws, np.mean(x), accel, stats.norm.ppf(0.975)), interval):
            agree(a, b, 1e-9, "BCa")
        rows.append([numbers(x), numbers(draws), number(np.mean(x)), number(accel), *map(number, interval)])
    write("bca", ["values", "draws", "value", "acceleration", "ci_low", "ci_high"], rows)


def strata_of(topics, weights):
    """(number, positions in the flat list) of each stratum: topics of one question are one together, at the first's place.
    A single one joins the smallest other topic where questions weigh the same."""
    begins = np.cumsum([0] + [len(t) for t in topics])
    strata = [(i, list(range(begins[i], begins[i + 1]))) for i, t in enumerate(topics) if len(t) > 1]
    single = [i for i, t in enumerate(topics) if len(t) == 1]
    if len(single) == 1 and strata and weights == "questions":
        smallest = min(strata, key=lambda s: len(s[1]))
        smallest[1].append(begins[single[0]])
    elif single:
        strata = sorted(strata + [(single[0], [begins[i] for i in single])])
    return strata


def stretched(topics, weights):
    """Of each stratum: the deviations of its questions from its mean, times their shares of the whole mean."""
    flat = np.concatenate(topics)
    shares = np.concatenate([np.full(len(t), w) for t, w in zip(topics, shares_of(topics, weights))])
    pulls = []
    for _, places in strata_of(topics, weights):
        x = flat[places] - flat[places[0]]  # exact under an offset
        factor = math.sqrt(len(x) / (len(x) - 1)) if len(x) > 1 else 0
        pulls.append((x - np.mean(x)) * factor * shares[places])
    return pulls


def shares_of(topics, weights):
    if weights == "questions":
        return [1 / sum(map(len, topics)) for _ in topics]
    return [1 / (len(topics) * len(t)) for t in topics]


def topic_indices(seed, draw, topic, n):
    words = stream(seed, BOOTSTRAP, draw, topic, (n + 1) // 2)
    halves = [half for w in words for half in (w & 0xFFFFFFFF, w >> 32)]
    return [h * n >> 32 for h in halves[:n]]


def draw_deviations(topics, weights, seed, n_draws):
    pulls, strata = stretched(topics, weights), strata_of(topics, weights)
    return np.array([sum(np.sum(p[topic_indices(seed, d, t, len(p))]) for (t, _), p in zip(strata, pulls)) for d in range(n_draws)])


def welch_df(pulls):
    variances = [np.sum(p**2) for p in pulls]
    bottom = sum(v * v / (len(p) - 1) for v, p in zip(variances, pulls) if len(p) > 1)
    return sum(variances) ** 2 / bottom


def stratified_interval(topics, weights, seed, n_draws):
    mean = sum(np.sum(t) * w for t, w in zip(topics, shares_of(topics, weights)))
    pulls = stretched(topics, weights)
    deviations = draw_deviations(topics, weights, seed, n_draws)
    flat_shares = np.repeat(shares_of(topics, weights), [len(t) for t in topics])
    planned = planned_df([flat_shares[places] for _, places in strata_of(topics, weights)])
    if planned < FEWEST - 1 - 1e-9 or welch_df(pulls) < 19 - 1e-9:
        return mean, deviations, (None, None)
    flat = np.concatenate(pulls)
    accel = np.sum(flat**3) / (6 * np.sum(flat**2) ** 1.5)
    return mean, deviations, mean + bca(deviations, 0.0, accel, stats.t.ppf(0.975, welch_df(pulls)))


def make_bootstrap():
    rng = np.random.default_rng(20240605)
    rows = []
    shapes = [[2], [10], [15], [30], [2, 2], [13, 17, 1], [2, 1, 1], [20, 20, 20], [4, 9, 30, 2], [6, 6, 6, 6, 6], [101]]
    for case, sizes in enumerate(shapes * 10):
        for weights in ("questions", "topics"):
            seed = int(rng.integers(0, 2**63))
            values = [values_with_shape(rng, n) + (1e6 if case % 7 == 5 else 0) for n in sizes]
            if case % 5 == 3:  # ties
                values = [np.round(v * 2) / 2 for v in values]
            if case % 11 == 9:  # a topic without spread
                values[0] = np.full(sizes[0], 0.25)
            if sum(np.ptp(v) for v in values) == 0:
                continue
            mean, deviations, interval = stratified_interval(values, weights, seed, 60)
            rows.append([lists(values), weights, str(seed), "60", number(mean), numbers(deviations[:2]), *map(number, interval)])
    write("bootstrap", ["values", "weights", "seed", "draws", "mean", "deviations", "ci_low", "ci_high"], rows)


# --- clusters ----------------------------------------------------------------------------------------------------


def make_clusters():
    """Statsmodels' cluster-robust error of a mean, and, where a value is in several clusters, the definition's sum."""
    rng = np.random.default_rng(20240620)
    rows = []
    for case in range(200):
        n, g = int(rng.integers(4, 60)), int(rng.integers(2, 12))
        labels = [[int(rng.integers(0, g))] for _ in range(n)]
        labels[0], labels[1] = [0], [1]
        several = case % 4 == 3
        if several:
            labels = [sorted(set(one + [int(rng.integers(0, g))])) for one in labels]
        x = values_with_shape(rng, n) + np.array([0.3 * one[0] for one in labels]) + (1e6 if case % 7 == 5 else 0)
        groups = sorted({label for one in labels for label in one})
        sizes = np.array([sum(label in one for one in labels) for label in groups])
        e, k = x - np.mean(x), len(groups)
        if several:
            pairs = [(i, j) for i in range(n) for j in range(n) if i == j or set(labels[i]) & set(labels[j])]
            variance, effective = sum(e[i] * e[j] for i, j in pairs), n**2 / len(pairs)
            error = math.sqrt(effective / (effective - 1) * variance) / n if variance > 0 and effective > 1 else None
        else:
            fit = sm.OLS(e, np.ones(n)).fit(cov_type="cluster", cov_kwds={"groups": [one[0] for one in labels]})
            error = float(fit.bse[0])
            effective = n**2 / (sizes**2).sum()
        low, high = (None, None)
        if error is not None and effective >= 5:
            low, high = t_interval(np.mean(x), error, effective - 1)
        rows.append(
            [
                numbers(x),
                ";".join(" ".join(map(str, one)) for one in labels),
                str(k),
                number(effective),
                number(error),
                number(low),
                number(high),
            ]
        )
    write("clusters", ["values", "labels", "clusters", "effective", "stderr", "ci_low", "ci_high"], rows)


def make_cluster_bootstrap():
    """BCa intervals of the clusters' sums, drawn with the documented random numbers."""
    rng = np.random.default_rng(20240702)
    rows = []
    for case in range(24):
        k = int(rng.integers(24, 60))
        labels = np.repeat(np.arange(k), 2 if case % 2 else rng.integers(2, 4, k))
        x = np.round(rng.normal(size=len(labels)) + rng.exponential(size=k)[labels], 4)
        sizes = np.bincount(labels)
        effective = len(x) ** 2 / np.sum(sizes.astype(float) ** 2)
        pulls = np.mean(x) + k * np.array([np.sum(x[labels == c] - np.mean(x)) for c in range(k)]) / len(x)
        interval = stratified_interval([pulls], "questions", case, 200)[2] if effective >= 20 else (None, None)
        rows.append([numbers(x), " ".join(map(str, labels)), str(case), *map(number, interval)])
    write("cluster_bootstrap", ["values", "labels", "seed", "low", "high"], rows)


# --- permutation ---------------------------------------------------------------------------------------------------


def scipy_sign_flip_p(d):
    if len(d) == 1:  # which scipy refuses
        return 1.0
    return stats.permutation_test(
        (d,), lambda x, axis: np.sum(x, axis=axis), permutation_type="samples", vectorized=True, n_resamples=np.inf
    ).pvalue


def integer_sign_flip_p(d, unit):
    """By counting sums of whole numbers: exact for as many differences as one likes."""
    whole = [round(v / unit) for v in d]
    sums = {0: 1}
    for v in whole:
        new = {}
        for s, k in sums.items():
            for signed in (s + v, s - v):
                new[signed] = new.get(signed, 0) + k
        sums = new
    seen = abs(sum(whole))
    return float(fractions.Fraction(sum(k for s, k in sums.items() if abs(s) >= seen), 2 ** len(d)))


def drawn_sign_flip_p(d, seed, permutations):
    d = np.array([v for v in d if v != 0])
    sums = np.zeros(permutations)
    for group in range(0, len(d), 8):
        part = d[group : group + 8]
        for i in range(permutations):
            word = philox_words([i // 32, group // 8, 0, 0], [seed, SIGN_FLIPS], 4)[i % 32 // 8]
            signs = word >> (i % 8 * 8) & 0xFF
            sums[i] += sum(v if signs >> k & 1 else -v for k, v in enumerate(part))
    beyond = np.sum(np.abs(sums) >= abs(np.sum(d)) - 1e-13 * np.sum(np.abs(d)))
    return (beyond + 1) / (permutations + 1)


def sign_flip_cases(rng):
    """differences, seed, permutations, expected p, method; that of a saddlepoint approximation is exact"""
    yield [0.5], 1, 99, 1.0, "exact"
    yield [0.0], 1, 99, 1.0, "exact"
    yield [0.0] * 40, 1, 99, 1.0, "exact"
    yield [0.1, 0.2, -0.3], 1, 99, 1.0, "exact"  # adds up to 0 but for rounding
    for n in (1, 2, 3, 4, 6, 9, 12):
        for _ in range(10):
            d = np.round(rng.normal(0.4, 1, n), 3)
            p = scipy_sign_flip_p(d)
            agree(integer_sign_flip_p(d, 1e-3), p, 1e-12, "sign flips")
            yield d, 1, 99, p, "exact"
            tied = rng.integers(-2, 4, n) * 0.1
            yield tied, 1, 99, integer_sign_flip_p(tied, 0.1), "exact"
            huge = rng.integers(-3, 5, n) * 2.0**60  # what offsets leave
            yield huge, 1, 99, integer_sign_flip_p(huge, 2.0**60), "exact"
    for n in (20, 29, 30):
        d = np.round(rng.normal(0.3, 1, n), 2)
        d[d == 0] = 0.01
        yield d, 1, 99, integer_sign_flip_p(d, 0.01), "exact"
    d = np.concatenate([np.round(rng.normal(0.3, 1, 25), 2) + 0.005, np.zeros(20)])
    yield d, 1, 99, integer_sign_flip_p(d, 0.005), "exact"
    for n in (31, 40, 64, 77):
        for permutations in (31, 100, 333):
            d, seed = rng.normal(0.1, 1, n), int(rng.integers(0, 2**63))
            p = drawn_sign_flip_p(d, seed, permutations)
            if p * (permutations + 1) > 20:
                yield d, seed, permutations, p, "drawn"
    for n, shift in [(n, shift) for n in (31, 36, 50, 90, 200) for shift in (0.5, 0.7, 1.0, 1.6, 9.0)]:
        d = np.round(rng.normal(shift, 1, n), 2)
        d[d == 0] = 0.01
        yield d, 1, 99, integer_sign_flip_p(d, 0.01), "saddlepoint"
    for n, up in ((40, 34), (40, 40), (100, 80), (300, 220)):  # a lattice: all of one size (binomial), or of two
        yield np.where(np.arange(n) < up, 1.0, -1.0), 1, 99, integer_sign_flip_p(np.where(np.arange(n) < up, 1.0, -1.0), 1.0), "exact"
        halves = np.where(np.arange(n) < up, 1.0, -1.0) * np.where(np.arange(n) % 3 == 0, 0.5, 1.0)
        yield halves, 1, 99, integer_sign_flip_p(halves, 0.5), "saddlepoint"


def make_sign_flips():
    rows = [
        [numbers(d), str(seed), str(n), number(p), method] for d, seed, n, p, method in sign_flip_cases(np.random.default_rng(20240606))
    ]
    write("sign_flips", ["differences", "seed", "permutations", "p", "method"], rows)


def paired_cases(rng):
    """Topics of values of two runs."""
    for sizes in ([1], [2], [3], [4], [12], [1, 1], [2, 3], [3, 1, 5], [7, 5]):
        for kind in range(24):
            a = [values_with_shape(rng, n) for n in sizes]
            b = [np.round(v - 0.1 + 0.4 * rng.normal(size=len(v)), 3) for v in a]
            if kind % 6 == 1:  # ties
                a, b = ([np.round(v * 2) / 2 for v in run] for run in (a, b))
            if kind % 6 == 2:
                a, b = ([np.round(v * 1024) / 1024 + 1e6 for v in run] for run in (a, b))  # exact differences
            if kind % 6 == 3:  # the same difference everywhere
                b = [v - 0.5 for v in a]
            if kind % 6 == 4:
                b = a
            yield a, b


def make_paired():
    rng = np.random.default_rng(20240614)
    rows = []
    for a, b in paired_cases(rng):
        flat_a, flat_b = np.concatenate(a), np.concatenate(b)
        d = flat_a - flat_b
        n, mean = len(d), np.mean(d)
        constant = np.ptp(d) <= 1e-12
        deviation = np.std(d, ddof=1) if n > 1 and not constant else None
        error = None if n < 2 else 0.0 if constant else stats.sem(d)
        low, high = (None, None) if n < FEWEST else t_interval(mean, error, n - 1)
        if n > 1 and not constant:
            theirs = stats.ttest_rel(flat_a, flat_b)
            agree(mean / error, theirs.statistic, 1e-8 * max(1, abs(theirs.statistic)), "paired t")
            if n >= FEWEST:
                agree(low, theirs.confidence_interval(0.95).low, 1e-9, "paired interval")
        signs = np.array(list(itertools.product((-1, 1), repeat=n)))
        sums = np.abs(signs @ d)
        p = np.mean(sums >= abs(np.sum(d)) - 1e-9)
        if 1 < n <= 8:
            agree(p, scipy_sign_flip_p(np.round(d, 9)), 1e-12, "paired sign flips")
        rows.append(
            [
                lists(a),
                lists(b),
                number(mean),
                number(error),
                number(low),
                number(high),
                number(p),
                number(None if deviation is None else mean / deviation),
                str(int(np.sum(d > 0))),
                str(int(np.sum(d == 0))),
                str(int(np.sum(d < 0))),
            ]
        )
    write("paired", ["a", "b", "difference", "stderr", "ci_low", "ci_high", "p", "effect_size", "won", "tied", "lost"], rows)


def make_holm():
    rng = np.random.default_rng(20240607)
    rows = [["", ""], ["-", "-"]]
    for n in (1, 2, 3, 14, 45):
        for _ in range(40):
            p = np.round(rng.uniform(0, 1, n) ** 3, int(rng.integers(1, 6)))
            given, adjusted = list(p), list(multipletests(p, method="holm")[1])
            if n == 14:  # an undefined one is no test
                given.insert(5, None), adjusted.insert(5, None)
            rows.append([numbers(given), numbers(adjusted)])
    write("holm", ["p", "adjusted"], rows)


def two_sided(null, seen, tolerance):
    """scipy's way: twice the smaller tail."""
    smaller = min(np.mean(null <= seen + tolerance), np.mean(null >= seen - tolerance))
    return min(1.0, 2 * smaller)


def make_auc():
    rng = np.random.default_rng(20240608)
    rows = []
    cases = [([1], [2]), ([1], [1]), ([2, 2], [1, 1]), ([1, 2, 3], [1, 2, 3]), ([0.1, 0.1], [0.1, 0.1, 0.1])]
    for low, high in ((1, 1), (1, 2), (2, 3), (3, 3), (4, 4), (1, 7), (5, 6)):
        for _ in range(14):
            cases.append((np.round(rng.normal(size=low), 2), np.round(rng.normal(0.5, 1, high), 2)))
            cases.append((rng.integers(0, 4, low), rng.integers(1, 5, high)))
        cases.append((1e15 + rng.integers(0, 4, low), 1e15 + rng.integers(1, 5, high)))
        for bad in (math.inf, -math.inf):
            cases.append(([bad, *rng.normal(size=low - 1)], rng.normal(size=high)))
            cases.append(([bad, *rng.normal(size=low - 1)], [bad, *rng.normal(size=high - 1)]))
    cases.append((rng.normal(size=8), rng.normal(0.5, 1, 8)))
    for low, high in cases:
        low, high = np.array(low, float), np.array(high, float)
        pooled = np.concatenate([low, high])
        area = np.mean([(h > l) + 0.5 * (h == l) for h in high for l in low])
        ranks = stats.rankdata(pooled)
        agree(area, metrics.roc_auc_score([0] * len(low) + [1] * len(high), ranks), 1e-12, "area under the curve")
        null = np.array([sum(ranks[list(c)]) for c in itertools.combinations(range(len(ranks)), len(high))])
        p = two_sided(null, sum(ranks[len(low) :]), 1e-9)
        if len(pooled) <= 8 and len(high) > 1 and len(low) > 1:
            theirs = stats.permutation_test(
                (ranks[len(low) :], ranks[: len(low)]), lambda a, b: np.sum(a), vectorized=False, n_resamples=np.inf
            ).pvalue
            agree(p, theirs, 1e-12, "two groups")
        rows.append([numbers(low), numbers(high), number(area), number(p)])
    write("auc", ["low", "high", "area", "p"], rows)


# --- confounds -------------------------------------------------------------------------------------------------------


def make_parts():
    """The value through a covariate from the definition: a sum over pairs of different questions. Slopes with all pairs
    must be those of statsmodels' least squares. Errors are those of the questions' pulls."""
    rng = np.random.default_rng(20240621)
    rows = []
    for case in range(200):
        sizes = [[30], [2], [12, 7, 1, 1], [5, 5], [40, 3]][case % 5]
        weights = "topics" if case % 2 else "questions"
        if weights == "topics" and 1 in sizes:
            sizes = [12, 7]
        r, a, b, c = [], [], [], []
        for size in sizes:
            for _ in range(size):
                n = int(rng.integers(2, 8))
                z = rng.normal(size=n)
                v = np.round(rng.exponential(3, n) * np.exp(0.4 * z)) + np.arange(n) * 1e-3
                s = 0.3 * z + 0.2 * np.log1p(v) + rng.normal(size=n)
                u, w = [(x - x.mean()) / np.linalg.norm(x - x.mean()) for x in (v, s)]
                z = z - z.mean() if case % 9 else 0 * z + (0 if len(r) else z - z.mean())
                z = z / math.sqrt(n - 1)
                for values, value in ((r, u @ w), (a, u @ z), (b, w @ z), (c, z @ z)):
                    values.append(value)
        r, a, b, c = map(np.array, (r, a, b, c))
        topics = np.split(np.arange(len(r)), np.cumsum(sizes)[:-1])
        share = np.concatenate([np.full(len(t), s) for t, s in zip(topics, shares_of(topics, weights))])
        pairs = [(p, q) for p in range(len(r)) for q in range(len(r)) if p != q]
        through = sum(share[p] * share[q] * a[p] * b[q] for p, q in pairs) / sum(share[p] * share[q] for p, q in pairs)
        mean_a, mean_b, mean_c = share @ a, share @ b, share @ c
        through /= mean_c
        fit = sm.WLS(a[c > 0] / np.sqrt(c[c > 0]), np.sqrt(c[c > 0]), weights=share[c > 0]).fit()
        agree(fit.params[0], mean_a / mean_c, 1e-9, "slope")
        pulls = through + (mean_b * (a - mean_a) + mean_a * (b - mean_b) - through * (c - mean_c)) / mean_c

        def error(x):
            if weights == "questions":
                return stats.sem(x)
            return math.sqrt(sum(stats.sem(x[t]) ** 2 for t in topics)) / len(topics)

        rows.append(
            [
                weights,
                " ".join(map(str, sizes)),
                numbers(r),
                numbers(a),
                numbers(b),
                numbers(c),
                number(through),
                number(error(pulls)),
                number(share @ r - through),
                number(error(r - pulls)),
            ]
        )
    write(
        "parts", ["weights", "sizes", "values", "votes", "scores", "squares", "through", "through_stderr", "beyond", "beyond_stderr"], rows
    )


def make_parts_share():
    """The interval of the share by numerical derivatives, and whether a slope is clear by statsmodels' errors (HC1)."""
    rng = np.random.default_rng(20240701)
    rows = []
    for case in range(24):
        n, slope = 120, 0.05 * (case % 12)
        rng.normal(size=n)  # the values of the table were drawn after it
        c = np.round(rng.gamma(3, size=n), 4)
        a, b = (np.round(s * c + np.sqrt(c) * 0.5 * rng.normal(size=n), 4) for s in (slope, slope / 2))
        r = np.round(a * b / c + 0.2 * rng.normal(size=n) + (0.2 if case % 2 else 0.02), 4)

        def share(w):
            # As many of each question as its weight says: products of a question with itself stay out.
            w = w / np.sum(w)
            through = ((w @ a) * (w @ b) - np.mean(a * b) / n) / (1 - 1 / n) / (w @ c)
            return through / (w @ r)

        t = [sm.OLS(x / np.sqrt(c), np.sqrt(c)).fit(cov_type="HC1").tvalues[0] for x in (a, b)]
        clear = max(map(abs, t)) >= 4
        low, high = t_interval(np.mean(r), stats.sem(r), n - 1)
        known = clear and not low <= 0 <= high
        value = share(np.ones(n))
        # The derivative leaves out the products of a question with itself, as the delta method does.
        influence = moved_by(lambda w: value + linear_share(w, a, b, c, r, value), [list(range(n))])
        error = math.sqrt(np.sum(influence**2))
        reach = stats.t.ppf(0.975, n - 1) * error
        rows.append(
            [
                numbers(r),
                numbers(a),
                numbers(b),
                numbers(c),
                "1" if clear else "0",
                number(value if known else None),
                number(value - reach if known else None),
                number(value + reach if known else None),
            ]
        )
    write("parts_share", ["values", "votes", "scores", "squares", "clear", "share", "low", "high"], rows)


def linear_share(w, a, b, c, r, value):
    """How far the share moves from `value` with weights, its through part being the product of the means alone but for a
    constant that makes it `value` for equal weights."""
    w = w / np.sum(w)
    ones = np.full(len(r), 1 / len(r))
    constant = value * np.mean(r) * np.mean(c) - (ones @ a) * (ones @ b)
    return ((w @ a) * (w @ b) + constant) / (w @ c) / (w @ r) - value


# --- power -----------------------------------------------------------------------------------------------------------


def exact_power(effect, n, alpha):
    """The test's two tails given the sample's standard deviation, averaged over its distribution."""
    df, critical, shift = n - 1, stats.t.ppf(1 - alpha / 2, n - 1), abs(effect) * math.sqrt(n)
    spread = stats.chi(df, scale=1 / math.sqrt(df))
    tails = lambda s: (stats.norm.sf(critical * s - shift) + stats.norm.cdf(-critical * s - shift)) * spread.pdf(s)
    low, high = spread.ppf(1e-16), spread.isf(1e-16)
    return integrate.quad(tails, low, high, epsabs=1e-12, limit=500, points=[min(max(shift / critical, low), high)])[0]


@functools.lru_cache
def smallest_effect(n, alpha):
    effect = optimize.brentq(lambda e: exact_power(e, n, alpha) - 0.8, 1e-3, 50, xtol=1e-12)
    agree(effect, TTestPower().solve_power(nobs=n, alpha=alpha, power=0.8), 1e-4 * max(1, effect), "detectable effect")
    return effect


def make_power():
    tests, rows = TTestPower(), []
    for n in (2, 3, 4, 5, 8, 10, 20, 30, 50, 70, 100, 200, 361, 500, 1000, 3000, 7000):
        for effect in (0.0, 0.01, 0.02, 0.033, 0.05, 0.1, 0.2, 0.3, -0.3, 0.5, 1.0, 3.0):
            alpha = 0.01 if n == 10 else 0.05
            power, theirs = exact_power(effect, n, alpha), tests.power(abs(effect), n, alpha)
            if not math.isnan(theirs):  # as it is for large effects
                agree(power, theirs, 1e-8, "power")
            detectable = smallest_effect(n, alpha) if n > 2 else None
            needed = None
            if effect:
                needed = max(2, math.ceil(tests.solve_power(effect_size=abs(effect), alpha=alpha, power=0.8) - 1e-6))
                # The root finder is not exact: the whole number is settled by the power itself.
                while exact_power(effect, needed, alpha) < 0.8:
                    needed += 1
                while needed > 2 and exact_power(effect, needed - 1, alpha) >= 0.8:
                    needed -= 1
            rows.append([str(n), number(effect), number(alpha), number(power), number(detectable), number(needed)])
    write("power", ["n", "effect", "alpha", "power", "detectable", "needed"], rows)


def noncentral_cdf(t, df, shift):
    """P(T <= t), averaged over the distribution of the sample's standard deviation; scipy's is NaN far out."""
    spread = stats.chi(df, scale=1 / math.sqrt(df))
    low, high = spread.ppf(1e-15), spread.isf(1e-15)
    middle = shift / t if t else 1
    value = integrate.quad(
        lambda s: stats.norm.cdf(t * s - shift) * spread.pdf(s), low, high, epsabs=1e-11, limit=500, points=[min(max(middle, low), high)]
    )[0]
    theirs = stats.nct.cdf(t, df, shift)
    if not math.isnan(theirs) and abs(shift) < 10:
        agree(value, theirs, 1e-7, "noncentral t")
    return value


def make_effect():
    """One-sided power of an effect, by the noncentral t."""
    rows = []
    for n in (2, 3, 5, 10, 30, 100, 361, 1000, 7000):
        for effect in (
            0.0,
            0.01,
            0.03,
            0.1,
            0.2,
            0.5,
            1.0,
            2.0,
            -0.05,
            -0.3,
            0.033,
            0.07,
            0.4,
            -1.0,
            0.15,
            0.8,
            -0.12,
            0.005,
            0.25,
            0.6,
            -0.02,
            0.35,
            1.5,
        ):
            upper = 1 - noncentral_cdf(stats.t.ppf(0.975, n - 1), n - 1, effect * math.sqrt(n))
            rows.append([str(n), number(effect), number(upper)])
    write("effect", ["n", "effect", "upper_power"], rows)


def moved_by(statistic, groups):
    """How the statistic of weighted values moves with each value's weight (the infinitesimal jackknife): numerically,
    stretched by sqrt(n / (n - 1)) in each group of values that are drawn together."""
    n = sum(map(len, groups))
    influence, h = np.zeros(n), 1e-5
    for group in groups:
        for i in group:
            ends = []
            for sign in (1, -1):
                weights = np.ones(n)
                weights[group] *= 1 - sign * h / len(group)
                weights[i] += sign * h
                ends.append(statistic(weights))
            influence[i] = (ends[0] - ends[1]) / (2 * h) * math.sqrt(len(group) / (len(group) - 1))
    return influence


def make_effect_intervals():
    """Intervals of the effects of heavy-tailed differences, by numerical derivatives of the effect."""
    rng = np.random.default_rng(20240630)
    rows = []
    for case in range(24):
        weights = "topics" if case % 2 else "questions"
        sizes = [[200], [120, 80], [100, 80, 60], [100, 100] + [1] * 100][case % 4]
        draw = [
            lambda n: rng.normal(size=n),
            lambda n: -1.0 * (rng.random(n) < 0.05) + 0.01 * rng.normal(size=n),
            lambda n: rng.standard_t(3, size=n),
            lambda n: rng.exponential(size=n) - 0.8,
            lambda n: rng.integers(-1, 2, n) * 1.0,
        ][case % 5]
        topics = [np.round(draw(n) + 0.1, 4) for n in sizes]
        x = np.concatenate(topics)
        n = len(x)
        shares = np.concatenate([np.full(len(t), s) for t, s in zip(topics, shares_of(topics, weights))])
        groups = [places for _, places in strata_of(topics, weights)] if weights == "topics" else [list(range(n))]

        def effect(w):
            mean, variance = 0.0, 0.0
            for group in groups:
                own, k = w[group] / np.sum(w[group]), len(group)
                share = shares[group[0]] * k
                middle = own @ x[group]
                mean += share * middle
                variance += share**2 * (own @ (x[group] - middle) ** 2) / (k - 1)
            return mean / math.sqrt(n * variance)

        error = math.sqrt(np.sum(moved_by(effect, groups) ** 2))
        pulls = np.concatenate([shares[g] * (x[g] - x[g].mean()) * math.sqrt(len(g) / (len(g) - 1)) for g in groups])
        tails = stats.kurtosis(np.concatenate([pulls, -pulls]), fisher=False)  # around 0
        reach = stats.t.ppf(0.975, min(n - 1, 2 * n / (tails - 1))) * error
        middle = effect(np.ones(n))
        rows.append([weights, " ".join(map(str, sizes)), numbers(x), number(middle), number(middle - reach), number(middle + reach)])
    write("effect_intervals", ["weights", "sizes", "differences", "effect", "low", "high"], rows)


# --- stopping early ----------------------------------------------------------------------------------------------------


def betting_interval(x, looks, alpha=0.05):
    """Waudby-Smith and Ramdas' hedged capital for x in [0, 1], by the book: one candidate mean at a time."""
    spread, bets = 0.25, []
    for t in range(1, len(x) + 1):
        bets.append(math.sqrt(2 * math.log(2 / alpha) / (spread * t * math.log(1 + t))))
        running = [(0.5 + sum(x[:i])) / (i + 1) for i in range(1, t + 1)]
        spread = (0.25 + sum((v - m) ** 2 for v, m in zip(x, running))) / (t + 1)
    bets = np.array(bets)

    def lower(values):
        bound = 0.0
        for look in looks:
            b, v = bets[:look], np.asarray(values[:look])
            excluded = lambda m: np.sum(np.log1p(np.minimum(b, 0.75 / m) * (v - m))) >= math.log(2 / alpha)
            low, high = 1e-9, 1.0
            if not excluded(low):
                continue
            for _ in range(60):
                middle = (low + high) / 2
                low, high = (middle, high) if excluded(middle) else (low, middle)
            bound = max(bound, low)
        return bound

    return lower(x), 1 - lower([1 - v for v in x])


def make_confidence_sequence():
    rng = np.random.default_rng(20240611)
    rows = []
    for low, high in ((-1, 1), (-2, 2), (0, 1), (999999, 1000001)):
        for n in (1, 2, 3, 10, 20, 60):
            for kind in range(9):
                unit = [
                    rng.beta(0.7, 0.5, n),
                    rng.beta(40, 30, n),
                    (rng.uniform(size=n) < 0.9) * 1.0,
                    np.full(n, 0.7),
                    np.full(n, 0.0),
                    np.full(n, 1.0),
                    rng.integers(0, 3, n) / 2,
                    rng.uniform(size=n),
                    rng.beta(0.2, 2, n),
                ][kind]
                values = [float(v) for v in low + (high - low) * np.round(unit, 6)]
                scaled = [(v - low) / (high - low) for v in values]
                looks = list(range(1, n + 1)) if n <= 10 else [7, n // 2, n]
                bounds = betting_interval(scaled, looks)
                rows.append(
                    [str(low), str(high), numbers(values), " ".join(map(str, looks)), *(number(low + (high - low) * b) for b in bounds)]
                )
    write("confidence_sequence", ["range_low", "range_high", "values", "looks", "low", "high"], rows)


# --- agreement -----------------------------------------------------------------------------------------------------------

KINDS = {
    "pearson": lambda x, y: stats.pearsonr(x, y).statistic,
    "spearman": lambda x, y: stats.spearmanr(x, y).statistic,
    "kendall": lambda x, y: stats.kendalltau(x, y).statistic,
}


def defined(kind, x, y):
    return KINDS[kind](x, y) if len(x) > 1 and np.ptp(x) > 0 and np.ptp(y) > 0 else None


def pairing_p(kind, x, y):
    null = np.array([KINDS[kind](x, y[list(order)]) for order in itertools.permutations(range(len(y)))])
    p = two_sided(null, KINDS[kind](x, y), 1e-9)
    if len(x) == 5:
        theirs = stats.permutation_test(
            (y,), lambda v: KINDS[kind](x, v), permutation_type="pairings", vectorized=False, n_resamples=np.inf
        ).pvalue
        agree(p, theirs, 1e-12, "pairings")
    return p


def fisher_interval(kind, x, y):
    n, r = len(x), KINDS[kind](x, y)
    if n < 4 or (kind == "pearson" and abs(r) >= 1) or (kind != "pearson" and n < 10):
        return None, None
    variance, step = {
        "pearson": lambda: (1 / (n - 3), 0),
        "spearman": lambda: ((1 + r * r / 2 + 1.5 * r**16) / (n - 3), 12 / (n * (n * n - 1))),
        "kendall": lambda: (0.437 * (1 + 0.4 * r**4) / (n - 4), 4 / (n * (n - 1))),
    }[kind]()
    reach = stats.norm.ppf(0.975) * variance**0.5
    low, high = max(-1.0, r - step), min(1.0, r + step)
    low = np.tanh(np.arctanh(low) - reach) if low > -1 else -1.0
    high = np.tanh(np.arctanh(high) + reach) if high < 1 else 1.0
    if kind == "pearson":
        theirs = stats.pearsonr(x, y).confidence_interval(0.95)
        agree(low, theirs.low, 1e-6, "Fisher's z")
        agree(high, theirs.high, 1e-6, "Fisher's z")
    return low, high


def make_agreement():
    rng = np.random.default_rng(20240612)
    rows = []
    for n, repeats in ((3, 9), (4, 9), (5, 8), (6, 6), (7, 2), (10, 2), (14, 2)):
        for tied in [False, True] * repeats:
            for kind in KINDS:
                x = rng.normal(size=n)
                y = 1000 + np.round(80 * (x + rng.normal(size=n)))
                if tied:
                    x, y = np.round(x), np.round(y, -2)
                    x[0], x[-1], y[0], y[1] = 0, 1, 1000, 1100
                x, y = x + (1e6 if n == 5 else 0), y * (-1e6 if n == 6 else 1)
                left_out = [defined(kind, np.delete(x, i), np.delete(y, i)) for i in range(n)]
                known = [v for v in left_out if v is not None]
                value = KINDS[kind](x, y)
                p = pairing_p(kind, x, y) if n < 8 else None  # all pairings
                rows.append(
                    [
                        kind,
                        numbers(x),
                        numbers(y),
                        number(value),
                        number(p),
                        *map(number, fisher_interval(kind, x, y)),
                        number(min(known)),
                        number(max(known)),
                    ]
                )
    write("agreement", ["kind", "x", "y", "value", "p", "ci_low", "ci_high", "least", "most"], rows)


def read_leaderboard(path):
    """Columns by name; None where a cell is no number."""
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))

    def cell(text):
        try:
            return float(text)
        except ValueError:
            return None

    return {name: [cell(row[name]) for row in rows] for name in rows[0]}


def make_arena():
    """Correlations of Arena Elo, in a leaderboard that is not part of the project, with MT-bench and made-up values."""
    data = pathlib.Path(os.environ.get("HRE_TEST_DATA", OUT.parents[2] / ".." / "shared" / "data"))
    path = data / "human-judgement" / "leaderboard_table_20231108.csv"
    if not path.exists():
        print(f"arena.tsv: left as it is, no {path.name} in HRE_TEST_DATA")
        return
    columns = read_leaderboard(path)
    elo = columns["Arena Elo rating"]
    made_up = [7919 * i % 101 / 101 for i in range(len(elo))]
    rows = []
    for name, column in (("MT-bench (score)", columns["MT-bench (score)"]), ("MMLU", columns["MMLU"]), ("", made_up)):
        x, y = zip(*[(a, b) for a, b in zip(column, elo) if a is not None and b is not None])
        rows.append([path.name, name, str(len(x)), *(number(KINDS[k](np.array(x), np.array(y))) for k in KINDS)])
    write("arena", ["file", "column", "n", *KINDS], rows)


# --- ranking and Min-K% ----------------------------------------------------------------------------------------------------


def expected_top_one(votes, scores):
    top = [v for v, s in zip(votes, scores) if s == max(scores)]
    return sum(v == max(votes) for v in top) / len(top)


def make_ranking():
    rows = []
    for family, votes, scores in correlation_cases():
        votes, scores = [float(v) for v in votes], [float(s) for s in scores]
        top = gain = None
        if len(votes) > 1 and all(map(math.isfinite, [*votes, *scores])) and len(set(votes)) > 1:
            keys = [0.0] * len(scores) if family == "equal_but_for_rounding" else scores
            gains = stats.rankdata(votes) - 1
            top = expected_top_one(votes, keys)
            # Scores as ranks: scikit-learn's own comparison of scores is for equality, too.
            gain = metrics.ndcg_score([gains], [stats.rankdata(keys)])
        if len(votes) <= 30:
            rows.append(
                [
                    family,
                    numbers(votes),
                    numbers(scores),
                    number(top),
                    number(gain),
                    *map(number, chances(votes) if top is not None and len(votes) < 7 else (None, None)),
                ]
            )
    write("ranking", ["family", "votes", "scores", "top_one", "ndcg", "top_one_chance", "ndcg_chance"], rows)


def chances(votes):
    """Means over all orders of the answers."""
    gains = stats.rankdata(votes) - 1
    orders = list(itertools.permutations(range(len(votes))))
    top = np.mean([votes[o[0]] == max(votes) for o in orders])
    ndcg = np.mean([metrics.ndcg_score([gains], [[-o.index(i) for i in range(len(votes))]]) for o in orders])
    return top, ndcg


def make_ceiling():
    """The noise ceiling by another way: the marginal likelihood maximised over quadrature nodes, and expectations given the
    counts by weighting draws from the fitted model."""
    rng = np.random.default_rng(20240703)
    nodes, node_weights = np.polynomial.hermite_e.hermegauss(21)
    node_weights = node_weights / np.sum(node_weights)
    rows = []
    for mean, spread, answers in ((0.5, 0.8, 4), (2.0, 0.5, 4), (1.0, 1.0, 2), (1.2, 0.6, 6)):
        level = mean + 0.8 * rng.normal(size=(160, 1))
        counts = rng.poisson(np.exp(level + spread * rng.normal(size=(160, answers))))
        counts = counts[[len(set(row)) > 1 for row in counts]]

        def loss(model):
            levels = model[0] + abs(model[1]) * nodes
            rates = np.exp(levels[:, None] + abs(model[2]) * nodes)  # [levels x places]
            each = stats.poisson.pmf(counts[:, :, None, None], rates) @ node_weights  # [questions x answers x levels]
            return -np.sum(np.log(np.prod(each, axis=1) @ node_weights))

        fitted = np.abs(optimize.minimize(loss, [1, 1, 1], method="Nelder-Mead", options={"xatol": 1e-4, "fatol": 1e-4}).x)
        values = []
        for row in counts:
            n = 10000
            expected = np.exp(fitted[0] + fitted[1] * rng.normal(size=(n, 1)) + fitted[2] * rng.normal(size=(n, answers)))
            weights = np.exp(np.sum(stats.poisson.logpmf(row, expected), axis=1))
            apart, own = expected - expected.mean(axis=1, keepdims=True), row - row.mean()
            r = apart @ own / np.linalg.norm(apart, axis=1) / np.linalg.norm(own)
            values.append(np.sum(weights * r) / np.sum(weights))
        rows.append([";".join(" ".join(map(str, row)) for row in counts), number(np.mean(values))])
    write("ceiling", ["counts", "mean"], rows)


def make_min_k():
    rng = np.random.default_rng(20240613)
    rows = [["", "0.2", "-"], ["nan -1.0", "0.2", "-"], ["-inf -1.0", "0.5", "-inf"]]
    for n, share in [(n, share) for n in (1, 2, 3, 4, 5, 9, 15, 40) for share in (0.05, 0.1, 0.2, 0.29, 1.0) for _ in range(5)]:
        x = (-rng.gamma(0.6, 3, n)).astype(np.float32)
        lowest = np.sort(x)[: max(1, int(n * share))].astype(np.float64)
        rows.append([numbers(x), number(share), number(np.mean(lowest))])
    write("min_k", ["token_log_probs", "share", "value"], rows)


def make_repetition():
    """Items measured several times each: both parts of the standard error of a weighted mean, from the measurements."""
    rng = np.random.default_rng(20261130)
    rows = []
    for case in range(220):
        topics = [
            [rng.normal(rng.normal(), rng.uniform(0.1, 2), 1 + rng.integers(5)) for _ in range(1 + rng.integers(6))]
            for _ in range(1 + rng.integers(4))
        ]
        items = [item for topic in topics for item in topic]
        weights = "questions" if case % 2 == 0 else "topics"
        shares = [share for topic, share in zip(topics, shares_of(topics, weights)) for _ in topic]
        repeated = [item for item in items if len(item) > 1]
        error = rng.uniform(0, 2)
        if repeated:
            pooled = np.average([np.var(item, ddof=1) for item in repeated], weights=[len(item) - 1 for item in repeated])
            variances = [np.var(item, ddof=1) / len(item) if len(item) > 1 else pooled for item in items]
            measured = np.sum(np.square(shares) * variances)
            parts = [number(np.sqrt(max(0, error**2 - measured))), number(np.sqrt(measured))]
        else:
            parts = ["-", "-"]
        rows.append([" ".join(str(len(topic)) for topic in topics), lists(items), weights, number(error), *parts])
    write("repetition", ["sizes", "measurements", "weights", "error", "items", "within"], rows)


TABLES = {
    "correlation": make_correlation,
    "summary": make_summary,
    "philox": make_philox,
    "bca": make_bca,
    "bootstrap": make_bootstrap,
    "sign_flips": make_sign_flips,
    "paired": make_paired,
    "holm": make_holm,
    "auc": make_auc,
    "parts": make_parts,
    "parts_share": make_parts_share,
    "clusters": make_clusters,
    "cluster_bootstrap": make_cluster_bootstrap,
    "power": make_power,
    "effect": make_effect,
    "effect_intervals": make_effect_intervals,
    "ceiling": make_ceiling,
    "confidence_sequence": make_confidence_sequence,
    "agreement": make_agreement,
    "arena": make_arena,
    "ranking": make_ranking,
    "min_k": make_min_k,
    "repetition": make_repetition,
}


def main():
    for name in sys.argv[1:] or TABLES:
        if name not in TABLES:
            raise SystemExit(f"no table {name}: {', '.join(TABLES)}")
        TABLES[name]()


if __name__ == "__main__":
    main()
