#!/usr/bin/env python3
"""What lxml's iterparse takes for the work of the first reading: rows, dates, tags and marks of Posts.xml.

    bench/stackexchange_lxml.py Posts.xml [REPEATS]
"""
import datetime
import os
import re
import sys
import time

from lxml import etree


def first_reading(path):
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


path, repeats = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 3
best = 1e300
for _ in range(repeats):
    start = time.perf_counter()
    rows = first_reading(path)
    best = min(best, time.perf_counter() - start)
size = os.path.getsize(path)
print(f"lxml iterparse, the same work      {size / best / 1e6:8.0f} MB/s   {best:8.3f} s   {rows} rows")
