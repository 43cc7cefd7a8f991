"""The engine ends with the process that started it, even while a library holds it up.

When that process is gone, the engine's stdin ends too, but no Python code hears of it while code of a library runs that
keeps all others waiting; the system does not wait for that.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from contextlib import suppress

from mechamap.protocol.parent import PARENT

__all__ = ["end_with_parent"]


PR_SET_PDEATHSIG = 1  # of <sys/prctl.h>


def end_with_parent() -> None:
    """Have the system kill this process when the one that started it ends, where that asked for it (Linux alone)."""
    parent = os.environ.pop(PARENT, "")
    if not parent.isdecimal() or sys.platform != "linux":
        return
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != int(parent):  # it has ended before that was said
        os._exit(1)
