"""What a user can do about something, told in the words of where it is read.

An error in the engine is read on the command line or in the explorer. What it advises is kept as a sentence with gaps,
and a :class:`Setting` or an :class:`Action` for each gap; the edge fills them in: a flag here, a field or a key there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

__all__ = ["ABLATE", "CONFIRM", "CONFIRM_TEXT", "RESUME", "Action", "Advice", "Hint", "Part", "Setting"]


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting to change, by its key in the config (or its flag's name), and the value to give it, if it is known."""

    key: str
    value: str = ""

    @property
    def flag(self) -> str:
        """``--device-map auto``."""
        return f"--{self.key.replace('_', '-')} {self.value}".rstrip()


@dataclass(frozen=True, slots=True)
class Action:
    """Something to have done: a command with its arguments, as in ``confirm RUN``."""

    command: str

    @property
    def name(self) -> str:
        return self.command.partition(" ")[0]


Part: TypeAlias = "Setting | Action"


def on_command_line(part: Part) -> str:
    """``--dtype bfloat16``, ```mechamap confirm RUN```."""
    return part.flag if isinstance(part, Setting) else f"`mechamap {part.command}`"


@dataclass(frozen=True, slots=True)
class Advice:
    """A sentence with a gap, ``{}``, for each part; as text it is worded for the command line."""

    sentence: str
    parts: tuple[Part, ...]

    def __post_init__(self) -> None:
        if self.sentence.count("{}") != len(self.parts):
            raise ValueError(f"{self.sentence!r} has other gaps than the {len(self.parts)} parts for them")

    @classmethod
    def of(cls, sentence: str, *parts: Part) -> Advice:
        """``Advice.of("Load it with {}.", Setting("dtype", "float32"))``."""
        return cls(sentence, parts)

    def worded(self, words: Callable[[Part], str] = on_command_line) -> str:
        """The sentence, each part in the reader's words."""
        first, *rest = self.sentence.split("{}")
        return first + "".join(words(part) + after for part, after in zip(self.parts, rest, strict=True))

    def __str__(self) -> str:
        return self.worded()

    def names(self, key: str) -> bool:
        """Whether it is about a setting."""
        return any(isinstance(part, Setting) and part.key == key for part in self.parts)

    def with_key(self, key: str, new: str) -> Advice:
        """The same where a setting goes by another key."""
        parts = (
            replace(part, key=new) if isinstance(part, Setting) and part.key == key else part for part in self.parts
        )
        return replace(self, parts=tuple(parts))

    def to_plain(self) -> dict[str, Any]:
        """As JSON holds it; :meth:`from_plain` reads it back."""
        parts = [
            {"setting": part.key, "value": part.value} if isinstance(part, Setting) else {"command": part.command}
            for part in self.parts
        ]
        return {"sentence": self.sentence, "parts": parts}

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> Advice:
        """What :meth:`to_plain` wrote.

        Raises:
            KeyError, TypeError, ValueError, AttributeError: it is something else.
        """
        parts = (
            Setting(part["setting"], part["value"]) if "setting" in part else Action(part["command"])
            for part in data["parts"]
        )
        return cls(data["sentence"], tuple(parts))


Hint: TypeAlias = "str | Advice"

RESUME = Action("scan MODEL --out DIR --resume")
CONFIRM = Action("confirm RUN")
CONFIRM_TEXT = Action("confirm RUN --text FILE")
ABLATE = Action("ablate RUN")
