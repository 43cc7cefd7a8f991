"""Every error that a user can do something about.

MechaMapError
├── UsageError            the command line or a request asks for something that makes no sense
├── ConfigError           a config file, with file:line:column
├── ModelError            a model cannot be found, read or understood
│   ├── ModelNotFound     no such id, folder or file; or no network to look for it
│   ├── WeightsError      weights missing, truncated or not matching the architecture
│   ├── UnsupportedModel  it is not known where the architecture keeps its neurons, or it has none
│   └── OutOfMemory       the model or its activations do not fit
├── TextError             the text to scan is empty, unreadable or not text
├── CorpusError           a corpus lacks files or text, is damaged, or is another one than before
├── RunError              a run folder (or a CSV opened as one) is missing, damaged or of another version
├── QueryError            a filter or sort expression, with the position of the mistake
├── ExportError           an export cannot be written
├── EngineError           the engine process died, or its answer makes no sense
├── MissingExtra          an optional dependency is not installed
├── Unforeseen            a failure that nobody thought of, with a report for the maintainers
└── Cancelled             the user stopped it; what was finished is kept

Each carries three texts, so that a terminal can print it and a screen can show it as a dialog:
a ``title`` (what kind of trouble), a ``message`` (what happened, where) and a ``hint`` (what to do). A hint that names
settings or commands is an :class:`~mechamap.wording.advice.Advice`, which each edge puts into its own words.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from mechamap.wording.advice import Advice, Hint

_QUOTED = 72  # characters of an expression that a message shows
_LONGEST = 4_000  # characters of a message, whatever it quotes
_BLANKS = re.compile(r"\s")


class MechaMapError(Exception):
    """Base of all errors meant for a user's eyes.

    Args:
        message: what happened and where, as a full sentence.
        hint: what the user can do about it; may be empty.
    """

    title: ClassVar[str] = "Something went wrong"
    exit_code: ClassVar[int] = 1
    fields: ClassVar[tuple[str, ...]] = ()  # what an error has besides its texts

    def __init__(self, message: str, hint: Hint = "") -> None:
        message = _bounded(message)
        super().__init__(message)
        self.message = message
        self.hint = _bounded(hint) if isinstance(hint, str) else hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message

    def __reduce__(self) -> tuple[type[Self], tuple[str, Hint], dict[str, Any]]:
        return type(self), (self.message, self.hint), {name: getattr(self, name) for name in self.fields}

    def _render_traceback_(self) -> list[str]:
        """What IPython and notebooks show in place of a traceback."""
        from mechamap.wording.notebook import notebook_lines  # which only they need

        return notebook_lines(self, self.title)

    def located(self, where: str) -> Self:
        """The same error, its message prefixed with the place of the cause."""
        error = copy.copy(self)
        error.message = f"{where}: {self.message}"
        error.args = (error.message,)
        return error

    def to_plain(self) -> dict[str, Any]:
        """As it is sent between processes; :func:`error_from_plain` reads it back."""
        plain = {"kind": type(self).__name__, "message": self.message, "hint": str(self.hint)}
        advice = {"advice": self.hint.to_plain()} if isinstance(self.hint, Advice) else {}
        return plain | advice | {name: value for name in self.fields if (value := getattr(self, name)) is not None}


class UsageError(MechaMapError):
    title = "Invalid request"
    exit_code = 2


class ConfigError(MechaMapError):
    """A mistake in a config, most often ``where: found, expected ...``.

    Attributes:
        where: the place, as ``file:line:column`` or a path of keys; None where it is about the whole file.
        found, expected: what stands there and what should; None where the message says it otherwise.
    """

    title = "The config has a mistake"
    exit_code = 2
    fields = ("where", "found", "expected")
    where: str | None = None
    found: str | None = None
    expected: str | None = None

    @classmethod
    def at(cls, where: str, found: str, expected: str, hint: Hint = "") -> Self:
        """The error of what was found at a place."""
        error = cls(f"{where}: {found}, expected {expected}", hint)
        error.where, error.found, error.expected = where, found, expected
        return error


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


class CorpusError(MechaMapError):
    title = "The corpus cannot be read"


class RunError(MechaMapError):
    title = "The run cannot be opened"


class QueryError(MechaMapError):
    """A mistake in a filter or a sort expression.

    Attributes:
        position: of the character that is wrong, counted from 0; None where no single one is.
        problem: what is wrong there.
    """

    title = "The filter cannot be understood"
    exit_code = 2
    fields = ("position", "problem")
    position: int | None = None
    problem: str | None = None

    @classmethod
    def at(cls, source: str, position: int, problem: str, hint: Hint = "") -> Self:
        """The error of a character of an expression; the message shows both, one above the other.

        Of a long expression, what is around the character.
        """
        start = max(min(position - _QUOTED // 2, len(source) - _QUOTED), 0)
        shown = _BLANKS.sub(" ", source[start : start + _QUOTED])
        before, after = "…" * (start > 0), "…" * (start + _QUOTED < len(source))
        pointer = " " * (len(before) + position - start)
        error = cls(f"{before}{shown}{after}\n{pointer}^ character {position + 1:,}: {problem}", hint)
        error.position, error.problem = position, problem
        return error


class ExportError(MechaMapError):
    title = "The export failed"


class EngineError(MechaMapError):
    title = "The engine stopped"


class MissingExtra(MechaMapError):
    title = "An optional package is missing"


class Unforeseen(MechaMapError):
    """A failure that nobody thought of.

    Attributes:
        report: what a maintainer needs to know: versions, the place, what happened last; no text of the user's.
    """

    title = "Something went wrong that should not have"
    fields = ("report",)
    report: str | None = None


class Cancelled(MechaMapError):
    title = "Cancelled"
    exit_code = 130


def error_named(kind: str, message: str, hint: Hint = "") -> MechaMapError:
    """The error of class ``kind`` (its class name, as sent between processes); MechaMapError if unknown."""
    error = globals().get(kind)
    if isinstance(error, type) and issubclass(error, MechaMapError):
        return error(message, hint)
    return MechaMapError(message, hint)


def error_from_plain(data: Mapping[str, Any]) -> MechaMapError:
    """The error that :meth:`MechaMapError.to_plain` wrote, by another version of this program too."""
    try:
        hint: Hint = Advice.from_plain(data["advice"])
    except (KeyError, TypeError, ValueError, AttributeError):
        hint = str(data.get("hint", ""))
    error = error_named(str(data["kind"]), str(data.get("message", "")), hint)
    for name in error.fields:
        setattr(error, name, data.get(name))
    return error


def _bounded(text: str) -> str:
    """``text`` with its middle left out where it is too long to be read."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]} … {text[-_LONGEST // 2 :]}"
