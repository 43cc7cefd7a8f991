"""What came of switching a neuron off: what each category lost, against other neurons of its layer."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from mechamap_tui.clipboard import copy_text
from mechamap_tui.engine_values import Ablation, Effect
from mechamap_tui.number_text import effect
from mechamap_tui.terminal_text import clean, pad

__all__ = ["AblationScreen", "ablation_lines"]

NAME, NUMBER, BAR = 14, 8, 8
_INSTEAD = {"zero": "set to zero", "mean": "held at its mean"}


class AblationScreen(ModalScreen[None]):
    """A line for each category, the strongest effect marked, and what it means in words."""

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
            dialog.border_subtitle = "q closes · y copies"
            with VerticalScroll(can_focus=False):
                for line, style in ablation_lines(self.ablation):
                    yield Static(Text(line, style))

    def action_close(self) -> None:
        self.dismiss(None)

    def action_copy(self) -> None:
        where = copy_text(self.app, "\n".join(line for line, _ in ablation_lines(self.ablation)))
        self.notify(f"Copied {where}.", markup=False)

    def action_scroll(self, lines: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)


def ablation_lines(ablation: Ablation) -> Iterator[tuple[str, str]]:
    """The dialog, (line, style) by line."""
    effects = ablation.categories
    finite = [name for name, it in effects.items() if math.isfinite(it.effect)]
    strongest = max(finite, key=lambda name: abs(effects[name].effect), default=None)
    largest = max((abs(effects[name].effect) for name in finite), default=0.0) or 1.0
    instead = _INSTEAD.get(ablation.mode, ablation.mode)
    yield f"Change of the mean log p of each category's words with {ablation.neuron} {instead}, in nats.", ""
    yield "Negative: the model gets worse at the category's words without the neuron.", "dim"
    yield "", ""
    header = " " * (2 + NAME) + "effect".rjust(NUMBER) + " ± error".ljust(NUMBER + 2)
    yield header + " " * (BAR + 2) + "controls".ljust(18) + "words", "bold"
    for name, it in effects.items():
        mark = "▸ " if name == strongest else "  "
        bar = "█" * math.ceil(BAR * abs(it.effect) / largest) if math.isfinite(it.effect) else ""
        error = "" if math.isnan(it.error) else f" ± {_size(it.error)}"
        line = mark + pad(clean(name), NAME) + effect(it.effect).rjust(NUMBER) + error.ljust(NUMBER + 2)
        line += f" {bar:<{BAR}} {_range(it):<18}{it.occurrences:,}"
        yield line, "bold" if name == strongest else ""
    yield "", ""
    if strongest is not None:
        yield _verdict(ablation, strongest), ""
    if ablation.controls:
        yield "", ""
        yield f"Controls: {', '.join(ablation.controls)}, of the same layer and about as active.", "dim"


def beyond_controls(it: Effect) -> bool:
    """Whether no control has an effect of that size, in either direction."""
    return all(abs(it.effect) > abs(control) for control in it.controls if math.isfinite(control))


def _verdict(ablation: Ablation, name: str) -> str:
    it = ablation.categories[name]
    change = math.expm1(min(it.effect, 50.0))
    likely = (
        f"{abs(change):.0%} {'less' if change < 0 else 'more'} likely" if abs(change) >= 0.005 else "about as likely"
    )
    told = f"Strongest on {clean(name)}: {effect(it.effect)}, its words become {likely}."
    if not math.isnan(it.error) and abs(it.effect) < 2 * it.error:
        return f"{told} That is within its own error: it may be nothing."
    if not it.controls:
        return told
    if beyond_controls(it):
        return f"{told} That is beyond all {len(it.controls)} controls."
    return f"{told} Not beyond all controls: another neuron of the layer does as much."


def _range(it: Effect) -> str:
    finite = [control for control in it.controls if math.isfinite(control)]
    return f"{effect(min(finite))} to {effect(max(finite))}" if finite else ""


def _size(value: float) -> str:
    return effect(abs(value)).lstrip("+")
