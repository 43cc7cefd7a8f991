"""``mechamap confirm``: check a run's findings on held-out words, and on a second text."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mechamap.cli.feature_lines import feature_lines
from mechamap.cli.loading import (
    CheckProgress,
    ModelOptions,
    add_model_flags,
    model_of_run,
    model_options,
    run_with_folder,
)
from mechamap.cli.narration import Narration, print_lines, write_data
from mechamap.cli.parser import Commands, refuse_below
from mechamap.cli.text_argument import read_text_argument
from mechamap.config.choices import RANDOMIZE
from mechamap.errors import UsageError
from mechamap.system.plain_values import to_plain_values
from mechamap.wording.amounts import duration, size
from mechamap.wording.plain import printable
from mechamap.wording.suggest import unknown_name

if TYPE_CHECKING:
    from mechamap.models.loaded import LoadedModel
    from mechamap.runs.checked import Confirmation, SecondText
    from mechamap.runs.run import Run

__all__ = ["add_to"]


_DESCRIPTION = """Put every word of every category, words that match them and near relatives into the same carrier
sentences and check each neuron on them: how well its reading holds on held-out words, how often shuffled word labels (a
control task) reach as far anywhere in the model (p), and whether it tells the category from words that are alike in all
but meaning. With --text, score the strongest neurons on another text too and flag those that drop. The results are
added to the run."""


def add_to(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("confirm", help="check a run's findings", description=_DESCRIPTION)
    add = parser.add_argument
    add("source", metavar="RUN", help="a run's name or folder")
    add("--text", metavar="F", action="append", help="a second text to look at (-: stdin); repeatable. A run that is "
        "already confirmed is not confirmed again then")  # fmt: skip
    add("--candidates", metavar="N", type=int, default=20, help="neurons of each category for a second look (20)")
    add("--permutations", metavar="N", type=int, default=200, help="how often word labels are shuffled (200)")
    add("--splits", metavar="N", type=int, default=4, help="random halvings of the words, each used both ways (4)")
    add("--seed", metavar="N", type=int, default=0, help="of shuffling, halving and randomizing (0)")
    add("--randomize", metavar="W", action="append", help="search a random counterpart of the model too: "
        + "; ".join(f"{way}, {meaning}" for way, meaning in RANDOMIZE.items())
        + "; several with commas, or all. A run that is already confirmed is not confirmed again then")  # fmt: skip
    add("--hard-auroc", metavar="X", type=float, help="AUROC against matched words and near relatives, less its "
        "standard error, from which a neuron is confirmed (that of the config, usually 0.8)")  # fmt: skip
    add("--json", action="store_true", help="write the results as JSON")
    add_model_flags(parser)
    parser.set_defaults(run=run, parser=parser)


@dataclass(frozen=True, slots=True)
class ConfirmOptions:
    """What the flags say; ``texts`` are files, ``-`` for standard input."""

    source: str
    texts: tuple[str, ...]
    candidates: int
    permutations: int
    splits: int
    seed: int
    hard_auroc: float | None
    json: bool
    model: ModelOptions
    randomize: tuple[str, ...] = ()

    def check(self) -> None:
        """Refuse numbers that make no sense.

        Raises:
            UsageError: one is too small.
        """
        refuse_below(20, permutations=self.permutations)
        refuse_below(1, splits=self.splits, candidates=self.candidates)
        refuse_below(0, seed=self.seed)
        if self.hard_auroc is not None and not 0.5 <= self.hard_auroc <= 1:
            raise UsageError(f"--hard-auroc is {self.hard_auroc:g}; it is a number from 0.5, which is chance, to 1.")


def run(args: argparse.Namespace, narration: Narration) -> int:
    """Confirm, score the second texts, and print the results."""
    options = ConfirmOptions(
        source=args.source,
        texts=tuple(args.text or ()),
        candidates=args.candidates,
        permutations=args.permutations,
        splits=args.splits,
        seed=args.seed,
        hard_auroc=args.hard_auroc,
        json=args.json,
        model=model_options(args),
        randomize=_ways(args.randomize or ()),
    )
    options.check()
    return _confirm(options, narration)


def _ways(given: Sequence[str]) -> tuple[str, ...]:
    """The ways to make a model random that the flags name, each once, in their usual order.

    Raises:
        UsageError: there is no such way.
    """
    named = [word.strip() for words in given for word in words.split(",")]
    for word in named:
        if word != "all" and word not in RANDOMIZE:
            raise UsageError(*unknown_name("--randomize", word, [*RANDOMIZE, "all"]))
    return tuple(way for way in RANDOMIZE if way in named or "all" in named)


def _confirm(options: ConfirmOptions, narration: Narration) -> int:
    run = run_with_folder(options.source)
    texts = [(_name_of(name), read_text_argument(name)) for name in options.texts]
    loaded = model_of_run(run, options.model, narration)
    try:
        if not (texts or options.randomize) or not run.record.confirmation:
            from mechamap.checks.confirm import confirm_run
            from mechamap.checks.confirmation_pass import ConfirmSettings

            settings = ConfirmSettings(options.permutations, options.splits, options.seed, options.hard_auroc)
            run = confirm_run(run, loaded, settings, CheckProgress(narration, "confirming"))
        for text in texts:
            from mechamap.checks.second_text import score_second_text

            progress = CheckProgress(narration, f"looking at {text[0]}")
            run = score_second_text(run, loaded, text, options.candidates, on_event=progress)
        if options.randomize:
            run = _randomized(run, loaded, options, narration)
    finally:
        narration.clear()
    looks = [second_look for second_look in run.record.second_looks if second_look.text in [name for name, _ in texts]]
    confirmation = run.record.confirmation
    assert confirmation is not None  # just made, or made before
    if options.json:
        plain = {"run": str(run.path), "confirmation": confirmation, "second_looks": looks}
        if run.record.randomized.made:
            plain["randomized"] = run.record.randomized
        write_data(json.dumps(to_plain_values(plain), ensure_ascii=False, allow_nan=False) + "\n")
        return 0
    from mechamap.cli.direction_lines import direction_lines

    tables = confirmation_lines(confirmation), feature_lines(confirmation), direction_lines(confirmation)
    print_lines(*filter(None, map(list, tables)))
    _tell(confirmation, narration)
    print_lines([], *map(look_lines, looks))
    if options.randomize:
        from mechamap.cli.randomized_lines import randomized_lines, way_line

        print_lines([], randomized_lines(run.record.randomized))
        for search in run.record.randomized.searches:
            narration.say(way_line(search, RANDOMIZE[search.way]))
    return 0


def _randomized(run: Run, loaded: LoadedModel, options: ConfirmOptions, narration: Narration) -> Run:
    """The same search in random counterparts of the model."""
    from mechamap.models.randomized.copies import copied_bytes
    from mechamap.scan.randomized import search_randomized

    for way in options.randomize:
        if copied := copied_bytes(loaded, way):
            narration.say(f"{way}: a copy of the model takes {size(copied)} of memory while it is searched")
    progress = CheckProgress(narration, "searching")
    return search_randomized(run, loaded, options.randomize, options.seed, on_event=progress)


def _name_of(argument: str) -> str:
    return "standard input" if argument == "-" else Path(argument).name


def _tell(about: Confirmation, narration: Narration) -> None:
    from mechamap.figures.findings import confirmed_means

    for word, why in about.skipped.items():
        narration.say(f"left out: {printable(word)}, {why}")
    for name, why in about.undefined.items():
        narration.say(f"{name} is empty: {printable(why)}")
    if chance := about.null_auroc:
        narration.say(
            f"shuffled labels reach an AUROC of {chance['median']:.2f} somewhere in the model half the time, and "
            f"{chance['largest']:.2f} at most"
        )
    if about.null_tail:
        narration.say(_tail_line(about))
    seconds = sum(about.seconds[name] for name in ("pass", "writes"))
    narration.say(
        f"{about.neurons:,} neurons, {about.words} words in {len(about.templates)} sentences each, "
        f"{about.permutations} permutations over all neurons and categories, in {duration(seconds)}; "
        f"confirmed: {confirmed_means(about)}"
    )


def _tail_line(about: Confirmation) -> str:
    """How a p is known that lies below what permutations can count."""
    from mechamap.scores.carriers.tail import POOR_FIT

    tail = f"a generalised Pareto tail fitted to the {about.null_tail['exceedances']:.0f} largest of them"
    fit = f"p of its fit {about.null_tail['fit']:.2f}"
    if about.null_tail["fit"] < POOR_FIT:
        return f"p is counted, {1 / (1 + about.permutations):.3f} at least: {tail} fits badly ({fit})"
    return f"small p are extrapolated by {tail} ({fit})"


_COLUMNS = (
    *("category", "words", "held-out", "lowest", "AP", "by mean", "needed"),
    *("p < .05", "confirmed", "writers", "best"),
)


def confirmation_lines(confirmation: Confirmation) -> Iterator[str]:
    """A table of the categories: held-out AUROC and average precision of the neurons that halves of the words chose
    (mean and lowest over the halves), the same for ranking by mean activation, the AUROC that p < 0.05 takes, how many
    neurons reach it, how many are confirmed, how many write it at p < 0.05, and the best reader."""
    rows: list[tuple[str, ...]] = [_COLUMNS]
    for name, about in confirmation.categories.items():
        if about.reason:
            rows.append((printable(name), str(about.words), about.reason, *[""] * 8))
            continue
        falls = " (falls)" if (about.best_reads or 0) < 0 else ""
        rows.append(
            (
                printable(name), str(about.words), _number(about.held_out_auroc),
                _number(about.held_out_auroc_lowest), _number(about.held_out_ap), _number(about.by_mean),
                _number(about.needed), f"{about.confirmed if about.significant is None else about.significant:,}",
                f"{about.confirmed:,}", f"{about.writers:,}", f"{about.best}{falls}",
            )
        )  # fmt: skip
    with_numbers = [row for row in rows if row[3]]  # without those that give a reason in place of numbers
    widths = [max(len(row[column]) for row in with_numbers) for column in range(len(_COLUMNS))]
    for row in rows:
        first, *numbers, last = row
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(numbers, widths[1:], strict=False))]
        yield "  ".join([*cells, last]).rstrip()


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def look_lines(look: SecondText) -> Iterator[str]:
    """A second text: for every candidate the AUROC there beside that of the run, and whether it dropped."""
    yield f"{printable(look.text)}: {look.tokens:,} tokens; {look.dropped} of {look.candidates} neurons drop"
    yield f"{'category':<12} {'neuron':<12} {'scan':>6} {'here':>6} {'± error':>8} {'words':>6}"
    for entry in look.neurons:
        flag = "  dropped" if entry.dropped else ""
        yield (
            f"{printable(entry.category):<12} {entry.neuron:<12} {entry.first:>6.3f} {entry.second:>6.3f} "
            f"{entry.error:>8.3f} {entry.occurrences:>6}{flag}"
        )
