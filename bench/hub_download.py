#!/usr/bin/env python3
"""Downloading from a hub: hre against Python's huggingface_hub, from a stand-in hub on the loopback.

    bench/hub_download.py --hre build/release/src/hre --python PYTHON [--bytes 2000000000] [--rounds 3] [--folder DIR]

PYTHON is an environment with huggingface_hub; where hf_transfer is installed beside it (versions before 1), its
parallel transfer is measured too. Every round runs each of them once, in turn, with an empty cache on the same disk, and
every download is checked by its SHA-256 before its time counts. Then the cost of a name that the cache has: the
same command with the name and with the path that it stands for.
"""

import argparse
import hashlib
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from hub import Hub  # noqa: E402

DOWNLOAD = "import sys; from huggingface_hub import hf_hub_download; print(hf_hub_download(sys.argv[1], sys.argv[2]))"


def make_file(path, size):
    """Bytes that repeat only after 64 MiB."""
    block = os.urandom(1 << 26)
    with path.open("wb") as file:
        while size > 0:
            size -= file.write(block[: min(size, len(block))])


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 22):
            digest.update(chunk)
    return digest.hexdigest()


def timed(command, environment):
    begin = time.perf_counter()
    done = subprocess.run(command, env=dict(os.environ, **environment), capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - begin
    if done.returncode != 0:
        sys.exit(f"{command}: {done.stderr}")
    return seconds, done.stdout.strip().splitlines()[-1]


def has_module(python, name):
    return subprocess.run([python, "-c", f"import {name}"], capture_output=True, check=False).returncode == 0


def contenders(arguments):
    """(name, command, environment)"""
    python = [arguments.python, "-c", DOWNLOAD, "org/big", "big.gguf"]
    yield "hre", [arguments.hre, "model", "fetch", "hf:org/big", "--quiet"], {}
    yield "huggingface_hub", python, {"HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    if has_module(arguments.python, "hf_transfer"):
        yield "huggingface_hub, hf_transfer", python, {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_ENABLE_HF_TRANSFER": "1"}


def downloads(arguments, hub, folder, expected):
    times = {name: [] for name, _, _ in contenders(arguments)}
    for round_ in range(arguments.rounds):
        for name, command, more in contenders(arguments):
            cache = folder / "cache"
            seconds, path = timed(command, {"HF_ENDPOINT": hub.endpoint, "HF_HOME": str(cache)} | more)
            if sha256(path) != expected:
                sys.exit(f"{name}: another file came")
            shutil.rmtree(cache)
            times[name].append(seconds)
            print(f"round {round_ + 1}: {name}: {seconds:.2f} s, {arguments.bytes / seconds / 1e6:.0f} MB/s", flush=True)
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, median in medians.items():
        print(f"{name}: median {median:.2f} s, {median / medians['hre']:.2f} times hre's")


def start_up(arguments, hub, folder):
    question = '{"question": "Q?", "answers": [{"text": "a", "votes": 1}, {"text": "b", "votes": 2}]}\n'
    hub.add("dataset", "org/small", {"a.jsonl": question.encode()})
    environment = {"HF_ENDPOINT": hub.endpoint, "HF_HOME": str(folder / "small"), "HF_HUB_OFFLINE": "0"}
    _, path = timed([arguments.hre, "data", "fetch", "hf:org/small", "--quiet"], environment)
    times = {"hf:org/small": [], path: []}
    for _ in range(arguments.starts):
        for source, values in times.items():
            values.append(1e3 * timed([arguments.hre, "data", "info", source, "--json"], environment)[0])
    name, plain = (statistics.median(values) for values in times.values())
    print(
        f"start-up with a cached name: {name:.1f} ms in all, {name - plain:.1f} ms more than with its path (medians of {arguments.starts})"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hre", default=str(ROOT / "build" / "release" / "src" / "hre"))
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--bytes", type=int, default=2_000_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--starts", type=int, default=51)
    parser.add_argument("--folder", help="where the file and the caches lie, such as /dev/shm to leave the disk out")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as scratch, Hub() as hub:
        folder = pathlib.Path(scratch)
        start_up(arguments, hub, folder)
        make_file(folder / "big.gguf", arguments.bytes)
        hub.add("model", "org/big", {"big.gguf": folder / "big.gguf"})
        downloads(arguments, hub, folder, sha256(folder / "big.gguf"))


if __name__ == "__main__":
    main()
