"""The built-in sample beside real questions: how answers are written and voted on, and what models make of them.

  python3 tools/compare_sample.py --real DATA [--hre build/release/src/hre] [--held-out FILE] [--model GGUF]...

DATA is a dataset of real questions with four answers each. Every MODEL is evaluated on the first 15 questions of each
of its topics and on the whole sample; FILE holds questions that the models in models/ were not trained on
(tools/train/train.py writes them). Prints two tables in Markdown, those of src/data/sample/README.md.
"""

import argparse
import json
import math
import pathlib
import re
import statistics
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
MISSPELT = """accomodate acheive alot alright altho aparently arguement beleive calender cant comming couldnt definately didnt dont
doesnt existance explaination grammer havent hes im independant isnt ive noone occured occurence recieve recomend seperate shouldnt
similiar teh thats theyre thier thru truely untill wasnt wether whats wich wont wouldnt youre""".split()


def words(text):
    return re.findall(r"[a-z][a-z']+", text.lower())


def content(text):
    return {word for word in words(text) if len(word) > 3}


def is_code(line):
    return re.search(r"[;{}]\s*$|^\s{4,}\S|^\s*(#include|import |def |SELECT |\$ |\\(begin|usepackage))|^\s*[\w.]+\s*=\s*\S|->|::", line)


def share_of_code(text):
    return sum(len(line) for line in text.split("\n") if is_code(line)) / max(1, len(text))


def has_slip(text):
    """A word misspelt, an apostrophe left out, a lower-case I, or a sentence that begins in lower case."""
    return (
        any(word in MISSPELT for word in words(text))
        or re.search(r"(?<![\w(*$\\])i [a-z]{2}", text)
        or re.search(r"(^|[a-z]{3}[.!?] )(also|and|because|but|did|he|i|if|in|it|maybe|so|that|the|there|they|this|we|when|you) ", text)
    )


def has_no_end(text):
    return text.rstrip()[-1:].isalnum()


def is_link(text):
    return len(text) < 250 and re.search(r"https?://|\bsee the (article|book)|\b(have|take) a look at|\bread\b|\bsee [A-Z]", text)


def is_no_answer(text):
    return re.search(
        r"(?i)\b(same|similar) (problem|issue|thing)|thanks in advance|did you (ever )?(find|solve)|have you tried|"
        r"can you post|could you post|please help|enough reputation|can't comment",
        text,
    )


def is_correction(text):
    return re.search(
        r"(?i)\bedit:|\bupdate:|\b(the )?(other|above|accepted|previous) answers?\b|\bas \w+ (said|says|mentioned|pointed out)|"
        r"to add (to|on|something)|\bagree with\b",
        text,
    )


def is_rant(text):
    return "!!" in text or re.search(r"(?i)\b(stupid|ridiculous|nonsense|waste of time|hate|worst|lazy|evil|should be abolished)\b", text)


def correlation(x, y):
    mx, my = statistics.fmean(x), statistics.fmean(y)
    sx, sy = (math.sqrt(sum((v - m) ** 2 for v in s)) for s, m in ((x, mx), (y, my)))
    return sum((a - mx) * (b - my) for a, b in zip(x, y)) / (sx * sy) if sx and sy else None


def with_votes(questions, number):
    """The mean correlation within questions of a number about answers with their votes, where it is defined."""
    values = [
        correlation(
            [number(question, answer["text"]) for answer in question["answers"]], [answer["votes"] for answer in question["answers"]]
        )
        for question in questions
    ]
    values = [value for value in values if value is not None]
    return f"{statistics.fmean(values):.2f}" if values else "–"


def overlap(question, text):
    return len(content(question["question"]) & content(text))


def repeats(question):
    """How many answers share a third of their words with one that got more votes."""
    answers = sorted(question["answers"], key=lambda answer: -answer["votes"])
    sets = [content(answer["text"]) for answer in answers]
    return sum(any(len(a & b) >= len(a) / 3 for b in sets[:i]) for i, a in enumerate(sets) if a)


