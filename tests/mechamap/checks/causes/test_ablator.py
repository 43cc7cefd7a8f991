"""Measured ablations, against whole forwards of one neuron and one window each with a plain hook."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.by_name import load_model
from torch import Tensor, nn

from mechamap.checks.causes.ablated_window import Ablated
from mechamap.checks.causes.ablator import Ablator
from mechamap.checks.causes.target_words import WordTargets
from mechamap.config.schema import default_config
from mechamap.errors import Cancelled
from mechamap.models.loaded import LoadedModel
from mechamap.models.neurons.model_layers import neuron_layers
from mechamap.text.tokenize import TokenizedText, tokenize

TEXTS = (
    "The cat sat on the mat and ate an apple. A dog and a horse went to Paris by train.",
    "In New York a cat saw the bread.",
    "The dog ate bread, an apple and bread again, by train.",
)
NEURONS = tuple(
    Ablated(layer, index, value)
    for layer in (2, 0, 1)  # in any order
    for index, value in ((3, 0.0), (17, 0.0), (40, 0.7))
)
Load = Callable[..., LoadedModel]


@pytest.fixture(scope="module")
def load(tiny_models: Callable[..., Path]) -> Load:
    @cache
    def loaded(model_type: str, dtype: str = "float32") -> LoadedModel:
        return load_model(str(tiny_models(model_type)), device="cpu", dtype=dtype)

    return loaded


def text_of(loaded: LoadedModel) -> TokenizedText:
    return tokenize(TEXTS, loaded.tokenizer, default_config(), loaded.context)


def targets_of(text: TokenizedText) -> WordTargets:
    """Every fifth position that has something before it stands for a word."""
    starts = {window.start for window in text.windows}
    positions = np.array([p for p in range(2, len(text.ids), 5) if p not in starts], np.int64)
    members = np.random.default_rng(0).random((len(positions), 2)) < 0.6
    return WordTargets(positions, members)


def plain_log_p(
    loaded: LoadedModel, text: TokenizedText, targets: WordTargets, ablated: Ablated | None = None
) -> np.ndarray:
    """Log probability of each target, window by window, with one neuron held at a value wherever it is scored."""
    found = []
    for window in text.windows:
        inside = range(window.start, window.start + window.length)
        scored = torch.from_numpy(np.flatnonzero(text.scored[list(inside)]))

        def before(_module: nn.Module, args: tuple[Any, ...], scored: Tensor = scored) -> tuple[Any, ...]:
            assert ablated is not None
            held = args[0].clone()
            held.view(-1, held.shape[-1])[scored, ablated.index] = ablated.value
            return (held, *args[1:])

        handles = []
        if ablated is not None:
            handles.append(loaded.layers[ablated.layer].module.register_forward_pre_hook(before))
        with torch.no_grad():
            model: Any = loaded.model
            logits = model(input_ids=torch.from_numpy(text.ids[list(inside)].astype(np.int64))[None]).logits[0]
        for handle in handles:
            handle.remove()
        log_p = torch.log_softmax(logits.float(), dim=-1).numpy()
        found += [log_p[p - 1 - window.start, text.ids[p]] for p in targets.positions.tolist() if p in inside]
    return np.array(found)


def plain_effects(loaded: LoadedModel, neurons: Sequence[Ablated]) -> np.ndarray:
    text = text_of(loaded)
    known = plain_log_p(loaded, text, targets_of(text))
    return np.stack([plain_log_p(loaded, text, targets_of(text), its) - known for its in neurons])


def ablator_of(loaded: LoadedModel, batch_tokens: int | None = None) -> Ablator:
    text = text_of(loaded)
    return Ablator(loaded, text, targets_of(text), batch_tokens)


def restored(loaded: LoadedModel) -> bool:
    blocks = [loaded.model.get_submodule(layer.block) for layer in loaded.layers]
    hooked = any(module._forward_pre_hooks or module._forward_hooks for module in loaded.model.modules())
    return not hooked and not any("forward" in block.__dict__ for block in blocks)


@pytest.mark.parametrize("model_type", ["gpt2", "llama", "gptj", "gemma2", "bloom", "falcon", "opt"])
def test_effects_are_those_of_whole_forwards_with_a_plain_hook(load: Load, model_type: str) -> None:
    loaded = load(model_type)
    expected = plain_effects(loaded, NEURONS)
    effects, known = ablator_of(loaded).effects(NEURONS)
    text = text_of(loaded)
    np.testing.assert_allclose(known, plain_log_p(loaded, text, targets_of(text)), atol=1e-4)
    np.testing.assert_allclose(effects, expected, atol=2e-4)
    assert np.abs(expected).reshape(3, -1).max(axis=1).min() > 0.01  # in every layer something happens
    assert len({window.length for window in text.windows}) == 3
    assert restored(loaded)


@pytest.mark.parametrize("batch_tokens", [1, 90])
def test_the_size_of_a_batch_changes_nothing(load: Load, batch_tokens: int) -> None:
    loaded = load("llama")
    whole, _ = ablator_of(loaded).effects(NEURONS)
    parts, _ = ablator_of(loaded, batch_tokens).effects(NEURONS)
    np.testing.assert_allclose(parts, whole, atol=2e-5)


def test_positions_that_are_not_scored_are_left_alone(load: Load) -> None:
    loaded = load("gpt2")
    text = text_of(loaded)
    targets = targets_of(text)
    nowhere = replace(text, scored=np.zeros_like(text.scored))
    effects, _ = Ablator(loaded, nowhere, targets).effects(NEURONS)
    np.testing.assert_allclose(effects, 0, atol=1e-5)
    everywhere = replace(text, scored=np.ones_like(text.scored))  # the BOS too
    assert not text.scored[0]
    with_bos, _ = Ablator(loaded, everywhere, targets).effects(NEURONS)
    without, _ = Ablator(loaded, text, targets).effects(NEURONS)
    assert np.abs(with_bos - without).max() > 1e-3


def test_it_says_how_many_windows_are_done(load: Load) -> None:
    told: list[tuple[int, int]] = []
    ablator_of(load("gpt2")).effects(NEURONS[:1], on_window=lambda done, total: told.append((done, total)))
    assert told == [(0, 3), (1, 3), (2, 3)]


def test_windows_without_a_word_are_not_read(load: Load) -> None:
    loaded = load("gpt2")
    text = text_of(loaded)
    second = text.windows[1]
    targets = targets_of(text)
    outside = np.array([not second.start <= p < second.start + second.length for p in targets.positions])
    fewer = WordTargets(targets.positions[outside], targets.members[outside])
    told: list[tuple[int, int]] = []
    effects, known = Ablator(loaded, text, fewer).effects(
        NEURONS, on_window=lambda done, total: told.append((done, total))
    )
    assert told == [(0, 2), (1, 2)]
    whole, all_known = ablator_of(loaded).effects(NEURONS)
    np.testing.assert_allclose(effects, whole[:, outside], atol=1e-5)
    np.testing.assert_allclose(known, all_known[outside], atol=1e-5)


# --- half precision -----------------------------------------------------------------------------------------


def test_in_half_precision_a_neuron_that_writes_nothing_changes_nothing_at_all(load: Load) -> None:
    loaded = load("llama", "bfloat16")
    model: Any = deepcopy(loaded.model)
    model.model.layers[1].mlp.down_proj.weight[:, 17] = 0
    # as large kernels do, and much more of it: what comes out depends on how many rows there are
    model.model.norm.register_forward_pre_hook(lambda _module, args: (args[0] + 0.05 * len(args[0]),))
    silent = replace(loaded, model=model, layers=neuron_layers(model))
    effects, _ = ablator_of(silent, 200).effects(NEURONS)
    quiet = NEURONS.index(Ablated(1, 17))
    assert (effects[quiet] == 0).all()  # compared with a row of the same batch, rounding is the same
    assert (np.abs(np.delete(effects, quiet, axis=0)).max(axis=1) > 0).all()


def test_in_half_precision_effects_are_about_those_of_full_precision(load: Load) -> None:
    exact, _ = ablator_of(load("llama")).effects(NEURONS)
    effects, _ = ablator_of(load("llama", "bfloat16")).effects(NEURONS)
    assert np.corrcoef(effects.ravel(), exact.ravel())[0, 1] > 0.95


# --- where a forward may start ------------------------------------------------------------------------------


def runs_of_first_block(loaded: LoadedModel, ablator: Ablator, neurons: Sequence[Ablated]) -> tuple[np.ndarray, int]:
    runs: list[int] = []
    handle = loaded.layers[0].module.register_forward_pre_hook(lambda _module, args: runs.append(1))
    effects, _ = ablator.effects(neurons)
    handle.remove()
    return effects, len(runs)


@pytest.fixture
def entangled(load: Load) -> Iterator[LoadedModel]:
    """A model whose last block also looks at what the MLP of the first one wrote, past all the blocks between."""
    loaded = load("llama")
    model: Any = deepcopy(loaded.model)
    seen: list[Tensor] = []

    def keep(_module: nn.Module, _args: tuple[Any, ...], out: Tensor) -> None:
        seen[:] = [out]

    def look(_module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
        return (args[0] + seen.pop(), *args[1:]) if seen else args

    model.model.layers[0].mlp.register_forward_hook(keep)
    model.model.layers[2].mlp.register_forward_pre_hook(look)
    yield replace(loaded, model=model, layers=neuron_layers(model))


def test_the_blocks_before_the_ablated_one_do_not_run(load: Load) -> None:
    loaded = load("llama")
    last = [Ablated(2, index) for index in range(6)]
    _, runs = runs_of_first_block(loaded, ablator_of(loaded, 1), last)
    assert runs == len(TEXTS)  # once a window, untouched; not once more for each neuron


def test_where_a_block_depends_on_more_than_what_enters_it_forwards_are_run_whole(entangled: LoadedModel) -> None:
    last = [Ablated(2, index) for index in range(4)]
    effects, runs = runs_of_first_block(entangled, ablator_of(entangled, 1), last)
    assert runs == len(TEXTS) * (1 + 4)
    np.testing.assert_allclose(effects, plain_effects(entangled, last), atol=2e-4)
    # and starting at the block would have been wrong
    wrong = ablator_of(entangled, 1)
    wrong._may_start, wrong._predicted = True, {2: False}
    cut_short, _ = runs_of_first_block(entangled, wrong, last)
    assert np.abs(cut_short - effects).max() > 0.01


def test_a_block_that_others_look_into_is_not_passed_by_even_where_what_leaves_it_is_predicted(
    entangled: LoadedModel,
) -> None:
    first = [Ablated(0, index) for index in range(4)]
    effects, _ = ablator_of(entangled, 1).effects(first)
    np.testing.assert_allclose(effects, plain_effects(entangled, first), atol=2e-4)


@pytest.mark.parametrize(("kind", "adds"), [("llama", True), ("gpt2", True), ("gptj", True), ("gemma2", False)])
def test_what_leaves_a_block_is_predicted_where_the_block_only_adds_what_its_mlp_writes(
    load: Load, kind: str, adds: bool
) -> None:
    loaded = load(kind)
    ablator = ablator_of(loaded, 4)
    ablator.effects([Ablated(layer.layer, 1) for layer in loaded.layers])
    assert ablator._predicted == {layer.layer: adds for layer in loaded.layers}


# --- stopping -----------------------------------------------------------------------------------------------


def test_it_can_be_cancelled_between_forwards_and_leaves_the_model_as_it_was(load: Load) -> None:
    loaded = load("gpt2")
    cancel = threading.Event()

    def told(done: int, _total: int) -> None:
        if done == 1:
            cancel.set()

    with pytest.raises(Cancelled):
        ablator_of(loaded).effects(NEURONS, cancel, told)
    assert restored(loaded)


def test_a_failure_leaves_the_model_as_it_was(load: Load) -> None:
    loaded = load("gpt2")
    with pytest.raises(IndexError):
        ablator_of(loaded).effects([Ablated(1, 10_000)])
    assert restored(loaded)
