#!/usr/bin/env python3
"""How fast Posts.xml is read, against its limits and against lxml's iterparse doing the work of the first reading.

    bench/stackexchange_read.py PROGRAM Posts.xml [ROUNDS]

PROGRAM is bench_stackexchange_read. Every way runs in a process of its own, all of them once a round, so that they meet
the same neighbours; all must see the same number of rows. Prints the best and the median rate by elapsed time, the best
rate by processor time, peak memory, and each way's ratios to lxml and expat: by elapsed time, and by processor time, which
other work on the machine moves less. It needs lxml.
"""

import datetime
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import time

WAYS = {
    "bytes": "limit: reading the bytes",
    "expat": "limit: expat's own parse",
    "lxml": "lxml's iterparse, the first reading's work",
    "rows": "rows",
    "first": "first reading, 1 thread",
    "first2": "first reading, 2 threads",
}


def read_by_lxml(path):
    """The numbers, dates, tags and marks of every post, grouped by question."""
    from lxml import etree

    groups = {}
    rows = 0
    for _, row in etree.iterparse(path, tag="row", huge_tree=True):
        rows += 1
        a = row.attrib
        kind = a["PostTypeId"]
        if kind in ("1", "2"):
            created = datetime.datetime.fromisoformat(a["CreationDate"])
            marks = ("ClosedDate" in a, "CommunityOwnedDate" in a, "OwnerUserId" in a)
            assert "Body" in a
            topic = "python" in re.split("[<>|]", a.get("Tags", "")) if kind == "1" else None
            question = int(a["Id"] if kind == "1" else a["ParentId"])
            groups.setdefault(question, []).append((int(a["Id"]), int(a["Score"]), int(a.get("ViewCount", 0)), created, marks, topic))
        row.clear()
        while row.getprevious() is not None:
            del row.getparent()[0]
    return rows


def time_lxml(path):
    start, cpu = time.perf_counter(), time.process_time()
    rows = read_by_lxml(path)
    print(
        json.dumps(
            {
                "seconds": time.perf_counter() - start,
                "cpu_seconds": time.process_time() - cpu,
                "rows": rows,
                "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            }
        )
    )


def run(program, way, path):
    call = [sys.executable, __file__, "--lxml", path] if way == "lxml" else [program, way, path]
    return json.loads(subprocess.run(call, stdout=subprocess.PIPE, check=True).stdout)


def main():
    if sys.argv[1] == "--lxml":
        return time_lxml(sys.argv[2])
    program, path = sys.argv[1:3]
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    results = {way: [] for way in WAYS}
    for _ in range(rounds):
        for way in WAYS:
            results[way].append(run(program, way, path))
    rows = {result["rows"] for way in WAYS if way != "bytes" for result in results[way]}
    if len(rows) != 1:
        sys.exit(f"they see different numbers of rows: {sorted(rows)}")
    size = os.path.getsize(path)
    print(f"{path}: {size} bytes, {rows.pop()} rows, {rounds} rounds; MB/s")
    least = {kind: {way: max(1e-3, min(result[kind] for result in results[way])) for way in WAYS} for kind in ("seconds", "cpu_seconds")}
    print(f"{'':44}{'best':>8}{'median':>8}{'by CPU':>8}{'peak MB':>9}{'x lxml':>14}{'x expat':>14}")
    for way, name in WAYS.items():
        median = statistics.median(result["seconds"] for result in results[way])
        peak = max(result["peak_mb"] for result in results[way])
        rates = "".join(f"{size / time / 1e6:8.0f}" for time in (least["seconds"][way], median, least["cpu_seconds"][way]))
        ratios = "".join(
            f"{least['seconds'][peer] / least['seconds'][way]:8.1f}{least['cpu_seconds'][peer] / least['cpu_seconds'][way]:6.1f}"
            for peer in ("lxml", "expat")
        )
        print(f"{name:44}{rates}{peak:9}{ratios}")


if __name__ == "__main__":
    main()
