#!/usr/bin/env python3
"""How near `hre eval --stream-weights` comes to the disk's rate, and to the time of a model that fits into the memory.

    python3 bench/stream_weights.py MODEL.gguf DATA [--questions 1,8] [--hre build/release/src/hre] [--rounds 3]

A control group gives each run half of the weights' size as memory (root is needed). Printed, by the number of questions per topic: the
time of a run with the weights streamed and of one without the limit, and the rate at which the file was read if it was read twice: to
see how the output layer is computed, and for the questions, where they are few enough to be one group. Beside it the disk's own rate, the
file read once from end to end under the same limit. Sums must be equal to the last bit.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

SHARE = 2


def make_group(limit):
    """A control group of so many bytes, of either version of the hierarchy."""
    for root, name in ((pathlib.Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"), (pathlib.Path("/sys/fs/cgroup"), "memory.max")):
        group = root / f"hre-bench-{os.getpid()}"
        try:
            group.mkdir()
            if (group / name).exists() and (group / "cgroup.procs").exists():
                (group / name).write_text(str(limit))
                return group
            group.rmdir()
        except OSError:
            continue
    sys.exit("no control group with a limit of memory can be made here; this needs root")


def enter(group):
    return (lambda: (group / "cgroup.procs").write_text(str(os.getpid()))) if group else None


def forget(path):
    """Takes the file out of the page cache."""
    with open(path, "rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def read_once(path, group):
    """Seconds to read the file from the disk."""
    forget(path)
    start = time.monotonic()
    subprocess.run(["dd", f"if={path}", "of=/dev/null", "bs=4M"], check=True, stderr=subprocess.DEVNULL, preexec_fn=enter(group))
    return time.monotonic() - start


def evaluate(arguments, n, group):
    """Seconds of scoring, tokens computed, and every sum."""
    forget(arguments.model)
    done = subprocess.run(
        [
            arguments.hre,
            "eval",
            arguments.model,
            "--data",
            arguments.data,
            "--limit",
            str(n),
            "--store",
            "none",
            "--no-shuffle",
            "--quiet",
            "--details",
            "--json",
            "-",
            *(["--stream-weights"] if group else []),
        ],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=enter(group),
    )
    if done.returncode != 0:
        sys.exit(done.stderr.strip())
    run = json.loads(done.stdout)
    sums = [answer["sum_log_prob"] for question in run["questions"] for answer in question["answers"]]
    return run["times"]["score_seconds"], run["times"]["positions"], sums


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("data")
    parser.add_argument("--questions", default="1,8")
    parser.add_argument("--hre", default="build/release/src/hre")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    size = arguments.model.stat().st_size
    group = make_group(size // SHARE)
    try:
        disk = size / statistics.median(read_once(arguments.model, group) for _ in range(arguments.rounds)) / 1e9
        print(f"{arguments.model.name}: {size / 1e9:.2f} GB, limit {size / SHARE / 1e9:.2f} GB, disk {disk:.2f} GB/s")
        print(f"{'questions':>9}{'tokens':>9}{'streamed':>11}{'in memory':>11}{'GB/s, read twice':>19}{'of the disk':>13}")
        for n in map(int, arguments.questions.split(",")):
            rounds = [(evaluate(arguments, n, group), evaluate(arguments, n, None)) for _ in range(arguments.rounds)]
            for streamed, whole in rounds:
                if streamed[2] != whole[2]:
                    sys.exit(f"{n} questions: sums differ from those of weights in memory")
            streamed, whole = (statistics.median(one[i][0] for one in rounds) for i in (0, 1))
            rate = 2 * size / streamed / 1e9
            print(f"{n:9}{rounds[0][0][1]:9}{streamed:9.2f} s{whole:9.2f} s{rate:19.2f}{rate / disk:13.0%}", flush=True)
    finally:
        group.rmdir()


if __name__ == "__main__":
    main()
