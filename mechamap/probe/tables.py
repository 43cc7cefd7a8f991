"""Answers about sentences as reports, for a terminal and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mechamap.protocol.probed import Moves, Outliers, Probed, ProbedText, Similar
from mechamap.tables.table import Cell, Column, Report, Table
from mechamap.wording.amounts import quantity

__all__ = ["KEYS", "SIMILAR_KEYS", "moves_report", "probed_report", "similar_report"]


KEYS = ("tokens", "outliers", "next", "moves", "pairs")
SIMILAR_KEYS = ("similar",)
_ABOUT_OUTLIERS = (
    "share: of the neuron's activations over the reference, those that are at least as far out on the same side; 0 is "
    "beyond all of them. deviations: from the reference's mean, in its standard deviations."
)
_ABOUT_MOVES = (
    "deviations: the second text's activation less the first's, in the neuron's standard deviations over the "
    "reference, at the pair of tokens where that is largest."
)
_BEST = (
    Column("category", "best category"),
    Column("score", "score", "number"),
    Column("reads", "reads", "correlation"),
)


def probed_report(title: str, answers: Sequence[Probed]) -> Report:
    """What neurons do with one text or several."""
    remarks = [answer.text.cut for answer in answers if answer.text.cut]
    remarks += [note for answer in answers for note in answer.notes]
    if answers[0].reference:
        remarks.append(f"Percentiles are taken in {answers[0].reference}.")
    elif answers[0].neurons:
        remarks.append("Percentiles are told by a run of the model; this is the model alone.")
    tables = [_tokens(answers)] if answers[0].neurons else []
    found = [(number, answer.outliers) for number, answer in enumerate(answers, 1) if answer.outliers is not None]
    if found:
        tables.append(_outliers(answers, found))
    if any(answer.next for answer in answers):
        tables.append(_next(answers))
    main = "outliers" if found else tables[0].key if tables else ""
    return Report(title, tuple(tables), tuple(dict.fromkeys(remarks)), main=main)


def moves_report(title: str, moves: Moves) -> Report:
    """Two texts compared."""
    opposite = "position by position" if moves.by_position else "where their tokens are alike or were replaced"
    remarks = (
        f"The texts are compared {opposite}: {quantity(len(moves.pairs), 'pair')} of tokens.",
        f"Standard deviations are taken over {moves.reference}.",
        *moves.notes,
    )
    rows = tuple(
        (
            neuron.neuron,
            *_opposite(moves, neuron.pair),
            neuron.changed,
            neuron.first,
            neuron.second,
            neuron.deviations,
            neuron.category,
            neuron.score,
            neuron.reads,
        )
        for neuron in moves.neurons
    )
    columns = (
        Column("neuron", "neuron", "neuron"),
        Column("token", "token"),
        Column("other_token", "other token"),
        Column("changed", "changed"),
        Column("first", "first", "signed"),
        Column("second", "second", "signed"),
        Column("deviations", "deviations", "signed"),
        *_BEST,
    )
    tables = [Table("moves", "Neurons that move most", columns, rows, _ABOUT_MOVES)]
    if moves.asked:
        tables.append(_pairs(moves))
    return Report(title, tuple(tables), remarks, main="moves")


def similar_report(title: str, similar: Similar) -> Report:
    """The neurons most like one."""
    chance = similar.chance
    middle = chance[len(chance) // 2]
    about = (
        f"r: Pearson correlation over {similar.reference}. The largest |r| among {similar.searched:,} neurons is "
        f"{middle:.2f} by chance (median of {len(chance)} shifts of {similar.neuron} around the text; at most "
        f"{chance[-1]:.2f}); {quantity(similar.shared, 'neuron')} have more than that."
    )
    rows = tuple(
        (other.neuron, other.correlation, abs(other.correlation) > chance[-1], other.category, other.score, other.reads)
        for other in similar.neurons
    )
    columns = (
        Column("neuron", "neuron", "neuron"),
        Column("r", "r", "correlation"),
        Column("beyond_chance", "beyond chance"),
        *_BEST,
    )
    table = Table("similar", f"Neurons most like {similar.neuron}", columns, rows, about)
    return Report(title, (table,), similar.notes)


def _tokens(answers: Sequence[Probed]) -> Table:
    several = len(answers) > 1
    columns = [*_of_text(several), Column("position", "position", "count"), Column("token", "token")]
    with_percentiles = {neuron.neuron for answer in answers for neuron in answer.neurons if neuron.percentiles}
    for neuron in answers[0].neurons:
        columns.append(Column(neuron.neuron, neuron.neuron, "signed"))
        if neuron.neuron in with_percentiles:
            columns.append(Column(f"{neuron.neuron} percentile", "percentile", "number"))

    def rows() -> Iterator[tuple[Cell, ...]]:
        for number, answer in enumerate(answers, 1):
            for position, piece in enumerate(answer.text.pieces):
                cells: list[Cell] = [str(number)] if several else []
                cells += [position, piece]
                for neuron in answer.neurons:
                    cells.append(neuron.values[position])
                    if neuron.neuron in with_percentiles:
                        cells.append(neuron.percentiles[position] if neuron.percentiles else None)
                yield tuple(cells)

    stubs = 3 if several else 2
    return Table("tokens", "Activations at each token", tuple(columns), tuple(rows()), stubs=stubs)


def _outliers(answers: Sequence[Probed], found: Sequence[tuple[int, Outliers]]) -> Table:
    several = len(answers) > 1
    columns = (
        *_of_text(several),
        Column("neuron", "neuron", "neuron"),
        Column("value", "value", "signed"),
        Column("share", "share", "number"),
        Column("side", "side"),
        Column("deviations", "deviations", "signed"),
        *_BEST,
    )
    rows = tuple(
        (
            *((str(number),) if several else ()),
            neuron.neuron,
            neuron.value,
            neuron.share,
            "high" if neuron.side > 0 else "low",
            neuron.deviations,
            neuron.category,
            neuron.score,
            neuron.reads,
        )
        for number, outliers in found
        for neuron in outliers.neurons
    )
    about = " ".join(
        f"Beyond everything in the reference at {_token(answers[number - 1].text, outliers.position)}: "
        f"{outliers.beyond:,} of {outliers.searched:,} neurons, {outliers.by_chance:,.0f} expected by chance."
        for number, outliers in found
    )
    places = ", ".join(_token(answers[number - 1].text, outliers.position) for number, outliers in found)
    title = f"Neurons furthest out of their usual range at {places}"
    return Table("outliers", title, columns, rows, f"{about} {_ABOUT_OUTLIERS}", stubs=2 if several else 1)


def _next(answers: Sequence[Probed]) -> Table:
    several = len(answers) > 1
    columns = (*_of_text(several), Column("token", "token"), Column("probability", "probability", "number"))
    rows = tuple(
        (*((str(number),) if several else ()), token.token, token.probability)
        for number, answer in enumerate(answers, 1)
        for token in answer.next
    )
    answer = next(answer for answer in answers if answer.next)
    title = f"Next tokens behind {_token(answer.text, answer.position or 0)}" if not several else "Next tokens"
    return Table("next", title, columns, rows)


def _pairs(moves: Moves) -> Table:
    columns = (
        Column("position", "position", "count"),
        Column("other_position", "other position", "count"),
        Column("token", "token"),
        Column("other_token", "other token"),
        *(Column(neuron.neuron, neuron.neuron, "signed") for neuron in moves.asked),
    )
    rows = tuple(
        (*pair, *_opposite(moves, number), *(neuron.values[number] for neuron in moves.asked))
        for number, pair in enumerate(moves.pairs)
    )
    return Table("pairs", "Differences at each pair, in standard deviations", columns, rows, stubs=4)


def _opposite(moves: Moves, pair: int) -> tuple[str, str]:
    """The tokens of a pair."""
    first, second = moves.pairs[pair]
    return moves.first.pieces[first], moves.second.pieces[second]


def _of_text(several: bool) -> tuple[Column, ...]:
    return (Column("text", "text"),) if several else ()


def _token(text: ProbedText, position: int) -> str:
    return f"token {position} ({text.pieces[position].strip() or text.pieces[position]!r})"
