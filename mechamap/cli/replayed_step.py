"""One step of a log: read by the parsers of the command line, checked, and done in this process."""

from __future__ import annotations

import argparse
import io
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mechamap.cli.loading import ModelOptions
from mechamap.cli.narration import Narration
from mechamap.cli.parser import Commands, Parser, joined_words
from mechamap.cli.replay_needs import Kept, refuse_impossible
from mechamap.errors import Cancelled, MechaMapError, UsageError
from mechamap.replay.allowed import OUTPUTS, refuse_others
from mechamap.replay.line import command_line
from mechamap.system.room import lacks_memory, out_of_memory
from mechamap.wording.plain import printable, shortened

if TYPE_CHECKING:
    from mechamap.replay.read_log import LoggedStep
    from mechamap.runs.run import Run

__all__ = ["Outcome", "StepRunner"]


_WITH_MODELS = ("confirm", "ablate", "steer", "probe", "similar", "lens")
_ASIDE = ("not shown:", "note:")  # narration that does not say what was done
_SUFFIXES = {"json": "json", "csv": "csv", "md": "md"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a step.

    Attributes:
        line: of the log.
        command: that was done, on the run of the replay.
        state: ``done``, ``can be done`` or ``not done``.
        result: in a line, what came of it, or why it was not done.
        logged: what the log says came of it.
        printed: what it wrote to standard output.
        files: that it wrote.
    """

    line: int
    command: str
    state: str
    result: str = ""
    logged: str = ""
    printed: str = ""
    files: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        return self.state == "not done"


@dataclass(slots=True)
class StepRunner:
    """Does the steps of a log with a run.

    Attributes:
        run: the run, as it was opened first.
        source: what the user calls it.
        logged_run: what the log calls its own.
        commands: the parsers of the command line.
        out: the folder that files go to; None: none are written.
        model: where the run's model is, for the steps that load it.
        kept: what the steps so far would have kept in the run.
    """

    run: Run
    source: str
    logged_run: str
    commands: Commands
    out: Path | None
    model: ModelOptions
    kept: Kept = field(default_factory=Kept)
    number: int = 0

    def shown(self, step: LoggedStep) -> str:
        """The step as it will be done; as the log has it where it cannot be read."""
        if step.problem:
            return f"line {step.line}"
        words = [self.source if word == self.logged_run else word for word in step.words]
        return command_line(["mechamap", *words])

    def tried(self, step: LoggedStep) -> Outcome:
        """Whether the step can be done; nothing is."""
        self.number += 1
        try:
            args = self._parsed(step)
            self._place_files(args, Path("out"))
            result = refuse_impossible(self.run, args, self.kept, dry=True)
        except MechaMapError as error:
            return self._failed(step, error)
        self.kept.take(args)
        return Outcome(step.line, self.shown(step), "can be done", _beside(result, step.remark), step.remark)

    def done(self, step: LoggedStep) -> Outcome:
        """Do the step."""
        self.number += 1
        try:
            args = self._parsed(step)
            files = self._place_files(args, self.out)
            self.run.refresh()
            result = refuse_impossible(self.run, args, self.kept, dry=False)
            code, printed, said = _run(args)
        except Cancelled:
            raise
        except MechaMapError as error:
            return self._failed(step, error)
        except Exception as error:
            return self._failed(step, _as_error(error, self.shown(step)))
        if code:
            return self._failed(step, UsageError(said or "It ended without a result."))
        if self.out is not None and printed:
            files = (*files, self._write(args, printed))
        told = _beside(result or said, step.remark)
        return Outcome(step.line, self.shown(step), "done", told, step.remark, printed, files)

    # --- how -------------------------------------------------------------------------------------------------

    def _parsed(self, step: LoggedStep) -> argparse.Namespace:
        """The step's arguments, about the run of the replay.

        Raises:
            UsageError: it cannot be read, or a log may not have it.
        """
        if step.problem:
            raise UsageError(step.problem)
        parser: Parser | None = self.commands.choices.get(step.words[0]) if step.words else None
        if parser is None:
            first = step.words[0] if step.words else ""
            raise UsageError(f"{shortened(first)!r} is no command.")
        args = argparse.Namespace(command=step.words[0])
        try:
            with _captured():
                _, extra = parser.parse_known_args(joined_words(step.words[1:]), args)
        except SystemExit:
            raise UsageError("It asks for help, and does nothing.") from None
        if extra:
            raise UsageError(f"`{parser.prog}` does not know {printable(extra[0])!r}.")
        refuse_others(step.words, args)
        self._about_run(args)
        return args

    def _about_run(self, args: argparse.Namespace) -> None:
        """Put the run of the replay where the log has its own."""
        if args.command == "compare":
            own = [place for place, name in enumerate(args.runs) if Path(name).name == self.logged_run] or [0]
            args.runs = [self.source if place in own else name for place, name in enumerate(args.runs)]
        else:
            args.source = self.source
        if args.command in _WITH_MODELS:
            args.model, args.device, args.adapter = self.model.model, self.model.device, self.model.adapter

    def _place_files(self, args: argparse.Namespace, out: Path | None) -> tuple[str, ...]:
        """Have the files that the step writes lie in the folder of the replay.

        Raises:
            UsageError: there is none.
        """
        files = []
        for name in OUTPUTS:
            given = getattr(args, name, None)
            if given in (None, "-"):
                continue
            if out is None:
                raise UsageError("It writes a file.", "Add --out DIR, a folder for the files that steps write.")
            own = re.sub(r"[^\w.+-]+", "-", Path(given).name).lstrip(".")[-100:] or args.command
            target = str(out / f"{self.number:03d}-{own}")
            files.append(target)
            setattr(args, name, target + ("/" if given.endswith("/") else ""))
        return tuple(files)

    def _write(self, args: argparse.Namespace, printed: str) -> str:
        """Write what a step printed into the folder; returns the file."""
        from mechamap.exports.target import check_target, write_whole

        assert self.out is not None
        form = "json" if getattr(args, "json", False) else str(getattr(args, "format", None))
        path = self.out / f"{self.number:03d}-{args.command}.{_SUFFIXES.get(form, 'txt')}"
        data = printed.encode(errors="backslashreplace")
        write_whole(check_target(path, overwrite=False), lambda stream: stream.write(data), overwrite=False)
        return str(path)

    def _failed(self, step: LoggedStep, error: MechaMapError) -> Outcome:
        reason = " ".join(str(error).split())
        return Outcome(step.line, self.shown(step), "not done", reason, step.remark)


def _run(args: argparse.Namespace) -> tuple[int, str, str]:
    """Run a command; returns its exit code, what it wrote to standard output, and the last line of its narration.

    Raises:
        MechaMapError: it cannot be done.
    """
    said = io.StringIO()
    with _captured() as printed:
        code = int(args.run(args, Narration(said)))
    lines = [line for line in said.getvalue().strip().splitlines() if not line.startswith(_ASIDE)]
    return code, printed.getvalue().decode("utf-8", errors="backslashreplace"), lines[-1].strip() if lines else ""


@contextmanager
def _captured() -> Iterator[io.BytesIO]:
    """Standard output as bytes."""
    data, before = io.BytesIO(), sys.stdout
    sys.stdout = io.TextIOWrapper(data, encoding="utf-8", errors="backslashreplace", write_through=True)
    try:
        yield data
        sys.stdout.flush()
    finally:
        sys.stdout.detach()
        sys.stdout = before


def _beside(result: str, logged: str) -> str:
    """What came of a step, and in brackets what the log says came of it where that is something else."""
    return f"{result} (in the log: {logged})" if logged and logged != result else result


def _as_error(error: Exception, doing: str) -> MechaMapError:
    """An unexpected failure of one step, which does not end the others."""
    if lacks_memory(error):
        return out_of_memory("The step")
    from mechamap.system.failures import record_failure

    log = record_failure(error, doing)
    where = f"The details are in {log}." if log else ""
    return UsageError(f"Something went wrong that should not have: {type(error).__name__}.", where)
