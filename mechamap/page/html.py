"""A page as one file of HTML: no script, nothing from elsewhere, every text escaped."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from mechamap.page.content import (
    Bars,
    Block,
    Code,
    ContextLine,
    Contexts,
    Folded,
    Histogram,
    Lines,
    NeuronPart,
    Page,
    Token,
)
from mechamap.page.style import STYLE
from mechamap.page.svg import bars_svg, histogram_svg
from mechamap.tables.numbers import cell_text, is_number, magnitude
from mechamap.tables.table import Table
from mechamap.wording.plain import inert, printable

__all__ = ["html_page"]


# A browser runs and loads nothing, even if a text had come through unescaped.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_LEVELS = 6


def html_page(page: Page) -> str:
    """The whole file."""
    links = "".join(f'<a href="#{_anchor(number)}">{_text(part.name)}</a>' for number, part in enumerate(page.neurons))
    neurons = "".join(_neuron(number, part) for number, part in enumerate(page.neurons))
    common = "".join(map(_block, page.blocks))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_text(page.title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{_text(page.title)}</h1>\n{_block(page.facts)}\n"
        f"{f'<nav>{links}</nav>' if len(page.neurons) > 1 else ''}\n"
        f"<main>{neurons}</main>\n<h2>How this was made</h2>\n{common}\n</body>\n</html>\n"
    )


def _anchor(number: int) -> str:
    return f"neuron-{number + 1}"


def _neuron(number: int, part: NeuronPart) -> str:
    lead = "".join(f'<p class="lead">{_text(sentence)}</p>' for sentence in part.lead)
    note = "".join(f"<p>{_text(line)}</p>" for line in part.note.splitlines())
    return (
        f'<section id="{_anchor(number)}"><h2>{_text(part.name)}</h2>{lead}'
        f"{f'<blockquote>{note}</blockquote>' if note else ''}{''.join(map(_block, part.blocks))}</section>\n"
    )


def _block(block: Block) -> str:
    match block:
        case Table():
            shown = _table(block)
        case Bars():
            shown = f"<figure>{bars_svg(block)}</figure>"
        case Histogram():
            shown = f"<figure>{histogram_svg(block)}</figure>"
        case Contexts():
            lines = "".join(_context(line, block.peak) for line in block.lines)
            shown = f'<ul class="contexts">{lines}</ul>'
        case Lines():
            shown = f"<ul>{''.join(f'<li>{_text(sentence)}</li>' for sentence in block.sentences)}</ul>"
        case Code():
            shown = _code(block)
        case Folded():
            return _folded(block.block)
    return _heading(block.title) + shown


def _folded(block: Code | Table) -> str:
    content = _code(block) if isinstance(block, Code) else _table(block)
    return f"<details><summary>{_text(block.title)}</summary>{content}</details>"


def _heading(title: str) -> str:
    return f"<h3>{_text(title)}</h3>" if title else ""


def _code(code: Code) -> str:
    return f"<pre><code>{escape(inert(code.text))}</code></pre>"


def _table(table: Table) -> str:
    right = [' class="right"' if is_number(column.kind) else "" for column in table.columns]
    head = "".join(f"<th{side}>{_text(column.title)}</th>" for side, column in zip(right, table.columns, strict=True))
    rows = "".join(
        "<tr>"
        + "".join(
            f"<td{side}>{_text(cell_text(cell, column.kind))}</td>"
            for side, column, cell in zip(right, table.columns, row, strict=True)
        )
        + "</tr>"
        for row in table.rows
    )
    head = f"<thead><tr>{head}</tr></thead>" if any(column.title for column in table.columns) else ""
    about = f'<p class="dim">{_text(table.about)}</p>' if table.about else ""
    return f'<div class="scroll"><table>{head}<tbody>{rows}</tbody></table></div>{about}'


def _context(line: ContextLine, peak: float) -> str:
    notes = [part for part in (line.document, f"a word of {line.category}" if line.category else "") if part]
    note = f'<span class="note dim">{_text(", ".join(notes))}</span>' if notes else ""
    tokens = "".join(_tokens(line.tokens, peak))
    return f'<li><span class="value">{magnitude(line.value)}</span><bdi class="text">{tokens}</bdi>{note}</li>'


def _tokens(tokens: tuple[Token, ...], peak: float) -> Iterator[str]:
    for token in tokens:
        classes = " ".join(filter(None, (_level(token.value, peak), "here" if token.here else "")))
        text = token.text.replace("\n", "⏎")
        word = text.lstrip(" ") or text
        yield " " * (len(text) - len(word))
        shown = escape(inert(word))
        told = "" if token.value is None else f' title="{magnitude(token.value)}"'
        yield f'<span class="{classes}"{told}>{shown}</span>' if classes else shown


def _level(value: float | None, peak: float) -> str:
    level = 0 if value is None else min(max(round(value / peak * _LEVELS), -_LEVELS), _LEVELS)
    return "" if not level else f"{'u' if level > 0 else 'd'}{abs(level)}"


def _text(text: str) -> str:
    return escape(printable(" ".join(text.splitlines())))
