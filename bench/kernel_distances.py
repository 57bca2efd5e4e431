#!/usr/bin/env python3
"""How far apart the ways to compute a model are: float32, the kernel table's rows, the plain engine.

    bench/kernel_distances.py MODEL.gguf... --data DATA [--limit 15] [--program build/release/src/hre]

Prints a row of a Markdown table for each model and way: how far answers' log-likelihoods lie from those of
`--precision exact` at AVX2 (mean and largest, in nats), how far questions' r do (largest), and the mean r. Ways are those of AVX2
and of the machine's widest instruction set.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
from test_isa import caps_of_this_machine  # noqa: E402


def evaluated(options, cap, *more):
    """What a run gives: its answers' sums in nats, its questions' r, and the kernels that computed them."""
    with tempfile.TemporaryDirectory() as folder:
        run_file = pathlib.Path(folder) / "run.json"
        command = [
            options.program,
            "eval",
            *more,
            "--data",
            options.data,
            "--limit",
            str(options.limit),
            "--max-length",
            str(options.max_length),
            "--long-answers",
            "truncate",
            "--store",
            "none",
            "--json",
            run_file,
            "--details",
            "--quiet",
        ]
        subprocess.run(command, check=True, env={**os.environ, "ONEDNN_MAX_CPU_ISA": cap}, stdout=subprocess.DEVNULL)
        run = json.loads(run_file.read_text(encoding="utf-8"))
    sums = [answer["sum_log_prob"] for question in run["questions"] for answer in question["answers"]]
    return sums, [question["pearson"] for question in run["questions"]], run["config"]["kernels"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--data", required=True)
    parser.add_argument("--limit", type=int, default=15, help="questions of each topic")
    parser.add_argument("--max-length", type=int, default=300)
    parser.add_argument("--program", default=str(ROOT / "build" / "release" / "src" / "hre"))
    options = parser.parse_args()
    found = list(caps_of_this_machine().values())
    caps = dict.fromkeys(["AVX2", found[-1]])
    ways = [(cap, "--precision", precision) for precision in ("exact", "auto") for cap in caps]
    ways.append((found[-1], "--engine-kernels", "plain"))
    print("| model | computed by | at most | nats: mean, largest | r: largest | value |\n|---|---|---|---|---|---|")
    for model in options.models:
        exact = None
        for cap, option, value in ways:
            sums, r, kernels = evaluated(options, cap, model, option, value)
            exact = exact or (sums, r)
            nats = [abs(a - b) for a, b in zip(sums, exact[0], strict=True)]
            of_r = max(abs((a or 0) - (b or 0)) for a, b in zip(r, exact[1], strict=True))
            known = [x for x in r if x is not None]
            print(
                f"| {pathlib.Path(model).name}, {len(r)} | {kernels} | {cap} | {sum(nats) / len(nats):.2g}, {max(nats):.2g} "
                f"| {of_r:.2g} | {sum(known) / len(known):.4f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
