#!/usr/bin/env python3
"""Compares the text that hre makes of real posts with what Chromium shows (innerText).

    tools/compare_inner_text.py --built DIR --dumps FOLDER [--count 200]

DIR is what hre data build wrote from the dumps in FOLDER (SITE/Posts.xml), with text = "body" and plain code. Chromium
shows no marks of lists, quotes and rules, no ^ and _ for raised and lowered text, a tab between cells, and
collapses the lines of displayed formulas; these known differences are taken out of both before comparing.
What still differs is counted by kind and shown; status 1 where a difference has no known kind. It needs lxml, pyarrow
and a program named chromium.
"""

import argparse
import collections
import difflib
import glob
import html
import json
import os
import re
import subprocess
import sys
import tempfile

import pyarrow.parquet
from lxml import etree


def bodies_of(path):
    """The HTML of every post, by id."""
    return {int(row.get("Id")): row.get("Body") for _, row in etree.iterparse(path, tag="row", huge_tree=True)}


def texts_of(built):
    """(site, post id, text) of every question and answer."""
    rows = {}
    for path in sorted(glob.glob(os.path.join(built, "data", "*.parquet"))):
        rows[os.path.basename(path).split("-")[0].removeprefix("HumanRankEval").lower()] = pyarrow.parquet.read_table(path).to_pylist()
    with open(os.path.join(built, "metadata", "questions.jsonl"), encoding="utf-8") as file:
        for line in map(json.loads, file):
            row = rows[line["topic"].replace("_", "")][int(line["id"].split("/")[1])]
            yield line["site"], line["post_id"], row["question"]
            for answer, text in zip(line["answers"], row["answers"]):
                yield line["site"], answer["post_id"], text["text"]


def posts_of(built, dumps, count):
    """(HTML, text) of posts, evenly over all of them, the same in every run."""
    texts = list(texts_of(built))
    texts = texts[:: max(1, len(texts) // count)][:count]
    bodies = {site: bodies_of(os.path.join(dumps, site, "Posts.xml")) for site in {site for site, _, _ in texts}}
    return [(bodies[site][post], text) for site, post, text in texts]


def shown_by_chromium(bodies):
    # Each post alone on the page: a post may leave a list or quote open.
    script = (
        "<script>addEventListener('load', () => {const all = JSON.parse(document.getElementById('in').textContent);"
        "const box = document.getElementById('box'); const out = all.map(b => {box.innerHTML = b; return box.innerText});"
        "box.innerHTML = ''; document.getElementById('out').textContent = JSON.stringify(out)})</script>"
    )
    data = json.dumps(bodies).replace("<", "\\u003c")
    page = (
        "<!DOCTYPE html><meta charset=utf-8><body><div id=box></div><pre id=out></pre>"
        f"<script type=application/json id=in>{data}</script>{script}"
    )
    with tempfile.NamedTemporaryFile("w", suffix=".html", encoding="utf-8") as file:
        file.write(page)
        file.flush()
        dom = subprocess.run(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000", "--dump-dom", "file://" + file.name],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    return json.loads(html.unescape(re.search(r'<pre id="out">(.*?)</pre>', dom, re.S)[1]))


def bare(text, marks):
    """The lines of a text that are not empty, white space as one space, apart from known differences."""
    if marks:
        text = re.sub(r"^((> |>! |  +|- |\d+\. |>$|>!$))+", "", text, flags=re.M)
        text = re.sub(r"^---$", "", text, flags=re.M)
        text = text.replace(" | ", " ").replace(" |\n", "\n")
    return [" ".join(line.split()) for line in text.split("\n") if line.strip()]


def kind_of(body, mine, theirs):
    """Why two texts differ, as far as it can be told from the post."""
    if "<sup>" in body or "<sub>" in body:
        squeezed = [re.sub(r"[\^_() ]", "", "".join(words)) for words in (mine, theirs)]
        if squeezed[0] == squeezed[1]:
            return "raised or lowered text is marked with ^ or _"
    if "<code>" in body or "<pre>" in body:
        strip = lambda words: re.sub(r"[>\-|]|\d+\.", "", "".join(words))
        if strip(mine) == strip(theirs):
            return "code that looks like a mark of a list or quote (an artefact of this comparison)"
    if "$$" in body and " ".join(mine) == " ".join(theirs):
        return "a displayed formula keeps its lines"
    if " ".join(mine) == " ".join(theirs):
        return "lines end elsewhere"
    if "".join(" ".join(mine).split()) == "".join(" ".join(theirs).split()):
        return "white space alone"
    return "other"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--built", required=True)
    parser.add_argument("--dumps", required=True)
    parser.add_argument("--count", type=int, default=200)
    arguments = parser.parse_args()
    posts = posts_of(arguments.built, arguments.dumps, arguments.count)
    kinds = collections.Counter()
    for (body, made), shown in zip(posts, shown_by_chromium([body for body, _ in posts])):
        mine, theirs = bare(made, True), bare(shown, True)
        kind = "the same" if mine == theirs else kind_of(body, mine, theirs)
        kinds[kind] += 1
        if kind in ("other", "white space alone", "lines end elsewhere"):
            print(f"--- {kind}")
            print("\n".join(list(difflib.unified_diff(theirs, mine, "chromium", "hre", lineterm="", n=2))[:30]))
    print(f"{len(posts)} posts")
    for kind, n in kinds.most_common():
        print(f"{n:5} {kind}")
    return 1 if kinds["other"] or not posts else 0


if __name__ == "__main__":
    sys.exit(main())
