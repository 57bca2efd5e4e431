"""The program under test, for the end-to-end tests.

    class EvalTest(ProgramTest):
        def test_json(self):
            self.run_hre("eval", "baseline:length", "--data", "sample", "--json", "run.json")
            self.assertEqual("hre-run/1", self.read_json("run.json")["format"])

Every test has an empty folder of its own, self.folder, where the program runs; its store of runs is there too.
"""

import json
import os
import pathlib
import platform
import re
import subprocess
import tempfile
import unittest

PROGRAM = pathlib.Path(os.environ.get("HRE_PROGRAM", "build/release/src/hre")).resolve()
SOURCE_DIR = pathlib.Path(os.environ.get("HRE_SOURCE_DIR", pathlib.Path(__file__).parent.parent)).resolve()
BUILD_DIR = pathlib.Path(os.environ.get("HRE_BUILD_DIR", "build/release")).resolve()

#: Sanitizers make the program several times as slow, and its tests wait as long.
SLOWER = 6 if os.environ.get("HRE_SANITIZE") else 1


def clean_environment(**changes):
    """The environment without what could lead the program astray; changes of None remove a variable."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("HRE_", "LD_", "COLUMNS"))}
    environment["HRE_STORE"] = "none"  # not the user's own
    environment.update({name: value for name, value in changes.items() if value is not None})
    for name in (name for name, value in changes.items() if value is None):
        environment.pop(name, None)
    return environment


def shared_data(name):
    """A file or folder of the larger test data; the test is skipped, visibly, where there is none."""
    root = pathlib.Path(os.environ.get("HRE_TEST_DATA") or SOURCE_DIR.parent / "shared" / "data")
    if not (root / name).exists():
        raise unittest.SkipTest(f"{root / name} is not there (HRE_TEST_DATA names the folder of test data)")
    return root / name


def real_model(name):
    """A real language model that tools/setup.sh models fetches; the test is skipped, visibly, where there is none."""
    path = pathlib.Path(os.environ.get("HRE_TEST_MODELS") or SOURCE_DIR / "build" / "deps" / "models") / name
    if not path.exists():
        raise unittest.SkipTest(f"{path} is not there (tools/setup.sh models fetches it)")
    return path


def test_python():
    """The Python that has numpy, scipy, pyarrow and the like; the test is skipped, visibly, where there is none."""
    python = os.environ.get("HRE_TEST_PYTHON", "")
    if not os.access(python, os.X_OK):
        raise unittest.SkipTest(f"no Python with the tests' packages ('{python}'): tools/setup.sh tests makes it")
    return python


def torch_python():
    """The Python that has torch and transformers too; the test is skipped, visibly, where there is none."""
    python = os.environ.get("HRE_TORCH_PYTHON") or str(pathlib.Path(test_python()).parents[2] / "torch-python" / "bin" / "python")
    if not os.access(python, os.X_OK):
        raise unittest.SkipTest(f"no Python with torch ('{python}'): tools/setup.sh torch makes it, or HRE_TORCH_PYTHON names one")
    return python


class ProgramTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="hre-test-")
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)

    def run_hre(self, *arguments, status=0, stdin="", timeout=300, program=PROGRAM, env=None, text=True):
        """Runs the program in self.folder, and expects this exit status, or one of these. Gives stdout, stderr and returncode."""
        environment = clean_environment(
            **{"XDG_STATE_HOME": str(self.folder / "state"), "XDG_CACHE_HOME": str(self.folder / "cache"), "HRE_STORE": None, **(env or {})}
        )
        done = subprocess.run(
            [program, *map(str, arguments)],
            cwd=self.folder,
            env=environment,
            input=stdin if text else stdin.encode(),
            capture_output=True,
            timeout=timeout * SLOWER,
            text=text,
            check=False,
        )
        self.assertIn(
            done.returncode,
            status if isinstance(status, tuple) else (status,),
            f"hre {' '.join(map(str, arguments))}\n{done.stdout}\n{done.stderr}",
        )
        return done

    def error_of(self, *arguments, status=2, **options):
        """Runs a call that must fail with one line on stderr and nothing on stdout; gives that line."""
        done = self.run_hre(*arguments, status=status, **options)
        self.assertEqual("", done.stdout)
        self.assertRegex(done.stderr, r"\Ahre: [^\n]+\n\Z")
        return done.stderr.rstrip("\n")

    def need_own_engine(self):
        """Gives the number of the engine's patch; fails where the build was to have hre's own engine, and skips where it wasn't."""
        version = self.run_hre("--version").stdout
        number = re.search(r"hre's patch (\d+)$", version, re.MULTILINE)
        if number is None:
            cache = BUILD_DIR / "CMakeCache.txt"
            options = cache.read_text(encoding="utf-8") if cache.exists() else ""
            self.assertNotRegex(options, r"(?m)^HRE_SYSTEM_ENGINE:BOOL=(OFF|0|FALSE|NO)?$", "the build's own engine lacks its patch")
            self.assertIn("not hre's own build", version)
            self.skipTest("this build's engine is not hre's own")
        return int(number[1])

    def need_kernels(self, kernels):
        """Of a run's setting "kernels": fails where hre's own ought to be there and aren't; skips where they can't be."""
        if kernels != "the engine's":
            return
        self.need_own_engine()
        self.assertNotEqual("x86_64", platform.machine(), "this build has no kernels of its own")
        self.skipTest("hre has no kernels for this processor")

    def run_python(self, script, *arguments, timeout=300):
        """Runs a script with the tests' Python in self.folder; gives what it printed, read as JSON."""
        done = subprocess.run(
            [test_python(), "-c", script, *map(str, arguments)],
            cwd=self.folder,
            capture_output=True,
            env=clean_environment(HF_HOME=str(self.folder / "hf"), HF_HUB_OFFLINE="1"),
            timeout=timeout * SLOWER,
            text=True,
            check=False,
        )
        self.assertEqual(0, done.returncode, done.stderr)
        return json.loads(done.stdout)

    def write(self, name, content):
        """Writes text or bytes to a file in self.folder, and gives its path."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def read_json(self, name):
        """Reads strict JSON: NaN and infinities are an error."""

        def refuse(constant):
            raise ValueError(f"{constant} is not JSON")

        return json.loads((self.folder / name).read_text(encoding="utf-8"), parse_constant=refuse)
