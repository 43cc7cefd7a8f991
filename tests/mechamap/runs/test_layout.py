"""What a layer consists of: shared neurons, experts, and its side of the model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from support.recorded_run import Shape, recorded_run

from mechamap.runs.layout import LayerLayout, layers_in_words, layout_of, side_labels, whole_layouts
from mechamap.runs.record import LayerRows


def test_a_layout_says_what_there_is() -> None:
    assert str(LayerLayout(2048)) == "2048"
    assert str(LayerLayout(0, 64, 1024)) == "64x1024"
    assert str(LayerLayout(2048, 64, 1024)) == "64x1024 +2048 shared"


def test_neurons_are_numbered_shared_ones_first_and_then_expert_by_expert() -> None:
    layout = LayerLayout(40, 4, 24)
    assert [layout.number(0), layout.number(39), layout.number(0, 0), layout.number(23, 3)] == [0, 39, 40, 135]


def test_the_layout_of_rows_is_that_of_the_neurons_that_were_scanned() -> None:
    assert layout_of(LayerRows(0, 0, 80, 80)) == LayerLayout(80)
    assert layout_of(LayerRows(1, 0, 5 + 5 * 4, 136, experts=4, shared=5)) == LayerLayout(5, 4, 5)
    assert layout_of(LayerRows(1, 0, 17, 136, experts=4, shared=40)) == LayerLayout(17), "chosen one by one"


def test_the_layout_in_the_model_is_what_was_proved_not_what_a_limit_left(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "run", width=8, shape=Shape(experts=3, shared=4))
    assert whole_layouts(run.record) == {1: LayerLayout(4, 3, 8), 2: LayerLayout(4, 3, 8)}
    limited = tuple(replace(rows, width=2 + 3 * 2, shared=2) if rows.experts else rows for rows in run.layers)
    assert whole_layouts(replace(run.record, layers=limited)) == {1: LayerLayout(4, 3, 8), 2: LayerLayout(4, 3, 8)}
    assert whole_layouts(replace(run.record, proof=())) == {1: LayerLayout(4, 3, 8), 2: LayerLayout(4, 3, 8)}


def test_layers_that_are_alike_are_told_together(tmp_path: Path) -> None:
    experts = recorded_run(tmp_path / "experts", width=8, shape=Shape(experts=3, shared=4, step=2))
    assert layers_in_words(experts.layers) == "0: 8; 2,4: 3x8 +4 shared"
    sides = recorded_run(tmp_path / "sides", shape=Shape(encoders=2))
    assert layers_in_words(sides.layers) == "0-1: 16 (encoder); 2: 16 (decoder)"


def test_layers_on_two_sides_have_their_number_there(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "run", layers=4, shape=Shape(encoders=2))
    assert side_labels(run.layers, run.record.proof) == {0: "enc 0", 1: "enc 1", 2: "dec 0", 3: "dec 1"}
    assert side_labels(run.layers[3:], run.record.proof) == {3: "dec 1"}, "whatever layers were scanned"
    assert side_labels(run.layers, ()) == {0: "enc", 1: "enc", 2: "dec", 3: "dec"}
    plain = recorded_run(tmp_path / "plain")
    assert side_labels(plain.layers, plain.record.proof) == {}
