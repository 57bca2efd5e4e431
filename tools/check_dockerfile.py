#!/usr/bin/env python3
"""Runs the Dockerfile's stages but the first without a daemon: as root, in copies of a root folder of the image's system.

    tools/check_dockerfile.py --base ROOT [--tree TREE]
    tools/check_dockerfile.py --parse         only reads the file, and prints the steps of its stages

ROOT is what images start from, for example made by `debootstrap --variant=minbase bookworm ROOT`; it is left as it is. What
the first stage builds is not built again: --tree names the unpacked release (default: that of `make dist`), which COPY --from takes.
RUN lines run by chroot; apt-get needs the network. Then checks what the file promises: hre demo runs as the user that is set,
ENTRYPOINT and CMD work, a shell is there, the user is not root, and the image is under 200 MB, unpacked.
Ends with 1 for what fails, 77 where this is not root.
"""

import argparse
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
MOST_BYTES = 200_000_000
KNOWN = {"FROM", "RUN", "COPY", "WORKDIR", "USER", "ENV", "ENTRYPOINT", "CMD"}


def stages(text):
    """[(image, name, [(instruction, rest)])], continued lines joined; an instruction that is not known here is an error."""
    found = []
    text = re.sub(r"\\\n", " ", "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#")))
    for line in filter(str.strip, text.splitlines()):
        word, _, rest = line.strip().partition(" ")
        if word not in KNOWN:
            sys.exit(f"Dockerfile: {word} is not known to tools/check_dockerfile.py")
        if word == "FROM":
            image, _, name = rest.partition(" AS ")
            found.append((image.strip(), name.strip(), []))
        else:
            found[-1][2].append((word, rest.strip()))
    return found


class Container:
    def __init__(self, root):
        self.root, self.user, self.folder, self.environment = (
            root,
            "root",
            "/",
            {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
        )
        self.entry, self.command = [], []

    def run(self, *words, check=True):
        """As the user that is set, in the folder that is set."""
        home = {"HOME": "/root"} if self.user == "root" else {"HOME": f"/home/{self.user}"}
        userspec = [] if self.user == "root" else [f"--userspec={self.ids()}"]
        script = f'cd {shlex.quote(self.folder)} && exec "$@"'
        return subprocess.run(
            ["chroot", *userspec, self.root, "/bin/sh", "-c", script, "sh", *words],
            check=check,
            text=True,
            env={**self.environment, **home},
            capture_output=True,
        )

    def ids(self):
        for line in (self.root / "etc" / "passwd").read_text(encoding="utf-8").splitlines():
            name, _, uid, gid, *_ = line.split(":")
            if name == self.user:
                return f"{uid}:{gid}"
        sys.exit(f"Dockerfile: there is no user {self.user}")

    def step(self, word, rest, stages_before):
        if word == "RUN":
            done = self.run("/bin/sh", "-c", rest, check=False)
            if done.returncode != 0:
                sys.exit(f"RUN {rest}\n{done.stdout}{done.stderr}")
        elif word == "COPY":
            origin, source, target = re.fullmatch(r"--from=(\w+) (\S+) (\S+)", rest).groups()
            to = self.root / target.lstrip("/")
            to.mkdir(parents=True, exist_ok=True)
            subprocess.run(["cp", "-a", f"{stages_before[origin] / source.lstrip('/')}/.", to], check=True)
        elif word == "WORKDIR":
            self.folder = rest
            (self.root / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
        elif word == "USER":
            self.user = rest
        elif word == "ENV":
            self.environment.update(dict([rest.split("=", 1)]))
        elif word == "ENTRYPOINT":
            self.entry = json.loads(rest)
        elif word == "CMD":
            self.command = json.loads(rest)
        print(f"{word} {rest}")


def size_of(root):
    """Bytes of files, each once; what the kernel mounts does not count."""
    seen = {}
    for folder, _, names in os.walk(root):
        for name in names:
            status = os.lstat(os.path.join(folder, name))
            seen[status.st_dev, status.st_ino] = status.st_size
    return sum(seen.values())


def check(container, compressed):
    def must(good, what):
        print(("ok      " if good else "FAILED  ") + what)
        return bool(good)

    size = size_of(container.root)
    proc = container.root / "proc"
    subprocess.run(["mount", "-t", "proc", "proc", proc], check=True)
    try:
        shown = container.run(*container.entry, *container.command, check=False)
        demo = container.run(*container.entry, "demo", check=False)
        version = container.run(*container.entry, "--version", check=False)
        wrote = container.run(
            "/bin/sh", "-c", "id -u && touch /work/mine && ls ~/.local/state/hre 2>/dev/null; touch /opt/hre/x 2>&1", check=False
        )
    finally:
        subprocess.run(["umount", proc], check=True)
    results = [
        must(shown.returncode == 0 and "Usage: hre COMMAND" in shown.stdout, "ENTRYPOINT with CMD shows the help"),
        must(demo.returncode == 0 and "HumanRankEval" in demo.stdout, f"hre demo runs{'' if demo.returncode == 0 else ': ' + demo.stderr}"),
        must(version.returncode == 0, f"hre --version: {version.stdout.splitlines()[0] if version.stdout else version.stderr}"),
        must(container.user != "root" and wrote.stdout.split()[0] != "0", f"the user is {container.user}, not root"),
        must((container.root / "work" / "mine").exists(), "the user may write into the working folder"),
        must("Permission denied" in wrote.stdout, "and not into the program's"),
        must(
            size < MOST_BYTES, f"{size / 1e6:.0f} MB unpacked, below {MOST_BYTES / 1e6:.0f} ({compressed / 1e6:.0f} MB compressed by gzip)"
        ),
    ]
    return all(results)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=pathlib.Path)
    parser.add_argument("--tree", type=pathlib.Path)
    parser.add_argument("--parse", action="store_true")
    arguments = parser.parse_args()
    found = stages((ROOT / "Dockerfile").read_text(encoding="utf-8"))
    if arguments.parse:
        for image, name, steps in found:
            print(f"{name or 'last'}: {image}, " + ", ".join(word for word, _ in steps))
        return 0
    if os.geteuid() != 0:
        print("skipped: chroot needs root")
        return 77
    tree = arguments.tree or next((path for path in (ROOT / "build" / "dist").glob("hre-*-linux-*") if path.is_dir()), None)
    if tree is None or arguments.base is None:
        parser.error("there is no release: make dist; and --base names the system that the image starts from")
    with tempfile.TemporaryDirectory(prefix="hre-image-") as folder:
        built = pathlib.Path(folder) / "build"
        shutil.copytree(tree, built / "hre", symlinks=True)
        for path in ("include", "lib/cmake"):  # as the first stage does
            shutil.rmtree(built / "hre" / path)
        roots = {"build": built}
        for image, name, steps in found[1:]:
            root = roots[name] = pathlib.Path(folder) / (name or "last")
            if image == "scratch":
                root.mkdir()
            else:
                subprocess.run(["cp", "-a", "--reflink=auto", arguments.base, root], check=True)
                shutil.copy("/etc/resolv.conf", root / "etc" / "resolv.conf")
            container = Container(root)
            for word, rest in steps:
                container.step(word, rest, roots)
        packed = subprocess.run(["sh", "-c", 'tar -C "$1" -cf - . | gzip -6 | wc -c', "sh", root], check=True, capture_output=True)
        return 0 if check(container, int(packed.stdout)) else 1


if __name__ == "__main__":
    sys.exit(main())
