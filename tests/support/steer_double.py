"""A double of the engine for the steering screen: ladders made by hand, answered when the test says so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from mechamap.errors import MechaMapError
from mechamap.protocol.messages import ControlVector, Progress
from mechamap.protocol.steer_requests import ControlVectorParams, SteerParams
from mechamap.protocol.steering import Ladder, LadderRow, Shift, SteeredNeuron
from mechamap_tui.engine.process import EngineCall
from support.engine_double import EngineDouble


class SteerDouble(EngineDouble):
    """Answers at once, unless the test holds the answers."""

    def __init__(self) -> None:
        super().__init__()
        self.questions: list[SteerParams] = []
        self.vectors: list[ControlVectorParams] = []
        self.error: MechaMapError | None = None
        self.held: asyncio.Event | None = None
        self.stopped = 0

    def steer(
        self, question: SteerParams, *, on_progress: Callable[[Progress], None] | None = None
    ) -> EngineCall[Ladder]:
        self.questions.append(question)

        async def answer() -> Ladder:
            try:
                if self.held is not None:
                    if on_progress is not None:
                        on_progress(Progress("steer", "3 of 72 rows"))
                    await self.held.wait()
                await asyncio.sleep(0)
            except asyncio.CancelledError:
                self.stopped += 1
                raise
            if self.error is not None:
                raise self.error
            return ladder_of(question)

        return EngineCall(len(self.questions), asyncio.create_task(answer()))

    async def control_vector(self, order: ControlVectorParams) -> ControlVector:
        self.vectors.append(order)
        return ControlVector(Path(order.path), (2,))


def ladder_of(question: SteerParams) -> Ladder:
    """A ladder that rises with the strength; at 2 the text has fallen apart."""
    strengths: tuple[float | None, ...] = question.strengths or ()
    if question.mode in ("zero", "mean"):
        strengths = (None,)
    category = question.category or "food"
    return Ladder(
        model="demo",
        revision="",
        dtype="float32",
        run=str(question.run),
        neurons=tuple(
            SteeredNeuron(name, 2.5, -1, 0.1, 1.0, "transformer.h.2.mlp.c_proj", 7) for name in question.neurons
        ),
        name=question.name,
        mode=question.mode,
        where=question.where,
        front=1,
        prompt=question.text,
        ids=(0, 5, 6, 7),
        tokens=("She", " bought", " a\x1b[31m"),
        category=category,
        controls=(("L2.N1",), ("L2.N2",)),
        rows=tuple(_row(strength, category) for strength in strengths),
        untouched=LadderRow(None, ((" new", 0.6),), 0.0, 0.0, text=" new hat"),
        outcome="writes",
        statement=f"Steering raises {category} beyond the controls at 3 of 4 strengths.",
        notes=("A note about the numbers.",),
        generated=question.generate,
        temperature=question.temperature,
        seed=question.seed,
    )


def _row(strength: float | None, category: str) -> LadderRow:
    size = 1.0 if strength is None else strength
    shift = Shift(0.5 * size, 0.4 * size, (0.01 * size, -0.02 * size), -0.4 * size, bool(size))
    apart = "repeats itself" if strength == 2 else ""
    top = ((" bread\x1b[0m", 0.5), (" [cake", 0.25))
    return LadderRow(strength, top, abs(size), abs(size) / 2, (0.1, 0.2), {category: shift}, f" text{size:g}", apart)
