#!/usr/bin/env python3
"""Checks that includes follow the project's layers.

    tools/check_layers.py [ROOT]     checks ROOT/include/hre and ROOT/src (default: this checkout)
    tools/check_layers.py --test     checks the checker

FOLDERS says which folders' headers a folder's files may include besides its own, and PUBLIC says which
folder a public header belongs to: a run's values stand on what its model says of itself, so they are the model's.
WRAPPED names the third-party headers that stay inside some folders: a header that includes one, itself
or through others, is for that folder alone.

The library doesn't know how its settings are given: below src/cli alone may a text name an option of the command line.
Elsewhere it is ‹max_length› (core/text.h).
"""

import pathlib
import re
import sys
import tempfile
import unittest

FOLDERS = {
    "core": [],
    "net": ["core"],
    "data": ["core"],
    "stackexchange": ["core", "data", "stats"],
    "model": ["core", "net"],
    "hub": ["core", "net", "data", "model"],
    "stats": ["core"],
    "analysis": ["core", "model", "stats"],
    "store": ["core", "model", "stats", "analysis"],
    "eval": ["core", "data", "model", "stats", "analysis", "store"],
    "report": ["core", "model", "stats", "analysis"],
    "service": ["core", "net", "model", "stats", "analysis", "store"],
    "cli": ["core", "net", "data", "stackexchange", "hub", "model", "stats", "analysis", "store", "eval", "report", "service"],
}

PUBLIC = {
    "result.h": "core",
    "progress.h": "core",
    "question.h": "core",
    "estimate.h": "core",
    "dataset.h": "data",
    "scorer.h": "model",
    "run.h": "model",
    "engine_options.h": "model",
    "summary.h": "analysis",
    "evaluate.h": "eval",
    "store.h": "store",
    "hub.h": "hub",
}

