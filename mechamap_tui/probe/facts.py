"""What is known about the token under the cursor: the neuron's value there, and what the model says next."""

from __future__ import annotations

from mechamap.protocol.probed import Probed
from mechamap.tables.numbers import magnitude
from mechamap_tui.probe.sentence import piece_of
from mechamap_tui.terminal.terminal_text import clean, fit, pad, piece_label
from mechamap_tui.widgets.glyphs import JOINT

__all__ = ["next_line", "next_lines", "token_facts"]


_NUMBER = 6


def token_facts(values: Probed | None, cursor: int | None) -> list[str]:
    """Lines about the token under the cursor."""
    if values is None or cursor is None or not values.neurons or cursor >= len(values.text.pieces):
        return []
    answer, text = values.neurons[0], values.text
    value = answer.values[cursor]
    facts = [f"{answer.neuron} at [{piece_of(text, cursor)}]", "not finite" if value is None else magnitude(value)]
    if cursor in answer.not_routed:
        facts[1] = "not routed to its expert"
    elif answer.percentiles and (percentile := answer.percentiles[cursor]) is not None:
        facts.append(_percentile(percentile, value, answer.low, answer.high))
    if cursor in text.excluded:
        facts.append("a position that scans leave out")
    lines = [JOINT.join(facts)]
    if answer.low is not None and answer.high is not None:
        range_line = f"usual: {magnitude(answer.low)} to {magnitude(answer.high)} over {values.reference}"
        lines.append(range_line)
    lines += [clean(note) for note in (values.text.cut, *values.notes) if note and note != values.text.cut]
    if values.text.cut:
        lines.insert(1, values.text.cut)
    return lines


def _percentile(percentile: float, value: float | None, low: float | None, high: float | None) -> str:
    if value is not None and high is not None and value > high:
        return "above all of the run's text"
    if value is not None and low is not None and value < low:
        return "below all of the run's text"
    return f"percentile {percentile:.1f}"


def next_lines(details: Probed | None, width: int) -> list[str]:
    """The most probable next tokens, a line each with a bar's worth of room for the number."""
    if details is None:
        return []
    room = max(width - _NUMBER - 1, 4)
    return [f"{pad(_label(token.token), room)} {_share(token.probability)}" for token in details.next]


def next_line(details: Probed | None, width: int) -> str:
    """The same on one line."""
    if details is None or not details.next:
        return ""
    tokens = JOINT.join(f"{_label(token.token)} {_share(token.probability).strip()}" for token in details.next)
    return fit(f"next: {tokens}", width)


def _label(token: str) -> str:
    """With its space in front, which tells "␣the" from "the"; visible where nothing of it is."""
    return clean(token) if clean(token).strip(" ") else piece_label(token)


def _share(probability: float) -> str:
    return f"{100 * probability:.1f}%".rjust(_NUMBER)
