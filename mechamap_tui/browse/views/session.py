"""How a run was left in the explorer, kept in a file of its own in MechaMap's data folder until it is opened again.

Nothing here is precious: what cannot be read or written, or belongs to a run that has changed, is passed over.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mechamap.runs.run import Run
from mechamap.runs.views.table_view import TableView, table_view_from_plain, table_view_to_plain
from mechamap.system.bounded_files import read_at_most
from mechamap.system.json_files import parsed_json
from mechamap.system.paths import home

__all__ = ["Session", "SessionFile"]


FORMAT = 1
_LARGEST = 1_000_000  # bytes
_MOST = 200  # files; those of the runs that were left longest ago are removed


@dataclass(frozen=True, slots=True)
class Session:
    """How a run was left.

    Attributes:
        view: what the table showed.
        neuron: the name of the one under the cursor; empty: none.
        column: the column under the cursor.
        tab, chart: those of the panes about the neuron and about its categories.
    """

    view: TableView = field(default_factory=TableView)
    neuron: str = ""
    column: str = ""
    tab: str = ""
    chart: str = ""


@dataclass(frozen=True, slots=True)
class SessionFile:
    """The file of a run's session, by the place where the run lies."""

    path: Path
    run: str

    @classmethod
    def of(cls, run: Run) -> SessionFile | None:
        """The file for a run; None for one that lies nowhere."""
        if run.path is None:
            return None
        place = str(run.path.absolute())
        name = hashlib.sha256(place.encode(errors="surrogateescape")).hexdigest()[:24]
        return cls(home() / "explorer" / f"{name}.json", place)

    def read(self) -> Session | None:
        """How the run was left; None where that is not known."""
        try:
            plain = parsed_json(read_at_most(self.path, _LARGEST))
            texts = [plain.get(name, "") for name in ("neuron", "column", "tab", "chart")]
            if plain.get("run") != _printed(self.run) or not all(isinstance(text, str) for text in texts):
                return None
            return Session(table_view_from_plain(plain.get("view")), *texts)
        except (OSError, ValueError, TypeError, AttributeError):
            return None

    def write(self, session: Session) -> None:
        """Keep how the run is left now."""
        from mechamap.system.atomic import replacing  # which only writing needs

        plain: dict[str, Any] = {"format": FORMAT, "run": _printed(self.run), "view": table_view_to_plain(session.view)}
        plain |= {name: getattr(session, name) for name in ("neuron", "column", "tab", "chart")}
        with suppress(OSError):
            new = not self.path.exists()
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(self.path, shared=True) as stream:
                stream.write((json.dumps(plain, ensure_ascii=False, indent=1) + "\n").encode(errors="replace"))
            if new:
                self._forget_oldest()

    def _forget_oldest(self) -> None:
        files = sorted(self.path.parent.glob("*.json"), key=lambda file: file.stat().st_mtime, reverse=True)
        for file in files[_MOST:]:
            file.unlink(missing_ok=True)


def _printed(place: str) -> str:
    """A path as the file can hold it."""
    return place.encode(errors="replace").decode()
