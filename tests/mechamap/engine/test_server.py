"""The engine process: what it answers, in which order, and when it ends."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.recorded_run import recorded_run

from mechamap.engine.calls import Methods, Request
from mechamap.engine.progress import ProgressTicker
from mechamap.engine.server import Engine
from mechamap.errors import Cancelled, ConfigError
from mechamap.events import Stage
from mechamap.protocol import rpc
from mechamap.protocol.messages import Progress


class Talk:
    """An engine in a thread and the two pipes to speak with it."""

    def __init__(self, methods: Methods) -> None:
        to_read, to_write = os.pipe()
        from_read, from_write = os.pipe()
        self.to = os.fdopen(to_write, "wb")
        self.back = os.fdopen(from_read, "rb")
        self.abandoned = threading.Event()
        incoming, outgoing = os.fdopen(to_read, "rb"), os.fdopen(from_write, "wb")
        engine = Engine(incoming, outgoing, methods, abandon=self.abandoned.set, grace=0.05)

        def serve() -> None:
            with incoming, outgoing:
                engine.serve()

        self.thread = threading.Thread(target=serve)
        self.thread.start()

    def ask(self, id: int, method: str, /, **params: Any) -> None:
        self.say(rpc.encode(rpc.request(id, method, params)))

    def say(self, line: bytes) -> None:
        self.to.write(line)
        self.to.flush()

    def hear(self) -> dict[str, Any]:
        """The next answer; progress is passed over."""
        while (message := json.loads(self.back.readline())).get("method") == "progress":
            pass
        return message

    def hear_progress(self) -> None:
        """Wait until a request has begun."""
        assert json.loads(self.back.readline())["method"] == "progress"

    def close(self) -> None:
        if not self.to.closed:
            self.to.close()
        with self.back:
            self.thread.join(10)


@pytest.fixture
def gate() -> threading.Event:
    return threading.Event()


@pytest.fixture
def talk(gate: threading.Event) -> Iterator[Talk]:
    def wait(call: Request) -> str:
        call.progress(Progress("waiting"))
        while not gate.wait(0.01):
            if call.cancel.is_set():
                raise Cancelled("stopped")
        return "waited"

    def fail(call: Request) -> None:
        raise ConfigError("x.yaml:3:1: no", "write yes")

    def blow_up(call: Request) -> None:
        raise ZeroDivisionError("oh")

    def leave(call: Request) -> None:
        sys.exit(4)

    talk = Talk(
        Methods(
            queued={"wait": wait, "fail": fail, "blow_up": blow_up, "leave": leave, "nan": lambda call: float("nan"),
                    "echo": lambda call: call.params},
            beside={"side": lambda call: "beside", "long": wait},
        )
    )  # fmt: skip
    yield talk
    gate.set()
    talk.close()


def test_a_request_is_answered_under_its_id(talk: Talk) -> None:
    talk.ask(7, "echo", word="é\u2028\n")
    assert talk.hear() == {"jsonrpc": "2.0", "id": 7, "result": {"word": "é\u2028\n"}}


def test_hello_is_answered_while_a_request_runs(talk: Talk, gate: threading.Event) -> None:
    talk.ask(1, "wait")
    talk.ask(2, "hello")
    answer = talk.hear()
    assert answer["id"] == 2 and answer["result"]["pid"] == os.getpid()
    gate.set()
    assert talk.hear()["result"] == "waited"


def test_requests_wait_for_each_other_in_order_and_those_beside_do_not(talk: Talk, gate: threading.Event) -> None:
    talk.ask(1, "wait")
    talk.ask(2, "echo")
    talk.ask(3, "side")
    assert talk.hear()["id"] == 3
    gate.set()
    assert [talk.hear()["id"], talk.hear()["id"]] == [1, 2]


@pytest.mark.parametrize("method", ["echo", "side"])
def test_an_id_can_be_used_again_as_soon_as_it_was_answered(talk: Talk, method: str) -> None:
    for _ in range(300):
        talk.ask(1, method)
        assert "result" in talk.hear()


def test_what_is_done_beside_can_be_cancelled_and_its_id_is_its_own_until_then(talk: Talk) -> None:
    talk.ask(1, "long")
    talk.hear_progress()
    talk.ask(1, "side")
    assert "still running" in talk.hear()["error"]["message"]
    talk.ask(2, "cancel", id=1)
    answers = {answer["id"]: answer for answer in (talk.hear(), talk.hear())}
    assert answers[2]["result"] == {"found": True}
    assert answers[1]["error"]["data"]["kind"] == "Cancelled"
    talk.ask(3, "side")
    assert talk.hear() == {"jsonrpc": "2.0", "id": 3, "result": "beside"}


def test_a_cancelled_request_fails_under_its_own_id_and_the_next_one_is_unharmed(
    talk: Talk, gate: threading.Event
) -> None:
    talk.ask(1, "wait")
    talk.ask(2, "cancel", id=1)
    first, second = talk.hear(), talk.hear()
    assert {first["id"], second["id"]} == {1, 2}
    cancelled, found = (first, second) if first["id"] == 1 else (second, first)
    assert found["result"] == {"found": True}
    assert cancelled["error"]["data"]["kind"] == "Cancelled"
    gate.set()
    talk.ask(3, "wait")
    assert talk.hear() == {"jsonrpc": "2.0", "id": 3, "result": "waited"}


def test_a_request_that_still_waits_is_cancelled_at_once(talk: Talk) -> None:
    talk.ask(1, "wait")
    talk.ask(2, "echo")
    talk.ask(3, "cancel", id=2)
    assert talk.hear()["error"]["data"]["kind"] == "Cancelled"
    assert talk.hear() == {"jsonrpc": "2.0", "id": 3, "result": {"found": True}}


def test_cancelling_what_is_not_there_says_so(talk: Talk) -> None:
    talk.ask(1, "cancel", id=99)
    assert talk.hear()["result"] == {"found": False}


def test_errors_carry_their_kind_message_and_hint(talk: Talk) -> None:
    talk.ask(1, "fail")
    assert talk.hear()["error"] == {
        "code": rpc.FAILED,
        "message": "x.yaml:3:1: no",
        "data": {"kind": "ConfigError", "message": "x.yaml:3:1: no", "hint": "write yes"},
    }


@pytest.mark.parametrize("method", ["blow_up", "leave", "nan"])
def test_what_nobody_foresaw_is_answered_and_written_down(
    talk: Talk, method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path))
    talk.ask(1, method)
    data = talk.hear()["error"]["data"]
    assert data["kind"] == "Unforeseen" and method in data["message"]
    assert f"in the engine, {method}, at" in data["report"]
    log = tmp_path / "log" / "failures.log"
    assert str(log) in data["hint"] and "Traceback" in log.read_text()
    talk.ask(2, "echo")
    assert talk.hear()["id"] == 2


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"{nonsense\n", rpc.PARSE_ERROR),
        (b"\xff\xfe\n", rpc.PARSE_ERROR),
        (b"[" * 100_000 + b"\n", rpc.PARSE_ERROR),
        (b"[]\n", rpc.INVALID_REQUEST),
        (b'{"jsonrpc":"1.0","id":1,"method":"echo"}\n', rpc.INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":true,"method":"echo"}\n', rpc.INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","method":"echo"}\n', rpc.INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":1,"method":"echo","params":[1]}\n', rpc.INVALID_PARAMS),
        (b'{"jsonrpc":"2.0","id":1,"method":"nothing"}\n', rpc.METHOD_NOT_FOUND),
    ],
)
def test_a_malformed_line_gets_an_error_and_kills_nothing(talk: Talk, line: bytes, code: int) -> None:
    talk.say(line)
    assert talk.hear()["error"]["code"] == code
    talk.ask(5, "echo")
    assert talk.hear()["id"] == 5


def test_an_id_in_use_is_refused(talk: Talk, gate: threading.Event) -> None:
    talk.ask(1, "wait")
    talk.ask(1, "echo")
    assert talk.hear()["error"]["code"] == rpc.INVALID_REQUEST
    gate.set()
    assert talk.hear()["result"] == "waited"


def test_it_ends_when_stdin_ends_and_stops_what_runs(talk: Talk) -> None:
    talk.ask(1, "wait")
    talk.hear_progress()
    talk.to.close()
    assert talk.hear()["error"]["data"]["kind"] == "Cancelled"
    assert talk.back.read() == b""
    assert not talk.abandoned.is_set()


def test_a_request_that_does_not_stop_is_abandoned_when_stdin_ends() -> None:
    begun, release = threading.Event(), threading.Event()

    def deaf(call: Request) -> None:
        begun.set()
        release.wait(20)

    talk = Talk(Methods(queued={"deaf": deaf}))
    talk.ask(1, "deaf")
    assert begun.wait(10)
    talk.to.close()
    assert talk.abandoned.wait(10)
    release.set()
    talk.close()


def test_shutdown_is_answered_and_ends_it(talk: Talk) -> None:
    talk.ask(1, "shutdown")
    assert talk.hear() == {"jsonrpc": "2.0", "id": 1, "result": {}}
    assert talk.back.read() == b""


# --- progress ---------------------------------------------------------------------------------------------


def test_progress_counts_what_the_scan_tells_and_sends_stages_at_once() -> None:
    sent: list[Progress] = []
    with ProgressTicker(sent.append, interval=60) as ticker:
        ticker.stage(Stage.LOAD, "reading weights")
        ticker.started(Path("/runs/demo-1"), layers=4, neurons=400, done=100)
        ticker.stage(Stage.PASS)
        for layer in range(2, 5):
            ticker.layer(layer, 4, layer * 100)
        last = ticker.snapshot()
    assert [it.stage for it in sent] == ["load", "load", "pass"]
    assert sent[1].run == Path("/runs/demo-1") and sent[1].layers_total == 4
    assert (last.layers_done, last.neurons_done, last.neurons_total) == (4, 400, 400)
    assert last.eta == 0 and last.rate > 0
    assert last.memory > 1_000_000


def test_progress_knows_no_time_left_before_the_first_layer() -> None:
    ticker = ProgressTicker(lambda snapshot: None)
    ticker.stage(Stage.LOAD)
    assert ticker.snapshot().eta is None


def test_the_ticker_sends_by_itself() -> None:
    sent = threading.Event()
    with ProgressTicker(lambda snapshot: sent.set(), interval=0.01):
        assert sent.wait(10)


# --- the real process ---------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))
    return tmp_path


def ask_process(*requests: dict[str, Any]) -> tuple[list[dict[str, Any]], subprocess.CompletedProcess[bytes]]:
    """Ask a fresh engine process and read until it has answered everything; shutdown comes last."""
    done = subprocess.run(
        [sys.executable, "-m", "mechamap.engine"],
        input=b"".join(map(rpc.encode, requests)),
        capture_output=True,
        timeout=120,
        check=False,
    )
    return [json.loads(line) for line in done.stdout.splitlines()], done


def test_the_process_says_hello_and_ends_with_its_stdin(home: Path) -> None:
    answers, done = ask_process(rpc.request(1, "hello", {}), rpc.request(2, "models", {}))
    assert done.returncode == 0, done.stderr
    assert answers[0]["result"]["pid"] > 0
    assert isinstance(answers[1]["result"]["cached"], list)


def test_what_a_library_prints_never_reaches_the_protocol(home: Path) -> None:
    script = (
        "import os, sys, mechamap.engine.server as engine\n"
        "incoming, outgoing = engine._private_streams()\n"
        "print('from python', flush=True); os.write(1, b'from C\\n'); os.system('echo from a child')\n"
        "outgoing.write(b'protocol\\n' + incoming.readline() + repr(sys.stdin.read()).encode()); outgoing.flush()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], input=b"question\nmore\n", capture_output=True, timeout=60, check=True
    )
    assert done.stdout == b"protocol\nquestion\n''"
    assert done.stderr == b"from python\nfrom C\nfrom a child\n"


def test_export_writes_the_rows_asked_for_in_their_order(home: Path) -> None:
    run = recorded_run(home / "run")
    target = home / "out.csv"
    order = {"run": str(run.path), "path": str(target), "format": "csv", "wide": True, "scope": "marked"}
    engine = subprocess.Popen([sys.executable, "-m", "mechamap.engine"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert engine.stdin is not None and engine.stdout is not None
    with engine:
        for request in (
            rpc.request(1, "export", {**order, "names": ["L2.N11", "L0.N3"]}),
            rpc.request(2, "export", {**order, "rows": [0]}),
            rpc.request(3, "export", {**order, "rows": [48]}),
            rpc.request(4, "export", {**order, "where": "selectivity.food > 0.9", "overwrite": True}),
        ):
            engine.stdin.write(rpc.encode(request))
            engine.stdin.flush()
            answer = json.loads(engine.stdout.readline())
            if request["id"] == 1:
                assert answer["result"] == {"path": str(target), "rows": 2, "neurons": 2}
                import pandas as pd

                table = pd.read_csv(io.BytesIO(target.read_bytes()))
                assert list(zip(table["layer"], table["neuron"], strict=True)) == [(2, 11), (0, 3)]
            elif request["id"] == 2:
                assert answer["error"]["data"]["kind"] == "ExportError"  # it exists
            elif request["id"] == 3:
                assert answer["error"]["code"] == rpc.INVALID_PARAMS
            else:
                assert answer["result"]["neurons"] == 1
        engine.stdin.close()
        assert engine.wait(30) == 0
