#!/usr/bin/env python3
"""Converts a checkpoint folder in Hugging Face's layout to one GGUF file, by llama.cpp's converter.

    convert_checkpoint.py LLAMA_CPP FOLDER OUT.gguf

LLAMA_CPP is the folder of llama.cpp's sources. Weights keep the precision that most of them have. Beyond
the converter itself this knows

- GPT-J and CodeGen, which libllama computes exactly as the Phi-2 architecture once queries and keys are
  reordered (their rotary pairs are neighbours, Phi-2's lie half a head apart);
- byte-level BPE vocabularies that the converter's list of hashes lacks, where tokenizer.json itself says
  which pre-tokeniser is meant;
- the activation, which libllama takes from the architecture, and models of one architecture differ in;
- that a folder's own Python code stays unrun: the converter would let Transformers run it.

Standard output: "progress DONE TOTAL" lines, in bytes. Standard error: on failure, one line that says why, after everything else.
Exit status: 0, 2 where the checkpoint is at fault, 1 otherwise.
"""

import json
import pathlib
import re
import struct
import sys

# The regular expressions of tokenizer.json, and libllama's names of them.
WORDS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
SPLITS = {WORDS % "": "qwen2", WORDS % "{1,3}": "llama-bpe"}


class Progress:
    """Stands in for the converter's progress bar: a line a hundredth."""

    def __init__(self, *_, total=0, **__):
        self.total, self.done, self.shown = total, 0, -1

    def update(self, n=1):
        self.done += n
        if self.total and 100 * self.done // self.total > self.shown:
            self.shown = 100 * self.done // self.total
            print("progress", int(self.done), int(self.total), flush=True)

    def __getattr__(self, _):
        return lambda *_, **__: None


class Refused(Exception):
    """The checkpoint can't be converted, and why."""


def leave_own_code_alone(transformers):
    """A folder may name Python code of its own (auto_map) for its tokenizer or configuration. The converter asks Transformers to run
    it; here nothing of a folder is run, and one that can't be read without is refused."""

    def careful(load):
        def loaded(cls, *plain, **named):
            named["trust_remote_code"] = False
            try:
                return load(cls, *plain, **named)
            except ValueError as problem:
                if "trust_remote_code" not in str(problem):
                    raise
                raise Refused(
                    "its tokenizer or configuration is Python code of its own, which hre does not run; "
                    "llama.cpp's convert_hf_to_gguf.py runs it, and makes a .gguf file of a checkpoint that you trust"
                ) from None

        return classmethod(loaded)

    for loader in (transformers.AutoConfig, transformers.AutoTokenizer):  # the converter uses no others
        loader.from_pretrained = careful(vars(loader)["from_pretrained"].__func__)


def check_tensors(folder):
    """Sizes by type of the tensors in all safetensors files; a cut or broken file is refused."""
    sizes = {}
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            start = file.read(8)
            length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
            if not 2 <= length <= min(1 << 30, path.stat().st_size - 8):
                raise Refused(f"{path.name} is not a safetensors file, or it was cut short")
            try:
                header = json.loads(file.read(length))
            except ValueError:
                raise Refused(f"{path.name} has a broken header") from None
        header.pop("__metadata__", None)
        end = max((tensor["data_offsets"][1] for tensor in header.values()), default=0)
        if end != path.stat().st_size - 8 - length:
            raise Refused(f"{path.name} was cut short or has bytes too many")
        for tensor in header.values():
            first, last = tensor["data_offsets"]
            sizes[tensor["dtype"]] = sizes.get(tensor["dtype"], 0) + last - first
    return sizes


def output_type(folder):
    """The GGUF type that keeps the weights' own precision."""
    sizes = check_tensors(folder)
    if not sizes and not list(folder.glob("pytorch_model*.bin")):
        raise Refused("there are no weights here (*.safetensors or pytorch_model*.bin)")
    names = {"F32": "f32", "F16": "f16", "BF16": "bf16"}
    main = max(sizes, key=sizes.get, default="F16")
    return names.get(main, "bf16")


