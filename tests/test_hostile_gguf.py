"""Broken GGUF files: every one ends with status 2 or with values, in time and in bounds."""

import lzma
import os
import random
import resource
import struct
import subprocess
import unittest

from program import PROGRAM, SOURCE_DIR, ProgramTest, clean_environment

DATA = SOURCE_DIR / "tests" / "data" / "models"
SECONDS = 10
MEMORY = 500 << 20  # beyond the file's size
FILES = 200


def header_end(data):
    """Where the tensor data begin: after the last tensor's offset, roughly; found by the longest run of the name."""
    return data.rfind(b"output_norm.weight") + 64


def numbers_at(data, key):
    """The place of the value of a 32-bit metadata entry."""
    return data.index(key) + len(key) + 4


class HostileTest(ProgramTest):
    def mutations(self, data, generator):
        """FILES broken copies, by name."""
        end = header_end(data)
        tensor = data.index(b"blk.0.attn_q.weight")
        first = tensor + len(b"blk.0.attn_q.weight")
        tokens = data.index(b"tokenizer.ggml.tokens") + len(b"tokenizer.ggml.tokens")

        def patch(at, fmt, value):
            copy = bytearray(data)
            struct.pack_into(fmt, copy, at, value)
            return bytes(copy)

        huge = [0, 1, 2**31 - 1, 2**32, 2**40, 2**63 - 1, 2**64 - 1]
        for value in huge:
            yield f"{value} tensors", patch(8, "<Q", value)
            yield f"{value} metadata values", patch(16, "<Q", value)
            yield f"first key of {value} bytes", patch(24, "<Q", value)
            yield f"shape {value}", patch(first + 4, "<Q", value)
            yield f"second dimension {value}", patch(first + 12, "<Q", value)
            yield f"offset {value}", patch(first + 24, "<Q", value)
            yield f"vocabulary of {value}", patch(tokens + 8, "<Q", value)
        for value in (0, 5, 64, 2**31, 2**32 - 1):
            yield f"{value} dimensions", patch(first, "<I", value)
            yield f"type {value}", patch(first + 20, "<I", value)
            for key in (
                b"llama.block_count",
                b"llama.embedding_length",
                b"llama.attention.head_count",
                b"llama.attention.head_count_kv",
                b"llama.feed_forward_length",
                b"llama.context_length",
                b"llama.rope.dimension_count",
                b"tokenizer.ggml.bos_token_id",
            ):
                yield f"{key.decode()} {value}", patch(numbers_at(data, key), "<I", value)
        for length in (0, 3, 4, 23, 24, end // 2, end, len(data) // 2, len(data) - 1):
            yield f"cut to {length}", data[:length]
        for at in range(end, len(data) - 4, (len(data) - end) // 20):
            yield f"NaN at {at}", patch(at // 4 * 4, "<f", float("nan"))
        while True:
            copy = bytearray(data)
            for _ in range(generator.choice((1, 1, 3, 20))):
                copy[generator.randrange(4, end)] = generator.choice((0, 1, 0x7F, 0x80, 0xFF, generator.randrange(256)))
            yield f"random bytes {generator.random()}", bytes(copy)

    def run_bounded(self, path):
        """The exit status, and the memory that it took at most."""
        with subprocess.Popen(
            [PROGRAM, "eval", path, "--data", DATA / "questions.jsonl", "--limit", "1", "--threads", "1", "--quiet"],
            cwd=self.folder,
            env=clean_environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS)),
        ) as process:
            errors = process.stderr.read()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        return process.returncode, usage.ru_maxrss * 1024, errors.decode(errors="replace")

    def test_broken_files(self):
        seed = int.from_bytes(os.urandom(4), "big")
        data = lzma.decompress((DATA / "llama-gqa.gguf.xz").read_bytes())
        path = self.folder / "hostile.gguf"
        statuses = {}
        for number, (name, broken) in zip(range(FILES), self.mutations(data, random.Random(seed))):
            with self.subTest(name=name, number=number, seed=seed):
                path.write_bytes(broken)
                status, memory, errors = self.run_bounded(path)
                self.assertIn(status, (0, 2), errors)
                self.assertLess(memory, len(data) + MEMORY)
                if status == 2:
                    self.assertRegex(errors, r"\Ahre: [^\n]+\n\Z")
                statuses[status] = statuses.get(status, 0) + 1
        self.assertEqual(FILES, sum(statuses.values()))
        self.assertGreater(statuses.get(2, 0), FILES // 3, statuses)


if __name__ == "__main__":
    unittest.main()
