"""What anybody would write to run a model over the master text once: the yardstick for a whole `mechamap scan`.

It imports, loads, tokenizes and runs the body of the model (no logits, which a scan does not compute either).
"""

from __future__ import annotations

import sys

import torch
import yaml
from transformers import AutoModelForCausalLM, AutoTokenizer


def main(model_path: str, config_path: str) -> None:
    with open(config_path, encoding="utf-8") as file:  # noqa: PTH123 - as plain as a script is
        texts = yaml.safe_load(file)["texts"]
    tokenizer = AutoTokenizer.from_pretrained(model_path)
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    model = AutoModelForCausalLM.from_pretrained(model_path, dtype="auto").eval()
    if torch.cuda.is_available():
        model = model.cuda()
    batch = tokenizer(texts, return_tensors="pt", padding=True).to(model.device)
    with torch.no_grad():
        model.base_model(**batch, use_cache=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
