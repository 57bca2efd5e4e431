"""The program `hre`, which the package brings along."""

import os
import pathlib
import sys


def main():
    program = pathlib.Path(__file__).resolve().parent / "bin" / "hre"
    try:
        os.execv(program, ["hre", *sys.argv[1:]])
    except OSError as problem:
        sys.exit(f"hre: the program is not in this package: {problem}")
