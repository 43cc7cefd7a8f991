"""Help for the current screen: its keys, from the bindings themselves, and what the terms mean."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from mechamap.config.keys.spelling import key_text
from mechamap_tui.explorer import explorer_of
from mechamap_tui.terminal.key_hints import key_hints
from mechamap_tui.terminal.terminal_text import clean

__all__ = ["GLOSSARY", "HelpScreen", "key_lines", "key_name"]


GLOSSARY = (
    ("neuron", "one input of an MLP's down-projection; L7.N1844 is number 1844 of layer 7, both counted from 0"),
    ("expert", "L7.E3.N12 is neuron 12 of expert 3 of layer 7; shared ones, which see every token, have no E"),
    (
        "tokens",
        "how many scored tokens were routed to its expert; its figures run over these, so few are a warning",
    ),
    (
        "few words",
        "fewer than 5 words of a category were routed to its expert: the table leaves out strength, ap, reads, auroc "
        "and d",
    ),
    ("enc, dec", "a layer of the encoder or of the decoder, and its number there"),
    ("category", "a name and its words; an occurrence is one whole-word match in the scanned text"),
    ("strength", "√(ap in the text · ap in the sentences of a confirmation): lists go by it, before V by ap"),
    ("ap", "average precision: how pure the top is when tokens are ordered by the neuron; where it falls, the bottom"),
    ("reads", "2·auroc − 1: +1 if it is always higher on the category's words, −1 if always lower, 0 if no different"),
    ("writes", "how far its output pushes the category's words up, in standard deviations over the vocabulary"),
    ("causes", "how the mean log p of the category's words changes without it, in nats; negative: the model needs it"),
    ("~", "in front of causes: estimated by the gradient (A estimates all, a measures the one under the cursor)"),
    (
        "p",
        "how often shuffled word labels (a control task, Hewitt and Liang 2019) read as well anywhere in the model; of "
        "writes too, in the lens",
    ),
    ("held", "auroc on held-out words, not used to choose the neuron and its sign, in sentences that fit any category"),
    (
        "confirmed",
        "✓: p of its reading is below .05, and no second text says otherwise; ✗: it does not hold in a second text",
    ),
    ("lens", "the tokens that its output weights push up and down most"),
    ("auroc", "the chance that it is higher on a word of the category than on any other token"),
    ("d", "how far its mean on the category's words is from its mean elsewhere, in standard deviations"),
    ("mean", "its average activation on the category's words (the original tool's avg_activation)"),
    ("fire", "the share of tokens on which it is above zero"),
    ("falls", "it is lower on the category's words than elsewhere: reads is negative"),
    ("dead", "its activation stays near zero on every token"),
    (
        "threshold",
        "from which value a neuron counts for a category, in a report; on both sides for a figure with two sides",
    ),
    ("evenness", "how evenly a neuron's strength is spread over the categories: 0 all in one, 1 the same in all"),
    ("closest", "the neuron of another model whose activations over the same words are correlated most with its own"),
    ("excess", "that correlation minus the largest that random mixtures of the other model's neurons reach"),
    ("scale", "of a neuron that is steered: the 99.9 % quantile of its size over the run's text; strength 1"),
    ("KL", "how far the next token's distribution is from the untouched model's, in nats"),
    ("beyond controls", "more than other neurons of the layer do, and not the same with the sign turned round"),
    ("percentile", "of a value: the share of the neuron's activations over the run's text that are below it"),
    ("tail", "the share that is at least as far out on the same side; beyond: none is"),
    ("std", "a distance in the neuron's own standard deviations over the run's text"),
    (
        "not finite",
        "the layer's activations are NaN or infinite, as its weights may be; not proved: so it could not be checked",
    ),
    ("sinks", "the first position, where activations are huge whatever the text: left out of every score"),
)
_NAMES = {
    "pagedown": "PgDn",
    "pageup": "PgUp",
    "delete": "Del",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "escape": "Esc",
} | {f"f{number}": f"F{number}" for number in range(1, 25)}


class HelpScreen(ModalScreen[None]):
    """The keys of the screen it was opened from.

    Args:
        where: what that screen is called.
        bindings: its ``active_bindings``.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1,enter", "close", "close"),
        Binding("j", "scroll(1)", "down", show=False),
        Binding("k", "scroll(-1)", "up", show=False),
        Binding("t", "tour", "take the tour, or end it", id="tour"),
    ]

    def __init__(self, where: str, bindings: Iterable[ActiveBinding]) -> None:
        super().__init__()
        self.where = where
        self.keys = key_lines(bindings)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog -tall") as dialog:
            dialog.border_title = f"Help: {clean(self.where)}"
            dialog.border_subtitle = key_hints(self, ("close", "closes"), ("tour", "takes a tour in six steps"))
            with VerticalScroll():
                yield Static(_table(self.keys, "bold"), id="keys")
                yield Static(Text("\nWords", "bold underline"))
                yield Static(_table(GLOSSARY, "bold"), id="glossary")

    def action_close(self) -> None:
        self.dismiss(None)

    def action_tour(self) -> None:
        explorer = explorer_of(self)
        self.dismiss(None)
        self.app.call_later(explorer.take_tour)

    def action_scroll(self, lines: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)


def key_name(key: str) -> str:
    """A key, or a chord, as it is written on the keyboard: ``question_mark`` is ``?``."""
    return " ".join(_NAMES.get(code, key_text(code)) for code in key.split())


def key_lines(bindings: Iterable[ActiveBinding]) -> list[tuple[str, str]]:
    """(keys, what they do), one line for all keys that do the same; disabled actions are left out."""
    keys: dict[tuple[str, str], list[str]] = {}
    for active in bindings:
        binding = active.binding
        if not active.enabled or not binding.description or binding.system:
            continue
        name = key_name(binding.key)
        does = binding.tooltip or binding.description
        keys.setdefault((binding.action.partition("(")[0], does), []).append(name)
    # Textual's own widgets begin their descriptions with a capital, ours do not.
    return [(" ".join(dict.fromkeys(names)), does[:1].lower() + does[1:]) for (_, does), names in keys.items()]


def _table(rows: Iterable[tuple[str, str]], style: str) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(ratio=1)
    for left, right in rows:
        table.add_row(Text(left, style), Text(right))
    return table
