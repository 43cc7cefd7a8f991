"""Exports: what they hold, that others read them, and that nothing already saved is lost."""

from __future__ import annotations

import ast
import csv
import errno
import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.recorded_run import CATEGORIES, checked_run, recorded_run

from mechamap.errors import ExportError, MissingExtra, UsageError
from mechamap.exports.registry import FORMATS, ExportRequest, export_run, format_of, write_export
from mechamap.runs.record import LayerRows
from mechamap.runs.run import Run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return recorded_run(tmp_path_factory.mktemp("run"))


def with_figures(run: Run, pieces: tuple[str, ...] | None = None, **figures: np.ndarray) -> Run:
    """The same run with some arrays, or the pieces, replaced."""
    record = run.record if pieces is None else replace(run.record, tokens=replace(run.record.tokens, pieces=pieces))
    return Run(record, {**{name: np.array(run.figure(name)) for name in record.figures}, **figures}, run.path)


def csv_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


# --- the formats ---


def test_csv_has_a_row_per_neuron_and_category_at_or_above_the_threshold(run: Run, tmp_path: Path) -> None:
    result = export_run(run, tmp_path / "out.csv", ExportRequest("csv"))
    lines = (tmp_path / "out.csv").read_text(encoding="utf-8").split("\n")
    assert lines[0] == "model,layer,neuron,category,avg_activation,top_tokens"
    rows = csv_rows(tmp_path / "out.csv")
    assert result.rows == len(rows)
    mean = np.asarray(run.figure("mean"))
    expected = []
    for row in range(run.neurons):
        name = run.neuron_name(row)
        listed = [(c, f"{mean[row, at]:.4f}") for at, c in enumerate(CATEGORIES) if mean[row, at] >= 0.2] or [("", "")]
        expected += [("tiny", str(name.layer), str(name.index), *one) for one in listed]
    assert [tuple(row.values())[:5] for row in rows] == expected


def test_csv_writes_tokens_as_a_python_literal_of_pairs(run: Run, tmp_path: Path) -> None:
    export_run(run, tmp_path / "out.csv", ExportRequest("csv"))
    for row in csv_rows(tmp_path / "out.csv"):
        pairs = ast.literal_eval(row["top_tokens"])
        hits = run.top_tokens(run.row_of(f"{row['layer']}.{row['neuron']}"))
        assert pairs == [(hit.piece, round(hit.value, 4)) for hit in hits]


def test_another_threshold_lists_other_neurons(run: Run, tmp_path: Path) -> None:
    every = export_run(run, tmp_path / "all.csv", ExportRequest("csv", threshold=-100))
    none = export_run(run, tmp_path / "none.csv", ExportRequest("csv", threshold=100))
    assert (every.rows, none.rows) == (48 * 3, 48)
    assert {row["category"] for row in csv_rows(tmp_path / "none.csv")} == {""}


@pytest.mark.parametrize("threshold", [float("nan"), float("inf")])
def test_a_threshold_that_no_neuron_is_at_or_above_writes_nothing(run: Run, tmp_path: Path, threshold: float) -> None:
    with pytest.raises(UsageError, match="it must be a number"):
        export_run(run, tmp_path / "out.csv", ExportRequest("csv", threshold=threshold))
    assert not (tmp_path / "out.csv").exists()


def test_json_keeps_the_shape_and_adds_keys_beside(run: Run, tmp_path: Path) -> None:
    result = export_run(run, tmp_path / "out.json", ExportRequest("json"))
    data = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert data["model"] == "tiny"
    assert (data["rows"], data["neurons"], data["scope"]) == (result.rows, 48, "all 48 neurons")
    assert data["exclusions"]["exclude_first_position"] is True
    assert data["categories"] == list(CATEGORIES)
    assert len(data["results"]) == 48
    of_csv: dict[str, dict[str, float]] = {}
    export_run(run, tmp_path / "out.csv", ExportRequest("csv"))
    for row in csv_rows(tmp_path / "out.csv"):
        its = of_csv.setdefault(f"({row['layer']},{row['neuron']})", {})
        if row["category"]:
            its[row["category"]] = float(row["avg_activation"])
    assert {key: entry["categories"] for key, entry in data["results"].items()} == of_csv
    for entry in data["results"].values():
        assert set(entry) == {"categories", "top_tokens"}
    assert data["results"]["(1,7)"]["top_tokens"] == [
        [hit.piece, round(hit.value, 4)] for hit in run.top_tokens(run.row_of("L1.N7"))
    ]


