"""Activations over words, and placements of categories' words, from what a run kept and from its model run again."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from support.by_name import load_model, scan_request
from support.plain_activations import plain_activations
from support.recorded_run import recorded_run
from support.tiny_encoders import save_tiny

from mechamap.compare.closest.both_words import Source, words_of_both
from mechamap.compare.closest.settings import has_kept
from mechamap.compare.words import scratch_array as room
from mechamap.compare.words.activations import ModelWords, aligned, empty_activations, kept_words
from mechamap.compare.words.word_pass import read_words
from mechamap.config.schema import config_from_dict
from mechamap.errors import Cancelled, RunError, UsageError
from mechamap.events import LayerFinished, ScanEvent
from mechamap.models.loaded import LoadedModel
from mechamap.runs.run import Run
from mechamap.scan.scan import scan

TEXT = "The cat and the dog ate an apple. A horse went to Paris by train, and the bird sang in London all day. " * 3
CATEGORIES = {"animal": ["cat", "dog", "horse", "bird"], "place": ["Paris", "London"], "none": ["xylophone"]}


@dataclass(frozen=True)
class Scanned:
    run: Run
    loaded: LoadedModel


@pytest.fixture(scope="module")
def scanned(tiny_models: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Scanned]:
    """A tiny model of a type, scanned with some settings."""

    def make(model: str | Path, **changes: object) -> Scanned:
        folder = model if isinstance(model, Path) else tiny_models(model)
        settings = {"texts": [TEXT], "categories": CATEGORIES, "window": 40, "device": "cpu", **changes}
        loaded = load_model(str(folder), device="cpu")
        out = tmp_path_factory.mktemp("runs") / "run"
        run = scan(scan_request(str(folder), config_from_dict(settings, "test"), out), loaded=loaded)
        return Scanned(run, loaded)

    return make


def assert_same_auroc(words: ModelWords, tolerance: float = 1e-6) -> None:
    assert words.placed is not None
    truth = words.run.figure("auroc")
    assert np.isfinite(truth[:, :2]).any()
    np.testing.assert_allclose(words.placed.auroc(), truth, atol=tolerance)


def test_the_model_run_again_gives_its_activations_at_the_last_token_of_each_word(scanned) -> None:
    its = scanned("llama")
    words = read_words(its.run, its.loaded)
    tokens = its.run.record.tokens
    plain = plain_activations(its.loaded, tokens.ids, tokens.windows)
    positions = words.words.positions[words.numbers]
    assert words.shape == (240, len(positions)) and len(positions) > 60
    for layer in words.layers:
        np.testing.assert_allclose(words.block(layer.rows), plain[layer.layer][positions].T, atol=2e-5)
    last = [tokens.pieces[position][-1] for position in positions]
    assert last == [word[-1] for word in words.strings]
    rows = np.array([5, 100, 7])
    np.testing.assert_array_equal(words.block(rows), words.values[rows])


def test_what_was_kept_is_what_the_model_gives(scanned) -> None:
    its = scanned("gpt2")
    assert has_kept(its.run)
    kept, read = kept_words(its.run), read_words(its.run, its.loaded)
    np.testing.assert_array_equal(kept.numbers, read.numbers)
    np.testing.assert_allclose(kept.values, read.values, rtol=1e-3, atol=1e-4)


def test_a_run_that_kept_nothing_needs_its_model(scanned) -> None:
    its = scanned("gpt2", keep_activations="never")
    assert not has_kept(its.run)
    with pytest.raises(RunError, match="does not keep the activations of layer 0"):
        kept_words(its.run)


def test_rows_are_the_runs_where_layers_and_neurons_were_left_out_or_are_not_complete(scanned) -> None:
    its = scanned("llama", layers="0,2", limit_neurons=9)
    whole = scanned("llama")
    some, every = (read_words(it.run, it.loaded).values for it in (its, whole))
    np.testing.assert_allclose(some, np.concatenate([every[:9], every[160:169]]), atol=1e-5)
    layers = (its.run.layers[0], replace(its.run.layers[1], complete=False))
    partial = Run(replace(its.run.record, layers=layers), path=its.run.path)
    for words in (read_words(partial, its.loaded), kept_words(partial, placements=True)):
        assert np.isfinite(words.values[:9]).all() and np.isnan(words.values[9:]).all()
        assert words.layer_slices == (slice(0, 9),)
    assert np.isnan(words.placed.auroc()[9:]).all()


def test_two_models_are_aligned_over_the_words_that_both_read(scanned) -> None:
    a, b = scanned("gpt2"), scanned("llama", window=25, add_bos=False)
    one, other = read_words(a.run, a.loaded), kept_words(b.run)
    first, second = aligned(one, other)
    assert first.strings == second.strings
    assert 40 < first.shape[1] < max(one.shape[1], other.shape[1])
    columns = np.searchsorted(other.numbers, second.numbers)
    np.testing.assert_array_equal(second.block(slice(10, 20)), other.values[10:20][:, columns])
    with pytest.raises(UsageError, match="different texts"):
        aligned(one, read_words(b.run, b.loaded, ["Another text about a cat in Paris."]))


def test_of_two_texts_both_read_the_one_of_the_first(scanned) -> None:
    a, b = scanned("gpt2"), scanned("llama", texts=["A bird and a horse ate. " * 8])
    models = {id(its.run): its.loaded for its in (a, b)}
    first, second = words_of_both(a.run, b.run, Source(lambda run: models[id(run)]))
    assert first.words.texts == second.words.texts == (TEXT,)
    assert second.run is b.run and second.shape[0] == b.run.neurons


def test_another_text_is_read_with_the_runs_settings(scanned) -> None:
    its = scanned("llama")
    texts = ["A bird and a horse ate. " * 8, "Paris is not London."]
    words = read_words(its.run, its.loaded, texts, placements=True)
    fresh = scanned("llama", texts=texts)
    np.testing.assert_allclose(words.values, read_words(fresh.run, fresh.loaded).values, atol=1e-5)
    assert words.strings[:5] == ("A", "bird", "and", "a", "horse")
    np.testing.assert_allclose(words.placed.auroc(), fresh.run.figure("auroc"), atol=1e-6)


def test_large_activations_wait_in_a_file_of_which_nothing_is_left(
    scanned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    its = scanned("gpt2")
    small = kept_words(its.run, placements=True)
    monkeypatch.setattr(room, "IN_MEMORY", 0)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    words = kept_words(its.run, placements=True)
    assert isinstance(words.values, np.memmap) and isinstance(words.placed.sums, np.memmap)
    np.testing.assert_array_equal(words.placed.sums, small.placed.sums)
    assert list(tmp_path.iterdir()) == [], "it has no name, so a program that is killed leaves nothing behind"
    np.testing.assert_array_equal(words.values, small.values)
    assert words.at(words.numbers[:5]).block(slice(0, 2)).shape == (2, 5)


@pytest.mark.parametrize("in_memory", [0, 1 << 20])
def test_a_layer_that_is_not_complete_has_no_activations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_memory: int
) -> None:
    monkeypatch.setattr(room, "IN_MEMORY", in_memory)
    run = recorded_run(tmp_path / "run", complete=1)
    values = empty_activations(run, 7)
    assert values.shape == (run.neurons, 7)
    for layer in run.layers[1:]:
        assert np.isnan(values[layer.rows]).all()


def test_a_full_disk_is_said_before_anything_is_read(scanned, monkeypatch: pytest.MonkeyPatch) -> None:
    its = scanned("gpt2")
    monkeypatch.setattr(room, "IN_MEMORY", 0)
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: SimpleNamespace(free=1000))
    with pytest.raises(RunError, match=r"240 neurons over \d+ words take .*, more than is free in") as caught:
        read_words(its.run, its.loaded)
    assert "TMPDIR" in caught.value.hint


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="this system cannot keep room on a disk for a file")
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EINVAL])
def test_a_disk_that_others_fill_meanwhile_ends_no_program(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """A file with holes is written through memory: where the disk is full then, the process is killed by a signal."""

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(room, "IN_MEMORY", 0)
    monkeypatch.setattr(os, "posix_fallocate", refuse)
    if number == errno.EINVAL:  # of a disk that cannot keep room; the file is made all the same
        assert not room.empty_rows(3, 4).any()
        return
    with pytest.raises(RunError, match="No space left on device"):
        room.empty_rows(3, 4)


def test_it_tells_its_layers_and_can_be_stopped(scanned) -> None:
    its = scanned("llama")
    cancel, layers = threading.Event(), []

    def see(event: ScanEvent) -> None:
        if isinstance(event, LayerFinished):
            layers.append((event.done, event.total, event.neurons_done))
            cancel.set()

    with pytest.raises(Cancelled):
        read_words(its.run, its.loaded, on_event=see, cancel=cancel)
    assert layers == [(1, 3, 80)]


# --- placements ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pooling", ["last", "mean", "max"])
@pytest.mark.parametrize("model_type", ["llama", "opt"])  # opt: ReLU, half of all activations are equal
def test_the_mean_of_placements_is_the_runs_auroc(scanned, model_type: str, pooling: str) -> None:
    its = scanned(model_type, pooling=pooling)
    words = read_words(its.run, its.loaded, placements=True)
    assert_same_auroc(words, 1e-6 if pooling != "mean" else 2e-3)  # a mean may be rounded to either side of another
    placed = words.placed
    assert placed.words == ("cat", "dog", "horse", "bird", "Paris", "London")
    assert placed.category.tolist() == [0, 0, 0, 0, 1, 1]
    assert placed.counts.sum() == len(its.run.record.occurrences)
    # What was kept has fewer digits, so more values are equal.
    assert_same_auroc(kept_words(its.run, placements=True), 0.01)


@pytest.mark.parametrize("model_type", ["olmoe", "qwen2_moe"])
def test_an_experts_neuron_is_zero_and_unplaced_where_nothing_came_to_it(scanned, model_type: str) -> None:
    its = scanned(model_type)
    words = read_words(its.run, its.loaded, placements=True)
    assert_same_auroc(words)
    seen = its.run.figure("occurrences")
    for number in range(3):
        np.testing.assert_array_equal(words.placed.counts[:, words.placed.of_category(number)].sum(1), seen[:, number])
    layer = next(layer for layer in words.layers if layer.experts)
    block = words.block(layer.rows)[layer.shared :]
    routed = (block.reshape(layer.experts, -1, block.shape[1]) != 0).any(axis=1)  # [experts, words]
    assert set(routed.sum(axis=0).tolist()) <= {2} and routed.any(axis=1).sum() > 1  # two experts a token
    kept = kept_words(its.run, placements=True)
    np.testing.assert_allclose(kept.values, words.values, rtol=1e-3, atol=1e-4)
    np.testing.assert_array_equal(kept.placed.counts, words.placed.counts)


@pytest.mark.parametrize(("model_type", "auto"), [("bert", "AutoModelForMaskedLM"), ("t5", "AutoModelForSeq2SeqLM")])
def test_encoders_and_both_sides_of_an_encoder_decoder_have_words_too(
    scanned, tmp_path: Path, model_type: str, auto: str
) -> None:
    its = scanned(save_tiny(tmp_path / "model", model_type, auto))
    words = read_words(its.run, its.loaded, placements=True)
    assert_same_auroc(words)
    assert np.isfinite(words.values).all() and words.shape[0] == its.run.neurons
