"""What the form of a scan says of the plan: asked while it is filled in, never of what is no longer in it."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import pytest
from msgspec.structs import replace
from support.engine_double import EngineDouble
from support.waiting import until
from textual.pilot import Pilot
from textual.widgets import Static

from mechamap.errors import Cancelled, EngineError, ModelNotFound, UsageError
from mechamap.protocol.messages import plain
from mechamap.protocol.planned import (
    Planned,
    PlannedCorpus,
    PlannedMemory,
    PlannedOption,
    PlannedRun,
    PlannedSeconds,
    PlannedText,
    PlannedWeights,
)
from mechamap_tui.app import MechaMapApp
from mechamap_tui.engine.client import EngineClient
from mechamap_tui.jobs.draft import ScanDraft
from mechamap_tui.jobs.scan import ScanJob
from mechamap_tui.scan import plan_view
from mechamap_tui.scan.form import ScanFormScreen
from mechamap_tui.scan.plan_view import PlanView, plan_text
from mechamap_tui.scan.screen import ScanScreen

FITS = Planned(
    model="demo", label="demo", architecture="llama", kind="decoder", parameters=134_515_008, d_model=576, layers=30,
    layers_scanned=tuple(range(30)), neurons=46_080, neurons_scanned=46_080, experts=0, dtype="float32",
    dtype_from="the checkpoint", packed=None, device="cpu", text=PlannedText(900, 850, 12, counted=True),
    weights=PlannedWeights(538_060_032, 538_060_032, 269_000_000),
    memory=(PlannedMemory("cpu", 538_000_000, 100_000_000, 262_000_000, 22_000_000_000, 900_000_000, fits=True),),
    run=PlannedRun(30_000_000, 1_000_000, 0, 31_000_000), disk=10**11,
    seconds=PlannedSeconds(3.0, 0.2, 1.0, 0.7, 0.2, 0.1, 5.2), fits=True, lacking=(), would_fit=(), notes=(),
)  # fmt: skip


def option(words: str = "", **changes: str) -> PlannedOption:
    return PlannedOption("", words, changes, 0)


LACKS = replace(
    FITS,
    parameters=70_553_706_496,
    weights=PlannedWeights(141_107_412_992, 141_107_412_992, None),
    memory=(PlannedMemory("cpu", 141_000_000_000, 4_250_000_000, 450_000_000, 22_000_000_000, 145_700_000_000, False),),
    dtype="bfloat16",
    fits=False,
    would_fit=(
        option(dtype="bfloat16"), option(layers="0-7"), option("a text of at most 5,000 tokens"), option("one more"),
    ),
)  # fmt: skip


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(plan_view, "ASK_AFTER", 0.02)
    return tmp_path


async def form(pilot: Pilot[None], draft: ScanDraft) -> ScanFormScreen:
    app = pilot.app
    assert isinstance(app, MechaMapApp)
    app.explorer.open_form(draft)
    await until(pilot, lambda: isinstance(app.screen, ScanFormScreen) and app.screen.focused is not None)
    assert isinstance(app.screen, ScanFormScreen)
    return app.screen


def shown(screen: ScanFormScreen) -> str:
    view = screen.query_one(PlanView)
    return str(view.render()) if view.display else ""


def test_a_plan_is_said_in_two_lines() -> None:
    assert plan_text(FITS) == (
        "135M parameters · 538 MB float32 · needs ~900 MB of 22.0 GB free\n46,080 neurons · run 31 MB · about 5 s"
    )
    unknown = replace(
        FITS, parameters=1_540_000_000, memory=(replace(FITS.memory[0], free=None),), seconds=None,
        notes=("Not here.", "Nor there."),
    )  # fmt: skip
    assert plan_text(unknown) == (
        "1.5B parameters · 538 MB float32 · needs ~900 MB\n46,080 neurons · run 31 MB\nNot here."
    )


def test_what_does_not_fit_is_said_with_what_would() -> None:
    assert plan_text(LACKS) == (
        "Does not fit: needs ~145.7 GB of 22.0 GB free on cpu · 70.6B bfloat16\n"
        "Would fit: Dtype: bfloat16 · Layers: 0-7 · a text of at most 5,000 tokens"
    )
    assert "No setting in this form" in plan_text(replace(LACKS, would_fit=()))
    full = plan_text(replace(FITS, fits=False, disk=1_000_000))
    assert "The run takes 31 MB, but only 1 MB is free on its disk." in full


def test_a_corpus_is_named_with_its_tokens_and_shards() -> None:
    corpus = PlannedCorpus(
        sources=("/home/me/stories.jsonl",), documents=1_000, tokens=1_234_567, tokens_whole=1_234_567, seq_len=256,
        batch_tokens=2_048, batches=610, shards=3, shards_here=3, part=None, workers=None, shards_of_worker=None,
        worker_memory=None, compiled=True,
    )  # fmt: skip
    assert plan_text(replace(FITS, corpus=corpus)).endswith("\ncorpus stories.jsonl · ~1.2M tokens · 3 shards")
    endless = replace(corpus, sources=("hf:owner/name",), tokens=None, shards=None)
    assert plan_text(replace(FITS, corpus=endless)).endswith("\ncorpus hf:owner/name · length unknown")
    working = replace(FITS, fits=False, run=PlannedRun(30_000_000, 0, 0, 31_000_000, working=10**12), corpus=corpus)
    assert plan_text(working).startswith("Does not fit on its disk · ")
    fewer = plan_text(replace(working, would_fit=(option(contexts="4"),)))
    assert "only 100.0 GB is free on its disk. Would fit: " in fewer


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_the_plan_follows_the_form_and_leaves_room_for_it(size: tuple[int, int]) -> None:
    app = MechaMapApp(engine=(engine := EngineDouble()))
    async with app.run_test(size=size) as pilot:
        screen = await form(pilot, ScanDraft(model="demo"))
        await until(pilot, lambda: bool(engine.plans))
        assert "Working out" in shown(screen)
        engine.plan_answers[0].set_result(FITS)
        await until(pilot, lambda: "46,080 neurons" in shown(screen))
        assert not screen.query_one("#problem", Static).display  # the same place holds mistakes
        assert screen.query_one("#start").region.bottom <= size[1]
        await pilot.press(*["down"] * 6, "0")
        await until(pilot, lambda: len(engine.plans) == 2)
        assert engine.plans[1][:2] == ("demo", {"layers": "0"})
        assert "46,080" in shown(screen)  # until the new one is there
        engine.plan_answers[1].set_result(replace(LACKS, would_fit=(option(layers="0"),), notes=("x" * 300,)))
        await until(pilot, lambda: "Would fit: Layers: 0" in shown(screen))
        view = screen.query_one(PlanView)
        assert view.has_class("-lacking") and view.region.height == 3
        assert screen.query_one("#start").region.bottom <= size[1]


async def test_what_is_typed_meanwhile_is_asked_afterwards_and_the_stale_answer_is_dropped() -> None:
    app = MechaMapApp(engine=(engine := EngineDouble()))
    async with app.run_test() as pilot:
        screen = await form(pilot, ScanDraft(model="demo"))
        await until(pilot, lambda: bool(engine.plans))
        await pilot.press(*["down"] * 6, *"0-1")
        await pilot.pause(0.2)
        await pilot.press("backspace", "2")
        await pilot.pause(0.2)
        assert len(engine.plans) == 1  # one question at a time
        engine.plan_answers[0].set_result(replace(FITS, neurons_scanned=1))
        await until(pilot, lambda: len(engine.plans) == 2)
        assert engine.plans[1][1] == {"layers": "0-2"}
        assert "1 neurons" not in shown(screen)
        engine.plan_answers[1].set_result(replace(FITS, neurons_scanned=2))
        await until(pilot, lambda: "2 neurons" in shown(screen))


async def test_going_back_to_what_was_answered_shows_it_again_without_asking() -> None:
    app = MechaMapApp(engine=(engine := EngineDouble()))
    async with app.run_test() as pilot:
        screen = await form(pilot, ScanDraft(model="demo"))
        await until(pilot, lambda: bool(engine.plans))
        engine.plan_answers[0].set_result(FITS)
        await until(pilot, lambda: "46,080" in shown(screen))
        await pilot.press(*["down"] * 6, "x")  # a mistake
        await until(pilot, lambda: not shown(screen))
        assert screen.query_one("#problem", Static).display
        await pilot.press("backspace")
        await until(pilot, lambda: "46,080" in shown(screen))
        await pilot.press("down", "down", *"0.5")  # the threshold is nothing that a plan is about
        await pilot.pause(0.2)
        assert len(engine.plans) == 1


async def test_nothing_is_fetched_while_a_name_is_typed_and_is_once_it_is_left() -> None:
    app = MechaMapApp(engine=(engine := EngineDouble()))
    async with app.run_test() as pilot:
        screen = await form(pilot, ScanDraft(model="some/model"))
        await until(pilot, lambda: bool(engine.plans))
        assert engine.plans[0] == ("some/model", {}, False)
        engine.plan_answers[0].set_exception(ModelNotFound("not in the local cache"))
        await until(pilot, lambda: "once you leave this line" in shown(screen))
        assert not screen.query_one(PlanView).has_class("-lacking")
        await pilot.press("down")
        await until(pilot, lambda: len(engine.plans) == 2)
        assert engine.plans[1] == ("some/model", {}, True)
        engine.plan_answers[1].set_exception(ModelNotFound("The hub has no such model."))
        await until(pilot, lambda: "The hub has no such model." in shown(screen))


@pytest.mark.parametrize("error", [UsageError("Layer 9 does not exist: [bold]"), EngineError("The engine died.")])
async def test_what_stands_against_a_plan_is_said_where_the_plan_would_be(error: Exception) -> None:
    app = MechaMapApp(engine=(engine := EngineDouble()))
    async with app.run_test() as pilot:
        screen = await form(pilot, ScanDraft(model="demo"))
        await until(pilot, lambda: bool(engine.plans))
        engine.plan_answers[0].set_exception(error)
        await until(pilot, lambda: str(error) in shown(screen))
        assert screen.query_one(PlanView).has_class("-lacking")


async def test_an_empty_form_asks_nothing() -> None:
    app = MechaMapApp(engine=(engine := EngineDouble()))
    async with app.run_test() as pilot:
        screen = await form(pilot, ScanDraft())
        await pilot.pause(0.2)
        assert not engine.plans and not shown(screen)
        assert screen.query_one("#problem", Static).display


async def test_while_a_scan_runs_the_plan_waits_for_its_end() -> None:
    app = MechaMapApp(engine=(engine := EngineDouble()))
    async with app.run_test() as pilot:
        app.explorer.start(ScanJob("other"))
        await until(pilot, lambda: isinstance(app.screen, ScanScreen) and app.screen.is_mounted)
        screen = await form(pilot, ScanDraft(model="demo"))
        await until(pilot, lambda: "The scan of other is running" in shown(screen))
        await pilot.pause(0.2)
        assert not engine.plans
        engine.fail(Cancelled("stopped"))
        await until(pilot, lambda: bool(engine.plans))
        engine.plan_answers[0].set_result(FITS)
        await until(pilot, lambda: "46,080" in shown(screen))


async def test_a_form_that_is_closed_with_a_question_on_its_way_leaves_nothing_behind() -> None:
    app = MechaMapApp(engine=(engine := EngineDouble()))
    async with app.run_test() as pilot:
        await form(pilot, ScanDraft(model="demo"))
        await until(pilot, lambda: bool(engine.plans))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, ScanFormScreen))
        if not engine.plan_answers[0].done():
            engine.plan_answers[0].set_result(FITS)
        await pilot.pause(0.1)
        assert app.return_code in (None, 0)


# --- the client ------------------------------------------------------------------------------------------------

STAND_IN = """
import os, sys
sys.path[:0] = {paths!r}
from mechamap.engine.server import Engine
from mechamap.engine.calls import Methods
from mechamap.errors import UsageError

