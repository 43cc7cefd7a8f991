"""argparse, with mistakes raised as UsageError and the nearest right spelling named."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from mechamap.config.choices import KEEP_ACTIVATIONS
from mechamap.errors import UsageError
from mechamap.wording.suggest import unknown_name

__all__ = ["Commands", "Parser", "joined_words", "refuse_below"]


class Parser(argparse.ArgumentParser):
    """A parser that raises UsageError instead of ending the process.

    Flags cannot be abbreviated: a script that relied on it would break with the next flag.
    """

    gathers = ""  # the argument that takes words wherever they stand; argparse takes them side by side alone

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, **settings)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        parsed, extra = super().parse_known_args(args, namespace)
        if self.gathers and not any(word.startswith("-") for word in extra):
            getattr(parsed, self.gathers).extend(extra)
            extra = []
        return parsed, extra

    def error(self, message: str) -> NoReturn:
        sentence = message[:1].upper() + message[1:]
        raise UsageError(f"{sentence}.", f"`{self.prog} --help` lists the arguments.")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        choices = [str(choice) for choice in action.choices]
        kind = "/".join(action.option_strings) or str(action.metavar or action.dest).lower()
        raise UsageError(*unknown_name(kind, str(value), choices))

    def commands(self) -> dict[str, tuple[Parser, str]]:
        """The commands below it: the parser of each, and what it does in a few words."""
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                about = {choice.dest: choice.help or "" for choice in action._get_subactions()}
                return {name: (parser, about[name]) for name, parser in action.choices.items()}
        return {}

    def flags(self) -> list[str]:
        """Every flag that ``--help`` shows."""
        return [flag for action in self._actions if action.help != argparse.SUPPRESS for flag in action.option_strings]

    def actions(self) -> list[argparse.Action]:
        """Every flag and argument, hidden ones included."""
        return list(self._actions)


def refuse_below(least: int, **numbers: int) -> None:
    """Refuse values of flags that are too small.

    Raises:
        UsageError: one of the ``numbers``, by the names of their flags, is less than ``least``.
    """
    for flag, number in numbers.items():
        if number < least:
            raise UsageError(f"--{flag} is {number}; it must be at least {least}.")


def joined_words(argv: Sequence[str]) -> list[str]:
    """Words as argparse reads them right: ``--sort=-food``, which it would take for a flag when it stood alone, so too
    ``--strengths=-2:2:9``, and
    ``--keep-activations=always``, which would take the model that follows for its value."""
    words: list[str] = []
    for word in argv:
        if words and words[-1] == "--keep-activations":
            words[-1] += f"={word}" if word in KEEP_ACTIVATIONS else "=always"
            if word in KEEP_ACTIVATIONS:
                continue
        if (
            words
            and words[-1] in ("--sort", "--where", "--strengths")
            and word.startswith("-")
            and not word.startswith("--")
        ):
            words[-1] += f"={word}"
        else:
            words.append(word)
    return words


if TYPE_CHECKING:
    Commands: TypeAlias = "argparse._SubParsersAction[Parser]"
else:
    Commands = object
