"""Writes a Llama of Transformers with its byte-level BPE as GGUF: f32 or Q8_0."""

import json

import gguf
import numpy

NAMES = {  # of a layer's tensors: Transformers' and GGUF's
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}


def rotary_order(weights, n_heads):
    """Rows of a query or key projection from Transformers' halves to GGUF's pairs."""
    rows, columns = weights.shape
    return weights.reshape(n_heads, 2, rows // n_heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def tensors_of(model):
    """(GGUF name, float32 array) of each of the model's tensors; the output layer is the embedding's."""
    for name, tensor in model.state_dict().items():
        array = tensor.detach().float().numpy()
        if name == "model.embed_tokens.weight":
            yield "token_embd.weight", array
        elif name == "model.norm.weight":
            yield "output_norm.weight", array
        elif name.startswith("model.layers."):
            _, _, layer, rest = name.split(".", 3)
            kind = rest.removesuffix(".weight")
            if kind in ("self_attn.q_proj", "self_attn.k_proj"):
                heads = model.config.num_attention_heads if kind[10] == "q" else model.config.num_key_value_heads
                array = rotary_order(array, heads)
            yield f"blk.{layer}.{NAMES[kind]}.weight", array


def add_hyperparameters(writer, config):
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_vocab_size(config.vocab_size)


def add_vocabulary(writer, tokenizer, end):
    """tokenizer: of the library tokenizers; end: the token that parts documents."""
    vocabulary = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([text for text, _ in vocabulary])
    writer.add_token_types([gguf.TokenType.CONTROL if text == end else gguf.TokenType.NORMAL for text, _ in vocabulary])
    writer.add_token_merges([merge if isinstance(merge, str) else " ".join(merge) for merge in merges])
    writer.add_bos_token_id(tokenizer.token_to_id(end))
    writer.add_eos_token_id(tokenizer.token_to_id(end))
    writer.add_add_bos_token(False)


def write(path, model, tokenizer, end, about, q8_0):
    """about: name, description, license, license_link, author, url of the data."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name(about["name"])
    writer.add_description(about["description"])
    writer.add_license(about["license"])
    writer.add_license_link(about["license_link"])
    writer.add_author(about["author"])
    add_hyperparameters(writer, model.config)
    add_vocabulary(writer, tokenizer, end)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0 if q8_0 else gguf.LlamaFileType.ALL_F32)
    for name, array in tensors_of(model):
        if q8_0 and array.ndim == 2:
            kind = gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor(name, gguf.quants.quantize(array, kind), raw_dtype=kind)
        else:
            writer.add_tensor(name, array.astype(numpy.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
