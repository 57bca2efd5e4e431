#!/usr/bin/env python3
"""Builds a dataset from Stack Exchange dumps a second time, slowly and plainly, and compares it with what
`hre data build` wrote: the same questions, the same answers, the same votes, in the same order.

    tools/oracle_stackexchange.py --recipe RECIPE.toml --dumps FOLDER --built DIR

It states the rules of docs/datasets.md on its own: XML and HTML are read by lxml, everything is held in
memory, near-duplicates are found by comparing all pairs. It needs lxml, xxhash and pyarrow, and folders of
Posts.xml (no archives). Languages are told by CLD2 here too, called by ctypes.
"""

import argparse
import ctypes
import datetime
import functools
import glob
import itertools
import json
import os
import re
import sys
import tomllib

import pyarrow.parquet
import xxhash
from lxml import etree, html as lxml_html

SPACE = " \n\t\r\f"


# --- text ------------------------------------------------------------------------------------
BLOCKS = {name: 2 for name in "p h1 h2 h3 h4 h5 h6 blockquote pre table dl hr ul ol".split()}
BLOCKS |= {name: 1 for name in "div li dt dd tr caption details summary center section article address figure".split()}
LEFT_OUT = set("script style title template iframe object textarea select svg".split())


def raw_text(node):
    if not isinstance(node.tag, str) or node.tag in LEFT_OUT:
        return ""
    text = "\n" if node.tag == "br" else (node.text or "")
    return text + "".join(raw_text(child) + (child.tail or "") for child in node)


def events(node, fenced, lists, in_cell):
    """What a node's content writes: ("sep", n), ("br",), ("text", t), ("raw", t), ("mark", t), ("push", first, rest),
    ("pop",), ("count", kind, +1 or -1), ("image",)."""
    yield from text_events(node.text)
    for child in node:
        if isinstance(child.tag, str) and child.tag not in LEFT_OUT:
            yield from element_events(child, fenced, lists, in_cell)
        yield from text_events(child.tail)


def text_events(text):
    for i, part in enumerate(re.split(r"(\$\$.*?\$\$)", text or "", flags=re.S)):
        if part:
            yield ("raw" if i % 2 else "text", part)


def separation(tag, lists, in_cell):
    lines = 1 if tag in ("ul", "ol") and lists else BLOCKS.get(tag, 0)
    if lines:
        yield ("sep", lines) if not in_cell else ("text", " ")


def script_text(mark, text):
    if not text or len(text) > 12 or any(c in SPACE for c in text):
        return None
    if text in ("st", "nd", "rd", "th"):
        return text
    word = text[1:] if text[0] in "+-" else text
    plain = word != "" and all(ord(c) >= 128 or c.isalnum() for c in word)
    return mark + (text if plain else f"({text})")


def element_events(node, fenced, lists, in_cell):
    tag = node.tag
    inside = lambda lists=lists, cell=in_cell: events(node, fenced, lists, cell)
    if tag == "br":
        yield ("br",) if not in_cell else ("text", " ")
        return
    yield from separation(tag, lists, in_cell)
    if tag == "hr":
        yield ("mark", "---")
    elif tag == "img":
        yield ("image",)
    elif tag == "pre":
        yield from code_block(node, fenced, in_cell)
    elif tag in ("sup", "sub"):
        written = script_text("^" if tag == "sup" else "_", raw_text(node).strip(SPACE))
        yield from [("raw", written)] if written else inside()
    elif tag == "code":
        yield from [("mark", "`")] if fenced else []
        yield ("count", "code", 1)
        yield from inside()
        yield ("count", "code", -1)
        yield from [("mark", "`")] if fenced else []
    elif tag == "a":
        yield ("count", "link", 1)
        yield from inside()
        yield ("count", "link", -1)
    elif tag == "blockquote":
        mark = ">! " if "spoiler" in node.get("class", "") else "> "
        yield ("push", mark, mark)
        yield from inside()
        yield ("pop",)
    elif tag in ("ul", "ol"):
        start = re.match(r"-?\d+", node.get("start", "1"))
        yield from inside(lists + [{"ordered": tag == "ol", "next": int(start[0]) if start else 1}])
    elif tag == "li":
        mark = "- "
        if lists and lists[-1]["ordered"]:
            mark = f"{lists[-1]['next']}. "
            lists[-1]["next"] += 1
        yield ("push", mark, " " * len(mark))
        yield from inside()
        yield ("pop",)
    elif tag == "dd":
        yield ("push", "  ", "  ")
        yield from inside()
        yield ("pop",)
    elif tag in ("td", "th"):
        if any(isinstance(other.tag, str) for other in node.itersiblings(preceding=True)):
            yield from [("text", " "), ("mark", "|"), ("text", " ")]
        yield from inside(cell=True)
    else:
        yield from inside()
    yield from separation(tag, lists, in_cell)