def test_wide_has_what_was_checked_after_the_scan(tmp_path: Path) -> None:
    run = checked_run(tmp_path / "run")
    export_run(run, tmp_path / "out.csv", ExportRequest("csv", wide=True))
    table = pd.read_csv(tmp_path / "out.csv").set_index("name")
    assert table.loc["L1.N7", "p.food"] == pytest.approx(0.005)
    assert table.loc["L1.N7", "cause_measured.food"] == pytest.approx(-0.25)
    assert table["cause_measured.food"].notna().sum() == 1
    assert {"held_out_auroc.color", "held_out_ap.food", "write_p.food", "cause.animal", "second_auroc.animal"} <= set(
        table
    )
    export_run(run, tmp_path / "out.json", ExportRequest("json", wide=True))
    exported = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert exported["confirmation"]["permutations"] == 200
    assert exported["second_looks"][0]["neurons"][0]["dropped"] is True
    assert exported["results"]["(1,7)"]["p.food"] == pytest.approx(0.005)


def test_wide_has_one_row_per_neuron_with_every_figure(run: Run, tmp_path: Path) -> None:
    result = export_run(run, tmp_path / "out.csv", ExportRequest("csv", wide=True))
    assert result.rows == 48
    table = pd.read_csv(tmp_path / "out.csv")
    figures = ("mean", "auroc", "selectivity", "d", "ap", "write")
    per_category = [f"{figure}.{c}" for figure in figures for c in CATEGORIES]
    per_neuron = ["max", "min", "mean_all", "std_all", "fire", "dead"]
    assert list(table.columns) == ["layer", "neuron", "name", *per_neuron, *per_category, "top_tokens", "bottom_tokens"]
    assert np.allclose(table["selectivity.food"], run.column("selectivity", "food"), atol=1e-5)
    assert table["name"][23] == "L1.N7"
    lowest = ast.literal_eval(table["bottom_tokens"][5])
    assert lowest == [(hit.piece, round(hit.value, 4)) for hit in run.top_tokens(5, lowest=True)]


def test_wide_json_is_a_table_to_pandas(run: Run, tmp_path: Path) -> None:
    export_run(run, tmp_path / "out.json", ExportRequest("json", wide=True))
    data = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    table = pd.DataFrame.from_dict(data["results"], orient="index")
    assert np.allclose(table["auroc.animal"], run.column("auroc", "animal"), atol=1e-5)
    assert data["layout"] == "wide"


def test_pandas_reads_each_format_with_numbers_as_numbers(run: Run, tmp_path: Path) -> None:
    for name, form in FORMATS.items():
        export_run(run, tmp_path / f"out{form.suffix}", ExportRequest(name))
    read_csv, parquet = pd.read_csv(tmp_path / "out.csv"), pd.read_parquet(tmp_path / "out.parquet")
    for table in (read_csv, parquet):
        assert table["layer"].dtype.kind == table["neuron"].dtype.kind == "i"
        assert table["avg_activation"].dtype == np.float64
        assert list(table["category"].dropna().unique()) != []
    assert np.allclose(read_csv["avg_activation"], parquet["avg_activation"], equal_nan=True)
    assert read_csv["category"].fillna("").tolist() == parquet["category"].fillna("").tolist()
    tokens = parquet["top_tokens"][0]
    assert [(one["token"], round(float(one["value"]), 4)) for one in tokens] == ast.literal_eval(
        read_csv["top_tokens"][0]
    )
    wide = tmp_path / "wide.parquet"
    export_run(run, wide, ExportRequest("parquet", wide=True))
    assert np.array_equal(pd.read_parquet(wide)["d.color"].to_numpy(np.float32), np.asarray(run.column("d", "color")))


