"""Stack Exchange dumps as training text and held-out questions.

Questions are split by a hash of their site and id before anything is trained: a held-out question gives
neither its own text nor its answers, and no training post shares a run of 13 words with any of them.
"""

import dataclasses
import hashlib
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
from oracle_stackexchange import load_site, text_of  # noqa: E402  the same text as hre data build gives

HELD_OUT = 0.3  # share of questions that are only evaluated on
VALIDATION = 0.1  # share of questions that are watched during training, and not trained on
GRAM = 13  # words


@dataclasses.dataclass
class Answer:
    text: str
    votes: int


@dataclasses.dataclass
class Question:
    site: str
    id: int
    text: str
    answers: list
    part: str  # "train", "validation" or "held_out"


def part_of(site, question_id):
    """The part that a question falls into; it depends on its site and id alone."""
    digest = hashlib.sha256(f"{site}/{question_id}".encode()).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    if place < HELD_OUT:
        return "held_out"
    return "validation" if place < HELD_OUT + VALIDATION else "train"


def read_questions(dumps):
    """All questions of all sites below the folder, with their answers, in the order of site and id."""
    questions = []
    for folder in sorted(pathlib.Path(dumps).iterdir()):
        if not (folder / "Posts.xml").exists():
            continue
        asked, answers = load_site(str(pathlib.Path(dumps)), folder.name)
        for post in sorted(asked.values(), key=lambda post: post["id"]):
            text = "\n\n".join(part for part in (post["title"], text_of(post["body"]).out) if part)
            replies = [
                Answer(text_of(reply["body"]).out, reply["score"])
                for reply in sorted(answers.get(post["id"], []), key=lambda reply: reply["id"])
            ]
            replies = [reply for reply in replies if reply.text]
            questions.append(Question(folder.name, post["id"], text, replies, part_of(folder.name, post["id"])))
    return questions


def grams(text):
    """Hashes of the text's runs of GRAM words, lower case, punctuation left out."""
    words = re.findall(r"\w+", text.lower())
    return {hash(tuple(words[i : i + GRAM])) for i in range(len(words) - GRAM + 1)}


def texts_of(question):
    return [question.text] + [answer.text for answer in question.answers]


def without_overlap(questions):
    """Train questions whose texts share no 13-gram with the other parts; answers that do are left out alone.

    Returns (questions, number of questions left out, number of answers left out).
    """
    kept_back = set()
    for question in questions:
        if question.part != "train":
            for text in texts_of(question):
                kept_back |= grams(text)
    kept, n_questions, n_answers = [], 0, 0
    for question in questions:
        if question.part != "train":
            continue
        if grams(question.text) & kept_back:
            n_questions += 1
            continue
        answers = [answer for answer in question.answers if not grams(answer.text) & kept_back]
        n_answers += len(question.answers) - len(answers)
        kept.append(dataclasses.replace(question, answers=answers))
    return kept, n_questions, n_answers


def topic_of(site):
    return site.removesuffix(".com").removesuffix(".stackexchange")


def json_lines(questions, part, min_answers=4):
    """The questions of a part as hre reads them: one JSON object a line, all answers of each."""
    rows = []
    for question in questions:
        if question.part == part and len(question.answers) >= min_answers:
            rows.append(
                {
                    "topic": topic_of(question.site),
                    "id": f"{topic_of(question.site)}/{question.id}",
                    "question": question.text,
                    "answers": [{"text": answer.text, "votes": answer.votes} for answer in question.answers],
                }
            )
    return rows