# Header (a pattern of the whole name): folders below src/ that may include it.
WRAPPED = {
    r"llama.*\.h|ggml.*\.h|gguf\.h|hre-engine\.h": ["model/llama"],
    r"dnnl.*": ["model/llama/fast"],
    r"jinja/.*": ["model/chat"],
    r"(arrow|parquet)/.*": ["data"],
    r"sqlite3\.h": ["store"],
    r"curl/.*": ["net"],
    r"microhttpd\.h": ["net"],
    r"openssl/.*": ["hub", "store"],
    r"expat\.h|gumbo\.h": ["stackexchange"],
    r"archive.*\.h": ["data", "stackexchange"],  # the latter's tests write archives
    r"mpi\.h": ["model/mpi"],
    r"CLI/.*": ["cli"],
    r"toml\+\+/.*": ["core", "stackexchange", "analysis", "cli"],  # core/toml.h is how the others read it
    r"boost/.*": ["stats"],
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')
RAW = re.compile(r'R"(\w*)\((.*?)\)\1"', re.DOTALL)
DEFINED = re.compile(r'"(?:-\w,)?--([a-z][a-z-]+)"')
STANDARD = re.compile(r"[a-z_]+|tl/expected\.hpp")  # what public headers may stand on


def includes(path):
    """(line number, whether in quotes, name) of each include."""
    lines = path.read_text(encoding="utf-8").splitlines()
    matches = ((number, INCLUDE.match(line)) for number, line in enumerate(lines, 1))
    return [(number, match[1] == '"', match[2]) for number, match in matches if match]


def problem_of_public(folder, header, name):
    """What is wrong with a file of this folder including hre/NAME, or None."""
    owner = PUBLIC.get(name)
    if owner is None:
        return f"hre/{name} belongs to no folder: add it to PUBLIC in tools/check_layers.py"
    seen = [folder, *FOLDERS[folder]]
    if owner in seen or name == header:
        return None
    return f"{folder} may not include hre/{name}, which belongs to {owner}"


def homes_of(name):
    """The folders that a third-party header is for, or None if it may be anywhere."""
    return next((homes for pattern, homes in WRAPPED.items() if re.fullmatch(pattern, name)), None)


def inside(place, homes):
    return any(place.startswith(home + "/") for home in homes)


def problem_of_wrapped(place, name, private):
    """What is wrong with the file src/PLACE including the third-party header NAME, itself or through src/NAME, or None."""
    homes = homes_of(name)
    if homes and not inside(place, homes):
        return f"<{name}> is for {', '.join('src/' + home for home in homes)} alone"
    if name in private and not inside(place, private[name][1]):
        return f"'{name}' brings <{private[name][0]}>, which is for {', '.join(private[name][1])} alone"
    return None


def private_headers(root):
    """Headers below src/ that bring a wrapped third-party header: {name: (that header, its folders)}."""
    headers = {path.relative_to(root / "src").as_posix(): includes(path) for path in (root / "src").rglob("*.h")}
    private, before = {}, None
    while before != len(private):
        before = len(private)
        for place, found in headers.items():
            for _, _, name in found:
                homes = homes_of(name)
                if homes or name in private:
                    private.setdefault(place, (name, homes) if homes else private[name])
    return private


def problem_of_folder(folder, name):
    """What is wrong with a file of this folder including src/NAME, or None."""
    target = name.split("/")[0]
    if target not in FOLDERS:
        return None if homes_of(name) else f"'{name}' is in no folder of src/: write the path from src/, and <> for third parties"
    if target == folder or target in FOLDERS[folder]:
        return None
    return f"{folder} may not include '{name}': it sees {', '.join(FOLDERS[folder]) or 'no other folder'}"


def check_source(root, path, private):
    place = path.relative_to(root / "src").as_posix()
    folder = place.split("/")[0]
    if folder not in FOLDERS:
        return [f"{path.relative_to(root)}: {folder} is not a known folder: add it to FOLDERS in tools/check_layers.py"]
    problems = []
    for number, quoted, name in includes(path):
        if name.startswith("hre/"):
            problem = problem_of_public(folder, None, name.removeprefix("hre/"))
        else:
            problem = problem_of_wrapped(place, name, private) or (problem_of_folder(folder, name) if quoted else None)
        if problem:
            problems.append(f"{path.relative_to(root)}:{number}: {problem}")
    return problems


def check_public(root, path):
    header = path.name
    if header not in PUBLIC:
        return [f"include/hre/{header}: belongs to no folder: add it to PUBLIC in tools/check_layers.py"]
    problems = []
    for number, _, name in includes(path):
        if name.startswith("hre/"):
            problem = problem_of_public(PUBLIC[header], header, name.removeprefix("hre/"))
        else:
            problem = None if STANDARD.fullmatch(name) else f"<{name}>: a public header stands on the standard library and tl::expected"
        if problem:
            problems.append(f"include/hre/{header}:{number}: {problem}")
    return problems


def texts_of(path):
    """(line number, text) of what users may read: quoted and raw texts of C++, whole lines of JavaScript, where quotes may be of any kind."""
    source = path.read_text(encoding="utf-8")
    if path.suffix != ".js":
        for raw in RAW.finditer(source):
            first = source.count("\n", 0, raw.start()) + 1
            yield from enumerate(raw[2].splitlines(), first)
        source = RAW.sub(lambda raw: "\n" * raw[0].count("\n"), source)
    for number, line in enumerate(source.splitlines(), 1):
        code = line.split("// ")[0].split("/// ")[0]
        for text in [code] if path.suffix == ".js" else TEXT.findall(code):
            yield number, text


def problems_of_options(root, path, options):
    """Texts of the library that name an option of the command line."""
    place = path.relative_to(root).as_posix()
    if place.startswith("src/cli/") or path.stem.endswith("_test"):
        return []
    return [
        f"{place}:{number}: --{option} is the command line's: write ‹{option.replace('-', '_')}›"
        for number, text in sorted(texts_of(path))
        for option in re.findall(r"(?<![\w-])--([a-z][a-z-]*)", text)
        if option in options
    ]


def table_problems():
    """The table itself must be a DAG over known folders."""
    problems, done = [], []
    remaining = dict(FOLDERS)
    while ready := [folder for folder, seen in remaining.items() if all(other in done for other in seen)]:
        for folder in ready:
            done.append(folder)
            del remaining[folder]
    if remaining:
        problems.append(f"FOLDERS has a cycle or an unknown folder among {', '.join(remaining)}")
    return problems


def check(root):
    """All problems of the checkout at root, and the number of files looked at."""
    public = sorted((root / "include" / "hre").rglob("*.h"))
    sources = sorted(path for path in (root / "src").rglob("*") if path.suffix in (".h", ".cc"))
    problems = table_problems()
    for path in public:
        problems += check_public(root, path)
    private = private_headers(root)
    for path in sources:
        problems += check_source(root, path, private)
    commands = "\n".join(path.read_text(encoding="utf-8") for path in sources if "cli" in path.parts)
    for path in [*public, *sources, *sorted((root / "src").rglob("*.js"))]:
        problems += problems_of_options(root, path, set(DEFINED.findall(commands)))
    return problems, len(public) + len(sources)


class CheckerTest(unittest.TestCase):
    """Each test lays out a tiny checkout and looks for the problems that it has."""

    def problems(self, files):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, text in files.items():
                path = root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            return check(root)[0]

    def test_options(self):
        command = 'app.add_option("-f,--file", a);\napp.add_flag("--max-length", b);'
        self.assertEqual(
            self.problems(
                {
                    "src/cli/x.cc": command + ' error("give --max-length");',
                    "src/core/a.cc": '// --max-length\nf("‹max_length›", "--other", "x--file");',
                }
            ),
            [],
        )
        self.assertEqual(
            self.problems({"src/cli/x.cc": command, "src/core/a.cc": '\nf("a", "give --max-length 3");'}),
            ["src/core/a.cc:2: --max-length is the command line's: write ‹max_length›"],
        )
        page = "// see --file\nf('give --file', `and\n--max-length`);\nreturn a--file;"
        self.assertEqual(
            self.problems({"src/cli/x.cc": command, "src/report/page/a.js": page}),
            [
                "src/report/page/a.js:2: --file is the command line's: write ‹file›",
                "src/report/page/a.js:3: --max-length is the command line's: write ‹max_length›",
            ],
        )
        raw = 'auto a = R"(one\n--file two)"; f("--other");\nf(R"x(--max-length)x");'
        self.assertEqual(
            self.problems({"src/cli/x.cc": command, "src/core/a.cc": raw}),
            [
                "src/core/a.cc:2: --file is the command line's: write ‹file›",
                "src/core/a.cc:3: --max-length is the command line's: write ‹max_length›",
            ],
        )

    def test_allowed(self):
        self.assertEqual(
            [],
            self.problems(
                {
                    "include/hre/result.h": "#include <string>\n#include <tl/expected.hpp>\n",
                    "include/hre/evaluate.h": '#include "hre/result.h"\n#include "hre/dataset.h"\n#include "hre/scorer.h"\n',
                    "src/core/text.cc": '#include "core/text.h"\n#include "hre/result.h"\n',
                    "src/eval/plan.cc": '#include "data/a.h"\n#include "model/b.h"\n#include "hre/run.h"\n#include <fmt/core.h>\n',
                    "src/data/parquet.cc": "#include <arrow/api.h>\n",
                    "src/report/table.h": '#include "hre/run.h"\n',
                    "src/model/llama/engine.cc": '#include <llama.h>\n#  include "ggml-backend.h"\n',
                    "src/cli/main.cc": '#include "report/table.h"\n#include <CLI/CLI.hpp>\n',
                }
            ),
        )

    def test_folder_above(self):
        found = self.problems({"src/stats/kendall.cc": '#include "core/text.h"\n#include "eval/plan.h"\n'})
        self.assertEqual(["src/stats/kendall.cc:2: stats may not include 'eval/plan.h': it sees core"], found)

    def test_core_sees_nothing(self):
        self.assertEqual(1, len(self.problems({"src/core/a.h": '#include "data/b.h"\n'})))

    def test_public_header_of_a_folder_above(self):
        found = self.problems({"src/model/a.h": '#include "hre/evaluate.h"\n'})
        self.assertEqual(["src/model/a.h:1: model may not include hre/evaluate.h, which belongs to eval"], found)

    def test_public_headers_among_themselves(self):
        self.assertEqual(1, len(self.problems({"include/hre/dataset.h": '#include "hre/scorer.h"\n'})))

    def test_third_party_in_a_public_header(self):
        self.assertEqual(1, len(self.problems({"include/hre/result.h": "#include <fmt/core.h>\n"})))

    def test_unlisted_public_header(self):
        self.assertEqual(1, len(self.problems({"include/hre/new.h": ""})))

    def test_unlisted_folder(self):
        self.assertEqual(1, len(self.problems({"src/new/a.cc": ""})))

    def test_third_party_outside_its_folder(self):
        for header in (
            "llama.h",
            "ggml-cpu.h",
            "gguf.h",
            "arrow/api.h",
            "parquet/arrow/reader.h",
            "sqlite3.h",
            "curl/curl.h",
            "CLI/CLI.hpp",
            "boost/math/distributions.hpp",
        ):
            for form in (f"#include <{header}>\n", f'#include "{header}"\n'):
                with self.subTest(form=form):
                    self.assertEqual(1, len(self.problems({"src/eval/a.cc": form})))
        self.assertEqual(1, len(self.problems({"src/model/other.cc": "#include <llama.h>\n"})))

    def test_third_party_through_a_header(self):
        files = {
            "src/model/llama/engine.h": "#include <llama.h>\n",
            "src/model/llama/batch.h": '#include "model/llama/engine.h"\n',
            "src/model/llama/batch.cc": '#include "model/llama/batch.h"\n',
        }
        self.assertEqual([], self.problems(files))
        found = self.problems(files | {"src/eval/a.cc": '#include "model/llama/batch.h"\n'})
        self.assertEqual(["src/eval/a.cc:1: 'model/llama/batch.h' brings <llama.h>, which is for model/llama alone"], found)

    def test_relative_include(self):
        self.assertEqual(1, len(self.problems({"src/data/a.cc": '#include "a.h"\n'})))


def main(arguments):
    if arguments == ["--test"]:
        unittest.main(argv=[sys.argv[0]])
    root = pathlib.Path(arguments[0] if arguments else pathlib.Path(__file__).parent.parent).resolve()
    problems, files = check(root)
    if files == 0:
        problems.append(f"{root}: no sources here")
    for problem in problems:
        print(problem)
    print(f"{files} files, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
