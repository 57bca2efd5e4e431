#!/usr/bin/env python3
"""Rewards of a small random model that TRL's DPOTrainer tuned, and hre's runs of both models.

    PYTHONPATH=build/release/python PYTHON tools/trl_rewards.py FOLDER

PYTHON has torch, transformers and trl. FOLDER gets tuned.json and base.json (hre-run/1 with details) and said.json: {"version",
"beta", "rewards": {QUESTION'S ID: [chosen, rejected]}}, the implicit rewards as the trainer logs them. tests/data/trl holds what this
wrote; tests/test_scores.py compares it with `hre runs export tuned.json --reference base.json`. Texts are our own.
"""

import copy
import json
import os
import pathlib
import sys

os.environ["HF_HUB_OFFLINE"] = "1"
import datasets
import tokenizers
import torch
import transformers
import trl

import hre
import hre.transformers

BETA = 0.3
out = pathlib.Path(sys.argv[1])
out.mkdir(parents=True)
torch.manual_seed(11)
vocabulary = {token: i for i, token in enumerate(["<end>", *sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())])}
bytes_alone = tokenizers.Tokenizer(tokenizers.models.BPE(vocabulary, []))
bytes_alone.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=bytes_alone, eos_token="<end>", pad_token="<end>")
base = transformers.AutoModelForCausalLM.from_config(
    transformers.LlamaConfig(
        vocab_size=len(vocabulary),
        hidden_size=48,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
    )
)
# The trainer ends every answer with the end-of-sequence token, where a text does not end with it already.
rows = [
    {
        "topic": "sums",
        "id": str(i),
        "question": f"What is {i} plus {i}?",
        "answers": [
            {"text": f"It is {2 * i}, of course.<end>", "votes": 2},
            {"text": f"{'No idea. ' * i}Ask somebody else.<end>", "votes": 1},
        ],
    }
    for i in range(6)
]
pairs = datasets.Dataset.from_list(
    [
        {
            "prompt": f"Question: {row['question']}\nAnswer:",
            "chosen": " " + row["answers"][0]["text"],
            "rejected": " " + row["answers"][1]["text"],
        }
        for row in rows
    ]
)
rewards = []


class Trainer(trl.DPOTrainer):
    def log(self, logs, *more):
        kept = self._metrics["eval"]
        rewards.extend(zip(kept["rewards/chosen"], kept["rewards/rejected"], strict=True))  # a pair a batch
        super().log(logs, *more)


tuned = copy.deepcopy(base)
trainer = Trainer(
    tuned,
    ref_model=base,
    train_dataset=pairs,
    eval_dataset=pairs,
    processing_class=tokenizer,
    args=trl.DPOConfig(
        str(out / "trainer"),
        beta=BETA,
        max_steps=8,
        learning_rate=5e-3,
        per_device_train_batch_size=2,
        per_device_eval_batch_size=1,
        max_length=512,
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        report_to=[],
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
    ),
)
trainer.train()
trainer.evaluate()
runs = [
    hre.evaluate(hre.transformers.Model(model, tokenizer, name=name), rows, progress=False)
    for name, model in (("tuned", tuned), ("base", base))
]
for run, name in zip(runs, ("tuned", "base")):
    run.save(str(out / f"{name}.json"))
said = {"version": trl.__version__, "beta": BETA, "rewards": {row["id"]: pair for row, pair in zip(rows, rewards, strict=True)}}
(out / "said.json").write_text(json.dumps(said, indent=1) + "\n")
