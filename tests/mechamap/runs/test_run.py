"""A run opened for reading."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.recorded_run import CATEGORIES, TEXT, Shape, recorded_run

from mechamap.errors import MechaMapError, RunError, UsageError
from mechamap.runs import record as run_record
from mechamap.runs.figure_names import NEURON_FIGURES
from mechamap.runs.record import LayerRows
from mechamap.runs.run import Run
from mechamap.runs.writer import RunWriter, write_activations


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return recorded_run(tmp_path_factory.mktemp("run"))


def test_a_row_is_a_neuron_everywhere(run: Run) -> None:
    assert run.neurons == 48
    for row in range(run.neurons):
        name = run.neuron_name(row)
        assert (name.layer, name.index, name.expert) == (row // 16, row % 16, -1)
        assert run.row_of(str(name)) == row
    for figure in run.record.figures:
        assert len(run.figure(figure)) == 48


def test_a_column_is_one_value_per_neuron(run: Run) -> None:
    for at, category in enumerate(CATEGORIES):
        assert np.array_equal(run.column("auroc", category), run.figure("auroc")[:, at])
    for figure in NEURON_FIGURES:
        assert run.column(figure).shape == (48,)
    with pytest.raises(UsageError, match="animal, food, color"):
        run.column("auroc")
    with pytest.raises(UsageError, match="choose animal, food or color"):
        run.column("auroc", "fod")
    with pytest.raises(RunError, match="no figure 'cause'"):
        run.figure("cause")


def test_top_tokens_are_the_extremes_most_extreme_first(run: Run) -> None:
    for row in (0, 20, 47):
        highest, lowest = run.top_tokens(row), run.top_tokens(row, lowest=True)
        assert [hit.value for hit in highest] == sorted((hit.value for hit in highest), reverse=True)
        assert [hit.value for hit in lowest] == sorted(hit.value for hit in lowest)
        assert highest[0].value == run.figure("max")[row]
        assert lowest[0].value == run.figure("min")[row]
        assert all(hit.piece == run.record.tokens.pieces[hit.position] for hit in highest + lowest)


def test_context_gives_the_text_around_a_position_and_stays_in_its_window(run: Run) -> None:
    at = run.record.tokens.pieces.index(" apple")
    assert run.context(at, 9) == ("ate a red", " apple", " while th")
    before, piece, after = run.context(at, 1000)
    assert before + piece + after == TEXT
    assert run.context(at, 0) == ("", " apple", "")
    first = run.context(1, 20)
    assert first[0] == ""


def test_windows_do_not_see_each_other(run: Run) -> None:
    pieces = run.record.tokens.pieces
    half = len(pieces) // 2
    tokens = replace(
        run.record.tokens, windows=((0, 0, half), (0, half, len(pieces) - half)), special=(0,), excluded=(0, half)
    )
    two = Run(replace(run.record, tokens=tokens))
    assert two.window_of(3) == range(1, half)
    assert two.window_of(half) == range(half, len(pieces))
    assert two.context(half - 1, 1000)[2] == ""
    assert two.context(half, 1000)[0] == ""
    assert two.excluded == {0, half}


def test_a_neuron_that_is_not_there_says_what_is(run: Run) -> None:
    with pytest.raises(UsageError, match="N0 to N15"):
        run.row_of("L1.N16")
    with pytest.raises(UsageError, match="it has 0, 1, 2"):
        run.row_of("L3.N0")
    with pytest.raises(UsageError):
        run.row_of("L1.E0.N3")
    with pytest.raises(UsageError):
        run.row_of(f"L{10**30}.N{10**30}")


def test_layers_of_unequal_width_and_experts_need_nothing_special() -> None:
    record = run_record.RunRecord(
        model=run_record.ModelRecord("m", "m", "m", None, "x", 1, "float32", "cpu"),
        categories=(),
        layers=(LayerRows(2, 0, 3, 10), LayerRows(5, 3, 8, 8, experts=4), LayerRows(6, 11, 1, 1)),
        figures=(),
    )
    run = Run(record)
    names = [str(run.neuron_name(row)) for row in range(run.neurons)]
    assert names[:5] == ["L2.N0", "L2.N1", "L2.N2", "L5.E0.N0", "L5.E0.N1"]
    assert names[-2:] == ["L5.E3.N1", "L6.N0"]
    assert [run.row_of(name) for name in names] == list(range(12))


def test_a_run_without_context_has_positions_without_neighbours(run: Run) -> None:
    tokens = replace(run.record.tokens, windows=())
    bare = Run(replace(run.record, tokens=tokens))
    assert not bare.has_context
    assert bare.context(3, 50) == ("", bare.record.tokens.pieces[3], "")


def test_a_run_says_why_its_model_cannot_be_run_over_its_text_again(run: Run) -> None:
    assert not run.is_csv and run.why_not_rerun() == ""
    assert run.folder_to_rerun() == run.path
    record = run.record
    for other, reason in (
        (Run(replace(record, source="csv"), path=run.path), "is a CSV, with no model behind it."),
        (Run(replace(record, tokens=replace(record.tokens, windows=())), path=run.path), "keeps no text"),
        (Run(record), "keeps no text"),
    ):
        assert reason in other.why_not_rerun()
        assert other.is_csv == ("CSV" in reason)
        with pytest.raises(RunError, match=reason) as raised:
            other.folder_to_rerun()
        assert raised.value.hint == "Scan the model itself."


def test_the_rows_of_complete_layers_are_known(tmp_path: Path) -> None:
    part = recorded_run(tmp_path, complete=2)
    assert np.flatnonzero(part.complete_rows).tolist() == list(range(32))


def test_kept_activations_are_found(tmp_path: Path) -> None:
    run = recorded_run(tmp_path)
    assert run.activations(1) is None
    kept = np.ones((16, len(run.record.tokens.pieces)), np.float16)
    write_activations(tmp_path, 1, kept)
    found = run.activations(1)
    assert found is not None
    assert np.array_equal(found, kept)
    write_activations(tmp_path, 2, kept[:, :3])  # of another text
    assert run.activations(2) is None


# --- damaged runs ---


def test_what_is_no_run_says_so(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"no run\.json"):
        Run.open(tmp_path)
    with pytest.raises(RunError, match=r"no run\.json"):
        Run.open(tmp_path / "missing")


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("", "is empty"),
        ('{"format": 1, "model"', "not valid JSON"),
        ("[]", "does not describe a run"),
        ("{}", "no format number"),
        ('{"format": 1}', "damaged"),
        ('{"format": 3}', "reads up to 2"),
        ('{"format": "1"}', "reads up to 2"),
        ("\udcff", "cannot be read"),
    ],
)
def test_a_damaged_or_newer_record_is_an_error_and_no_crash(tmp_path: Path, content: str, match: str) -> None:
    (tmp_path / "run.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(RunError, match=match):
        Run.open(tmp_path)


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9, 0.999])
def test_a_record_cut_short_at_any_place_is_an_error(tmp_path: Path, keep: float) -> None:
    recorded_run(tmp_path)
    text = (tmp_path / "run.json").read_text()
    (tmp_path / "run.json").write_text(text[: int(len(text) * keep)])
    with pytest.raises(RunError):
        Run.open(tmp_path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    key=st.sampled_from(["model", "categories", "layers", "figures", "tokens", "occurrences", "config", "problems"]),
    value=st.sampled_from([None, 3, "x", [], {}, [None], [[1]], {"windows": [[1]]}, {"pieces": None}, [{}]]),
)
def test_a_member_of_the_wrong_kind_is_an_error_and_no_crash(run: Run, key: str, value: Any) -> None:
    assert run.path is not None
    data = json.loads((run.path / "run.json").read_text())
    data[key] = value
    try:
        run_record.parse(json.dumps(data), "run.json")
    except MechaMapError as error:
        assert isinstance(error, RunError)


def test_figures_that_are_missing_cut_short_or_of_another_run_are_named(tmp_path: Path) -> None:
    recorded_run(tmp_path / "run")
    recorded_run(tmp_path / "other", layers=1)
    (tmp_path / "run" / "auroc.npy").unlink()
    (tmp_path / "run" / "max.npy").write_bytes((tmp_path / "run" / "max.npy").read_bytes()[:150])
    (tmp_path / "run" / "min.npy").write_bytes((tmp_path / "other" / "min.npy").read_bytes())
    run = Run.open(tmp_path / "run")
    for figure in ("auroc", "max", "min"):
        with pytest.raises(RunError, match=f"{figure}.npy"):
            run.figure(figure)
    assert run.figure("mean").shape == (48, 3)


def test_a_record_comes_back_as_it_was_written(run: Run) -> None:
    text = run_record.dump(run.record)
    assert run_record.parse(text, "there") == run.record
    assert run_record.dump(run_record.parse(text, "there")) == text


# --- a run that is being written ---


def test_a_reader_sees_layers_as_they_are_finished(tmp_path: Path) -> None:
    source = recorded_run(tmp_path / "source")
    record = replace(
        source.record, state="running", layers=tuple(replace(layer, complete=False) for layer in source.layers)
    )
    (tmp_path / "live").mkdir()
    with RunWriter(tmp_path / "live", record, 5) as writer:
        reader = Run.open(tmp_path / "live")
        assert reader.complete_layers == ()
        assert np.isnan(reader.figure("mean")).all()
        assert (reader.figure("top_positions") == -1).all()
        assert reader.top_tokens(0) == []
        assert not reader.refresh()
        for layer in source.layers:
            writer.write_layer(layer.layer, {name: source.figure(name)[layer.rows] for name in record.figures})
            writer.commit()
            assert reader.refresh()
            assert reader.complete_layers[-1].layer == layer.layer
            assert np.array_equal(reader.figure("mean")[layer.rows], source.figure("mean")[layer.rows])
            assert not reader.refresh()
        writer.finish("complete", "later", {})
    assert reader.refresh()
    assert reader.record.state == "complete"
    for name in record.figures:
        assert np.array_equal(reader.figure(name), source.figure(name))


def test_a_run_read_from_elsewhere_has_nothing_to_refresh(run: Run) -> None:
    assert not Run(run.record).refresh()


def test_a_run_that_is_removed_while_open_is_an_error(tmp_path: Path) -> None:
    run = recorded_run(tmp_path)
    (tmp_path / "run.json").unlink()
    with pytest.raises(RunError):
        run.refresh()


def test_opening_a_run_loads_no_torch(run: Run) -> None:
    code = (
        f"import sys\nfrom mechamap.runs.run import Run\nrun = Run.open({str(run.path)!r})\nrun.figure('auroc').max()\n"
        "print([name for name in ('torch', 'transformers', 'textual', 'pandas') if name in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("name", "said", "hint"),
    [
        ("L1.N9", "layer 1 has N0 to N1 and experts E0 to E2 with N0 to N3 each.", "L1.E0.N9"),
        ("L1.E7.N0", "L1.E7.N0 is not here: layer 1 has N0 to N1", ""),
        ("L0.E0.N0", "layer 0 has 4 neurons here, N0 to N3.", ""),
    ],
)
def test_a_neuron_that_is_not_there_is_told_which_experts_are(tmp_path: Path, name: str, said: str, hint: str) -> None:
    run = recorded_run(tmp_path / "run", width=4, shape=Shape(experts=3, shared=2))
    with pytest.raises(UsageError) as caught:
        run.row_of(name)
    assert said in caught.value.message
    assert hint in caught.value.hint
    assert bool(hint) == bool(caught.value.hint)


def test_many_neurons_have_the_names_that_each_has(tmp_path: Path) -> None:
    for name, shape in (("dense", Shape()), ("experts", Shape(experts=4, shared=2))):
        run = recorded_run(tmp_path / name, shape=shape)
        rows = np.arange(run.neurons)[::-1]
        assert run.neuron_names(rows) == [str(run.neuron_name(row)) for row in rows.tolist()]


def test_a_finished_run_outlives_files_that_are_cut_short(tmp_path: Path) -> None:
    recorded_run(tmp_path / "run")
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom mechamap.runs.run import Run\n"
        "run = Run.open(sys.argv[1])\n"
        "before = {name: run.figure(name).tobytes() for name in run.record.figures}\n"
        "for file in Path(sys.argv[1]).glob('*.npy'): os.truncate(file, 0)\n"
        "print(all(run.figure(name).tobytes() == before[name] for name in before))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "run")], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr


def test_a_run_that_is_still_written_shows_rows_as_they_come(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "run", complete=1)
    rows = run.layers[1].rows
    assert np.isnan(run.figure("ap")[rows]).all()
    whole = recorded_run(tmp_path / "whole")
    with (tmp_path / "run" / "ap.npy").open("r+b") as file:
        file.write((tmp_path / "whole" / "ap.npy").read_bytes())
    np.testing.assert_array_equal(run.figure("ap")[rows], whole.figure("ap")[rows])
