"""A step as Python for TransformerLens, whose names for neurons are ``blocks.7.mlp.hook_post`` and an index."""

from __future__ import annotations

from mechamap.errors import UsageError
from mechamap.takeaway.step import Step

__all__ = ["hook_name", "transformer_lens_code"]


def hook_name(layer: int) -> str:
    """What TransformerLens calls the neurons of a layer."""
    return f"blocks.{layer}.mlp.hook_post"


def transformer_lens_code(step: Step) -> str:
    """A forward with hooks.

    Raises:
        UsageError: a neuron is an expert's.
    """
    step.refuse_fused("TransformerLens")
    expert = next((neuron.neuron for neuron in step.ladder.neurons if ".E" in neuron.neuron), None)
    if expert is not None:
        raise UsageError(f"{expert} is an expert's neuron, which has another name in TransformerLens.")
    change = "+=" if step.adds else "="
    end = step.first + 1 if step.last_only else ""
    by_layer: dict[str, list[tuple[int, float]]] = {}
    for amount in step.amounts:
        by_layer.setdefault(hook_name(amount.layer), []).append((amount.index, amount.value))
    hooks = "".join(f"    {name!r}: {amounts!r},\n" for name, amounts in by_layer.items())
    return f'''"""{step.title}."""

import torch
from transformer_lens import HookedTransformer

model = HookedTransformer.from_pretrained_no_processing({step.from_pretrained.split(",")[0]})
ids = torch.tensor([{list(step.ladder.ids)}])  # {step.ladder.prompt[:60]!r}
AMOUNTS = {{
{hooks}}}


def steering(amounts):
    def hook(neurons, hook):  # [batch, positions, d_mlp]
        for index, amount in amounts:
            neurons[:, {step.first}:{end}, index] {change} amount
        return neurons

    return hook


logits = model.run_with_hooks(ids, fwd_hooks=[(name, steering(amounts)) for name, amounts in AMOUNTS.items()])
print(model.tokenizer.decode(logits[0, -1].argmax()))
'''
