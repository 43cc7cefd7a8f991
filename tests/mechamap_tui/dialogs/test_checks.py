"""Confirming, estimating and ablating from the browse screen: beside the browsing, one at a time, told when done."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.browse_host import SIZES
from support.engine_double import EngineDouble
from support.recorded_run import checked_run, recorded_run
from support.waiting import painted, until
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Static, TextArea

from mechamap.errors import EngineError, UsageError
from mechamap.protocol.messages import Ablation, Ablations, CausesEstimated, Confirmed, Effect, Progress
from mechamap.runs.additions import add_to_run
from mechamap.runs.checked import Causes
from mechamap.runs.record import dump
from mechamap.runs.run import Run
from mechamap_tui.app import MechaMapApp
from mechamap_tui.browse.screen import BrowseScreen
from mechamap_tui.dialogs.ablation import AblationScreen, ablation_lines
from mechamap_tui.dialogs.confirm import ConfirmScreen
from mechamap_tui.dialogs.confirm_run import ConfirmRunScreen
from mechamap_tui.dialogs.error import ErrorScreen
from mechamap_tui.dialogs.help import HelpScreen
from mechamap_tui.jobs.checks import ConfirmJob
from mechamap_tui.jobs.scan import ScanJob
from mechamap_tui.scan.screen import ScanScreen
from mechamap_tui.start.target import read_target
from mechamap_tui.widgets.key_footer import KeyFooter
from mechamap_tui.widgets.progress import ScanProgress, progress_line

MEASURED = Ablation(
    "L0.N3",
    "zero",
    ("L0.N5", "L0.N9"),
    {
        "animal": Effect(-0.25, 0.02, 12, (-0.01, 0.008)),
        "food": Effect(0.0012, 0.0008, 9, (0.002, -0.001)),
        "color": Effect(None, None, 0, ()),
    },
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


class Explorer:
    """The app with one run open, and the keys."""

    def __init__(self, app: MechaMapApp, engine: EngineDouble, pilot: Pilot[None], browse: BrowseScreen) -> None:
        self.app, self.engine, self.pilot, self.browse = app, engine, pilot, browse

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def until(self, condition: Callable[[], bool]) -> None:
        await until(self.pilot, condition)

    async def shows(self, screen: type[Screen[object]]) -> None:
        await self.until(lambda: isinstance(self.app.screen, screen) and self.app.screen.is_mounted)
        await self.pilot.pause()

    @property
    def progress(self) -> str:
        """The progress line of the browse screen; empty where it is not shown."""
        line = self.browse.query_one(ScanProgress)
        return str(line.render()) if line.display else ""

    @property
    def told(self) -> str:
        return "\n".join(note.message for note in self.app._notifications)

    @property
    def at(self) -> str:
        row = self.browse.table.cursor_row
        return "" if row is None else str(self.browse.run.neuron_name(row))

    @property
    def run(self) -> Path:
        assert self.browse.run.path is not None
        return self.browse.run.path

    def dialog(self) -> str:
        return "\n".join(str(part.render()) for part in self.app.screen.query(Static))


@asynccontextmanager
async def exploring(home: Path, size: tuple[int, int] = (160, 45)) -> AsyncIterator[Explorer]:
    if not (home / "runs" / "tiny-1").exists():
        recorded_run(home / "runs" / "tiny-1")
    engine = EngineDouble()
    app = MechaMapApp(read_target("tiny-1"), engine=engine)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: isinstance(app.screen, BrowseScreen))
        await pilot.pause()
        browse = app.screen
        assert isinstance(browse, BrowseScreen)
        yield Explorer(app, engine, pilot, browse)


def confirm_on_disk(run: Path, tmp_path: Path) -> None:
    """What the engine adds to a run that it confirms."""
    checked = checked_run(tmp_path / "checked")
    names = ("strength", "p", "held_out_auroc", "held_out_ap", "write_p")
    add_to_run(run, {name: checked.figure(name) for name in names})


# --- confirming ------------------------------------------------------------------------------------------------


async def test_confirming_goes_on_beside_the_browsing_and_tells_what_was_found(home: Path, tmp_path: Path) -> None:
    async with exploring(home) as it:
        await it.press("V", "enter")
        assert it.engine.checks == [("confirm", it.run, ())]
        it.engine.report(stage="carriers", detail="1,020 sentences", elapsed=1.0)
        await it.pilot.pause()
        assert it.progress == "● confirming: building 1,020 sentences  1.0 s"
        await it.press("c", "j", "j")
        neuron = it.at
        it.engine.report(layers_done=2, layers_total=3, eta=2.0)
        await it.pilot.pause()
        assert it.progress == "● confirming 2/3  2.0 s left"
        confirm_on_disk(it.run, tmp_path)
        it.engine.answer(Confirmed(it.run, {"animal": 1, "food": 1, "color": 1}, 3.2))
        await it.until(lambda: it.app.explorer.job is None)
        await it.pilot.pause()
        assert it.progress == ""
        assert "3 neurons confirmed in 3.2 s: food 1, color 1, animal 1" in it.told
        assert it.at == neuron
        assert [column.key for column in it.browse.table.columns][2:7] == ["strength", "reads", "writes", "p", "held"]


async def test_a_random_model_can_be_searched_too(home: Path) -> None:
    async with exploring(home) as it:
        await it.press("V")
        await it.shows(ConfirmRunScreen)
        assert "on words that did not choose it" in it.dialog()
        await it.press("right", "right")
        assert "initialized anew" in it.dialog() and "shuffled" not in it.dialog()
        await it.press("left", "enter")
        assert it.engine.checks == [("confirm", it.run, ("weights",))]
        it.engine.answer(Confirmed(it.run, {"animal": 30, "food": 12}, 3.2, {"weights": {"animal": 0, "food": 1}}))
        await it.until(lambda: it.app.explorer.job is None)
        assert "Findings confirmed: 42; in random models: weights 1 (3.2 s)" in it.told


@pytest.mark.parametrize("keys", [("V", "q"), ("V", "escape"), ("V", "tab", "tab", "enter")])
async def test_a_confirmation_that_is_not_wanted_does_not_begin(home: Path, keys: tuple[str, ...]) -> None:
    async with exploring(home) as it:
        await it.press(*keys)
        assert it.app.screen is it.browse
        assert it.engine.checks == []


async def test_searches_of_random_models_that_are_cancelled_keep_what_was_complete(home: Path) -> None:
    async with exploring(home) as it:
        await it.press("V", "right", "right", "right", "right", "enter")
        assert it.engine.checks == [("confirm", it.run, ("weights", "layers", "basis"))]
        it.engine.report(stage="randomize", detail="shuffled", elapsed=1.0)
        await it.pilot.pause()
        assert it.progress == "● confirming: making the model random  1.0 s"
        await it.press("x")
        await it.until(lambda: it.app.explorer.job is None)
        assert "was cancelled; what was complete is kept." in it.told


async def test_a_confirmation_that_finds_nothing_says_so(home: Path) -> None:
    async with exploring(home) as it:
        await it.press("V", "enter")
        it.engine.answer(Confirmed(it.run, {"animal": 0, "food": 0}, 3.2))
        await it.until(lambda: it.app.explorer.job is None)
        assert "No neuron is confirmed in any category" in it.told


async def test_estimating_causes_fills_their_column(home: Path) -> None:
    async with exploring(home) as it:
        await it.press("A")
        assert it.engine.checks == [("causes", it.run, ())]
        it.engine.report(stage="gradients", detail="2 of 4 parts of the text", elapsed=4.0)
        await it.pilot.pause()
        assert it.progress == "● estimating causes: 2 of 4 parts of the text  4.0 s"
        add_to_run(it.run, {"cause": np.full((48, 3), -0.01, np.float32)})
        it.engine.answer(CausesEstimated(it.run, 4.0))
        await it.until(lambda: it.app.explorer.job is None)
        assert "causes of 48 neurons were estimated in 4.0 s" in it.told
        assert "causes" in [column.key for column in it.browse.table.columns]


# --- ablation --------------------------------------------------------------------------------------------------


async def test_a_measures_the_neuron_under_the_cursor_and_shows_what_it_did(home: Path) -> None:
    async with exploring(home) as it:
        await it.press("a")
        assert it.engine.checks == [("ablate zero", it.run, ("L0.N3",))]
        it.engine.report(stage="load", detail="reading weights", elapsed=1.0)
        await it.pilot.pause()
        assert it.progress == "● ablating L0.N3: reading weights  1.0 s"
        it.engine.answer(Ablations(it.run, (MEASURED,)))
        await it.shows(AblationScreen)
        await it.press("q")
        assert it.app.screen is it.browse


async def test_what_a_run_holds_already_is_shown_without_the_engine(home: Path) -> None:
    kept = Ablation("L0.N3", "zero", ("L0.N5",), {"animal": Effect(-0.25, None, 12, (0.01,))})
    async with exploring(home) as it:
        add_to_run(it.run, {}, causes=Causes(ablations={"L0.N3 zero": kept}))
        await it.until(lambda: it.browse.run.record.causes.known)
        await it.press("a")
        await it.shows(AblationScreen)
        assert "-.2500" in it.dialog() and it.engine.checks == []
        await it.press("q", "c", "a")
        assert it.engine.checks == [("ablate zero", it.run, ("L1.N7",))]


@pytest.mark.parametrize("key", ["q", "enter", "escape"])
async def test_the_dialog_closes_with_each_of_its_keys(home: Path, key: str) -> None:
    async with exploring(home) as it:
        it.app.push_screen(AblationScreen(MEASURED))
        await it.pilot.pause()
        await it.press(key)
        assert it.app.screen is it.browse


@pytest.mark.parametrize("size", [*SIZES, (62, 16)])
async def test_the_dialog_fits_at_every_size_and_can_be_scrolled_and_copied(home: Path, size: tuple[int, int]) -> None:
    async with exploring(home, size) as it:
        it.app.push_screen(AblationScreen(MEASURED))
        await it.pilot.pause()
        text = painted(it.app)
        assert "Without L0.N3" in text and "Strongest on animal" in text
        animal = next(line for line in text.splitlines() if "▸ animal" in line)
        assert "-.2500 ± .0200" in animal and "-.0100 to +.0080 *" in animal, "on one line"
        await it.press("j", "k", "y")
        assert "beyond all 2 controls" in it.app.clipboard


def test_the_dialog_says_in_words_what_was_measured() -> None:
    text = "\n".join(line for line, _ in ablation_lines(MEASURED))
    animal, food, color = (next(line for line in text.splitlines() if name in line[:9]) for name in MEASURED.categories)
    assert animal.startswith("▸ animal") and "-.2500 ± .0200" in animal and "-.0100 to +.0080" in animal
    assert animal.count("█") == 8 and "█" not in food + color, "a bar is as long as the effect is large"
    assert "+.0080 *" in animal and "*" not in food + color, "beyond its controls"
    assert "—" in color
    assert "Negative: the model gets worse at the category's words without the neuron." in text
    assert "Strongest on animal: -.2500, its words become 22% less likely." in text
    assert "That is beyond all 2 controls." in text
    assert "Controls: L0.N5, L0.N9" in text


def test_an_effect_that_controls_have_too_or_that_is_within_its_error_is_called_that() -> None:
    weak = replace(MEASURED, categories={"food": Effect(-0.05, 0.001, 9, (0.06, -0.001))})
    assert "Not beyond all controls" in "\n".join(line for line, _ in ablation_lines(weak))
    unsure = replace(MEASURED, categories={"food": Effect(-0.05, 0.04, 9, (0.001,))})
    assert "within two standard errors of zero" in "\n".join(line for line, _ in ablation_lines(unsure))
    nothing = replace(MEASURED, categories={"food": Effect(None, None, 0, ())})
    assert "Strongest" not in "\n".join(line for line, _ in ablation_lines(nothing))


async def test_a_result_does_not_take_the_keys_from_somebody_who_is_writing(home: Path) -> None:
    async with exploring(home) as it:
        await it.press("a")
        await it.browse.detail.action_tab("notes")
        await it.press("enter", *"dogs")
        assert isinstance(it.app.focused, TextArea)
        it.engine.answer(Ablations(it.run, (MEASURED,)))
        await it.until(lambda: it.app.explorer.job is None)
        await it.press(*" bark")
        assert it.app.screen is it.browse
        assert it.browse.query_one(TextArea).text == "dogs bark", "nothing that was typed is lost"
        assert "L0.N3 of tiny-1 has been measured" in it.told


# --- cancelling, failing, quitting -----------------------------------------------------------------------------


async def test_x_cancels_and_the_run_is_as_it_was(home: Path) -> None:
    async with exploring(home) as it:
        assert "cancel check" not in [what for _, _, what, _ in it.browse.query_one(KeyFooter).shown]
        await it.press("V", "enter")
        await it.until(lambda: "cancel check" in [what for _, _, what, _ in it.browse.query_one(KeyFooter).shown])
        await it.press("x")
        await it.until(lambda: it.app.explorer.job is None)
        await it.pilot.pause()
        assert "The confirmation of tiny-1 was cancelled; the run is unchanged." in it.told
        assert it.progress == ""
        assert "p" not in [column.key for column in it.browse.table.columns]


async def test_a_check_that_fails_is_a_dialog_and_the_next_one_can_begin(home: Path) -> None:
    async with exploring(home) as it:
        await it.press("V", "enter")
        it.engine.fail(EngineError("The engine process was killed by SIGKILL."))
        await it.shows(ErrorScreen)
        await it.press("q", "A")
        assert [kind for kind, *_ in it.engine.checks] == ["confirm", "causes"]


async def test_only_one_check_runs_at_a_time_and_the_second_is_told_why(home: Path) -> None:
    async with exploring(home) as it:
        await it.press("V", "enter", "a")
        await it.shows(ErrorScreen)
        assert "The confirmation of tiny-1 is running" in it.dialog()
        assert len(it.engine.checks) == 1


async def test_a_check_is_refused_while_a_scan_runs_and_a_scan_while_a_check_runs(home: Path) -> None:
    async with exploring(home) as it:
        it.app.explorer.start(ScanJob("demo"))
        await it.shows(ScanScreen)
        await it.press("q", "V")
        await it.shows(ErrorScreen)
        assert "The scan of demo is running" in it.dialog() and it.engine.checks == []
    async with exploring(home) as it:
        await it.press("V", "enter")
        it.app.explorer.start(ScanJob("demo"))
        await it.shows(ErrorScreen)
        assert "The confirmation of tiny-1 is running" in it.dialog() and it.engine.scans == []


async def test_quitting_asks_while_a_check_runs(home: Path) -> None:
    async with exploring(home) as it:
        await it.press("V", "enter", "ctrl+q")
        await it.shows(ConfirmScreen)
        assert "The confirmation of tiny-1 is running." in it.dialog()
        await it.press("n")
        assert it.app.is_running
        await it.press("ctrl+q", "y")
        await it.pilot.pause()
    assert not it.app.is_running


async def test_a_check_that_is_left_goes_on_and_its_line_is_there_when_coming_back(home: Path, tmp_path: Path) -> None:
    async with exploring(home) as it:
        await it.press("V", "enter", "q")
        assert not isinstance(it.app.screen, BrowseScreen)
        it.engine.report(layers_done=1, layers_total=3)
        await it.pilot.pause()
        assert "confirming 1/3" in str(it.app.screen.query_one(ScanProgress).render())
        it.app.explorer.open_run(Run.open(it.run))
        await it.shows(BrowseScreen)
        await it.pilot.pause()
        again = it.app.screen
        assert isinstance(again, BrowseScreen)
        assert "confirming 1/3" in str(again.query_one(ScanProgress).render())
        confirm_on_disk(it.run, tmp_path)
        it.engine.answer(Confirmed(it.run, {"food": 1}, 1.0))
        await it.until(lambda: it.app.explorer.job is None)
        assert "p" in [column.key for column in again.table.columns]


async def test_what_another_process_adds_to_the_open_run_shows_up(home: Path, tmp_path: Path) -> None:
    async with exploring(home) as it:
        confirm_on_disk(it.run, tmp_path)
        await it.until(lambda: "p" in [column.key for column in it.browse.table.columns])


async def test_a_scan_into_the_folder_of_the_open_run_is_told_and_not_mixed_up_with_it(
    home: Path, tmp_path: Path
) -> None:
    checked_run(home / "runs" / "tiny-1")
    async with exploring(home) as it:
        other = recorded_run(tmp_path / "other", layers=2, width=4)
        assert other.path is not None
        text = (other.path / "run.json").read_text().replace("2026-01-02", "2026-02-03")
        (it.run / "new.json").write_text(text)
        (it.run / "new.json").replace(it.run / "run.json")
        await it.until(lambda: "tiny-1 was scanned again" in it.told)
        await it.press("j", "c", "G")
        assert it.browse.run.neurons == 48 and "48 of 48" in str(it.browse.table.border_title)


# --- refusals --------------------------------------------------------------------------------------------------


def test_a_run_that_cannot_be_checked_says_why(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "run")
    ConfirmJob(run).refuse_unless_possible()
    record = run.record
    for changed, says in (
        ({"source": "csv"}, "is a CSV, with no model behind it"),
        ({"state": "running"}, "still being scanned"),
    ):
        run.record = replace(record, **changed)  # type: ignore[arg-type]
        with pytest.raises(UsageError, match=says) as raised:
            ConfirmJob(run).refuse_unless_possible()
        assert raised.value.hint


@pytest.mark.parametrize("key", ["a", "A"])
async def test_causes_that_cannot_mean_anything_are_refused_before_anything_is_started(home: Path, key: str) -> None:
    run = recorded_run(home / "runs" / "tiny-1")
    assert run.path is not None
    undefined = {"cause": "an encoder predicts no word from what precedes it", "write": "nor the next"}
    (run.path / "run.json").write_text(dump(replace(run.record, undefined=undefined)))
    async with exploring(home) as it:
        await it.press(key)
        await it.shows(ErrorScreen)
        assert "an encoder predicts no word from what precedes it" in it.dialog()
        assert "What they read can still be confirmed" in it.dialog()
        assert it.engine.checks == []
        await it.press("escape", "V", "enter")
        assert [kind for kind, _, _ in it.engine.checks] == ["confirm"], "what its neurons read can be confirmed"


@pytest.mark.parametrize("key", ["a", "A", "V"])
async def test_a_csv_is_refused_with_a_dialog(tmp_path: Path, key: str) -> None:
    file = tmp_path / "results.csv"
    file.write_text("model,layer,neuron,category,avg_activation,top_tokens\ntiny,0,0,food,0.5,\"[('apple', 1.0)]\"\n")
    engine = EngineDouble()
    app = MechaMapApp(read_target(str(file)), engine=engine)
    async with app.run_test() as pilot:
        await until(pilot, lambda: isinstance(app.screen, BrowseScreen))
        await pilot.pause()
        await pilot.press(key)
        await pilot.pause()
        assert isinstance(app.screen, ErrorScreen)
        assert "is a CSV, with no model behind it" in app.screen.error.message
        assert engine.checks == []


# --- where the keys are told -----------------------------------------------------------------------------------


async def test_the_keys_are_in_the_footer_the_help_and_the_palette(home: Path) -> None:
    async with exploring(home) as it:
        footer = {(key, what) for _, key, what, _ in it.browse.query_one(KeyFooter).shown}
        assert {("a", "ablate"), ("A", "estimate causes"), ("V", "confirm run")} <= footer
        titles = [command.title for command in it.app.get_system_commands(it.app.screen)]
        assert {"Ablate", "Estimate causes", "Confirm run"} <= set(titles)
        await it.press("V", "enter")
        titles = [command.title for command in it.app.get_system_commands(it.app.screen)]
        assert "Cancel the check" in titles and len(titles) == len(set(titles))
        await it.press("question_mark")
        await it.shows(HelpScreen)
        text = it.dialog()
        assert isinstance(it.app.screen, HelpScreen)
        told = {does: keys for keys, does in it.app.screen.keys}
        assert told["measure what the model loses without the neuron"] == "a"
        assert told["estimate what the model loses without each neuron"] == "A"
        assert told["check all findings on held-out words"] == "V"
        assert told["cancel; a scan keeps what is finished"] == "x"
        assert text


def test_the_progress_of_a_check_names_it() -> None:
    line = progress_line(Progress("load", "reading weights", elapsed=2), "confirming")
    assert line == "● confirming: reading weights  2.0 s"
    assert progress_line(Progress("pass", layers_done=1, layers_total=4, eta=-1.5), "confirming") == "● confirming 1/4"
    assert progress_line(Progress("pass", layers_done=1, layers_total=4), "confirming") == "● confirming 1/4"
    assert progress_line(Progress("write", elapsed=2), "stopping") == "● stopping: writing  2.0 s"
