"""A step as Python for transformers alone: hooks on the down-projections."""

from __future__ import annotations

from mechamap.takeaway.step import Step

__all__ = ["amounts_literal", "transformers_code"]


def transformers_code(step: Step) -> str:
    """A program that needs torch and transformers, and goes on from the prompt greedily.

    Raises:
        UsageError: hooks do not see one of the neurons.
    """
    step.refuse_fused("transformers")
    ladder = step.ladder
    change = "+=" if step.adds else "="
    end = "LENGTH" if step.last_only else "None"
    return f'''"""{step.title}."""

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained({step.from_pretrained})
model = AutoModelForCausalLM.from_pretrained({step.from_pretrained}, dtype=torch.{ladder.dtype}).eval()
ids = torch.tensor([{list(ladder.ids)}], device=model.device)  # {ladder.prompt[:60]!r}
LENGTH = ids.shape[1]

# Of each down-projection: which of its inputs, and how much.
AMOUNTS = {amounts_literal(step)}
FIRST, END = {step.first}, {end}  # positions of the prompt


def steering(amounts):
    def hook(module, args):
        neurons = args[0].clone()  # [..., positions, d_mlp]
        whole = neurons.shape[-2] >= LENGTH  # else a token that was generated, behind a cache
        positions = slice(FIRST, END) if whole else slice(0, 0 if END is not None else None)
        for place, amount in amounts:
            neurons[..., positions, place] {change} amount
        return (neurons, *args[1:])

    return hook


handles = [
    model.get_submodule(path).register_forward_pre_hook(steering(amounts)) for path, amounts in AMOUNTS.items()
]
with torch.no_grad():
    log_p = model(ids).logits[0, -1].float().log_softmax(-1)
    for p, token in zip(*(part.tolist() for part in log_p.exp().topk(5))):
        print(f"{{p:.4f}} {{tokenizer.decode([token])!r}}")
    written = model.generate(
        ids, attention_mask=torch.ones_like(ids), max_new_tokens={max(ladder.generated, 1)}, do_sample=False
    )
    print(tokenizer.decode(written[0, LENGTH:]))
for handle in handles:
    handle.remove()
'''


def amounts_literal(step: Step) -> str:
    """The amounts as a Python dictionary, a line for each down-projection."""
    lines = [f"    {path!r}: {places!r},\n" for path, places in step.by_path().items()]
    return "{\n" + "".join(lines) + "}"
