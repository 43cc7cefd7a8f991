"""Charts of a neuron: bars that are the run's figures, on axes that can be put into a figure of one's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import mechamap as mm
from mechamap.errors import MissingExtra, UsageError
from mechamap.runs.run import Run

NEURON = "L3.N509"


def test_without_matplotlib_a_chart_says_what_to_install(demo_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(MissingExtra, match="pip install matplotlib"):
        mm.open(demo_run.path)[NEURON].plot()


def test_bars_are_the_figures_of_the_run(demo_run: Run, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed").use("Agg")
    from matplotlib import pyplot

    neuron = mm.open(demo_run.path)[NEURON]
    axes = neuron.plot("food")
    widths = [bar.get_width() for bar in axes.patches]
    assert widths == pytest.approx(demo_run.figure("selectivity")[neuron.row].tolist())
    assert [label.get_text() for label in axes.get_yticklabels()] == [*demo_run.categories]
    colours = [bar.get_facecolor() for bar in axes.patches]
    chosen = demo_run.categories.index("food")
    assert all((colour != colours[chosen]) == (place != chosen) for place, colour in enumerate(colours))
    axes.figure.savefig(tmp_path / "neuron.png")
    assert np.unique(pyplot.imread(tmp_path / "neuron.png").reshape(-1, 4), axis=0).shape[0] > 10
    pyplot.close("all")
    with pytest.raises(UsageError, match="fod"):
        neuron.plot("fod")
