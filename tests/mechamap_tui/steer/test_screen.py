"""The steering screen: what is asked, what is painted, and where its keys lead."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from support.recorded_run import recorded_run
from support.steer_double import SteerDouble
from support.waiting import painted, until
from textual.pilot import Pilot
from textual.widgets import Input

from mechamap.errors import OutOfMemory
from mechamap.exports.registry import ExportRequest, export_run
from mechamap.runs.kept.notes import Notes
from mechamap.runs.run import Run
from mechamap.runs.sets.neuron_sets import NeuronSet
from mechamap_tui.app import MechaMapApp
from mechamap_tui.browse.screen import BrowseScreen
from mechamap_tui.dialogs.error import ErrorScreen
from mechamap_tui.dialogs.pick import PickScreen
from mechamap_tui.start.target import read_target
from mechamap_tui.steer.screen import SteerScreen
from mechamap_tui.terminal.clipboard import copied_file

PROMPT = "She bought a"


class Steering:
    """The explorer with a run, for a test to read like what it does."""

    def __init__(self, app: MechaMapApp, pilot: Pilot[None], engine: SteerDouble, folder: Path) -> None:
        self.app, self.pilot, self.engine, self.folder = app, pilot, engine, folder

    @property
    def screen(self) -> SteerScreen:
        screen = self.app.screen
        assert isinstance(screen, SteerScreen)
        return screen

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def answer(self, text: str) -> None:
        """Type an answer to the question at the bottom."""
        field = self.app.screen.query_one(Input)
        field.value = text
        await self.pilot.pause()
        await self.press("enter")

    async def shows(self, *texts: str) -> None:
        await until(self.pilot, lambda: all(text in painted(self.app) for text in texts))

    async def opened(self) -> None:
        """From the browse screen to a ladder."""
        await self.press("w")
        await until(self.pilot, lambda: isinstance(self.app.screen, SteerScreen))
        await self.answer(PROMPT)
        await self.shows("Steering raises food")

    async def asked(self, count: int) -> None:
        await until(self.pilot, lambda: len(self.engine.questions) == count and not self.screen.asking.busy)
        await self.pilot.pause()


@asynccontextmanager
async def steering(folder: Path, size: tuple[int, int] = (120, 40)) -> AsyncIterator[Steering]:
    engine = SteerDouble()
    app = MechaMapApp(read_target(str(folder)), engine=engine)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: isinstance(app.screen, BrowseScreen))
        yield Steering(app, pilot, engine, folder)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    recorded_run(tmp_path / "run")
    return tmp_path / "run"


async def test_a_prompt_is_asked_for_and_its_ladder_painted(folder: Path) -> None:
    async with steering(folder) as steer:
        neuron = await browsed(steer)
        await steer.opened()
        (question,) = steer.engine.questions
        assert (question.neurons, question.text, question.mode, question.where) == ((neuron,), PROMPT, "add", "all")
        assert question.strengths == (-2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2)
        assert question.overtakes
        await steer.shows("untouched", "-1.5", "+0.5", "beyond controls", "repeats itself", "A note about the numbers")
        assert "\x1b" not in painted(steer.app)


async def browsed(steer: Steering) -> str:
    screen = steer.app.screen
    assert isinstance(screen, BrowseScreen)
    row = screen.table.cursor_row
    assert row is not None
    return str(screen.run.neuron_name(row))


async def test_the_cursor_shows_each_step(folder: Path) -> None:
    async with steering(folder) as steer:
        await steer.opened()
        await steer.shows("At +2")
        await steer.press("up")
        await steer.shows("At +1.5", "bread")
        await steer.press("g")
        await steer.shows("At untouched")
        await steer.press("G")
        await steer.shows("At +2")


async def test_keys_change_how_it_is_steered_and_one_resets(folder: Path) -> None:
    async with steering(folder) as steer:
        await steer.opened()
        await steer.press("m")
        await steer.asked(2)
        assert steer.engine.questions[-1].mode == "set"
        await steer.press("w")
        await steer.answer("last")
        await steer.asked(3)
        await steer.press("s")
        await steer.answer("-1:1:3")
        await steer.asked(4)
        await steer.press("t")
        await steer.answer("0.7 5")
        await steer.asked(5)
        question = steer.engine.questions[-1]
        assert (question.where, question.strengths) == ("last", (-1, 0, 1))
        assert (question.temperature, question.seed) == (0.7, 5)
        await steer.press("c")
        await steer.asked(6)
        names = steer.screen.run.categories
        assert steer.engine.questions[-1].category == names[(names.index("food") + 1) % len(names)]
        await steer.press("r")
        await steer.asked(7)
        question = steer.engine.questions[-1]
        assert (question.mode, question.where, question.temperature, question.category) == ("add", "all", 0, "")
        assert question.text == PROMPT


async def test_a_mode_without_strengths_has_one_step(folder: Path) -> None:
    async with steering(folder) as steer:
        await steer.opened()
        await steer.press("m", "m")
        await steer.asked(3)
        await steer.shows("At zero")
        assert "s strengths" not in painted(steer.app)


async def test_wrong_answers_are_told_while_they_are_typed(folder: Path) -> None:
    async with steering(folder) as steer:
        await steer.opened()
        for key, text, message in (("s", "x", "is not a ladder"), ("w", "9", "no token 9"), ("t", "-1", "temperature")):
            await steer.press(key)
            steer.app.screen.query_one(Input).value = text
            await steer.shows(message)
            await steer.press("enter")
            assert len(steer.engine.questions) == 1
            await steer.press("escape")


async def test_the_last_answer_stays_until_the_next_and_a_newer_question_stops_the_older(folder: Path) -> None:
    async with steering(folder) as steer:
        await steer.opened()
        steer.engine.held = asyncio.Event()
        await steer.press("m")
        await steer.shows("3 of 72 rows", "Steering raises food", "of the settings before", "untouched")
        await steer.press("m")
        await until(steer.pilot, lambda: steer.engine.stopped == 1)
        await steer.press("x")
        await until(steer.pilot, lambda: steer.engine.stopped == 2)
        await steer.shows("cancelled", "Steering raises food")
        steer.engine.held = None
        await steer.press("r")
        await steer.asked(4)


async def test_an_error_is_told_and_the_ladder_stays(folder: Path) -> None:
    async with steering(folder) as steer:
        await steer.opened()
        steer.engine.error = OutOfMemory("Memory ran out.", "Choose a smaller model.")
        await steer.press("m")
        await steer.shows("Memory ran out. Choose a smaller model.", "Steering raises food")


async def test_a_step_is_taken_away_as_code(folder: Path) -> None:
    async with steering(folder) as steer:
        await steer.opened()
        await steer.press("up", "y")
        await until(steer.pilot, lambda: isinstance(steer.app.screen, PickScreen))
        await steer.press("1")
        assert "--strengths=1.5" in copied_file().read_text()
        await steer.press("y")
        await steer.press("3")
        assert "AMOUNTS = {" in copied_file().read_text() and "-3.75" in copied_file().read_text()


async def test_a_control_vector_is_written_where_one_says(folder: Path, tmp_path: Path) -> None:
    async with steering(folder) as steer:
        await steer.opened()
        await steer.press("y", "6")
        await until(steer.pilot, lambda: steer.screen.prompt.asking)
        await steer.answer(str(tmp_path / "vector.gguf"))
        await until(steer.pilot, lambda: bool(steer.engine.vectors))
        (order,) = steer.engine.vectors
        assert (order.path, order.strength, order.category) == (tmp_path / "vector.gguf", 2.0, "food")


async def test_the_neurons_are_kept_as_a_set(folder: Path) -> None:
    async with steering(folder) as steer:
        neuron = await browsed(steer)
        await steer.opened()
        await steer.press("S")
        await steer.answer("mine")
        assert Notes(folder).sets == (NeuronSet.of("mine", [neuron]),)


async def test_marked_filtered_and_kept_neurons_can_be_steered_as_one(folder: Path) -> None:
    notes, run = Notes(folder), Run.open(folder)
    names = [str(run.neuron_name(row)) for row in (3, 5)]
    for name in names:
        notes.mark(name)
    notes.write_set(NeuronSet.of("kept", names[:1]))
    notes.write_set(NeuronSet.of("odd", ["L0.N99999"]))
    async with steering(folder) as steer:
        await steer.press("w")
        await until(steer.pilot, lambda: isinstance(steer.app.screen, PickScreen))
        await steer.shows("under the cursor", "the marked neurons as one (2)", "the set kept as one (1)")
        await steer.press("2")
        await steer.answer(PROMPT)
        await steer.asked(1)
        assert sorted(steer.engine.questions[0].neurons) == sorted(names)
        await steer.press("q")
        await steer.press("w", "3")
        await steer.asked(2)
        assert (steer.engine.questions[1].neurons, steer.engine.questions[1].name) == ((names[0],), "kept")
        assert steer.engine.questions[1].text == PROMPT  # as it was left
        await steer.press("q")
        await steer.press("w", "4")
        await until(steer.pilot, lambda: isinstance(steer.app.screen, ErrorScreen))
        await steer.shows("L0.N99999 is not in this run")


async def test_a_csv_has_no_model_to_steer(folder: Path, tmp_path: Path) -> None:
    export_run(Run.open(folder), tmp_path / "run.csv", ExportRequest("csv", threshold=0.1))
    async with steering(tmp_path / "run.csv") as steer:
        await steer.press("w")
        await until(steer.pilot, lambda: isinstance(steer.app.screen, ErrorScreen))


async def test_it_fits_a_narrow_terminal(folder: Path) -> None:
    async with steering(folder, (60, 15)) as steer:
        await steer.opened()
        await steer.shows("untouched", "verdict")
        await steer.pilot.resize_terminal(40, 10)
        await steer.shows("MechaMap needs 60x15 cells")
        await steer.pilot.resize_terminal(100, 30)
        await steer.shows("At +2")
        await steer.press("q")
        assert isinstance(steer.app.screen, BrowseScreen)
