"""What the engine process answers about sentences: activations, what stands out, what moves, what is similar."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mechamap.catalog.source import resolve
from mechamap.engine.calls import Method, Request
from mechamap.engine.params import run_at
from mechamap.engine.progress import ProgressTicker
from mechamap.errors import Cancelled
from mechamap.events import Stage
from mechamap.protocol import rpc
from mechamap.protocol.messages import Released
from mechamap.protocol.probed import Moves, Probed, Similar
from mechamap.protocol.requests import MovesParams, ProbeParams, SimilarParams
from mechamap.protocol.rpc import RpcFault
from mechamap.runs.neuron_names import parse_neuron

if TYPE_CHECKING:
    from mechamap.models.loaded import LoadedModel
    from mechamap.probe.subject import RunSubject, Subject
    from mechamap.runs.run import Run

__all__ = ["OVERTAKING", "QUEUED"]


def probe(call: Request) -> Probed:
    """Ask neurons about a text."""
    params = call.read(ProbeParams)
    if (params.run is None) == (params.model is None):
        raise RpcFault(rpc.INVALID_PARAMS, "probe needs run or model, one of them.")
    names = tuple(map(parse_neuron, params.neurons))
    with ProgressTicker(call.progress) as ticker, _subject_of(call, params, ticker) as subject:
        from mechamap.probe.sentence import Wanted, probe_sentence

        wanted = Wanted(names, params.position, params.outliers, params.next)
        return probe_sentence(subject, subject.read(params.text), wanted, call.needless)


def moves(call: Request) -> Moves:
    """Compare two texts position by position."""
    params = call.read(MovesParams)
    run = run_at(params.run, call)
    with ProgressTicker(call.progress) as ticker, _run_subject(call, run, ticker) as subject:
        from mechamap.probe.comparison import compare_prompts

        prompts = subject.read(params.first), subject.read(params.second)
        return compare_prompts(subject, prompts, params.neurons, count=params.top, cancel=call.cancel)


def similar(call: Request) -> Similar:
    """The neurons most like one."""
    params = call.read(SimilarParams)
    run = run_at(params.run, call)
    with ProgressTicker(call.progress) as ticker, _model_of(call, run, ticker) as loaded:
        from mechamap.probe.similar import similar_neurons

        return similar_neurons(run, loaded, params.neuron, params.top, on_event=ticker.hear, cancel=call.cancel)


def release(call: Request) -> Released:
    """Give the memory of the model back that is kept for the next request."""
    return Released(call.kept.model.drop())


@contextmanager
def _subject_of(call: Request, params: ProbeParams, ticker: ProgressTicker) -> Iterator[Subject]:
    if params.run is not None:
        with _run_subject(call, run_at(params.run, call), ticker) as subject:
            yield subject
        return
    assert params.model is not None
    from mechamap.config.schema import load_config
    from mechamap.probe.subject import Subject

    config = load_config(None)
    with call.kept.model.lent(resolve(params.model), config, ticker.stage) as loaded:
        _stop_if_needless(call)
        yield Subject(loaded, config)


@contextmanager
def _run_subject(call: Request, run: Run, ticker: ProgressTicker) -> Iterator[RunSubject]:
    """A run with its model, and with what is usual for its neurons.

    A request that is overtaken meanwhile goes on with both, since the newer one needs them too.
    """
    with _model_of(call, run, ticker) as loaded:
        from mechamap.probe.reference_pass import reference_of
        from mechamap.probe.subject import RunSubject

        reference = call.kept.references.of(run, loaded)
        if reference is None:
            reference = reference_of(run, loaded, on_event=ticker.hear, cancel=call.cancel)
            call.kept.references.keep(run, loaded, reference)
        _stop_if_needless(call)
        yield RunSubject(loaded, run.config, run, reference)


@contextmanager
def _model_of(call: Request, run: Run, ticker: ProgressTicker) -> Iterator[LoadedModel]:
    run.folder_with_model()  # raises where there is none

    def stage(stage: Stage, detail: str) -> None:
        call.stop_if_cancelled()
        ticker.stage(stage, detail)

    with call.kept.model.lent(resolve(run.record.model.name), run.config, stage) as loaded:
        yield loaded


def _stop_if_needless(call: Request) -> None:
    if call.needless.is_set():
        raise Cancelled("A newer request overtook this one.")


QUEUED: dict[str, Method] = {"probe": probe, "moves": moves, "similar": similar, "release": release}
OVERTAKING = frozenset({"probe"})
