"""A log read back: its steps as words, whoever wrote it. Nothing in it is run here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from mechamap.errors import UsageError
from mechamap.replay.head import FORMAT, HEAD
from mechamap.replay.line import words_of
from mechamap.replay.session_log import LARGEST_LOG
from mechamap.system.bounded_files import read_at_most
from mechamap.system.paths import path_problem, user_path
from mechamap.wording.plain import printable, shortened

__all__ = ["LoggedStep", "ReadLog", "read_log"]


_MOST_STEPS = 20_000
_VERSION = re.compile(re.escape(HEAD) + r"(\d+)")


@dataclass(frozen=True, slots=True)
class LoggedStep:
    """One line.

    Attributes:
        line: its number in the file, from 1.
        words: of the command, without ``mechamap``; empty where it cannot be read.
        remark: what the log says came of it.
        problem: why it cannot be read.
    """

    line: int
    words: tuple[str, ...]
    remark: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ReadLog:
    """A log.

    Attributes:
        run: what the run was called; empty where it does not say.
        model: the id of its model; likewise.
        steps: in their order.
        remarks: what is to be known about the file, a sentence each.
    """

    run: str
    model: str
    steps: tuple[LoggedStep, ...]
    remarks: tuple[str, ...]


def read_log(path: Path | str) -> ReadLog:
    """The steps of a log; a last line without an end was cut as it was written, and is left out.

    Raises:
        UsageError: it cannot be read, is too large, of a newer format, or no text.
    """
    file = user_path(path)
    try:
        text = read_at_most(file, LARGEST_LOG + 1_000_000).decode("utf-8")
    except UnicodeDecodeError:
        raise UsageError(f"{file} is no log: it is not text in UTF-8.") from None
    except (OSError, ValueError) as error:
        problem, hint = path_problem(error, "Name the log of a session; `:log` in the explorer says where it is.")
        raise UsageError(f"The log {printable(str(file))} cannot be read: {problem}.", hint) from None
    whole, _, cut = text.rpartition("\n")
    lines = whole.split("\n") if whole else []
    remarks = ["Its last line was cut as it was written, and is left out."] if cut.strip() else []
    _refuse_newer(file, lines)
    steps = [step for number, line in enumerate(lines, start=1) if (step := _step(number, line)) is not None]
    if len(steps) > _MOST_STEPS:
        raise UsageError(f"{file} has {len(steps):,} steps; at most {_MOST_STEPS:,} are done.", "Cut it.")
    return ReadLog(_fact("run", lines), _fact("model", lines).split(" at ")[0], tuple(steps), tuple(remarks))


def _fact(name: str, lines: list[str]) -> str:
    """What the head says under a name; empty where it does not."""
    begin = f"# {name}: "
    return next((line.removeprefix(begin).strip() for line in lines if line.startswith(begin)), "")


def _refuse_newer(file: Path, lines: list[str]) -> None:
    version = _VERSION.match(lines[0]) if lines else None
    if version is not None and int(version[1]) > FORMAT:
        raise UsageError(f"{file} is a log of format {version[1]}, of a newer version.", "Update MechaMap.")


def _step(number: int, line: str) -> LoggedStep | None:
    """The step of a line; None where it holds none."""
    try:
        words, remark = words_of(line.rstrip("\r"))
    except UsageError as error:
        return LoggedStep(number, (), problem=error.message)
    if not words:
        return None
    if words[0] != "mechamap":
        return LoggedStep(number, (), problem=f"{shortened(words[0])!r} is not mechamap, and nothing else is run.")
    return LoggedStep(number, tuple(words[1:]), re.sub(r"^\d\d:\d\d:\d\d(, )?", "", remark))
