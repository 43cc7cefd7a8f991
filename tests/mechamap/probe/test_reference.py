"""What is usual for a neuron: percentiles counted one by one, kept beside the run, worked out anew where needed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from support.by_name import load_configured
from support.made_corpus_run import made_corpus_run
from support.scanned_models import TEXT, Scanned, plain_layers

from mechamap.probe import reference_pass
from mechamap.probe.reference import HistogramReference, QuantileReference
from mechamap.probe.reference_pass import FILE, levels, reference_of
from mechamap.runs.run import Run


def scored_activations(scanned: Scanned) -> np.ndarray:
    """``[scored positions, neurons]`` of a text of one window, layer after layer."""
    tokens = scanned.run.record.tokens
    assert len(tokens.windows) == 1
    scored = np.setdiff1d(np.arange(len(tokens.ids)), tokens.excluded)
    plain = plain_layers(scanned.loaded, np.array(tokens.ids))
    return np.concatenate([plain[layer][scored] for layer in sorted(plain)], axis=1)


def test_percentiles_in_a_short_text_are_counted_exactly(scanned: Callable[..., Scanned]) -> None:
    subject = scanned("llama")
    reference, usual = reference_of(subject.run, subject.loaded), scored_activations(subject)
    assert reference.positions == len(usual) < 64
    rows = np.arange(subject.run.neurons)
    rng = np.random.default_rng(0)
    for values in (usual[3], usual.max(axis=0), usual.max(axis=0) + 1, rng.normal(size=len(rows)).astype(np.float32)):
        standing = reference.standing(rows, values)
        below, equal = (usual < values).sum(axis=0), (usual == values).sum(axis=0)
        assert np.allclose(standing.percentiles, 100 * (below + equal / 2) / len(usual))
        assert np.allclose(standing.high, (usual >= values).mean(axis=0))
        assert np.allclose(standing.low, (usual <= values).mean(axis=0))
    assert np.allclose(reference.mean, usual.mean(axis=0), atol=1e-6)
    assert np.allclose(reference.std, usual.std(axis=0), atol=1e-6)


def test_in_a_long_text_the_tails_are_exact_and_the_middle_is_close() -> None:
    rng = np.random.default_rng(1)
    usual = np.sort(rng.standard_t(3, size=(40, 8000)).astype(np.float32), axis=1)
    ranks = levels(8000, 40)
    assert len(ranks) <= 70
    reference = QuantileReference("", 8000, ranks, usual[:, ranks], usual.mean(axis=1), usual.std(axis=1))
    rows = np.arange(40)
    for share in (0.02, 0.3, 0.5, 0.77, 0.999):
        values = np.quantile(usual, share, axis=1).astype(np.float32)
        assert np.allclose(reference.standing(rows, values).percentiles, 100 * share, atol=1.0)
    highest, second = usual[:, -1], usual[:, -2]
    assert (reference.standing(rows, highest).high == 1 / 8000).all()
    assert np.allclose(reference.standing(rows, second).high, 2 / 8000)
    assert (reference.standing(rows, highest + 1).high == 0).all()
    assert (reference.standing(rows, usual[:, 0] - 1).low == 0).all()


def test_where_many_activations_are_equal_half_of_them_count_as_below() -> None:
    usual = np.sort(np.maximum(np.random.default_rng(2).normal(size=(5, 50)), 0).astype(np.float32), axis=1)
    reference = QuantileReference("", 50, np.arange(50), usual, usual.mean(axis=1), usual.std(axis=1))
    standing = reference.standing(np.arange(5), np.zeros(5, np.float32))
    zeros = (usual == 0).sum(axis=1)
    assert np.allclose(standing.percentiles, 100 * zeros / 2 / 50)
    assert np.allclose(standing.low, zeros / 50)
    assert (standing.high == 1).all()


def test_values_that_are_not_finite_stand_nowhere() -> None:
    usual = np.zeros((2, 3), np.float32)
    usual[1] = np.nan
    reference = QuantileReference("", 3, np.arange(3), usual, usual[:, 0], usual[:, 0])
    assert np.isnan(reference.standing(np.array([0, 0, 1]), np.array([np.nan, np.inf, 0], np.float32)).below).all()


@pytest.fixture
def copied(scanned: Callable[..., Scanned], tmp_path: Path) -> Scanned:
    """A run and a model of the test's own, nothing kept yet."""
    subject = scanned("gpt2")
    assert subject.run.path is not None
    shutil.copytree(subject.run.path, tmp_path / "run", ignore=shutil.ignore_patterns(FILE))
    shutil.copytree(subject.loaded.id, tmp_path / "model")
    run = Run.open(tmp_path / "run")
    return Scanned(run, load_configured(tmp_path / "model", run.config))


