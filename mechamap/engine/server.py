"""The engine process: ``python -m mechamap.engine`` serves scans, activations and exports over stdin and stdout.

See ``docs/engine.md`` for the protocol. The main thread scans, one request after another; a reader thread takes
requests, and answers at once what must not wait for a running scan. Whatever happens to a request, the process
answers it and lives on; it ends when it is told to, or when the other end of stdin is gone.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

from mechamap import __version__
from mechamap.engine.calls import Method, Methods, Request
from mechamap.engine.kept import Kept
from mechamap.engine.parent import end_with_parent
from mechamap.errors import Cancelled, MechaMapError, Unforeseen
from mechamap.protocol import rpc
from mechamap.protocol.rpc import RpcFault
from mechamap.system.failures import failure_report, record_failure
from mechamap.system.log import place_of, start_log
from mechamap.system.room import lacks_memory, out_of_memory
from mechamap.system.threads import wait_without_spinning

__all__ = ["Engine", "main"]

_LOG = logging.getLogger(__name__)


GRACE = 3.0  # seconds a running request gets to notice that the other end is gone


class Engine:
    """Serves requests from one stream and answers on another.

    Args:
        incoming, outgoing: binary streams that nothing else uses.
        methods: what it can do.
        abandon: ends the process when a running request does not stop in time after the other end is gone.
        grace: seconds that it gets.
    """

    def __init__(
        self,
        incoming: BinaryIO,
        outgoing: BinaryIO,
        methods: Methods,
        *,
        abandon: Callable[[], None] = lambda: None,
        grace: float = GRACE,
    ) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self._methods = methods
        self._kept = Kept()
        self._prompt: dict[str, Method] = {"hello": _hello, "cancel": self._cancel, **methods.prompt}
        self._abandon = abandon
        self._grace = grace
        self._writing = threading.Lock()
        self._waiting: deque[Request] = deque()
        self._running: Request | None = None
        self._beside: set[Request] = set()
        self._ready = threading.Condition()
        self._closing = False
        self._ended = threading.Event()

    def serve(self) -> None:
        """Work until a shutdown request or the end of the incoming stream."""
        threading.Thread(target=self._read, name="requests", daemon=True).start()
        try:
            while (call := self._next()) is not None:
                answer = _answer(call, self._methods.queued[call.method])
                with self._ready:
                    self._running = None
                self._write(answer)
        finally:
            self._ended.set()

    def _next(self) -> Request | None:
        with self._ready:
            self._ready.wait_for(lambda: self._waiting or self._closing)
            if self._closing:
                return None
            self._running = self._waiting.popleft()
            return self._running

    def _read(self) -> None:
        for line in self._incoming:
            if line.strip() and not self._take(line):
                break
        self._close()
        if not self._ended.wait(self._grace):
            self._abandon()

    def _close(self) -> None:
        with self._ready:
            self._closing = True
            for call in self._known():
                call.stop()
            self._ready.notify_all()

    def _take(self, line: bytes) -> bool:
        """Queue or answer one request; False when it was the last."""
        request_id: int | str | None = None
        try:
            message = rpc.parse(line)
            request_id = message.get("id")
            method = message.get("method")
            params = message.get("params", {})
            if request_id is None or not isinstance(method, str):
                raise RpcFault(rpc.INVALID_REQUEST, "A request has an id and a method.")
            if not isinstance(params, dict):
                raise RpcFault(rpc.INVALID_PARAMS, "The parameters of a request are an object.")
            call = Request(request_id, method, params, self._notify, self._kept)
            if method == "shutdown":
                self._send(rpc.result(request_id, {}))
                return False
            if method in self._prompt:
                self._write(_answer(call, self._prompt[method]))
            elif method in self._methods.beside:
                self._do_beside(call, self._methods.beside[method])
            elif method in self._methods.queued:
                self._queue(call)
            else:
                raise RpcFault(rpc.METHOD_NOT_FOUND, f"Unknown method {method!r}.")
        except RpcFault as fault:
            self._send(rpc.error(request_id, fault.code, fault.message))
        return True

    def _known(self) -> list[Request]:
        """Requests that wait or are under way."""
        return [*self._waiting, *self._beside, *([self._running] if self._running is not None else [])]

    def _check_new(self, call: Request) -> None:
        if any(other.id == call.id for other in self._known()):
            raise RpcFault(rpc.INVALID_REQUEST, f"A request with the id {call.id!r} is still running.")

    def _queue(self, call: Request) -> None:
        with self._ready:
            self._check_new(call)
            overtaken = self._overtake(call)
            self._waiting.append(call)
            self._ready.notify_all()
        for older in overtaken:
            self._send(_failure(older, Cancelled("A newer request overtook this one.")))

    def _overtake(self, call: Request) -> list[Request]:
        """Stop older requests that a new one makes needless; those that had not begun, to be answered."""
        if call.method not in self._methods.overtaking or not call.overtakes:
            return []
        older = [known for known in self._known() if known.method == call.method and known.overtakes]
        for known in older:
            known.needless.set()
        waiting = [known for known in older if known in self._waiting]
        for known in waiting:
            self._waiting.remove(known)
        return waiting

    def _do_beside(self, call: Request, work: Method) -> None:
        def do() -> None:
            answer = _answer(call, work)
            with self._ready:
                self._beside.discard(call)
            self._write(answer)

        with self._ready:
            self._check_new(call)
            self._beside.add(call)
        threading.Thread(target=do, name=call.method, daemon=True).start()

    def _cancel(self, call: Request) -> dict[str, bool]:
        """Stop a running request at its next step; answer one that still waits as cancelled right away."""
        with self._ready:
            wanted = call.params.get("id")
            cancelled = next((known for known in self._known() if known.id == wanted), None)
            if cancelled is None:
                return {"found": False}
            if cancelled not in self._waiting:
                cancelled.stop()
                return {"found": True}
            self._waiting.remove(cancelled)
        self._send(_failure(cancelled, Cancelled("The request was cancelled before it began.")))
        return {"found": True}

    def _notify(self, method: str, params: Mapping[str, Any]) -> None:
        self._send(rpc.notification(method, params))

    def _send(self, message: Mapping[str, Any]) -> None:
        self._write(rpc.encode(message))

    def _write(self, line: bytes) -> None:
        try:
            with self._writing:
                self._outgoing.write(line)
                self._outgoing.flush()
        except (OSError, ValueError):  # the other end is gone; stdin ends too, and that ends the process
            pass


def _hello(call: Request) -> dict[str, Any]:
    return {"version": __version__, "pid": os.getpid()}


def _answer(call: Request, method: Method) -> bytes:
    """Run a method; the answer is to be written once the call is forgotten, since its id may be used again then."""
    started, outcome = time.monotonic(), "done"
    try:
        return rpc.encode(rpc.result(call.id, method(call)))
    except RpcFault as fault:
        outcome = f"refused, code {fault.code}"
        return rpc.encode(rpc.error(call.id, fault.code, fault.message))
    except (Exception, SystemExit) as error:  # a library that calls exit() must not end the engine either
        outcome = f"{type(error).__name__} from {place_of(error)}"
        return rpc.encode(_failure(call, error))
    finally:
        _LOG.info("request %s, %s: %s in %.3f s", call.id, call.method, outcome, time.monotonic() - started)


def _failure(call: Request, error: Exception | SystemExit) -> dict[str, Any]:
    """The answer to a request that could not be done; an unforeseen error is written to a log."""
    if isinstance(error, Exception) and not isinstance(error, MechaMapError) and lacks_memory(error):
        error = out_of_memory(call.method.capitalize())
    if not isinstance(error, MechaMapError):
        file = record_failure(error, f"in the engine, {call.method}")
        details = f"; the details are in {file}" if file else ""
        unforeseen = Unforeseen(
            f"{call.method} failed: {type(error).__name__}: {error}", f"This is a bug in MechaMap{details}."
        )
        unforeseen.report = failure_report(error, f"in the engine, {call.method}")
        error = unforeseen
    return rpc.error(call.id, rpc.FAILED, error.message, error.to_plain())


def _private_streams() -> tuple[BinaryIO, BinaryIO]:
    """stdin and stdout for the protocol alone: whatever a library prints goes to stderr, and none can read."""
    incoming = os.fdopen(os.dup(0), "rb")
    outgoing = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return incoming, outgoing


def main() -> int:
    """Serve until stdin ends."""
    end_with_parent()
    incoming, outgoing = _private_streams()
    # stderr is a log file here: bars that redraw themselves would only fill it.
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    wait_without_spinning()
    start_log("engine")
    from mechamap.engine.methods import METHODS

    Engine(incoming, outgoing, METHODS, abandon=lambda: os._exit(1)).serve()
    return 0
