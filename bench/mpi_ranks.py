#!/usr/bin/env python3
"""One model on two ranks of an MPI job against one: wall clock and processor time, in turns.

    bench/mpi_ranks.py PROGRAM MODEL.gguf [--limit N] [--rounds N]

PROGRAM is an hre built with -DHRE_MPI=ON. The two must give the same results before anything is timed. A rank has one
thread, so that two ranks fill two cores. Ratios are of one run: on a machine that others use too, look at processor time.
"""

import argparse
import json
import os
import pathlib
import resource
import statistics
import subprocess
import tempfile
import time


def evaluate(arguments, ranks, out):
    """(wall seconds, processor seconds) of one evaluation."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.monotonic()
    subprocess.run(
        [
            "mpirun",
            "--allow-run-as-root",
            "--oversubscribe",
            "-n",
            str(ranks),
            arguments.program,
            "eval",
            arguments.model,
            "--data",
            "sample",
            "--limit",
            str(arguments.limit),
            "--threads",
            "1",
            "--json",
            out,
            "--details",
            "--quiet",
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "HRE_STORE": "none"},
    )
    wall = time.monotonic() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def results(path):
    run = json.loads(pathlib.Path(path).read_text())
    return {key: value for key, value in run.items() if key not in ("created", "times")}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("model")
    parser.add_argument("--limit", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        paths = {ranks: f"{folder}/{ranks}.json" for ranks in (1, 2)}
        for ranks, path in paths.items():
            evaluate(arguments, ranks, path)
        if results(paths[1]) != results(paths[2]):
            raise SystemExit("FAILED: two ranks give other results than one")
        times = {1: [], 2: []}
        for _ in range(arguments.rounds):
            for ranks, path in paths.items():
                times[ranks].append(evaluate(arguments, ranks, path))
    for ranks, measured in times.items():
        print(
            f"{ranks} rank{'s' if ranks > 1 else ' '}: wall",
            " ".join(f"{wall:.1f}" for wall, _ in measured),
            "s, processor",
            " ".join(f"{used:.1f}" for _, used in measured),
            "s",
        )
    one, two = ([statistics.median(column) for column in zip(*times[ranks])] for ranks in (1, 2))
    print(f"two ranks against one: {one[0] / two[0]:.2f} times as fast, {two[1] / one[1]:.2f} times the processor time")


if __name__ == "__main__":
    main()
