"""Which neurons stand out at a token: by their share in the tail, then by their distance."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from support.recorded_run import recorded_run
from support.scanned_models import Scanned

from mechamap.probe.outliers import find_outliers
from mechamap.probe.reference import QuantileReference
from mechamap.probe.sentence import Wanted, probe_sentence
from mechamap.runs.run import Run


def usual(run: Run) -> QuantileReference:
    """99 activations of each neuron, -49 to 49 of its own unit, which grows with its row."""
    unit = 1 + np.arange(run.neurons, dtype=np.float32)[:, None]
    values = unit * np.arange(-49, 50, dtype=np.float32)
    return QuantileReference("", 99, np.arange(99), values, values.mean(axis=1), values.std(axis=1))


def at_position(run: Run, values: np.ndarray) -> dict[int, np.ndarray]:
    return {layer.layer: values[layer.rows] for layer in run.complete_layers}


def test_the_furthest_come_first_on_either_side(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "run", layers=3)
    unit = 1 + np.arange(run.neurons, dtype=np.float32)
    values = np.zeros(run.neurons, np.float32)
    values[7], values[2], values[11], values[5] = 48 * unit[7], -49 * unit[2], 80 * unit[11], -60 * unit[5]
    outliers = find_outliers(run, usual(run), at_position(run, values), 3, 4)
    assert [run.row_of(outlier.neuron) for outlier in outliers.neurons] == [11, 5, 2, 7]
    assert [outlier.side for outlier in outliers.neurons] == [1, -1, -1, 1]
    assert np.allclose([outlier.share for outlier in outliers.neurons], [0, 0, 1 / 99, 2 / 99])
    std = np.arange(-49, 50).std()
    assert np.allclose([outlier.deviations for outlier in outliers.neurons], np.array([80, -60, -49, 48]) / std)
    assert (outliers.position, outliers.searched, outliers.beyond) == (3, run.neurons, 2)
    assert outliers.by_chance == 2 * run.neurons / 100


def test_each_comes_with_the_category_that_it_is_best_at(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "run", layers=3)
    values = np.zeros(run.neurons, np.float32)
    values[4] = 1e6
    outliers = find_outliers(run, usual(run), at_position(run, values), 0, 1)
    scores = run.figure("ap")[4]
    assert outliers.figure == "ap"
    assert outliers.neurons[0].category == run.categories[int(scores.argmax())]
    assert outliers.neurons[0].score == float(scores.max())


def test_neurons_without_values_are_left_out_and_a_constant_one_that_moves_comes_first(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "run", layers=3)
    reference = usual(run)
    reference.quantiles[6], reference.mean[6], reference.std[6] = 0, 0, 0
    values = np.zeros(run.neurons, np.float32)
    values[8], values[3], values[6] = np.nan, 1e6, 0.5
    outliers = find_outliers(run, reference, at_position(run, values), 0, run.neurons)
    assert [run.row_of(outlier.neuron) for outlier in outliers.neurons[:2]] == [6, 3]
    assert outliers.neurons[0].deviations is None
    assert len(outliers.neurons) == outliers.searched == run.neurons - 1


def test_at_a_token_of_the_runs_own_text_none_is_beyond_its_range(scanned: Callable[..., Scanned]) -> None:
    subject = scanned("llama").subject
    prompt = subject.read(subject.run.texts[0])
    outliers = probe_sentence(subject, prompt, Wanted(position=9, outliers=5)).outliers
    assert outliers is not None
    assert outliers.beyond == 0
    assert all(outlier.share == 1 / subject.reference.positions for outlier in outliers.neurons)


def test_a_position_that_is_not_scored_is_said_to_be_none_to_judge(scanned: Callable[..., Scanned]) -> None:
    subject = scanned("llama").subject
    probed = probe_sentence(subject, subject.read("The cat"), Wanted(position=0, outliers=5))
    assert any("leaves out such positions" in note for note in probed.notes)
