"""hre eval --stream-weights: a model of twice the memory that the process may use, with equal values."""

import array
import contextlib
import os
import pathlib
import random
import subprocess
import unittest

import gguf_files
from program import PROGRAM, SLOWER, SOURCE_DIR, ProgramTest, clean_environment

LAYERS, WIDTH, INNER, HEADS = 18, 512, 2048, 8
SHARE = 2  # the weights over the limit


def write_model(path):
    """A random Llama of 76 M parameters in float32, with the vocabulary of the models that come along."""
    values, tensors = gguf_files.read((SOURCE_DIR / "models" / "hre-base-q8_0.gguf").read_bytes())
    sizes = {
        "embedding_length": WIDTH,
        "block_count": LAYERS,
        "feed_forward_length": INNER,
        "attention.head_count": HEADS,
        "attention.head_count_kv": HEADS,
        "rope.dimension_count": WIDTH // HEADS,
    }
    for name, size in sizes.items():
        values[f"llama.{name}"] = gguf_files.value(gguf_files.U32, size)
    values["general.file_type"] = gguf_files.value(gguf_files.U32, 0)
    generator = random.Random(1)
    noise = array.array("f", (generator.gauss(0, 0.03) for _ in range(1 << 16))).tobytes()

    def tensor(name, *shape):
        """Noise that begins elsewhere in every tensor; norms near 1."""
        n_bytes = 4
        for size in shape:
            n_bytes *= size
        if len(shape) == 1:
            return gguf_files.Tensor(name, shape, 0, array.array("f", [1] * shape[0]).tobytes())
        start = 4 * generator.randrange(1 << 16)
        return gguf_files.Tensor(name, shape, 0, (noise * (n_bytes // len(noise) + 2))[start : start + n_bytes])

    vocabulary = tensors[0].shape[1]
    weights = [
        tensor("token_embd.weight", WIDTH, vocabulary),
        tensor("output_norm.weight", WIDTH),
        tensor("output.weight", WIDTH, vocabulary),
    ]
    for layer in range(LAYERS):
        for name, shape in {
            "attn_norm": (WIDTH,),
            "attn_q": (WIDTH, WIDTH),
            "attn_k": (WIDTH, WIDTH),
            "attn_v": (WIDTH, WIDTH),
            "attn_output": (WIDTH, WIDTH),
            "ffn_norm": (WIDTH,),
            "ffn_gate": (WIDTH, INNER),
            "ffn_up": (WIDTH, INNER),
            "ffn_down": (INNER, WIDTH),
        }.items():
            weights.append(tensor(f"blk.{layer}.{name}.weight", *shape))
    gguf_files.write(path, values, weights)


@contextlib.contextmanager
def memory_group(limit):
    """A control group of so many bytes, of either version of the hierarchy; skips the test where none can be made."""
    roots = {pathlib.Path("/sys/fs/cgroup/memory"): "memory.limit_in_bytes", pathlib.Path("/sys/fs/cgroup"): "memory.max"}
    for root, name in roots.items():
        group = root / f"hre-test-{os.getpid()}"
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            # What the kernel made is there already; elsewhere the folder is just a folder.
            if not (group / name).exists() or not (group / "cgroup.procs").exists():
                continue
            (group / name).write_text(str(limit))
            yield group
            return
        except OSError:
            continue
        finally:
            with contextlib.suppress(OSError):
                group.rmdir()
    raise unittest.SkipTest("no control group with a limit of memory can be made here")


class StreamingTest(ProgramTest):
    def arguments(self, name, *more):
        return [
            "eval",
            self.folder / "large.gguf",
            "--data",
            "sample",
            "--topic",
            "unix",
            "--topic",
            "html",
            "--limit",
            "1",
            "--details",
            "--keep-tokens",
            "--quiet",
            "--no-cache",
            "--threads",
            "2",
            "--json",
            name,
            *more,
        ]

    def token_log_probs(self, name):
        return {
            question["id"]: [answer["token_log_probs"] for answer in question["answers"]] for question in self.read_json(name)["questions"]
        }

    @unittest.skipIf(os.environ.get("HRE_SANITIZE"), "sanitizers need memory of their own")
    def test_a_model_of_twice_the_memory(self):
        write_model(self.folder / "large.gguf")
        weights = (self.folder / "large.gguf").stat().st_size
        self.run_hre(*self.arguments("whole.json"))
        self.need_kernels(self.read_json("whole.json")["config"]["kernels"])
        expected = self.token_log_probs("whole.json")
        self.assertEqual(2, len(expected))
        self.run_hre(*self.arguments("streamed.json", "--stream-weights"))
        self.assertEqual(expected, self.token_log_probs("streamed.json"))

        with open(self.folder / "large.gguf", "rb") as file:  # what is in memory already would count as another group's
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        with memory_group(weights // SHARE) as group:

            def limited(name, *more):
                def enter():
                    (group / "cgroup.procs").write_text(str(os.getpid()))

                command = [PROGRAM, *map(str, self.arguments(name, *more))]
                environment = clean_environment(XDG_CACHE_HOME=str(self.folder / "cache"))
                return subprocess.run(
                    command,
                    cwd=self.folder,
                    env=environment,
                    preexec_fn=enter,
                    capture_output=True,
                    text=True,
                    timeout=300 * SLOWER,
                    check=False,
                )

            refused = limited("limited.json")
            self.assertEqual(2, refused.returncode, refused.stderr)
            self.assertIn("--stream-weights", refused.stderr)
            done = limited("limited.json", "--stream-weights")
            self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual(expected, self.token_log_probs("limited.json"))

    def test_refusals(self):
        self.assertIn("--stream-weights", self.error_of("eval", "server:http://127.0.0.1:1", "--data", "sample", "--stream-weights"))
        model = SOURCE_DIR / "models" / "hre-base-q8_0.gguf"
        message = self.error_of("eval", model, "--data", "sample", "--stream-weights", "--engine-kernels", "plain")
        self.assertIn("--engine-kernels plain", message)


if __name__ == "__main__":
    unittest.main()
