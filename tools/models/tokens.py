#!/usr/bin/env python3
"""Compares hre's token ids with Transformers' for the vocabularies of the shared test data.

    tools/models/tokens.py --hre build/release/src/hre --data ../shared/data [--update]

The GGUF vocabularies hold what the tokenizers were made from, so the tokenizers are built anew from them: byte-level BPE by
Hugging Face's tokenizers, the Llama one by SentencePiece itself. Prints, for real questions and for hostile text, how many
texts differ. --update keeps the ids' checksums in tests/data/tokens.json. It needs the converter's environment.
"""

import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import unicodedata
import zlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEPS = pathlib.Path(os.environ.get("HRE_DEPS", ROOT / "build" / "deps"))

NORMAL, UNKNOWN, CONTROL, USER, UNUSED, BYTE = range(1, 7)


# --- texts -----------------------------------------------------------------------------------------


def hostile_texts():
    """Text that breaks tokenisers, from a fixed seed."""
    generator = random.Random(5)
    texts = [
        "",
        " ",
        "\n",
        "\t",
        " " * 1000,
        "\n" * 1000,
        " \n" * 500,
        "\r\n" * 100,
        "\x00",
        "a\x00b",
        "\u200d\u200b\ufeff",
        "a" * (1 << 20),
        "\ud7ff\ue000\ufffd\uffff",
        "e\u0301" * 50,
        "\u0915\u094d\u0937" * 20,
        "Z" + "\u0300" * 300,
        "👩‍👩‍👧‍👦🏳️‍🌈",
        "<|endoftext|>",
        "<s>[INST]</s>",
        "'s't're've'm'll'd'S",
        "  leading",
        "trailing  ",
        "1234567890" * 20,
        "½²३٣",
        "ﬁﬂ㎏Å",
        "\u1100\u1161\u11a8",
        "don't  stop\n\n\nnow",
    ]
    for plane in range(17):
        points = [plane * 65536 + generator.randrange(65536) for _ in range(400)]
        texts.append("".join(chr(point) for point in points if not 0xD800 <= point < 0xE000 and not (point & 0xFFFE) == 0xFFFE))
    for _ in range(100):
        texts.append(
            "".join(generator.choice([" ", "\n", "a", "B", "1", ".", "'", "é", "語", "\u0301", "🙂", "\t", "  "]) for _ in range(60))
        )
    return texts


# --- tokenizers ------------------------------------------------------------------------------------


def fields_of(path):
    sys.path.insert(0, str(DEPS / "llama.cpp" / "gguf-py"))
    import gguf

    reader = gguf.GGUFReader(path)
    return {name: field.contents() for name, field in reader.fields.items() if name.startswith("tokenizer.")}


def byte_level(fields):
    from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers

    tokens, types, pre = fields["tokenizer.ggml.tokens"], fields["tokenizer.ggml.token_type"], fields.get("tokenizer.ggml.pre", "gpt-2")
    merges = [tuple(merge.split(" ", 1)) for merge in fields["tokenizer.ggml.merges"]]
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, merges))
    whole = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.pre_tokenizer = (
        pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), whole]) if pre == "starcoder" else whole
    )
    if len(tokens) > 50257 and pre not in ("starcoder",):
        tokenizer.normalizer = normalizers.NFC()  # GPT-NeoX
    tokenizer.add_special_tokens([token for token, kind in zip(tokens, types) if kind == CONTROL])
    tokenizer.add_tokens([AddedToken(token, normalized=False) for token, kind in zip(tokens, types) if kind == USER])
    return lambda text: tokenizer.encode(text, add_special_tokens=False).ids


def pieces(fields):
    import transformers
    from sentencepiece import sentencepiece_model_pb2 as spm

    model = spm.ModelProto()
    model.trainer_spec.model_type, model.trainer_spec.byte_fallback = spm.TrainerSpec.BPE, True
    model.normalizer_spec.name, model.normalizer_spec.add_dummy_prefix = "identity", True
    model.normalizer_spec.remove_extra_whitespaces, model.normalizer_spec.escape_whitespaces = False, True
    kinds = {NORMAL: 1, UNKNOWN: 2, CONTROL: 3, USER: 4, UNUSED: 5, BYTE: 6}
    for token, score, kind in zip(fields["tokenizer.ggml.tokens"], fields["tokenizer.ggml.scores"], fields["tokenizer.ggml.token_type"]):
        piece = model.pieces.add()
        piece.piece, piece.score, piece.type = token, score, kinds[kind]
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "tokenizer.model"
        path.write_bytes(model.SerializeToString())
        tokenizer = transformers.LlamaTokenizer(vocab_file=str(path), legacy=True)
    return lambda text: tokenizer(text, add_special_tokens=False)["input_ids"]


def tokenizer_of(path):
    fields = fields_of(path)
    return byte_level(fields) if fields["tokenizer.ggml.model"] == "gpt2" else pieces(fields)


# --- comparison ------------------------------------------------------------------------------------


def hre_ids(program, vocabulary, texts, environment=None):
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.write("".join(json.dumps(text) + "\n" for text in texts))
        file.flush()
        done = subprocess.run(
            [program, "model", "tokens", vocabulary, file.name], capture_output=True, env=environment, text=True, check=True
        )
    return [json.loads(line) for line in done.stdout.splitlines()]


def question_texts(program, data, environment=None):
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "all.jsonl"
        subprocess.run(
            [program, "data", "convert", data / "questions" / "data", out, "--quiet"],
            env=environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        questions = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    return [f"Question: {question['question']}\nAnswer: {answer['text']}" for question in questions for answer in question["answers"]]


def checksum(ids):
    return f"{zlib.crc32(json.dumps(ids, separators=(',', ':')).encode()):08x}"


def show_difference(text, ours, theirs):
    at = next((i for i, (a, b) in enumerate(zip(ours or [], theirs)) if a != b), min(len(ours or []), len(theirs)))
    print(
        f"    {text[:40]!r} ({len(text)} characters, NFC {unicodedata.is_normalized('NFC', text)}): at {at}: {(ours or [])[at : at + 4]} against {theirs[at : at + 4]}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hre", type=pathlib.Path, required=True)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--update", action="store_true")
    options = parser.parse_args()
    options.hre = options.hre.resolve()
    sets = {"real": question_texts(options.hre, options.data), "hostile": hostile_texts()}
    stored = {}
    for vocabulary in sorted((options.data / "tokenizers").glob("*.gguf")):
        encode = tokenizer_of(vocabulary)
        for name, texts in sets.items():
            expected, found = [encode(text) for text in texts], hre_ids(options.hre, vocabulary, texts)
            differ = [i for i in range(len(texts)) if expected[i] != found[i]]
            print(f"{vocabulary.stem}: {name}: {len(differ)} of {len(texts)} texts differ", flush=True)
            for i in differ[:5]:
                show_difference(texts[i], found[i], expected[i])
            stored.setdefault(vocabulary.name, {})[name] = {
                "checksum": checksum([checksum(ids) for i, ids in enumerate(expected) if i not in differ]),
                "differ": differ,
            }
    if options.update:
        lines = [f"{json.dumps(name)}: {json.dumps(stored[name])}" for name in sorted(stored)]
        (ROOT / "tests" / "data" / "tokens.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
