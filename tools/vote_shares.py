#!/usr/bin/env python3
"""Writes the table of docs/datasets.md that says what votes go with, for several ways of choosing answers.

    tools/vote_shares.py DUMPS [--hre build/release/src/hre] [--print]

DUMPS is a folder of the four sites below. Each way builds a dataset of all their questions; the numbers are those of its card. The
table stands between <!-- vote shares --> and <!-- end of vote shares -->; --print only prints it.
"""

import argparse
import pathlib
import re
import subprocess
import tempfile

from write_simulations import put

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "datasets.md"
SITES = ["beer.stackexchange.com", "matheducators.stackexchange.com", "ai.stackexchange.com", "stackoverflow.com"]
WAYS = [
    ("2, random", 'answers = 2\nchoose = "random"', ""),
    ("2, random, within 30 days, lengths within 4 times", 'answers = 2\nchoose = "random"', "within_days = 30\nmax_length_ratio = 4"),
    ("2, spread", 'answers = 2\nchoose = "spread"', ""),
    ("2, later-wins", 'answers = 2\nchoose = "later-wins"', ""),
    ("4, random", 'answers = 4\nchoose = "random"', ""),
    ("4, spread", 'answers = 4\nchoose = "spread"', ""),
    ('3, spread, `label = "accepted"` (by votes)', 'answers = 3\nchoose = "spread"\nlabel = "accepted"', ""),
]
# A column of the table, and the row and column of the card that it is.
COLUMNS = [
    ("order explains: all in the dump", "order of posting explains", 0),
    ("order explains: in the set", "order of posting explains", 2),
    ("order explains, of votes per 1,000 views: all in the dump", "order of posting explains, of votes per 1,000 views since then", 0),
    ("delay explains: in the set", "delay after the question explains", 2),
    ("length explains: those that pass", "length explains", 1),
    ("length explains: in the set", "length explains", 2),
    ("the later of two has more votes, in the set", "the later of two has more votes", 2),
    ("r of votes and acceptance, in the set", "r of votes and acceptance", 2),
    ("the accepted one has the most votes, in the set", "the accepted one has the most votes", 2),
]


def card_of(hre, dumps, keys, answer_filters, folder):
    """The rows of the card's table by their names, and how many questions and answers the set has."""
    recipe = pathlib.Path(folder) / "recipe.toml"
    topics = "".join(f'[[topic]]\nname = "t{i}"\nsites = ["{site}"]\n' for i, site in enumerate(SITES))
    recipe.write_text(f"questions = 0\n{keys}\n[answer]\n{answer_filters}\n{topics}", encoding="utf-8")
    out = pathlib.Path(folder) / "set"
    done = subprocess.run(
        [hre, "data", "build", "--recipe", recipe, "--dumps", dumps, "--out", out, "--quiet", "--force"],
        check=True,
        capture_output=True,
        text=True,
    )
    counts = [tuple(map(int, pair)) for pair in re.findall(r": (\d+) questions?, (\d+) answers", done.stdout)]
    card = (out / "README.md").read_text(encoding="utf-8")
    biases = card[card.index("## Known biases") :]
    rows = {
        cells[0]: cells[1:]
        for cells in ([cell.strip() for cell in line.split("|")[1:-1]] for line in biases.splitlines() if line.startswith("|"))
    }
    return rows, sum(q for q, _ in counts), sum(a for _, a in counts)


def shown(cell):
    """Without what the header says: '13.6 % [10.0, 17.2]' of shares, '32.1 % [..] of 700 pairs; by chance 50 %'."""
    return re.sub(r" of \d+( pairs; by chance 50 %)?", "", cell).replace(" %", "")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dumps")
    parser.add_argument("--hre", default=ROOT / "build" / "release" / "src" / "hre")
    parser.add_argument("--print", action="store_true", dest="only_print")
    arguments = parser.parse_args()
    lines = ["| answers | questions | " + " | ".join(title for title, _, _ in COLUMNS) + " |", "|---" * (len(COLUMNS) + 2) + "|"]
    for name, keys, filters in WAYS:
        with tempfile.TemporaryDirectory() as folder:
            rows, questions, _ = card_of(arguments.hre, arguments.dumps, keys, filters, folder)
        lines.append(f"| {name} | {questions:,} | " + " | ".join(shown(rows[row][column]) for _, row, column in COLUMNS) + " |")
    table = "\n".join(lines) + "\n"
    print(table, end="")
    if arguments.only_print:
        return
    page = put(PAGE.read_text(encoding="utf-8"), "vote shares", table)
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
