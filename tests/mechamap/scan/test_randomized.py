"""The same search in random counterparts of a model: what it finds there, what is kept, and what is left as it was."""

from __future__ import annotations

import shutil
import tempfile
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.by_name import load_model, scan_request
from support.hooks import hooks_left

from mechamap.checks.confirm import confirm_run
from mechamap.checks.confirmation_pass import ConfirmSettings
from mechamap.checks.natural_look import look_in_natural_text
from mechamap.checks.timed_reading import TimeLimit
from mechamap.cli.randomized_lines import randomized_lines, way_line
from mechamap.config.schema import default_config
from mechamap.errors import Cancelled, ModelError, RunError
from mechamap.events import LayerFinished, ScanStarted, Stage, StageEntered
from mechamap.figures.second_text import natural_look
from mechamap.models.loaded import LoadedModel
from mechamap.runs.run import Run
from mechamap.scan.randomized import search_randomized
from mechamap.scan.scan import scan
from mechamap_tui.dialogs.run_info_checks import check_lines

CATEGORIES = tuple(category for category in default_config().categories if category.name in ("animal", "color"))
CONFIG = replace(
    default_config(), categories=CATEGORIES, layers="1", templates=default_config().templates[:2], top_k_tokens=2
)
QUICK = ConfirmSettings(permutations=20, splits=1)


@pytest.fixture(scope="module")
def loaded() -> LoadedModel:
    return load_model("demo", device="cpu")


@pytest.fixture(scope="module")
def confirmed(loaded: LoadedModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some neurons of a layer of the bundled model, confirmed."""
    folder = tmp_path_factory.mktemp("confirmed") / "run"
    config = replace(CONFIG, limit_neurons=300)
    confirm_run(scan(scan_request("demo", config, folder), loaded=loaded), loaded, QUICK)
    return folder


@pytest.fixture
def run(confirmed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A copy of that run, and an empty folder for temporary files."""
    shutil.copytree(confirmed, tmp_path / "run")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return Run.open(tmp_path / "run")


def state_of(loaded: LoadedModel) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in loaded.model.state_dict().items()}


def assert_untouched(loaded: LoadedModel, before: dict[str, torch.Tensor], folder: Path) -> None:
    assert all(torch.equal(tensor, before[name]) for name, tensor in loaded.model.state_dict().items())
    assert hooks_left(loaded.model) == 0
    assert list((folder.parent / "temporary").iterdir()) == []


def test_nothing_is_confirmed_without_training_and_each_search_is_kept_beside_the_models_own(
    loaded: LoadedModel, run: Run
) -> None:
    assert run.path is not None
    before, figures = state_of(loaded), {name: run.figure(name).copy() for name in ("p", "ap", "strength")}
    events: list[Any] = []
    done = search_randomized(run, loaded, ("basis", "weights", "layers"), 1, on_event=events.append)
    assert_untouched(loaded, before, run.path)
    for name, values in figures.items():
        np.testing.assert_array_equal(done.figure(name), values)
    searches = done.record.randomized
    assert [search.way for search in searches.searches] == ["weights", "layers", "basis"]
    for name in done.categories:
        own = searches.model[name]
        assert own.confirmed == done.record.confirmation.categories[name].confirmed > 0
        assert own.strength == np.nanmax(done.column("strength", name))
        assert own.auroc == pytest.approx(0.5 + np.abs(done.column("selectivity", name)).max() / 2)
        for search in searches.searches[:2]:
            assert search.categories[name].confirmed <= own.confirmed // 4
            assert search.categories[name].auroc < own.auroc
            assert search.categories[name].strength < own.strength
    assert [search.copied > 0 for search in searches.searches] == [True, True, False]
    stages = [event.detail for event in events if isinstance(event, StageEntered) and event.stage is Stage.RANDOMIZE]
    assert len(stages) == 3
    assert not any(isinstance(event, ScanStarted) for event in events), "nobody is to open the temporary run"


