"""cmake --install gives a program that runs from its prefix, and a package that find_package(hre) finds."""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from program import SOURCE_DIR, ProgramTest, clean_environment

HEADERS = sorted((SOURCE_DIR / "include" / "hre").glob("*.h"))
BUILD_DIR = pathlib.Path(os.environ.get("HRE_BUILD_DIR", SOURCE_DIR / "build" / "release")).resolve()


def command(*arguments, env=None):
    done = subprocess.run(
        list(map(str, arguments)), env=env or clean_environment(), text=True, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, arguments))}\n{done.stdout}")
    return done.stdout


def example_of(header):
    """The code of the example in a public header's first comment."""
    comment = re.match(r"#pragma once\n((?:///.*\n)+)", header.read_text(encoding="utf-8"))[1]
    code = re.search(r"/// An example, which the tests run:\n///\n((?:///(?:   .*)?\n)+)", comment)
    return "".join(line[6:] + "\n" for line in code[1].splitlines()) if code else ""


class InstallTest(ProgramTest):
    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory(prefix="hre install ")  # a space, as people have them
        cls.addClassCleanup(scratch.cleanup)
        cls.prefix = pathlib.Path(scratch.name) / "prefix"
        command("cmake", "--install", BUILD_DIR, "--prefix", cls.prefix)
        cls.program = cls.prefix / "bin" / "hre"

    def test_program_runs_as_built(self):
        for arguments in (["--version"], ["data", "info", "sample"], ["eval", "baseline:length", "--data", "sample", "--quiet"]):
            with self.subTest(arguments=arguments):
                installed = self.run_hre(*arguments, program=self.program)
                self.assertEqual(self.run_hre(*arguments).stdout, installed.stdout)

    def test_reads_parquet(self):
        """Arrow's libraries, too, come from the prefix."""
        self.run_hre("data", "convert", "sample", "out", program=self.program)
        self.run_hre("data", "info", "out", program=self.program)

    def test_nothing_is_looked_for_outside_the_prefix(self):
        """The loader tries no path in the build or source folder, as it would by a leftover RPATH."""
        tried = self.run_hre("--version", program=self.program, env={"LD_DEBUG": "libs"}).stderr
        self.assertIn("trying file=" + str(self.prefix), tried)
        for folder in {BUILD_DIR, SOURCE_DIR, pathlib.Path(os.environ.get("HRE_DEPS", BUILD_DIR)).resolve()}:
            self.assertNotIn(f"{folder}/", tried)

    def test_rpaths_are_relative(self):
        files = [self.program, *(path for path in self.prefix.rglob("*.so*") if not path.is_symlink())]
        self.assertLessEqual(2, len(files))
        for path in files:
            for paths in re.findall(r"\((?:RPATH|RUNPATH)\).*\[(.*)\]", command("readelf", "-d", path)):
                for entry in paths.split(":"):
                    self.assertTrue(entry.startswith("$ORIGIN"), f"{path}: {entry}")

    def test_completion_and_man_pages(self):
        share = self.prefix / "share"
        for name in (
            "bash-completion/completions/hre",
            "zsh/site-functions/_hre",
            "fish/vendor_completions.d/hre.fish",
            "man/man1/hre.1",
            "man/man1/hre-data-build.1",
        ):
            self.assertIn("hre", (share / name).read_text(encoding="utf-8"), name)

    def test_licences_come_along(self):
        documents = {path.name for path in (self.prefix / "share" / "doc").rglob("*") if path.is_file()}
        self.assertLessEqual({"LICENSE", "third-party.md"}, documents)

    def test_public_headers_are_few(self):
        self.assertLessEqual(len(HEADERS), 12)

    @unittest.skipIf(os.environ.get("HRE_SANITIZE"), "a plain program can't use a library built with sanitizers")
    def test_consumer(self):
        build = self.folder / "consumer"
        compiler = os.environ.get("HRE_CXX_COMPILER", "c++")
        examples = self.folder / "examples"
        examples.mkdir()
        for header in HEADERS:  # each with its own header alone
            (examples / f"{header.stem}.cc").write_text(
                f"#include <hre/{header.name}>\n\n#include <cstdio>\n\nint main() {{\n{example_of(header)}}}\n", encoding="utf-8"
            )
        command(
            "cmake",
            "-S",
            SOURCE_DIR / "tests" / "consumer",
            "-B",
            build,
            "-DCMAKE_BUILD_TYPE=Release",
            f"-DCMAKE_CXX_COMPILER={compiler}",
            f"-DCMAKE_PREFIX_PATH={self.prefix}",
            f"-DHRE_EXAMPLES={examples}",
        )
        command("cmake", "--build", build)
        home = {**clean_environment(), "HOME": str(self.folder), "HF_HOME": str(self.folder / "hub")}
        for header in HEADERS:
            with self.subTest(header=header.name):
                promised = re.findall(r"// prints: (.*)", example_of(header))
                self.assertNotEqual([], promised)
                done = subprocess.run(
                    [build / f"example_{header.stem}"], cwd=self.folder, env=home, capture_output=True, text=True, check=False
                )
                self.assertEqual((0, promised, ""), (done.returncode, done.stdout.splitlines(), done.stderr))
        lines = [line.split() for line in command(build / "consumer").splitlines()]
        printed = {topic: (int(questions), float(mean)) for topic, questions, mean in lines}

        self.run_hre("eval", "baseline:zstd", "--data", "sample", "--json", "run.json", program=self.program)
        results = self.read_json("run.json")["results"]
        expected = {topic: (row["questions"], row["pearson"]["mean"]) for topic, row in results["topics"].items()}
        self.assertEqual(14, len(expected))
        for topic, (questions, mean) in expected.items():
            self.assertEqual(questions, printed[topic][0])
            self.assertAlmostEqual(mean, printed[topic][1], delta=1e-12)
        self.assertAlmostEqual(results["micro"]["pearson"]["mean"], printed["micro"][1], delta=1e-12)


if __name__ == "__main__":
    unittest.main()