def rows(questions):
    answers = [answer for question in questions for answer in question["answers"]]
    texts = [answer["text"] for answer in answers]
    ranked = [sorted(question["answers"], key=lambda answer: -answer["votes"]) for question in questions]

    def share(test):
        return f"{100 * sum(bool(test(text)) for text in texts) / len(texts):.1f} %"

    def longest(answers):
        return max(range(len(answers)), key=lambda i: len(answers[i]["text"])) == 0

    lengths = [len(text) for text in texts]
    return {
        "questions": str(len(questions)),
        "characters of an answer, median (10 %, 90 %)": "{1:.0f} ({0:.0f}, {2:.0f})".format(
            *(statistics.quantiles(lengths, n=10)[i] for i in (0, 4, 8))
        ),
        "... of the best, second, third, last by votes, mean": ", ".join(
            f"{statistics.fmean(len(r[i]['text']) for r in ranked if len(r) == 4):.0f}" for i in range(4)
        ),
        "questions whose best answer is the longest": f"{100 * statistics.fmean(map(longest, ranked)):.0f} %",
        "r of votes with length": with_votes(questions, lambda _, text: len(text)),
        "r of votes with paragraphs": with_votes(questions, lambda _, text: text.count("\n\n")),
        "r of votes with words of the question": with_votes(questions, overlap),
        "r of votes with “I” and “my”": with_votes(questions, lambda _, text: len(re.findall(r"\b(I|my)\b", text))),
        "r of votes with the place among the answers": f"""{
            statistics.fmean(
                value
                for value in (correlation(range(len(q["answers"])), [answer["votes"] for answer in q["answers"]]) for q in questions)
                if value is not None
            ):.2f}""",
        "share of an answer that is code, mean": f"{100 * statistics.fmean(map(share_of_code, texts)):.1f} %",
        "best answer's share of the votes, mean": f"{100 * statistics.fmean(r[0]['votes'] / max(1, sum(max(0, a['votes']) for a in r)) for r in ranked):.0f} %",
        "votes of the best, second, third, last, median": ", ".join(
            f"{statistics.median(r[i]['votes'] for r in ranked if len(r) == 4):.0f}" for i in range(4)
        ),
        "answers with votes below 0": f"{100 * statistics.fmean(answer['votes'] < 0 for answer in answers):.1f} %",
        "answers with a slip of spelling or grammar": share(has_slip),
        "... that end without punctuation": share(has_no_end),
        "... that point elsewhere, in fewer than 250 characters": share(is_link),
        "... that ask, thank or say “me too”": share(is_no_answer),
        "... that refer to others or correct themselves": share(is_correction),
        "... that rant": share(is_rant),
        "... that repeat a better one": f"{100 * sum(map(repeats, questions)) / len(answers):.1f} %",
        "... without a word of the question": f"{100 * statistics.fmean(overlap(q, a['text']) == 0 for q in questions for a in q['answers']):.1f} %",
    }


def read(hre, data, folder):
    path = folder / "questions.jsonl"
    subprocess.run([hre, "data", "convert", data, path, "--force", "--quiet"], check=True)
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def value(hre, model, data, folder, *options):
    path = folder / "run.json"
    subprocess.run(
        [hre, "eval", model, "--data", data, "--long-answers", "truncate", "--max-length", "1024", "--json", path, "--quiet", *options],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    micro = json.loads(path.read_text(encoding="utf-8"))["results"]["micro"]
    mean, (low, high) = micro["pearson"]["mean"], micro["pearson"]["ci95"]
    return f"{mean:.2f} [{low:.2f}, {high:.2f}], {100 * micro['pairwise_accuracy']['mean']:.0f} %"


def table(head, lines):
    print("| " + " | ".join(head) + " |\n" + "|---" * len(head) + "|")
    for line in lines:
        print("| " + " | ".join(line) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", required=True)
    parser.add_argument("--hre", default=ROOT / "build/release/src/hre")
    parser.add_argument("--held-out")
    parser.add_argument("--model", action="append", default=[])
    parser.add_argument("--sample", default="sample", help="another dataset in the sample's place")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        real, sample = (rows(read(args.hre, data, folder)) for data in (args.real, args.sample))
        table(["", "real questions", "sample"], [[key, real[key], sample[key]] for key in real])
        print()
        lines = [
            [
                pathlib.Path(model).name,
                value(args.hre, model, args.real, folder, "--limit", "15"),
                value(args.hre, model, args.sample, folder),
            ]
            for model in ["baseline:length", "baseline:zstd", *args.model]
        ]
        for shipped in sorted((ROOT / "models").glob("*.gguf")) if args.held_out else []:
            lines.append([shipped.name, value(args.hre, shipped, args.held_out, folder), value(args.hre, shipped, args.sample, folder)])
        table(["r and 95 % interval, pairs ordered as people do", "real questions", "sample"], lines)


if __name__ == "__main__":
    main()
