"""A ladder as lines: a step each, and below them all that is known of one step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap

from mechamap.protocol.steering import Ladder, LadderRow, Shift
from mechamap.tables.numbers import effect
from mechamap_tui.terminal.terminal_text import clean, fit, pad, piece_label
from mechamap_tui.widgets.glyphs import JOINT

__all__ = ["Line", "head_line", "row_line", "step_lines", "step_name", "title_line"]


_STRENGTH, _TOKEN, _NUMBER, _RANGE, _VERDICT = 9, 14, 8, 18, 16
_LEAST = _STRENGTH + _TOKEN + 2 * _NUMBER + _VERDICT + 4


@dataclass(frozen=True, slots=True)
class Line:
    """A line and its look: empty, ``title``, ``dim`` or ``falling``."""

    text: str
    look: str = ""


def head_line(ladder: Ladder) -> str:
    """What the ladder comes to."""
    return clean(f"{ladder.outcome}: {ladder.statement}")


def title_line(ladder: Ladder, width: int) -> str:
    """The names of the columns."""
    category = ladder.category or "category"
    cells = [pad("strength", _STRENGTH), pad("next token", _TOKEN), pad("KL", _NUMBER, right=True)]
    cells.append(pad(clean(category), _NUMBER, right=True))
    if width >= _LEAST + _RANGE:
        cells.append(pad("controls", _RANGE))
    cells.append(pad("verdict", _VERDICT))
    return fit(" ".join([*cells, "text"]), width)


def row_line(row: LadderRow, ladder: Ladder, width: int) -> str:
    """One step: what comes next, how far it is from the model, what it does beyond other categories, its text."""
    shift = (row.categories or {}).get(ladder.category)
    token = "".join(f"{piece_label(token)} {100 * p:.0f}%" for token, p in row.top[:1])
    cells = [pad(step_name(row, ladder), _STRENGTH), pad(token, _TOKEN), _number(row.kl, "{:.3g}")]
    cells.append(_number(None if shift is None else shift.specific, "{:+.3f}"))
    if width >= _LEAST + _RANGE:
        cells.append(pad("" if shift is None else _span(shift.controls), _RANGE))
    cells.append(pad(_verdict(row, shift, ladder), _VERDICT))
    return fit(" ".join([*cells, clean(row.text)]), width)


def step_name(row: LadderRow, ladder: Ladder) -> str:
    """The strength with its sign, the mode where there are none, or the untouched model."""
    if row is ladder.untouched:
        return "untouched"
    return ladder.mode if row.strength is None else f"{row.strength:+.4g}"


def step_lines(row: LadderRow, ladder: Ladder, width: int) -> Iterator[Line]:
    """All that is known of one step."""
    yield Line(f"At {step_name(row, ladder)}", "title")
    yield Line("next: " + JOINT.join(f"{piece_label(token)} {100 * p:.1f}%" for token, p in row.top))
    if row.text:
        lines = wrap(clean(row.text.strip()), max(width - 2, 10))
        yield from (Line(f"  {line}") for line in lines)
    if row.apart:
        yield Line(f"fallen apart: {row.apart}", "falling")
    if row.kl_mean is not None:
        controls = _span(row.control_kl)
        beside = f"; KL of controls {controls}" if controls else ""
        yield Line(f"mean KL over the steered tokens {row.kl_mean:.3g}{beside}", "dim")
    yield from _categories(row, ladder, width)
    if ladder.controls:
        controls = "; ".join(" ".join(chosen[:3]) + (" …" if len(chosen) > 3 else "") for chosen in ladder.controls)
        yield from (Line(line, "dim") for line in wrap(f"controls: {controls}", width))
    yield from (Line(line, "dim") for note in ladder.notes for line in wrap(clean(note), width))


def _categories(row: LadderRow, ladder: Ladder, width: int) -> Iterator[Line]:
    if not row.categories:
        return
    name = max(8, *(min(len(each), 14) for each in row.categories))
    yield Line(f"{pad('', name)} {'change':>8} {'beyond':>8}   controls           turned", "title")
    for category, shift in row.categories.items():
        beyond = " *" if shift.beyond else ""
        turned = "" if shift.turned is None else effect(shift.turned)
        cells = f"{pad(clean(category), name)} {_effect(shift.change)} {_effect(shift.specific)}   "
        yield Line(fit(f"{cells}{pad(_span(shift.controls), _RANGE)} {turned:>8}{beyond}", width))
    about = "change of mean log p, in nats; beyond: less that of other categories; *: beyond controls"
    yield Line(fit(about, width), "dim")


def _verdict(row: LadderRow, shift: Shift | None, ladder: Ladder) -> str:
    if row.apart:
        return row.apart
    if row is ladder.untouched or row.strength == 0 or shift is None or not ladder.controls:
        return ""
    return "beyond controls" if shift.beyond else "as controls"


def _effect(value: float | None) -> str:
    return f"{'—' if value is None else effect(value):>8}"


def _number(value: float | None, form: str) -> str:
    return pad("—" if value is None else form.format(value), _NUMBER, right=True)


def _span(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{min(known):+.3f} to {max(known):+.3f}" if known else ""
