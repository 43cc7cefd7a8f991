"""A page written to a file, whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from mechamap.errors import UsageError
from mechamap.exports.target import write_whole
from mechamap.page.composing import compose_page
from mechamap.page.content import Page
from mechamap.page.html import html_page
from mechamap.page.markdown import markdown_page
from mechamap.runs.neuron_names import NeuronName
from mechamap.runs.run import Run
from mechamap.wording.advice import Advice, Setting
from mechamap.wording.suggest import unknown_name

__all__ = ["FORMATS", "page_format", "page_text", "write_page"]


FORMATS: Mapping[str, Callable[[Page], str]] = {"html": html_page, "md": markdown_page}
_SUFFIXES = {".html": "html", ".htm": "html", ".md": "md"}


def page_format(out: Path | str, format: str | None = None) -> str:
    """The format of a page, by its name or by the suffix of its file.

    Raises:
        UsageError: no such format, or the suffix does not tell.
    """
    if format is not None:
        if format not in FORMATS:
            raise UsageError(*unknown_name("format", format, tuple(FORMATS)))
        return format
    by_suffix = _SUFFIXES.get(Path(out).suffix.lower())
    if by_suffix is None:
        raise UsageError(
            f"The name {Path(out).name} does not tell the format.",
            Advice.of("Choose a name that ends in .html or .md, or give {}.", Setting("format", "html")),
        )
    return by_suffix


def page_text(run: Run, neurons: Sequence[NeuronName], out: Path, format: str, category: str | None = None) -> str:
    """The page in a format of :data:`FORMATS`; see :func:`mechamap.page.composing.compose_page`."""
    return FORMATS[format](compose_page(run, neurons, out, category))


def write_page(
    run: Run,
    neurons: Sequence[NeuronName],
    target: Path,
    format: str,
    *,
    category: str | None = None,
    overwrite: bool = False,
) -> None:
    """Write a page.

    Args:
        target: the result of :func:`mechamap.exports.target.check_target`.

    Raises:
        UsageError, RunError: see :func:`mechamap.page.composing.compose_page`.
        ExportError: the file cannot be written.
    """
    text = page_text(run, neurons, target, format, category)
    write_whole(target, lambda stream: stream.write(text.encode("utf-8", errors="replace")), overwrite=overwrite)
