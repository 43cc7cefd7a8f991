"""A sort of many neurons beside the screen's thread: what is on the screen stays, and keys work, until it is done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from textual.widget import Widget

from mechamap_tui.browse.table.order import NeuronOrder

__all__ = ["SortingBeside"]


class SortingBeside:
    """Does the sort that an order waits for.

    Args:
        widget: that shows the order; nothing is sorted for one that is gone.
        done: called when the order has its rows.
    """

    def __init__(self, widget: Widget, order: NeuronOrder, done: Callable[[], None]) -> None:
        self._widget, self._order, self._done = widget, order, done
        self._runs = False

    def begin(self) -> None:
        """Begin to sort; where a sort is under way, the next one begins when it has ended."""
        if not self._runs and self._widget.is_attached:
            self._runs = True
            self._widget.run_worker(self._sort(), group="sort")

    async def _sort(self) -> None:
        try:
            while self._order.waits:
                sorting = self._order.sorting
                self._order.take(sorting, await asyncio.to_thread(sorting.rows))
        finally:
            self._runs = False
        self._done()
