"""What a user can do about a problem, worded for wherever it is read.

An error in the engine is read on the command line or in the explorer. What it advises is kept as a sentence with gaps,
and a :class:`Setting` or an :class:`Action` for each gap; the edge fills them in: a flag here, a field or a key there.
Reports are written once, as text, in which parts stand as on the command line; the explorer puts its words in their
place, so a report names only those of :data:`IN_REPORTS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

__all__ = [
    "ABLATE",
    "AS_DIFFERENT",
    "AS_SAME",
    "BOTH_WAYS",
    "BY_READS",
    "COMPARE",
    "CONFIRM",
    "CONFIRM_ANY",
    "CONFIRM_TEXT",
    "IN_REPORTS",
    "RESUME",
    "Action",
    "Advice",
    "Hint",
    "Part",
    "Setting",
]


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting to change.

    Attributes:
        key: its name in the config, or its flag's.
        value: to give it; empty where it is not known.
        in_config: whether the value is so long that it is written in a config rather than behind a flag.
    """

    key: str
    value: str = ""
    in_config: bool = False

    @property
    def flag(self) -> str:
        """``--device-map auto``."""
        return f"--{self.key.replace('_', '-')} {'' if self.in_config else self.value}".rstrip()

    def __str__(self) -> str:
        """The words of the command line."""
        return f'{self.key}: "{self.value}" in the config, or {self.flag}' if self.in_config else self.flag


@dataclass(frozen=True, slots=True)
class Action:
    """Something to have done: a command with its arguments, as in ``confirm RUN``, of one of the two programs."""

    command: str
    program: str = "mechamap"

    def __str__(self) -> str:
        """The words of the command line: ```mechamap confirm RUN```."""
        return f"`{self.program} {self.command}`"


Part: TypeAlias = "Setting | Action"


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

    def worded(self, words: Callable[[Part], str] = str) -> str:
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
        return {"sentence": self.sentence, "parts": [_plain_part(part) for part in self.parts]}

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> Advice:
        """What :meth:`to_plain` wrote.

        Raises:
            KeyError, TypeError, ValueError, AttributeError: it is something else.
        """
        return cls(data["sentence"], tuple(_part(part) for part in data["parts"]))


def _plain_part(part: Part) -> dict[str, Any]:
    if isinstance(part, Setting):
        return {"setting": part.key, "value": part.value} | ({"in_config": True} if part.in_config else {})
    return {"command": part.command} | ({"program": part.program} if part.program != "mechamap" else {})


def _part(data: Mapping[str, Any]) -> Part:
    if "setting" in data:
        return Setting(data["setting"], data["value"], data.get("in_config", False))
    return Action(data["command"], data.get("program", "mechamap"))


Hint: TypeAlias = "str | Advice"

RESUME = Action("scan MODEL --out DIR --resume")
CONFIRM = Action("confirm RUN")
CONFIRM_ANY = Action("confirm")
CONFIRM_TEXT = Action("confirm RUN --text FILE")
ABLATE = Action("ablate RUN")
COMPARE = Action("compare")
BOTH_WAYS = Action("compare --both-ways")
AS_SAME = Setting("as", "same")
AS_DIFFERENT = Setting("as", "different")
BY_READS = Setting("by", "reads")

IN_REPORTS: tuple[Part, ...] = (
    CONFIRM,
    CONFIRM_ANY,
    ABLATE,
    COMPARE,
    BOTH_WAYS,
    AS_SAME,
    AS_DIFFERENT,
    BY_READS,
)