def test_markdown_has_a_heading_that_says_what_it_covers(run: Run, tmp_path: Path) -> None:
    rows = np.array([23, 3])
    result = export_run(run, tmp_path / "out.md", ExportRequest("md", rows=rows, scope="marked"))
    lines = (tmp_path / "out.md").read_text(encoding="utf-8").splitlines()
    assert lines[0] == f"# tiny: marked: 2 of 48 neurons, {result.rows} row{'s' * (result.rows > 1)}"
    assert sum(line.startswith("| 1 | 7 |") for line in lines) >= 1
    cells = {line.replace(r"\|", "").count("|") for line in lines if line.startswith("|")}
    assert cells == {6}


# --- which neurons ---


def test_rows_are_written_in_the_order_given(run: Run, tmp_path: Path) -> None:
    rows = np.array([40, 3, 23])
    result = export_run(run, tmp_path / "out.csv", ExportRequest("csv", wide=True, rows=rows, scope="filtered"))
    assert [row["name"] for row in csv_rows(tmp_path / "out.csv")] == ["L2.N8", "L0.N3", "L1.N7"]
    assert (result.neurons, result.rows, result.scope) == (3, 3, "filtered: 3 of 48 neurons")


def test_only_complete_layers_are_exported_and_the_scope_says_so(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "run", complete=2)
    result = export_run(run, tmp_path / "out.csv", ExportRequest("csv", rows=np.arange(48)))
    assert {row["layer"] for row in csv_rows(tmp_path / "out.csv")} == {"0", "1"}
    assert result.scope == "32 of 48 neurons, from the 2 of 3 layers that are complete (scan cancelled)"


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("wide", [False, True])
def test_an_export_of_nothing_is_still_a_file_of_that_format(run: Run, tmp_path: Path, name: str, wide: bool) -> None:
    path = tmp_path / f"out{FORMATS[name].suffix}"
    result = export_run(run, path, ExportRequest(name, wide=wide, rows=np.array([], dtype=np.int64), scope="marked"))
    assert (result.rows, result.neurons) == (0, 0)
    assert path.stat().st_size > 0
    if name == "json":
        assert json.loads(path.read_text())["results"] == {}
    if name == "parquet":
        assert len(pd.read_parquet(path)) == 0


def test_the_neurons_of_experts_are_numbered_through_their_layer(run: Run, tmp_path: Path) -> None:
    layers = (LayerRows(0, 0, 16, 16, complete=True), LayerRows(1, 16, 32, 32, experts=4, complete=True))
    experts = Run(replace(run.record, layers=layers), {name: run.figure(name) for name in run.record.figures})
    export_run(experts, tmp_path / "out.csv", ExportRequest("csv", wide=True))
    table = pd.read_csv(tmp_path / "out.csv")
    assert table["neuron"].tolist() == [*range(16), *range(32)]
    assert table["name"][16 + 9] == "L1.E1.N1"


# --- odd content ---

ODD = (
    "'\"|\n",
    "a,b",
    "\x1b[31m",
    " 日本",
    "\u200b",
    "\\",
    "",
    "[x](y)",
    "`*_",
    "\ud800",
    "\t",
    "NaN",
    "None",
    "é",
    "\r\n",
)


def odd_run(run: Run) -> Run:
    values = np.array(run.figure("top_values"))
    values[0, :3] = (np.nan, np.inf, -np.inf)
    positions = np.array(run.figure("top_positions")) % len(ODD)
    positions[1, 2:] = -1
    mean = np.array(run.figure("mean"))
    mean[0] = np.nan
    mean[2] = np.inf
    return with_figures(run, ODD, top_values=values, top_positions=positions, mean=mean)


def test_every_token_and_number_survives_csv_and_json(run: Run, tmp_path: Path) -> None:
    odd = odd_run(run)
    export_run(odd, tmp_path / "out.csv", ExportRequest("csv"))
    export_run(odd, tmp_path / "out.json", ExportRequest("json"))
    results = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"), parse_constant=pytest.fail)["results"]
    for row in csv_rows(tmp_path / "out.csv"):
        pairs = ast.literal_eval(row["top_tokens"])
        assert [list(pair) for pair in pairs] == results[f"({row['layer']},{row['neuron']})"]["top_tokens"]
        at = odd.row_of(f"{row['layer']}.{row['neuron']}")
        assert [token for token, _ in pairs] == [hit.piece for hit in odd.top_tokens(at)]
    assert [value for _, value in results["(0,0)"]["top_tokens"]][:3] == [None, None, None]
    assert results["(0,0)"]["categories"] == {}
    assert results["(0,2)"]["categories"] == dict.fromkeys(CATEGORIES)
    assert len(results["(0,1)"]["top_tokens"]) == 2