def plan(call):
    if call.params["model"] == "wrong":
        raise UsageError("Layer 9 does not exist.", "no")
    if call.params["model"] == "strange":
        return {{"parameters": 3}}
    return {plan!r} | {{"from_a_newer_version": 1}}

Engine(sys.stdin.buffer, sys.stdout.buffer, Methods(queued={{"plan": plan}}),
       abandon=lambda: os._exit(1), grace=0.1).serve()
"""


async def test_the_client_makes_a_plan_of_the_answer(tmp_path: Path) -> None:
    script = tmp_path / "stand_in.py"
    script.write_text(textwrap.dedent(STAND_IN).format(paths=sys.path, plan=plain(LACKS)))
    client = EngineClient([sys.executable, str(script)])
    assert await client.plan("tiny", {"layers": "0"}) == LACKS
    with pytest.raises(UsageError, match="Layer 9"):
        await client.plan("wrong", {})
    with pytest.raises(EngineError, match="incomplete"):
        await client.plan("strange", {})
    await client.close()


async def test_the_real_engine_plans_the_bundled_model() -> None:
    client = EngineClient()
    found = await client.plan("demo", {"layers": "0-1", "device": "cpu"})
    assert (found.parameters, found.neurons_scanned, found.fits, found.device) == (1_606_080, 1280, True, "cpu")
    await client.close()
