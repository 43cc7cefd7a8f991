"""A page as values, before it is written in any format. All texts are raw: whoever writes them escapes them."""

from __future__ import annotations

from dataclasses import dataclass

from mechamap.tables.table import Table

__all__ = [
    "Bars",
    "Block",
    "Code",
    "ContextLine",
    "Contexts",
    "Folded",
    "Histogram",
    "Lines",
    "NeuronPart",
    "Page",
    "Token",
]


@dataclass(frozen=True, slots=True)
class Token:
    """A token of a context.

    Attributes:
        text: as it stands in its text.
        value: the neuron's activation there; None where it is not known, or not counted.
        here: whether it is the one that the context is about.
    """

    text: str
    value: float | None = None
    here: bool = False


@dataclass(frozen=True, slots=True)
class ContextLine:
    """A token and the text around it; ``document`` is empty where there is one text alone."""

    value: float
    tokens: tuple[Token, ...]
    document: str = ""
    category: str = ""


@dataclass(frozen=True, slots=True)
class Contexts:
    """Contexts that belong together.

    Attributes:
        title: what they have in common.
        lines: the contexts.
        peak: the size of an activation that has the full colour.
    """

    title: str
    lines: tuple[ContextLine, ...]
    peak: float


@dataclass(frozen=True, slots=True)
class Bars:
    """A bar for each category.

    Attributes:
        title: of the chart.
        labels: of the bars.
        values: how long each is, and which text stands beside it.
        errors: two standard errors of each, None where it is not known.
        centre: the value that says nothing, from which bars begin.
        reach: the largest distance from the centre that a value can have.
        chosen: the bar that the text is about.
    """

    title: str
    labels: tuple[str, ...]
    values: tuple[tuple[float, str], ...]
    errors: tuple[float | None, ...]
    centre: float
    reach: float
    chosen: int


@dataclass(frozen=True, slots=True)
class Histogram:
    """Shares of positions by activation, for one group of positions or two.

    Attributes:
        title: of the chart.
        edges: ``[bins + 1]``, of the bins, rising.
        series: name and shares of each group, ``[bins]``, which add up to 1.
        logarithmic: whether shares are drawn by their logarithm.
    """

    title: str
    edges: tuple[float, ...]
    series: tuple[tuple[str, tuple[float, ...]], ...]
    logarithmic: bool = False


@dataclass(frozen=True, slots=True)
class Lines:
    """Sentences, each an item of a list."""

    title: str
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Code:
    """A text that is copied as it is: commands, a program, a config."""

    title: str
    text: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Folded:
    """A program, a config or a table that is folded away where the format can."""

    block: Code | Table


Block = Bars | Code | Contexts | Folded | Histogram | Lines | Table


@dataclass(frozen=True, slots=True)
class NeuronPart:
    """What the page says of a neuron; ``lead`` is its finding in a sentence or two, ``note`` the user's own."""

    name: str
    lead: tuple[str, ...]
    note: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """The whole: what it is about, the neurons, and what is common to all of them."""

    title: str
    facts: Table
    neurons: tuple[NeuronPart, ...]
    blocks: tuple[Block, ...]
