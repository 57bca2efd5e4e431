#!/usr/bin/env python3
"""Peak memory of hre data build on simulated dumps of growing size.

    bench/stackexchange_memory.py HRE SIMULATE FOLDER [ROWS]...

HRE and SIMULATE (bench_stackexchange_simulate) are programs; FOLDER has room for the largest dump, some 700 bytes per row.
ROWS are 1 000 000 and 20 000 000 where none are given. Each dump has two votes a post; two topics are drawn from it.
"""

import os
import subprocess
import sys
import time


def simulate(program, folder, rows):
    os.makedirs(folder, exist_ok=True)
    for name, arguments in [("Posts.xml", [str(rows), "200"]), ("Votes.xml", [str(rows), "votes"])]:
        with open(os.path.join(folder, name), "wb") as file:
            subprocess.run([program, *arguments], stdout=file, check=True)
    return sum(os.path.getsize(os.path.join(folder, name)) for name in os.listdir(folder))


def build(program, folder, work):
    """Seconds and peak memory in MiB of a build, and what it printed."""
    call = [program, "data", "build", "--dry-run", "--quiet", "--work", work]
    for topic in ("python", "java"):
        call += ["--topic", f"{topic}=beer.stackexchange.com@{folder}[{topic}]"]
    start = time.perf_counter()
    with subprocess.Popen(call, stdout=subprocess.PIPE, text=True) as process:
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0 or output.count("500 questions, 2000 answers") != 2:
        sys.exit(f"the build failed ({process.returncode}):\n{output}")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def main():
    hre, program, folder = sys.argv[1:4]
    sizes = [int(rows) for rows in sys.argv[4:]] or [1_000_000, 20_000_000]
    print(f"{'rows':>12}{'bytes':>16}{'seconds':>9}{'MB/s':>7}{'peak MiB':>10}")
    first = None
    for rows in sizes:
        dump = os.path.join(folder, f"simulated-{rows}")
        size = simulate(program, dump, rows)
        seconds, peak = build(hre, dump, os.path.join(folder, "work"))
        first = first or (rows, peak)
        print(f"{rows:12}{size:16}{seconds:9.1f}{size / seconds / 1e6:7.0f}{peak:10.0f}", flush=True)
        for name in os.listdir(dump):
            os.remove(os.path.join(dump, name))
        os.rmdir(dump)
    print(f"{sizes[-1] / first[0]:.0f} times the rows: {peak / first[1]:.2f} times the memory")


if __name__ == "__main__":
    main()
