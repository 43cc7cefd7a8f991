"""What can be compared is found out before any table is made or model loaded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.recorded_run import recorded_run

from mechamap.compare.comparison import prepare
from mechamap.errors import UsageError
from mechamap.runs.run import Run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return recorded_run(tmp_path / "run")


def other_model(run: Run) -> Run:
    return Run(replace(run.record, model=replace(run.record.model, architecture="llama")), path=run.path)


def test_two_runs_of_one_model_are_compared_by_name(run: Run) -> None:
    comparison = prepare([run, run], threshold=0.3)
    assert comparison.relation is not None
    assert comparison.relation.same
    assert not comparison.of_different_models
    assert (comparison.figure.name, comparison.threshold, comparison.runs) == ("ap", 0.3, (run, run))


def test_several_runs_have_no_relation_of_two(run: Run) -> None:
    comparison = prepare([run, run, other_model(run)])
    assert comparison.relation is None
    assert not comparison.of_different_models


def test_different_models_have_no_differences_neuron_by_neuron(run: Run) -> None:
    assert prepare([run, other_model(run)]).of_different_models
    with pytest.raises(UsageError, match="different models"):
        prepare([run, other_model(run)], differences="figure")
    assert not prepare([run, other_model(run)], relation="same", differences="figure").of_different_models


def test_the_same_neurons_without_a_figure_in_common_are_refused(run: Run) -> None:
    means = Run(replace(run.record, categories=(), figures=("mean", "max")), path=run.path)
    others = Run(replace(run.record, categories=(), figures=("mean", "min", "dead")), path=run.path)
    with pytest.raises(UsageError, match="no figure in common"):
        prepare([means, others], "mean")
