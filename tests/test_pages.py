"""tools/check_pages.py: that it passes here, and that it finds what it is for in a repository that has it."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

from program import SOURCE_DIR, clean_environment

PAGE = """#pragma once
/// The folder src/core: what all share.
///
/// Not here: models.
/// Types:    `Text` is one.
/// Owners:   nobody.
/// Threads:  any.
/// To add:   a header.

namespace hre {
struct Text {};
class Reader;
}
"""
GOOD = {
    "src/core/text.h": PAGE,
    "src/core/text_test.cc": "struct Other {};\n",
    "src/data/text.h": PAGE.replace("src/core", "src/data").replace("struct Text", "struct Row"),
    "src/data/read.cc": "// Nowhere\nvoid read_rows() {}\n",
    "docs/architecture.md": "| `src/core` | `core/text.h` |\n| `src/data` | `data/text.h` |\n`read_rows`, `read.cc`, `--other`\n"
    "```\n a file\n  | read_rows   src/data\n Text\n```\n",
}


class PagesTest(unittest.TestCase):
    def check(self, files=None, status=0):
        with tempfile.TemporaryDirectory(prefix="hre-pages-") as folder:
            for name, text in (files or {}).items():
                path = pathlib.Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            done = subprocess.run(
                [sys.executable, "-B", SOURCE_DIR / "tools" / "check_pages.py", folder if files else SOURCE_DIR],
                capture_output=True,
                text=True,
                check=False,
                env=clean_environment(),
            )
        self.assertEqual(status, done.returncode, done.stdout + done.stderr)
        return done.stdout.splitlines()[:-1]

    def changed(self, name, old, new):
        self.assertIn(old, GOOD[name])
        return self.check({**GOOD, name: GOOD[name].replace(old, new)}, status=1)

    def test_this_repository(self):
        self.assertEqual([], self.check())

    def test_good(self):
        self.assertEqual([], self.check(GOOD))

    def test_a_folder_without_a_page(self):
        self.assertEqual(
            ["src/core: 0 headers begin with '/// The folder src/core: ', not one"],
            self.changed("src/core/text.h", "/// The folder", "/// This folder"),
        )
        self.assertEqual(
            ["src/core: 2 headers begin with '/// The folder src/core: ', not one"],
            self.check({**GOOD, "src/core/dates.h": PAGE}, status=1),
        )
        self.assertEqual(
            ["src/core/text.h: is the page of another folder"], self.changed("src/core/text.h", "The folder src/core", "The folder src/net")
        )

    def test_a_page_that_lacks_something(self):
        found = self.changed("src/core/text.h", "/// Owners:   nobody.\n", "")
        self.assertEqual(
            [
                "src/core/text.h: its page has the labels Not here:, Types:, Threads:, To add:, "
                "not Not here:, Types:, Owners:, Threads:, To add:"
            ],
            found,
        )
        self.assertEqual(
            ["src/core/text.h: its page has 30 lines; 24 are a screenful"],
            self.changed("src/core/text.h", "/// To add:   a header.\n", "/// To add:   a header.\n" + "///           more\n" * 23),
        )

    def test_a_page_that_is_not_listed(self):
        self.assertEqual(
            ["docs/architecture.md: does not name core/text.h, the page of src/core"],
            self.changed("docs/architecture.md", "`core/text.h`", "text.h"),
        )

    def test_names_that_do_not_exist(self):
        self.assertEqual(
            ["docs/architecture.md: read_lines is no name of the sources"] * 2,
            self.changed("docs/architecture.md", "read_rows", "read_lines"),
        )
        self.assertEqual(
            ["docs/architecture.md: Nowhere is no name of the sources"], self.changed("docs/architecture.md", "`read_rows`", "`Nowhere`")
        )  # in a comment alone
        self.assertEqual(
            ["docs/architecture.md: Text::rows() is no name of the sources"],
            self.changed("docs/architecture.md", "`read_rows`", "`Text::rows()`"),
        )
        self.assertEqual(
            ["docs/architecture.md: there is no file write.cc"], self.changed("docs/architecture.md", "`read.cc`", "`write.cc`")
        )
        self.assertEqual(["src/core/text.h: Word is no name of the sources"], self.changed("src/core/text.h", "`Text`", "`Word`"))

    def test_types_with_two_meanings(self):
        header = "enum class Kind : int { kA };\nstruct Other;\nusing Rows = int;\n"
        same = {**GOOD, "src/core/kind.h": header, "src/core/kind_test.h": header, "src/data/kind.cc": header}
        self.assertEqual([], self.check(same))
        self.assertEqual(
            [f"{name}: a type of src/core and of src/data: one name has one meaning" for name in ("Kind", "Rows")],
            self.check({**same, "src/data/kind.h": header}, status=1),
        )


if __name__ == "__main__":
    unittest.main()
