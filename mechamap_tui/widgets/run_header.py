"""The first line of the browse screen: which run this is, under which policy, and how its scan is doing."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Static

from mechamap.run import Run
from mechamap_tui.terminal_text import clean

__all__ = ["RunHeader", "policy"]


def policy(run: Run) -> str:
    """Which positions no score counts, in three words."""
    exclusions = run.record.exclusions
    if not exclusions:
        return ""
    out = [
        name
        for name, key in (("sinks", "exclude_first_position"), ("specials", "exclude_special_tokens"))
        if exclusions.get(key)
    ]
    return f"{' and '.join(out)} out" if out else "all positions scored"


class RunHeader(Horizontal):
    """MechaMap, model, run, dtype, neurons and policy; whatever does not fit is left out from the right."""

    DEFAULT_CSS = """
    RunHeader {
        height: 1; background: $panel; padding: 0 1;
        & > .header--run { width: 1fr; height: 1; }
        & > ScanProgress { width: auto; height: 1; margin: 0 0 0 2; }
    }
    """

    def __init__(self, run: Run, progress: Widget | None = None) -> None:
        super().__init__()
        self.run = run
        self._progress = progress

    def compose(self) -> ComposeResult:
        yield Static(classes="header--run")
        if self._progress is not None:
            yield self._progress

    def on_mount(self) -> None:
        self.show()

    def on_resize(self) -> None:
        self.show()

    def show(self) -> None:
        """Write the line for the width there is."""
        shown = self.query_one(".header--run", Static)
        parts = self._parts()
        width = shown.size.width or self.size.width
        while len(parts) > 1 and len(" · ".join(parts)) + 10 > width:
            parts.pop()
        line = Text("MechaMap  ", "bold", no_wrap=True, overflow="ellipsis")
        shown.update(line.append(Text(" · ".join(parts), "not bold")))

    def _parts(self) -> list[str]:
        run = self.run
        state = {"complete": "", "running": "scanning"}.get(run.record.state, run.record.state)
        problems = len(run.record.problems) + sum(bool(layer.flags) for layer in run.layers)
        return [
            clean(part)
            for part in (
                run.label,
                run.name if run.name != run.label else "",
                state,
                f"{problems} to look at (i)" if problems else "",
                f"{run.neurons:,} neurons",
                run.record.model.dtype,
                policy(run),
            )
            if part
        ]
