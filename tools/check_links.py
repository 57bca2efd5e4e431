#!/usr/bin/env python3
"""Dead links in the documents: files, headings, and on request addresses.

    tools/check_links.py [FILE.md]...        without files: every Markdown file that git has
    tools/check_links.py --external          asks for each http(s) address too, which takes minutes and needs the network

A link to a file must lead to a file that git has, and one with #heading to a heading of it, spelt as GitHub spells anchors.
Ends with status 1 and one line per dead link.
"""

import argparse
import concurrent.futures
import pathlib
import re
import subprocess
import sys
import unicodedata
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINK = re.compile(r"(?<!\\)!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(\s*<?([^()\s>]+(?:\([^()\s]*\)[^()\s>]*)*)>?(?:\s+\"[^\"]*\")?\s*\)")
IMAGE = re.compile(r"<(?:img|a)\s[^>]*(?:src|href)=\"([^\"]+)\"")
DEFINITION = re.compile(r"^ {0,3}\[[^\]]+\]:\s+<?(\S+?)>?\s*$", re.MULTILINE)
HEADING = re.compile(r"^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$")
FENCE = re.compile(r"^ {0,3}(```+|~~~+)")


def prose(text):
    """Lines outside of code blocks; inside, empty ones, so that numbers stay."""
    lines, fence = [], None
    for line in text.splitlines():
        match = FENCE.match(line)
        if fence is None and match:
            fence = match[1]
        elif fence is not None and match and match[1].startswith(fence):
            fence, line = None, ""
        lines.append("" if fence is not None else line)
    return lines


def anchors_of(text):
    """The anchors that GitHub gives to a document's headings."""
    found, seen = set(), {}
    for line in prose(text):
        found.update(re.findall(r"<a\s+(?:id|name)=\"([^\"]+)\"", line))
        match = HEADING.match(line)
        if not match:
            continue
        title = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", match[2]).replace("`", "")
        kept = "".join(c for c in title.lower() if c in " -_" or unicodedata.category(c)[0] in "LN" or unicodedata.category(c) == "Mn")
        anchor = kept.strip().replace(" ", "-")
        count = seen.get(anchor, 0)
        seen[anchor] = count + 1
        found.add(f"{anchor}-{count}" if count else anchor)
    return found


def links_of(text):
    """(line number, target) of each link outside of code."""
    for number, line in enumerate(prose(text), 1):
        line = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", lambda code: "`" * len(code[0]), line)
        for pattern in (LINK, IMAGE, DEFINITION):
            for match in pattern.finditer(line):
                yield number, match[1]


def problem_of(root, path, target, files):
    """What is wrong with a link from one of the files to another, or None."""
    name, _, anchor = target.partition("#")
    name = urllib.parse.unquote(name)
    place = path if not name else (root / name[1:] if name.startswith("/") else path.parent / name)
    place = pathlib.Path(*place.parts[:1]).joinpath(*normalised(place.parts[1:]))
    if place != root and root not in place.parents:
        return f"{target} leads out of the repository"
    if place not in files and not any(place in file.parents for file in files):
        return f"{target}: there is no such file"
    if anchor and place.suffix == ".md" and urllib.parse.unquote(anchor) not in anchors_of(place.read_text(encoding="utf-8")):
        return f"{target}: {place.relative_to(root)} has no such heading"
    return None


def normalised(parts):
    """Without "." and "..", by name alone: links are resolved so on the web, where there are no symbolic links."""
    kept = []
    for part in parts:
        if part == "..":
            kept[-1:] = []
        elif part != ".":
            kept.append(part)
    return kept


def external_problem(url):
    for method in ("HEAD", "GET"):
        try:
            request = urllib.request.Request(url, method=method, headers={"User-Agent": "Mozilla/5.0 (check_links)"})
            urllib.request.urlopen(request, timeout=20).close()
            return None
        except urllib.error.HTTPError as problem:
            if method == "GET" and problem.code not in (401, 403, 405, 429):  # there, but not for programs
                return f"{url}: {problem.code}"
        except (OSError, ValueError) as problem:
            if method == "GET":
                return f"{url}: {problem}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    parser.add_argument("--external", action="store_true")
    parser.add_argument("--root", type=pathlib.Path, default=ROOT)
    arguments = parser.parse_args()
    root = arguments.root.resolve()
    listed = subprocess.run(["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=root, capture_output=True, check=True).stdout
    files = {root / name.decode() for name in listed.split(b"\0") if name and (root / name.decode()).exists()}
    documents = [path.resolve() for path in arguments.files] or sorted(path for path in files if path.suffix == ".md")
    problems, links, addresses = [], 0, {}
    for path in documents:
        for number, target in links_of(path.read_text(encoding="utf-8")):
            links += 1
            where = f"{path.relative_to(root)}:{number}"
            if re.match(r"https?://", target):
                addresses.setdefault(target.split("#")[0], where)
            elif not re.match(r"[a-z]+:", target) and (problem := problem_of(root, path, target, files)):
                problems.append(f"{where}: {problem}")
    if arguments.external:
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            problems += [
                f"{where}: {problem}" for where, problem in zip(addresses.values(), pool.map(external_problem, addresses)) if problem
            ]
    print("\n".join(problems), end="\n" if problems else "")
    print(f"{len(documents)} documents, {links} links, {len(problems)} dead")
    return 1 if problems or not documents or not links else 0


if __name__ == "__main__":
    sys.exit(main())
