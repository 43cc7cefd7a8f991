"""The probe screen: what is asked while one types, what is painted, and where its keys lead."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from support.probe_double import ProbeDouble
from support.recorded_run import recorded_run
from support.waiting import painted, until
from textual.pilot import Pilot
from textual.widgets import Input

from mechamap.errors import OutOfMemory
from mechamap.exports.registry import ExportRequest, export_run
from mechamap_tui.app import MechaMapApp
from mechamap_tui.browse.screen import BrowseScreen
from mechamap_tui.dialogs.error import ErrorScreen
from mechamap_tui.jobs.scan import ScanJob
from mechamap_tui.opening.screens import Opening
from mechamap_tui.probe.screen import ProbeScreen
from mechamap_tui.probe.similar import SimilarScreen
from mechamap_tui.start.target import read_target


class Probing:
    """The explorer with the probe screen on top, for a test to read like what it does."""

    def __init__(self, app: MechaMapApp, pilot: Pilot[None], engine: ProbeDouble) -> None:
        self.app, self.pilot, self.engine = app, pilot, engine

    @property
    def screen(self) -> ProbeScreen:
        screen = self.app.screen
        assert isinstance(screen, ProbeScreen)
        return screen

    @property
    def text(self) -> str:
        return painted(self.app)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def type(self, text: str) -> None:
        """Type into the line, as fast as a paste."""
        self.screen.query_one(Input).insert_text_at_cursor(text)
        await self.pilot.pause()

    async def shows(self, *texts: str) -> None:
        await until(self.pilot, lambda: all(text in self.text for text in texts))

    async def answered(self) -> None:
        await until(self.pilot, lambda: not self.screen.asking.waits)
        await self.pilot.pause()

    async def browses(self) -> str:
        """Wait for the browse screen; the neuron under its cursor."""
        await until(self.pilot, lambda: isinstance(self.app.screen, BrowseScreen))
        await self.pilot.pause()
        screen = self.app.screen
        assert isinstance(screen, BrowseScreen)
        return "" if screen.table.cursor_row is None else str(screen.run.neuron_name(screen.table.cursor_row))


@asynccontextmanager
async def probing(tmp_path: Path, size: tuple[int, int] = (120, 40)) -> AsyncIterator[Probing]:
    """Press p on the first neuron of a run."""
    engine = ProbeDouble()
    recorded_run(tmp_path / "run")
    app = MechaMapApp(read_target(str(tmp_path / "run")), engine=engine)
    async with app.run_test(size=size) as pilot:
        probe = Probing(app, pilot, engine)
        await probe.browses()
        await pilot.press("p")
        await until(pilot, lambda: isinstance(app.screen, ProbeScreen))
        await pilot.pause()
        yield probe


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))


async def test_a_sentence_is_painted_with_the_value_under_the_cursor_and_what_comes_next(tmp_path: Path) -> None:
    async with probing(tmp_path) as probe:
        await probe.type("The dog ate bread")
        await probe.answered()
        name = probe.screen.neuron
        await probe.shows(f"{name} at [bread] · +5.00 · percentile 50.0", "usual: -1.00 to +8.00", "next0of4", "50.0%")
        assert all(question.overtakes for question in probe.engine.questions)
        assert probe.engine.questions[0].neurons == (name,)
        assert probe.engine.questions[0].next == 0  # colours first


async def test_keys_that_follow_each_other_are_not_a_question_each(tmp_path: Path) -> None:
    async with probing(tmp_path) as probe:
        line = probe.screen.query_one(Input)
        for end in range(1, 9):  # without a pause
            line.value = "abcdefgh"[:end]
        await until(probe.pilot, lambda: probe.screen.session.text == "abcdefgh")
        await probe.answered()
        assert {question.text for question in probe.engine.questions} == {"abcdefgh"}


async def test_the_last_answer_stays_until_the_next_one_comes(tmp_path: Path) -> None:
    async with probing(tmp_path) as probe:
        await probe.type("The dog")
        await probe.answered()
        held = probe.engine.hold("The dog ate")
        await probe.type(" ate")
        await until(probe.pilot, lambda: probe.engine.questions[-1].text == "The dog ate")
        assert "at [dog]" in probe.text
        held.set()
        await probe.shows("at [ate]")


async def test_an_answer_that_comes_late_does_not_replace_a_newer_one(tmp_path: Path) -> None:
    async with probing(tmp_path) as probe:
        held = probe.engine.hold("The dog")
        await probe.type("The dog")
        await until(probe.pilot, lambda: bool(probe.engine.questions))
        await probe.type(" barked")
        await probe.answered()
        await probe.shows("at [barked]")
        held.set()
        await probe.pilot.pause(0.1)
        assert "at [barked]" in probe.text
        assert probe.screen.asking.text == "The dog barked"


async def test_while_the_model_is_loaded_it_says_so(tmp_path: Path) -> None:
    async with probing(tmp_path) as probe:
        probe.engine.loads = True
        probe.engine.hold("Hello")
        await probe.type("Hello")
        await probe.shows("reading weights ...")


async def test_the_token_under_the_cursor_follows_the_cursor_in_the_line(tmp_path: Path) -> None:
    async with probing(tmp_path) as probe:
        await probe.type("The dog ate bread")
        await probe.answered()
        await probe.press("home")
        await probe.answered()
        await probe.shows("at [The] · +3.00", "next0of1")
        await probe.press(*["right"] * 6)
        await probe.answered()
        await probe.shows("at [dog] · +3.00", "next0of2")


async def test_what_is_typed_in_the_middle_is_asked_there(tmp_path: Path) -> None:
    async with probing(tmp_path) as probe:
        await probe.type("The dog ate bread")
        await probe.answered()
        await probe.press("home", *["right"] * 7)
        await probe.type("gie")
        await probe.answered()
        await probe.shows("at [doggie] · +6.00", "next0of2")
        assert probe.engine.questions[-1].position == 2


async def test_tab_turns_round_and_enter_goes_to_a_neuron(tmp_path: Path) -> None:
    async with probing(tmp_path) as probe:
        await probe.type("The dog ate bread")
        await probe.answered()
        await probe.press("tab")
        await probe.shows(
            "At [bread], 1 of 48 neurons are beyond", "1 would be by chance", "L1.N0", "beyond", "(falls)"
        )
        await probe.press("down", "down", "down", "up", "enter")
        assert await probe.browses() == "L1.N2"


async def test_sentences_are_kept_and_come_back(tmp_path: Path) -> None:
    async with probing(tmp_path) as probe:
        for text in ("One dog", "Two cats"):
            await probe.type(text)
            await probe.press("enter", "ctrl+u")
        await probe.shows("One dog", "Two cats")
        await probe.press("down")
        assert probe.screen.session.text == "Two cats"
        await probe.press("down")
        assert probe.screen.session.text == "One dog"
        await probe.answered()
        await probe.shows("at [dog]")
        await probe.press("ctrl+r")
        assert probe.screen.session.kept == ["Two cats"]
        await probe.press("escape")
        await probe.browses()
        await probe.press("p")
        await probe.answered()
        assert probe.screen.session.text == "One dog"  # as it was left
        await probe.shows("at [dog]", "Two cats")


async def test_two_marked_sentences_are_compared(tmp_path: Path) -> None:
    async with probing(tmp_path) as probe:
        await probe.type("The dog ate")
        await probe.press("ctrl+t")
        await probe.shows("● marked")
        assert probe.screen.session.views == ("sentences", "outliers")
        await probe.press("ctrl+u")
        await probe.type("The cow ate")
        await probe.press("ctrl+t", "tab", "tab")
        await probe.shows("Compared position by position", "L2.N9", "-3.50")
        assert probe.engine.compared_texts == [("The dog ate", "The cow ate")]
        await probe.press("enter")
        assert await probe.browses() == "L2.N9"


async def test_an_error_stands_in_the_pane_and_typing_goes_on(tmp_path: Path) -> None:
    async with probing(tmp_path) as probe:
        probe.engine.error = OutOfMemory("The model needs 3 GB; 1 GB is free.", "Choose a smaller one.")
        await probe.type("The dog")
        await probe.shows("The model needs 3 GB")
        probe.engine.error = None
        await probe.type(" ate")
        await probe.answered()
        await probe.shows("at [ate]")
        assert "needs 3 GB" not in probe.text


async def test_while_a_scan_runs_it_says_what_it_waits_for(tmp_path: Path) -> None:
    async with probing(tmp_path) as probe:
        probe.app.explorer.start(ScanJob("tiny"))
        await probe.pilot.pause()
        probe.app.pop_screen()  # the scan's own screen
        await probe.pilot.pause()
        probe.engine.hold("The dog")
        await probe.type("The dog")
        await probe.shows("is running; the sentence is read when it ends")


@pytest.mark.parametrize("size", [(160, 45), (80, 24), (60, 15)])
async def test_tokens_that_steer_terminals_and_wide_ones_are_painted_safely(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with probing(tmp_path, size) as probe:
        await probe.type("東京の犬 [red]x[/] a\x1b[31mb \u202eabc 🧑‍🚀 " + "lang " * 30)
        await probe.answered()
        await probe.press("home", *["right"] * 3)
        await probe.answered()
        await probe.shows("東京の犬")
        pane = painted_part(probe, "#probe-sentence")
        assert "\x1b" not in pane
        assert "\u202e" not in pane
        await probe.press("tab")
        await probe.shows("beyond")


async def test_a_text_that_was_cut_says_so(tmp_path: Path) -> None:
    async with probing(tmp_path) as probe:
        await probe.type("word " * 45)
        await probe.shows("Only the first part was read.")


async def test_too_small_a_terminal_says_so_and_recovers(tmp_path: Path) -> None:
    async with probing(tmp_path) as probe:
        await probe.pilot.resize_terminal(50, 12)
        await probe.shows("MechaMap needs 60x15")
        await probe.pilot.resize_terminal(90, 30)
        await probe.pilot.pause()
        await probe.press(*"The dog")
        await probe.answered()
        await probe.shows("at [dog]")


async def test_an_emptied_line_empties_the_screen(tmp_path: Path) -> None:
    async with probing(tmp_path) as probe:
        await probe.type("The dog")
        await probe.answered()
        await probe.press("ctrl+u")
        await probe.shows("Type a sentence, or paste one.")
        assert "at [dog]" not in probe.text
        assert "next0of" not in probe.text


async def test_similar_neurons_are_listed_and_one_is_gone_to(tmp_path: Path) -> None:
    async with probing(tmp_path) as probe:
        await probe.press("escape")
        await probe.browses()
        await probe.press("equals_sign")
        await until(probe.pilot, lambda: isinstance(probe.app.screen, SimilarScreen))
        await probe.shows("L1.N4", "-.93", ".50 (at most .60", "1 neuron")
        await probe.press("enter")
        assert await probe.browses() == "L1.N4"


async def test_a_csv_has_no_model_to_ask(tmp_path: Path) -> None:
    export_run(recorded_run(tmp_path / "run"), tmp_path / "neurons.csv", ExportRequest("csv"))
    app = MechaMapApp(read_target(str(tmp_path / "neurons.csv")), engine=ProbeDouble())
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, BrowseScreen))
        await pilot.pause()
        for key in ("p", "equals_sign"):
            await pilot.press(key)
            await until(pilot, lambda: isinstance(app.screen, ErrorScreen))
            await pilot.pause()
            assert "no model behind it" in painted(app)
            await pilot.press("q")
            await until(pilot, lambda: isinstance(app.screen, BrowseScreen))


def painted_part(probe: Probing, selector: str) -> str:
    """What is painted where a widget is."""
    x, y, width, height = probe.screen.query_one(selector).region
    strips = probe.screen._compositor.render_strips()[y : y + height]
    return "\n".join("".join(segment.text for segment in strip.crop(x, x + width)) for strip in strips)


async def test_the_palette_frees_the_models_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with probing(tmp_path) as probe:
        titles = [command.title for command in probe.app.get_system_commands(probe.screen)]
        assert "Free the model's memory" not in titles  # no engine runs
        monkeypatch.setattr(Opening, "engine_runs", True)
        commands = {command.title: command for command in probe.app.get_system_commands(probe.screen)}
        commands["Free the model's memory"].callback()
        said = "The memory of tiny is free again."
        await until(probe.pilot, lambda: any(note.message == said for note in probe.app._notifications))
