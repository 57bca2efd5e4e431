#!/usr/bin/env python3
"""The published rule by Transformers: float32, one pass an answer, log-softmax and sums in float64.

    score_checkpoint.py FOLDER REQUESTS MAX_LENGTH

REQUESTS is a file of JSON lines, {"context": ..., "continuations": [...]}; MAX_LENGTH is in tokens, 0 for the model's own.
Standard output: for each, a line "scores" with a JSON list of log-likelihoods in nats.
"""

import json
import pathlib
import sys

import torch


def max_length_of(config):
    for name in ("n_positions", "max_position_embeddings", "n_ctx", "max_seq_len", "seq_length"):
        if getattr(config, name, None):
            return getattr(config, name)
    return 2048


def log_prob(logits, targets):
    """Sum of the targets' log-probabilities; logits [n x vocabulary]."""
    rows = torch.log_softmax(logits.double(), dim=-1)
    return float(rows[torch.arange(len(targets)), torch.tensor(targets)].sum())


def score_decoder(model, encode, max_length, context, continuation):
    whole, n_context = encode(context + continuation), len(encode(context))
    targets = whole[n_context:]
    fed = whole[-(max_length + 1) :][:-1]
    with torch.no_grad():
        logits = model(torch.tensor([fed]), use_cache=False).logits[0]
    return {"n_tokens": len(targets), "sum_log_prob": log_prob(logits[-len(targets) :], targets)}


def score_encoder_decoder(model, encode, max_length, context, continuation):
    """The context goes to the encoder, cut on the left; the continuation to the decoder after its start token."""
    source, targets = encode(context)[-max_length:], encode(continuation)
    fed = [model.config.decoder_start_token_id, *targets[:-1]]
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([source]), decoder_input_ids=torch.tensor([fed]), use_cache=False).logits[0]
    return {"n_tokens": len(targets), "sum_log_prob": log_prob(logits, targets)}


def score_request(model, tokenizer, context, continuations, max_length=0):
    """A list of {n_tokens, sum_log_prob}, an entry a continuation."""
    encode = lambda text: tokenizer(text, add_special_tokens=False)["input_ids"]
    score = score_encoder_decoder if model.config.is_encoder_decoder else score_decoder
    limit = max_length or max_length_of(model.config)
    return [score(model, encode, limit, context, continuation) for continuation in continuations]


def load(folder):
    import safetensors.torch
    import transformers

    config = transformers.AutoConfig.from_pretrained(folder, trust_remote_code=False)
    auto = transformers.AutoModelForSeq2SeqLM if config.is_encoder_decoder else transformers.AutoModelForCausalLM
    model = auto.from_pretrained(folder, torch_dtype=torch.float32, attn_implementation="eager", trust_remote_code=False).eval()
    if any(weight.is_meta for weight in model.parameters()):
        # Tied weights that the file has under the output's name: some versions leave them out.
        model = auto.from_config(config, attn_implementation="eager").float().eval()
        rest = model.load_state_dict(safetensors.torch.load_file(pathlib.Path(folder) / "model.safetensors"), strict=False)
        if rest.unexpected_keys:
            raise ValueError(f"weights without a place: {', '.join(rest.unexpected_keys)}")
    return model, transformers.AutoTokenizer.from_pretrained(folder, trust_remote_code=False)


def main(arguments):
    folder, requests, max_length = arguments
    model, tokenizer = load(folder)
    with open(requests, encoding="utf-8") as lines:
        for line in lines:
            request = json.loads(line)
            scores = score_request(model, tokenizer, request["context"], request["continuations"], int(max_length))
            print("scores", json.dumps([score["sum_log_prob"] for score in scores]), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