def code_block(node, fenced, in_cell):
    code = re.sub(r"^([ \t\r]*\n)+", "", raw_text(node)).rstrip(" \t\r\n")
    if not code:
        return
    runs = [len(run) for run in re.findall("`+", code)]
    fence = "`" * (max([2] + runs) + 1)
    gap = ("sep", 1) if not in_cell else ("text", " ")
    yield from [("mark", fence), gap] if fenced else []
    yield ("count", "code", 1)
    yield ("raw", code)
    yield ("count", "code", -1)
    yield from [gap, ("mark", fence)] if fenced else []


class Text:
    """Lays out events as lines."""

    def __init__(self):
        self.out, self.prose, self.prefixes, self.common = "", "", [], 0
        self.breaks, self.space, self.at_start = 0, False, True
        self.counts = {"code": 0, "link": 0}
        self.visible = self.code = self.links = self.images = 0

    def prefix(self):
        for prefix in self.prefixes[:16]:
            self.out += prefix.pop("first", prefix["rest"])

    def blank(self, depth):
        return "".join(prefix["rest"] for prefix in self.prefixes[: min(depth, 16)]).rstrip(" ")

    def begin(self):
        if self.out and self.breaks:
            self.out += "\n"
            if self.breaks > 1:
                self.out += self.blank(min(self.common, len(self.prefixes))) + "\n"
        if not self.out or self.breaks:
            self.prefix()
        elif self.space:
            self.out += " "
        if self.space or self.breaks:
            self.prose += " "
        self.breaks, self.space, self.at_start, self.common = 0, False, False, len(self.prefixes)

    def append(self, text):
        self.out += text
        if not self.counts["code"]:
            self.prose += text
        n = sum(c not in SPACE for c in text)
        self.visible += n
        self.code += n if self.counts["code"] else 0
        self.links += n if self.counts["link"] else 0

    def put(self, event):
        kind = event[0]
        if kind == "sep" or kind == "br":
            self.breaks = max(self.breaks, event[1]) if kind == "sep" else min(self.breaks + 1, 2)
            self.space, self.at_start = False, True
        elif kind == "text":
            for part in re.findall(f"[{SPACE}]+|[^{SPACE}]+", event[1]):
                if part[0] in SPACE:
                    self.space = not self.at_start
                else:
                    self.begin()
                    self.append(part)
        elif kind == "raw":
            self.begin()
            lines = event[1].split("\n")
            self.append(lines[0])
            for i, line in enumerate(lines[1:], 1):
                self.out += "\n"
                self.prose += " "
                if line:
                    self.prefix()
                elif i < len(lines):
                    self.out += self.blank(len(self.prefixes))
                self.append(line)
        elif kind == "mark":
            self.begin()
            self.out += event[1]
        elif kind == "push":
            self.common = min(self.common, len(self.prefixes))
            self.prefixes.append({"first": event[1], "rest": event[2]})
        elif kind == "pop":
            self.prefixes.pop()
            self.common = min(self.common, len(self.prefixes))
        elif kind == "count":
            self.counts[event[1]] += event[2]
        elif kind == "image":
            self.images += 1


def text_of(body, fenced=False):
    root = lxml_html.fragment_fromstring(body, create_parent="body") if body.strip() else etree.Element("body")
    text = Text()
    for event in events(root, fenced, [], False):
        text.put(event)
    lines = text.out.rstrip(SPACE).split("\n")
    while lines and not lines[0].strip(SPACE):
        lines.pop(0)
    text.out = "\n".join(lines)
    return text


# --- posts -----------------------------------------------------------------------------------
def milliseconds(value):
    moment = datetime.datetime.fromisoformat(value).replace(tzinfo=datetime.timezone.utc)
    return round(moment.timestamp() * 1000)


