"""How a run was left is kept in the data folder, restored, and harmless where the run has changed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from support.engine_double import EngineDouble
from support.recorded_run import recorded_run

from mechamap.runs.run import Run
from mechamap.runs.views.column_choice import ColumnChoice
from mechamap.runs.views.saved_views import SavedViews
from mechamap.runs.views.sort_key import SortKey
from mechamap.runs.views.table_view import TableView
from mechamap_tui.app import MechaMapApp
from mechamap_tui.browse.screen import BrowseScreen
from mechamap_tui.browse.views.session import Session, SessionFile
from mechamap_tui.data.first_view import FirstView
from mechamap_tui.dialogs.error import ErrorScreen
from mechamap_tui.start.target import Target

LEFT = Session(
    TableView(
        "reads > 0", "food", 1, sort=(SortKey("layer", False), SortKey("d")), columns=ColumnChoice(frozenset({"max"}))
    ),
    "L1.N7",
    "d",
    "text",
    "mean",
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return recorded_run(tmp_path / "run")


def file_of(run: Run) -> SessionFile:
    file = SessionFile.of(run)
    assert file is not None
    return file


async def left_again(run: Run, first: FirstView | None = None, *keys: str) -> tuple[Session, bool]:
    """Open a run in the explorer, press keys and leave; how it was left, and whether an error was shown."""
    app = MechaMapApp(Target("run", "run", run.path), engine=EngineDouble(), first=first)
    async with app.run_test(size=(160, 45)) as pilot:
        await pilot.pause()
        for _ in range(3):  # a tab is opened by a message of its own
            await pilot.pause()
        screen = app.screen_stack[1]
        assert isinstance(screen, BrowseScreen)
        troubled = isinstance(app.screen, ErrorScreen)
        await pilot.press(*keys)
        await pilot.pause()
        now = screen.session.now
    assert (file_of(run).read() or Session()) == now
    return now, troubled


def test_a_session_is_read_back_and_belongs_to_one_run(run: Run, tmp_path: Path) -> None:
    file = file_of(run)
    assert file.read() is None
    file.write(LEFT)
    assert file.read() == LEFT
    assert file_of(recorded_run(tmp_path / "other")).read() is None
    assert SessionFile(file.path, "/another/place").read() is None


@pytest.mark.parametrize("content", ["", "{", "[]", "3", '{"view": 3}', "null"])
def test_a_file_that_holds_no_session_is_passed_over(run: Run, content: str) -> None:
    file = file_of(run)
    file.write(LEFT)
    file.path.write_text(content)
    assert file.read() is None
    file.write(LEFT)
    plain = json.loads(file.path.read_text())
    for member, value in (("view", {"sort": 3}), ("neuron", 3), ("run", None)):
        file.path.write_text(json.dumps(plain | {member: value}))
        assert file.read() is None


def test_the_sessions_of_runs_that_were_left_longest_ago_are_forgotten(run: Run, home: Path, tmp_path: Path) -> None:
    for number in range(230):
        SessionFile(home / "explorer" / f"{number}.json", f"/{number}").write(LEFT)
    assert len(list((home / "explorer").iterdir())) == 200


def test_a_folder_that_cannot_be_written_is_no_trouble(run: Run, home: Path) -> None:
    home.write_text("a file")
    file_of(run).write(LEFT)
    assert file_of(run).read() is None


async def test_a_run_opens_as_it_was_left_and_the_first_undo_shows_it_whole(run: Run) -> None:
    file_of(run).write(LEFT)
    assert await left_again(run) == (LEFT, False)
    whole, _ = await left_again(run, None, "u")
    assert whole.view == TableView(category="animal")


async def test_what_is_done_is_kept_when_the_explorer_is_left(run: Run) -> None:
    left, _ = await left_again(run, None, "c", "l", "s", "j", "minus", "t")
    assert (left.view.category, left.view.sort, left.tab) == ("food", (SortKey("reads"),), "text")
    assert left.view.columns == ColumnChoice(frozenset({"reads"}))
    assert run.path is not None
    assert not (run.path / "views.json").exists(), "nothing is written into the run"
    assert await left_again(run) == (left, False)


async def test_a_session_that_names_what_the_run_does_not_have_does_no_harm(run: Run) -> None:
    gone = TableView("gone > 1", "gone", 77, True, (SortKey("gone"),), columns=ColumnChoice(frozenset({"gone"})))
    file_of(run).write(Session(gone, "L9.N9", "gone", "contexts", "causes"))
    now, troubled = await left_again(run)
    assert not troubled
    assert now == Session(TableView(category="animal", columns=gone.columns), "L0.N3", "ap", "tokens", "reads"), (
        "what is hidden somewhere else stays so"
    )


async def test_a_neuron_that_the_filter_hides_leaves_the_cursor_on_the_first(run: Run) -> None:
    file_of(run).write(replace(LEFT, neuron="L0.N3"))
    now, troubled = await left_again(run)
    assert (now.neuron.startswith("L1."), now.view, troubled) == (True, LEFT.view, False)


async def test_the_command_line_overrides_what_was_left(run: Run) -> None:
    file_of(run).write(LEFT)
    SavedViews(run.path).keep("dogs", TableView("reads < 0.5", "animal"))
    now, _ = await left_again(run, FirstView(sort="-mean.color,layer", category="color", neuron="L2.N11"))
    assert now.view == replace(
        LEFT.view, where="", layer=None, category="color", sort=(SortKey("mean"), SortKey("layer", False))
    )
    assert now.neuron == "L2.N11", "filters that hide it are cleared"
    now, _ = await left_again(run, FirstView(view="dogs", where="layer == 2"))
    assert now.view == TableView("layer == 2", "animal")
    for wrong in (
        FirstView(view="cats"),
        FirstView(category="cats"),
        FirstView(where="reads >"),
        FirstView(sort="cats"),
    ):
        _, troubled = await left_again(run, wrong)
        assert troubled
