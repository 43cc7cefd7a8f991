"""How exports are asked for and written, and how they were left the last time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from textual.app import App

from mechamap.errors import MechaMapError

if TYPE_CHECKING:  # the first frame loads no numpy
    import numpy as np
    from numpy.typing import NDArray

    from mechamap.protocol.requests import ExportParams
    from mechamap.runs.run import Run
    from mechamap_tui.dialogs.export import ExportChoices
    from mechamap_tui.engine.client import EngineClient

__all__ = ["ExportOpening"]


class ExportOpening:
    """Asks for exports and has the engine write them.

    Args:
        engine: gives the engine's client.
        show_error: shows why one could not be written.
    """

    def __init__(
        self, app: App[None], engine: Callable[[], EngineClient], show_error: Callable[[MechaMapError], None]
    ) -> None:
        self._app, self._engine, self._show_error = app, engine, show_error
        self._choices: ExportChoices | None = None

    def ask(self, run: Run, scopes: Mapping[str, NDArray[np.int64]], category: str) -> None:
        """Ask which part of a run to export."""
        from mechamap_tui.dialogs.export import ExportChoices, NeuronExport
        from mechamap_tui.dialogs.file import FileDialog

        choices = self._choices or ExportChoices()
        self._app.push_screen(FileDialog(NeuronExport(run, scopes, category, choices)))

    def begin(self, order: ExportParams) -> None:
        """Write an export, and report where it was written."""
        from mechamap_tui.dialogs.export import ExportChoices

        self._choices = ExportChoices(order.format, order.wide, order.scope, order.excel, order.path.parent)
        self._app.run_worker(self._write(order), group="export")

    async def _write(self, order: ExportParams) -> None:
        try:
            written = await self._engine().export(order)
        except MechaMapError as error:
            self._show_error(error)
        else:
            amount = f"{written.neurons:,} neurons, {written.rows:,} rows"
            title = f"Exported {written.path.name}"
            self._app.notify(f"{written.path}\n{amount}", title=title, timeout=10, markup=False)
