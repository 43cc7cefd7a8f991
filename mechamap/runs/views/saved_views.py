"""Named views of a run's neurons: ``views.json`` beside ``run.json``.

The file belongs to the user, so a change reads it again, changes one view and replaces it, one process after another.
A view that cannot be understood is named and stays in the file as it is, and so does a file that cannot.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mechamap.errors import RunError, UsageError
from mechamap.runs.kept.kept_file import KeptFile
from mechamap.runs.sets.neuron_sets import checked_name
from mechamap.runs.views.table_view import TableView, table_view_from_plain, table_view_to_plain
from mechamap.system.bounded_files import read_at_most
from mechamap.system.json_files import parsed_json
from mechamap.wording.advice import Action, Advice
from mechamap.wording.suggest import unknown_name

__all__ = ["VIEWS_FILE", "SavedViews"]


VIEWS_FILE = "views.json"
FORMAT = 1
_LARGEST = 16_000_000  # bytes: what is larger holds no views


class SavedViews(KeptFile):
    """Views by name; a run without a folder keeps them in memory.

    Raises:
        RunError: the file is damaged. Nothing is overwritten then.
    """

    LOCK = "views"
    UNWRITTEN = "The view is kept until the explorer is closed."

    def __init__(self, folder: Path | None) -> None:
        self.file = folder / VIEWS_FILE if folder is not None and (folder / "run.json").is_file() else None
        self._plain: dict[str, Any] = {}  # as the file has them, members of newer versions included
        self._views: dict[str, TableView] = {}
        self._rest: dict[str, Any] = {}
        self.reload()

    @property
    def views(self) -> dict[str, TableView]:
        """The views that can be shown, in the order they were made."""
        return dict(self._views)

    @property
    def damaged(self) -> tuple[str, ...]:
        """Names of those that cannot be understood."""
        return tuple(name for name in self._plain if name not in self._views)

    def named(self, name: str) -> TableView:
        """The view of that name.

        Raises:
            UsageError: there is none, or it is damaged.
        """
        name = name.strip()
        if (view := self._views.get(name)) is not None:
            return view
        if name in self._plain:
            raise UsageError(f"The view {name!r} is damaged.", f"Repair {self.file}, or remove the view.")
        if not self._views:
            none = f"The run has no views, so none named {name!r}."
            raise UsageError(none, Advice.of("{} makes one.", Action("views RUN add NAME")))
        raise UsageError(*unknown_name("view", name, tuple(self._views)))

    def keep(self, name: str, view: TableView) -> None:
        """Keep a view, in place of one of the same name.

        Raises:
            UsageError: that cannot be a name.
            RunError: the file cannot be read or written; the view is kept in memory.
        """
        name = checked_name(name, "view")
        self._change(lambda: self._put(name, view))

    def rename(self, name: str, new: str) -> None:
        """Call a view otherwise; it keeps its place in the list.

        Raises:
            UsageError: that cannot be a name, or another view has it.
            RunError: the file cannot be read or written.
        """
        new = checked_name(new, "view")

        def change() -> None:
            if new != name and new in self._plain:
                raise UsageError(f"There is a view named {new!r} already.", "Choose another name.")
            self._plain = {new if each == name else each: plain for each, plain in self._plain.items()}
            self._views = {new if each == name else each: view for each, view in self._views.items()}

        self._change(change)

    def remove(self, name: str) -> None:
        """Forget a view; nothing happens where there is none.

        Raises:
            RunError: the file cannot be read or written.
        """

        def change() -> None:
            self._plain.pop(name, None)
            self._views.pop(name, None)

        self._change(change)

    def reload(self) -> None:
        """Read the file again.

        Raises:
            RunError: it is damaged.
        """
        if self.file is None:
            return
        try:
            content = parsed_json(read_at_most(self.file, _LARGEST))
        except FileNotFoundError:
            return
        except OSError as error:
            raise RunError(
                f"{self.file} cannot be read: {error.strerror or error}.", "Saved views are not shown."
            ) from None
        except ValueError:
            content = None
        plain = content.pop("views", {}) if isinstance(content, dict) else None
        if not isinstance(plain, dict):
            raise RunError(f"{self.file} does not hold views.", "Repair it or move it away; it is left as it is.")
        self._plain, self._rest = plain, content
        self._views = {}
        for name, each in plain.items():
            try:
                self._views[name] = table_view_from_plain(each)
            except TypeError:
                continue  # named by ``damaged``

    def _put(self, name: str, view: TableView) -> None:
        self._plain[name], self._views[name] = table_view_to_plain(view), view

    def _content(self) -> dict[str, Any]:
        return self._rest | {"format": FORMAT, "views": self._plain}
