"""Everything that qualifies a report's numbers."""

from __future__ import annotations

from collections.abc import Iterator

from mechamap.tables.table import Report, Table
from mechamap_tui.data.advice_text import report_text

__all__ = ["about_lines"]


def about_lines(report: Report, table: Table) -> Iterator[tuple[str, str]]:
    """A page of the report's remarks and what each table means, line by line; the table on the screen comes first."""
    yield "title", report.title
    for remark in report.remarks:
        yield "text", f"  {report_text(remark)}"
    for explained in (table, *(other for other in report.tables if other.key != table.key)):
        if explained.about:
            yield "title", explained.title
            yield "text", f"  {report_text(explained.about)}"
