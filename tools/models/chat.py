#!/usr/bin/env python3
"""Renders the templates of tests/data/chat as Transformers' apply_chat_template does, into expected.json there.

tools/models/chat.py        needs Transformers and Jinja (third_party/pypi-convert.lock)
"""

import json
import pathlib

from transformers import PreTrainedTokenizerFast
from tokenizers import Tokenizer, models

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "tests" / "data" / "chat"
SYSTEMS = ["", "You are brief."]
USERS = ["How do I reverse a list?", '  Why <b>é</b> "quotes" & {{ braces }}\n\nand two lines?  \n', "☕"]


def main():
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()), bos_token="<s>", eos_token="</s>")
    cases = []
    for path in sorted(FOLDER.glob("*.jinja")):
        template = path.read_text(encoding="utf-8")
        for system in SYSTEMS:
            for user in USERS:
                messages = ([{"role": "system", "content": system}] if system else []) + [{"role": "user", "content": user}]
                prompt = tokenizer.apply_chat_template(messages, chat_template=template, tokenize=False, add_generation_prompt=True)
                cases.append({"template": path.name, "system": system, "user": user, "prompt": prompt})
    lines = [json.dumps(case, ensure_ascii=True) for case in cases]
    (FOLDER / "expected.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")
    print(f"{len(cases)} prompts")


if __name__ == "__main__":
    main()
