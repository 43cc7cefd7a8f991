"""What scan and confirmation say of planted models, of the same under shuffled labels, and of bare ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np
from scipy.stats import binom, kstest

from mechamap.checks.confirm import confirm_run
from mechamap.checks.confirmation_pass import ConfirmSettings
from mechamap.config.schema import config_from_dict
from mechamap.figures.catalogue import SIGNIFICANT
from mechamap.figures.findings import Finding, finding
from mechamap.models.loaded import LoadedModel
from mechamap.runs.run import Run
from mechamap.scan.scan import scan
from support.by_name import load_model, scan_request
from support.planted_models import Architecture, Planted, PlantedNeuron, plant

Kind = Literal["planted", "shuffled", "bare"]
KINDS: tuple[Kind, ...] = ("planted", "shuffled", "bare")
SURE = 0.001  # how often a test of a rate may fail though the program is right


@dataclass(frozen=True, slots=True)
class Checked:
    """One model, scanned and confirmed. ``neurons`` are those planted for the categories that were looked for."""

    neurons: tuple[PlantedNeuron, ...]
    findings: dict[PlantedNeuron, Finding]
    smallest: dict[str, float]  # of ``p`` and ``write_p``, the smallest of all cells but those planted
    where: dict[str, str]  # and the cell


@cache
def checked(architecture: Architecture, seed: int, kind: Kind) -> Checked:
    """A model of this seed; worked out once."""
    return _checked(architecture, seed, kind != "bare")[kind]


@cache
def _checked(architecture: Architecture, seed: int, planted: bool) -> dict[Kind, Checked]:
    with TemporaryDirectory() as folder:
        made = plant(Path(folder) / "model", architecture, seed, planted)
        loaded = load_model(str(made.folder), dtype="float32", device="cpu")
        if not planted:
            return {"bare": _check(made, loaded, "bare")}
        shuffled = _shuffled(made)
        return {"planted": _check(made, loaded, "planted"), "shuffled": _check(shuffled, loaded, "shuffled")}


def _shuffled(made: Planted) -> Planted:
    """The same model and words, each word in a random place: nothing is planted for such categories."""
    words = [*sum(made.categories.values(), ()), *made.contrast]
    order = [str(word) for word in np.random.default_rng(made.seed).permutation(words)]
    categories: dict[str, tuple[str, ...]] = {}
    for name, its in made.categories.items():
        categories[name], order = tuple(order[: len(its)]), order[len(its) :]
    return replace(made, categories=categories, contrast=tuple(order), neurons=())


def _check(made: Planted, loaded: LoadedModel, name: str) -> Checked:
    request = scan_request(loaded.id, config_from_dict(made.config()), made.folder.parent / name)
    run = confirm_run(scan(request, loaded=loaded), loaded, ConfirmSettings(seed=made.seed))
    others = {figure: _others(run, figure, made.neurons) for figure in ("p", "write_p")}
    return Checked(
        neurons=made.neurons,
        findings={its: finding(run, run.row_of(its.name), its.category) for its in made.neurons},
        smallest={figure: float(values.min()) for figure, values in others.items()},
        where={figure: _cell(run, values) for figure, values in others.items()},
    )


def _others(run: Run, figure: str, neurons: Iterable[PlantedNeuron]) -> np.ndarray[Any, Any]:
    """A figure of every neuron and category, with 1 in the cells where the neuron was made to read or to write."""
    values = np.array(run.figure(figure))
    assert np.isfinite(values).all()
    for its in neurons:
        if its.reads if figure == "p" else its.writes:
            values[run.row_of(its.name), run.categories.index(its.category)] = 1
    return values


def _cell(run: Run, values: np.ndarray[Any, Any]) -> str:
    row, category = np.unravel_index(values.argmin(), values.shape)
    return f"{run.neuron_name(int(row))} {run.categories[category]}"


# --- what must hold -------------------------------------------------------------------------------------


def assert_found(checked: Checked) -> None:
    """Every planted neuron is confirmed for what it does to its category, with the sign it was given."""
    assert checked.neurons
    for neuron, found in checked.findings.items():
        if neuron.reads:
            assert found.p < SIGNIFICANT, (neuron, found)
            assert np.sign(found.reads) == neuron.reads, (neuron, found)
            assert found.held_out_auroc > 0.95, (neuron, found)
            assert found.confirmed, (neuron, found)
        if neuron.writes:
            assert found.write_p < SIGNIFICANT, (neuron, found)
            assert np.sign(found.writes) == neuron.writes, (neuron, found)


def assert_nothing_else_found(models: Sequence[Checked], figure: str) -> None:
    """Something that was not planted is found in at most 5 % of the models, within binomial error."""
    found = [model.where[figure] for model in models if model.smallest[figure] < SIGNIFICANT]
    allowed = int(binom.ppf(1 - SURE, len(models), SIGNIFICANT))
    assert len(found) <= allowed, (
        f"{figure}: something is found where nothing is in {len(found)} of {len(models)} models; "
        f"at a rate of {SIGNIFICANT} there are more than {allowed} once in {1 / SURE:.0f} times: {found}"
    )


def assert_p_is_uniform(models: Sequence[Checked], figure: str) -> None:
    """Corrected for the search, the smallest p of a model in which nothing is to be found is as likely high as low."""
    smallest = [model.smallest[figure] for model in models]
    assert kstest(smallest, "uniform").pvalue > SURE, (figure, sorted(smallest))