def rows_of(path):
    for _, row in etree.iterparse(path, tag="row", huge_tree=True):
        yield dict(row.attrib)
        row.clear()
        while row.getprevious() is not None:
            del row.getparent()[0]


def load_site(folder, site):
    votes = {}  # the days of each post's votes
    path = os.path.join(folder, site, "Votes.xml")
    if os.path.exists(path):
        for row in rows_of(path):
            if row["VoteTypeId"] in ("2", "3"):
                votes.setdefault(int(row["PostId"]), []).append(row.get("CreationDate", "9999")[:10])
    locked = set()
    path = os.path.join(folder, site, "PostHistory.xml")
    if os.path.exists(path):
        for row in rows_of(path):
            if row["PostHistoryTypeId"] == "14":
                locked.add(int(row["PostId"]))
            elif row["PostHistoryTypeId"] == "15":
                locked.discard(int(row["PostId"]))
    questions, answers, seen = {}, {}, set()
    for row in rows_of(os.path.join(folder, site, "Posts.xml")):
        if row["PostTypeId"] not in ("1", "2") or int(row["Id"]) in seen or int(row["Id"]) >= 10**9:
            continue
        seen.add(int(row["Id"]))
        post = {
            "id": int(row["Id"]),
            "site": site,
            "score": int(row["Score"]),
            "created": milliseconds(row["CreationDate"]),
            "edited": milliseconds(row.get("LastEditDate", row["CreationDate"])),
            "views": int(row.get("ViewCount", 0)),
            "accepted": int(row.get("AcceptedAnswerId", 0)),
            "body": row["Body"],
            "title": " ".join(row.get("Title", "").split()),
            "tags": [tag for tag in re.split("[<>|]", row.get("Tags", "")) if tag],
            "site_has_days": any(votes.values()),
            "days": votes.get(int(row["Id"]), []),
            "edit_day": row.get("LastEditDate", "")[:10],
            "cast": max(len(votes.get(int(row["Id"]), [])), abs(int(row["Score"]))),
            "marks": {
                mark
                for mark, there in [
                    ("closed", "ClosedDate" in row),
                    ("wiki", "CommunityOwnedDate" in row),
                    ("locked", int(row["Id"]) in locked),
                    ("deleted_author", "OwnerUserId" not in row),
                ]
                if there
            },
        }
        if row["PostTypeId"] == "1":
            questions[post["id"]] = post
        else:
            answers.setdefault(int(row["ParentId"]), []).append(post)
    return questions, answers


def first(line, *names):
    """The first of these fields that the line has; "a.b" is b within a."""
    for name in names:
        value = line
        for part in name.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if value is not None:
            return value
    return None


