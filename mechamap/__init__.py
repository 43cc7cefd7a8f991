"""MechaMap scans the MLP neurons of a language model and scores them against categories.

``import mechamap as mm`` offers::

    run = mm.scan("gpt2", categories={"food": ["apple", "bread"]})
    run = mm.open("gpt2-1")
    mm.runs()

Importing this package loads neither torch nor transformers nor numpy; what is asked for imports what it needs.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mechamap.api.neuron import Neuron
    from mechamap.api.opening import open_named as open
    from mechamap.api.opening import runs
    from mechamap.api.run_sets import RunSets
    from mechamap.api.scanned_run import ScannedRun
    from mechamap.api.scanning import scan
    from mechamap.api.shown.displayed import DisplayedReport, DisplayedTable
    from mechamap.api.steering import DisplayedLadder
    from mechamap.errors import MechaMapError

__all__ = [
    "DisplayedLadder",
    "DisplayedReport",
    "DisplayedTable",
    "MechaMapError",
    "Neuron",
    "RunSets",
    "ScannedRun",
    "__version__",
    "open",
    "runs",
    "scan",
]

__version__ = "0.1.0"  # the build reads it here: looked up among the installed packages it costs a fifth of the help

_PLACES = {
    "DisplayedLadder": ("mechamap.api.steering", "DisplayedLadder"),
    "DisplayedReport": ("mechamap.api.shown.displayed", "DisplayedReport"),
    "DisplayedTable": ("mechamap.api.shown.displayed", "DisplayedTable"),
    "MechaMapError": ("mechamap.errors", "MechaMapError"),
    "Neuron": ("mechamap.api.neuron", "Neuron"),
    "RunSets": ("mechamap.api.run_sets", "RunSets"),
    "ScannedRun": ("mechamap.api.scanned_run", "ScannedRun"),
    "open": ("mechamap.api.opening", "open_named"),
    "runs": ("mechamap.api.opening", "runs"),
    "scan": ("mechamap.api.scanning", "scan"),
}
_ROOMS = ("runs", "scan")  # packages, too: `mechamap.scan` is the room, and calling it scans


class _CallableRoom(ModuleType):
    """A room whose name the interface uses as well."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Do what ``mechamap`` offers under this name; see ``help`` of ``mechamap.api``."""
        return _offered(self.__name__.rpartition(".")[2])(*args, **kwargs)

    @property
    def __signature__(self) -> Any:
        import inspect

        return inspect.signature(_offered(self.__name__.rpartition(".")[2]))


class _FrontDoor(ModuleType):
    """This package; Python sets a room as its attribute when anything of the room is imported."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _ROOMS and isinstance(value, ModuleType):
            value.__class__ = _CallableRoom
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _FrontDoor


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in _ROOMS:
        return importlib.import_module(f"{__name__}.{name}")
    return _offered(name)


def __dir__() -> list[str]:
    return [*globals(), *_PLACES]


def _offered(name: str) -> Any:
    module, attribute = _PLACES[name]
    return getattr(importlib.import_module(module), attribute)
