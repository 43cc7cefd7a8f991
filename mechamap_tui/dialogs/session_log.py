"""The log of this session: what was done with a run, to read, copy and write to a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from mechamap.exports.target import write_whole
from mechamap.wording.amounts import quantity
from mechamap_tui.dialogs.file import Field, FileDialog
from mechamap_tui.dialogs.text_page import CLOSES, TextPage
from mechamap_tui.terminal.clipboard import copy_text
from mechamap_tui.widgets.choice import Option

if TYPE_CHECKING:
    from mechamap.replay.session_log import SessionLog

__all__ = ["LogPage"]


class LogPage(TextPage):
    """Shows a log, the newest line last.

    Args:
        log: None: nothing was done yet.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "copy", "copy"),
        Binding("e", "export", "write to a file"),
    ]

    def __init__(self, log: SessionLog | None) -> None:
        self.log_shown = log
        hints = (("copy", "copies"), ("export", "writes to a file"), *CLOSES) if log is not None else CLOSES
        super().__init__("The log of this session", lambda width: _lines(log), hints)

    def action_copy(self) -> None:
        if self.log_shown is not None:
            where = copy_text(self.app, self.log_shown.text)
            self.notify(f"{quantity(len(self.log_shown.lines), 'action')} copied {where}.", markup=False)

    def action_export(self) -> None:
        if self.log_shown is not None:
            self.app.push_screen(FileDialog(LogFile(self.log_shown)))


class LogFile:
    """Writes a log where the user wants it."""

    suffixes: ClassVar[Mapping[str, str]] = {"log": ".log"}
    heading = "Write the log of this session"

    def __init__(self, log: SessionLog) -> None:
        self._log = log

    def fields(self) -> list[Field]:
        return [Field("format", "Format", [Option("log", "as mechamap replay reads it")], "log")]

    def choose(self, field: str, value: str) -> None:
        """There is nothing to choose."""

    def suggested(self) -> Path:
        return Path.cwd() / f"{self._log.run.name}-session.log"

    def amount(self) -> str:
        return quantity(len(self._log.lines), "action")

    def write(self, dialog: FileDialog, target: Path, *, overwrite: bool) -> None:
        data = self._log.text.encode(errors="replace")
        write_whole(target, lambda stream: stream.write(data), overwrite=overwrite)
        dialog.notify(str(target), title=f"Wrote {target.name}", timeout=10, markup=False)


def _lines(log: SessionLog | None) -> list[tuple[str, str]]:
    if log is None:
        return [("text", "Nothing was done with this run yet: no filter, mark, note, check or export.")]
    where = str(log.path) if log.path is not None else "in no file"
    head = [("title", where), ("text", "mechamap replay LOG RUN does the same with another run."), ("text", "")]
    head += [("trouble", f"It is not written any more: {log.problem}.")] if log.problem else []
    return [*head, *(("text", line) for line in log.lines)]
