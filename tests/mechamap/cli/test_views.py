"""`mechamap views`, and views that other commands take."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.recorded_run import recorded_run

from mechamap.cli.main import main
from mechamap.query.evaluate import chosen_rows
from mechamap.query.view_query import view_query
from mechamap.runs.run import Run
from mechamap.runs.views.saved_views import SavedViews
from mechamap.runs.views.sort_key import SortKey
from mechamap.runs.views.table_view import TableView


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return recorded_run(tmp_path / "run")


def told(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> tuple[str, str]:
    assert main(words) == code
    out, err = capsys.readouterr()
    return out, err


def test_views_are_added_listed_shown_renamed_and_removed(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(run.path)
    told(
        capsys,
        "views",
        folder,
        "add",
        "late food",
        "--where",
        "layer > 0",
        "--sort",
        "-reads,layer",
        "--category",
        "food",
    )
    view = TableView("layer > 0", "food", sort=(SortKey("reads"), SortKey("layer", False)))
    assert SavedViews(run.path).views == {"late food": view}
    flags = "'--where=layer > 0' --sort=-selectivity.food,layer --category=food"
    assert told(capsys, "views", folder)[0] == f"late food  {flags}\n"
    assert told(capsys, "views", folder, "show", "late food")[0] == f"mechamap neurons {folder} {flags}\n"
    assert "already" in told(capsys, "views", folder, "add", "late food", code=2)[1]
    told(capsys, "views", folder, "rename", "late food", "food")
    assert json.loads(told(capsys, "views", folder, "--json")[0])["views"]["food"]["category"] == "food"
    told(capsys, "views", folder, "remove", "food")
    assert "no views yet" in told(capsys, "views", folder)[1]
    for words in (("show", "food"), ("remove", "food"), ("add",), ("rename", "food"), ("add", "x", "--sort", "cats")):
        assert told(capsys, "views", folder, *words, code=2)[1]
    told(capsys, "views", folder, "add", "x", "--where", "reads >", code=2)


def test_neurons_and_export_take_a_view_and_flags_win_over_it(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(run.path)
    view = TableView("reads > 0", "food", 1, sort=(SortKey("reads:animal", False),))
    SavedViews(run.path).keep("x", view)
    rows = chosen_rows(run, "reads > 0 and layer == 1", "selectivity.animal", None, "food")
    assert len(rows) == 3
    names = [str(run.neuron_name(int(row))) for row in rows]
    out, _ = told(capsys, "export", folder, "--view", "x", "--wide", "--format", "csv")
    assert [line.split(",")[2] for line in out.splitlines()[1:]] == names
    listed, _ = told(capsys, "neurons", folder, "--view", "x", "--format", "csv")
    assert [name for name in names if name in listed] == names
    out, err = told(capsys, "export", folder, "--view", "x", "--where", "layer == 2", "--wide")
    assert len(out.splitlines()) == 17 and "where layer == 2" in err
    assert "has no views" not in told(capsys, "neurons", folder, "--view", "y", code=2)[1]


def test_damaged_views_are_named(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run.path is not None
    (run.path / "views.json").write_text('{"views": {"bad\\u001b[31m": 3, "good": {}}}')
    out, err = told(capsys, "views", str(run.path))
    assert out.startswith("good") and "damaged" in err and "\x1b" not in err
    (run.path / "views.json").write_text("{")
    assert "does not hold views" in told(capsys, "views", str(run.path), code=1)[1]


@pytest.mark.parametrize(
    "view",
    [
        TableView("a or reads > 0", "gone", 2, sort=(SortKey("gone"), SortKey("tokens"), SortKey("reads:gone"))),
        TableView(layer=99, sort=(SortKey("max"), SortKey("neuron", False))),
        TableView(),
    ],
)
def test_a_views_query_makes_sense_on_any_run(run: Run, view: TableView) -> None:
    query = view_query(run, view)
    rows = chosen_rows(run, query.where or None, query.sort, None, query.category)
    assert len(rows) == (
        48 if view.layer != 2 else len(chosen_rows(run, f"({view.where}) and layer == 2", category="animal"))
    )
