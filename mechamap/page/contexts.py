"""A neuron's highest and lowest tokens in their text, each token with the neuron's activation as far as it is known."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from mechamap.figures.contexts import Context, contexts_of, has_contexts
from mechamap.page.activations import known_activations
from mechamap.page.content import ContextLine, Contexts, Token
from mechamap.runs.run import Run

__all__ = ["neuron_contexts", "which_are_known"]


_AROUND = 14  # tokens on either side
_SHOWN = 8  # contexts of a group


def neuron_contexts(run: Run, row: int) -> tuple[Contexts, ...]:
    """The groups of contexts that a run keeps of a neuron; of a text the highest and the lowest tokens."""
    known, _ = known_activations(run, row)
    peak = max((abs(value) for value in known.values()), default=0.0) or 1.0
    categories = _categories(run)
    return tuple(
        Contexts(title, tuple(_line(run, context, known, categories) for context in contexts), peak)
        for title, contexts in _groups(run, row)
        if contexts
    )


def which_are_known(run: Run, row: int) -> str:
    """Which tokens of the contexts are coloured, as a sentence; empty where all are."""
    known, whole = known_activations(run, row)
    if whole or not known:
        return ""
    return "The run keeps activations of the listed tokens alone; the text around them is not coloured."


def _groups(run: Run, row: int) -> Iterator[tuple[str, list[Context]]]:
    if has_contexts(run):
        for group in contexts_of(run, row):
            yield _title(group.kind, group.lower, group.upper, group.share), list(group.contexts[:_SHOWN])
        return
    for title, lowest in (("Highest activations", False), ("Lowest activations", True)):
        if run.has("bottom_positions" if lowest else "top_positions"):
            hits = run.top_tokens(row, lowest=lowest)[:_SHOWN]
            yield title, [Context(hit.position, hit.value) for hit in hits if math.isfinite(hit.value)]


def _title(kind: str, lower: float, upper: float, share: float) -> str:
    if kind != "range":
        return f"{kind.capitalize()} activations, each from another document"
    return f"Drawn from activations between {lower:.3g} and {upper:.3g} ({share:.2%} of all)"


def _line(run: Run, context: Context, known: Mapping[int, float], categories: Mapping[int, str]) -> ContextLine:
    here = context.position
    window = run.window_of(here) if run.has_context else range(here, here + 1)
    around = _whole_words(run.record.tokens.pieces, window, here)
    names, number = run.document_names, run.document_at(here)
    return ContextLine(
        context.value,
        tuple(Token(piece, known.get(position), position == here) for position, piece in _drawn(run, around, here)),
        "" if names is None or number is None else names[number],
        categories.get(here, ""),
    )


def _whole_words(pieces: Sequence[str], window: range, here: int) -> range:
    """Some tokens around one, from the beginning of a word to the end of one, as far as spaces tell."""
    start, stop = max(window.start, here - _AROUND), min(window.stop, here + _AROUND + 1)
    while window.start < start < here and not pieces[start][:1].isspace():
        start += 1
    while start < here and not pieces[start].strip():
        start += 1
    while here + 1 < stop < window.stop and not pieces[stop][:1].isspace():
        stop -= 1
    return range(start, stop)


def _drawn(run: Run, around: range, here: int) -> Iterator[tuple[int, str]]:
    """What is drawn of each token, so that all joined give the text; the token itself is never empty."""
    pieces = run.record.tokens.pieces
    for position in around:
        piece = run.token_text.shown[position] if position == here else pieces[position]
        yield position, (piece.lstrip() or piece) if position == around.start else piece


def _categories(run: Run) -> dict[int, str]:
    """The category of the word that ends at a position."""
    return {last: run.categories[category] for category, _, _, last in run.record.occurrences}