def load_jsonl(path):
    """Questions with their answers, or a post on each line. Posts are numbered from 1 in the order in which they are named;
    lines that can't be used are left out."""

    def date(value):
        try:
            return round(float(value) * 1000)
        except ValueError:
            return milliseconds(value.removesuffix("Z"))

    def post_of(line, number, is_question, common):
        names = (
            ["question", "text", "selftext", "cooked", "raw", "body", "post.body"]
            if is_question
            else ["text", "cooked", "raw", "body", "comment.content", "content"]
        )
        created = date(first(line, "created_utc", "created", "created_at", "comment.published", "post.published", "published"))
        edited = first(line, "edited", "last_version_at", "comment.updated", "post.updated", "updated")
        score = int(first(line, "votes", "like_count", "score", "counts.score") or 0)
        author = first(line, "author", "username", "creator.name", "user_id")
        body = first(line, *names) or ""
        form = "html" if line.get("cooked") == body and "format" not in common else common.get("format", "text")
        clean = lambda text: re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f]", "", text)
        return {
            "id": number,
            "site": site_of("jsonl:" + path),
            "format": form,
            "views": line.get("views") or 0,
            "score": score,
            "cast": abs(score),
            "site_has_days": False,
            "days": [],
            "edit_day": "",
            "created": created,
            "edited": date(edited) if edited else created,
            "body": clean(body),
            "title": " ".join(clean(first(line, "title", "post.name") or "").split()),
            "tags": line.get("tags") or [],
            "marks": set() if author else {"deleted_author"},
            "accepted": 0,
        }

    questions, answers, numbers, last = {}, {}, {}, 0
    with open(path, encoding="utf-8") as file:
        for text in file:
            try:
                line = json.loads(text)
                common = {"format": line["format"]} if "format" in line else {}
                if "answers" in line:
                    posts = [post_of(line, last + 1, True, common)]
                    for answer in line["answers"]:
                        posts.append(post_of(answer, last + 1 + len(posts), False, common))
                        if first(answer, "accepted", "accepted_answer"):
                            posts[0]["accepted"] = posts[-1]["id"]
                    last += len(posts)
                    questions[posts[0]["id"]], answers[posts[0]["id"]] = posts[0], posts[1:]
                    continue
                if "post_number" in line:
                    key, reply = str(line["topic_id"]), (line.get("reply_to_post_number") or 1) > 1
                    parent = None if line["post_number"] == 1 else "" if reply else key
                else:
                    key = str(first(line, "id", "post.id")).removeprefix("t3_")
                    parent = first(line, "parent", "parent_id", "comment.post_id", "post_id")
                    if parent is not None:
                        deep = (first(line, "comment.path") or "").count(".") > 1 or str(parent).startswith("t1_")
                        parent = "" if deep else str(parent).removeprefix("t3_")
                post = post_of(line, 0, parent is None, common)
                gone = post["body"] in ("[deleted]", "[removed]") or any(
                    first(line, f"{part}{name}") is True for name in ("deleted", "removed") for part in ("", "comment.", "post.")
                )
                if parent == "" or gone:
                    last += 1
                    continue
                thread = key if parent is None else parent
                if thread not in numbers:
                    numbers[thread] = last = last + 1
                if parent is None:
                    post["id"] = numbers[thread]
                    if post["id"] not in questions:
                        questions[post["id"]] = post
                else:
                    post["id"] = last = last + 1
                    answers.setdefault(numbers[thread], []).append(post)
                    post["was_accepted"] = bool(first(line, "accepted", "accepted_answer"))
            except (ValueError, TypeError, KeyError, AttributeError):
                continue
    for number, posts in answers.items():
        for post in posts:
            if post.get("was_accepted") and number in questions:
                questions[number]["accepted"] = post["id"]
    return questions, answers


# --- rules -----------------------------------------------------------------------------------
def day(value, default):
    return default if value is None else milliseconds(value.isoformat())


def passes_record(f, post):
    return (
        day(f.get("from"), -(10**18)) <= post["created"] < day(f.get("until"), 10**18)
        and post["edited"] - post["created"] <= f.get("edited_within_days", 10**6) * 86_400_000
        and sum(day < post["edit_day"] for day in post["days"]) <= f.get("max_votes_before_edit", 1) * len(post["days"])
        and post["score"] >= f.get("min_score", -(10**9))
        and post["cast"] >= f.get("min_votes", 0)
        and post["views"] >= f.get("min_views", 0)
        and not post["marks"] & set(f["drop"])
    )


@functools.cache
def cld2():
    """DetectLanguage() and LanguageCode(). The larger tables have a library of their own, whose symbols go before the smaller ones'."""
    ctypes.CDLL("libcld2_full.so.0", mode=ctypes.RTLD_GLOBAL)
    library = ctypes.CDLL("libcld2.so.0")
    detect, code = library._ZN4CLD214DetectLanguageEPKcibPb, library._ZN4CLD212LanguageCodeENS_8LanguageE
    detect.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_bool, ctypes.POINTER(ctypes.c_bool)]
    code.restype = ctypes.c_char_p
    return detect, code


def language_of(text):
    """Of the first 64 KiB; None where it is not clear."""
    detect, code = cld2()
    start = text.encode()[: 1 << 16].decode(errors="ignore").encode()
    reliable = ctypes.c_bool()
    language = code(detect(start, len(start), True, ctypes.byref(reliable))).decode()
    return language.split("-")[0] if reliable.value and language != "un" else None


MACHINE_PHRASES = [
    "as an ai language model",
    "as a large language model",
    "as an ai assistant",
    "as of my last knowledge update",
    "as of my last update",
    "my knowledge cutoff",
    "regenerate response",
    "i cannot browse the internet",
    "certainly! here",
    "certainly! below",
    "sure! here",
    "i hope this helps! let me know",
    "is there anything else i can help",
]


