#!/usr/bin/env python3
"""What types of weights do to values: a model in each type against itself in float32.

    make bench
    python3 bench/quantisation.py MODEL.gguf DATA [--bench build/release/bench] [-- OPTIONS OF hre eval]

Prints, a type, the file's size, the value with its interval, the difference from float32 with its interval by the paired
bootstrap of hre compare, and the largest difference of an answer's log-likelihood a token. Each type is scored twice, and the
two runs must be equal to the last digit.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
TYPES = ("F32", "BF16", "F16", "Q8_0", "Q4_K_M", "IQ4_XS", "Q4_0")


def run(program, *arguments):
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(done.stderr.strip())
    return json.loads(done.stdout) if "-" in arguments else done.stdout


def answers_of(result):
    return [answer for question in result["questions"] for answer in question["answers"]]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("data")
    parser.add_argument("--bench", type=pathlib.Path, default=HERE.parent / "build" / "release" / "bench")
    parser.add_argument("options", nargs="*", help="options of hre eval, after --")
    arguments = parser.parse_args()
    program = arguments.bench.parent / "src" / "hre"
    with tempfile.TemporaryDirectory() as folder:
        files, base = {}, None
        print("| weights | size | value | difference from F32 | largest, nats per token |\n|---|---|---|---|---|")
        for kind in TYPES:
            path = pathlib.Path(folder, f"{kind}.gguf")
            subprocess.run([arguments.bench / "bench_quantise", arguments.model, path, kind], check=True)
            first, second = (
                run(
                    program,
                    "eval",
                    path,
                    "--data",
                    arguments.data,
                    "--json",
                    "-",
                    "--details",
                    "--quiet",
                    "--store",
                    "none",
                    *arguments.options,
                )
                for _ in range(2)
            )
            if answers_of(first) != answers_of(second):
                sys.exit(f"{kind}: two runs differ")
            files[kind] = pathlib.Path(folder, f"{kind}.json")
            files[kind].write_text(json.dumps(first))
            base = base or first
            largest = max(
                abs(a["sum_log_prob"] - b["sum_log_prob"]) / max(1, a["n_tokens"])
                for a, b in zip(answers_of(first), answers_of(base), strict=True)
            )
            micro = first["results"]["micro"]["pearson"]
            difference = "-"
            if kind != "F32":
                compared = run(program, "compare", files[kind], files["F32"], "--allow-different", "--json", "-", "--quiet")
                pair = compared["pairs"][0]
                low, high = pair["bootstrap95"]
                difference = f"{pair['difference']:+.4f} [{low:+.4f}, {high:+.4f}]"
            size = os.path.getsize(path) / 1e6
            print(
                f"| {kind} | {size:.1f} MB | {micro['mean']:.4f} [{micro['ci95'][0]:.4f}, {micro['ci95'][1]:.4f}] | {difference} | {largest:.1e} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
