"""Where the bundled example is: unpacked among the runs the first time that it is opened, a run like any other there.

Notes, marks, ablations and confirmations of the user's go to that copy; ``mechamap runs rm example`` removes it, and
the next opening unpacks the example as it came.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mechamap.errors import RunError

if TYPE_CHECKING:
    from mechamap.system.leftovers import OwnFolder

__all__ = ["EXAMPLE", "example_folder", "packed_example", "unpack_beforehand"]


EXAMPLE = "example"
_UNFINISHED = ".example-"
_OLD = 3600.0  # seconds after which nobody unpacks into a folder any more

_one_at_a_time = threading.Lock()
_temporary: OwnFolder | None = None  # where the data folder cannot be written


def packed_example() -> Path:
    """The file that comes with MechaMap."""
    return Path(__file__).with_name("example.zip")


def example_folder(runs: Path) -> Path:
    """The example's folder, unpacked if it is not there yet; a run of the user's that has its name is left as it is.

    Args:
        runs: the folder of all runs; where it cannot be written, a temporary folder takes its place until the process
            ends.

    Raises:
        RunError: it is missing from this installation, or cannot be unpacked anywhere.
    """
    with _one_at_a_time:
        return _example_folder(runs)


def unpack_beforehand(runs: Path) -> None:
    """Begin to unpack the example in another thread, while the screens that will show it are loaded."""

    def unpack() -> None:
        with suppress(RunError):  # raised once more when it is opened
            example_folder(runs)

    threading.Thread(target=unpack, name="unpack the example", daemon=True).start()


def _example_folder(runs: Path) -> Path:
    folder = runs / EXAMPLE
    if (folder / "run.json").is_file():
        return folder
    if not packed_example().is_file():
        raise RunError(
            f"The example is missing from this installation: {packed_example()} does not exist.", "Reinstall mechamap."
        )
    try:
        runs.mkdir(parents=True, exist_ok=True)
        _unpack_into(folder)
    except OSError:
        return _unpacked_for_now()
    return folder


def _unpack_into(folder: Path) -> None:
    """Unpack beside the place and move there: two processes may do so at once, and one may be killed."""
    import shutil
    import tempfile
    import time

    from mechamap.runs.example.packed import unpack_run

    for left in folder.parent.glob(f"{_UNFINISHED}*"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > _OLD:
                shutil.rmtree(left)
    beside = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=folder.parent))
    try:
        beside.chmod(0o777 & ~_umask())
        unpack_run(packed_example(), beside)
        with suppress(OSError):
            beside.replace(folder)
        if not (folder / "run.json").is_file():
            raise FileExistsError(f"{folder} is in the way")
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _unpacked_for_now() -> Path:
    global _temporary  # noqa: PLW0603 the folder lives as long as the process
    from mechamap.runs.example.packed import unpack_run
    from mechamap.system.leftovers import OwnFolder

    try:
        if _temporary is None:
            own = OwnFolder(EXAMPLE)
            (own.path / EXAMPLE).mkdir()
            unpack_run(packed_example(), own.path / EXAMPLE)
            _temporary = own
    except OSError as error:
        raise RunError(
            f"The example cannot be unpacked: {error.strerror or error}.",
            "Set MECHAMAP_HOME to a folder that can be written and has 50 MB of room.",
        ) from None
    return _temporary.path / EXAMPLE
