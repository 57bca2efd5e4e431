#!/usr/bin/env python3
"""What the store of runs costs a served evaluation: the same evaluation with a new store and without one.

    bench/served_store.py --hre build/release/src/hre [--questions 300] [--rounds 5] [--delay 0.02]

The server is the tests' stand-in, which answers every request after DELAY seconds, as a model would take. The two take
turns, first one and then the other, and every run's values are checked against the first one's before its time counts.
Prints the median times and the median of the rounds' ratios.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from stand_in_server import StandIn  # noqa: E402


def write_questions(path, n):
    lines = (
        json.dumps(
            {
                "topic": ("a", "b", "c")[i % 3],
                "question": f"Question {i}: " + "what is it that we ask here " * 4,
                "answers": [{"text": f"answer {i} {k} " + "word " * (20 + 7 * (i * k % 5)), "votes": (i + 3 * k) % 7} for k in range(4)],
            }
        )
        for i in range(n)
    )
    path.write_text("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hre", type=pathlib.Path, required=True)
    parser.add_argument("--questions", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--delay", type=float, default=0.02)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, StandIn("vllm", delay=args.delay) as server:
        folder, expected, times = pathlib.Path(scratch), None, {"none": [], "store": []}
        write_questions(folder / "q.jsonl", args.questions)
        for number in range(-1, args.rounds):  # the first round warms up
            for kind in ("none", "store") if number % 2 else ("store", "none"):
                store = "none" if kind == "none" else folder / f"{number}.db"
                start = time.monotonic()
                done = subprocess.run(
                    [args.hre, "eval", f"server:{server.url}", "--data", folder / "q.jsonl", "--store", store, "--quiet", "--json", "-"],
                    check=True,
                    capture_output=True,
                    text=True,
                )
                seconds = time.monotonic() - start
                results = json.loads(done.stdout)["results"]
                expected = expected or results
                if results != expected:
                    raise SystemExit("the values differ")
                if number >= 0:
                    times[kind].append(seconds)
    ratios = [b / a for a, b in zip(times["none"], times["store"])]
    print(
        f"{args.questions} questions, {args.rounds} rounds: without a store {statistics.median(times['none']):.3f} s, "
        f"with one {statistics.median(times['store']):.3f} s; ratio {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})"
    )


if __name__ == "__main__":
    main()
