"""Lets the PyTorch of the Python that runs this work without a GPU's libraries.

    pip install --no-deps torch...; python tools/torch_without_gpu.py

PyPI's wheels of PyTorch are linked with CUDA's libraries (3 GB), and load nowhere without them, though a computation on the CPU calls
none. For each library that is missing this makes an empty one, with the symbols that PyTorch names, beside PyTorch's own. It needs
cc and binutils.
"""

import collections
import importlib.util
import pathlib
import re
import subprocess
import sys

#: What the symbols of libraries without versions of symbols are called.
UNVERSIONED = {"libnccl": "nccl", "libcusparseLt": "cusparseLt", "libcufile": "cuFile"}


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def main():
    folder = pathlib.Path(importlib.util.find_spec("torch").origin).parent / "lib"
    libraries = sorted(folder.glob("lib*.so*"))
    needed = {name for path in libraries for name in re.findall(r"NEEDED.*\[(.*)\]", output("readelf", "-d", path))}
    missing = sorted(name for name in needed if re.match(r"lib(cu|nv|nccl)", name) and not (folder / name).exists())
    symbols = collections.defaultdict(set)  # by version; "": those without
    for name, version in re.findall(r" U (\w+)(?:@(\S+))?$", output("nm", "-D", "-u", *libraries), re.MULTILINE):
        symbols[version].add(name)
    for library in missing:
        version = "NVSHMEM" if library.startswith("libnvshmem") else library
        prefix = UNVERSIONED.get(library.split(".")[0])
        names = {name for name in symbols[""] if name.startswith(prefix)} if prefix else symbols[version]
        # The loader demands that a library has the versions that are asked of it.
        script = folder / "versions.txt"
        script.write_text(f"{version} {{ global: *; }};\n")
        subprocess.run(
            [
                "cc",
                "-w",
                "-shared",
                "-fPIC",
                "-o",
                folder / library,
                f"-Wl,-soname,{library}",
                *([] if prefix else [f"-Wl,--version-script={script}"]),
                "-xc",
                "-",
            ],
            input="".join(f"int {name}(void) {{ return 0; }}\n" for name in sorted(names)),
            text=True,
            check=True,
        )
        script.unlink()
    print(f"{len(missing)} empty libraries in {folder}")
    subprocess.run(
        [sys.executable, "-c", "import torch; assert not torch.cuda.is_available() and (torch.ones(2, 2) @ torch.ones(2, 2)).sum() == 8"],
        check=True,
    )


if __name__ == "__main__":
    main()
