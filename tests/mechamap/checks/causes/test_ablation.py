"""Ablating neurons of a run: effects, controls, and what is kept of them."""

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
from support.by_name import load_model, scan_request

from mechamap.capture.rerun import text_of_run
from mechamap.checks.causes.ablated_window import Ablated
from mechamap.checks.causes.ablation import CONTROLS, AblateSettings, ablate_run, strongest
from mechamap.checks.causes.ablator import Ablator
from mechamap.checks.causes.attribution import estimate_causes
from mechamap.checks.causes.target_words import word_targets
from mechamap.config.scan_config import Category
from mechamap.config.schema import default_config
from mechamap.errors import Cancelled, RunError, UsageError
from mechamap.events import StageEntered
from mechamap.models.loaded import LoadedModel
from mechamap.protocol.messages import Ablation, Effect, plain
from mechamap.runs.run import Run
from mechamap.scan.scan import scan

CATEGORIES = (
    Category("animal", ("cat", "dog", "horse")),
    Category("food", ("apple", "bread")),
    Category("place", ("Paris",)),
    Category("nothing", ("xylophone",)),
)
TEXTS = (
    "The cat sat on the mat and ate an apple. A dog and a horse went to Paris by train.",
    "In New York a cat saw the bread.",
)
PLACES = {"L0.N3": (0, 3), "L1.N40": (1, 40), "L2.N7": (2, 7)}


@pytest.fixture(scope="module")
def loaded(tiny_models: Callable[..., Path]) -> LoadedModel:
    return load_model(str(tiny_models("llama")), device="cpu")


