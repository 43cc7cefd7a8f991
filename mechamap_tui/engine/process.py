"""The engine process: started, queried, monitored, and replaced when it dies; the requests are in ``client``."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Generic, TypeVar

from msgspec import Struct, ValidationError

from mechamap.errors import Cancelled, EngineError, MechaMapError, error_from_plain
from mechamap.protocol import rpc
from mechamap.protocol.messages import Progress, decode, plain
from mechamap.protocol.parent import PARENT
from mechamap_tui.engine.log import EngineLog

__all__ = ["EngineCall", "EngineProcess"]

_LOG = logging.getLogger(__name__)


KILL_AFTER_CANCEL = 3.0  # seconds; layers on disk survive a kill
CHUNK = 1 << 16
_ONE_VERSION = "Check that only one version of MechaMap is installed."
T = TypeVar("T")


@dataclass(eq=False, slots=True)
class EngineCall(Generic[T]):
    """A request under way: await ``answer``; ``id`` is what :meth:`EngineProcess.cancel` takes."""

    id: int
    answer: asyncio.Task[T]


@dataclass(eq=False, slots=True)
class _Waiting:
    method: str
    future: asyncio.Future[Any]
    on_progress: Callable[[Progress], None] | None
    sent: bool = False
    cancelled: bool = False


class EngineProcess:
    """Talks to one engine process, started when first needed and again after it died.

    Args:
        command: what to start instead of ``python -m mechamap.engine``.
        kill_after_cancel: seconds a cancelled request gets before the process is killed.

    Attributes:
        on_answer: called with the parameters of each request that was answered.
    """

    def __init__(self, command: Sequence[str] | None = None, kill_after_cancel: float = KILL_AFTER_CANCEL) -> None:
        # -P: a folder called torch where the user happens to be must not be taken for torch.
        self._command = tuple(command or (sys.executable, "-P", "-m", "mechamap.engine"))
        self._kill_after = kill_after_cancel
        self._ids = count(1)
        self._process: asyncio.subprocess.Process | None = None
        self._starting = asyncio.Lock()
        self._waiting: dict[int, _Waiting] = {}
        self._reader: asyncio.Task[None] | None = None
        self._killers: set[asyncio.Task[None]] = set()
        self._log = EngineLog()
        self._closing = False
        self.on_answer: Callable[[Struct | None], None] = lambda params: None

    @property
    def pid(self) -> int | None:
        """The engine's process id, None while none runs."""
        return self._process.pid if self._process is not None else None

    async def start(self) -> None:
        """Start the engine if it does not run.

        Raises:
            EngineError: it cannot be started.
        """
        async with self._starting:
            if self._process is not None and self._process.returncode is None:
                return
            try:
                self._process = await asyncio.create_subprocess_exec(
                    *self._command,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=self._log.open() or asyncio.subprocess.DEVNULL,
                    # A session of its own: what the terminal sends on ctrl+c or hang-up is for the explorer,
                    # which then ends the engine by closing its stdin.
                    start_new_session=True,
                    env={**_environment(), PARENT: str(os.getpid())},
                )
            except OSError as error:
                self._log.close()
                raise EngineError(
                    f"The engine process cannot be started: {error}.", "Check that Python is still installed."
                ) from None
            _LOG.info("engine %s started", self._process.pid)
            self._reader = asyncio.create_task(self._read(self._process), name="engine answers")

    async def cancel(self, id: int) -> bool:
        """Stop a request; it then fails with Cancelled. If the engine does not stop in time, it is killed.

        Returns at once: True if there was such a request.
        """
        waiting = self._waiting.get(id)
        if waiting is None:
            return False
        waiting.cancelled = True
        if not waiting.sent or self._process is None:
            return True  # a call that waits for the engine to start finds itself cancelled
        self._send(rpc.request(next(self._ids), "cancel", {"id": id}))
        killer = asyncio.create_task(self._kill_unless_done(waiting.future, self._process), name="engine killer")
        self._killers.add(killer)
        killer.add_done_callback(self._killers.discard)
        return True

    def kill(self) -> None:
        """End the engine process at once; may be called from any thread."""
        if (pid := self.pid) is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    async def close(self) -> None:
        """End the engine process, whatever it is doing."""
        self._closing = True
        async with self._starting:  # an engine that is being started is ended as well
            process = self._process
        for killer in self._killers:
            killer.cancel()
        if process is not None and process.returncode is None:
            self._send(rpc.request(next(self._ids), "shutdown", {}))
            if process.stdin is not None:
                process.stdin.close()
            try:
                await asyncio.wait_for(process.wait(), 1.0)
            except TimeoutError:
                _kill(process)
                await process.wait()
        if self._reader is not None:
            await self._reader
        self._log.close()

    def _call(
        self,
        method: str,
        params: Struct | None,
        kind: type[T],
        on_progress: Callable[[Progress], None] | None = None,
        *,
        beside: bool = False,
    ) -> EngineCall[T]:
        """Send a request.

        Args:
            beside: whether it runs alongside other requests; the engine can stop it once nothing awaits the answer.
        """
        id = next(self._ids)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        # Known before the process is there, so that it can be cancelled from the first moment on.
        self._waiting[id] = _Waiting(method, future, on_progress)

        async def ask() -> T:
            try:
                await self.start()
                waiting = self._waiting[id]
                if waiting.cancelled:
                    raise Cancelled("The request was cancelled before it began.")
                waiting.sent = True
                self._send(rpc.request(id, method, plain(params) if params is not None else {}))
                answer = await future
            except asyncio.CancelledError:
                if beside and self._waiting[id].sent:
                    self._send(rpc.request(next(self._ids), "cancel", {"id": id}))
                raise
            finally:
                self._waiting.pop(id, None)
            try:
                decoded = decode(answer, kind)
            except ValidationError as error:
                raise EngineError(f"The engine's answer to {method} is incomplete: {error}.", _ONE_VERSION) from None
            self.on_answer(params)
            return decoded

        return EngineCall(id, asyncio.create_task(ask(), name=f"engine {method} {id}"))

    def _send(self, message: Mapping[str, Any]) -> None:
        process = self._process
        if process is None or process.stdin is None or process.stdin.is_closing():
            return  # the reader notices that the process ended and fails the pending calls
        process.stdin.write(rpc.encode(message))

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        lines = rpc.Lines()  # StreamReader.readline refuses lines over 64 KiB
        while chunk := await process.stdout.read(CHUNK):
            for line in lines.feed(chunk):
                self._take(line)
        code = await process.wait()
        _LOG.info("engine %s ended with %s", process.pid, code)
        if self._process is process:
            self._process = None
        if process.stdin is not None:
            process.stdin.close()
        died = self._death(code)
        for waiting in list(self._waiting.values()):
            if not waiting.future.done():
                waiting.future.set_exception(_stopped() if waiting.cancelled or self._closing else died)
                waiting.future.exception()  # mark the exception as retrieved: nothing may await it any more

    def _take(self, line: bytes) -> None:
        try:
            message = rpc.parse(line)
        except rpc.RpcFault:
            return  # a stray line must not cost the engine; a call that it was meant for fails with the engine
        if message.get("method") == "progress":
            self._report(message.get("params") or {})
            return
        waiting = self._waiting.get(message["id"]) if isinstance(message.get("id"), int) else None
        if waiting is None or waiting.future.done():
            return
        if "error" in message:
            waiting.future.set_exception(_error_of(message["error"]))
        else:
            waiting.future.set_result(message.get("result"))

    def _report(self, params: Mapping[str, Any]) -> None:
        waiting = self._waiting.get(params.get("id", -1))
        if waiting is None or waiting.on_progress is None or waiting.future.done():
            return
        waiting.on_progress(decode(params, Progress))

    async def _kill_unless_done(self, future: asyncio.Future[Any], process: asyncio.subprocess.Process) -> None:
        await asyncio.wait([future], timeout=self._kill_after)
        if not future.done() and process.returncode is None:
            _LOG.warning("engine %s does not stop: it is killed", process.pid)
            _kill(process)

    def _death(self, code: int) -> EngineError:
        ending = f"was killed by {_signal_name(-code)}" if code < 0 else f"ended with exit code {code}"
        output = self._log.last_lines()
        message = f"The engine process {ending}." + (f" Its last output:\n{output}" if output else "")
        if code == -signal.SIGKILL:
            hint = "The system does this when memory runs out: try a smaller model, Dtype: bfloat16, or fewer layers."
        else:
            hint = "Try again: a new engine starts automatically. Finished layers are kept."
        if self._log.path is not None:
            hint += f" The log is {self._log.path}."
        return EngineError(message, hint)


def _error_of(body: Mapping[str, Any]) -> MechaMapError:
    data = body.get("data") or {}
    if "kind" in data:
        return error_from_plain(data)
    return EngineError(f"The engine refused the request: {body.get('message', '')}", _ONE_VERSION)


def _stopped() -> Cancelled:
    return Cancelled("The engine was stopped.", "Finished layers are kept.")


def _environment() -> dict[str, str]:
    """The environment, with the source tree on Python's path where MechaMap was never installed."""
    source_tree = str(Path(__file__).resolve().parents[2])
    if Path(source_tree).name == "site-packages":
        return dict(os.environ)
    paths = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    return {**os.environ, "PYTHONPATH": os.pathsep.join([*paths, source_tree])}


def _kill(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
