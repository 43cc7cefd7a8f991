"""A second look at what a run found: exact scores on another text, and which readings drop there."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from support.by_name import load_model, scan_request
from support.plain_activations import plain_activations

from mechamap.capture.batches import BATCH_TOKENS
from mechamap.checks.second_text import candidates, score_second_text, standard_error
from mechamap.config.scan_config import Category, ScanConfig
from mechamap.config.schema import default_config
from mechamap.errors import Cancelled, RunError, TextError
from mechamap.events import StageEntered
from mechamap.figures.findings import confirmed, finding
from mechamap.models.loaded import LoadedModel
from mechamap.runs.additions import add_to_run
from mechamap.runs.run import Run
from mechamap.scan.scan import scan
from mechamap.system.plain_values import to_plain_values
from mechamap.text.occurrences import find_occurrences
from mechamap.text.tokenize import tokenize

CONFIG: ScanConfig = replace(
    default_config(),
    categories=(
        Category("animal", ("cat", "dog", "horse")),
        Category("food", ("apple", "bread")),
        Category("place", ("Paris", "New York")),
    ),
    texts=("The cat sat on the mat and ate an apple. A dog and a horse went to Paris by train, then New York.",),
    window=24,
)
# Seven animals, three kinds of food, no place; the windows hold 24 tokens.
SECOND = (
    "A dog ran away from the horse. The cat, another cat and the dog saw it on the train. They ate all the bread there "
    "was. A horse came in at last and sat down, and the cat ate the apple and the bread."
)


@pytest.fixture(scope="module")
def loaded(tiny_models: Callable[..., Path]) -> LoadedModel:
    return load_model(str(tiny_models("gpt2")), device="cpu")


@pytest.fixture(scope="module")
def scanned(loaded: LoadedModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scanned") / "run"
    scan(scan_request(loaded.id, CONFIG, folder), loaded=loaded)
    return folder


@pytest.fixture
def run(scanned: Path, tmp_path: Path) -> Run:
    shutil.copytree(scanned, tmp_path / "run")
    return Run.open(tmp_path / "run")


@pytest.fixture(scope="module")
def expected(loaded: LoadedModel) -> np.ndarray:
    """The AUROC of every neuron on the second text by scikit-learn: [neurons, categories], NaN for places."""
    tokenized = tokenize([SECOND], loaded.tokenizer, CONFIG, loaded.context)
    windows = [(0, window.start, window.length) for window in tokenized.windows]
    values = np.concatenate(list(plain_activations(loaded, tokenized.ids, windows).values()), axis=1)
    found = find_occurrences(tokenized, [SECOND], CONFIG.categories)
    aurocs = np.full((values.shape[1], 3), np.nan)
    for category in (0, 1):
        mine = [its for its in found if its.category == category]
        inside = {position for its in mine for position in range(its.first, its.last + 1)}
        rest = [position for position in np.flatnonzero(tokenized.scored).tolist() if position not in inside]
        samples = values[[its.last for its in mine] + rest]
        labels = [1] * len(mine) + [0] * len(rest)
        aurocs[:, category] = [roc_auc_score(labels, column) for column in samples.T]
    return aurocs


def doctored(run: Run, aurocs: dict[tuple[int, int], float]) -> Run:
    """The run as if its own text had given these AUROCs, by (row, category), and one half to all others."""
    assert run.path is not None
    values = np.full((run.neurons, 3), 0.5, np.float32)
    for at, auroc in aurocs.items():
        values[at] = auroc
    np.save(run.path / "auroc.npy", values)
    np.save(run.path / "selectivity.npy", 2 * values - 1)
    return Run.open(run.path)


def entries_of(run: Run, name: str = "second.txt") -> dict[tuple[str, str], dict[str, Any]]:
    (look,) = [its for its in run.record.second_looks if its.text == name]
    return {(its["neuron"], its["category"]): its for its in to_plain_values(look.neurons)}


# --- scores -------------------------------------------------------------------------------------------------


def test_candidates_are_scored_exactly_on_the_second_text(run: Run, loaded: LoadedModel, expected: np.ndarray) -> None:
    chosen = {category: candidates(run, category, 6) for category in run.categories}
    run = score_second_text(run, loaded, ("second.txt", SECOND), 6)
    second = run.figure("second_auroc")
    assert second.dtype == np.float32
    one_pair = 1.01 / (3 * 50)  # padding moves the last digit of an activation, and so may turn one pair around
    for number, category in enumerate(run.categories):
        rows = chosen[category]
        assert len(rows) == 6
        np.testing.assert_allclose(second[rows, number], expected[rows, number], atol=one_pair)
        assert np.isnan(np.delete(second[:, number], rows)).all()
    entries = entries_of(run)
    assert len(entries) == 12  # no place stands in the text, so nothing is said of those
    for (neuron, category), entry in entries.items():
        at = run.row_of(neuron), run.category_index(category)
        assert entry["first"] == pytest.approx(float(run.figure("auroc")[at]))
        assert entry["second"] == pytest.approx(float(second[at]))
        assert entry["occurrences"] == {"animal": 7, "food": 3}[category]
    assert run.record.second_looks[0].tokens == len(tokenize([SECOND], loaded.tokenizer, CONFIG, 128).ids)


def test_a_text_in_many_parts_is_scored_as_a_whole(
    run: Run, loaded: LoadedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(tmp_path / "run", tmp_path / "other")
    whole = score_second_text(run, loaded, ("second.txt", SECOND))
    monkeypatch.setitem(BATCH_TOKENS, "cpu", 50)
    told: list[str] = []
    parts = score_second_text(
        Run.open(tmp_path / "other"), loaded, ("second.txt", SECOND),
        on_event=lambda event: told.append(event.detail) if isinstance(event, StageEntered) else None,
    )  # fmt: skip
    assert any("2 of" in detail for detail in told)
    np.testing.assert_allclose(parts.figure("second_auroc"), whole.figure("second_auroc"), atol=0.01)


def test_candidates_read_most_up_or_down_and_are_confirmed_where_that_was_asked(run: Run) -> None:
    run = doctored(run, {(5, 0): 0.9, (9, 0): 0.02, (12, 0): 0.8, (14, 0): np.nan})
    assert candidates(run, "animal", 3) == [9, 5, 12]
    assert 14 not in candidates(run, "animal", run.neurons)
    p = np.ones((run.neurons, 3))
    p[[5, 12], 0], p[7, 0] = 0.01, 0.05
    assert run.path is not None
    run = add_to_run(run.path, {"p": p})
    assert candidates(run, "animal") == [5, 12]
    assert candidates(run, "food") == []


# --- what drops ---------------------------------------------------------------------------------------------


def test_a_reading_that_is_gone_is_flagged_in_either_direction_and_one_that_holds_is_not(
    run: Run, loaded: LoadedModel, expected: np.ndarray
) -> None:
    middling = np.flatnonzero((np.abs(expected[:, 0] - 0.5) < 0.02) & (np.abs(expected[:, 1] - 0.5) < 0.1))
    risen, fallen, few = middling[:3].tolist()
    holding, stronger = np.argsort(expected[:, 0])[[-1, -2]].tolist()
    low = int(expected[:, 0].argmin())
    aurocs = {
        (risen, 0): 0.97,
        (fallen, 0): 0.03,
        (holding, 0): expected[holding, 0] + 0.01,
        (stronger, 0): 0.6,
        (low, 0): expected[low, 0] - 0.005,
        (few, 1): 0.99,  # three occurrences say nothing, whatever they show
    }
    assert expected[stronger, 0] > 0.8
    run = score_second_text(doctored(run, aurocs), loaded, ("second.txt", SECOND), 5)
    dropped = {its: entry["dropped"] for its, entry in entries_of(run).items()}
    names = {row: str(run.neuron_name(row)) for row, _ in aurocs}
    assert {row: dropped[names[row], "animal"] for row in (risen, fallen, holding, stronger, low)} == {
        risen: True, fallen: True, holding: False, stronger: False, low: False,
    }  # fmt: skip
    assert not dropped[names[few], "food"]
    assert entries_of(run)[names[few], "food"]["occurrences"] == 3
    assert finding(run, risen, "animal").dropped_on == "second.txt"
    assert finding(run, holding, "animal").dropped_on == ""


def test_a_drop_within_two_standard_errors_is_no_drop(run: Run, loaded: LoadedModel, expected: np.ndarray) -> None:
    row = int(np.abs(expected[:, 0] - 0.65).argmin())
    second = expected[row, 0]
    tokenized = tokenize([SECOND], loaded.tokenizer, CONFIG, loaded.context)
    found = find_occurrences(tokenized, [SECOND], CONFIG.categories[:1])
    rest = int(tokenized.scored.sum()) - sum(its.last - its.first + 1 for its in found)
    error = standard_error(second, 7, rest)
    assert 2 * error > 0.12  # seven words are not many
    for first, drops in ((second + 2 * error - 0.01, False), (second + 2 * error + 0.01, True)):
        looked = score_second_text(doctored(run, {(row, 0): first}), loaded, ("second.txt", SECOND), 1)
        entry = entries_of(looked)[str(run.neuron_name(row)), "animal"]
        assert entry["error"] == pytest.approx(error, abs=2e-3)
        assert entry["dropped"] == drops


def test_the_standard_error_is_that_of_hanley_and_mcneil() -> None:
    # 0.8 over 10 and 20: q1 = 2/3, q2 = 32/45; (0.16 + 9 (2/3 - 0.64) + 19 (32/45 - 0.64)) / 200
    assert standard_error(0.8, 10, 20) == pytest.approx(
        np.sqrt((0.16 + 9 * (2 / 3 - 0.64) + 19 * (32 / 45 - 0.64)) / 200)
    )
    assert standard_error(0.8, 10, 20) == pytest.approx(0.0936, abs=1e-4)
    assert standard_error(1.0, 10, 20) == 0
    assert standard_error(0.5, 40, 60) == pytest.approx(np.sqrt((40 + 60 + 1) / (12 * 40 * 60)), rel=1e-2)


def test_what_drops_is_not_called_confirmed_any_more(run: Run, loaded: LoadedModel, expected: np.ndarray) -> None:
    row = int(np.abs(expected[:, 0] - 0.5).argmin())
    run = doctored(run, {(row, 0): 0.97})
    assert run.path is not None
    run = add_to_run(run.path, {"p": np.where(np.arange(run.neurons)[:, None] == row, 0.005, np.ones(3))})
    assert confirmed(run, "animal")[row]
    run = score_second_text(run, loaded, ("second.txt", SECOND))
    assert not confirmed(run, "animal").any()
    assert finding(run, row, "animal").badge == "dropped"


# --- what is kept -------------------------------------------------------------------------------------------


def test_a_look_at_a_text_of_the_same_name_takes_the_place_of_the_one_before(
    run: Run, loaded: LoadedModel, tmp_path: Path
) -> None:
    run = score_second_text(run, loaded, ("a.txt", SECOND), 2)
    run = score_second_text(run, loaded, ("b.txt", "The dog went to Paris. The cat ate."), 1)
    assert np.isfinite(run.figure("second_auroc")).sum() == 2 + 2 + 1  # the two best of two categories, and a place
    run = score_second_text(run, loaded, ("a.txt", "The dog saw the cat and the bread."), 1)
    looks = json.loads((tmp_path / "run" / "run.json").read_text())["second_looks"]
    assert [(look["text"], len(look["neurons"])) for look in looks] == [("b.txt", 2), ("a.txt", 2)]
    expected = np.full((run.neurons, 3), np.nan)
    for look in looks:
        for entry in look["neurons"]:
            expected[run.row_of(entry["neuron"]), run.category_index(entry["category"])] = entry["second"]
    assert np.isfinite(expected).sum(axis=0).tolist() == [1, 1, 1]  # a place, of which only the first text knows
    np.testing.assert_allclose(run.figure("second_auroc"), expected)


def test_a_run_in_which_nothing_is_confirmed_has_nothing_to_look_at(run: Run, loaded: LoadedModel) -> None:
    assert run.path is not None
    run = score_second_text(add_to_run(run.path, {"p": np.ones((run.neurons, 3))}), loaded, ("second.txt", SECOND))
    assert entries_of(run) == {}
    assert np.isnan(run.figure("second_auroc")).all()


# --- refused and stopped ------------------------------------------------------------------------------------


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_text_without_any_word_is_refused(run: Run, loaded: LoadedModel, tmp_path: Path) -> None:
    before = files_of(tmp_path / "run")
    with pytest.raises(RunError, match=r"other\.txt contains no word of any category of run"):
        score_second_text(run, loaded, ("other.txt", "A train went to the mat. It was on time."))
    with pytest.raises(TextError, match="is empty"):
        score_second_text(run, loaded, ("empty.txt", " \n"))
    assert files_of(tmp_path / "run") == before


def test_a_cancelled_look_leaves_the_run_as_it_was(
    run: Run, loaded: LoadedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(BATCH_TOKENS, "cpu", 50)
    before, cancel = files_of(tmp_path / "run"), threading.Event()

    def listen(event: Any) -> None:
        if isinstance(event, StageEntered) and event.detail.startswith("1 of"):
            cancel.set()

    with pytest.raises(Cancelled):
        score_second_text(run, loaded, ("second.txt", SECOND), on_event=listen, cancel=cancel)
    assert files_of(tmp_path / "run") == before
