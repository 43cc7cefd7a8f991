"""Confirming a run: what is added to it, against plain computations, and what is refused."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.by_name import load_model, scan_request
from support.plain_activations import plain_activations
from support.planted_models import CATEGORIES, Planted, plant

from mechamap.capture.batches import BATCH_TOKENS
from mechamap.checks.confirm import confirm_run
from mechamap.checks.confirmation_pass import ConfirmSettings
from mechamap.config.scan_config import Category, ScanConfig
from mechamap.config.schema import config_from_dict, default_config
from mechamap.csv_files.run import read_csv
from mechamap.errors import Cancelled, ConfigError, RunError
from mechamap.events import LayerFinished, StageEntered
from mechamap.exports.registry import ExportRequest, export_run
from mechamap.figures.findings import confirmed
from mechamap.models.loaded import LoadedModel
from mechamap.runs.figure_names import CATEGORY_FIGURES, NEURON_FIGURES, TOKEN_FIGURES
from mechamap.runs.run import Run
from mechamap.scan.scan import scan
from mechamap.scores.carriers.held_out import HeldOut
from mechamap.scores.carriers.null import ShuffledLabels
from mechamap.scores.carriers.word_ranks import word_ranks
from mechamap.system.plain_values import to_plain_values
from mechamap.text.carrier_words import carrier_words
from mechamap.text.carriers import carry

ADDED = (
    "held_out_auroc",
    "held_out_ap",
    "specificity",
    "specificity_ap",
    "near_auroc",
    "hard_auroc",
    "explained",
    "p",
    "p_matched",
    "write_p",
    "carrier_ap",
    "strength",
)
QUICK = ConfirmSettings(permutations=39, splits=2)


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# --- a model in which it is known what must be found --------------------------------------------------------


@dataclass(frozen=True)
class Done:
    """A planted model, its run before it was confirmed and after."""

    planted: Planted
    loaded: LoadedModel
    scanned: Path
    confirmed: Path
    events: list[Any]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    folder = tmp_path_factory.mktemp("planted")
    planted = plant(folder / "model", "llama", 0)
    loaded = load_model(str(planted.folder), dtype="float32", device="cpu")
    scan(scan_request(loaded.id, config_from_dict(planted.config()), folder / "scanned"), loaded=loaded)
    shutil.copytree(folder / "scanned", folder / "confirmed")
    events: list[Any] = []
    confirm_run(Run.open(folder / "confirmed"), loaded, on_event=events.append)
    return Done(planted, loaded, folder / "scanned", folder / "confirmed", events)


def test_figures_are_added_and_the_others_stay_as_they_are(done: Done) -> None:
    before, after = Run.open(done.scanned), Run.open(done.confirmed)
    assert after.record.figures == (*before.record.figures, *ADDED)
    for name in ADDED:
        stored = np.load(done.confirmed / f"{name}.npy", mmap_mode="r", allow_pickle=False)
        assert (stored.dtype, stored.shape) == (np.float32, (after.neurons, len(after.categories)))
    kept, now = files_of(done.scanned), files_of(done.confirmed)
    for name in before.record.figures:
        assert now[f"{name}.npy"] == kept[f"{name}.npy"], name
    assert set(now) == set(kept) | {f"{name}.npy" for name in ADDED}
    assert replace(after.record, figures=before.record.figures, confirmation=None) == before.record


def test_what_was_planted_is_confirmed_and_holds_on_words_that_did_not_choose_it(done: Done) -> None:
    run = Run.open(done.confirmed)
    assert done.planted.neurons
    for neuron in done.planted.neurons:
        at = run.row_of(neuron.name), run.category_index(neuron.category)
        if neuron.reads:
            assert run.figure("p")[at] < 1 / 201  # beyond every shuffle
            assert run.figure("held_out_auroc")[at] > 0.95
            assert run.figure("held_out_ap")[at] > 0.85
            assert confirmed(run, neuron.category)[at[0]]
            assert run.figure("strength")[at] > 0.5
        if neuron.writes:
            assert run.figure("write_p")[at] < 0.05
    p = run.figure("p")
    assert p.min() > 0
    assert p.max() == 1
    assert 0.45 < np.median(run.figure("held_out_auroc")) < 0.55


def test_the_record_says_what_was_done_and_what_came_of_it(done: Done) -> None:
    about = json.loads((done.confirmed / "run.json").read_text())["confirmation"]
    run = Run.open(done.confirmed)
    assert about == to_plain_values(run.record.confirmation)
    assert (about["permutations"], about["splits"], about["seed"]) == (200, 4, 0)
    listed = sum(map(len, done.planted.categories.values())) + len(done.planted.contrast)
    assert about["words"] > listed  # others were drawn to match
    assert about["templates"] == list(done.planted.templates)
    assert about["neurons"] == run.neurons
    assert about["skipped"] == about["undefined"] == {}
    assert set(about["seconds"]) == {"pass", "score", "writes"}
    assert tuple(about["categories"]) == run.categories
    for name, its in about["categories"].items():
        readers = {neuron.name: neuron.reads for neuron in done.planted.neurons if neuron.category == name}
        column = run.column("p", name)
        assert its["words"] == len(CATEGORIES[name])
        assert its["significant"] == int((column < 0.05).sum())
        assert its["confirmed"] == int(confirmed(run, name).sum()) >= sum(map(bool, readers.values()))
        assert its["writers"] == int((run.column("write_p", name) < 0.05).sum())
        assert 0.6 < its["needed"] < 0.95
        assert len(its["chosen"]) == len(its["chosen_by_mean"]) == 8
        if any(readers.values()):
            assert set(its["chosen"]) <= {name for name, reads in readers.items() if reads}
            assert readers[its["best"]] == np.sign(its["best_reads"])
            assert its["held_out_auroc"] > 0.95
            assert its["held_out_auroc"] >= its["held_out_auroc_lowest"] > 0.9


def test_it_tells_its_stages_and_layers(done: Done) -> None:
    layers = [(event.layer, event.done, event.total) for event in done.events if isinstance(event, LayerFinished)]
    assert layers == [(0, 1, 3), (1, 2, 3), (2, 3, 3)]
    stages = [event.stage for event in done.events if isinstance(event, StageEntered)]
    assert stages[0] == "carriers"
    assert stages[-1] == "write"
    for event in done.events:
        json.dumps(event.to_dict())


def test_an_open_run_sees_what_was_added_when_it_looks_again(done: Done, tmp_path: Path) -> None:
    shutil.copytree(done.scanned, tmp_path / "run")
    watching = Run.open(tmp_path / "run")
    assert not watching.has("p")
    first = confirm_run(Run.open(tmp_path / "run"), done.loaded, QUICK)
    assert watching.refresh()
    np.testing.assert_array_equal(watching.figure("p"), first.figure("p"))
    second = confirm_run(Run.open(tmp_path / "run"), done.loaded, replace(QUICK, permutations=59, seed=1))
    assert watching.refresh()
    np.testing.assert_array_equal(watching.figure("p"), second.figure("p"))
    assert not np.array_equal(first.figure("p"), second.figure("p"))
    assert watching.record.figures.count("p") == 1
    assert watching.record.confirmation.permutations == 59
    assert not watching.refresh()


@pytest.mark.parametrize("layer", [None, 0, 1])
def test_a_cancelled_check_leaves_the_run_exactly_as_it_was(done: Done, tmp_path: Path, layer: int | None) -> None:
    shutil.copytree(done.confirmed, tmp_path / "run")
    before = files_of(tmp_path / "run")
    cancel = threading.Event()

    def listen(event: Any) -> None:
        if isinstance(event, LayerFinished) and event.layer == layer:
            cancel.set()

    if layer is None:
        cancel.set()
    with pytest.raises(Cancelled):
        confirm_run(Run.open(tmp_path / "run"), done.loaded, QUICK, listen, cancel)
    assert files_of(tmp_path / "run") == before
    assert not any(module._forward_pre_hooks for module in done.loaded.model.modules())


# --- against plain computations -----------------------------------------------------------------------------

WORDS = (
    Category("animal", ("cat", "dog", "horse", "lion", "elephant", "bear")),
    Category("place", ("Paris", "New York", "Rome", "Mexico City", "Cairo")),
)
OTHERS = ("table", "window", "quickly", "idea", "paper", "train station", "glass")
SENTENCES = ("The next word is {}", "They spoke of {}, and of nothing else.", "It was {} again.")
TEXTS = ("The cat sat on the mat. A dog and a horse went to Paris by train, and a lion ate an apple in New York.",)


def config_of(**changes: Any) -> ScanConfig:
    given = {"categories": WORDS, "contrast": OTHERS, "templates": SENTENCES, "texts": TEXTS, **changes}
    return replace(default_config(), **given)


@pytest.fixture(scope="module")
def tiny(tiny_models: Callable[..., Path]) -> LoadedModel:
    return load_model(str(tiny_models("gpt2")), device="cpu")


def scanned(loaded: LoadedModel, folder: Path, **changes: Any) -> Run:
    return scan(scan_request(loaded.id, config_of(**changes), folder), loaded=loaded)


@pytest.fixture(scope="module")
def base(tiny: LoadedModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the tiny model that was not confirmed."""
    folder = tmp_path_factory.mktemp("base") / "run"
    scanned(tiny, folder)
    return folder


