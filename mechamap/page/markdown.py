"""A page as Markdown: charts as tables of bars, the token of a context in bold, every text escaped."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from mechamap.page.content import Bars, Block, Code, ContextLine, Contexts, Folded, Histogram, Lines, NeuronPart, Page
from mechamap.tables.numbers import cell_text, is_number, magnitude
from mechamap.tables.table import Table
from mechamap.wording.plain import inert, markdown_escaped, markdown_row, printable

__all__ = ["markdown_page"]


_BAR, _CELLS = "█", 20


def markdown_page(page: Page) -> str:
    """The whole file."""
    parts = [f"# {_escaped(page.title)}", *_block(page.facts)]
    for neuron in page.neurons:
        parts += _neuron(neuron)
    parts.append("## How this was made")
    for block in page.blocks:
        parts += _block(block)
    return "\n\n".join(part for part in parts if part) + "\n"


def _neuron(part: NeuronPart) -> Iterator[str]:
    yield f"## {_escaped(part.name)}"
    yield from map(_escaped, part.lead)
    if part.note:
        yield "\n".join(f"> {_escaped(line)}" for line in part.note.splitlines())
    for block in part.blocks:
        yield from _block(block)


def _block(block: Block) -> Iterator[str]:
    match block:
        case Table():
            yield from _table(block)
        case Bars():
            yield _heading(block.title)
            rows = [
                (label, written, _bar(abs(value - block.centre) / block.reach))
                for label, (value, written) in zip(block.labels, block.values, strict=True)
            ]
            yield _rows(("category", "", ""), rows)
        case Histogram():
            yield _heading(block.title)
            yield _histogram(block)
        case Contexts():
            yield _heading(block.title)
            yield "\n".join(map(_context, block.lines))
        case Lines():
            yield _heading(block.title)
            yield "\n".join(f"- {_escaped(sentence)}" for sentence in block.sentences)
        case Code():
            yield _heading(block.title)
            yield _fenced(block)
        case Folded():
            yield from _block(block.block)


def _heading(title: str) -> str:
    return f"### {_escaped(title)}" if title else ""


def _table(table: Table) -> Iterator[str]:
    yield _heading(table.title)
    lines = [
        markdown_row(_escaped(column.title) for column in table.columns),
        markdown_row("---:" if is_number(column.kind) else "---" for column in table.columns),
        *(
            markdown_row(
                _escaped(cell_text(cell, column.kind)) for cell, column in zip(row, table.columns, strict=True)
            )
            for row in table.rows
        ),
    ]
    yield "\n".join(lines)
    yield _escaped(table.about)


def _rows(titles: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [titles, tuple("---" for _ in titles), *(tuple(map(_escaped, row)) for row in rows)]
    return "\n".join(map(markdown_row, lines))


def _histogram(histogram: Histogram) -> str:
    largest = max(max(shares) for _, shares in histogram.series)
    names = tuple(_escaped(name) for name, _ in histogram.series)
    rows = [
        (
            f"{histogram.edges[bin]:.3g} to {histogram.edges[bin + 1]:.3g}",
            *(f"{100 * shares[bin]:.2g}% {_bar(shares[bin] / largest)}".strip() for _, shares in histogram.series),
        )
        for bin in range(len(histogram.edges) - 1)
        if any(shares[bin] for _, shares in histogram.series)
    ]
    return _rows(("activation", *names), rows)


def _bar(part: float) -> str:
    return _BAR * round(_CELLS * part)


def _context(line: ContextLine) -> str:
    text = "".join(
        f"**{_escaped(token.text.strip()) or '␣'}**".join(_spaces(token.text)) if token.here else _escaped(token.text)
        for token in line.tokens
    )
    return (
        f"- {_escaped(magnitude(line.value))}: {text.strip()}{f' ({_escaped(line.document)})' if line.document else ''}"
    )


def _spaces(text: str) -> tuple[str, str]:
    """The spaces in front of a token and behind it, as Markdown has them."""
    if not text.strip():
        return "", ""
    return (" " if text[:1].isspace() else ""), (" " if text[-1:].isspace() else "")


def _fenced(code: Code) -> str:
    """A block of code, its fence longer than any in the text."""
    text = inert(code.text).rstrip("\n")
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{code.language}\n{text}\n{fence}"


def _escaped(text: str) -> str:
    return markdown_escaped(printable(text.replace("\n", " ")))
