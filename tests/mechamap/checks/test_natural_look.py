"""The natural text that is read right after a scan: exact scores, what holds there, what is kept, what stops it."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score
from support.by_name import load_model, scan_request
from support.plain_activations import plain_activations
from support.tiny_encoders import save_tiny

from mechamap.checks import natural_look as module
from mechamap.checks.natural_look import look_in_natural_text
from mechamap.checks.strength import run_evidence, word_weight
from mechamap.checks.timed_reading import TimeLimit, joined_passages
from mechamap.config.scan_config import Category, ScanConfig
from mechamap.config.schema import default_config
from mechamap.errors import Cancelled
from mechamap.events import StageEntered
from mechamap.figures.findings import confirmed, dropped, finding
from mechamap.figures.of_run import default_figure
from mechamap.figures.second_text import least_precision, natural_look, reliability, reliability_text
from mechamap.models.loaded import LoadedModel
from mechamap.runs.additions import add_to_run
from mechamap.runs.run import Run
from mechamap.scan.scan import scan
from mechamap.scan.with_checks import Checks, scan_and_check
from mechamap.text.natural_text import NATURAL_TEXT
from mechamap.text.occurrences import find_occurrences
from mechamap.text.tokenize import tokenize

CONFIG: ScanConfig = replace(
    default_config(),
    categories=(
        Category("animal", ("cat", "dog", "horse"), ("mare", "hound")),
        Category("food", ("apple", "bread")),
        Category("tool", ("hammer",)),
    ),
    texts=("The cat sat on the mat and ate an apple. A dog and a horse broke a hammer by the bread, then it rained.",),
    window=24,
)
PASSAGES = (
    "The dog ran from the horse. A mare saw a cat and the dog, and a hound saw the cat.",
    "They ate the bread, an apple and the bread again. It rained, and nothing more was heard of them.",
    "A horse came in and sat down near the hound. The mare ate an apple, another apple, and the bread.",
)
UNLIMITED = TimeLimit(None, 1000.0, 0.0)


@pytest.fixture(scope="module")
def loaded(tiny_models: Callable[..., Path]) -> LoadedModel:
    return load_model(str(tiny_models("gpt2")), device="cpu")


@pytest.fixture(scope="module")
def scanned(loaded: LoadedModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scanned") / "run"
    scan(scan_request(loaded.id, CONFIG, folder), loaded=loaded)
    return folder


@pytest.fixture
def run(scanned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(module, "unread_passages", lambda texts: PASSAGES)
    monkeypatch.setattr(module, "ordered_passages", lambda passages, categories: list(passages))
    shutil.copytree(scanned, tmp_path / "run")
    return Run.open(tmp_path / "run")


def expected(loaded: LoadedModel, falls: np.ndarray, *, others: bool = False) -> dict[int, tuple[Any, Any]]:
    """AUROC and AP of every neuron for the categories that the passages have, by scikit-learn: [neurons] each."""
    texts = joined_passages(PASSAGES, CONFIG, loaded.context)
    tokenized = tokenize(texts, loaded.tokenizer, CONFIG, loaded.context)
    values = plain_activations(loaded, tokenized.ids, [(0, w.start, w.length) for w in tokenized.windows])
    all_values = np.concatenate(list(values.values()), axis=1)  # [positions, neurons]
    scores = {}
    for number in (0,) if others else (0, 1):
        category = CONFIG.categories[number]
        spans = [
            find_occurrences(tokenized, texts, (Category("listed", words),)) if words else ()
            for words in (category.words, category.others)
        ]
        inside = {position for each in (*spans[0], *spans[1]) for position in range(each.first, each.last + 1)}
        rest = [position for position in np.flatnonzero(tokenized.scored).tolist() if position not in inside]
        positives = [each.last for each in spans[int(others)]]
        labels = [1] * len(positives) + [0] * len(rest)
        samples = all_values[positives + rest] * np.where(falls[:, number], -1, 1)
        scores[number] = (
            np.array([roc_auc_score(labels, column) for column in samples.T]),
            np.array([average_precision_score(labels, column) for column in samples.T]),
        )
    return scores


# --- scores -------------------------------------------------------------------------------------------------


def test_candidates_are_scored_exactly_in_the_direction_of_the_scan(run: Run, loaded: LoadedModel) -> None:
    falls = np.asarray(run.figure("selectivity")) < 0
    looked = look_in_natural_text(run, loaded, UNLIMITED)
    for prefix, others in (("second", False), ("others", True)):
        for number, (auroc, ap) in expected(loaded, falls, others=others).items():
            got = np.asarray(looked.figure(f"{prefix}_ap"))[:, number]
            chosen = np.isfinite(got)
            assert chosen.sum() == min(module.CANDIDATES, run.neurons)
            np.testing.assert_allclose(got[chosen], ap[chosen], rtol=2e-3)
            plain = np.where(falls[:, number], 1 - auroc, auroc)
            np.testing.assert_allclose(
                np.asarray(looked.figure(f"{prefix}_auroc"))[chosen, number], plain[chosen], atol=2e-3
            )
    assert np.isnan(looked.figure("second_ap")[:, 2]).all()
    assert np.isnan(looked.figure("others_ap")[:, 1:]).all()


def test_only_the_first_by_average_precision_are_looked_at_and_come_first(
    run: Run, loaded: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CANDIDATES", 10)
    looked = look_in_natural_text(run, loaded, UNLIMITED)
    assert default_figure(looked) == "strength"
    for number, category in enumerate(("animal", "food")):
        first = np.argsort(-run.column("ap", category), kind="stable")[:10]
        assert sorted(np.flatnonzero(np.isfinite(looked.figure("second_ap")[:, number]))) == sorted(first)
        strength = looked.column("strength", category)
        assert strength[first].min() >= np.delete(strength, first).max()
    np.testing.assert_allclose(looked.column("strength", "tool"), run.column("ap", "tool"), rtol=1e-5)


def test_strength_counts_each_text_by_its_words(run: Run, loaded: LoadedModel) -> None:
    looked = look_in_natural_text(run, loaded, UNLIMITED)
    look = natural_look(looked)
    assert look is not None
    assert look.categories["animal"].words == {"dog": 2, "horse": 2, "cat": 2}
    assert look.categories["animal"].others == {"mare": 2, "hound": 2}
    weights = run_evidence(run).weight[0], word_weight((2, 2, 2))
    assert weights == (3.0, pytest.approx(3 * 2**0.5))
    base = look.categories["animal"].base
    assert base == pytest.approx(6 / (6 + look.categories["animal"].rest))
    first, second = run.column("ap", "animal"), np.fmax(looked.column("second_ap", "animal"), base)
    expected_strength = (first ** weights[0] * second ** weights[1]) ** (1 / sum(weights))
    np.testing.assert_allclose(looked.column("strength", "animal"), expected_strength, rtol=1e-4)


# --- what holds ---------------------------------------------------------------------------------------------


def test_a_reading_holds_with_a_high_auroc_and_a_precision_far_from_chance(run: Run, loaded: LoadedModel) -> None:
    falls = np.asarray(run.figure("selectivity")) < 0
    looked = look_in_natural_text(run, loaded, UNLIMITED)
    look = natural_look(looked)
    assert look is not None
    auroc, ap = expected(loaded, falls)[0]
    held = looked.column("second_held", "animal")
    weak = (auroc < 0.8) | (ap < least_precision(look.categories["animal"].base))
    looked_at = np.isfinite(looked.column("second_ap", "animal"))
    sure = (
        looked_at
        & (np.abs(auroc - 0.8) > 0.005)
        & (np.abs(ap - least_precision(look.categories["animal"].base)) > 0.005)
    )
    assert weak.any()
    assert (held[sure & weak] == 0).all()
    of_food = np.isfinite(looked.column("second_ap", "food"))
    assert np.isfinite(looked.column("second_held", "food"))[of_food].all()  # exactly as many words as it takes
    assert np.isnan(looked.column("second_held", "tool")).all()
    marked = dropped(looked, "animal")
    np.testing.assert_array_equal(marked, held == 0)
    assert finding(looked, int(np.flatnonzero(marked)[0]), "animal").badge == "dropped"
    assert look.categories["animal"].failed == int(marked.sum())


def test_a_confirmed_neuron_that_fails_there_is_not_called_confirmed(run: Run, loaded: LoadedModel) -> None:
    looked = look_in_natural_text(run, loaded, UNLIMITED)
    assert looked.path is not None
    looked = add_to_run(looked.path, {"p": np.full((run.neurons, 3), 0.001)})
    assert not (confirmed(looked, "animal") & dropped(looked, "animal")).any()


def test_reliability_counts_the_first_of_the_list_and_their_other_words(run: Run, loaded: LoadedModel) -> None:
    looked = look_in_natural_text(run, loaded, UNLIMITED)
    counts = reliability(looked, "animal")
    assert counts is not None
    first = np.argsort(-looked.column("strength", "animal"), kind="stable")[:20]
    assert (counts.listed, counts.held) == (20, int((looked.column("second_held", "animal")[first] == 1).sum()))
    assert counts.others is None  # four occurrences say nothing
    assert reliability_text(counts) == f"{counts.held} of the first 20 read it in a second text too"
    assert reliability(looked, "tool") is None


def test_the_record_lists_the_first_with_their_errors(run: Run, loaded: LoadedModel) -> None:
    look = natural_look(look_in_natural_text(run, loaded, UNLIMITED))
    assert look is not None
    entries = [entry for entry in look.neurons if entry.category == "animal"]
    assert len(entries) == 20
    words = entries[0].words
    assert words is not None
    assert words.ap_error == pytest.approx((words.ap * (1 - words.ap) / 6) ** 0.5, abs=1e-5)
    assert entries[0].others is not None
    assert entries[0].second == pytest.approx(words.auroc) or entries[0].second == pytest.approx(1 - words.auroc)


# --- time, words, stops -------------------------------------------------------------------------------------


def test_where_there_is_no_time_the_record_says_so(run: Run, loaded: LoadedModel) -> None:
    looked = look_in_natural_text(run, loaded, TimeLimit(0.0, 1000.0, time.perf_counter()))
    look = natural_look(looked)
    assert look is not None
    assert (look.tokens, look.reason) == (0, "A third of the scan's time is too short to read any of it.")
    assert default_figure(looked) == "ap"
    assert not looked.has("second_ap")


def test_where_experts_see_too_little_there_are_no_candidates(tiny_models: Callable[..., Path], tmp_path: Path) -> None:
    model = load_model(str(tiny_models("qwen2_moe")), device="cpu")
    config = replace(CONFIG, categories=CONFIG.categories[2:], second_text="always")  # one word, once
    run = scan_and_check(scan_request(model.id, config, tmp_path / "run"), Checks(), load=lambda: model)
    look = natural_look(run)
    assert look is not None
    assert look.reason == "No neuron has enough occurrences of a category to be a candidate."


def test_where_none_of_the_words_occur_the_record_says_so(
    run: Run, loaded: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "unread_passages", lambda texts: ("It rained, and nothing more was heard of them.",))
    look = natural_look(look_in_natural_text(run, loaded, UNLIMITED))
    assert look is not None
    assert "no word of any category" in look.reason


def test_a_cancelled_look_leaves_the_run_as_it_was(run: Run, loaded: LoadedModel) -> None:
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        look_in_natural_text(run, loaded, UNLIMITED, cancel=cancel)
    assert run.path is not None
    assert natural_look(Run.open(run.path)) is None


@pytest.mark.parametrize(("when", "looks"), [("always", 1), ("never", 0)])
def test_a_scan_reads_it_as_the_config_has_it(loaded: LoadedModel, tmp_path: Path, when: str, looks: int) -> None:
    config = replace(CONFIG, second_text=when)  # type: ignore[arg-type]
    run = scan_and_check(scan_request(loaded.id, config, tmp_path / "run"), Checks(), load=lambda: loaded)
    assert len(run.record.second_looks) == looks
    assert run.has("strength") == bool(looks)
    again = scan_request(loaded.id, config, tmp_path / "run", resume=True)
    resumed = scan_and_check(again, Checks(), load=lambda: loaded)
    assert resumed.record.second_looks == run.record.second_looks


@pytest.mark.parametrize("architecture", ["bert", "t5", "qwen2_moe"])
def test_encoders_and_experts_are_looked_at_too(
    tiny_models: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, architecture: str
) -> None:
    monkeypatch.setattr(module, "unread_passages", lambda texts: PASSAGES)
    if architecture == "qwen2_moe":
        folder = tiny_models(architecture)
    else:
        folder = save_tiny(tmp_path / "model", architecture, "AutoModel")
    model = load_model(str(folder), device="cpu")
    config = replace(CONFIG, texts=CONFIG.texts * 12, second_text="always")  # so that experts see enough of it
    run = scan_and_check(scan_request(model.id, config, tmp_path / "run"), Checks(), load=lambda: model)
    look = natural_look(run)
    assert look is not None
    assert look.tokens > 0
    assert set(look.categories["animal"].words) == {"dog", "horse", "cat"}
    assert np.isfinite(run.column("second_ap", "animal")).sum() == look.categories["animal"].candidates > 0
    assert 0 < np.nanmax(run.column("strength", "animal")) <= 1


def test_a_cancel_during_the_second_text_leaves_a_complete_scan(loaded: LoadedModel, tmp_path: Path) -> None:
    cancel = threading.Event()

    def listen(event: object) -> None:
        if isinstance(event, StageEntered) and event.detail == NATURAL_TEXT:
            cancel.set()

    config = replace(CONFIG, second_text="always")
    request = scan_request(loaded.id, config, tmp_path / "run")
    run = scan_and_check(request, Checks(), on_event=listen, cancel=cancel, load=lambda: loaded)
    assert run.record.state == "complete"
    assert natural_look(run) is None
