"""Runs one file of end-to-end tests, and ends with a line that counts them.

    HRE_PROGRAM=build/release/src/hre python3 tests/run.py test_cli.py [CLASS[.TEST]]...

From the environment: HRE_PROGRAM, the program under test; HRE_TEST_DATA, a folder of larger test
data (without it ../shared/data, where there is one; tests that need it are skipped otherwise);
HRE_TEST_PYTHON, a Python with the packages of third_party/pypi-test.lock (tools/setup.sh tests makes
it); HRE_RPC_SERVER, the rpc-server of the program's engine, and HRE_ENGINE_SOURCES, the engine's sources;
HRE_BUILD_DIR, HRE_CXX_COMPILER and HRE_SANITIZE for the test of the installation.
Ends with status 77 where every test was skipped.
"""

import pathlib
import sys
import unittest


def main():
    here = pathlib.Path(__file__).resolve().parent
    sys.path.insert(0, str(here))
    module = sys.argv[1].removesuffix(".py")
    names = [f"{module}.{name}" for name in sys.argv[2:]] or [module]
    suite = unittest.defaultTestLoader.loadTestsFromNames(names)
    result = unittest.TextTestRunner(verbosity=2, stream=sys.stdout).run(suite)
    for test, reason in result.skipped:
        print(f"skipped: {test}: {reason}")
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    skipped = len(result.skipped)
    passed = max(result.testsRun - failed - skipped, 0)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    if failed or not result.testsRun and not skipped:
        return 1
    return 0 if passed else 77


if __name__ == "__main__":
    sys.exit(main())
