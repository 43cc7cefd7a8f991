"""The result of ablating a neuron: its effect on each category, beside that of other neurons of its layer."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from mechamap.tables.numbers import effect
from mechamap_tui.terminal.clipboard import copy_text
from mechamap_tui.terminal.key_hints import key_hints
from mechamap_tui.terminal.terminal_text import clean, pad
from mechamap_tui.widgets.glyphs import CURSOR, FULL_BLOCK

if TYPE_CHECKING:
    from mechamap.protocol.messages import Ablation, Effect

__all__ = ["AblationScreen", "ablation_lines"]


WIDTH, FRAME = 76, 6  # of the dialog, and what its border and padding take
NAME, NUMBER, ERROR, RANGE, WORDS, BAR = 11, 8, 9, 20, 7, 9
TABLE = 2 + NAME + NUMBER + ERROR + 1 + RANGE
BEYOND = " *"
_INSTEAD = {"zero": "set to zero", "mean": "held at its mean"}


class AblationScreen(ModalScreen[None]):
    """A line for each category, the strongest effect marked and put into words."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "close", "close"),
        Binding("y", "copy", "copy"),
        Binding("down,j", "scroll(1)", "down", show=False),
        Binding("up,k", "scroll(-1)", "up", show=False),
        Binding("pagedown,space", "scroll(8)", "page down", show=False),
        Binding("pageup", "scroll(-8)", "page up", show=False),
    ]

    def __init__(self, ablation: Ablation) -> None:
        super().__init__()
        self.ablation = ablation

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = f"Without {self.ablation.neuron}"
            dialog.border_subtitle = key_hints(self, ("close", "closes"), ("copy", "copies"))
            with VerticalScroll(can_focus=False):
                yield Static(id="ablation")

    def on_mount(self) -> None:
        self._write()

    def on_resize(self) -> None:
        self._write()

    def _write(self) -> None:
        room = min(self.app.size.width * 96 // 100, WIDTH) - FRAME
        lines = (Text(line, style) for line, style in ablation_lines(self.ablation, room))
        self.query_one("#ablation", Static).update(Text("\n").join(lines))

    def action_close(self) -> None:
        self.dismiss(None)

    def action_copy(self) -> None:
        where = copy_text(self.app, "\n".join(line for line, _ in ablation_lines(self.ablation)))
        self.notify(f"Copied {where}.", markup=False)

    def action_scroll(self, lines: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)


def ablation_lines(ablation: Ablation, width: int = WIDTH - FRAME) -> Iterator[tuple[str, str]]:
    """The dialog, (line, style) by line: the summary first; sentences are not wrapped, tables fit ``width``."""
    effects = ablation.categories
    sizes = {name: abs(result.effect) for name, result in effects.items() if result.effect is not None}
    strongest = max(sizes, key=sizes.__getitem__, default=None)
    largest = max(sizes.values(), default=0.0) or 1.0
    if strongest is not None:
        yield _verdict(ablation, strongest), "bold"
        yield "", ""
    bar, words = width >= TABLE + WORDS + BAR, width >= TABLE + WORDS
    header = " " * (2 + NAME) + "effect".rjust(NUMBER) + " ± error".ljust(ERROR)
    yield (
        f"{header}{' ' * BAR if bar else ''} controls{' ' * (RANGE - 8)}{'words'.rjust(WORDS) if words else ''}",
        "bold",
    )
    for name, result in effects.items():
        line = f"{CURSOR} " if name == strongest else "  "
        line += pad(clean(name), NAME) + effect(_number(result.effect)).rjust(NUMBER)
        line += ("" if result.error is None else f" ± {_size(result.error)}").ljust(ERROR)
        if bar:
            cells = round((BAR - 1) * sizes.get(name, 0.0) / largest)
            line += " " + FULL_BLOCK * cells + " " * (BAR - 1 - cells)
        line += " " + (_range(result) + (BEYOND if result.beyond_controls else "")).ljust(RANGE)
        yield line + (f"{result.occurrences:,}".rjust(WORDS) if words else ""), "bold" if name == strongest else ""
    yield "", ""
    instead = _INSTEAD.get(ablation.mode, ablation.mode)
    yield f"Change of the mean log p of a category's words with {ablation.neuron} {instead}, in nats.", "dim"
    yield "Negative: the model gets worse at the category's words without the neuron.", "dim"
    if ablation.controls:
        others = ", ".join(ablation.controls)
        yield f"Controls: {others}, of the same layer and about as active.{BEYOND} exceeds all of theirs.", "dim"


def _number(value: float | None) -> float:
    """A value as a float: NaN where there was nothing to average."""
    return math.nan if value is None else value


def _verdict(ablation: Ablation, name: str) -> str:
    result = ablation.categories[name]
    size = _number(result.effect)
    change = math.expm1(min(size, 50.0))
    likely = (
        f"{abs(change):.0%} {'less' if change < 0 else 'more'} likely" if abs(change) >= 0.005 else "about as likely"
    )
    summary = f"Strongest on {clean(name)}: {effect(size)}, its words become {likely}."
    if result.error is not None and abs(size) < 2 * result.error:
        return f"{summary} That is within two standard errors of zero: it may be chance."
    if not result.controls:
        return summary
    if result.beyond_controls:
        return f"{summary} That is beyond all {len(result.controls)} controls."
    return f"{summary} Not beyond all controls: another neuron of the layer does as much."


def _range(result: Effect) -> str:
    finite = result.finite_controls
    return f"{effect(min(finite))} to {effect(max(finite))}" if finite else ""


def _size(value: float) -> str:
    return effect(abs(value)).lstrip("+")
