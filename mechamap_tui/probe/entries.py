"""Sentences and neurons as lines of a list."""

from __future__ import annotations

from collections.abc import Sequence

from mechamap.protocol.probed import Moved, Moves, Outliers, Similar
from mechamap.tables.numbers import correlation, magnitude, probability
from mechamap.wording.amounts import quantity
from mechamap_tui.probe.listing import Entry
from mechamap_tui.probe.session import ProbeSession
from mechamap_tui.terminal.terminal_text import clean, pad, piece_label
from mechamap_tui.widgets.glyphs import DOWN, MARK, UP

__all__ = ["move_entries", "outlier_entries", "sentence_entries", "similar_entries"]


_NAME, _NUMBER, _TOKEN, _CATEGORY = 13, 8, 14, 12

Listed = tuple[list[str], str, list[Entry]]  # what stands above the list, its title, its lines


def sentence_entries(session: ProbeSession) -> Listed:
    """The sentences that were kept; those that are to be compared are marked."""
    entries = [
        Entry(text, f"{MARK if text in session.marked else ' '} {clean(text)}") for text in reversed(session.kept)
    ]
    about = [] if entries else ["Enter keeps the sentence; up and down go through those that were kept."]
    return about, "", entries


def outlier_entries(outliers: Outliers, token: str) -> Listed:
    """The neurons that are furthest out of their usual range at a token."""
    about = [
        f"At [{token}], {outliers.beyond:,} of {quantity(outliers.searched, 'neuron')} are beyond all of the run's "
        f"text; {outliers.by_chance:,.0f} would be by chance."
    ]
    title = _line("  neuron", "value", "tail", "std", f"best by {outliers.figure}" if outliers.figure else "", "")
    entries = [
        Entry(
            neuron.neuron,
            _line(
                f"{UP if neuron.side > 0 else DOWN} {neuron.neuron}",
                magnitude(neuron.value),
                "beyond" if not neuron.share else f"{100 * neuron.share:.2g}%",
                magnitude(neuron.deviations) if neuron.deviations is not None else "",
                *_best(neuron.category, neuron.score, neuron.reads),
            ),
        )
        for neuron in outliers.neurons
    ]
    return about, title, entries


def move_entries(moves: Moves) -> Listed:
    """The neurons that two sentences move most."""
    how = "position by position" if moves.by_position else "where tokens are alike or were replaced"
    changed = sum(moves.first.ids[one] != moves.second.ids[other] for one, other in moves.pairs)
    about = [
        f"Compared {how}: {quantity(len(moves.pairs), 'pair')} of tokens, {changed:,} of them differ. std: the second "
        "less the first, in the neuron's standard deviations, at the pair where that is largest."
    ]
    title = _moved_line("  neuron", "at", "first", "second", "std", f"best by {moves.figure}" if moves.figure else "")
    entries = [Entry(moved.neuron, _moved(moves, moved), dim=not moved.changed) for moved in moves.neurons]
    return about, title, entries


def similar_entries(similar: Similar) -> Listed:
    """The neurons most like one, those that chance gives as well dim."""
    chance = similar.chance
    about = [
        f"Correlation over {similar.reference}. By chance, the largest |r| among {similar.searched:,} neurons is "
        f"{probability(chance[len(chance) // 2])} (at most {probability(chance[-1])} in {len(chance)} shifts of the "
        f"neuron around the text); {quantity(similar.shared, 'neuron')} have more than that.",
        *similar.notes,
    ]
    title = f"{pad('  neuron', _NAME + 2)} {'r'.rjust(6)}  {f'best by {similar.figure}' if similar.figure else ''}"
    entries = [
        Entry(
            other.neuron,
            f"{pad(f'  {other.neuron}', _NAME + 2)} {correlation(other.correlation).rjust(6)}  "
            f"{'  '.join(_best(other.category, other.score, other.reads))}".rstrip(),
            dim=abs(other.correlation) <= chance[-1],
        )
        for other in similar.neurons
    ]
    return about, title, entries


def _moved(moves: Moves, moved: Moved) -> str:
    one, other = moves.pairs[moved.pair]
    first, second = piece_label(moves.first.pieces[one]), piece_label(moves.second.pieces[other])
    place = f"{first} → {second}" if moved.changed else first
    category, score = _best(moved.category, moved.score, moved.reads)
    return _moved_line(
        f"{UP if moved.deviations > 0 else DOWN} {moved.neuron}",
        place,
        magnitude(moved.first),
        magnitude(moved.second),
        magnitude(moved.deviations),
        f"{pad(category, _CATEGORY)} {score}".rstrip(),
    )


def _moved_line(name: str, place: str, *others: str) -> str:
    *numbers, best = others
    cells = [pad(name, _NAME + 2), pad(place, _TOKEN + 4), *(number.rjust(_NUMBER) for number in numbers)]
    return f"{' '.join(cells)}  {best}".rstrip()


def _line(name: str, *others: str) -> str:
    *numbers, category, score = others
    cells: Sequence[str] = [pad(name, _NAME + 2), *(number.rjust(_NUMBER) for number in numbers)]
    return f"{' '.join(cells)}  {pad(category, _CATEGORY)} {score}".rstrip()


def _best(category: str, score: float | None, reads: float | None) -> tuple[str, str]:
    if not category or score is None:
        return "", ""
    falls = " (falls)" if reads is not None and reads < 0 else ""
    return clean(category), f"{probability(score)}{falls}"
