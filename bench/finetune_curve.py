#!/usr/bin/env python3
"""Trains a tiny Llama on the CPU with hre.transformers.Callback in the loop, and draws the curve of HumanRankEval's value.

    PYTHONPATH=build/release/python python3 bench/finetune_curve.py OUT [--steps 300] [--every 25] [--report-to tensorboard,mlflow]

Invented people like answers of the letters that suit the question; the model is trained on the best answers of 400 questions, and
evaluated on 80 others. OUT gets curve.tsv (step, value, half interval, differences), curve.png where gnuplot is installed, and the
trackers' files. Needs torch, transformers and accelerate, and the trackers that --report-to names.
"""

import argparse
import json
import os
import pathlib
import random
import shutil
import subprocess

#: Each tracker keeps its files in OUT, and none asks a server.
OFFLINE = {
    "MLFLOW_TRACKING_URI": "file:mlruns",
    "MLFLOW_ALLOW_FILE_STORE": "true",
    "WANDB_MODE": "offline",
    "WANDB_SILENT": "true",
    "TRACKIO_DIR": "trackio",
    "HF_HUB_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


class Bytes:
    """A tokenizer of bytes."""

    bos_token_id = 1

    def __call__(self, texts, add_special_tokens=False, verbose=False):
        return {"input_ids": [[byte + 3 for byte in text.encode()] for text in texts]}

    def save_pretrained(self, folder):
        pass


def questions(made, n):
    """To questions of a and b, answers of x and y are liked; to those of c and d, others of u and v."""

    def word(letters):
        return "".join(made.choices(letters, k=12))

    return [
        {
            "topic": asked,
            "question": word(asked),
            "answers": [{"text": word(letters), "votes": votes} for letters, votes in ((liked, 9), (liked + other, 5), (other, 0))],
        }
        for asked, liked, other in (("ab", "xy", "uv"), ("cd", "uv", "xy"))
        for _ in range(n // 2)
    ]


def train(steps, every, trackers):
    """The callback, after the training."""
    import torch
    import transformers

    import hre.transformers

    torch.manual_seed(3)
    made = random.Random(3)
    texts = [f"Question: {row['question']}\nAnswer: {row['answers'][0]['text']}" for row in questions(made, 400)]
    rows = [{"input_ids": ids, "labels": ids} for ids in Bytes()(texts)["input_ids"]]
    model = transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            vocab_size=260, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, max_position_embeddings=256
        )
    )
    arguments = transformers.TrainingArguments(
        output_dir="checkpoints",
        max_steps=steps,
        per_device_train_batch_size=8,
        learning_rate=1e-3,
        warmup_steps=steps // 10,
        report_to=trackers,
        save_strategy="no",
        logging_steps=every,
        use_cpu=True,
        disable_tqdm=True,
        seed=3,
    )
    callback = hre.transformers.Callback(
        hre.load_dataset(questions(made, 80), name="letters"), every=every, gate=0.02, against="best", save_best=True
    )
    trainer = transformers.Trainer(
        model=model,
        args=arguments,
        train_dataset=rows,
        processing_class=Bytes(),
        callbacks=[callback],
        data_collator=lambda rows: {key: torch.tensor([row[key] for row in rows]) for key in rows[0]},
    )
    trainer.train()
    return callback, trainer.state


def draw(n):
    """curve.png of curve.tsv."""
    if not shutil.which("gnuplot"):
        print("gnuplot is not installed: there is no curve.png")
        return
    subprocess.run(
        ["gnuplot"],
        input="""
set terminal pngcairo size 900,480 font ',12'
set output 'curve.png'
set title 'A tiny Llama in training, on 80 questions'
set xlabel 'step'; set ylabel 'HumanRankEval'; set grid; set key bottom right; set xrange [-5:*]; set yrange [-0.4:1.05]
plot 'curve.tsv' using 1:2:3 skip 1 with yerrorbars pt 7 lc rgb '#1f6fb4' title 'value, 95 % interval', \\
     '' using 1:2 skip 1 with lines lw 2 lc rgb '#1f6fb4' notitle, \\
     '' using 1:4:5 skip 1 with yerrorbars pt 6 lc rgb '#c05020' title 'paired difference from the first'
""",
        text=True,
        check=True,
    )
    print(f"curve.png shows {n} evaluations")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--every", type=int, default=25)
    parser.add_argument("--report-to", default="tensorboard,mlflow")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    os.chdir(options.out)
    os.environ.update(OFFLINE)
    callback, state = train(options.steps, options.every, [name for name in options.report_to.split(",") if name])
    names = ("eval_hre", "eval_hre_half_interval", "eval_hre_since_first", "eval_hre_since_first_half_interval")
    logged = [row for row in state.log_history if "eval_hre" in row]
    lines = ["step\t" + "\t".join(names)] + [
        "\t".join(str(row.get(name, 0 if "since" in name else "")) for name in ("step", *names)) for row in logged
    ]
    pathlib.Path("curve.tsv").write_text("\n".join(lines) + "\n")
    pathlib.Path("log.json").write_text(
        json.dumps(
            {
                "log": logged,
                "values": [[step, run.value] for step, run in callback.runs],
                "losses": [row["step"] for row in state.log_history if "loss" in row],
                "best": callback.best[0],
                "best_model_checkpoint": state.best_model_checkpoint,
            }
        )
    )
    draw(len(logged))


if __name__ == "__main__":
    main()
