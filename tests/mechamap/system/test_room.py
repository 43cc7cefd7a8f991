"""Lack of memory, however it is said, is told in one sentence; what cannot begin is refused before it is loaded."""

from __future__ import annotations

import errno

import pytest

from mechamap.cli.main import main
from mechamap.engine import server
from mechamap.engine.calls import Request
from mechamap.errors import OutOfMemory
from mechamap.system.room import MODELS, lacks_memory, require_room
from mechamap_tui.opening.failures import shown_error

resource = pytest.importorskip("resource")


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        ImportError("libtorch_cpu.so: failed to map segment from shared object"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("can't start new thread"),
        RuntimeError("std::bad_alloc"),
    ],
)
def test_it_is_recognized_itself_and_as_a_cause(error: Exception) -> None:
    assert lacks_memory(error)
    with pytest.raises(ImportError) as caught:
        try:
            raise error
        except Exception as cause:
            raise ImportError("numpy cannot be imported") from cause
    assert lacks_memory(caught.value)
    shown = shown_error(caught.value, "in the explorer")
    assert isinstance(shown, OutOfMemory) and "ulimit -v" in str(shown.hint)


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyError("memory"), TypeError()])
def test_other_errors_are_not_taken_for_it(error: Exception) -> None:
    assert not lacks_memory(error)


def test_an_error_that_is_its_own_cause_is_looked_at_once() -> None:
    error = ValueError("round")
    error.__cause__ = error
    assert not lacks_memory(error)


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (200_000_000, resource.RLIM_INFINITY))


@pytest.mark.usefixtures("little")
def test_a_limit_under_which_nothing_can_begin_is_said_before_anything_is_loaded(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["scan", "demo"]) == 1
    said = capsys.readouterr().err
    assert "Out of memory" in said and "200 MB" in said and "ulimit -v unlimited" in said
    with pytest.raises(OutOfMemory, match="Reading a model takes 1"):
        require_room(MODELS, "Reading a model")


def test_libraries_take_more_with_more_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    alone = MODELS.bytes
    monkeypatch.setenv("OMP_NUM_THREADS", "9")
    assert MODELS.bytes == alone + 2 * 8 * 40_000_000
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert MODELS.bytes >= alone


def test_without_a_limit_everything_may_begin() -> None:
    require_room(MODELS, "Reading a model")


def test_a_command_that_runs_out_of_memory_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_much(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("mechamap.runs.library.list_runs", too_much)
    assert main(["runs"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: Out of memory\n") and "failures.log" not in said


def test_the_engine_answers_that_it_ran_out_of_memory() -> None:
    call = Request.__new__(Request)
    object.__setattr__(call, "id", 1)
    object.__setattr__(call, "method", "export")
    answer = server._failure(call, MemoryError())
    assert answer["error"]["data"]["kind"] == "OutOfMemory"
    assert "Export needs more memory" in answer["error"]["message"]
