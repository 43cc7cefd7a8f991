"""What two runs have in common, and what is said where that is not all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.recorded_run import CATEGORIES, Shape, checked_run, confirmation, recorded_run

from mechamap.compare.alignment.relation import relation_of
from mechamap.compare.tables.settings import settings_that_differ
from mechamap.csv_files.run import read_csv
from mechamap.errors import UsageError
from mechamap.exports.registry import ExportRequest, export_run
from mechamap.query.evaluate import matching
from mechamap.runs.run import Run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """3 layers of 16 neurons."""
    return recorded_run(tmp_path_factory.mktemp("runs") / "whole")


def test_runs_of_one_architecture_and_shape_have_the_same_neurons(run: Run, tmp_path: Path) -> None:
    other = recorded_run(tmp_path / "other", seed=1)
    found = relation_of(run, other)
    assert found.same
    assert found.rows_a.tolist() == found.rows_b.tolist() == list(range(48))
    assert found.categories == CATEGORIES
    assert found.remarks == ()
    assert found.condition(0) == ""


def test_models_of_one_shape_and_two_architectures_are_different(run: Run, tmp_path: Path) -> None:
    other = _changed(recorded_run(tmp_path / "other"), architecture="gpt_neox")
    found = relation_of(run, other)
    assert not found.same
    assert "gpt2 and gpt_neox" in found.remarks[0]
    assert relation_of(run, other, "same").same


def test_layers_of_another_width_are_of_another_model(run: Run, tmp_path: Path) -> None:
    assert not relation_of(run, recorded_run(tmp_path / "wide", width=20)).same


def test_a_model_with_fewer_layers_is_another_one_although_its_layers_fit(run: Run, tmp_path: Path) -> None:
    found = relation_of(run, recorded_run(tmp_path / "short", layers=2))
    assert not found.same
    forced = relation_of(run, recorded_run(tmp_path / "short2", layers=2), "same")
    assert len(forced.rows_a) == 32
    assert "3 and 2 layers" in " ".join(forced.remarks)


def test_a_run_of_some_layers_is_compared_over_those(run: Run) -> None:
    part = _layers(run, 0, 1)
    found = relation_of(run, part)
    assert found.same
    assert run.layer_of[found.rows_a].tolist() == [0] * 16 + [1] * 16
    assert "Of the 48 neurons of whole, the other run has 32, in layers 0-1;" in found.remarks[0]
    where = found.condition(0)
    assert where
    assert matching(run, where).sum() == 32


def test_a_limited_run_is_compared_over_the_neurons_it_has(run: Run) -> None:
    few = _limited(run, 5)
    found = relation_of(few, run)
    assert [str(run.neuron_name(row)) for row in found.rows_b[:6]] == [*(f"L0.N{at}" for at in range(5)), "L1.N0"]
    where = found.condition(1)
    assert where
    assert np.array_equal(np.flatnonzero(matching(run, where)), found.rows_b)


def test_runs_without_a_neuron_in_common_are_told_what_each_has(run: Run) -> None:
    with pytest.raises(UsageError, match=r"no neuron in common: .*layers 0: 16.*layers 1-2: 16") as error:
        relation_of(_layers(run, 0), _layers(run, 1, 2))
    assert "--as different" in str(error.value.hint)


def test_layers_that_are_not_complete_are_left_out(run: Run, tmp_path: Path) -> None:
    stopped = recorded_run(tmp_path / "stopped", complete=2)
    found = relation_of(run, stopped)
    assert sorted(set(run.layer_of[found.rows_a].tolist())) == [0, 1]
    assert "state" in [setting.name for setting in settings_that_differ(run, stopped, same=True)]


def test_experts_neurons_are_the_same_by_expert_and_number(tmp_path: Path) -> None:
    a, b = (recorded_run(tmp_path / name, shape=Shape(experts=3, shared=2)) for name in ("a", "b"))
    found = relation_of(a, b)
    assert len(found.rows_a) == a.neurons
    fewer = recorded_run(tmp_path / "fewer", shape=Shape(experts=2, shared=2))
    assert not relation_of(a, fewer).same
    forced = relation_of(a, fewer, "same")
    names = {str(a.neuron_name(row)) for row in forced.rows_a}
    assert names == {str(fewer.neuron_name(row)) for row in range(fewer.neurons)} & {
        str(a.neuron_name(row)) for row in range(a.neurons)
    }
    for row_a, row_b in zip(forced.rows_a, forced.rows_b, strict=True):
        assert a.neuron_name(row_a) == fewer.neuron_name(row_b)


def test_a_csv_is_the_same_model_by_its_name(run: Run, tmp_path: Path) -> None:
    export_run(run, tmp_path / "run.csv", ExportRequest("csv", threshold=0.3))
    found = relation_of(read_csv(tmp_path / "run.csv"), run)
    assert found.same
    assert len(found.rows_a) == 48
    text = (tmp_path / "run.csv").read_text().replace("tiny,", "other,")
    (tmp_path / "file.csv").write_text(text)
    different = relation_of(read_csv(tmp_path / "file.csv"), run)
    assert not different.same
    assert "other and tiny" in different.remarks[0]
    assert "--as same" in different.remarks[0]


def test_a_csv_that_names_no_model_is_the_same_where_it_has_the_very_neurons(run: Run, tmp_path: Path) -> None:
    export_run(run, tmp_path / "wide.csv", ExportRequest("csv", wide=True))
    wide = read_csv(tmp_path / "wide.csv")
    assert relation_of(wide, run).same
    assert "The file names no model" in relation_of(wide, run).remarks[0]
    assert not relation_of(wide, recorded_run(tmp_path / "broad", width=20)).same
    source = settings_that_differ(wide, run, same=True)[0]
    assert (source.a, source.b) == ("CSV, every figure", "scan")


def test_two_models_in_files_that_are_called_as_they_are_different(run: Run, tmp_path: Path) -> None:
    other = recorded_run(tmp_path / "other", seed=1)
    for name, its in (("tiny", run), ("tidy", other)):
        export_run(its, tmp_path / f"{name}.csv", ExportRequest("csv", threshold=-9))
    (tmp_path / "tidy.csv").write_text((tmp_path / "tidy.csv").read_text().replace("tiny,", "tidy,"))
    tiny, tidy = (read_csv(tmp_path / f"{name}.csv") for name in ("tiny", "tidy"))
    for a, b in ((tiny, tidy), (tidy, run)):
        found = relation_of(a, b)
        assert not found.same
        assert "records at most its model's name, and the names differ" in found.remarks[0]


def test_categories_of_one_side_only_are_left_out_and_named(run: Run) -> None:
    fewer = Run(replace(run.record, categories=("food", "animal", "plant")), path=run.path)
    found = relation_of(run, fewer)
    assert found.categories == ("animal", "food")
    assert [remark for remark in found.remarks if "color" in remark and "plant" not in remark]
    assert [remark for remark in found.remarks if "plant" in remark and "color" not in remark]
    none = relation_of(run, Run(replace(run.record, categories=("plant",)), path=run.path))
    assert none.categories == ()
    assert "no category in common: whole has animal, food, color; whole has plant." in none.remarks[0]


def test_the_same_settings_are_not_told(run: Run) -> None:
    assert settings_that_differ(run, run, same=True) == ()


def test_each_setting_that_differs_is_told_with_what_it_means(run: Run, tmp_path: Path) -> None:
    categories = tuple(
        replace(category, words=("apple", "rice")) if category.name == "food" else category
        for category in run.config.categories
    )
    texts = ("A horse ate an apple in the rain, and nobody was there.",)
    changed = replace(run.config, texts=texts, categories=categories, pooling="mean", threshold=0.5)
    coverage = {name: replace(its, occurrences=12) for name, its in run.record.coverage.items()}
    other = _changed(run, dtype="bfloat16", packing="int8 (torchao)", device="cuda", revision="abc")
    record = replace(other.record, config=changed, coverage=coverage, versions={"mechamap": "9"})
    found = {setting.name: setting for setting in settings_that_differ(run, Run(record, path=run.path), same=True)}
    assert list(found) == [
        "revision", "dtype", "weights packed", "device", "text", "occurrences", "words of food", "pooling", "threshold",
        "versions",
    ]  # fmt: skip
    assert (found["dtype"].a, found["dtype"].b) == ("float32", "bfloat16")
    assert "mean, max, min and fire depend on the text" in found["text"].means
    assert found["words of food"].a == "3 words, with bread, cake"
    assert found["words of food"].b == "2 words, with rice"
    assert found["occurrences"].a == "2 to 4 a category"
    assert found["occurrences"].b == "12 a category"
    assert "Fewer than 10 of every category" in found["occurrences"].means
    assert all(found[name].means for name in found if name != "versions")


def test_one_text_in_other_tokens_is_told_to_be_that(run: Run) -> None:
    tokens = replace(run.record.tokens, ids=run.record.tokens.ids[::-1])
    found = settings_that_differ(run, Run(replace(run.record, tokens=tokens), path=run.path), same=False)
    assert [setting.name for setting in found] == ["tokens"]


def test_checks_of_one_side_only_are_told_with_how_to_get_them(run: Run, tmp_path: Path) -> None:
    checked = checked_run(tmp_path / "checked")
    found = settings_that_differ(run, checked, same=True)
    assert [(setting.name, setting.a, setting.b) for setting in found] == [("confirmed", "no", "yes")]
    assert "mechamap confirm" in found[0].means
    export_run(checked, tmp_path / "checked.csv", ExportRequest("csv", wide=True))
    wide = read_csv(tmp_path / "checked.csv")  # whose columns have p, and which no command can confirm
    assert wide.has("p")
    assert "confirmed" not in [setting.name for setting in settings_that_differ(checked, wide, same=True)]
    more = Run(replace(checked.record, confirmation=confirmation(999)), path=checked.path)
    assert [setting.name for setting in settings_that_differ(checked, more, same=True)] == ["shuffles of p"]


def _changed(run: Run, **model: Any) -> Run:
    return Run(replace(run.record, model=replace(run.record.model, **model)), path=run.path)


def _layers(run: Run, *numbers: int) -> Run:
    """The run as if only these layers had been scanned."""
    return _rows(run, [(run.layer_rows(number), run.layer_rows(number).width) for number in numbers])


def _limited(run: Run, width: int) -> Run:
    """The run as if it had been limited to so many neurons a layer."""
    return _rows(run, [(layer, width) for layer in run.layers])


def _rows(run: Run, parts: list[tuple[Any, int]]) -> Run:
    rows = np.concatenate([np.arange(layer.first_row, layer.first_row + width) for layer, width in parts])
    layers, first = [], 0
    for layer, width in parts:
        layers.append(replace(layer, first_row=first, width=width))
        first += width
    arrays = {name: np.array(run.figure(name))[rows] for name in run.record.figures}
    return Run(replace(run.record, layers=tuple(layers)), arrays, run.path)
