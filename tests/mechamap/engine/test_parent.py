"""An engine ends with the process that started it, even while a library keeps all of its Python code waiting."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mechamap.protocol.parent import PARENT

ENGINE = """
import ctypes
from mechamap.engine.parent import end_with_parent
end_with_parent()
print("begun", flush=True)
ctypes.PyDLL(None).sleep(100)  # keeps the interpreter's lock
"""
EXPLORER = """
import os, subprocess, sys
engine = subprocess.Popen([sys.executable, "-c", sys.argv[1]], env={**os.environ, sys.argv[2]: str(os.getpid())})
print(engine.pid, flush=True)
engine.wait()
"""


def lives(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="the system has no such signal")
def test_an_engine_that_hangs_in_a_library_ends_with_its_explorer() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", EXPLORER, ENGINE, PARENT], stdout=subprocess.PIPE, text=True
    ) as explorer:
        assert explorer.stdout is not None
        engine = int(next(line for line in explorer.stdout if line.strip().isdecimal()))
        assert explorer.stdout.readline() == "begun\n"
        assert lives(engine)
        os.kill(explorer.pid, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while lives(engine) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not lives(engine)


def test_an_engine_whose_explorer_is_gone_already_does_not_begin() -> None:
    code = "from mechamap.engine.parent import end_with_parent; end_with_parent(); print('begun')"
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, PARENT: "1"}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "") or sys.platform != "linux"
