#!/usr/bin/env python3
"""Writes the tables of docs/statistics.md that simulations make: calibration and coverage.

    tools/write_simulations.py [--bench build/release/bench/bench_stats_simulation]
    tools/write_simulations.py --calibration FILE --coverage FILE     from what the bench printed before

Each table stands between <!-- NAME --> and <!-- end of NAME -->. The full counts take an hour on one core.
"""
import argparse
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "statistics.md"


def printed(bench, *options):
    """What the bench prints; it ends with 1 where a bound is missed, and the table says which."""
    done = subprocess.run([bench, *options], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{bench} ended with status {done.returncode}")
    return done.stdout


def put(page, name, table):
    lines = [line for line in table.splitlines() if line.startswith("|")]
    if len(lines) < 3:
        raise SystemExit(f"no table of {name}")
    marks = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    if len(marks.findall(page)) != 1:
        raise SystemExit(f"{PAGE} has no place for {name}")
    return marks.sub(lambda match: match[1] + "\n".join(lines) + "\n" + match[2], page)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", default=ROOT / "build/release/bench/bench_stats_simulation")
    parser.add_argument("--calibration", type=pathlib.Path)
    parser.add_argument("--coverage", type=pathlib.Path)
    args = parser.parse_args()
    page = PAGE.read_text(encoding="utf-8")
    page = put(page, "calibration", args.calibration.read_text() if args.calibration else printed(args.bench, "--calibration"))
    page = put(page, "coverage", args.coverage.read_text() if args.coverage else printed(args.bench))
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