@pytest.fixture(scope="module")
def scanned(loaded: LoadedModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scan_of(loaded, tmp_path_factory.mktemp("scanned") / "run")


def scan_of(loaded: LoadedModel, folder: Path, **changes: Any) -> Path:
    config = replace(default_config(), **{"categories": CATEGORIES, "texts": TEXTS, **changes})
    scan(scan_request(loaded.id, config, folder), loaded=loaded)
    return folder


@pytest.fixture
def run(scanned: Path, tmp_path: Path) -> Run:
    shutil.copytree(scanned, tmp_path / "run")
    return Run.open(tmp_path / "run")


def rows_of(run: Run, *names: str) -> list[int]:
    return [run.row_of(name) for name in names]


def plain_json(ablation: Ablation) -> Any:
    """It as a file holds it."""
    return json.loads(json.dumps(plain(ablation)))


def expected_of(run: Run, loaded: LoadedModel, values: dict[str, float]) -> tuple[np.ndarray, np.ndarray]:
    """Mean effects and their errors, ``[neurons, categories]``."""
    targets = word_targets(run)
    held = [Ablated(*PLACES[name], value) for name, value in values.items()]
    effects, _ = Ablator(loaded, text_of_run(run), targets).effects(held)
    return targets.means(effects)


# --- effects ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["zero", "mean"])
def test_each_neuron_has_its_effect_on_every_category_that_has_words(run: Run, loaded: LoadedModel, mode: Any) -> None:
    rows = rows_of(run, *PLACES)
    means = {name: float(run.figure("mean_all")[row]) for name, row in zip(PLACES, rows, strict=True)}
    values = dict.fromkeys(PLACES, 0.0) if mode == "zero" else means
    effects, errors = expected_of(run, loaded, values)
    run, found = ablate_run(run, loaded, rows, AblateSettings(mode=mode))
    assert [its.neuron for its in found] == list(PLACES)
    for number, its in enumerate(found):
        assert its.mode == mode
        assert list(its.categories) == ["animal", "food", "place"]
        for category, effect in enumerate(its.categories.values()):
            assert effect.effect == pytest.approx(effects[number, category], abs=1e-5)
            error = np.nan if effect.error is None else effect.error
            assert error == pytest.approx(errors[number, category], abs=1e-5, nan_ok=True)
        assert [effect.occurrences for effect in its.categories.values()] == [4, 2, 1]
        assert its.categories["place"].error is None  # one word has no scatter
    assert np.abs(effects[:, :3]).min() > 1e-6


def test_an_effect_is_beyond_its_controls_where_it_is_larger_than_all_of_them() -> None:
    assert Effect(-0.5, 0.1, 4, (0.1, -0.4)).beyond_controls
    assert not Effect(-0.5, 0.1, 4, (0.1, 0.6)).beyond_controls
    assert not Effect(-0.5, 0.1, 4, ()).beyond_controls
    assert not Effect(None, None, 0, (0.1,)).beyond_controls
    assert Effect(-0.5, 0.1, 4, (None, -0.4)).beyond_controls


# --- controls -----------------------------------------------------------------------------------------------


def test_controls_are_other_neurons_of_the_layer_that_are_about_as_active(run: Run, loaded: LoadedModel) -> None:
    asked = [*PLACES, "L1.N41", "L1.N42"]
    _, found = ablate_run(run, loaded, rows_of(run, *asked), AblateSettings(controls=4))
    sizes = np.sqrt(np.square(run.figure("mean_all")) + np.square(run.figure("std_all")))
    for its in found:
        row, controls = run.row_of(its.neuron), rows_of(run, *its.controls)
        assert len(set(controls)) == 4
        assert not set(its.controls) & set(asked)
        assert {int(run.layer_of[control]) for control in controls} == {int(run.layer_of[row])}
        layer = run.layer_rows(int(run.layer_of[row])).rows
        distance = np.abs(np.log(sizes[layer] / sizes[row]))
        nearest = np.sort(distance)[24 + len(asked)]  # they are drawn from the 24 nearest that were not asked for
        assert max(abs(np.log(sizes[control] / sizes[row])) for control in controls) <= nearest
        assert all(len(effect.controls) == 4 for effect in its.categories.values())


def test_the_effects_of_controls_are_what_ablating_them_does(run: Run, loaded: LoadedModel) -> None:
    run, (first,) = ablate_run(run, loaded, rows_of(run, "L1.N40"), AblateSettings(controls=2))
    run, controls = ablate_run(run, loaded, rows_of(run, *first.controls), AblateSettings(controls=0))
    for name, effect in first.categories.items():
        assert effect.controls == pytest.approx([its.categories[name].effect for its in controls], abs=1e-5)
    assert all(its.controls == () for its in controls)


def test_the_seed_says_which_controls(run: Run, loaded: LoadedModel) -> None:
    rows = rows_of(run, "L0.N3")
    drawn = [ablate_run(run, loaded, rows, AblateSettings(seed=seed))[1][0].controls for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert len(drawn[0]) == CONTROLS


# --- what is kept -------------------------------------------------------------------------------------------


def test_what_was_measured_is_kept_over_calls(run: Run, loaded: LoadedModel, tmp_path: Path) -> None:
    first, one = ablate_run(run, loaded, rows_of(run, "L0.N3"), AblateSettings(controls=2))
    assert not run.has("cause_measured")
    second, two = ablate_run(first, loaded, rows_of(run, "L2.N7"), AblateSettings(controls=0))
    measured = Run.open(tmp_path / "run").figure("cause_measured")
    for its in (*one, *two):
        row = second.row_of(its.neuron)
        assert measured[row, :3].tolist() == pytest.approx([effect.effect for effect in its.categories.values()])
        assert np.isnan(measured[row, 3])
    controls = rows_of(run, *one[0].controls)
    others = np.delete(np.arange(run.neurons), [*controls, *rows_of(run, "L0.N3", "L2.N7")])
    assert np.isfinite(measured[controls, :3]).all()  # they were measured too
    assert np.isnan(measured[others]).all()
    kept = json.loads((tmp_path / "run" / "run.json").read_text())["causes"]["ablations"]
    assert kept == {"L0.N3 zero": plain_json(one[0]), "L2.N7 zero": plain_json(two[0])}
    assert kept["L0.N3 zero"]["categories"]["place"]["error"] is None


def test_holding_a_neuron_at_its_mean_is_kept_by_itself(run: Run, loaded: LoadedModel) -> None:
    run, (zero,) = ablate_run(run, loaded, rows_of(run, "L0.N3"), AblateSettings(controls=0))
    before = np.array(run.figure("cause_measured"))
    run, (mean,) = ablate_run(run, loaded, rows_of(run, "L0.N3"), AblateSettings("mean", controls=0))
    np.testing.assert_array_equal(run.figure("cause_measured"), before)
    assert run.record.causes.ablations == {"L0.N3 zero": zero, "L0.N3 mean": mean}
    assert zero.categories["animal"].effect != mean.categories["animal"].effect


def test_an_estimate_and_ablations_stand_side_by_side(run: Run, loaded: LoadedModel) -> None:
    run, _ = ablate_run(run, loaded, rows_of(run, "L0.N3"), AblateSettings(controls=1))
    log_p = run.record.causes.log_p
    run = estimate_causes(run, loaded)
    assert list(run.record.causes.ablations) == ["L0.N3 zero"]
    assert run.record.causes.log_p == pytest.approx(log_p, abs=1e-4)
    assert run.has("cause") and run.has("cause_measured")
    assert "left alone" in run.record.causes.positions


def test_the_strongest_are_those_the_model_needs_most_measured_before_estimated(run: Run, loaded: LoadedModel) -> None:
    with pytest.raises(RunError, match="No effects on animal have been estimated"):
        strongest(run, "animal", 3)
    run = estimate_causes(run, loaded)
    estimate = np.asarray(run.column("cause", "animal"))
    assert strongest(run, "animal", 3) == np.argsort(estimate, kind="stable")[:3].tolist()
    assert len(strongest(run, "animal", 10_000)) == (estimate < 0).sum()  # no neuron that does harm
    best = strongest(run, "animal", 1)
    run, _ = ablate_run(run, loaded, best, AblateSettings(controls=0))
    known = estimate.copy()
    known[best] = run.column("cause_measured", "animal")[best]
    assert known[best] != estimate[best]
    assert strongest(run, "animal", 5) == np.argsort(known, kind="stable")[:5].tolist()


# --- refused and stopped ------------------------------------------------------------------------------------


def test_a_neuron_of_a_layer_that_is_not_complete_is_refused(run: Run, loaded: LoadedModel, tmp_path: Path) -> None:
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    record["layers"][1]["complete"] = False
    (tmp_path / "run" / "run.json").write_text(json.dumps(record))
    with pytest.raises(UsageError, match=r"L1\.N40 is in a layer that is not complete"):
        ablate_run(Run.open(tmp_path / "run"), loaded, rows_of(run, "L0.N3", "L1.N40"))


def test_a_text_without_words_is_refused(loaded: LoadedModel, tmp_path: Path) -> None:
    run = Run.open(scan_of(loaded, tmp_path / "run", texts=("A train went to the mat. It was on time.",)))
    with pytest.raises(RunError, match="contains no word of any category"):
        ablate_run(run, loaded, [0])


def test_a_cancelled_ablation_leaves_the_run_as_it_was(run: Run, loaded: LoadedModel, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir() if path.is_file()}
    cancel = threading.Event()

    def listen(event: Any) -> None:
        if isinstance(event, StageEntered) and "1 of 2 texts" in event.detail:
            cancel.set()

    with pytest.raises(Cancelled):
        ablate_run(run, loaded, rows_of(run, *PLACES), on_event=listen, cancel=cancel)
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir() if path.is_file()} == before
    assert not any(module._forward_pre_hooks or module._forward_hooks for module in loaded.model.modules())


def test_a_limited_run_draws_its_controls_from_what_it_has(loaded: LoadedModel, tmp_path: Path) -> None:
    run = Run.open(scan_of(loaded, tmp_path / "run", layers="1", limit_neurons=4))
    _, (its,) = ablate_run(run, loaded, [2], AblateSettings(controls=5))
    assert its.neuron == "L1.N2"
    assert sorted(its.controls) == ["L1.N0", "L1.N1", "L1.N3"]
