"""Writes a random GPT-NeoX-shaped model, the same weights in two formats.

    bench/peers.sh
    build/peers/bin/python bench/neox_model.py VOCABULARY.gguf OUT [410m|160m|14m]

VOCABULARY.gguf holds the vocabulary of GPT-NeoX without weights (ggml-vocab-gpt-neox.gguf). Writes OUT/hf, a checkpoint as Hugging Face's
Transformers read it, and OUT/neox.gguf, in float32. Needs 4 GB of memory and of disk.
The shapes are those of Pythia-410M (the default: 405 M parameters in 24 layers of width 1024, 16 heads), Pythia-160M (12 layers of width 768, 12
heads) and Pythia-14M (6 layers of width 128, 4 heads), with rotary embeddings on a quarter of each head.
"""

import json
import pathlib
import sys

import gguf
import numpy as np
from safetensors.numpy import save_file

SHAPES = {"410m": (24, 1024, 16), "160m": (12, 768, 12), "14m": (6, 128, 4)}
LAYERS, WIDTH, HEADS = SHAPES[sys.argv[3] if len(sys.argv) > 3 else "410m"]
INNER, VOCABULARY, CONTEXT, ROTARY, EPSILON = 4 * WIDTH, 50304, 2048, 0.25, 1e-5
NORMAL, SPECIAL, SPACES = gguf.TokenType.NORMAL, gguf.TokenType.CONTROL, gguf.TokenType.USER_DEFINED


def read_vocabulary(path):
    """All tokens, their types, and the merges."""
    fields = gguf.GGUFReader(path).fields
    return [fields[f"tokenizer.ggml.{name}"].contents() for name in ("tokens", "token_type", "merges")]


def make_weights(seed=1):
    """Normal weights of standard deviation 0.02, norms about 1; {Transformers' name: array}. QKV as Transformers has
    it: head by head, each with its query, key and value."""
    random = np.random.default_rng(seed)

    def normal(*shape):
        return (0.02 * random.standard_normal(shape, dtype=np.float32)).astype(np.float32)

    weights = {"gpt_neox.embed_in.weight": normal(VOCABULARY, WIDTH), "embed_out.weight": normal(VOCABULARY, WIDTH)}
    shapes = {
        "attention.query_key_value": (3 * WIDTH, WIDTH),
        "attention.dense": (WIDTH, WIDTH),
        "mlp.dense_h_to_4h": (INNER, WIDTH),
        "mlp.dense_4h_to_h": (WIDTH, INNER),
    }
    norms = ["input_layernorm", "post_attention_layernorm"]
    for layer in range(LAYERS):
        at = f"gpt_neox.layers.{layer}."
        for name, shape in shapes.items():
            weights[f"{at}{name}.weight"], weights[f"{at}{name}.bias"] = normal(*shape), normal(shape[0])
        for name in norms:
            weights[f"{at}{name}.weight"], weights[f"{at}{name}.bias"] = 1 + normal(WIDTH), normal(WIDTH)
    weights["gpt_neox.final_layer_norm.weight"] = 1 + normal(WIDTH)
    weights["gpt_neox.final_layer_norm.bias"] = normal(WIDTH)
    return weights


def write_checkpoint(weights, vocabulary, folder):
    folder.mkdir(parents=True, exist_ok=True)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    config = {
        "architectures": ["GPTNeoXForCausalLM"],
        "model_type": "gpt_neox",
        "hidden_size": WIDTH,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "intermediate_size": INNER,
        "vocab_size": VOCABULARY,
        "max_position_embeddings": CONTEXT,
        "rotary_pct": ROTARY,
        "rotary_emb_base": 10000,
        "layer_norm_eps": EPSILON,
        "use_parallel_residual": True,
        "hidden_act": "gelu",
        "attention_bias": True,
        "tie_word_embeddings": False,
        "bos_token_id": 0,
        "eos_token_id": 0,
        "torch_dtype": "float32",
    }
    (folder / "config.json").write_text(json.dumps(config))
    tokens, types, merges = vocabulary
    normal = {token: i for i, token in enumerate(tokens[:VOCABULARY]) if types[i] != SPACES}
    added = [
        {
            "id": i,
            "content": token,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": types[i] == SPECIAL,
        }
        for i, token in enumerate(tokens[:VOCABULARY])
        if types[i] != NORMAL
    ]
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    tokenizer = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": None,
        "pre_tokenizer": level,
        "post_processor": None,
        "decoder": level,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "vocab": normal,
            "merges": merges,
        },
    }
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    (folder / "tokenizer_config.json").write_text(
        json.dumps(
            {
                "tokenizer_class": "PreTrainedTokenizerFast",
                "clean_up_tokenization_spaces": False,
                "eos_token": "<|endoftext|>",
                "model_max_length": CONTEXT,
            }
        )
    )


def write_gguf(weights, vocabulary, path):
    writer = gguf.GGUFWriter(path, "gptneox")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_rope_dimension_count(int(ROTARY * WIDTH / HEADS))
    writer.add_layer_norm_eps(EPSILON)
    writer.add_parallel_residual(True)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    tokens, types, merges = vocabulary
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens[:VOCABULARY])
    writer.add_token_types(types[:VOCABULARY])
    writer.add_token_merges(merges)
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.GPTNEOX, LAYERS)
    for name, values in weights.items():
        if "query_key_value" in name:  # llama.cpp has all queries first, then all keys and all values
            values = values.reshape(HEADS, 3, WIDTH // HEADS, -1).swapaxes(0, 1).reshape(values.shape)
        writer.add_tensor(names.get_name(name, try_suffixes=(".weight", ".bias")), np.ascontiguousarray(values))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    out = pathlib.Path(sys.argv[2])
    words, tensors = read_vocabulary(sys.argv[1]), make_weights()
    print(f"{sum(values.size for values in tensors.values()) / 1e6:.0f} M parameters")
    write_checkpoint(tensors, words, out / "hf")
    write_gguf(tensors, words, out / "neox.gguf")