def test_a_run_that_was_looked_at_in_a_natural_text_is_compared_over_as_much_of_it(
    loaded: LoadedModel, confirmed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(confirmed, tmp_path / "run")
    limit = TimeLimit(None, 1000.0, 0.0, tokens=700)
    run = confirm_run(look_in_natural_text(Run.open(tmp_path / "run"), loaded, limit), loaded, QUICK)
    looks = []

    def confirming(other: Run, random: LoadedModel, settings: ConfirmSettings, *others: Any) -> Run:
        looks.append(natural_look(other))
        assert replace(settings, hard_auroc=None) == QUICK
        assert settings.hard_auroc == run.record.confirmation.hard_auroc
        return confirm_run(other, random, settings, *others)

    monkeypatch.setattr("mechamap.scan.randomized.confirm_run", confirming)
    search_randomized(run, loaded, ("basis",))
    assert 300 < natural_look(run).tokens <= 700
    assert [look.tokens for look in looks] == [natural_look(run).tokens]


def test_the_tables_show_the_model_first(loaded: LoadedModel, run: Run) -> None:
    assert list(randomized_lines(run.record.randomized)) == []
    done = search_randomized(run, loaded, ("weights",))
    head, titles, animal, _ = randomized_lines(done.record.randomized)
    assert head.split() == ["model", "weights"]
    assert titles.split() == ["category", *("confirmed", "strength", "AUROC") * 2]
    own, other = done.record.randomized.model["animal"], done.record.randomized.searches[0].categories["animal"]
    assert animal.split()[:2] == ["animal", f"{own.confirmed}"]
    assert animal.split()[4] == f"{other.confirmed}"
    assert "a copy of " in way_line(done.record.randomized.searches[0], "shuffled")
    page = "\n".join(line for _, line in check_lines(done.record))
    assert f"animal: {other.confirmed} confirmed" in page
    assert f"(the model: {own.confirmed} confirmed" in page


def test_a_new_confirmation_drops_them(loaded: LoadedModel, run: Run) -> None:
    done = search_randomized(run, loaded, ("basis",))
    assert done.record.randomized.made
    assert not confirm_run(done, loaded, QUICK).record.randomized.made


@pytest.mark.parametrize("way", ["weights", "basis"])
def test_cancelling_leaves_no_trace_of_a_search(loaded: LoadedModel, run: Run, way: str) -> None:
    assert run.path is not None
    before, cancel = state_of(loaded), threading.Event()

    def listen(event: Any) -> None:
        if isinstance(event, LayerFinished):
            cancel.set()

    with pytest.raises(Cancelled):
        search_randomized(run, loaded, (way,), on_event=listen, cancel=cancel)
    assert_untouched(loaded, before, run.path)
    assert Run.open(run.path).record == run.record


def test_a_counterpart_that_cannot_be_read_is_told_and_the_others_are_searched(
    loaded: LoadedModel, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = scan

    def overflowing(request: Any, on_event: Any, cancel: Any, other: LoadedModel) -> Run:
        if other.model is not loaded.model:
            raise ModelError("demo, layer 0: its activations overflow in float16.")
        return real(request, on_event, cancel, other)

    monkeypatch.setattr("mechamap.scan.randomized.scan", overflowing)
    done = search_randomized(run, loaded, ("weights", "basis"))
    weights, basis = done.record.randomized.searches
    assert weights.reason == "demo, layer 0: its activations overflow in float16."
    assert basis.reason == "" and basis.categories
    head, *_ = randomized_lines(done.record.randomized)
    assert head.split() == ["model", "basis"]
    assert way_line(weights, "shuffled") == f"weights: not searched. {weights.reason}"


def test_a_run_that_is_not_confirmed_has_nothing_to_be_compared_with(loaded: LoadedModel, tmp_path: Path) -> None:
    config = replace(CONFIG, limit_neurons=20)
    run = scan(scan_request("demo", config, tmp_path / "bare"), loaded=loaded)
    with pytest.raises(RunError, match="is not confirmed"):
        search_randomized(run, loaded, ("basis",))