def pre_tokenizer_of(folder):
    """libllama's name of the pre-tokeniser that tokenizer.json states, or None."""
    path = folder / "tokenizer.json"
    if not path.is_file():
        return None
    stated = json.loads(path.read_text(encoding="utf-8"))
    steps = stated.get("pre_tokenizer") or {}
    steps = steps.get("pretokenizers", []) if steps.get("type") == "Sequence" else [steps]
    normalizer = (stated.get("normalizer") or {}).get("type")
    if not steps or steps[-1].get("type") != "ByteLevel" or steps[-1].get("add_prefix_space"):
        return None
    regex = steps[-1].get("use_regex", True)
    if len(steps) == 1 and regex and normalizer is None:
        return "gpt-2"
    if len(steps) == 2 and not regex and steps[0].get("type") == "Split" and normalizer in (None, "NFC"):
        name = SPLITS.get(steps[0].get("pattern", {}).get("Regex"))
        ignores = stated.get("model", {}).get("ignore_merges", False)
        return name if name and ignores == (name == "llama-bpe") else None
    return None


def accept_stated_pre_tokenizers(base):
    """Where the converter doesn't know a vocabulary by its hash, what tokenizer.json states decides."""
    known = base.TextModel.get_vocab_base_pre

    def named(self, tokenizer):
        try:
            return known(self, tokenizer)
        except NotImplementedError:
            name = pre_tokenizer_of(self.dir_model)
            if name is None:
                raise Refused("neither the converter nor hre knows its pre-tokeniser, so its tokens could be wrong") from None
            return name

    base.TextModel.get_vocab_base_pre = named


def state_windows(base):
    """Writes down a sliding window that the converter leaves out for architectures whose window libllama ignores, so that hre
    knows which texts it can't score exactly."""
    prepare = base.TextModel.prepare_metadata

    def prepared(self, vocab_only):
        prepare(self, vocab_only)
        window = self.hparams.get("sliding_window")
        key = base.gguf.Keys.Attention.SLIDING_WINDOW.format(arch=self.gguf_writer.arch)
        stated = any(key in values for values in self.gguf_writer.kv_data)
        if window and self.hparams.get("use_sliding_window", True) and not stated:
            self.gguf_writer.add_sliding_window(window)

    base.TextModel.prepare_metadata = prepared


def state_activation(base):
    """Writes down the configuration's activation, so that hre computes the model's own form of GELU."""
    prepare = base.TextModel.prepare_metadata

    def prepared(self, vocab_only):
        prepare(self, vocab_only)
        # Gemma's configurations say "gelu" and mean the tanh form; theirs is in libllama.
        if self.gguf_writer.arch.startswith("gemma"):
            return
        name = next(
            (self.hparams[key] for key in ("hidden_act", "activation_function", "activation") if isinstance(self.hparams.get(key), str)),
            None,
        )
        key = base.gguf.Keys.LLM.HIDDEN_ACT.format(arch=self.gguf_writer.arch)
        if name and not any(key in values for values in self.gguf_writer.kv_data):
            self.gguf_writer.add_hidden_act(name)

    base.TextModel.prepare_metadata = prepared


