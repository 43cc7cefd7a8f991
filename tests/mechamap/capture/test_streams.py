"""The residual stream in the pass: what blocks return, at the wanted positions, and what is said where it is not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from support.by_name import load_model
from support.hooks import hooks_left
from support.tiny_encoders import save_tiny
from support.tiny_models import D_MODEL, save_tiny_model

from mechamap.capture.hooked_pass import PassSettings, capture_layers
from mechamap.capture.streams import StreamListener
from mechamap.config.schema import default_config
from mechamap.models.loaded import LoadedModel
from mechamap.text.tokenize import TokenizedText, tokenize

TEXTS = ("The cat sat on the mat. It ate an apple.", "A dog went to Paris.", "Nine red boats.", "A short one, said he.")


def read(loaded: LoadedModel, **options: Any) -> tuple[dict[int, np.ndarray], list[int], StreamListener, TokenizedText]:
    """Streams by layer, the layers whose neurons were handed over, the listener, and the text."""
    tokenized = tokenize(TEXTS, loaded.tokenizer, replace(default_config(), window=24), loaded.context, loaded.kind)
    streams: dict[int, np.ndarray] = {}

    def on_stream(layer: Any, values: torch.Tensor) -> None:
        streams[layer.layer] = values.float().numpy().copy()

    listener, layers = StreamListener(on_stream), []
    settings = PassSettings(streams=listener, **options)
    wanted = options.pop("layers", loaded.layers)
    capture_layers(loaded, tokenized, wanted, lambda layer, _values: layers.append(layer.layer), settings)
    assert hooks_left(loaded.model) == 0
    return streams, layers, listener, tokenized


@pytest.mark.parametrize("batch_tokens", [None, 30])
@pytest.mark.parametrize("model_type", ["gpt2", "llama", "opt", "mixtral", "gemma2"])
def test_it_is_what_transformers_calls_the_hidden_states(
    tmp_path: Any, model_type: str, batch_tokens: int | None
) -> None:
    loaded = load_model(str(save_tiny_model(tmp_path, model_type)), device="cpu")
    streams, layers, listener, tokenized = read(loaded, batch_tokens=batch_tokens)
    assert (sorted(streams), layers, listener.missing) == ([0, 1, 2], [0, 1, 2], "")
    for window in tokenized.windows:
        rows = slice(window.start, window.start + window.length)
        with torch.no_grad():
            ids = torch.tensor([tokenized.ids[rows].tolist()])
            hidden = loaded.model(input_ids=ids, output_hidden_states=True).hidden_states
        for layer in (0, 1):  # the last of the hidden states has passed the final norm
            np.testing.assert_allclose(streams[layer][rows], hidden[layer + 1][0].numpy(), rtol=1e-3, atol=1e-4)
        assert streams[2].shape == (len(tokenized.ids), D_MODEL)


def test_the_forward_ends_behind_the_last_wanted_block(tmp_path: Any) -> None:
    loaded = load_model(str(save_tiny_model(tmp_path, "llama")), device="cpu")
    ran: list[str] = []
    for name in ("model.layers.1", "model.layers.2"):
        module = loaded.model.get_submodule(name)
        module.register_forward_pre_hook(lambda *_args, name=name: ran.append(name))
    tokenized = tokenize(TEXTS[:1], loaded.tokenizer, default_config(), loaded.context)
    mask = np.zeros(len(tokenized.ids), bool)
    mask[[2, 4]] = True
    streams: list[torch.Tensor] = []
    listener = StreamListener(lambda _layer, values: streams.append(values.clone()))
    settings = PassSettings(position_mask=mask, streams=listener)
    capture_layers(loaded, tokenized, loaded.layers[:2], lambda *_: None, settings)
    assert ran == ["model.layers.1"]
    assert [values.shape for values in streams] == [(2, D_MODEL)] * 2


@pytest.mark.parametrize(("model_type", "auto"), [("bert", "AutoModelForMaskedLM"), ("t5", "AutoModelForSeq2SeqLM")])
def test_encoders_and_models_with_both_sides_have_one_too(tmp_path: Any, model_type: str, auto: str) -> None:
    loaded = load_model(str(save_tiny(tmp_path, model_type, auto)), device="cpu")
    streams, layers, listener, tokenized = read(loaded, batch_tokens=30)
    assert listener.missing == ""
    assert sorted(streams) == layers
    assert {len(values) for values in streams.values()} == {len(tokenized.ids)}


@pytest.mark.parametrize(
    ("model_type", "reason"),
    [
        ("gemma3n_text", "What {block} returns is not one vector for each token."),
        ("xlm", "{block} is an MLP alone, which does not return the residual stream."),
    ],
)
def test_a_block_that_returns_no_stream_is_named_and_the_neurons_are_handed_over_all_the_same(
    tmp_path: Any, model_type: str, reason: str
) -> None:
    loaded = load_model(str(save_tiny_model(tmp_path, model_type)), device="cpu")
    streams, layers, listener, _ = read(loaded)
    assert streams == {}
    assert layers == [layer.layer for layer in loaded.layers]
    assert listener.missing == reason.format(block=loaded.layers[0].block)
