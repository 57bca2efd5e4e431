"""The language model, its tokenizer, and what both stages of training need of them."""

import math

import numpy
import tokenizers
import torch
import transformers

END = "<|endoftext|>"
CONTEXT = 1024
PROMPT = "Question: {question}\nAnswer:"


def train_tokenizer(texts, vocabulary):
    """A byte-level BPE with GPT-2's splitting of words."""
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=vocabulary, special_tokens=[END], show_progress=False, initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet()
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def make_model(tokenizer, width, layers, heads, inner):
    config = transformers.LlamaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=width,
        intermediate_size=inner,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        bos_token_id=0,
        eos_token_id=0,
        rms_norm_eps=1e-5,
    )
    return transformers.LlamaForCausalLM(config)


def learning_rate(step, steps, peak):
    warmup = max(1, steps // 20)
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup))))


def optimizer_of(model, decay=0.1):
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    others = [p for p in model.parameters() if p.ndim < 2]
    return torch.optim.AdamW(
        [{"params": matrices, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}], lr=0.0, betas=(0.9, 0.95)
    )


def update(model, optimizer, loss, rate):
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()


def encode_pair(tokenizer, question, answer):
    """The published rule: the tokens of context and answer, and how many belong to the answer; cut on the left."""
    context = PROMPT.format(question=question)
    whole = tokenizer.encode(context + " " + answer).ids
    n_answer = len(whole) - len(tokenizer.encode(context).ids)
    n_answer = min(n_answer, CONTEXT)
    return whole[-(CONTEXT + 1) :], n_answer


def padded(sequences):
    """[rows x longest] of ids, and the mask of what is there; padding goes to the right, where nothing sees it."""
    longest = max(len(ids) for ids in sequences)
    batch = torch.zeros(len(sequences), longest, dtype=torch.long)
    for row, ids in enumerate(sequences):
        batch[row, : len(ids)] = torch.tensor(ids)
    return batch


def answer_log_probs(model, pairs):
    """Sums of the log-probabilities of the answers' tokens, [pairs], in nats; pairs as encode_pair gives them."""
    batch = padded([ids for ids, _ in pairs])
    logits = model(batch[:, :-1]).logits
    log_probs = torch.log_softmax(logits.float(), -1).gather(2, batch[:, 1:, None])[..., 0]
    mask = torch.zeros_like(log_probs)
    for row, (ids, n_answer) in enumerate(pairs):
        mask[row, len(ids) - 1 - n_answer : len(ids) - 1] = 1
    return (log_probs * mask).sum(1)


@torch.inference_mode()
def values(model, tokenizer, rows):
    """The Pearson correlation of each question (NaN where undefined); rows as posts.json_lines gives them."""
    model.eval()
    found = []
    for row in rows:
        pairs = [encode_pair(tokenizer, row["question"], answer["text"]) for answer in row["answers"]]
        scores = [float(answer_log_probs(model, [pair])[0]) / len(answer["text"]) for pair, answer in zip(pairs, row["answers"])]
        votes = [answer["votes"] for answer in row["answers"]]
        with numpy.errstate(all="ignore"):
            found.append(float(numpy.corrcoef(votes, scores)[0][1]))
    model.train()
    return found
