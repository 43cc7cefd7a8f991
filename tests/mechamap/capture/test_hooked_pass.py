"""The hooked pass: what it hands over, how it ends, and what it leaves behind."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from support.by_name import load_model
from support.hooks import hooks_left
from support.plain_activations import plain_activations
from support.tiny_models import save_tiny_model

from mechamap.capture.hooked_pass import PassSettings, capture_layers
from mechamap.config.schema import default_config
from mechamap.errors import Cancelled
from mechamap.text.tokenize import tokenize

TEXTS = (
    "The cat sat on the mat. It ate an apple.",
    "A dog and a horse went to Paris by train. They came back on Monday.",
    "Nine red boats.",
    "The rest of the day was quiet, and nobody said a word about the cat.",
    "A short one.",
)


@pytest.fixture(scope="module", params=["gpt2", "llama", "opt"])
def loaded(request, tmp_path_factory):
    return load_model(str(save_tiny_model(tmp_path_factory.mktemp(request.param), request.param)))


@pytest.fixture
def tokenized(loaded):
    return tokenize(TEXTS, loaded.tokenizer, replace(default_config(), window=24), loaded.context)


def captured(loaded, tokenized, **options):
    found = {}

    def on_layer(layer, activations):
        found[layer.layer] = activations.clone()

    capture_layers(loaded, tokenized, options.pop("layers", loaded.layers), on_layer, PassSettings(**options))
    return found


@pytest.mark.parametrize("batch_tokens", [None, 30, 60])
def test_padding_and_batching_do_not_change_what_a_neuron_does(loaded, tokenized, batch_tokens):
    windows = [(window.text, window.start, window.length) for window in tokenized.windows]
    expected = plain_activations(loaded, tokenized.ids, windows)
    found = captured(loaded, tokenized, batch_tokens=batch_tokens)
    assert found.keys() == expected.keys()
    for layer, activations in found.items():
        assert activations.shape == (len(tokenized.ids), loaded.layers[layer].width)
        np.testing.assert_allclose(activations, expected[layer], rtol=1e-4, atol=1e-5)


def test_batches_take_turns_layer_by_layer(loaded, tokenized):
    order = []
    capture_layers(
        loaded, tokenized, loaded.layers, lambda layer, _: order.append(layer.layer), PassSettings(batch_tokens=30)
    )
    assert order == [layer.layer for layer in loaded.layers]


def test_only_what_is_wanted_is_handed_over(loaded, tokenized):
    everything = captured(loaded, tokenized)
    found = captured(loaded, tokenized, layers=loaded.layers[1:2], position_mask=tokenized.scored, limit_neurons=7)
    assert list(found) == [1]
    torch.testing.assert_close(found[1], everything[1][torch.from_numpy(tokenized.scored), :7])


def test_the_forward_stops_behind_the_last_wanted_layer(loaded, tokenized):
    ran = []
    handle = loaded.layers[2].module.register_forward_hook(lambda *_: ran.append("layer 2"))
    captured(loaded, tokenized, layers=loaded.layers[:2])
    handle.remove()
    assert ran == []


@pytest.mark.parametrize("batch_tokens", [None, 30])
def test_no_hook_and_no_thread_is_left_whatever_happens(loaded, tokenized, batch_tokens):
    threads = threading.active_count()
    captured(loaded, tokenized, batch_tokens=batch_tokens)

    def fail(layer, _activations):
        if layer.layer == 1:
            raise ValueError("the disk is full")

    with pytest.raises(ValueError, match="the disk is full"):
        capture_layers(loaded, tokenized, loaded.layers, fail, PassSettings(batch_tokens=batch_tokens))
    assert hooks_left(loaded.model) == 0
    assert threading.active_count() == threads


@pytest.mark.parametrize("batch_tokens", [None, 30])
def test_a_cancel_takes_effect_at_the_next_layer(loaded, tokenized, batch_tokens):
    cancel, seen = threading.Event(), []

    def on_layer(layer, _activations):
        seen.append(layer.layer)
        cancel.set()

    with pytest.raises(Cancelled):
        capture_layers(
            loaded, tokenized, loaded.layers, on_layer, PassSettings(cancel=cancel, batch_tokens=batch_tokens)
        )
    assert seen == [0]
    assert hooks_left(loaded.model) == 0
    assert len(captured(loaded, tokenized)) == 3


def test_a_failure_inside_the_model_is_raised_to_the_caller(loaded, tokenized):
    def broken(*_):
        raise RuntimeError("a kernel failed")

    handle = loaded.layers[1].module.register_forward_pre_hook(broken)
    try:
        for batch_tokens in (None, 30):
            with pytest.raises(RuntimeError, match="a kernel failed"):
                captured(loaded, tokenized, batch_tokens=batch_tokens)
    finally:
        handle.remove()
    assert hooks_left(loaded.model) == 0
