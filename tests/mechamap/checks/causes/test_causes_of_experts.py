"""Ablating neurons of routed experts, against models whose weights are without them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.by_name import load_model, scan_request

from mechamap.capture.rerun import text_of_run
from mechamap.checks.causes.ablated_window import Ablated
from mechamap.checks.causes.ablation import AblateSettings, ablate_run
from mechamap.checks.causes.ablator import Ablator
from mechamap.checks.causes.attribution import estimate_causes
from mechamap.checks.causes.target_words import word_targets
from mechamap.checks.confirm import confirm_run
from mechamap.checks.confirmation_pass import ConfirmSettings
from mechamap.config.schema import config_from_dict
from mechamap.errors import UnsupportedModel
from mechamap.figures.of_run import default_figure
from mechamap.models.loaded import LoadedModel
from mechamap.runs.run import Run
from mechamap.scan.scan import scan

TEXT = "The cat and the dog ate an apple. A horse went to Paris by train, and the bird sang in London all day."
# With every position scored, a neuron is ablated everywhere, and a model without its output weights is the same.
CONFIG = config_from_dict(
    {
        "texts": [TEXT],
        "categories": {"animal": ["cat", "dog", "horse", "bird"], "place": ["Paris", "London"]},
        "exclude_first_position": False,
        "exclude_special_tokens": False,
    },
    "test",
)


@pytest.fixture
def scanned(tiny_models: Callable[..., Path], tmp_path: Path) -> tuple[Run, LoadedModel]:
    folder = str(tiny_models("qwen2_moe"))
    loaded = load_model(folder, device="cpu")
    return scan(scan_request(folder, CONFIG, tmp_path / "run"), loaded=loaded), loaded


@contextmanager
def scaled(loaded: LoadedModel, name: tuple[int, int, int], factor: float) -> Iterator[None]:
    """The model with a neuron's output weights times a factor."""
    layer, expert, index = name
    part, place = next(its for its in loaded.layers if its.layer == layer).part_of(index, expert)
    module: Any = part.module
    weight = module.down_proj if expert >= 0 else module.weight
    at = (expert, slice(None), place) if expert >= 0 else (slice(None), place)
    with torch.no_grad():
        before = weight[at].clone()
        weight[at] *= factor
        yield
        weight[at] = before


def known(loaded: LoadedModel, run: Run) -> np.ndarray[Any, Any]:
    """Log probability of each word, ``[targets]``, of the model as it is."""
    targets = word_targets(run)
    return Ablator(loaded, text_of_run(run), targets).effects([])[1]


def routed_neurons(run: Run, count: int) -> list[tuple[int, int, int]]:
    """Neurons of experts that many tokens come to, and one of a shared expert in front."""
    layer = next(rows for rows in run.layers if rows.experts)
    tokens = run.column("tokens")[layer.rows]
    order = np.argsort(-tokens[layer.shared :], kind="stable")[:: max(1, (layer.width - layer.shared) // count)]
    rows = [layer.first_row, *(layer.first_row + layer.shared + order[: count - 1]).tolist()]
    return [(name.layer, name.expert, name.index) for name in map(run.neuron_name, rows)]


def test_ablating_an_experts_neuron_is_taking_its_output_weights_away(scanned: tuple[Run, LoadedModel]) -> None:
    run, loaded = scanned
    names = routed_neurons(run, 5)
    ablator = Ablator(loaded, text_of_run(run), word_targets(run))
    changes, before = ablator.effects([Ablated(layer, index, 0.0, expert) for layer, expert, index in names])
    for name, change in zip(names, changes, strict=True):
        with scaled(loaded, name, 0.0):
            assert change == pytest.approx(known(loaded, run) - before, abs=1e-4)
    assert np.abs(changes).max() > 1e-3


def test_the_estimate_is_the_slope_of_what_scaling_the_output_weights_does(scanned: tuple[Run, LoadedModel]) -> None:
    run, loaded = scanned
    run = estimate_causes(run, loaded)
    targets = word_targets(run)
    at_all = known(loaded, run)
    step = 1e-2
    for name in routed_neurons(run, 5):
        with scaled(loaded, name, 1 - step):
            slope, _ = targets.means((known(loaded, run) - at_all)[None] / step)
        row = run.row_of(f"L{name[0]}.E{name[1]}.N{name[2]}" if name[1] >= 0 else f"L{name[0]}.N{name[2]}")
        assert run.figure("cause")[row] == pytest.approx(slope[0], rel=0.1, abs=2e-3)
    assert np.isfinite(run.figure("cause")).all()


def test_findings_of_experts_are_confirmed_and_ablated_by_name(scanned: tuple[Run, LoadedModel]) -> None:
    run, loaded = scanned
    run = confirm_run(run, loaded, ConfirmSettings(permutations=20, splits=2))
    assert np.isfinite(run.figure("p")).all()
    assert np.isfinite(run.figure("held_out_auroc")).any()
    np.testing.assert_array_equal(np.isfinite(run.figure("strength")), np.isfinite(run.figure("ap")))
    assert default_figure(run) == "strength"
    layer, expert, index = routed_neurons(run, 2)[1]
    run, (found,) = ablate_run(run, loaded, [run.row_of(f"L{layer}.E{expert}.N{index}")], AblateSettings(controls=2))
    assert found.neuron == f"L{layer}.E{expert}.N{index}"
    assert len(found.controls) == 2


def test_a_model_whose_blocks_run_again_and_again_is_not_ablated(
    tiny_models: Callable[..., Path], tmp_path: Path
) -> None:
    folder = str(tiny_models("hrm_text"))
    loaded = load_model(folder, device="cpu")
    run = scan(scan_request(folder, CONFIG, tmp_path / "run"), loaded=loaded)
    with pytest.raises(UnsupportedModel, match=r"run up to .* times in a forward"):
        estimate_causes(run, loaded)
