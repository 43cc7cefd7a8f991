"""Everything that can go wrong and that a user can do something about.

MechaMapError
├── UsageError            the command line or a request asks for something that makes no sense
├── ConfigError           a config file, with file:line:column
├── ModelError            a model cannot be found, read or understood
│   ├── ModelNotFound     no such id, folder or file; or no network to look for it
│   ├── WeightsError      weights missing, truncated or not matching the architecture
│   ├── UnsupportedModel  the architecture keeps its neurons where we do not know, or has none
│   └── OutOfMemory       the model or its activations do not fit
├── TextError             the text to scan is empty, unreadable or not text
├── RunError              a run folder (or a CSV opened as one) is missing, damaged or of another version
├── QueryError            a filter or sort expression, with the position of the mistake
├── ExportError           an export cannot be written
├── EngineError           the engine process died or answered nonsense
├── MissingExtra          an optional dependency is not installed
└── Cancelled             the user stopped it; what was finished is kept

Each carries three texts, so that a terminal can print it and a screen can show it as a dialog:
a ``title`` (what kind of trouble), a ``message`` (what happened, where) and a ``hint`` (what to do).
"""

from __future__ import annotations

from typing import ClassVar


class MechaMapError(Exception):
    """Base of all errors meant for a user's eyes.

    Args:
        message: what happened and where, as a full sentence.
        hint: what the user can do about it; may be empty.
    """

    title: ClassVar[str] = "Something went wrong"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message

    def __reduce__(self) -> tuple[type[MechaMapError], tuple[str, str]]:
        return type(self), (self.message, self.hint)


class UsageError(MechaMapError):
    title = "That cannot be asked"
    exit_code = 2


class ConfigError(MechaMapError):
    title = "The config has a mistake"
    exit_code = 2


class ModelError(MechaMapError):
    title = "The model cannot be used"


class ModelNotFound(ModelError):
    title = "Model not found"


class WeightsError(ModelError):
    title = "The weights cannot be read"


class UnsupportedModel(ModelError):
    title = "Model not supported"


class OutOfMemory(ModelError):
    title = "Out of memory"


class TextError(MechaMapError):
    title = "The text cannot be scanned"


class RunError(MechaMapError):
    title = "The run cannot be opened"


class QueryError(MechaMapError):
    title = "The filter cannot be understood"
    exit_code = 2


class ExportError(MechaMapError):
    title = "The export failed"


class EngineError(MechaMapError):
    title = "The engine stopped"


class MissingExtra(MechaMapError):
    title = "An optional package is missing"


class Cancelled(MechaMapError):
    title = "Cancelled"
    exit_code = 130


def error_named(kind: str, message: str, hint: str = "") -> MechaMapError:
    """The error of class ``kind`` (its class name, as sent between processes); MechaMapError if unknown."""
    found = globals().get(kind)
    if isinstance(found, type) and issubclass(found, MechaMapError):
        return found(message, hint)
    return MechaMapError(message, hint)
