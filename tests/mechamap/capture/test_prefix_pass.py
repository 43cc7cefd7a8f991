"""Windows behind cached prefixes: the same activations as in whole windows, or whole windows."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest
import torch
from support.by_name import load_model
from support.hooks import hooks_left
from support.packed_models import save_packed
from support.shared_prefixes import captured, few_words, run_both_ways, sentences
from support.tiny_encoders import tiny_of
from support.tiny_models import save

from mechamap.capture import prefix_pass
from mechamap.capture.hooked_pass import PassSettings, capture_layers
from mechamap.capture.prefix_pass import capture_sharing_prefixes
from mechamap.capture.streams import StreamListener
from mechamap.errors import Cancelled
from mechamap.models.prefix_cache import PrefixCache

ROUNDING = 1e-5  # of a layer's largest activation, in float32

# Rotary, learned and linear positions, experts and shared ones, all tokens or a window of them, blocks side by side.
SHARING = ("llama", "gpt2", "opt", "bloom", "mpt", "falcon", "gptj", "gemma2", "gemma3n_text", "mixtral", "qwen2_moe")
# A recurrence beside attention, convolutions, a cache of its own, none at all, another way to count positions.
WHOLE = {
    "qwen3_next": "something else than keys and values",
    "lfm2": "something else than keys and values",
    "deepseek_v32": "something else than keys and values",
    "openai-gpt": "something else than keys and values",
    "roberta": "differs by",
}


@pytest.mark.parametrize("model_type", SHARING)
def test_neurons_behind_a_cached_prefix_are_those_of_the_whole_sentence(tiny_models, model_type) -> None:
    loaded = load_model(str(tiny_models(model_type)), device="cpu")
    outcome = run_both_ways(loaded, sentences(loaded))
    assert outcome.shared and outcome.difference < ROUNDING, outcome
    assert hooks_left(loaded.model) == 0


@pytest.mark.parametrize("model_type", WHOLE)
def test_whole_sentences_are_run_where_a_cache_does_not_give_the_same(tiny_models, model_type) -> None:
    loaded = load_model(str(tiny_models(model_type)), device="cpu")
    outcome = run_both_ways(loaded, sentences(loaded))
    assert not outcome.shared and outcome.difference == 0
    assert WHOLE[model_type] in outcome.reason


@pytest.mark.parametrize("window", [3, 6, 64])
def test_attention_to_a_few_tokens_reaches_into_the_prefix_as_far_as_it_should(tiny_models, window) -> None:
    loaded = load_model(str(tiny_models("mistral", sliding_window=window)), device="cpu")
    outcome = run_both_ways(loaded, sentences(loaded))
    assert outcome.shared and outcome.difference < ROUNDING, outcome


@pytest.fixture(scope="module")
def llama(tiny_models):
    return load_model(str(tiny_models("llama")), device="cpu")


@pytest.mark.parametrize("options", [{"batch_tokens": 24}, {"limit_neurons": 7}])
def test_batches_and_limits_hold_as_in_whole_sentences(llama, options) -> None:
    outcome = run_both_ways(llama, sentences(llama), **options)
    assert outcome.shared and outcome.difference < ROUNDING, outcome


def test_fewer_tokens_are_run(llama) -> None:
    carriers, tokens = sentences(llama), []
    handle = llama.layers[0].module.register_forward_hook(
        lambda _module, args, _out: tokens.append(args[0][..., 0].numel())
    )
    try:
        captured(capture_layers, llama, carriers)
        whole = sum(tokens)
        tokens.clear()
        captured(capture_sharing_prefixes, llama, carriers)
    finally:
        handle.remove()
    assert sum(tokens) < 0.5 * whole


def test_the_forward_stops_behind_the_last_wanted_layer(llama) -> None:
    carriers, rows, seen = sentences(llama), [], []
    settings = PassSettings(position_mask=carriers.tokenized.scored)
    handle = llama.layers[2].module.register_forward_hook(lambda _module, _args, out: rows.append(len(out)))
    try:
        capture_sharing_prefixes(
            llama, carriers.tokenized, llama.layers[:2], lambda layer, _: seen.append(layer.layer), settings
        )
    finally:
        handle.remove()
    assert seen == [0, 1]
    # The prefixes alone go on: of a sentence with the space before its word, and without where the word has that.
    assert sum(rows) <= 2 * len(few_words().templates)


def test_the_residual_stream_is_handed_over_as_in_whole_sentences(llama) -> None:
    streams: list[dict[int, torch.Tensor]] = []
    for capture in (capture_layers, capture_sharing_prefixes):
        kept: dict[int, torch.Tensor] = {}
        listener = StreamListener(lambda layer, stream, kept=kept: kept.update({layer.layer: stream.clone()}))
        captured(capture, llama, sentences(llama), streams=listener)
        assert not listener.missing
        streams.append(kept)
    whole, behind = streams
    assert list(behind) == list(whole) == [0, 1, 2]
    for layer, stream in behind.items():
        torch.testing.assert_close(stream, whole[layer], rtol=1e-4, atol=1e-5)


def test_why_a_stream_is_missing_reaches_who_asked_for_it(tiny_models) -> None:
    loaded = load_model(str(tiny_models("gemma3n_text")), device="cpu")
    reasons = []
    for capture in (capture_layers, capture_sharing_prefixes):
        listener = StreamListener(lambda layer, _stream: pytest.fail(f"layer {layer.layer} has no stream"))
        captured(capture, loaded, sentences(loaded), streams=listener)
        reasons.append(listener.missing)
    assert "is not one vector for each token" in reasons[0] == reasons[1]


def test_what_goes_wrong_with_a_cache_is_no_error_but_is_logged(llama, monkeypatch) -> None:
    def broken(_cache: PrefixCache, _rows: Any) -> Any:
        raise TypeError("no such argument")

    monkeypatch.setattr(PrefixCache, "in_front_of", broken)
    outcome = run_both_ways(llama, sentences(llama))
    assert not outcome.shared and outcome.difference == 0
    assert outcome.reason.startswith("TypeError in test_prefix_pass.broken")
    assert hooks_left(llama.model) == 0


def test_a_prefix_of_another_sentence_is_noticed(llama, monkeypatch) -> None:
    right = PrefixCache.in_front_of
    monkeypatch.setattr(PrefixCache, "in_front_of", lambda cache, rows: right(cache, torch.zeros_like(rows)))
    config = few_words(templates=("He put 1 on the list: {}", "He put 2 on the list: {}"))
    outcome = run_both_ways(llama, sentences(llama, config))
    assert not outcome.shared and outcome.difference == 0
    assert "differs by" in outcome.reason


def test_few_sentences_and_windows_that_share_nothing_are_run_whole(llama) -> None:
    for config in (
        few_words(1, contrast=(), templates=("See {}",)),
        few_words(templates=("{} is the word",), add_bos=False),
    ):
        outcome = run_both_ways(llama, sentences(llama, replace(config, exclude_first_position=False)))
        assert (outcome.shared, outcome.reason, outcome.difference) == (False, "", 0)


def test_a_cancel_while_a_few_windows_are_looked_at_ends_the_pass(llama) -> None:
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        captured(capture_sharing_prefixes, llama, sentences(llama), cancel=cancel)
    assert hooks_left(llama.model) == 0


def test_weights_on_disk_are_not_fetched_for_more_forwards(tiny_models) -> None:
    where = {"": "cpu", "model.layers.1": "disk", "model.norm": "disk", "lm_head": "disk"}
    loaded = load_model(str(tiny_models("llama")), device_map=where)
    outcome = run_both_ways(loaded, sentences(loaded))
    assert (outcome.shared, outcome.reason, outcome.difference) == (False, "", 0)


def test_an_encoder_reads_whole_sentences(tmp_path) -> None:
    loaded = load_model(str(save(tiny_of("bert", "AutoModel"), tmp_path / "bert")), device="cpu")
    assert loaded.kind == "encoder"
    outcome = run_both_ways(loaded, sentences(loaded))
    assert (outcome.shared, outcome.reason, outcome.difference) == (False, "", 0)


@pytest.mark.parametrize(("packing", "within"), [("int8", 0.15), ("nf4", 1e-4)])
def test_packed_weights_give_the_same_within_what_packing_rounds(tmp_path, packing, within) -> None:
    loaded = load_model(str(save_packed(tmp_path / packing, packing)), device="cpu")
    outcome = run_both_ways(loaded, sentences(loaded))
    assert outcome.difference <= within and (outcome.shared or outcome.reason), outcome


def test_a_number_format_of_fewer_digits_has_its_own_tolerance(tiny_models) -> None:
    loaded = load_model(str(tiny_models("llama")), device="cpu", dtype="bfloat16")
    outcome = run_both_ways(loaded, sentences(loaded))
    assert outcome.shared and outcome.difference < 3e-2, outcome


def test_another_forward_costs_more_on_an_accelerator(llama) -> None:
    carriers = sentences(llama)
    settings = PassSettings(position_mask=carriers.tokenized.scored)
    here, elsewhere = (
        prefix_pass._worthwhile_groups(llama, carriers.tokenized, settings, cost)
        for cost in (prefix_pass._FORWARD_COST["cpu"], prefix_pass._FORWARD_COST_ELSEWHERE)
    )
    assert len(here) > 1 and elsewhere == []