def add_gptj(base):
    """GPT-J and CodeGen as Phi-2."""
    import torch

    gguf = base.gguf

    class GPTJModel(base.TextModel):
        model_arch = gguf.MODEL_ARCH.PHI2

        def set_vocab(self):
            self._set_vocab_gpt2()

        def set_gguf_parameters(self):
            values, writer = self.hparams, self.gguf_writer
            writer.add_context_length(values["n_positions"])
            writer.add_embedding_length(values["n_embd"])
            writer.add_feed_forward_length(values.get("n_inner") or 4 * values["n_embd"])
            writer.add_block_count(self.block_count)
            writer.add_head_count(values["n_head"])
            writer.add_head_count_kv(values["n_head"])
            writer.add_layer_norm_eps(values["layer_norm_epsilon"])
            writer.add_rope_dimension_count(values["rotary_dim"] or values["n_embd"] // values["n_head"])
            writer.add_file_type(self.ftype)
            writer.add_add_bos_token(False)

        def halves(self, weight):
            """Each head's rotary rows from pairs (0, 1), (2, 3)... to pairs half the rotary size apart."""
            heads, width = self.hparams["n_head"], self.hparams["n_embd"] // self.hparams["n_head"]
            rotary = self.hparams["rotary_dim"] or width
            order = [*range(0, rotary, 2), *range(1, rotary, 2), *range(rotary, width)]
            return weight.reshape(heads, width, -1)[:, order, :].reshape(weight.shape)

        def split(self, fused):
            """CodeGen's fused projection: four groups of (query, value, key), each a quarter of the heads."""
            parts = fused.reshape(4, 3, -1, fused.shape[-1])
            query, value, key = (parts[:, i].reshape(-1, fused.shape[-1]) for i in range(3))
            return query, key, value

        def modify_tensors(self, data_torch, name, bid):
            if name.endswith((".attn.bias", ".attn.masked_bias", ".causal_mask")):
                return
            tensor = gguf.MODEL_TENSOR
            if name.endswith("attn.qkv_proj.weight"):
                query, key, value = self.split(data_torch)
                yield self.format_tensor_name(tensor.ATTN_Q, bid), self.halves(query)
                yield self.format_tensor_name(tensor.ATTN_K, bid), self.halves(key)
                yield self.format_tensor_name(tensor.ATTN_V, bid), value
                return
            plain = {
                "transformer.wte": tensor.TOKEN_EMBD,
                "transformer.ln_f": tensor.OUTPUT_NORM,
                "lm_head": tensor.OUTPUT,
                "ln_1": tensor.ATTN_NORM,
                "attn.q_proj": tensor.ATTN_Q,
                "attn.k_proj": tensor.ATTN_K,
                "attn.v_proj": tensor.ATTN_V,
                "attn.out_proj": tensor.ATTN_OUT,
                "mlp.fc_in": tensor.FFN_UP,
                "mlp.fc_out": tensor.FFN_DOWN,
            }
            short, end = re.sub(r"^transformer\.h\.\d+\.", "", name).rsplit(".", 1)
            if short in ("attn.q_proj", "attn.k_proj"):
                data_torch = self.halves(data_torch)
            yield self.format_tensor_name(plain[short], bid, "." + end), data_torch
            if short == "attn.out_proj":  # Phi-2 has a bias there
                yield self.format_tensor_name(tensor.ATTN_OUT, bid, ".bias"), torch.zeros(self.hparams["n_embd"])

    for name in ("GPTJForCausalLM", "CodeGenForCausalLM"):
        base.ModelBase.register(name)(GPTJModel)
    return {"GPTJForCausalLM": GPTJModel, "CodeGenForCausalLM": GPTJModel}


def model_class(architecture, own):
    from conversion import get_model_class

    if architecture in own:
        return own[architecture]
    try:
        return get_model_class(architecture)
    except NotImplementedError:
        raise Refused(
            f"libllama has no architecture {architecture}; an inference server can score it: --help tells of server:URL"
        ) from None


def read_config(folder):
    path = folder / "config.json"
    if not path.is_file():
        raise Refused("there is no config.json here")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as problem:
        raise Refused(f"config.json is not JSON: {problem}") from None
    if not isinstance(config, dict) or not config.get("architectures"):
        raise Refused("config.json names no architecture")
    return config


# Names that Transformers gives to architectures, and those that their first authors gave and the converter knows.
FIRST_NAMES = {"MptForCausalLM": "MPTForCausalLM", "PhimoeForCausalLM": "PhiMoEForCausalLM"}


def as_first_written(values):
    """A configuration with the names and defaults that the converter reads and Transformers no longer writes."""
    values["architectures"] = [FIRST_NAMES.get(name, name) for name in values.get("architectures") or []]
    if "n_positions" in values:
        values.setdefault("n_ctx", values["n_positions"])
    if values.get("model_type") == "glm":
        values.setdefault("seq_length", values.get("max_position_embeddings"))
    if values.get("model_type") == "deepseek_v3":
        values.setdefault("scoring_func", "sigmoid")
    if values.get("model_type") == "cohere2":
        values.setdefault("rotary_pct", 1.0)  # Transformers turns whole heads
    if values.get("model_type") == "falcon" and values.get("multi_query") and not values.get("new_decoder_architecture"):
        values["num_kv_heads"] = 1  # whatever is written there: the published Falcon 7B has its number of heads
    return values


def find_tied_embeddings(base):
    """Weights that a file has once, for input and output, are the input's, even where it names them after the output."""

    class Local(base.gguf.utility.SafetensorsLocal):
        def __init__(self, path):
            super().__init__(path)
            with open(path, "rb") as file:
                header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
            for name, kept in header.get("__metadata__", {}).items():
                if name.endswith("embed_tokens.weight") and kept == "lm_head.weight" and name not in self.tensors and kept in self.tensors:
                    self.tensors[name] = self.tensors.pop(kept)

    base.gguf.utility.SafetensorsLocal = Local


def score_by_merges(base):
    """Pieces of a Llama vocabulary that is there as tokenizer.json alone get scores by the order of its merges.

    The converter gives all the same score, and libllama, which merges the pair of the best score first, would cut
    text into other pieces.
    """
    vocabulary = base.gguf.vocab.LlamaHfVocab
    load = vocabulary.__init__

    def with_ranks(self, folder):
        load(self, folder)
        merges = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]["merges"]
        pairs = [merge.split(" ", 1) if isinstance(merge, str) else merge for merge in merges]
        self.ranks = {}
        for rank, (left, right) in enumerate(pairs):
            self.ranks.setdefault(self.tokenizer.convert_tokens_to_ids(left + right), rank)

    vocabulary.__init__ = with_ranks
    vocabulary.get_token_score = lambda self, token: -float(self.ranks.get(token, len(self.ranks)))


