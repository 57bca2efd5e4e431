#!/usr/bin/env python3
"""hre's own conversion of a checkpoint against a copy of its weights.

    bench/convert_checkpoint.py HRE CONVERT PRE_TOKENIZERS FOLDER [MILLIONS]

HRE and CONVERT (bench_convert_checkpoint) are programs; PRE_TOKENIZERS is conversion/base.py of llama.cpp's sources; FOLDER has room
for three times 2 bytes a parameter. The checkpoint is a random Llama of about MILLIONS (1000) parameters in bfloat16. Before the clock
starts, every tensor of the converted file is compared with the checkpoint's, row by row, in the order that Llama's rotary pairs demand.
Both are flushed to the disk, and are timed three times in turns; the fastest counts. Peak memory is that of the whole process.
"""

import json
import multiprocessing
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import time

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "tests"))
import checkpoint_files

COPY, OURS = "cp and sync", "hre's conversion"
WIDTH, HEADS, GROUPS, INNER, VOCABULARY = 2048, 32, 8, 8192, 264


def shapes(layers):
    tensors = {"lm_head.weight": (VOCABULARY, WIDTH), "model.embed_tokens.weight": (VOCABULARY, WIDTH), "model.norm.weight": (WIDTH,)}
    for layer in range(layers):
        tensors |= {
            f"model.layers.{layer}.{name}.weight": shape
            for name, shape in {
                "input_layernorm": (WIDTH,),
                "post_attention_layernorm": (WIDTH,),
                "self_attn.q_proj": (WIDTH, WIDTH),
                "self_attn.k_proj": (WIDTH * GROUPS // HEADS, WIDTH),
                "self_attn.v_proj": (WIDTH * GROUPS // HEADS, WIDTH),
                "self_attn.o_proj": (WIDTH, WIDTH),
                "mlp.gate_proj": (INNER, WIDTH),
                "mlp.up_proj": (INNER, WIDTH),
                "mlp.down_proj": (WIDTH, INNER),
            }.items()
        }
    return tensors


def count(shape):
    return shape[0] * (shape[1] if len(shape) > 1 else 1)


def write(folder, layers):
    """The checkpoint, of random bfloat16 below 2 in magnitude."""
    checkpoint_files.write_llama(folder)
    config = {
        **checkpoint_files.CONFIG,
        "hidden_size": WIDTH,
        "num_attention_heads": HEADS,
        "num_key_value_heads": GROUPS,
        "intermediate_size": INNER,
        "num_hidden_layers": layers,
    }
    (folder / "config.json").write_text(json.dumps(config))
    header, at = {}, 0
    for name, shape in shapes(layers).items():
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [at, at + 2 * count(shape)]}
        at += 2 * count(shape)
    head = json.dumps(header).encode()
    # Two bytes a value: the upper one has the sign and an exponent that isn't NaN's.
    upper = bytes(byte & 0xBF for byte in range(256))
    with (folder / "model.safetensors").open("wb") as file:
        file.write(struct.pack("<Q", len(head)) + head)
        for shape in shapes(layers).values():
            left = 2 * count(shape)
            while left:
                raw = bytearray(os.urandom(min(left, 1 << 24)))
                raw[1::2] = raw[1::2].translate(upper)
                file.write(raw)
                left -= len(raw)
        file.flush()
        os.fsync(file.fileno())


def check(folder, out, layers):
    """Compares all tensors; the file's header ends where its tensors begin, in the order of their names."""
    source, made = (folder / "model.safetensors").open("rb"), out.open("rb")
    header = json.loads(source.read(struct.unpack("<Q", source.read(8))[0]))
    start = source.tell()
    total = sum(count(shape) * (4 if len(shape) == 1 else 2) for shape in shapes(layers).values())
    made.seek(out.stat().st_size - total)  # all sizes are whole numbers of 32 bytes
    for name in sorted(header):
        first, last = header[name]["data_offsets"]
        source.seek(start + first)
        values, shape = source.read(last - first), header[name]["shape"]
        if len(shape) == 1:
            widened = b"".join(b"\0\0" + values[i : i + 2] for i in range(0, len(values), 2))
            good = made.read(len(widened)) == widened
        else:
            row = 2 * shape[1]
            rows = list(range(shape[0]))
            if ".q_proj" in name or ".k_proj" in name:
                size = WIDTH // HEADS
                rows = [at + half * size // 2 + i for at in range(0, shape[0], size) for i in range(size // 2) for half in (0, 1)]
            good = all(made.read(row) == values[row * i : row * (i + 1)] for i in rows)
        if not good:
            sys.exit(f"{name} differs")


def apart(function, *arguments):
    """Calls a function in a process of its own: what this one has held would count as its children's peak memory."""
    process = multiprocessing.Process(target=function, args=arguments)
    process.start()
    process.join()
    if process.exitcode:
        sys.exit(f"{function.__name__} failed")


def timed(*command):
    """Seconds, and peak memory in MiB."""
    start = time.perf_counter()
    with subprocess.Popen([str(word) for word in command]) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{command[0]} failed")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def main():
    hre, convert, known, folder = (pathlib.Path(word).resolve() for word in sys.argv[1:5])
    millions = float(sys.argv[5]) if len(sys.argv) > 5 else 1000
    layers = max(1, round(millions * 1e6 / 60.8e6))
    checkpoint, out = folder / "checkpoint", folder / "converted.gguf"
    size = sum(2 * count(shape) for shape in shapes(layers).values())
    try:
        apart(write, checkpoint, layers)
        timed(convert, checkpoint, out, known)
        apart(check, checkpoint, out, layers)
        os.environ["HRE_CACHE"], os.environ["HRE_CONVERT_PYTHON"] = str(folder / "cache"), "/bin/false"
        best = {}
        for _ in range(3):
            out.unlink()
            for name, command in (
                (COPY, ["sh", "-c", f"cp '{checkpoint}/model.safetensors' '{folder}/copy' && sync '{folder}/copy'"]),
                (OURS, [convert, checkpoint, out, known]),
            ):
                best[name] = min(best.get(name, (float("inf"), 0)), timed(*command))
            (folder / "copy").unlink()
        out.unlink()
        best["hre model show, first"] = timed("sh", "-c", f"'{hre}' model show '{checkpoint}' > /dev/null")
        print(f"{size / 2e6:.0f} million parameters, {size / 1e6:.0f} MB in bfloat16; all tensors equal")
        for name, (seconds, peak) in best.items():
            print(f"{name:24}{seconds:7.2f} s{size / seconds / 1e6:8.0f} MB/s{peak:8.0f} MiB at most")
        print(f"the conversion takes {best[OURS][0] / best[COPY][0]:.2f} times as long as the copy")
    finally:
        shutil.rmtree(checkpoint, ignore_errors=True)
        shutil.rmtree(folder / "cache", ignore_errors=True)
        for left in (out, folder / "copy"):
            left.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
