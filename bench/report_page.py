"""How quickly a large page opens in headless Chromium, and how large it is.

    HRE_PROGRAM=build/release/src/hre python3 bench/report_page.py [QUESTIONS] [MODELS] [--tokens]

Makes up so many questions (default 7000) and models (default 6), checks that the page shows them all, and then opens it
several times: the time from navigation to the drawn page and the first question, and the time of one frame while the
list scrolls. Prints the median of each, and the ratio of the open time to that of a page of 70 questions.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests"))
import report_data  # noqa: E402
from browser import Browser  # noqa: E402

PROGRAM = pathlib.Path(os.environ.get("HRE_PROGRAM", "build/release/src/hre")).resolve()
READY = """const done = arguments[arguments.length - 1];
const wait = () => document.documentElement.hasAttribute('data-ready') && document.querySelector('#detail h3') ? done(performance.now()) : setTimeout(wait, 5);
wait();"""
SCROLL = """const done = arguments[arguments.length - 1];
const list = document.querySelector('#list'), times = [];
let last = performance.now();
const step = (now) => { times.push(now - last); last = now; list.scrollTop += 2000; times.length < 60 ? requestAnimationFrame(step) : done(times); };
requestAnimationFrame(step);"""


def make_page(folder, questions, models, tokens):
    """Gives the page's path, and the seconds that hre report took."""
    report_data.write_dataset(folder / "data.jsonl", report_data.many_questions(questions, 14, 1))
    run = lambda *arguments: subprocess.run([PROGRAM, *arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    run("eval", "baseline:zstd", "--data", "data.jsonl", "--json", "base.json", "--details", "--quiet", "--no-shuffle")
    base = json.loads((folder / "base.json").read_text())
    places, texts = {}, {}
    for line in (folder / "data.jsonl").read_text().splitlines():
        question = json.loads(line)
        place = places[question["topic"]] = places.get(question["topic"], -1) + 1
        texts[question["topic"], f"{question['topic']}/{place:06}"] = [answer["text"] for answer in question["answers"]]
    for i in range(models):
        made = report_data.other_model(base, f"model {i}", i)
        if tokens:
            report_data.with_tokens(made, texts, i)
        (folder / f"run{i}.json").write_text(json.dumps(made))
    run("report", *[f"run{i}.json" for i in range(models)], "--out", "out", "--quiet")
    return folder / "out" / "index.html"


def open_times(browser, page, expected, rounds=5):
    times = []
    for _ in range(rounds):
        browser.open("/dev/null")
        browser.open(page)
        times.append(browser.call("POST", "/execute/async", {"script": READY, "args": []}))
        shown = browser.run("return document.querySelector('#count').textContent")
        assert shown == f"{expected} of {expected} questions", shown
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("questions", nargs="?", type=int, default=7000)
    parser.add_argument("models", nargs="?", type=int, default=6)
    parser.add_argument("--tokens", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, Browser() as browser:
        pages = {}
        for count in (70, arguments.questions):
            folder = pathlib.Path(scratch) / str(count)
            folder.mkdir()
            pages[count] = make_page(folder, count, arguments.models, arguments.tokens)
        small = statistics.median(open_times(browser, pages[70], 70))
        large = statistics.median(open_times(browser, pages[arguments.questions], arguments.questions))
        frames = browser.call("POST", "/execute/async", {"script": SCROLL, "args": []})
        print(
            f"{arguments.questions} questions, {arguments.models} models{', with tokens' if arguments.tokens else ''}: "
            f"{pages[arguments.questions].stat().st_size / 1e6:.1f} MB"
        )
        print(f"open: {large / 1000:.2f} s, {large / small:.1f} times that of 70 questions ({small / 1000:.2f} s)")
        print(f"a frame while scrolling: median {statistics.median(frames):.1f} ms, 95 % within {sorted(frames)[56]:.1f} ms")


if __name__ == "__main__":
    main()
