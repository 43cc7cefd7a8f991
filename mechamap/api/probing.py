"""Questions about sentences, put to a run's model."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mechamap.errors import UsageError
from mechamap.events import Listener
from mechamap.runs.run import Run
from mechamap.tables.table import Report

if TYPE_CHECKING:
    from mechamap.models.loaded import LoadedModel

__all__ = ["Asked", "probed"]


@dataclass(frozen=True, slots=True)
class Asked:
    """The arguments of ``probe``; ``token`` None: no neurons that stand out are asked for."""

    texts: tuple[str, ...]
    neurons: tuple[str, ...]
    token: int | None
    compare: bool
    top: int
    next: int

    def checked(self) -> Asked:
        """Itself, if it makes sense.

        Raises:
            UsageError: nothing is asked, a comparison of other than two texts, or a number that is too small.
        """
        if not self.texts:
            raise UsageError("No text is given.", 'Give one: probe("She ate bread.", ...).')
        if not self.neurons and self.token is None and not self.compare and not self.next:
            raise UsageError("Nothing is asked about the text.", "Give neurons=, a token=, or next=5.")
        if self.compare and len(self.texts) != 2:
            raise UsageError(f"compare=True compares two texts; {len(self.texts)} given.", "Give two texts.")
        if self.compare and (self.token is not None or self.next):
            raise UsageError("compare=True is about all tokens of two texts.", "Leave out token= and next=.")
        if self.top < 1 or self.next < 0:
            raise UsageError(f"top is {self.top} and next {self.next}; they must be at least 1 and 0.")
        return self


def probed(run: Run, loaded: LoadedModel, asked: Asked, on_event: Listener, cancel: threading.Event) -> Report:
    """What the model answers.

    Raises:
        Cancelled: ``cancel`` was set.
        UsageError: the model has no such neuron, or a text no such token.
    """
    from mechamap.probe.comparison import compare_prompts
    from mechamap.probe.reference_pass import reference_of
    from mechamap.probe.sentence import Wanted, probe_sentence
    from mechamap.probe.subject import RunSubject
    from mechamap.probe.tables import moves_report, probed_report
    from mechamap.runs.neuron_names import parse_neuron

    reference = reference_of(run, loaded, on_event=on_event, cancel=cancel)
    subject = RunSubject(loaded, run.config, run, reference)
    names = tuple(dict.fromkeys(map(parse_neuron, asked.neurons)))
    title = f"{loaded.label}, {', '.join(map(repr, asked.texts))}"
    if asked.compare:
        first, second = (subject.read(text) for text in asked.texts)
        moves = compare_prompts(subject, (first, second), list(map(str, names)), count=asked.top, cancel=cancel)
        return moves_report(title, moves)
    wanted = Wanted(names, asked.token, asked.top if asked.token is not None else 0, asked.next)
    return probed_report(title, [probe_sentence(subject, subject.read(text), wanted, cancel) for text in asked.texts])
