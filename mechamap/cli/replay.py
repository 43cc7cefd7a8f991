"""``mechamap replay``: do what a session's log says with another run."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mechamap.cli.loading import ModelOptions, add_model_flags, model_kept, model_options, opened
from mechamap.cli.narration import Narration, print_data, write_data
from mechamap.cli.parser import Commands
from mechamap.errors import ExportError, UsageError
from mechamap.system.paths import path_problem, user_path
from mechamap.wording.amounts import quantity
from mechamap.wording.plain import printable

if TYPE_CHECKING:
    from mechamap.cli.replayed_step import Outcome
    from mechamap.replay.read_log import ReadLog
    from mechamap.runs.run import Run

__all__ = ["add_to"]


_DESCRIPTION = """Do each step of a log, as the explorer writes them beside a run, with another run, and tell of each
what came of it, or why it could not be done. Only commands that explore a run are done, whoever wrote the log; no shell
is run, and files are written into the folder of --out alone. docs/replay.md describes logs."""


def add_to(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "replay", help="do what a session's log says with another run", description=_DESCRIPTION
    )
    add = parser.add_argument
    add("log", metavar="LOG", help="the log of a session")
    add("source", metavar="RUN", help="a run's name or folder")
    add("--dry-run", action="store_true", help="do nothing; say of each step whether it can be done")
    add("--out", metavar="DIR", help="a folder for what the steps write; also for what they print, and steps.json")
    add("--json", action="store_true", help="tell of the steps as JSON; what they print is not shown")
    add_model_flags(parser)
    parser.set_defaults(run=run, parser=parser, commands=commands)


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """What the flags say."""

    log: Path
    source: str
    dry_run: bool
    out: Path | None
    json: bool
    model: ModelOptions


def run(args: argparse.Namespace, narration: Narration) -> int:
    """Read the log, do its steps, and tell of each."""
    options = ReplayOptions(
        log=user_path(args.log),
        source=args.source,
        dry_run=args.dry_run,
        out=None if args.out is None else user_path(args.out),
        json=args.json,
        model=model_options(args),
    )
    return _replay(options, args.commands, narration)


def _replay(options: ReplayOptions, commands: Commands, narration: Narration) -> int:
    from mechamap.cli.replayed_step import StepRunner
    from mechamap.replay.read_log import read_log

    log = read_log(options.log)
    target = opened(options.source, narration)
    for remark in (*log.remarks, *_other_model(log, target)):
        narration.say(f"note: {printable(remark)}")
    if not log.steps:
        raise UsageError(f"{options.log} has no steps.", "Name the log of a session.")
    out = None if options.dry_run else _folder(options.out)
    runner = StepRunner(target, options.source, log.run, commands, out, options.model)
    outcomes: list[Outcome] = []
    with model_kept():
        for number, step in enumerate(log.steps, start=1):
            if not options.json:
                print_data(f"[{number}/{len(log.steps)}] {printable(runner.shown(step))}")
            narration.progress(f"step {number} of {len(log.steps)}")
            outcome = runner.tried(step) if options.dry_run else runner.done(step)
            narration.clear()
            outcomes.append(outcome)
            if not options.json:
                _tell(outcome, printed=out is None)
    _tell_all(outcomes, options, out, narration)
    return int(any(outcome.failed for outcome in outcomes))


def _tell(outcome: Outcome, *, printed: bool) -> None:
    """What came of a step, behind what it printed where that goes into no file."""
    if outcome.printed and printed:
        print_data(outcome.printed.rstrip("\n"))
    print_data(f"    {outcome.state}{': ' if outcome.result else ''}{printable(outcome.result)}")


def _tell_all(outcomes: list[Outcome], options: ReplayOptions, out: Path | None, narration: Narration) -> None:
    plain = [{key: value for key, value in asdict(outcome).items() if key != "printed"} for outcome in outcomes]
    text = json.dumps({"log": str(options.log), "run": options.source, "steps": plain}, ensure_ascii=False, indent=1)
    if options.json:
        write_data(text + "\n")
    if out is not None:
        from mechamap.exports.target import check_target, write_whole

        data = f"{text}\n".encode(errors="backslashreplace")
        write_whole(
            check_target(out / "steps.json", overwrite=False), lambda stream: stream.write(data), overwrite=False
        )
    failed = [outcome for outcome in outcomes if outcome.failed]
    can = "can be" if options.dry_run else "were"
    narration.say(
        f"{len(outcomes) - len(failed):,} of {quantity(len(outcomes), 'step')} {can} done"
        + (f"; not those of the lines {', '.join(str(outcome.line) for outcome in failed)}" if failed else "")
    )


def _folder(out: Path | None) -> Path | None:
    """The folder that files go to, which is made where it is missing.

    Raises:
        ExportError: it cannot be made, or a replay has written into it before.
    """
    if out is None:
        return None
    try:
        out.mkdir(parents=True, exist_ok=True)
        if (out / "steps.json").exists():
            raise ExportError(f"{out} holds what a replay has written.", "Choose another folder.")
    except (OSError, ValueError) as error:
        problem, hint = path_problem(error, "Choose another place.")
        raise ExportError(f"{out} cannot be made: {problem}.", hint) from None
    return out


def _other_model(log: ReadLog, target: Run) -> list[str]:
    """That neurons of one name are not the same ones, where the log is of another model."""
    if not log.model or log.model == target.record.model.id:
        return []
    return [
        f"The log is of {log.model}, and {target.name} of {target.record.model.id}: neurons of the same name are other "
        "neurons, unless the models have common weights."
    ]
