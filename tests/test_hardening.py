"""The compiler's guards, read back from the built files: what cmake/hardening.cmake asks for is there, in the program, the library
and what is installed. A program with a fault ends rather than goes on."""

import os
import pathlib
import platform
import re
import shutil
import subprocess
import tempfile
import unittest

from program import BUILD_DIR, PROGRAM, clean_environment


def readelf(*arguments):
    return subprocess.run(
        ["readelf", "-W", *map(str, arguments)], check=True, capture_output=True, text=True, env=clean_environment(LC_ALL="C")
    ).stdout


def problems_of(path, is_program):
    """What a linked ELF file lacks."""
    dynamic, header, segments = readelf("-d", path), readelf("-h", path), readelf("-l", path)
    flags = " ".join(re.findall(r"\((?:FLAGS|FLAGS_1|BIND_NOW)\)(.*)", dynamic)).split()
    stack = re.search(r"^\s*GNU_STACK\s+(?:0x\w+\s+){5}([RWE ]+?)\s+0x", segments, re.MULTILINE)
    loads = re.findall(r"^\s*LOAD\s+(?:0x\w+\s+){5}([RWE ]+?)\s+0x", segments, re.MULTILINE)
    checks = {
        "position independent": re.search(r"Type:\s+DYN", header) and (not is_program or "PIE" in flags),
        "bound at start": "BIND_NOW" in flags or "NOW" in flags,
        "relocations read-only": "GNU_RELRO" in segments,
        "stack not executable": stack and "E" not in stack[1],
        "no segment both writable and executable": loads and not any("W" in load and "E" in load for load in loads),
        "no text relocations": "TEXTREL" not in dynamic,
    }
    return [name for name, good in checks.items() if not good]


def imports(path):
    return set(re.findall(r"\bUND\s+(\w+)", readelf("--dyn-syms", path)))


@unittest.skipUnless(shutil.which("readelf"), "readelf is missing (Debian: binutils)")
class HardeningTest(unittest.TestCase):
    def setUp(self):
        cache = (BUILD_DIR / "CMakeCache.txt").read_text(encoding="utf-8")
        if re.search(r"^HRE_HARDENING:BOOL=(OFF|0|FALSE|NO)$", cache, re.MULTILINE):
            self.skipTest("built with -DHRE_HARDENING=OFF")
        self.library = next(path for path in PROGRAM.parent.glob("libhre.so.*") if not path.is_symlink())

    def test_program_and_library(self):
        self.assertEqual([], problems_of(PROGRAM, True))
        self.assertEqual([], problems_of(self.library, False))

    def test_functions_are_guarded(self):
        """Canaries and checked copies leave traces: the functions that they call."""
        for path in (PROGRAM, self.library):
            self.assertIn("__stack_chk_fail", imports(path), path)
        if not os.environ.get("HRE_SANITIZE"):
            self.assertTrue([name for name in imports(self.library) if re.fullmatch(r"__(mem|str|vs?n?|f)\w+_chk", name)])
        self.assertIn("_ZSt21__glibcxx_assert_failPKciS0_S0_", imports(self.library))

    def test_the_check_sees_what_is_missing(self):
        """A program without guards, built here, is said to lack all of them."""
        compiler = shutil.which("cc")
        if compiler is None or platform.system() != "Linux":
            self.skipTest("no cc here")
        with tempfile.TemporaryDirectory() as folder:
            source, built = pathlib.Path(folder) / "a.c", pathlib.Path(folder) / "a"
            source.write_text("int main(void) { return 0; }\n")
            subprocess.run(
                [compiler, "-no-pie", "-fno-pie", "-z", "norelro", "-z", "lazy", "-z", "execstack", source, "-o", built], check=True
            )
            self.assertLessEqual(
                {"position independent", "bound at start", "relocations read-only", "stack not executable"}, set(problems_of(built, True))
            )
            self.assertNotIn("__stack_chk_fail", imports(built))

    def test_no_path_of_this_machine(self):
        """Sources are named from the source folder, the engine's from the folder of what the build needs; the compiler's own headers may
        be named whole. What a build folder's program needs to find its parts there is set by CMake, and not set in what is made to be
        given away."""
        if os.environ.get("HRE_SANITIZE"):
            self.skipTest("sanitizers name a source by its whole path in their reports")
        for path in (PROGRAM, self.library):
            named = set(re.findall(rb"[\x20-\x7e]*\.(?:cc|cpp|h|hpp)\b", path.read_bytes()))
            named = {name for name in named if not name.endswith(b"/llama.cpp")}  # the folder of the converter, set by CMake
            self.assertTrue(named, path)
            self.assertEqual([], [name for name in named if re.match(rb"/(?!usr/)", name)], path)


if __name__ == "__main__":
    unittest.main()
