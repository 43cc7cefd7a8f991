"""A set is ablated as one: what is lost is what whole forwards with a plain hook for each neuron lose."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support.by_name import load_model
from support.hooks import hooks_left
from support.plain_steering import plain_log_ps, plainly_steered

from mechamap.capture.rerun import text_of_run
from mechamap.checks.causes.ablation import AblateSettings, ablate_run
from mechamap.checks.causes.target_words import word_targets
from mechamap.errors import UsageError
from mechamap.models.loaded import LoadedModel
from mechamap.runs.run import Run
from mechamap.runs.sets.neuron_sets import NeuronSet
from mechamap.steering.hooks import NeuronChange
from mechamap.steering.set_effects import ablate_set

MEMBERS = NeuronSet.of("three", ["L0.N418", "L2.N194", "L3.N509"])


@pytest.fixture(scope="module")
def loaded() -> LoadedModel:
    return load_model("demo", device="cpu")


@pytest.mark.parametrize("mean", [False, True])
def test_the_effect_of_a_set_is_that_of_whole_forwards_without_it(demo_run: Run, loaded: LoadedModel, mean) -> None:
    effect = ablate_set(demo_run, loaded, MEMBERS, mean=mean, controls=2)
    text, targets = text_of_run(demo_run), word_targets(demo_run)
    values = [float(demo_run.figure("mean_all")[demo_run.row_of(name)]) if mean else 0.0 for name in MEMBERS.neurons]
    changes = [NeuronChange(name, value, False) for name, value in zip(MEMBERS.neurons, values, strict=True)]
    moved = np.zeros(len(targets.positions))
    for window in text.windows:
        inside = range(window.start, window.start + window.length)
        ids = torch.from_numpy(text.ids[list(inside)].astype(np.int64))[None]
        first = int(np.flatnonzero(text.scored[list(inside)])[0])
        known = plain_log_ps(loaded, ids)
        with plainly_steered(loaded, changes, slice(first, None)):
            without = plain_log_ps(loaded, ids)
        for place, position in enumerate(targets.positions):
            if position in inside:
                at = position - window.start
                moved[place] = float((without - known)[at - 1, ids[0, at]])
    means, _ = targets.means(moved)
    for number, name in enumerate(demo_run.categories):
        if name in effect.categories:
            assert effect.categories[name].effect == pytest.approx(means[number], abs=1e-4)
    assert hooks_left(loaded.model) == 0


def test_a_set_of_one_is_that_neurons_ablation(demo_run: Run, loaded: LoadedModel) -> None:
    alone = ablate_set(demo_run, loaded, NeuronSet.of("one", ["L3.N509"]), controls=0)
    assert not demo_run.has("cause_measured")  # nothing is kept
    _, (expected,) = ablate_run(demo_run, loaded, [demo_run.row_of("L3.N509")], AblateSettings(controls=0))
    for name, effect in expected.categories.items():
        assert alone.categories[name].effect == pytest.approx(effect.effect, abs=1e-4)


def test_controls_are_sets_of_the_same_layers(demo_run: Run, loaded: LoadedModel) -> None:
    effect = ablate_set(demo_run, loaded, MEMBERS, controls=3)
    assert [[name[:2] for name in chosen.split()] for chosen in effect.controls] == [["L0", "L2", "L3"]] * 3
    assert all(len(each.controls) == 3 for each in effect.categories.values())


def test_a_neuron_that_the_run_lacks_is_named(demo_run: Run, loaded: LoadedModel) -> None:
    with pytest.raises(UsageError, match=r"L1\.N9999 is not in this run"):
        ablate_set(demo_run, loaded, NeuronSet.of("x", ["L1.N9999"]))