def counted_passes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    passes: list[int] = []
    real = reference_pass.capture_parts

    def counting(*args: object) -> None:
        passes.append(1)
        real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(reference_pass, "capture_parts", counting)
    return passes


def test_it_is_worked_out_once_and_then_read_from_the_runs_folder(
    copied: Scanned, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes = counted_passes(monkeypatch)
    first = reference_of(copied.run, copied.loaded)
    assert copied.run.path is not None
    assert (copied.run.path / FILE).is_file()
    second = reference_of(Run.open(copied.run.path), copied.loaded)
    assert len(passes) == 1
    assert isinstance(first, QuantileReference)
    assert isinstance(second, QuantileReference)
    assert np.array_equal(first.quantiles, second.quantiles)
    assert (first.words, first.positions, first.remark) == (second.words, second.positions, second.remark)


@pytest.mark.parametrize("damage", ["cut", "garbage", "shape", "order"])
def test_a_damaged_file_is_worked_out_again(copied: Scanned, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    passes = counted_passes(monkeypatch)
    first = reference_of(copied.run, copied.loaded)
    assert copied.run.path is not None
    file = copied.run.path / FILE
    arrays = dict(np.load(file))
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:1000])
    elif damage == "garbage":
        file.write_bytes(b"garbage")
    else:
        arrays["mean" if damage == "shape" else "ranks"] = arrays["mean" if damage == "shape" else "ranks"][::-1][1:]
        np.savez(file, **arrays)
    again = reference_of(copied.run, copied.loaded)
    assert len(passes) == 2
    assert np.array_equal(first.mean, again.mean)


def test_a_model_that_has_changed_on_disk_is_read_anew_and_named(
    copied: Scanned, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes = counted_passes(monkeypatch)
    assert reference_of(copied.run, copied.loaded).remark == ""
    with torch.no_grad():
        for parameter in copied.loaded.model.parameters():
            parameter.mul_(1.3)
    copied.loaded.model.save_pretrained(copied.loaded.id)
    changed = load_configured(copied.loaded.id, copied.run.config)
    remark = reference_of(copied.run, changed).remark
    assert len(passes) == 2
    assert remark.startswith("The model has changed since the scan")


def test_a_folder_that_cannot_be_written_does_without_the_file(
    copied: Scanned, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(reference_pass, "replacing", refuse)
    assert reference_of(copied.run, copied.loaded).positions > 10
    assert copied.run.path is not None
    assert not (copied.run.path / FILE).exists()


def test_of_a_long_text_windows_are_drawn_evenly(
    scanned: Callable[..., Scanned], monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = scanned("gpt2", texts=(TEXT,) * 12, window=32)
    from mechamap.probe.usual_text import usual_text

    whole = usual_text(subject.run, subject.loaded)
    assert whole.whole
    part = usual_text(subject.run, subject.loaded, enough=whole.positions // 4)
    assert not part.whole
    assert part.positions == pytest.approx(whole.positions / 4, rel=0.2)
    assert "drawn evenly" in part.words
    texts = {window.text for window in part.tokenized.windows}
    assert len(texts) > 3
    for window in part.tokenized.windows:
        piece = part.tokenized.ids[window.start : window.start + window.length]
        assert piece[0] == subject.run.record.tokens.ids[0]  # each begins as a window does
    np.testing.assert_array_equal(part.tokenized.scored.sum(), part.positions)


def test_a_run_over_a_corpus_answers_from_its_histograms(tmp_path: Path) -> None:
    run = made_corpus_run(tmp_path / "run")
    reference = HistogramReference(run)
    rows = np.arange(run.neurons)
    low, high = run.figure("min")[rows], run.figure("max")[rows]
    assert (reference.standing(rows, high + 1).high <= 0).all()
    assert (reference.standing(rows, low - 1).low <= 0).all()
    middle = reference.standing(rows, ((low + high) / 2).astype(np.float32))
    assert ((middle.percentiles >= 0) & (middle.percentiles <= 100)).all()
    assert (reference.standing(rows, high).high > 0).all()
