"""The page about a neuron, or about the marked ones, that is written to share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from mechamap.page.writing import write_page
from mechamap.replay.actions import page_written
from mechamap.runs.kept.notes import Notes
from mechamap.runs.neuron_names import NeuronName, parse_neuron
from mechamap.runs.run import Run
from mechamap.wording.amounts import quantity
from mechamap_tui.dialogs.file import Field, FileDialog
from mechamap_tui.explorer import explorer_of
from mechamap_tui.widgets.choice import Option

__all__ = ["PageExport"]


THIS, MARKED = "this", "marked"


class PageExport:
    """Writes a page as HTML or Markdown.

    Args:
        run: that the neurons are of.
        neuron: the one under the cursor.
        category: that the page is about; empty: what each neuron reads best.
    """

    suffixes: ClassVar[Mapping[str, str]] = {"html": ".html", "md": ".md"}

    def __init__(self, run: Run, neuron: str, category: str) -> None:
        self.heading = f"A page about neurons of {run.name}"
        self._run, self._neuron, self._category = run, neuron, category
        self._marked = tuple(map(parse_neuron, Notes(run.path).marked))
        self.format, self.scope = "html", THIS

    def suggested(self) -> Path:
        of = self._neuron if self.scope == THIS else MARKED
        name = re.sub(r"[^\w.+-]+", "-", f"{self._run.name.removesuffix('.csv')}-{of}")
        return Path.cwd() / f"{name}{self.suffixes[self.format]}"

    def fields(self) -> list[Field]:
        scopes = [
            Option(THIS, self._neuron),
            Option(MARKED, f"marked ({len(self._marked):,})", bool(self._marked)),
        ]
        return [
            Field("format", "Format", [Option("html", "HTML"), Option("md", "Markdown")], self.format),
            Field("scope", "Neurons", scopes, self.scope),
        ]

    def choose(self, field: str, value: str) -> None:
        if field == "format":
            self.format = value
        else:
            self.scope = value

    def amount(self) -> str:
        return quantity(len(self._neurons), "neuron")

    @property
    def _neurons(self) -> tuple[NeuronName, ...]:
        return (parse_neuron(self._neuron),) if self.scope == THIS else self._marked

    def write(self, dialog: FileDialog, target: Path, *, overwrite: bool) -> None:
        category = self._category or None
        write_page(self._run, self._neurons, target, self.format, category=category, overwrite=overwrite)
        names = tuple(map(str, self._neurons))
        explorer_of(dialog).did(self._run, page_written(self._run, names, self._category, self.format, target))
        dialog.notify(str(target), title=f"Wrote {target.name}", timeout=10, markup=False)