def passes_text(f, post):
    text = post["converted"]
    if "machine_phrase" in f["drop"] and any(phrase in ascii_lower(post["text"]) for phrase in MACHINE_PHRASES):
        return False
    if f.get("languages") and language_of(text.prose) not in (None, *f["languages"]):
        return False
    if "image_only" in f["drop"] and text.images and not text.visible:
        return False
    share = lambda part: part / text.visible if text.visible else 0
    return (
        f.get("min_length", 1) <= len(post["text"]) <= f.get("max_length", 10**18)
        and share(text.code) <= f.get("max_code", 1)
        and share(text.links) <= f.get("max_links", 1)
    )


def like_lengths(answers, ratio):
    order = sorted(range(len(answers)), key=lambda i: len(answers[i]["text"]))
    best = []
    for begin in range(len(order)):
        group = [i for i in order[begin:] if len(answers[i]["text"]) <= ratio * len(answers[order[begin]]["text"])]
        if len(group) > len(best):
            best = group
    return [answers[i] for i in sorted(best)]


def good_votes(f, answers):
    """Asked of all answers that pass, and of those that are chosen."""
    scores = [answer["label"] for answer in answers]
    return (
        len(scores) > 0
        and max(scores) - min(scores) >= f.get("min_spread", 0)
        and len(set(scores)) >= f.get("min_distinct", 2)
        and sum(answer["cast"] for answer in answers) >= f.get("min_answer_votes", 0)
    )


def good_answers(f, taken, answers):
    return max(2, f.get("min_answers", 0), taken) <= len(answers) <= f.get("max_answers", 10**18) and good_votes(f, answers)


def key_of(recipe, post):
    return xxhash.xxh3_64_intdigest(f"{post['site']}/{post['id']}".encode(), seed=recipe["seed"])


def later_wins(n, answers):
    """Of all n answers each of which is later and has more votes than the one before: those whose votes differ most, then the
    earliest first, the earliest last, the earliest between."""
    row = sorted(answers, key=lambda a: (a["created"], a["id"]))
    chains = [
        at
        for at in itertools.combinations(range(len(row)), n)
        if all(row[a]["created"] < row[b]["created"] and row[a]["label"] < row[b]["label"] for a, b in zip(at, at[1:]))
    ]
    best = min(chains, default=(), key=lambda at: (row[at[0]]["label"] - row[at[-1]]["label"], at[0], at[-1], at))
    return [row[i] for i in best]