def convert(sources, folder, out):
    read_config(folder)
    kind = output_type(folder)
    sys.path[:0] = [str(sources), str(sources / "gguf-py")]
    import torch
    import tqdm
    import transformers

    leave_own_code_alone(transformers)

    from conversion import ModelType, base

    tqdm.tqdm = Progress

    accept_stated_pre_tokenizers(base)
    state_windows(base)
    state_activation(base)
    find_tied_embeddings(base)
    score_by_merges(base)
    own = add_gptj(base)
    load = base.ModelBase.load_hparams
    base.ModelBase.load_hparams = staticmethod(lambda *plain, **named: as_first_written(load(*plain, **named)))
    values = base.ModelBase.load_hparams(folder, is_mistral_format=False)
    made = model_class(base.get_model_architecture(values, ModelType.TEXT), own)
    types = {"f32": "ALL_F32", "f16": "MOSTLY_F16", "bf16": "MOSTLY_BF16"}
    with torch.inference_mode():
        model = made(folder, getattr(base.gguf.LlamaFileType, types[kind]), out)
        model.write()


def main(arguments):
    if len(arguments) != 3:
        print(__doc__.splitlines()[2].strip(), file=sys.stderr)
        return 2
    sources, folder, out = map(pathlib.Path, arguments)
    try:
        convert(sources, folder, out)
    except Refused as problem:
        print(problem, file=sys.stderr)
        return 2
    except (OSError, ImportError, MemoryError) as problem:
        print(f"{type(problem).__name__}: {problem}", file=sys.stderr)
        return 1
    except Exception as problem:  # the converter's own assertions and look-ups: the checkpoint isn't what it expects
        print(f"llama.cpp's converter failed: {type(problem).__name__}: {' '.join(str(problem).split())}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
