"""A named view in place of a filter, sort columns and a category."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mechamap.system.paths import typed_text

if TYPE_CHECKING:
    from mechamap.runs.run import Run

__all__ = ["Listed", "add_view_flag"]


def add_view_flag(parser: argparse.ArgumentParser) -> None:
    """Declare ``--view``."""
    parser.add_argument(
        "--view", metavar="NAME", type=typed_text, help="as a named view of the run says; other flags win over it"
    )


@dataclass(frozen=True, slots=True)
class Listed:
    """Which neurons are listed, and in which order.

    Attributes:
        where: a filter; None: all.
        sort: columns; None: as they come.
        category: meant by a figure without one; None: none.
        marked: whether only marked neurons are.
    """

    where: str | None
    sort: str | None
    category: str | None
    marked: bool

    def by(self, run: Run, view: str | None) -> Listed:
        """The same with what a named view says where nothing is given.

        Raises:
            UsageError: the run has no such view.
            RunError: its views cannot be read.
        """
        if view is None:
            return self
        from mechamap.query.view_query import view_query
        from mechamap.runs.views.saved_views import SavedViews

        query = view_query(run, SavedViews(run.path).named(view))
        return Listed(
            self.where if self.where is not None else query.where or None,
            self.sort if self.sort is not None else query.sort,
            self.category if self.category is not None else query.category or None,
            self.marked or query.marked,
        )