@pytest.mark.parametrize("wide", [False, True])
def test_odd_tokens_break_neither_markdown_rows_nor_parquet(run: Run, tmp_path: Path, wide: bool) -> None:
    odd = odd_run(run)
    result = export_run(odd, tmp_path / "out.md", ExportRequest("md", wide=wide))
    text = (tmp_path / "out.md").read_text(encoding="utf-8")
    assert "\x1b" not in text
    lines = [line for line in text.split("\n") if line.startswith("|")]
    assert len(lines) == result.rows + 2
    assert len({line.replace(r"\\", "").replace(r"\|", "").count("|") for line in lines}) == 1
    export_run(odd, tmp_path / "out.parquet", ExportRequest("parquet", wide=wide))
    tokens = pd.read_parquet(tmp_path / "out.parquet")["top_tokens"]
    assert {one["token"] for its in tokens for one in its} <= {*ODD, "\\ud800"}


# --- files ---


def test_an_existing_file_is_kept_unless_it_may_be_overwritten(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("precious")
    with pytest.raises(ExportError, match="already exists"):
        export_run(run, path, ExportRequest("csv"))
    assert path.read_text() == "precious"
    export_run(run, path, ExportRequest("csv"), overwrite=True)
    assert path.read_text().startswith("model,")
    assert list(tmp_path.iterdir()) == [path]


def test_a_disk_that_fills_up_leaves_the_old_file_and_no_debris(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out.csv"
    path.write_text("precious")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ExportError, match="No space left") as caught:
        export_run(run, path, ExportRequest("csv"), overwrite=True)
    assert "Free some space" in caught.value.hint
    assert path.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full, which Linux has")
def test_a_full_device_is_an_error_that_says_so(run: Run) -> None:
    with pytest.raises(ExportError, match="No space left"):
        export_run(run, Path("/dev/full"), ExportRequest("csv"))


def test_a_place_that_cannot_be_written_says_why(run: Run, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="does not exist") as caught:
        export_run(run, tmp_path / "no" / "out.csv", ExportRequest("csv"))
    assert "mkdir -p" in caught.value.hint
    with pytest.raises(ExportError, match="is a folder"):
        export_run(run, tmp_path, ExportRequest("csv"))
    with pytest.raises(ExportError):
        export_run(run, tmp_path / ("x" * 300), ExportRequest("csv"))
    with pytest.raises(UsageError, match="xlsx"):
        export_run(run, tmp_path / "out", ExportRequest("xlsx"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="the superuser may write anywhere")
def test_no_permission_says_so(run: Run, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ExportError, match="No permission"):
        export_run(run, tmp_path / "out.csv", ExportRequest("csv"))


def test_a_link_keeps_pointing_at_the_file_that_is_replaced(run: Run, tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    export_run(run, tmp_path / "link.csv", ExportRequest("csv"), overwrite=True)
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text().startswith("model,")


def test_a_stream_gets_the_same_bytes_as_a_file(run: Run, tmp_path: Path) -> None:
    for name, form in FORMATS.items():
        stream = io.BytesIO()
        result = write_export(run, stream, ExportRequest(name))
        export_run(run, tmp_path / f"out{form.suffix}", ExportRequest(name))
        assert stream.getvalue() == (tmp_path / f"out{form.suffix}").read_bytes()
        assert result.path is None


def test_a_suffix_names_its_format() -> None:
    assert [format_of(name) for name in ("a.csv", "b.JSON", "c.parquet", "d.md", "e.txt")] == [
        "csv", "json", "parquet", "md", None,
    ]  # fmt: skip


def test_parquet_without_pyarrow_says_what_to_install(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing: Any = None
    monkeypatch.setitem(sys.modules, "pyarrow", missing)  # Python's own way to say that an import must fail
    with pytest.raises(MissingExtra) as caught:
        export_run(run, tmp_path / "out.parquet", ExportRequest("parquet"))
    assert "pip install 'mechamap[parquet]'" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_the_registry_loads_no_numpy() -> None:
    code = "import sys, mechamap.exports.registry; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
