#!/usr/bin/env python3
"""Counts what CTest ran: tools/count_tests.py JUNIT_XML STATUS_OF_THE_RUN

An end-to-end file counts as the tests in it, by the line that tests/run.py ends with. A run that
failed without a failed test, or left no results, is one failure. Names what failed or was skipped.
"""

import re
import sys
import xml.etree.ElementTree as xml

COUNTS = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", re.MULTILINE)
SKIPPED = re.compile(r"^skipped: .*$", re.MULTILINE)


def counts_of(case):
    """(passed, failed, skipped) of one CTest test."""
    listed = COUNTS.findall(case.findtext("system-out") or "")
    if listed:
        return tuple(map(int, listed[-1]))
    return {"run": (1, 0, 0), "fail": (0, 1, 0)}.get(case.get("status"), (0, 0, 1))


def main(path, status):
    try:
        cases = list(xml.parse(path).getroot().iter("testcase"))
    except (OSError, xml.ParseError) as problem:
        print(f"no test ran: {problem}")
        cases = []
    totals = [0, 0, 0]
    for case in cases:
        counts = counts_of(case)
        if counts[1] == 0 and case.get("status") == "fail":  # it crashed after its tests, or timed out
            counts = (counts[0], 1, counts[2])
        totals = [total + count for total, count in zip(totals, counts)]
        if counts[1]:
            print(f"failed: {case.get('name')}")
        elif counts[2]:
            print("\n".join(SKIPPED.findall(case.findtext("system-out") or "")) or f"skipped: {case.get('name')}")
    if totals[1] == 0 and (status != 0 or totals[0] == 0):
        totals[1] = 1
    print(f"{totals[0]} passed, {totals[1]} failed, {totals[2]} skipped")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
