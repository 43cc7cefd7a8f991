"""Named views in a run's folder: kept, renamed, and never lost, whatever stands in the file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.recorded_run import recorded_run

from mechamap.errors import RunError, UsageError
from mechamap.runs.gate.salvage import examined, salvage
from mechamap.runs.views.column_choice import ColumnChoice
from mechamap.runs.views.saved_views import SavedViews
from mechamap.runs.views.sort_key import SortKey
from mechamap.runs.views.table_view import TableView, table_view_from_plain, table_view_to_plain

LATE = TableView(
    "reads > 0.5 and layer >= 1",
    "food",
    sort=(SortKey("layer", False), SortKey("ap")),
    columns=ColumnChoice(frozenset({"d"}), ("max", "ap"), {"ap": 9}),
)
KEYS = st.builds(
    SortKey, st.text(st.characters(exclude_characters="-", exclude_categories=["Zs", "Cc"])), st.booleans()
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    recorded_run(tmp_path / "run")
    return tmp_path / "run"


@given(
    st.builds(
        TableView,
        st.text(),
        st.text(),
        st.none() | st.integers(),
        st.booleans(),
        st.lists(KEYS, max_size=3, unique_by=str).map(tuple),
        st.booleans(),
        st.builds(
            ColumnChoice,
            st.frozensets(st.text()),
            st.lists(st.text(), unique=True).map(tuple),
            st.dictionaries(st.text(), st.integers(3, 60)),
        ),
    )
)
def test_a_view_is_read_back_as_it_was_written(view: TableView) -> None:
    assert table_view_from_plain(json.loads(json.dumps(table_view_to_plain(view)))) == view


def test_views_are_kept_renamed_and_removed_beside_the_run(folder: Path) -> None:
    views = SavedViews(folder)
    views.keep("late food", LATE)
    views.keep("all", TableView())
    views.rename("late food", "food, late")
    other = SavedViews(folder)
    assert list(other.views) == ["food, late", "all"]
    assert other.named(" food, late ") == LATE
    other.remove("all")
    views.keep("dogs", TableView("dog"))
    assert list(SavedViews(folder).views) == ["food, late", "dogs"], "two explorers do not undo each other's changes"


def test_names_that_are_taken_unknown_or_cannot_be_shown_are_refused(folder: Path) -> None:
    views = SavedViews(folder)
    with pytest.raises(UsageError, match="has no views"):
        views.named("late")
    views.keep("late", LATE)
    views.keep("all", TableView())
    with pytest.raises(UsageError, match="'late' already"):
        views.rename("all", "late")
    with pytest.raises(UsageError, match="Unknown view 'lat'; choose late or all"):
        views.named("lat")
    with pytest.raises(UsageError, match="cannot be the name of a view"):
        views.keep("two\nlines", LATE)
    assert SavedViews(folder).views == {"late": LATE, "all": TableView()}


@pytest.mark.parametrize(
    "damaged",
    [
        [],
        {"where": 3},
        {"layer": "3"},
        {"sort": "ap"},
        {"widths": {"ap": "9"}},
        {"marked": 1},
        {"hidden": [None]},
        None,
    ],
)
def test_a_damaged_view_is_named_and_stays_in_the_file(folder: Path, damaged: object) -> None:
    plain = {"format": 1, "views": {"bad": damaged, "good": {"where": "dead", "newer": 1}}, "newer": [2]}
    (folder / "views.json").write_text(json.dumps(plain))
    views = SavedViews(folder)
    assert (views.damaged, views.views) == (("bad",), {"good": TableView("dead")})
    with pytest.raises(UsageError, match="'bad' is damaged"):
        views.named("bad")
    views.keep("late", LATE)
    kept = json.loads((folder / "views.json").read_text())
    assert kept["views"] == {**plain["views"], "late": table_view_to_plain(LATE)}  # type: ignore[dict-item]
    assert kept["newer"] == [2]
    record, damages = examined(folder)
    assert record is not None
    assert [damage.where for damage in damages] == ["view 'bad'"]
    salvage(folder, folder.parent / "copy")
    assert (folder.parent / "copy" / "views.json").read_bytes() == (folder / "views.json").read_bytes()


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"views": []}', b"\xff", b"[" * 100_000, b""])
def test_a_damaged_file_is_told_and_left_as_it_is(folder: Path, content: bytes) -> None:
    file = folder / "views.json"
    views = SavedViews(folder)
    file.write_bytes(content)
    with pytest.raises(RunError, match="does not hold views"):
        SavedViews(folder)
    with pytest.raises(RunError):
        views.keep("late", LATE)
    assert file.read_bytes() == content
    assert views.named("late") == LATE, "it is kept in memory"


def test_a_run_that_cannot_be_written_keeps_views_until_the_explorer_is_closed() -> None:
    views = SavedViews(None)
    views.keep("late", LATE)
    assert views.named("late") == LATE
