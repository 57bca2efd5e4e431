#!/usr/bin/env python3
"""Speeds as ratios of two times on the same machine, and an alarm where one is worse than what is kept in bench/ratios.json.

    bench/alarms.py [--build build/release] [--python PYTHON]      PYTHON has numpy and lxml: build/deps/test-python/bin/python
    bench/alarms.py --keep        keeps what is measured now; say in the commit why a ratio moved

Ratios move far less from machine to machine than times do. Each is the least of ROUNDS by processor time, which other work on the
machine hardly moves. An alarm is a ratio worse than the kept one by its slack, and ends with status 1; a ratio that is better by
as much is said, so that it can be kept. A measure that fails, or that is not in the file, is an alarm too.
"""

import argparse
import json
import os
import pathlib
import re
import resource
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
KEPT = ROOT / "bench" / "ratios.json"
ROUNDS = 5


def processor_seconds(command, folder):
    """Of one run, its children's included; it must succeed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        list(map(str, command)),
        cwd=folder,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "HRE_STORE": "none", "ONEDNN_MAX_CPU_ISA": "AVX2"},
    )  # what every machine has
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def times_of(a, b, folder):
    """How many times the time of a the time of b is; the two take turns."""
    pairs = [(processor_seconds(a, folder), processor_seconds(b, folder)) for _ in range(ROUNDS)]
    return min(pair[1] for pair in pairs) / min(pair[0] for pair in pairs)


def measures(build, python):
    """(name, function of a folder that gives the ratio: higher is better)."""
    hre, bench = build / "src" / "hre", build / "bench"
    model = ROOT / "models" / "hre-base-q8_0.gguf"
    evaluate = [hre, "eval", model, "--data", "sample", "--topic", "python", "--topic", "c*", "--threads", "1", "--quiet"]

    def kernels(folder):
        return times_of(evaluate, [*evaluate, "--engine-kernels", "plain"], folder)

    def store(folder):
        """A store beside scoring: the same without one."""
        with_store = [*evaluate, "--store", "new.db"]
        pairs = []
        for _ in range(ROUNDS):
            pairs.append((processor_seconds(with_store, folder), processor_seconds(evaluate, folder)))
            for path in pathlib.Path(folder).glob("new.db*"):
                path.unlink()
        return min(pair[1] for pair in pairs) / min(pair[0] for pair in pairs)

    def bootstrap(folder):
        command = [python, ROOT / "bench" / "stats_bench.py", bench / "bench_stats_bench", "--draws", "1000", "--threads", "1"]
        found = []
        for _ in range(ROUNDS):
            shown = subprocess.run(
                list(map(str, command)),
                cwd=folder,
                check=True,
                capture_output=True,
                text=True,
                env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            ).stdout
            found.append(float(re.search(r"numpy, by counting.*?([\d.]+) times as long", shown)[1]))
        return sorted(found)[ROUNDS // 2]

    def dump(folder):
        path = pathlib.Path(folder) / "Posts.xml"
        row = '  <row Id="{0}" PostTypeId="{1}" {2}CreationDate="2020-01-01T00:00:00.000" Score="{3}" Body="&lt;p&gt;{4}&lt;/p&gt;" />\n'
        with path.open("w", encoding="utf-8") as out:
            out.write('<?xml version="1.0" encoding="utf-8"?>\n<posts>\n')
            for i in range(1, 60001):
                question = i % 5 == 1
                out.write(
                    row.format(
                        i,
                        1 if question else 2,
                        "" if question else f'ParentId="{i - (i - 1) % 5}" ',
                        i % 17,
                        "words of a post &amp;amp; more " * 20,
                    )
                )
            out.write("</posts>\n")
        shown = subprocess.run(
            [python, ROOT / "bench" / "stackexchange_read.py", bench / "bench_stackexchange_read", path, "3"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        return float(re.search(r"(?m)^first reading, 1 thread .* (\d+\.\d)\s*$", shown)[1])

    return [
        ("a small model in 8 bits: hre's kernels against the engine's", kernels),
        ("a small model: with a store against none", store),
        ("bootstrap: hre on one thread against numpy by counting", bootstrap),
        ("Posts.xml: the first reading against expat's parse", dump),
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release")
    parser.add_argument(
        "--python", default=str(pathlib.Path(os.environ.get("HRE_DEPS", ROOT / "build" / "deps")) / "test-python" / "bin" / "python")
    )
    parser.add_argument("--kept", type=pathlib.Path, default=KEPT)
    parser.add_argument("--keep", action="store_true")
    arguments = parser.parse_args()
    kept = json.loads(arguments.kept.read_text(encoding="utf-8")) if arguments.kept.exists() else {}
    now, alarms = {}, 0
    for name, measure in measures(arguments.build.resolve(), arguments.python):
        with tempfile.TemporaryDirectory(prefix="hre-alarms-") as folder:
            try:
                ratio = round(measure(folder), 3)
            except (OSError, subprocess.CalledProcessError, TypeError) as problem:
                print(f"ALARM  {name}: not measured: {problem}")
                alarms += 1
                continue
        before = kept.get(name)
        now[name] = {"ratio": ratio, "slack": before["slack"] if before else 0.25}
        if before is None:
            said = "ALARM  " if not arguments.keep else "new    "
            alarms += not arguments.keep
        elif ratio < before["ratio"] * (1 - before["slack"]):
            said, alarms = "ALARM  ", alarms + 1
        else:
            said = "better " if ratio > before["ratio"] / (1 - before["slack"]) else "as kept"
        print(f"{said}  {name}: {ratio:.2f}" + (f", kept {before['ratio']:.2f}" if before else ""), flush=True)
    if gone := sorted(set(kept) - set(now)):
        print("\n".join(f"ALARM    {name}: kept, and not measured" for name in gone))
        alarms += len(gone)
    if arguments.keep:
        arguments.kept.write_text(json.dumps(now, indent=2) + "\n", encoding="utf-8")
        return 0
    print(f"{len(now)} ratios, {alarms} alarms")
    return 1 if alarms else 0


if __name__ == "__main__":
    sys.exit(main())
