"""However the explorer is told to end, it does within seconds, and leaves neither engine nor a changed terminal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.recorded_run import recorded_run
from support.repository import ROOT
from support.terminal import engine_of

from .conftest import Start

SECONDS = 5.0  # and as many again for a machine with other work


def gone_in_time(*processes: int) -> bool:
    """Whether processes end within seconds; one that is only waited for counts as ended."""
    deadline = time.monotonic() + 2 * SECONDS
    while any(_lives(process) for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _lives(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT])
def test_a_signal_ends_it_with_its_own_exit_code_and_restores_the_terminal(
    start: Start, tmp_path: Path, number: signal.Signals
) -> None:
    recorded_run(tmp_path / "home" / "runs" / "tiny-1")
    terminal = start("tiny-1")
    terminal.wait("2 Neurons")
    terminal.process.kill(number)
    assert terminal.ended() == 128 + number
    assert bytes(terminal.written).rfind(b"\x1b[?1049l") > bytes(terminal.written).rfind(b"\x1b[?1049h") >= 0
    assert b"Traceback" not in terminal.written


def test_a_terminal_that_is_closed_while_it_scans_ends_explorer_and_engine(start: Start) -> None:
    terminal = start("demo")
    terminal.wait("Scanning demo")
    engine = None
    while engine is None:
        terminal.read()
        engine = engine_of(terminal.process.pid)
    terminal.hang_up()
    assert gone_in_time(terminal.process.pid, engine)


def test_a_terminal_that_goes_away_without_a_signal_is_noticed(start: Start, tmp_path: Path) -> None:
    """As with nohup, or in a session that is not the terminal's own."""
    recorded_run(tmp_path / "home" / "runs" / "tiny-1")
    terminal = start("tiny-1", prefix=("setsid", "--wait"))
    terminal.wait("2 Neurons")
    children = Path(f"/proc/{terminal.process.pid}/task/{terminal.process.pid}/children").read_text().split()
    terminal.hang_up()
    assert children and gone_in_time(*map(int, children))


@pytest.mark.parametrize("module", ["mechamap", "mechamap_tui"])
def test_an_interrupt_while_it_loads_is_one_line(module: str, tmp_path: Path) -> None:
    """At the first import that it makes, and at the last."""
    for step in ("argparse", "mechamap.cli.main" if module == "mechamap" else "mechamap_tui.command"):
        interrupting = (
            "import os, runpy, signal, sys\n"
            "class Interrupting:\n"
            "    def find_spec(self, name, path=None, target=None):\n"
            f"        if name == {step!r}: os.kill(os.getpid(), signal.SIGINT)\n"
            f"sys.argv = [{module!r}, 'runs']\n"
            f"sys.modules.pop({step!r}, None)\n"
            "sys.meta_path.insert(0, Interrupting())\n"
            f"runpy.run_module({module!r} + '.__main__', run_name='__main__')\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", interrupting],
            env={**os.environ, "MECHAMAP_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 130, done.stderr
        assert done.stderr in ("cancelled\n", "mechamap-tui: interrupted\n")


def test_ctrl_z_leads_to_the_shell_and_fg_paints_it_again(start: Start, tmp_path: Path) -> None:
    recorded_run(tmp_path / "home" / "runs" / "tiny-1")
    shell = ("bash", "--norc", "-i", "-c", '"$@"; echo IN THE SHELL; sleep 1; fg', "bash")
    terminal = start("tiny-1", prefix=shell)
    terminal.wait("2 Neurons")
    terminal.process.send("\x1a")
    terminal.wait("IN THE SHELL", gone=["2 Neurons"])
    screen = terminal.wait("2 Neurons", "48 of 48", gone=["IN THE SHELL"])
    terminal.press("j")
    terminal.until(lambda shown: shown != screen, "the cursor moves")
    terminal.press("ctrl+q")
    assert terminal.ended() == 0