def choose(recipe, answers):
    n, how = recipe["answers"], recipe["choose"]
    if how == "later-wins":
        return sorted(later_wins(n, answers), key=lambda a: a["id"])
    by_draw = sorted(answers, key=lambda a: (key_of(recipe, a), a["id"]))
    if how == "all" or n == 0 or n >= len(answers):
        chosen = answers
    elif how == "random":
        chosen = by_draw[:n]
    elif how == "top-and-random":
        top = min(answers, key=lambda a: (-a["label"], a["id"]))
        chosen = [top] + [a for a in by_draw if a is not top][: n - 1]
    else:
        by_score = sorted(by_draw, key=lambda a: a["label"])
        last = len(answers) - 1
        chosen = [by_score[(2 * i * last + n - 1) // (2 * (n - 1))] for i in range(n)]
    return sorted(chosen, key=lambda a: a["id"])


# Scripts without spaces: Thai, Lao, Burmese, Khmer, kana, Han.
CHARACTER = "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"


def ascii_lower(text):
    return "".join(c.lower() if c.isascii() else c for c in text)


def words_of(text):
    spaced = re.sub(f"({CHARACTER})", r" \1 ", ascii_lower(text))
    return [word for word in re.split(f"[{SPACE}]+", spaced) if word]


def shingles(text):
    words = words_of(text)
    return {tuple(words[i : i + 5]) for i in range(max(1, len(words) - 4))} if words else set()


def runs_of_13(text):
    words = words_of(text)
    return {tuple(words[i : i + 13]) for i in range(len(words) - 12)}


def nearly_same(a, b, threshold):
    return (len(a & b) / len(a | b) if a | b else 1) >= threshold


# --- the whole -------------------------------------------------------------------------------
def filters_of(recipe, topic, kind):
    default = {"drop": ["closed", "locked", "wiki", "image_only"] if kind == "question" else ["locked", "wiki", "image_only"]}
    return default | recipe.get(kind, {}) | topic.get(kind, {})


def site_of(source):
    """ "SITE[tag][tag]" without its tags; of JSON lines the file's name."""
    source = source.split("[")[0]
    if not source.startswith("jsonl:"):
        return source
    return re.sub("[^a-z0-9.-]", "_", os.path.basename(source.removeprefix("jsonl:")).removesuffix(".jsonl").lower())


def sources_of(topic):
    return topic.get("sites", []) + topic.get("sources", [])


def takes(topic, site, tags):
    """Whether the topic takes a question of this site with these tags: a site's own tags stand for the topic's."""
    wanted = [re.findall(r"\[([^\[\]]+)\]", source) or topic.get("tags", []) for source in sources_of(topic) if site_of(source) == site]
    return any(not some or set(some) & set(tags) for some in wanted) and not set(topic.get("not_tags", [])) & set(tags)


def convert(post, recipe, is_question):
    if post.get("format") == "text":
        post["converted"] = Text()
        post["converted"].out = post["converted"].prose = post["body"].strip(SPACE)
        post["converted"].visible = sum(c not in SPACE for c in post["body"])
    else:
        post["converted"] = text_of(post["body"], recipe["code"] == "fenced")
    post["text"] = post["converted"].out
    if is_question and recipe["text"] != "body":
        parts = [post["title"], post["text"]] if recipe["text"] == "title+body" else [post["title"]]
        post["text"] = "\n\n".join(part for part in parts if part)


def judge(recipe, topic, question, answers):
    """The question's answers to choose from; none where it is out."""
    q, a = filters_of(recipe, topic, "question"), filters_of(recipe, topic, "answer")
    if question["site"] in topic.get("site_languages", {}):
        q["languages"] = a["languages"] = topic["site_languages"][question["site"]]
    within = a.get("within_days", 10**6) * 86_400_000
    if not passes_record(q, question):
        return []
    answers = [
        post
        for post in sorted(answers, key=lambda post: post["id"])
        if passes_record(a, post) and post["created"] - question["created"] <= within
    ]
    convert(question, recipe, True)
    for post in answers:
        convert(post, recipe, False)
        post["label"] = post["score"] if recipe["label"] == "votes" else int(post["id"] == question["accepted"])
    answers = [post for post in answers if passes_text(a, post)]
    answers = list({post["text"]: post for post in reversed(answers)}.values())[::-1]
    if a.get("max_length_ratio"):
        answers = like_lengths(answers, a["max_length_ratio"])
    taken = 0 if recipe["choose"] == "all" else recipe["answers"]
    if not passes_text(q, question) or not good_answers(q, taken, answers):
        return []
    return answers if good_votes(q, choose(recipe, answers)) else []


def facts_of(answer, question, end):
    """What the metadata says of a chosen answer beside its text and votes."""
    phrase = next((phrase for phrase in MACHINE_PHRASES if phrase in ascii_lower(answer["text"])), None)
    views = None
    if question["views"] and end > question["created"]:
        since = min(max(end - answer["created"], 0), end - question["created"])
        views = question["views"] * since / (end - question["created"])
    rate = 1000 * answer["score"] / views if views is not None and views >= 1 else None
    before = sum(day < answer["edit_day"] for day in answer["days"]) if answer["site_has_days"] else None
    return {
        "machine_phrase": phrase,
        "since_2022_12": answer["edited"] >= milliseconds("2022-12-01"),
        "accepted": answer["id"] == question["accepted"],
        "views_since": views,
        "votes_per_1000_views": rate,
        "votes_before_edit": before,
    }


def build(recipe, dumps, known):
    sites = {}
    for source in dict.fromkeys(source for topic in recipe["topic"] for source in sources_of(topic)):
        path = source.split("[")[0].removeprefix("jsonl:")
        sites[site_of(source)] = load_jsonl(path) if source.startswith("jsonl:") else load_site(dumps, path)
    last = {
        site: max((post["created"] for group in [questions.values(), *answers.values()] for post in group), default=0)
        for site, (questions, answers) in sites.items()
    }
    kept, built = [], {}
    for topic in recipe["topic"]:
        candidates = []
        for site in dict.fromkeys(map(site_of, sources_of(topic))):
            questions, answers = sites[site]
            for question in questions.values():
                first = next((other for other in recipe["topic"] if takes(other, site, question["tags"])), None)
                if first is topic:
                    good = judge(recipe, topic, question, answers.get(question["id"], []))
                    if good:
                        candidates.append((key_of(recipe, question), question, good))
        candidates.sort(key=lambda candidate: candidate[0])
        built[topic["name"]] = taken = []
        for _, question, good in candidates:
            limit = topic.get("questions", recipe["questions"])
            if limit and len(taken) == limit:
                break
            if any(runs_of_13(post["text"]) & known for post in [question] + choose(recipe, good)):
                continue
            if recipe["near_duplicates"] > 0:
                mine = shingles(question["text"])
                if any(nearly_same(mine, other, recipe["near_duplicates"]) for other in kept):
                    continue
                kept.append(mine)
            posts = choose(recipe, good)
            taken.append(
                (question["text"], [(a["text"], a["label"]) for a in posts], [facts_of(a, question, last[question["site"]]) for a in posts])
            )
    return built


def read_built(folder):
    built, facts = {}, {}
    with open(os.path.join(folder, "metadata", "questions.jsonl"), encoding="utf-8") as file:
        for line in map(json.loads, file):
            facts.setdefault(line["topic"].replace("_", ""), []).append(line["answers"])
    for path in sorted(glob.glob(os.path.join(folder, "data", "*.parquet"))):
        name = os.path.basename(path).split("-")[0].removeprefix("HumanRankEval")
        rows = pyarrow.parquet.read_table(path).to_pylist()
        built[name.lower()] = [
            (row["question"], [(a["text"], int(a["votes"])) for a in row["answers"]], said) for row, said in zip(rows, facts[name.lower()])
        ]
    return built


def same_facts(mine, theirs):
    """Metadata rounds views to 1 and votes per 1,000 of them to 0.001."""

    def close(a, b, by):
        return a is b if a is None or b is None else abs(a - b) <= by

    return (
        close(mine.pop("views_since"), theirs["views_since"], 0.500001)
        and close(mine.pop("votes_per_1000_views"), theirs["votes_per_1000_views"], 0.000501)
        and all(theirs[name] == value for name, value in mine.items())
    )


def compare(mine, theirs):
    problems = 0
    for topic, questions in mine.items():
        other = theirs.get(topic.replace("_", ""), [])
        if len(questions) != len(other):
            problems += 1
            print(f"{topic}: {len(questions)} questions here, {len(other)} there")
        for i, (a, b) in enumerate(zip(questions, other)):
            if a[:2] != b[:2] or not all(same_facts(mine, theirs) for mine, theirs in zip(a[2], b[2])):
                problems += 1
                if problems <= 3:
                    print(f"{topic}/{i:06} differs:\nhere  {a!r}\nthere {b!r}")
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--recipe", "--dumps", "--built"):
        parser.add_argument(name, required=True)
    parser.add_argument("--against", help="JSON lines of questions with answers, or of texts")
    arguments = parser.parse_args()
    with open(arguments.recipe, "rb") as file:
        recipe = {
            "seed": 42,
            "questions": 500,
            "answers": 4,
            "choose": "spread",
            "label": "votes",
            "code": "plain",
            "text": "title+body",
            "near_duplicates": 0.8,
        } | tomllib.load(file)
    known = set()
    if arguments.against:
        with open(arguments.against, encoding="utf-8") as file:
            for line in map(json.loads, filter(str.strip, file)):
                for text in [line["text"]] if "text" in line else [line["question"]] + [answer["text"] for answer in line["answers"]]:
                    known |= runs_of_13(text)
    mine, theirs = build(recipe, arguments.dumps, known), read_built(arguments.built)
    problems = compare(mine, theirs)
    questions = sum(len(topic) for topic in mine.values())
    answers = sum(len(question[1]) for topic in mine.values() for question in topic)
    print(f"{len(mine)} topics, {questions} questions, {answers} answers: {problems} differences")
    return 1 if problems or not questions else 0


if __name__ == "__main__":
    sys.exit(main())
