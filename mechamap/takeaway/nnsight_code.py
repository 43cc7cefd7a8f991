"""A step as Python for nnsight."""

from __future__ import annotations

from mechamap.takeaway.step import Step, attribute

__all__ = ["nnsight_code"]


def nnsight_code(step: Step) -> str:
    """A trace that changes the inputs of the down-projections and saves the logits.

    Raises:
        UsageError: nnsight does not see one of the neurons.
    """
    step.refuse_fused("nnsight")
    change = "+=" if step.adds else "="
    end = step.first + 1 if step.last_only else ""
    lines = [
        f"    model.{attribute(amount.path)}.input[:, {step.first}:{end}, {amount.place}] {change} {amount.value!r}\n"
        for amount in sorted(step.amounts, key=lambda amount: amount.layer)
    ]
    return f'''"""{step.title}."""

import torch
from nnsight import LanguageModel

model = LanguageModel({step.from_pretrained}, dtype=torch.{step.ladder.dtype}, dispatch=True)
ids = torch.tensor([{list(step.ladder.ids)}])  # {step.ladder.prompt[:60]!r}
with model.trace(ids):
{"".join(lines)}    logits = model.output.logits.save()
print(model.tokenizer.decode(logits[0, -1].argmax()))
'''
