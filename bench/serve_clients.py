#!/usr/bin/env python3
"""Many clients of `hre serve` at once on loopback: whether anything is lost, and how much memory that takes.

    bench/serve_clients.py [--program build/release/src/hre] [--clients 1000] [--seconds 60]

Each client holds one connection. Nine of ten ask on and on: they submit jobs, read them again and look at lists; one of ten follows
a job by server-sent events, job after job. The queue is full from the beginning (1,000 jobs), so most that is submitted is refused
with 429, as it should. At the end every job that was accepted must be in the store once, with what was asked for, each request must
have had one whole answer, and the service must end in order. Prints what was measured; ends with 1 where something was lost.
"""

import argparse
import asyncio
import collections
import json
import os
import pathlib
import re
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from test_watch import model_of, questions  # noqa: E402

QUEUE = 1000


class Totals:
    def __init__(self):
        self.statuses, self.seconds, self.accepted, self.problems = collections.Counter(), [], {}, []
        self.n_events = 0


async def read_head(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1])
    headers = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
    return status, headers


async def ask(streams, method, path, body=b""):
    reader, writer = streams
    extra = b"Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body) if method == "POST" else b""
    writer.write(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n".encode() + extra + b"\r\n" + body)
    await writer.drain()
    status, headers = await read_head(reader)
    return status, await reader.readexactly(int(headers[b"content-length"]))


async def worker(number, port, end, totals):
    """Submits and reads again."""
    streams, n = await asyncio.open_connection("127.0.0.1", port), 0
    mine = []
    while time.monotonic() < end:
        n += 1
        begin = time.monotonic()
        if n % 4 == 1:
            limit = number * 100_000 + n  # so that each is unlike all others
            status, text = await ask(streams, "POST", "/jobs", json.dumps({"model": "model.gguf", "limit": limit}).encode())
            if status == 201:
                job = json.loads(text)
                totals.accepted[job["id"]] = limit
                mine.append(job["id"])
            elif status != 429:
                totals.problems.append(f"POST /jobs: {status} {text[:200]}")
        elif n % 4 == 2:
            job = mine[-1] if mine else 1
            status, text = await ask(streams, "GET", f"/jobs/{job}")
            if status != 200 or json.loads(text)["id"] != job:
                totals.problems.append(f"GET /jobs/{job}: {status} {text[:200]}")
        elif n % 4 == 3:
            status, text = await ask(streams, "GET", "/jobs?limit=5")
            if status != 200 or len(json.loads(text)["jobs"]) != 5:
                totals.problems.append(f"GET /jobs: {status} {text[:200]}")
        else:
            status, text = await ask(streams, "GET", "/health")
            if status != 200:
                totals.problems.append(f"GET /health: {status}")
        totals.statuses[status] += 1
        totals.seconds.append(time.monotonic() - begin)
    streams[1].close()


async def follower(port, end, totals):
    """Follows the job that runs until it ends, then the next one."""
    while time.monotonic() < end:
        streams = await asyncio.open_connection("127.0.0.1", port)
        status, text = await ask(streams, "GET", "/jobs?status=running&limit=1")
        running = json.loads(text)["jobs"]
        if not running:
            streams[1].close()
            await asyncio.sleep(0.05)
            continue
        reader, writer = streams
        writer.write(f"GET /jobs/{running[0]['id']}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        status, _ = await read_head(reader)
        if status != 200:
            totals.problems.append(f"events: {status}")
        last = b""
        while time.monotonic() < end:
            try:
                line = await asyncio.wait_for(reader.readline(), max(0.01, end - time.monotonic()))
            except (asyncio.TimeoutError, TimeoutError):
                break
            if line.startswith(b"event: "):
                totals.n_events += 1
                last = line[7:].strip()
            if line == b"0\r\n":
                if last not in (b"completed", b"failed"):
                    totals.problems.append(f"a stream ended with {last}")
                break
        totals.statuses[200] += 1
        writer.close()


def memory_of(process):
    text = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return {name: int(re.search(rf"{name}:\s+(\d+) kB", text)[1]) / 1024 for name in ("VmRSS", "VmHWM")}


async def run(arguments, port, process, totals):
    end = time.monotonic() + arguments.seconds
    memory = []

    async def watch_memory():
        while time.monotonic() < end:
            memory.append(memory_of(process)["VmRSS"])
            await asyncio.sleep(1)

    tasks = [follower(port, end, totals) if i % 10 == 0 else worker(i, port, end, totals) for i in range(arguments.clients)]
    results = await asyncio.gather(watch_memory(), *tasks, return_exceptions=True)
    totals.problems += [f"a client ended: {result!r}" for result in results if isinstance(result, BaseException)]
    return memory


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "build" / "release" / "src" / "hre")
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=60)
    arguments = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(resource.getrlimit(resource.RLIMIT_NOFILE)[1], 8192),) * 2)
    totals = Totals()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "run").mkdir()
        (folder / "run" / "model.gguf").write_bytes(model_of(1)[0])
        (folder / "q.jsonl").write_text(questions())
        command = [
            arguments.program.resolve(),
            "serve",
            "--folder",
            "run",
            "--data",
            "q.jsonl",
            "--store",
            "runs.db",
            "--threads",
            "1",
            "--listen",
            "127.0.0.1:0",
            "--quiet",
            "--queue",
            str(QUEUE),
            "--connections",
            str(arguments.clients * 2),
        ]
        environment = {**os.environ, "XDG_STATE_HOME": name, "XDG_CACHE_HOME": name}
        with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            port = int(re.search(r":(\d+)/", process.stdout.readline())[1])
            before = memory_of(process)["VmRSS"]
            seen = asyncio.run(run(arguments, port, process, totals))
            after = memory_of(process)
            process.send_signal(signal.SIGTERM)
            said = process.communicate(timeout=60)[1]
        if process.returncode != 0:
            totals.problems.append(f"the service ended with {process.returncode}: {said[-500:]}")
        rows = {row[0]: row[1:] for row in sqlite3.connect(folder / "runs.db").execute("SELECT id, status, request FROM job")}
    for job, limit in totals.accepted.items():
        if job not in rows or json.loads(rows[job][1])["limit"] != limit:
            totals.problems.append(f"job {job} is lost: {rows.get(job)}")
    if len(rows) != len(totals.accepted):
        totals.problems.append(f"{len(rows)} jobs in the store, {len(totals.accepted)} were accepted")
    ended = collections.Counter(status for status, _ in rows.values())
    seconds = sorted(totals.seconds)
    print(
        f"{arguments.clients} clients, {arguments.seconds:g} s: {sum(totals.statuses.values())} answers "
        f"({', '.join(f'{n} of {status}' for status, n in sorted(totals.statuses.items()))}), {totals.n_events} events"
    )
    print(
        f"time of an answer: median {1000 * seconds[len(seconds) // 2]:.0f} ms, 99 % {1000 * seconds[len(seconds) * 99 // 100]:.0f} ms, "
        f"longest {1000 * seconds[-1]:.0f} ms"
    )
    print(f"jobs: {len(totals.accepted)} accepted, in the store: {dict(ended)}")
    half = seen[len(seen) // 2 :]
    print(f"memory: {before:.0f} MiB before, at most {after['VmHWM']:.0f} MiB; in the second half {min(half):.0f} to {max(half):.0f} MiB")
    for problem in totals.problems[:20]:
        print("PROBLEM", problem)
    print(f"{len(totals.problems)} problems")
    return 1 if totals.problems else 0


if __name__ == "__main__":
    sys.exit(main())
