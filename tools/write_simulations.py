#!/usr/bin/env python3
"""Writes the tables of docs/statistics.md that simulations make: calibration, comparisons, coverage and gates.

    tools/write_simulations.py [--bench build/release/bench/bench_stats_simulation]
    tools/write_simulations.py [--calibration FILE] [--comparisons FILE] [--coverage FILE] [--gates FILE]     only these, from what the bench printed before
    tools/write_simulations.py --rows --coverage FILE     only the rows that FILE has, in place of those of the same claim and questions

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
    """The page's text with the table between <!-- name --> and <!-- end of name -->."""
    lines = [line for line in table.splitlines() if line.startswith("|")]
    if len(lines) < 3:
        raise SystemExit(f"no table of {name}")
    marks = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    if len(marks.findall(page)) != 1:
        raise SystemExit(f"the page has no place for {name}")
    return marks.sub(lambda match: match[1] + "\n".join(lines) + "\n" + match[2], page)


def with_rows(page, name, table):
    """The rows of `table` replace those of the same first two cells; new ones follow the row before them in `table`, or end it."""
    there = re.search(rf"<!-- {name} -->\n(.*?)<!-- end of {name} -->", page, re.DOTALL)[1].splitlines()
    key = lambda line: tuple(line.split(" | ")[:2])
    last = -1  # where the row before stands: claims such as "... of the macro average" come more than once
    for line in [line for line in table.splitlines() if line.startswith("| ")][1:]:
        places = [i for i, old in enumerate(there) if key(old) == key(line)]
        if places:
            last = next((i for i in places if i > last), places[0])
            there[last] = line
        else:
            last = last + 1 if last >= 0 else len(there)
            there.insert(last, line)
    return put(page, name, "\n".join(there))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", default=ROOT / "build/release/bench/bench_stats_simulation")
    tables = {  # and how the bench is asked for them
        "calibration": ["--calibration"],
        "comparisons": ["--calibration", "comparisons"],
        "coverage": [],
        "gates": ["--gates"],
    }
    for name in tables:
        parser.add_argument(f"--{name}", type=pathlib.Path)
    parser.add_argument("--rows", action="store_true")
    args = parser.parse_args()
    files = {name: file for name in tables if (file := getattr(args, name))}
    page = PAGE.read_text(encoding="utf-8")
    for name, options in tables.items():
        if not files or name in files:
            page = (with_rows if args.rows else put)(
                page, name, files[name].read_text(encoding="utf-8") if files else printed(args.bench, *options)
            )
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
