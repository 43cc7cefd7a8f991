"""Errors of the Python interface: advice in its words, and a few lines in a notebook instead of the engine's frames."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

from mechamap.errors import MechaMapError
from mechamap.wording.advice import IN_REPORTS, Action, Advice, Part, Setting

__all__ = ["in_python_words", "python_words", "report_text"]


Function = TypeVar("Function", bound=Callable[..., Any])

_METHODS = {"confirm": "run.confirm()", "ablate": "run.ablate()", "compare": "run.compare(other)"}
_OF_SETS = {"add": "run.sets.add(NAME, [...])", "export": "run.sets.export(PATH)"}
_SWITCHES = {"resume", "overwrite", "causes", "confirm", "wide"}
_FUNCTIONS = {"scan": "mm.scan(MODEL, ...)", "runs": "mm.runs()", "export": "run.export(PATH)"}


def python_words(part: Part) -> str:
    """A part of an advice as it is written in Python: ``dtype="float32"``, ``run.confirm()``."""
    match part:
        case Setting():
            value = part.value or ("True" if part.key in _SWITCHES else "...")
            return f"{part.key}={value if value == '...' or _is_literal(value) else repr(value)}"
        case Action(command, "mechamap"):
            name = command.split()[0]
            if "--resume" in command:
                return "mm.scan(MODEL, out=FOLDER, resume=True)"
            if command.startswith("sets RUN "):
                return _OF_SETS.get(command.split()[2], str(part))
            return (_METHODS | _FUNCTIONS).get(name, str(part))
        case Action():
            return str(part)


def report_text(text: str) -> str:
    """A text of a report, which has the words of the command line."""
    for part in IN_REPORTS:
        text = text.replace(str(part), python_words(part))
    return text


def in_python_words(function: Function) -> Function:
    """A function whose errors advise what can be done in Python."""

    @functools.wraps(function)
    def worded(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except MechaMapError as error:
            if isinstance(error.hint, Advice):
                error.hint = error.hint.worded(python_words)
            raise

    return cast(Function, worded)


def _is_literal(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return value in {"True", "False", "None"}
    return True
