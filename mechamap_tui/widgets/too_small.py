"""What a screen shows in place of itself where the terminal is too small for it."""

from __future__ import annotations

from textual.widgets import Static

__all__ = ["LEAST_HEIGHT", "LEAST_WIDTH", "TooSmall"]


LEAST_WIDTH, LEAST_HEIGHT = 60, 15  # cells of the terminal


class TooSmall(Static):
    """A line that says how much room is needed."""

    def fit(self) -> bool:
        """Show the line where it is needed; whether it is."""
        width, height = self.app.size
        self.display = width < LEAST_WIDTH or height < LEAST_HEIGHT
        if self.display:
            self.update(f"MechaMap needs {LEAST_WIDTH}x{LEAST_HEIGHT} cells; this is {width}x{height}.")
        return self.display
