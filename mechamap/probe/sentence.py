"""One sentence: what chosen neurons do at each of its tokens, which neurons stand out at one, and what comes next."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mechamap.capture.rerun import layers_of_run
from mechamap.errors import UsageError
from mechamap.probe.outliers import find_outliers
from mechamap.probe.prompt import Prompt
from mechamap.probe.reading import Question, Seen, read_neurons, why_no_next
from mechamap.probe.subject import RunSubject, Subject
from mechamap.probe.usual_text import complete_row
from mechamap.protocol.probed import NeuronValues, Probed
from mechamap.runs.neuron_names import NeuronName
from mechamap.runs.run import Run

__all__ = ["Wanted", "probe_sentence"]


_NOT_SCORED = (
    "The scan leaves out such positions (special tokens, the first one), so usual ranges say nothing about this one."
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked.

    Attributes:
        neurons: whose activations at all tokens.
        position: of the token that the others are about, counted from the end where negative; None: the last one.
        outliers: how many neurons that stand out there.
        next: how many of the most probable next tokens.
    """

    neurons: tuple[NeuronName, ...] = ()
    position: int | None = None
    outliers: int = 0
    next: int = 0


def probe_sentence(subject: Subject, prompt: Prompt, wanted: Wanted, cancel: threading.Event | None = None) -> Probed:
    """Ask neurons about a text, in one pass.

    Raises:
        Cancelled: ``cancel`` was set.
        UsageError: the model has no such neuron or the text no such token; outliers were asked for without a run.
    """
    loaded, position = subject.loaded, prompt.place(wanted.position)
    searched = subject.of_run() if wanted.outliers else None
    no_next = why_no_next(loaded) if wanted.next else ""
    question = Question(
        neurons=wanted.neurons,
        layers=tuple(layer for layer, _ in layers_of_run(searched.run, loaded)) if searched is not None else (),
        position=position,
        next=0 if no_next else wanted.next,
        limit=searched.run.config.limit_neurons if searched is not None else None,
    )
    seen = read_neurons(loaded, prompt.tokenized, question, cancel)
    notes = [prompt.cut, no_next]
    if seen.no_logits:
        notes.append(f"{loaded.label} was saved without the layer that predicts tokens.")
    outliers = None
    if searched is not None:
        outliers = find_outliers(searched.run, searched.reference, seen.at_position, position, wanted.outliers)
        if not prompt.tokenized.scored[position]:
            notes.append(_NOT_SCORED)
    answers = tuple(_answer(subject, seen, name) for name in wanted.neurons)
    reference = subject.reference if isinstance(subject, RunSubject) else None
    if reference is not None:
        notes += [f"{name.neuron} is not in the run: no percentiles." for name in answers if not name.percentiles]
        notes.append(reference.remark)
    return Probed(
        prompt.message(),
        answers,
        position if wanted.outliers or wanted.next else None,
        seen.next,
        outliers,
        reference.words if reference is not None else "",
        tuple(note for note in notes if note),
    )


def _answer(subject: Subject, seen: Seen, name: NeuronName) -> NeuronValues:
    values = seen.values[name]  # [tokens]
    not_routed = tuple(np.flatnonzero(~seen.routed[name]).tolist()) if name in seen.routed else ()
    row = _row(subject.run, name) if isinstance(subject, RunSubject) else None
    if row is None or not isinstance(subject, RunSubject):
        return NeuronValues(str(name), _finite(values), not_routed=not_routed)
    standing = subject.reference.standing(np.full(len(values), row), values)
    low, high = _finite(subject.reference.ends(row))
    return NeuronValues(str(name), _finite(values), _finite(standing.percentiles), not_routed, low, high)


def _row(run: Run, name: NeuronName) -> int | None:
    """The neuron's row; None where the run left it out, or has not come to it yet."""
    try:
        return complete_row(run, str(name))
    except UsageError:
        return None


def _finite(values: NDArray[np.floating] | Sequence[float]) -> tuple[float | None, ...]:
    return tuple(value if np.isfinite(value) else None for value in map(float, values))
