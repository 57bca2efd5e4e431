#!/usr/bin/env python3
"""Whether what readers are told of the sources is so.

    tools/check_pages.py [ROOT]      checks ROOT (default: this checkout)

- Every folder below src/ that has headers has one page: the comment at the head of the header that is read first. It says what the
  folder is for, and under fixed labels what it is not for, its main types, who owns what, which threads there are, and where to add
  things. docs/architecture.md names that header in its table.
- Names in `backquotes` of these pages, of CONTRIBUTING.md and of docs/architecture.md, and all names in its drawings, exist in the sources.
- A type has one meaning: the headers of two folders don't give its name to two types.
"""

import collections
import pathlib
import re
import sys

LABELS = ["Not here:", "Types:", "Owners:", "Threads:", "To add:"]
LONGEST_PAGE = 24  # lines: with its first declarations, a screenful
PAGE = re.compile(r"^/// The folder (src/[\w/]+): ", re.MULTILINE)
QUOTED = re.compile(r"`([^`\n]+)`")
NAME = re.compile(r"(?:\w+::)*[A-Za-z_]\w*(?:\(\))?")
FILE = re.compile(r"(?:[\w-]+/)*[\w-]+\.(?:h|cc|cu|py|js|toml|patch|txt|lock|sh)")
FENCE = re.compile(r"^```.*?\n(.*?)^```", re.MULTILINE | re.DOTALL)
TYPE = re.compile(
    r"^(?:template\s*<.*>\s*)?(?:(?:struct|class|enum class|enum)\s+(?:\[\[\w+\]\]\s+)?(\w+)\b(?!\s*;)|using\s+(\w+)\s*=)", re.MULTILINE
)


def is_of_tests(path):
    return path.stem.endswith("_test") or path.name.startswith("test_")


def headers_of(root):
    """Headers by the folder below src/, those of tests left out."""
    found = collections.defaultdict(list)
    for path in sorted((root / "src").rglob("*.h")):
        if not is_of_tests(path):
            found[path.parent.relative_to(root).as_posix()].append(path)
    return found


def head_of(path):
    """The lines of the first comment."""
    lines = path.read_text(encoding="utf-8").splitlines()
    lines = lines[1:] if lines[:1] == ["#pragma once"] else lines
    end = next((i for i, line in enumerate(lines) if not line.startswith("///")), len(lines))
    return lines[:end]


def page_problems(root):
    table = (root / "docs" / "architecture.md").read_text(encoding="utf-8")
    for folder, headers in headers_of(root).items():
        pages = [path for path in headers if PAGE.match("\n".join(head_of(path)))]
        if len(pages) != 1:
            yield f"{folder}: {len(pages)} headers begin with '/// The folder {folder}: ', not one"
            continue
        page, name = head_of(pages[0]), pages[0].relative_to(root).as_posix()
        if PAGE.match("\n".join(page))[1] != folder:
            yield f"{name}: is the page of another folder"
        labels = [label for line in page for label in LABELS if line.startswith(f"/// {label} ")]
        if labels != LABELS:
            yield f"{name}: its page has the labels {', '.join(labels)}, not {', '.join(LABELS)}"
        if len(page) > LONGEST_PAGE:
            yield f"{name}: its page has {len(page)} lines; {LONGEST_PAGE} are a screenful"
        if f"`{name.removeprefix('src/')}`" not in table:
            yield f"docs/architecture.md: does not name {name.removeprefix('src/')}, the page of {folder}"


def words_of(root):
    """All words of sources, tests and tools, without comments, and of the build; and all paths."""
    words, paths = set(), set()
    for path in (path for top in root.iterdir() if top.name not in ("build", ".git") for path in [top, *top.rglob("*")]):
        name = path.relative_to(root).as_posix()
        paths.add(name)
        if path.suffix in (".h", ".cc", ".cu", ".js"):
            words |= set(re.findall(r"\w+", re.sub(r"//.*", "", path.read_text(encoding="utf-8"))))
        elif path.suffix in (".py", ".sh", ".cmake") or path.name in ("CMakeLists.txt", "Makefile"):
            words |= set(re.findall(r"\w+", path.read_text(encoding="utf-8")))
        elif path.is_dir():
            words.add(path.name)
    return words, paths


def name_problems(where, text, words, paths):
    """Names that exist nowhere: identifiers, and files by the end of their paths."""
    code = [
        name
        for block in FENCE.findall(text)
        for name in re.findall(r"[\w:./-]*\w", block)
        if "_" in name or "::" in name or re.search(r"[a-z][A-Z]", name) or FILE.fullmatch(name)
    ]
    for name in [*QUOTED.findall(FENCE.sub("", text)), *code]:
        if "NAME" in name:
            continue
        if FILE.fullmatch(name):
            if not any(path == name or path.endswith("/" + name) for path in paths):
                yield f"{where}: there is no file {name}"
        elif NAME.fullmatch(name) and not all(part in words for part in re.findall(r"\w+", name)):
            yield f"{where}: {name} is no name of the sources"


def type_problems(root):
    homes = collections.defaultdict(set)
    for folder, headers in [*headers_of(root).items(), ("include/hre", sorted((root / "include" / "hre").glob("*.h")))]:
        for path in headers:
            for match in TYPE.finditer(path.read_text(encoding="utf-8")):
                homes[match[1] or match[2]].add(folder)
    for name, folders in sorted(homes.items()):
        if len(folders) > 1:
            yield f"{name}: a type of {' and of '.join(sorted(folders))}: one name has one meaning"


def check(root):
    problems = [*page_problems(root), *type_problems(root)]
    words, paths = words_of(root)
    texts = {
        name: (root / name).read_text(encoding="utf-8") for name in ("docs/architecture.md", "CONTRIBUTING.md") if (root / name).exists()
    }
    for path in (path for headers in headers_of(root).values() for path in headers):
        if PAGE.match("\n".join(head_of(path))):
            texts[path.relative_to(root).as_posix()] = "\n".join(line.removeprefix("///") for line in head_of(path))
    for where, text in texts.items():
        problems += name_problems(where, text, words, paths)
    return problems, len(texts)


def main(arguments):
    root = pathlib.Path(arguments[0] if arguments else pathlib.Path(__file__).parent.parent).resolve()
    problems, pages = check(root)
    print("".join(f"{problem}\n" for problem in problems), end="")
    print(f"{pages} pages, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
