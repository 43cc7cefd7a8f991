"""Forwards that start at a block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from support.hooks import hooks_left
from support.tiny_models import D_MLP, N_LAYERS
from torch import Tensor

from mechamap.models.blocks import keeping_entries, starting_at
from mechamap.models.loaded import LoadedModel

Load = Callable[..., LoadedModel]

SOME = ("gpt2", "llama", "gptj", "gemma2", "bloom", "falcon", "opt", "gpt_neox", "mpt", "phi3")


def logits_of(loaded: LoadedModel, ids: Tensor) -> Tensor:
    model: Any = loaded.model
    with torch.inference_mode():
        logits: Tensor = model(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False).logits
    return logits


def forwards_replaced(loaded: LoadedModel) -> int:
    return sum("forward" in loaded.model.get_submodule(layer.block).__dict__ for layer in loaded.layers)


@pytest.mark.parametrize("model_type", SOME)
def test_a_forward_that_starts_at_a_block_ends_in_the_same_logits(load: Load, model_type: str) -> None:
    loaded = load(model_type)
    ids = torch.tensor([loaded.tokenizer.encode("The dog ate an apple in Paris.")])
    with keeping_entries(loaded, loaded.layers) as entries:
        whole = logits_of(loaded, ids)
    for layer in loaded.layers:
        other = torch.zeros_like(ids).expand(3, -1)  # what the earlier blocks would have read is not looked at
        with starting_at(loaded, layer, entries, 3):
            from_here = logits_of(loaded, ids.expand(3, -1) if model_type == "bloom" else other)
            assert forwards_replaced(loaded) == layer.layer
        torch.testing.assert_close(from_here, whole.expand(3, -1, -1), rtol=1e-4, atol=1e-4)
    assert forwards_replaced(loaded) == hooks_left(loaded.model) == 0
    torch.testing.assert_close(logits_of(loaded, ids), whole)


def test_the_blocks_before_do_not_run_and_are_restored_after_a_failure(load: Load) -> None:
    loaded = load("llama")
    ids = torch.tensor([loaded.tokenizer.encode("The dog ate an apple in Paris.")])
    with keeping_entries(loaded, loaded.layers) as entries:
        whole = logits_of(loaded, ids)
    ran: list[int] = []
    for layer in loaded.layers:
        layer.module.register_forward_pre_hook(lambda _module, _args, number=layer.layer: ran.append(number))
    try:
        with pytest.raises(ZeroDivisionError), starting_at(loaded, loaded.layers[2], entries, 1):
            logits_of(loaded, ids)
            raise ZeroDivisionError
    finally:
        for layer in loaded.layers:
            layer.module._forward_pre_hooks.clear()
    assert ran == [2]
    assert forwards_replaced(loaded) == hooks_left(loaded.model) == 0
    torch.testing.assert_close(logits_of(loaded, ids), whole)


def test_a_block_is_the_module_with_the_number(load: Load) -> None:
    assert [layer.block for layer in load("opt").layers] == [f"model.decoder.layers.{i}" for i in range(N_LAYERS)]
    assert load("opt").layers[0].width == D_MLP