@pytest.fixture
def copied(base: Path, tmp_path: Path) -> Run:
    """The same to add to."""
    shutil.copytree(base, tmp_path / "run")
    return Run.open(tmp_path / "run")


@pytest.fixture(scope="module")
def whole(tiny: LoadedModel, base: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The same, confirmed."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    shutil.copytree(base, folder)
    return confirm_run(Run.open(folder), tiny, QUICK)


def change_record(run: Run, change: Callable[[dict[str, Any]], None]) -> Run:
    """Write another run.json in the place of the one that is there."""
    assert run.path is not None
    record = json.loads((run.path / "run.json").read_text())
    change(record)
    (run.path / "run.json").write_text(json.dumps(record))
    return Run.open(run.path)


@pytest.fixture(scope="module")
def plain(tiny: LoadedModel) -> dict[str, np.ndarray]:
    """By pooling, each sentence read by itself, its word found by the characters: [neurons, words * sentences]."""
    spans: list[np.ndarray] = []
    for word in (*sum((category.words for category in WORDS), ()), *OTHERS):
        for sentence in SENTENCES:
            text, start = sentence.format(word), sentence.index("{}")
            encoded = tiny.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
            ends = enumerate(encoded["offset_mapping"], start=1)  # before them stands the BOS
            inside = [at for at, (first, last) in ends if first < start + len(word) and last > start]
            ids = [tiny.tokenizer.bos_token_id, *encoded["input_ids"]]
            seen = plain_activations(tiny, ids, [(0, 0, len(ids))])  # by layer, [positions, neurons]
            spans.append(np.concatenate(list(seen.values()), axis=1)[inside])
    return {
        "last": np.stack([span[-1] for span in spans], axis=1),
        "mean": np.stack([span.mean(axis=0) for span in spans], axis=1),
        "max": np.stack([span.max(axis=0) for span in spans], axis=1),
    }


@pytest.mark.parametrize("pooling", ["last", "mean", "max"])
def test_every_sentence_counts_with_what_the_neuron_does_at_its_word(
    tiny: LoadedModel, copied: Run, plain: dict[str, np.ndarray], pooling: str
) -> None:
    run = change_record(copied, lambda record: record["config"].update(pooling=pooling))
    run = confirm_run(run, tiny, QUICK)
    values = plain[pooling]
    words = carrier_words(config_of(), tiny.tokenizer)
    members = words.members[: words.plain]
    assert max(len(tiny.tokenizer.encode(f" {word}")) for word in words.words) > 3
    held_out = HeldOut(members, len(SENTENCES), QUICK.splits, QUICK.seed)
    ranks, *halves = word_ranks(values, len(SENTENCES), [np.arange(len(members)), *held_out.halves])
    expected, _ = held_out.add(values, halves, 0)
    null = ShuffledLabels(members, len(SENTENCES), QUICK.permutations, QUICK.seed)
    p = null.p(null.add(ranks))
    # a batch moves the last digit of an activation, and so may turn a pair around
    np.testing.assert_allclose(run.figure("held_out_auroc"), expected, atol=0.01)
    assert np.isclose(run.figure("p"), p, atol=1.5 / 40).mean() > 0.99
    others = plain["max" if pooling == "last" else "last"]
    other, _ = held_out.add(others, word_ranks(others, len(SENTENCES), held_out.halves), 0)
    assert np.abs(run.figure("held_out_auroc") - other).max() > 0.1


def test_the_size_of_a_batch_changes_nothing(
    tiny: LoadedModel, copied: Run, whole: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    carriers = carry(carrier_words(config_of(), tiny.tokenizer), config_of(), tiny.tokenizer, tiny.context)
    assert len(carriers.tokenized.ids) > 10 * 120
    monkeypatch.setitem(BATCH_TOKENS, "cpu", 120)
    parts = confirm_run(copied, tiny, QUICK)
    for name in ADDED:
        np.testing.assert_allclose(parts.figure(name), whole.figure(name), atol=0.02, err_msg=name)


def test_a_run_of_some_neurons_is_checked_on_those(tiny: LoadedModel, whole: Run, tmp_path: Path) -> None:
    part = confirm_run(scanned(tiny, tmp_path / "part", layers="0,2", limit_neurons=12), tiny, QUICK)
    rows = [whole.row_of(part.neuron_name(row)) for row in range(part.neurons)]
    np.testing.assert_array_equal(part.figure("held_out_auroc"), whole.figure("held_out_auroc")[rows])
    assert (part.figure("p") <= whole.figure("p")[rows]).all()  # fewer neurons to be lucky with
    assert part.record.confirmation.neurons == 24


def test_layers_that_are_not_complete_are_left_out(tiny: LoadedModel, copied: Run) -> None:
    run = change_record(copied, lambda record: record["layers"][1].update(complete=False))
    checked = confirm_run(run, tiny, QUICK)
    missing = run.layers[1].rows
    for name in ("held_out_auroc", "p", "write_p", "strength"):
        assert np.isnan(checked.figure(name)[missing]).all()
        assert np.isfinite(np.delete(checked.figure(name), np.r_[missing], axis=0)).all()


def test_a_neuron_that_is_not_finite_has_no_figures_and_harms_no_other(
    tiny: LoadedModel, copied: Run, whole: Run
) -> None:

    def overflow(_module: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
        args[0][..., 5] = torch.inf
        return args

    handle = tiny.layers[2].module.register_forward_pre_hook(overflow)
    try:
        checked = confirm_run(copied, tiny, QUICK)
    finally:
        handle.remove()
    row = checked.row_of("L2.N5")
    for name in ("held_out_auroc", "held_out_ap", "p", "strength"):
        assert np.isnan(checked.figure(name)[row]).all()
    others = np.delete(np.arange(whole.neurons), row)
    np.testing.assert_array_equal(checked.figure("held_out_auroc")[others], whole.figure("held_out_auroc")[others])
    assert checked.record.confirmation.neurons == whole.neurons - 1


def test_a_model_whose_weights_do_not_tell_what_neurons_write_is_checked_for_what_they_read(
    tiny_models: Callable[..., Path], tmp_path: Path
) -> None:
    loaded = load_model(str(tiny_models("opt", do_layer_norm_before=False)), device="cpu")
    run = confirm_run(scanned(loaded, tmp_path / "run"), loaded, QUICK)
    assert np.isfinite(run.figure("p")).all()
    assert np.isnan(run.figure("write_p")).all()
    assert "normalizes the residual stream" in run.record.confirmation.undefined["write_p"]
    assert [its.writers for its in run.record.confirmation.categories.values()] == [0, 0]


def test_a_category_of_one_word_is_not_split_and_says_so(tiny: LoadedModel, tmp_path: Path) -> None:
    run = confirm_run(scanned(tiny, tmp_path / "run", categories=(*WORDS, Category("sun", ("sun",)))), tiny, QUICK)
    about = to_plain_values(run.record.confirmation.categories["sun"])
    assert about["reason"] == "too few words to split into halves"
    assert "held_out_auroc" not in about
    assert np.isnan(run.column("held_out_auroc", "sun")).all()
    assert np.isfinite(run.column("p", "sun")).all()
    assert np.isfinite(run.column("held_out_auroc", "animal")).all()


# --- what is refused, and what is not -----------------------------------------------------------------------


def test_a_csv_cannot_be_confirmed(done: Done, tmp_path: Path) -> None:
    export_run(Run.open(done.scanned), tmp_path / "out.csv", ExportRequest("csv"))
    with pytest.raises(RunError, match="no model behind it"):
        confirm_run(read_csv(tmp_path / "out.csv"), done.loaded)


def test_another_model_is_refused_by_its_neurons(done: Done, tiny: LoadedModel, tmp_path: Path) -> None:
    shutil.copytree(done.scanned, tmp_path / "run")
    before = files_of(tmp_path / "run")
    with pytest.raises(RunError, match=r"is not the model of run: layer 0 has different neurons") as caught:
        confirm_run(Run.open(tmp_path / "run"), tiny)
    assert "model and revision" in caught.value.hint
    assert files_of(tmp_path / "run") == before


def test_a_category_needs_words_to_be_compared_with(tiny: LoadedModel, tmp_path: Path) -> None:
    run = scanned(tiny, tmp_path / "run", categories=WORDS[:1], contrast=())
    before = files_of(tmp_path / "run")
    with pytest.raises(ConfigError, match="Every word is in the category animal") as caught:
        confirm_run(run, tiny)
    assert "contrast" in caught.value.hint
    assert files_of(tmp_path / "run") == before


def test_a_run_without_a_complete_layer_is_refused(tiny: LoadedModel, copied: Run) -> None:
    def nothing_done(record: dict[str, Any]) -> None:
        for layer in record["layers"]:
            layer["complete"] = False

    with pytest.raises(RunError, match="No layer of run is complete"):
        confirm_run(change_record(copied, nothing_done), tiny)


def test_a_run_from_before_there_were_checks_can_be_confirmed(tiny: LoadedModel, copied: Run, tmp_path: Path) -> None:
    def age(record: dict[str, Any]) -> None:
        for name in ("templates", "contrast"):
            del record["config"][name]
        for name in ("unembedding", "undefined", "confirmation", "causes", "second_looks"):
            del record[name]
        for name in ("ap", "write"):
            record["figures"].remove(name)
            (tmp_path / "run" / f"{name}.npy").unlink()

    run = confirm_run(change_record(copied, age), tiny, QUICK)
    assert run.record.confirmation.templates == (default_config().templates)
    assert np.isfinite(run.figure("p")).all()
    old = {*CATEGORY_FIGURES, *NEURON_FIGURES, *TOKEN_FIGURES} - {"ap", "write"}
    assert set(run.record.figures) == old | set(ADDED) - {"carrier_ap", "strength"}  # which take an ap
