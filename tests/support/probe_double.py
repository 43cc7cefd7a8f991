"""A double of the engine for the probe screen: words are tokens, and a neuron fires by their length."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

from mechamap.errors import MechaMapError
from mechamap.protocol.messages import Progress
from mechamap.protocol.probed import (
    Moved,
    Moves,
    NeuronValues,
    NextToken,
    Outlier,
    Outliers,
    Probed,
    ProbedText,
    Similar,
    SimilarNeuron,
)
from mechamap.protocol.requests import ProbeParams
from support.engine_double import EngineDouble


class ProbeDouble(EngineDouble):
    """Answers at once, unless the test holds answers to a text."""

    def __init__(self) -> None:
        super().__init__()
        self.questions: list[ProbeParams] = []
        self.held: dict[str, asyncio.Event] = {}
        self.loads = False  # whether it tells that it loads the model, before a held answer
        self.error: MechaMapError | None = None
        self.compared_texts: list[tuple[str, str]] = []
        self.asked_similar: list[str] = []

    def hold(self, text: str) -> asyncio.Event:
        """Answer questions about a text once the event is set."""
        return self.held.setdefault(text, asyncio.Event())

    async def probe(self, question: ProbeParams, *, on_progress: Callable[[Progress], None] | None = None) -> Probed:
        self.questions.append(question)
        if question.text in self.held:
            if on_progress is not None and self.loads:
                on_progress(Progress("load", "reading weights"))
            await self.held[question.text].wait()
        if self.error is not None:
            raise self.error
        text = read(question.text)
        position = len(text.ids) - 1 if question.position is None else question.position
        return Probed(
            text,
            tuple(_values(name, text) for name in question.neurons),
            position if question.next or question.outliers else None,
            tuple(NextToken(n, f" next{n}of{position}", 0.5 / (n + 1)) for n in range(question.next)),
            _outliers(position) if question.outliers else None,
            "99 positions of the run's text",
        )

    async def moves(self, run: Path, texts: tuple[str, str], neuron: str) -> Moves:
        self.compared_texts.append(texts)
        first, second = map(read, texts)
        pairs = tuple((place, place) for place in range(1, len(first.ids)))
        moved = Moved("L2.N9", 0, 1.0, -2.5, -3.5, True, "food", 0.5, 0.9)
        return Moves(first, second, pairs, True, (moved,), (), "99 positions of the run's text", "ap")

    async def similar(
        self, run: Path, neuron: str, *, on_progress: Callable[[Progress], None] | None = None
    ) -> Similar:
        self.asked_similar.append(neuron)
        if self.error is not None:
            raise self.error
        others = (SimilarNeuron("L1.N4", -0.93, "food", 0.5, 0.9), SimilarNeuron("L0.N2", 0.31))
        return Similar(neuron, others, 47, (0.4, 0.5, 0.6), 1, "99 positions of the run's text", "ap")

    async def release(self) -> str | None:
        return "tiny"


def read(text: str) -> ProbedText:
    """Words with the spaces in front of them are tokens, behind one that stands in front."""
    words = re.findall(r"\s*\S+|\s+", text)
    ids = tuple(range(len(words) + 1))
    return ProbedText(ids, ("<s>", *words), (0,), (0,), "Only the first part was read." if len(words) > 40 else "")


def _values(name: str, text: ProbedText) -> NeuronValues:
    values = tuple(float(len(piece.strip())) for piece in text.pieces)
    return NeuronValues(name, values, tuple(10 * value for value in values), (), -1.0, 8.0)


def _outliers(position: int) -> Outliers:
    neurons = tuple(
        Outlier(f"L1.N{number}", 9.0 - number, number / 99, -1 if number % 2 else 1, 5.0 - number, "food", 0.5, -0.9)
        for number in range(8)
    )
    return Outliers(position, neurons, 48, 1, 0.96, "ap")
