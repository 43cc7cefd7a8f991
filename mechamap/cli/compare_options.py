"""The flags of ``mechamap compare``, and their values."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mechamap.cli.loading import ModelOptions
from mechamap.cli.parser import refuse_below
from mechamap.cli.report_options import ReportOptions, add_judging_flags, add_report_flags, report_options
from mechamap.compare.closest.settings import LEAST_WORDS, MatchSettings
from mechamap.config.choices import BASELINES
from mechamap.errors import UsageError
from mechamap.system.paths import can_be_path, user_path

if TYPE_CHECKING:
    from mechamap.compare.alignment.relation import CompareAs
    from mechamap.compare.comparison import Differences

__all__ = ["MOST_JSON", "ClosestOptions", "CompareOptions", "add_compare_flags", "compare_options"]


MOST_JSON = 10_000  # rows of the longest tables where nothing is said; all that differ are millions in a large model
_OF_CLOSEST = ("matches_summary", "matches", "match_layers", "universal_categories", "specialised")


@dataclass(frozen=True, slots=True)
class ClosestOptions:
    """How to search for the closest neurons of two models.

    Attributes:
        asked_by: the flag that asks for them; empty: none does.
        tables: whether ``--table`` asks for what they are in.
        never: they are not to be looked for.
        text: the file to run both models over, ``-`` for standard input; None: the runs' own.
        words: how many of its words; 0: all; None: what takes some ten seconds.
        settings: how neurons are matched.
        models: those of A and of B, and the device for both.
    """

    asked_by: str
    tables: bool
    never: bool
    text: str | None
    words: int | None
    settings: MatchSettings
    models: tuple[ModelOptions, ModelOptions]

    @property
    def asked(self) -> bool:
        """Whether they are wanted even if the models have to be run again."""
        return bool(self.asked_by) or self.tables

    @property
    def device(self) -> str | None:
        """The device that is asked for."""
        return self.models[0].device


@dataclass(frozen=True, slots=True)
class CompareOptions:
    """What is compared, how, and where the report goes; ``csv_models`` are those to read of a CSV that is A or B."""

    runs: tuple[str, ...]
    csv_models: tuple[str | None, ...]
    by: str | None
    threshold: float | None
    relation: CompareAs
    all_figures: bool
    closest: ClosestOptions
    report: ReportOptions

    @property
    def differences(self) -> Differences:
        """Of which figures the table with a row for every neuron is asked for."""
        if self.all_figures:
            return "all"
        return "figure" if self.report.asks_for("differences") else "none"


def add_compare_flags(parser: argparse.ArgumentParser) -> None:
    """Declare them."""
    add = parser.add_argument
    add("runs", metavar="RUN|CSV", nargs="+", help="two or more: a run's name or folder, or a CSV; the first is A")
    add_judging_flags(parser, "compare by it")
    add("--as", dest="relation", choices=("auto", "same", "different"), default="auto",
        help="compare neurons by name, or as different models (default: as architecture and layers tell)")  # fmt: skip
    add("--all-figures", action="store_true", help="also the table differences, with every neuron, of every figure; "
        "`--table differences` alone has the one of --by")  # fmt: skip
    _add_closest_flags(parser)
    add_report_flags(parser, rows=f"for CSV all, in JSON {MOST_JSON:,} of changes and matches and {10 * MOST_JSON:,} "
        "of appeared and vanished")  # fmt: skip


def _add_closest_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("closest neurons")
    add = group.add_argument
    add("--match", action="store_true", help="find each neuron's closest one in the other model, running both again "
        "where they did not keep activations; each flag from --text to --device asks for it too (default: where "
        "they did, and the models are different)")  # fmt: skip
    add("--no-match", action="store_true", help="do not search for them")
    add("--text", metavar="F", help="run both models over this file, - for standard input (default: the runs' text, "
        "where they differ that of A)")  # fmt: skip
    add("--words", metavar="N", type=int, help="compare over N of the text's words; 0: all (default: what "
        "takes some ten seconds on two cores, at least 200)")  # fmt: skip
    add("--baseline", choices=BASELINES, help="what correlations must exceed: each layer's neurons "
        "mixed at random, the words in another order, or none (rotation)")  # fmt: skip
    add("--draws", metavar="N", type=int, help="how many times the baseline is drawn (1)")
    add("--seed", metavar="N", type=int, help="of the baseline (0)")
    add("--both-ways", action="store_true", help="also what the neurons of B exceed, which takes as long again "
        "(with the words in another order it comes by itself)")  # fmt: skip
    add("--signed", action="store_true", help="a neuron that falls where the other rises is not close")
    add("--model-a", metavar="MODEL", help="the model of A, where it has moved; of a CSV with several models "
        "the one to read")  # fmt: skip
    add("--model-b", metavar="MODEL", help="the model of B, likewise")
    add("--device", metavar="D", help="auto, cpu, cuda, cuda:1 or mps (default: as the runs had it)")


def compare_options(args: argparse.Namespace) -> CompareOptions:
    """What the flags say; what makes no sense is refused here, before any work is done.

    Raises:
        UsageError: one run alone, or flags that contradict each other or are out of range.
        ExportError: the report cannot be written there.
    """
    report = report_options(args)
    if len(args.runs) < 2:
        raise UsageError(f"Only one run was given, {args.runs[0]}; a comparison takes two or more.")
    models = (args.model_a, args.model_b)
    is_csv = [can_be_path(name) and user_path(name).is_file() for name in args.runs]
    closest = ClosestOptions(
        asked_by=_asking_flag(args, [model if not csv else None for model, csv in zip(models, is_csv, strict=False)]),
        tables=report.asks_for(*_OF_CLOSEST),
        never=args.no_match,
        text=args.text,
        words=args.words,
        settings=MatchSettings(
            baseline=args.baseline or "rotation",
            draws=1 if args.draws is None else args.draws,
            seed=args.seed or 0,
            signed=args.signed,
            both=args.both_ways or args.baseline == "shuffle",
        ),
        models=(ModelOptions(args.model_a, args.device), ModelOptions(args.model_b, args.device)),
    )
    _check(closest, len(args.runs))
    return CompareOptions(
        runs=tuple(args.runs),
        csv_models=tuple(models[place] if csv and place < len(models) else None for place, csv in enumerate(is_csv)),
        by=args.by,
        threshold=args.threshold,
        relation=args.relation,
        all_figures=args.all_figures,
        closest=closest,
        report=report,
    )


def _check(closest: ClosestOptions, runs: int) -> None:
    if closest.never and closest.asked_by:
        raise UsageError(f"--no-match and {closest.asked_by} contradict each other.", "Give one.")
    if runs > 2 and closest.asked_by:
        raise UsageError("Closest neurons are searched for between two runs.", "Give exactly two.")
    if closest.words is not None and closest.words != 0 and closest.words < LEAST_WORDS:
        raise UsageError(f"--words is {closest.words}; it must be 0 (all) or at least {LEAST_WORDS}.")
    refuse_below(1, draws=closest.settings.draws)
    refuse_below(0, seed=closest.settings.seed)


def _asking_flag(args: argparse.Namespace, models: list[str | None]) -> str:
    """The flag that asks for closest neurons; empty where none does.

    Args:
        models: those of A and B that are not of a CSV, where the flag says which of its models to read.
    """
    flags = {
        "--match": args.match,
        "--both-ways": args.both_ways,
        "--signed": args.signed,
        "--text": args.text is not None,
        "--words": args.words is not None,
        "--baseline": args.baseline is not None,
        "--draws": args.draws is not None,
        "--seed": args.seed is not None,
        "--device": args.device is not None,
        **{f"--model-{letter}": model is not None for letter, model in zip("ab", models, strict=False)},
    }
    return next((flag for flag, is_given in flags.items() if is_given), "")
