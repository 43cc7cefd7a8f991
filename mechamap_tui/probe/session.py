"""What a user has typed and marked on the probe screen, kept from one opening to the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

__all__ = ["ProbeSession", "View"]


View: TypeAlias = Literal["sentences", "outliers", "comparison"]


@dataclass(slots=True)
class ProbeSession:
    """The sentences of one run.

    Attributes:
        text: what stands in the line.
        kept: sentences, the newest last.
        marked: up to two of them, to be compared, in the order in which they were marked.
        view: what the lower pane lists.
        newly_kept: called with each sentence that is kept.
    """

    text: str = ""
    kept: list[str] = field(default_factory=list)
    marked: list[str] = field(default_factory=list)
    view: View = "sentences"
    newly_kept: Callable[[str], None] = field(default=lambda text: None, compare=False, repr=False)

    def keep(self, text: str) -> None:
        """Put a sentence at the end of the list, once."""
        if text.strip() and text not in self.kept:
            self.kept.append(text)
            self.newly_kept(text)

    def remove(self, text: str) -> None:
        """Take a sentence out of the list."""
        if text in self.kept:
            self.kept.remove(text)
        if text in self.marked:
            self.marked.remove(text)

    def mark(self, text: str) -> None:
        """Mark a sentence, which is kept then, or remove its mark; a third one takes the place of the oldest."""
        if text in self.marked:
            self.marked.remove(text)
        elif text.strip():
            self.keep(text)
            self.marked = [*self.marked, text][-2:]

    @property
    def pair(self) -> tuple[str, str] | None:
        """The two to be compared."""
        return (self.marked[0], self.marked[1]) if len(self.marked) == 2 else None

    @property
    def views(self) -> tuple[View, ...]:
        """What the lower pane can list now."""
        return ("sentences", "outliers", "comparison") if self.pair is not None else ("sentences", "outliers")

    def turn(self, steps: int) -> None:
        """Go to the next view."""
        views = self.views
        place = views.index(self.view) if self.view in views else 0
        self.view = views[(place + steps) % len(views)]
