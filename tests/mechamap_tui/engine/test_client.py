"""The client: what it hears from an engine process, whole, broken, slow or dead."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import textwrap
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from support.recorded_run import recorded_run

from mechamap.errors import Cancelled, ConfigError, EngineError, ExportError, ModelNotFound
from mechamap.protocol.messages import CausesEstimated, Confirmed, Progress
from mechamap.protocol.requests import ExportParams
from mechamap_tui.engine.client import LENS_TOKENS, EngineClient

# An engine of our own making: a real process that speaks the real protocol and does what each test needs.
STAND_IN = """
import os, sys, threading, time
sys.path[:0] = {paths!r}
from mechamap.engine.server import Engine
from mechamap.engine.calls import Methods
from mechamap.errors import Cancelled, ConfigError

def scan(call):
    model = call.params["model"]
    if model == "dies":
        print("the last words of an engine", file=sys.stderr, flush=True)
        os._exit(7)
    if model == "wrong":
        raise ConfigError("a.yaml:1:2: no", "do")
    if model == "garbled":
        sys.stdout.write("not json\\n"); sys.stdout.flush()
    if model == "strange":
        return {{"nothing": 1}}
    call.progress({{"stage": "pass", "run": "/runs/x-1", "layers_done": 1, "layers_total": 2, "neurons_done": 5,
                   "neurons_total": 10, "elapsed": 1.0, "rate": 5.0, "eta": 1.0, "memory": 7, "gpu_memory": None,
                   "from_a_newer_version": 1}})
    while model in ("slow", "deaf"):
        if call.cancel.wait(0.01) and model == "slow":
            raise Cancelled("stopped by the user")
        time.sleep(0.01)
    return {{"run": "/runs/" + model, "state": "complete", "timings": {{"pass": 1.0, "pid": os.getpid()}}}}

def models(call):
    return {{"cached": ["m" * 100] * 20_000}}

def confirm(call):
    call.progress({{"stage": "carriers", "detail": "1,020 sentences"}})
    return {{"run": call.params["run"], "confirmed": {{"food": 9, "animal": 0}}, "seconds": 3}}

def causes(call):
    return {{"run": call.params["run"], "seconds": 12.5}}

def ablate(call):
    effect = {{"effect": -0.25, "error": 0.02, "occurrences": 12, "controls": [-0.01, None]}}
    return {{"run": call.params["run"], "ablations": [
        {{"neuron": name, "mode": call.params["mode"], "controls": ["L0.N5"],
          "categories": {{"food": effect, "color": {{**effect, "effect": None, "error": None, "occurrences": 0}}}}}}
        for name in call.params["neurons"]]}}

def lens(call):
    if call.params["neuron"] == "L9.N9":
        raise ConfigError("not defined", "no")
    return {{"neuron": call.params["neuron"], "promoted": [[" fruit", 9]] * call.params["k"],
             "suppressed": [[" the", -1.5]], "unit": "deviations"}}

def interpret(call):
    call.progress({{"stage": "read", "detail": "reading a.csv: 43%"}})
    stopped = call.cancel.wait(20)
    open(call.params["run"], "w").write(str(stopped))
    raise Cancelled("stopped")

queued = {{"scan": scan, "confirm": confirm, "causes": causes, "ablate": ablate, "lens": lens}}
methods = Methods(queued=queued, prompt={{"models": models}}, beside={{"interpret": interpret}})
Engine(sys.stdin.buffer, sys.stdout.buffer, methods, abandon=lambda: os._exit(1), grace=0.1).serve()
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[EngineClient]:
    script = tmp_path / "stand_in.py"
    script.write_text(textwrap.dedent(STAND_IN).format(paths=sys.path))
    client = EngineClient([sys.executable, str(script)], kill_after_cancel=0.3)
    yield client
    await client.close()


