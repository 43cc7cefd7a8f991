"""What the engine process answers about steered models: ladders, and control vectors for llama.cpp."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mechamap.catalog.source import resolve
from mechamap.engine.calls import Method, Request
from mechamap.engine.params import run_at
from mechamap.engine.progress import ProgressTicker
from mechamap.events import Stage
from mechamap.protocol.messages import ControlVector
from mechamap.protocol.steer_requests import ControlVectorParams, SteerParams
from mechamap.protocol.steering import STRENGTHS, Ladder, parse_strengths
from mechamap.runs.neuron_names import parse_neuron

if TYPE_CHECKING:
    from pathlib import Path

    from mechamap.steering.subject import Subject

__all__ = ["OVERTAKING", "QUEUED"]


def steer(call: Request) -> Ladder:
    """Climb a ladder of strengths."""
    params = call.read(SteerParams)
    names = tuple(map(parse_neuron, params.neurons))
    with ProgressTicker(call.progress) as ticker, _subject(call, params.run, ticker) as subject:
        from mechamap.steering.generation import Sampling
        from mechamap.steering.ladder import LadderSettings
        from mechamap.steering.ladder import steer as climb

        settings = LadderSettings(
            strengths=params.strengths or parse_strengths(STRENGTHS),
            mode=params.mode,
            where=params.where,
            controls=params.controls,
            category=params.category,
            sampling=Sampling(params.generate, params.temperature, params.seed),
            top=max(params.top, 1),
            name=params.name,
        )
        return climb(subject, names, params.text, settings, on_event=ticker.hear, cancel=call.needless)


def control_vector(call: Request) -> ControlVector:
    """Write what a strength adds as a control vector."""
    params = call.read(ControlVectorParams)
    names = tuple(map(parse_neuron, params.neurons))
    with ProgressTicker(call.progress) as ticker, _subject(call, params.run, ticker) as subject:
        from mechamap.steering.amounts import changes_of, refuse_unknown_scales
        from mechamap.steering.control_vector import control_directions, write_control_vector

        category = subject.category_of(names, params.category)
        layers = {number: subject.layer(number, category) for number in sorted({name.layer for name in names})}
        refuse_unknown_scales(names, layers, "add")
        directions = control_directions(subject.loaded, changes_of(names, layers, "add", params.strength))
        path = write_control_vector(params.path, subject.loaded, directions, overwrite=params.overwrite)
    return ControlVector(path, tuple(sorted(directions)))


@contextmanager
def _subject(call: Request, path: Path, ticker: ProgressTicker) -> Iterator[Subject]:
    """A run with its model, which stays loaded for what is asked next."""
    run = run_at(path, call)
    run.folder_with_model()  # raises where there is none
    ticker.stage(Stage.RESOLVE, run.record.model.name)

    def stage(stage: Stage, detail: str) -> None:
        call.stop_if_cancelled()
        ticker.stage(stage, detail)

    with call.kept.model.lent(resolve(run.record.model.name), run.config, stage) as loaded:
        call.stop_if_cancelled()
        from mechamap.steering.subject import Subject

        yield Subject.of_run(run, loaded)


QUEUED: dict[str, Method] = {"steer": steer, "control_vector": control_vector}
OVERTAKING = frozenset({"steer"})
