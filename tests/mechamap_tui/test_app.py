"""The explorer's frame: which screen comes when, what a scan does to it, and errors that do not end it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from support.engine_double import EngineDouble
from support.recorded_run import recorded_run
from support.waiting import until
from textual.command import CommandPalette
from textual.css.query import NoMatches
from textual.pilot import Pilot
from textual.widgets import Input, OptionList, Static
from textual.worker import WorkerFailed

from mechamap.errors import EngineError, ModelNotFound, RunError
from mechamap.protocol.messages import Progress
from mechamap.runs.library import RunSummary
from mechamap_tui.__main__ import main
from mechamap_tui.app import MechaMapApp
from mechamap_tui.browse.screen import BrowseScreen
from mechamap_tui.dialogs.confirm import ConfirmScreen
from mechamap_tui.dialogs.error import ErrorScreen
from mechamap_tui.dialogs.help import HelpScreen
from mechamap_tui.jobs.scan import ScanJob
from mechamap_tui.scan.form import ScanFormScreen
from mechamap_tui.scan.screen import ScanScreen, facts
from mechamap_tui.start.screen import StartScreen
from mechamap_tui.start.target import read_target
from mechamap_tui.widgets.progress import ScanProgress, progress_line


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


def explorer(what: str = "") -> tuple[MechaMapApp, EngineDouble]:
    engine = EngineDouble()
    return MechaMapApp(read_target(what), engine=engine), engine


async def shows(pilot: Pilot[None], screen: type, condition: Callable[[], bool] = lambda: True) -> None:
    """Wait until a screen of this type is on top."""
    await until(pilot, lambda: isinstance(pilot.app.screen, screen) and condition())


async def test_without_an_argument_it_starts_with_the_start_screen() -> None:
    app, _ = explorer()
    async with app.run_test() as pilot:
        await shows(pilot, StartScreen)


async def test_a_run_is_opened_by_its_name_and_back_leads_to_the_start_screen(home: Path) -> None:
    recorded_run(home / "runs" / "tiny-1")
    app, _ = explorer("tiny-1")
    async with app.run_test() as pilot:
        await shows(pilot, BrowseScreen)
        await pilot.press("q")
        await shows(pilot, StartScreen)


async def test_a_damaged_run_is_a_dialog_over_the_start_screen(home: Path) -> None:
    run = home / "runs" / "broken-1"
    run.mkdir(parents=True)
    (run / "run.json").write_text("{")
    app, _ = explorer("broken-1")
    async with app.run_test() as pilot:
        await shows(pilot, ErrorScreen)
        assert "not valid JSON" in str(app.screen.query_one("#message", Static).render())
        await pilot.press("enter")
        await shows(pilot, StartScreen)


async def test_a_csv_is_read_and_browsed(tmp_path: Path) -> None:
    file = tmp_path / "results.csv"
    file.write_text(
        "model,layer,neuron,category,avg_activation,top_tokens\n"
        "tiny,0,0,food,0.5,\"[('apple', 1.0)]\"\ntiny,0,1,,,\"[('a', 0.5)]\"\n"
    )
    app, _ = explorer(str(file))
    async with app.run_test() as pilot:
        await shows(pilot, BrowseScreen)


async def test_a_csv_that_is_not_there_is_a_dialog(tmp_path: Path) -> None:
    app, _ = explorer(str(tmp_path / "nothing.csv"))
    async with app.run_test() as pilot:
        await shows(pilot, ErrorScreen)


async def test_a_scan_shows_its_progress_then_its_first_layers_then_the_rest(home: Path) -> None:
    app, engine = explorer("demo")
    async with app.run_test(size=(120, 40)) as pilot:
        await shows(pilot, ScanScreen)
        assert engine.scans == [("demo", {})]
        engine.report(stage="load", detail="reading weights", elapsed=1.0)
        await pilot.pause()
        assert isinstance(app.screen, ScanScreen)

        folder = home / "runs" / "demo-1"
        recorded_run(folder, complete=1)
        engine.report(run=folder, layers_done=1, layers_total=3, neurons_done=16, neurons_total=48, eta=2.1)
        await shows(pilot, BrowseScreen)
        browse = app.screen
        assert isinstance(browse, BrowseScreen)
        await pilot.pause()
        line = browse.query_one(ScanProgress)
        engine.report(run=folder, layers_done=1, layers_total=3, neurons_done=16, neurons_total=48, eta=2.1)
        await pilot.pause()
        assert "scanning 1/3" in str(line.render())
        assert len(browse.run.complete_layers) == 1

        recorded_run(folder)
        engine.finish(folder)
        await until(pilot, lambda: len(browse.run.complete_layers) == 3)
        assert app.screen is browse
        assert app.explorer.job is None and not line.display


async def test_a_scan_that_ends_before_anything_was_seen_opens_its_run(home: Path) -> None:
    app, engine = explorer("demo")
    async with app.run_test() as pilot:
        await shows(pilot, ScanScreen)
        run = recorded_run(home / "runs" / "demo-1")
        assert run.path is not None
        engine.finish(run.path)
        await shows(pilot, BrowseScreen)
        assert isinstance(app.screen_stack[-2], StartScreen)


async def test_a_scan_that_fails_is_a_dialog_over_the_form_as_it_was_filled() -> None:
    app, engine = explorer("gpt9")
    async with app.run_test() as pilot:
        await shows(pilot, ScanScreen)
        engine.fail(ModelNotFound("There is no gpt9.", "Try gpt2."))
        await shows(pilot, ErrorScreen)
        await pilot.press("q")
        await shows(pilot, ScanFormScreen)
        assert app.screen.query_one("#field-model", Input).value == "gpt9"
        assert app.explorer.job is None


async def test_an_engine_that_dies_with_layers_done_leaves_them_browsed(home: Path) -> None:
    app, engine = explorer("demo")
    async with app.run_test() as pilot:
        await shows(pilot, ScanScreen)
        folder = home / "runs" / "demo-1"
        recorded_run(folder, complete=2)
        engine.report(run=folder, layers_done=2, layers_total=3)
        await shows(pilot, BrowseScreen)
        engine.fail(EngineError("The engine process was killed by SIGKILL."))
        await shows(pilot, ErrorScreen)
        await pilot.press("enter")
        await shows(pilot, BrowseScreen)


async def test_cancelling_keeps_the_finished_layers(home: Path) -> None:
    app, engine = explorer("demo")
    async with app.run_test() as pilot:
        await shows(pilot, ScanScreen)
        recorded_run(home / "runs" / "demo-1", complete=1)
        engine.report(run=home / "runs" / "demo-1", layers_done=0, layers_total=3)
        await pilot.press("x")
        await shows(pilot, BrowseScreen)
        assert app.explorer.job is None


async def test_cancelling_before_the_first_layer_goes_back_to_the_form() -> None:
    app, _ = explorer("demo")
    async with app.run_test() as pilot:
        await shows(pilot, ScanScreen)
        await pilot.press("x")
        await shows(pilot, ScanFormScreen)


async def test_a_scan_that_is_left_goes_on_and_does_not_take_the_screen(home: Path) -> None:
    app, engine = explorer("demo")
    async with app.run_test() as pilot:
        await shows(pilot, ScanScreen)
        await pilot.press("q")
        await shows(pilot, StartScreen)
        run = recorded_run(home / "runs" / "demo-1")
        assert run.path is not None
        engine.report(run=run.path, layers_done=3, layers_total=3)
        await pilot.pause()
        assert "scanning" in str(app.screen.query_one(ScanProgress).render())
        engine.finish(run.path)
        await pilot.pause(0.1)
        start = app.screen
        assert isinstance(start, StartScreen)
        await shows(pilot, StartScreen, lambda: "demo-1" in [entry.columns[0] for entry in start.shown])


async def test_layers_that_another_process_adds_to_an_open_run_show_up(home: Path) -> None:
    folder = home / "runs" / "demo-1"
    recorded_run(folder, complete=1)
    file = folder / "run.json"
    file.write_text(file.read_text().replace('"cancelled"', '"running"'))
    app, _ = explorer("demo-1")
    async with app.run_test() as pilot:
        await shows(pilot, BrowseScreen)
        browse = app.screen
        assert isinstance(browse, BrowseScreen) and len(browse.run.complete_layers) == 1
        recorded_run(folder)
        await shows(pilot, BrowseScreen, lambda: len(browse.run.complete_layers) == 3)


async def test_what_covers_the_progress_stays_until_it_is_closed(home: Path) -> None:
    app, engine = explorer("demo")
    async with app.run_test() as pilot:
        await shows(pilot, ScanScreen)
        await pilot.press("f1")
        await shows(pilot, HelpScreen)
        run = recorded_run(home / "runs" / "demo-1")
        assert run.path is not None
        engine.finish(run.path)
        await pilot.pause(0.1)
        assert isinstance(app.screen, HelpScreen)
        await pilot.press("q")
        await shows(pilot, BrowseScreen)


async def test_a_second_scan_is_refused_while_one_runs() -> None:
    app, engine = explorer("demo")
    async with app.run_test() as pilot:
        await shows(pilot, ScanScreen)
        app.explorer.start(ScanJob("gpt2"))
        await shows(pilot, ErrorScreen)
        assert len(engine.scans) == 1


async def test_quitting_asks_while_a_scan_runs_and_not_otherwise() -> None:
    app, _ = explorer("demo")
    async with app.run_test() as pilot:
        await shows(pilot, ScanScreen)
        await pilot.press("ctrl+q")
        await shows(pilot, ConfirmScreen)
        await pilot.press("n")
        await shows(pilot, ScanScreen)
        assert app.is_running
        await pilot.press("ctrl+q")
        await shows(pilot, ConfirmScreen)
        await pilot.press("y")
        await pilot.pause()
    assert not app.is_running and app.return_code == 0


@pytest.mark.failing
async def test_an_action_that_fails_unforeseen_is_a_dialog_with_a_log(home: Path) -> None:
    app, _ = explorer()
    async with app.run_test() as pilot:
        await shows(pilot, StartScreen)

        def explode() -> None:
            raise ZeroDivisionError("nobody thought of this")

        app.action_picture = explode  # type: ignore[method-assign]
        await pilot.press("f8")
        await shows(pilot, ErrorScreen)
        assert "nobody thought of this" in (home / "log" / "failures.log").read_text()
        await pilot.press("q")
        await shows(pilot, StartScreen)


async def test_a_worker_that_fails_is_a_dialog() -> None:
    app, _ = explorer()
    async with app.run_test() as pilot:
        await shows(pilot, StartScreen)

        async def work() -> None:
            raise RunError("gone", "come back")

        app.run_worker(work())
        await shows(pilot, ErrorScreen)
        assert isinstance(app.screen, ErrorScreen) and app.screen.error.hint == "come back"


async def test_a_screen_that_is_taken_down_while_it_looks_for_runs_fails_nowhere(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking, go_on = threading.Event(), threading.Event()

    def slow() -> list[RunSummary]:
        looking.set()
        assert go_on.wait(20)
        return []

    app, _ = explorer()
    async with app.run_test() as pilot:
        await shows(pilot, StartScreen, lambda: app.screen.query_one("#list", OptionList).option_count > 0)
        start = app.screen
        monkeypatch.setattr("mechamap.runs.library.list_runs", slow)
        start.reload()
        await until(pilot, looking.is_set)
        start._pruning = True  # as Textual marks a screen, before it removes what is on it and then the screen
        await start.query_one("#list").remove()
        go_on.set()
        await until(pilot, lambda: all(worker.is_finished for worker in start.workers))
        assert app.screen is start, "no dialog"
    assert app.return_code in (0, None)


async def test_a_worker_that_fails_while_the_app_ends_is_no_failure_of_the_app() -> None:
    app, _ = explorer()
    async with app.run_test() as pilot:
        await shows(pilot, StartScreen)
        app.exit()
        app._handle_exception(WorkerFailed(NoMatches("gone")))
    assert app.return_code == 0


@pytest.mark.parametrize(("key", "run"), [("ctrl+p", ""), ("ctrl+p", "tiny-1"), ("colon", "tiny-1")])
async def test_the_palette_opens_while_a_text_has_the_keys_too(home: Path, key: str, run: str) -> None:
    recorded_run(home / "runs" / "tiny-1")
    app, _ = explorer(run)
    async with app.run_test() as pilot:
        await shows(pilot, BrowseScreen if run else StartScreen)
        await pilot.press(key)
        await shows(pilot, CommandPalette)


async def test_the_palette_knows_categories_and_what_has_a_key(home: Path) -> None:
    recorded_run(home / "runs" / "tiny-1")
    app, _ = explorer("tiny-1")
    async with app.run_test() as pilot:
        await shows(pilot, BrowseScreen)
        await pilot.pause()
        titles = [command.title for command in app.get_system_commands(app.screen)]
    assert {"Export", "New scan", "Category food", "Go to", "Theme", "Quit"} <= set(titles)
    assert len(titles) == len(set(titles))


async def test_help_tells_the_keys_of_where_it_was_opened(home: Path) -> None:
    recorded_run(home / "runs" / "tiny-1")
    app, _ = explorer("tiny-1")
    async with app.run_test() as pilot:
        await shows(pilot, BrowseScreen)
        await pilot.press("question_mark")
        await shows(pilot, HelpScreen)
        screen = app.screen
        assert isinstance(screen, HelpScreen)
        told = {does: keys for keys, does in screen.keys}
        assert told["write neurons to a file"] == "e"
        assert told["show only neurons for which an expression holds"] == "/"


def test_progress_is_told_on_one_line() -> None:
    assert progress_line(Progress("pass", layers_done=7, layers_total=30, eta=2.14)) == "● scanning 7/30  2.1 s left"
    assert progress_line(Progress("load", "reading weights", elapsed=72)) == "● reading weights  1 min 12 s"
    assert dict(facts(Progress("load", memory=3_400_000_000, gpu_memory=12_000_000_000)))["memory"] == (
        "3.4 GB · GPU 12.0 GB"
    )


def test_without_a_terminal_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 1
    captured = capsys.readouterr()
    assert "not a terminal" in captured.err and not captured.out


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_and_version_need_no_terminal(argument: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([argument])
    assert ended.value.code == 0
    assert "mechamap-tui" in capsys.readouterr().out