async def soon(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_scan_is_answered_and_its_progress_is_heard(client: EngineClient) -> None:
    heard: list[Progress] = []
    result = await client.scan("tiny", {}, on_progress=heard.append).answer
    assert (result.run, result.state) == (Path("/runs/tiny"), "complete")
    assert heard == [
        Progress("pass", "", Path("/runs/x-1"), 1, 2, 5, 10, elapsed=1.0, rate=5.0, eta=1.0, memory=7)
    ]  # fmt: skip


async def test_checks_of_a_run_are_answered_with_values(client: EngineClient) -> None:
    heard: list[Progress] = []
    run = Path("/runs/x-1")
    assert await client.confirm(run, on_progress=heard.append).answer == Confirmed(run, {"food": 9, "animal": 0}, 3.0)
    assert heard == [Progress("carriers", "1,020 sentences")]
    assert await client.causes(run).answer == CausesEstimated(run, 12.5)


async def test_an_ablation_is_answered_with_effects_and_controls(client: EngineClient) -> None:
    (measured,) = (await client.ablate(Path("/runs/x-1"), ["L7.N12"], mode="mean").answer).ablations
    assert (measured.neuron, measured.mode, measured.controls) == ("L7.N12", "mean", ("L0.N5",))
    food, color = measured.categories["food"], measured.categories["color"]
    assert (food.effect, food.error, food.occurrences, food.controls[0]) == (-0.25, 0.02, 12, -0.01)
    assert food.controls[1] is None and color.effect is None and color.error is None


async def test_a_lens_is_answered_with_tokens_or_with_why_there_is_none(client: EngineClient) -> None:
    lens = await client.lens(Path("/runs/x-1"), "L7.N12")
    assert lens.promoted == ((" fruit", 9.0),) * LENS_TOKENS
    assert (lens.suppressed, lens.unit) == (((" the", -1.5),), "deviations")
    with pytest.raises(ConfigError, match="not defined"):
        await client.lens(Path("/runs/x-1"), "L9.N9")


async def test_a_report_that_nobody_waits_for_any_more_is_stopped(client: EngineClient, tmp_path: Path) -> None:
    heard: list[Progress] = []
    told = tmp_path / "stopped"
    waiting = asyncio.create_task(client.interpret(told, on_progress=heard.append))
    await soon(lambda: bool(heard))
    assert heard == [Progress("read", "reading a.csv: 43%")]
    pid = client.pid
    waiting.cancel()
    await soon(lambda: told.exists() and told.read_text() == "True")
    assert (await client.scan("tiny", {}).answer).timings["pid"] == pid, "the engine lives, with all that it keeps"


async def test_the_engine_starts_with_the_first_request_and_is_used_again(client: EngineClient) -> None:
    assert client.pid is None
    first = await client.scan("tiny", {}).answer
    second = await client.scan("tiny", {}).answer
    assert first.timings["pid"] == second.timings["pid"] == client.pid


async def test_an_engine_error_arrives_as_the_error_it_was(client: EngineClient) -> None:
    with pytest.raises(ConfigError) as raised:
        await client.scan("wrong", {}).answer
    assert (raised.value.message, raised.value.hint) == ("a.yaml:1:2: no", "do")


async def test_answers_longer_than_a_pipe_buffer_arrive_whole(client: EngineClient) -> None:
    assert await client.models() == ("m" * 100,) * 20_000


async def test_a_cancelled_scan_fails_as_cancelled_and_the_engine_lives(client: EngineClient) -> None:
    heard: list[Progress] = []
    call = client.scan("slow", {}, on_progress=heard.append)
    await soon(lambda: bool(heard))
    pid = client.pid
    client._kill_after = 30  # it stops because it is told to
    assert await client.cancel(call.id)
    with pytest.raises(Cancelled):
        await call.answer
    assert (await client.scan("tiny", {}).answer).timings["pid"] == pid


async def test_a_scan_can_be_cancelled_before_the_engine_is_there(client: EngineClient) -> None:
    call = client.scan("slow", {})
    waiting_for_start = asyncio.create_task(client.cancel(call.id))
    with pytest.raises(Cancelled):
        await call.answer
    await waiting_for_start


async def test_an_engine_that_does_not_stop_is_killed_and_the_next_request_starts_another(
    client: EngineClient,
) -> None:
    heard: list[Progress] = []
    call = client.scan("deaf", {}, on_progress=heard.append)
    await soon(lambda: bool(heard))
    pid = client.pid
    await client.cancel(call.id)
    with pytest.raises(Cancelled):
        await call.answer
    assert (await client.scan("tiny", {}).answer).timings["pid"] != pid


async def test_cancelling_what_is_done_says_no(client: EngineClient) -> None:
    call = client.scan("tiny", {})
    await call.answer
    assert not await client.cancel(call.id)


async def test_a_dead_engine_tells_its_exit_code_and_last_words(client: EngineClient, home: Path) -> None:
    with pytest.raises(EngineError) as raised:
        await client.scan("dies", {}).answer
    assert "exit code 7" in raised.value.message and "the last words of an engine" in raised.value.message
    assert str(home / "log" / "engine.log") in raised.value.hint
    assert (await client.scan("tiny", {}).answer).state == "complete"


async def test_a_killed_engine_is_said_to_be_killed(client: EngineClient) -> None:
    heard: list[Progress] = []
    call = client.scan("slow", {}, on_progress=heard.append)
    await soon(lambda: bool(heard))
    assert client.pid is not None
    os.kill(client.pid, signal.SIGKILL)
    with pytest.raises(EngineError, match="SIGKILL"):
        await call.answer


async def test_a_line_that_is_no_message_is_passed_over(client: EngineClient) -> None:
    assert (await client.scan("garbled", {}).answer).state == "complete"


async def test_an_answer_without_what_was_asked_for_is_an_engine_error(client: EngineClient) -> None:
    with pytest.raises(EngineError, match="incomplete"):
        await client.scan("strange", {}).answer


async def test_an_engine_that_cannot_be_started_is_an_engine_error(tmp_path: Path) -> None:
    client = EngineClient([str(tmp_path / "no_such_program")])
    with pytest.raises(EngineError, match="cannot be started"):
        await client.models()
    await client.close()


async def test_an_engine_that_cannot_be_started_leaves_no_file_open(tmp_path: Path, home: Path) -> None:
    client = EngineClient([str(tmp_path / "no_such_program")])
    with pytest.raises(EngineError):
        await client.scan("quick", {}).answer
    assert (home / "log" / "engine.log").exists()
    assert client._log._file is None


async def test_closing_waits_for_an_engine_that_is_being_started(client: EngineClient) -> None:
    scan = client.scan("quick", {})
    await asyncio.sleep(0)
    await client.close()
    assert client.pid is None
    assert client._log._file is None
    await asyncio.wait([scan.answer], timeout=10)  # answered or stopped, whichever came first
    assert scan.answer.done()


async def test_closing_ends_a_running_scan_and_the_process(client: EngineClient) -> None:
    heard: list[Progress] = []
    call = client.scan("deaf", {}, on_progress=heard.append)
    await soon(lambda: bool(heard))
    pid = client.pid
    assert pid is not None
    await client.close()
    with pytest.raises(Cancelled):
        await call.answer
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_log_that_has_grown_is_put_aside(client: EngineClient, home: Path) -> None:
    log = home / "log" / "engine.log"
    log.parent.mkdir(parents=True)
    log.write_bytes(b"x" * 1_100_000)
    await client.scan("tiny", {}).answer
    assert log.stat().st_size < 1000
    assert (home / "log" / "engine.log.1").stat().st_size == 1_100_000


async def test_the_real_engine_exports_rows_and_refuses_to_overwrite(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "run")
    assert run.path is not None
    client = EngineClient()
    order = ExportParams(run.path, tmp_path / "out.json", "json", scope="marked", rows=(27, 3))
    done = await client.export(order)
    assert (done.path, done.neurons) == (tmp_path / "out.json", 2)
    with pytest.raises(ExportError, match="exists"):
        await client.export(order)
    await client.close()


async def test_the_real_engine_answers_an_unknown_model_with_what_to_do(tmp_path: Path) -> None:
    client = EngineClient()
    with pytest.raises(ModelNotFound) as raised:
        await client.scan("./no-such-folder", {}).answer
    assert raised.value.hint
    await client.close()
