"""Small checkpoint folders in Hugging Face's layout, written by the standard library alone."""

import json
import struct

SPECIAL = ["<unk>", "<|end|>"]


def weight(name, shape, kind="F32"):
    """(dtype, shape, bytes) of values that depend on the name and the place alone."""
    size = 1
    for n in shape:
        size *= n
    seed = sum(name.encode()) % 97
    bits = [(struct.unpack("<I", struct.pack("<f", ((seed + 31 * i) % 101 - 50) / 64))[0]) for i in range(size)]
    if kind == "BF16":
        return kind, shape, struct.pack(f"<{size}H", *(x >> 16 for x in bits))
    return kind, shape, struct.pack(f"<{size}I", *bits)


def safetensors(tensors, metadata=None):
    """The bytes of a file with these tensors: {name: (dtype, shape, bytes)}."""
    header, at = {"__metadata__": metadata or {"format": "pt"}}, 0
    for name, (kind, shape, data) in tensors.items():
        header[name] = {"dtype": kind, "shape": list(shape), "data_offsets": [at, at + len(data)]}
        at += len(data)
    head = json.dumps(header).encode()
    return struct.pack("<Q", len(head)) + head + b"".join(data for *_, data in tensors.values())


def byte_characters():
    """The characters of byte-level vocabularies, in the order of the bytes."""
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    other = iter(range(256, 512))
    return [chr(byte) if byte in kept else chr(next(other)) for byte in range(256)]


def tokenizer():
    """tokenizer.json of a byte-level vocabulary: all bytes, four merges, two special tokens."""
    vocab = {token: i for i, token in enumerate([*SPECIAL, *byte_characters()])}
    merges = [["Ġ", "t"], ["h", "e"], ["Ġt", "he"], ["Ġ", "c"]]
    for left, right in merges:
        vocab[left + right] = len(vocab)
    special = [
        {"id": i, "content": token, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
        for i, token in enumerate(SPECIAL)
    ]
    step = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": special,
        "normalizer": None,
        "pre_tokenizer": step,
        "post_processor": None,
        "decoder": step,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": vocab,
            "merges": merges,
        },
    }


CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "vocab_size": 264,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "rope_scaling": None,
    "hidden_act": "silu",
    "bos_token_id": 1,
    "eos_token_id": 1,
    "torch_dtype": "float32",
    "tie_word_embeddings": False,
}
SETTINGS = {
    "tokenizer_class": "PreTrainedTokenizerFast",
    "bos_token": "<|end|>",
    "eos_token": "<|end|>",
    "unk_token": "<unk>",
    "add_bos_token": False,
    "chat_template": "{{ messages[0]['content'] }}",
}


def llama_tensors(kind="F32"):
    """A Llama of two layers with grouped heads."""
    shapes = {"model.embed_tokens": (264, 16), "lm_head": (264, 16), "model.norm": (16,)}
    for layer in range(2):
        shapes |= {
            f"model.layers.{layer}.{name}": shape
            for name, shape in {
                "input_layernorm": (16,),
                "post_attention_layernorm": (16,),
                "self_attn.q_proj": (16, 16),
                "self_attn.k_proj": (8, 16),
                "self_attn.v_proj": (8, 16),
                "self_attn.o_proj": (16, 16),
                "mlp.gate_proj": (24, 16),
                "mlp.up_proj": (24, 16),
                "mlp.down_proj": (16, 24),
            }.items()
        }
    return {f"{name}.weight": weight(name, shape, kind) for name, shape in shapes.items()}


def write_llama(folder, kind="F32"):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIG))
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer()))
    (folder / "tokenizer_config.json").write_text(json.dumps(SETTINGS))
    (folder / "model.safetensors").write_bytes(safetensors(llama_tensors(kind)))
