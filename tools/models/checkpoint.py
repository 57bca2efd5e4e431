"""Random checkpoints in Transformers' layout: small, sensitive to every part of the architecture, and
compressible (weights lie on a grid of a few values), so that the converted files can live with the tests."""

import json
import math
import pathlib
import zlib

import torch
import transformers


N_TOKENS = 384
# GLM's converter wants its own by name.
SPECIAL = ["<|endoftext|>", "[gMASK]", "<sop>", "<|user|>", "<|assistant|>", "<|observation|>"]
ROOT = pathlib.Path(__file__).resolve().parents[2]


def training_text():
    """What the vocabularies are trained on: hre's own documentation, and the questions, all of whose characters they must have."""
    files = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines() if line.strip()][:600]
    for line in (ROOT / "tests" / "data" / "models" / "questions.jsonl").read_text(encoding="utf-8").splitlines():
        question = json.loads(line)
        lines += [text for text in (question["question"], *(answer["text"] for answer in question["answers"])) if text.strip()]
    return lines


# --- vocabularies ----------------------------------------------------------------------------------


def write_bytes_vocabulary(folder, lines):
    """Byte-level BPE with GPT-2's pre-tokeniser, as tokenizer.json."""
    import tokenizers

    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=N_TOKENS, special_tokens=SPECIAL, show_progress=False, initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet()
    )
    tokenizer.train_from_iterator(lines, trainer)
    tokenizer.save(str(folder / "tokenizer.json"))
    special = {name: "<|endoftext|>" for name in ("bos_token", "eos_token", "unk_token")}
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "GPT2Tokenizer", "add_prefix_space": False, **special}))


def write_pieces_vocabulary(folder, lines, kind, space_in_front=True):
    """SentencePiece, BPE with byte fallback (Llama's way) or unigram (T5's)."""
    import sentencepiece

    special = (
        {"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1}
        if kind == "unigram"
        else {"unk_id": 0, "bos_id": 1, "eos_id": 2, "pad_id": -1}
    )
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_prefix=str(folder / "pieces"),
        model_type="unigram" if kind == "unigram" else "bpe",
        vocab_size=N_TOKENS,
        byte_fallback=kind != "unigram",
        character_coverage=1.0,
        hard_vocab_limit=False,
        normalization_rule_name="nmt_nfkc" if kind == "unigram" else "identity",
        remove_extra_whitespaces=kind == "unigram",
        split_digits=kind != "unigram",
        add_dummy_prefix=space_in_front,
        minloglevel=2,
        num_threads=1,
        **special,
    )
    (folder / "pieces.vocab").unlink()
    (folder / "pieces.model").rename(folder / ("spiece.model" if kind == "unigram" else "tokenizer.model"))


def write_vocabulary(folder, family, lines):
    """Writes the tokenizer's files, and returns the tokenizer."""
    if family.vocabulary == "bytes":
        write_bytes_vocabulary(folder, lines)
        return transformers.AutoTokenizer.from_pretrained(folder)
    is_gemma = family.name.startswith("gemma")
    write_pieces_vocabulary(folder, lines, family.vocabulary, space_in_front=not is_gemma)
    if family.vocabulary == "unigram":
        tokenizer = transformers.T5Tokenizer(vocab_file=str(folder / "spiece.model"), extra_ids=0, legacy=True)
    elif is_gemma:
        tokenizer = transformers.GemmaTokenizer(vocab_file=str(folder / "tokenizer.model"))
    else:
        tokenizer = transformers.LlamaTokenizer(vocab_file=str(folder / "tokenizer.model"), legacy=False)
    tokenizer.save_pretrained(folder)
    return tokenizer


# --- weights ---------------------------------------------------------------------------------------


def on_grid(values, spread):
    """Values rounded to a grid of a quarter of about their spread, at most three spreads from 0."""
    step = 2.0 ** round(math.log2(spread)) / 4
    return torch.clamp((values * spread / step).round(), -12, 12) * step


def fill(model, family):
    """Gives every parameter a value that matters: scales that are not 1, biases that are not 0."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            generator = torch.Generator().manual_seed(zlib.crc32(f"{family.name}:{name}".encode()))
            noise = torch.randn(weight.shape, generator=generator)
            if any(part in name for part in family.kept):
                weight.add_(on_grid(noise, 0.125))
            elif weight.dim() == 1:
                is_scale = bool((weight == 1).all())
                weight.copy_(on_grid(noise, 0.25) + (1 if is_scale else 0))
            elif "embed" in name or "wte" in name or "wpe" in name or name == "shared.weight":
                weight.copy_(on_grid(noise, 1.0 if "pos" not in name and "wpe" not in name else 0.5))
            else:
                fan_in = (
                    weight.shape[-1]
                    if weight.dim() == 2
                    else weight[0].numel() // weight.shape[-1]
                    if "experts" in name
                    else weight[0].numel()
                )
                weight.copy_(on_grid(noise, 1.25 / math.sqrt(max(1, fan_in))))
        for name, buffer in model.named_buffers():
            if "e_score_correction_bias" in name:
                buffer.copy_(on_grid(torch.randn(buffer.shape, generator=torch.Generator().manual_seed(1)), 0.25))


def make(folder, family):
    """Writes a checkpoint; returns the model (float32) and its tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = write_vocabulary(folder, family, training_text())
    config = getattr(transformers, family.config)(
        **{
            **family.values,
            "vocab_size": len(tokenizer),
            "bos_token_id": tokenizer.bos_token_id,
            "eos_token_id": tokenizer.eos_token_id,
            "torch_dtype": "float32",
        }
    )
    config._attn_implementation = "eager"
    torch.manual_seed(0)
    auto = transformers.AutoModelForSeq2SeqLM if config.is_encoder_decoder else transformers.AutoModelForCausalLM
    model = auto.from_config(config).float().eval()
    fill(model, family)
    model.tie_weights()
    model.save_pretrained(folder)
    return model, tokenizer
