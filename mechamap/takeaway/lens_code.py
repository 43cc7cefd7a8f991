"""A step as Python for TransformerLens, whose names for neurons are ``blocks.7.mlp.hook_post`` and an index.

The code is for version 3 and later, which wrap a model of transformers (``TransformerBridge``): any folder and revision
is read, with the weights as they are. ``HookedTransformer``, which knew a list of names, was removed in version 4.
"""

from __future__ import annotations

from mechamap.errors import UsageError
from mechamap.takeaway.step import Step

__all__ = ["hook_name", "refuse_gguf", "transformer_lens_code"]


def hook_name(layer: int) -> str:
    """What TransformerLens calls the neurons of a layer."""
    return f"blocks.{layer}.mlp.hook_post"


def refuse_gguf(model: str) -> None:
    """Refuse a model that TransformerLens cannot read.

    Raises:
        UsageError: it is a GGUF file.
    """
    if model.endswith(".gguf"):
        raise UsageError("TransformerLens does not read GGUF files.", "Take it away as Python for transformers.")


def transformer_lens_code(step: Step) -> str:
    """A forward with hooks.

    Raises:
        UsageError: a neuron is an expert's, or the model a GGUF file.
    """
    step.refuse_fused("TransformerLens")
    refuse_gguf(step.ladder.model)
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
from transformer_lens.model_bridge import TransformerBridge

model = TransformerBridge.boot_transformers({step.from_pretrained}, dtype=torch.{step.ladder.dtype})
ids = torch.tensor([{list(step.ladder.ids)}], device=model.cfg.device)  # {step.ladder.prompt[:60]!r}
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
