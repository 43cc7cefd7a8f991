"""A scan: run the text through a model once, and write down every neuron's scores."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mechamap.capture.gather import dense_activations, select_positions
from mechamap.capture.hooked_pass import PassSettings, capture_parts
from mechamap.errors import Cancelled
from mechamap.events import LayerFinished, Listener, ScanFinished, ScanStarted, Stage, StageEntered
from mechamap.models.loaded import LoadedModel
from mechamap.models.loading.trouble import translated
from mechamap.models.neurons.activations import Activations
from mechamap.models.neurons.layers import NeuronLayer
from mechamap.models.neurons.not_finite import WhyNotFinite, why_not_finite
from mechamap.runs.record import DAMAGED
from mechamap.runs.run import Run
from mechamap.runs.writer import RunWriter
from mechamap.scan.clock import Clock, now
from mechamap.scan.prepare import ScanRequest, prepare
from mechamap.scan.record import ScanInputs, new_record, run_folder
from mechamap.scores.layer import LayerScores, layer_scorer
from mechamap.scores.positions import ScorePlan, score_plan
from mechamap.scores.writes import WriteScores, category_tokens
from mechamap.system.event_log import logged

__all__ = ["half", "scan", "scan_and_keep_model"]


def scan(
    request: ScanRequest,
    on_event: Listener = lambda event: None,
    cancel: threading.Event | None = None,
    loaded: LoadedModel | None = None,
) -> Run:
    """Scan a model and leave a run on disk.

    Args:
        request: the model, the settings and where to write.
        on_event: called with each event, in the calling thread or, during the pass, in one that it waits for.
        cancel: set it to stop at the next layer; layers that are finished stay in the run.
        loaded: the model, if it is in memory already; it must be ``request.model``.

    Returns:
        The complete run.

    Raises:
        Cancelled: ``cancel`` was set; the run, if there is one by then, says so.
        MechaMapError: anything that keeps the scan from being done, see :mod:`mechamap.errors`.
    """
    return scan_and_keep_model(request, on_event, cancel, loaded)[0]


def scan_and_keep_model(
    request: ScanRequest,
    on_event: Listener = lambda event: None,
    cancel: threading.Event | None = None,
    loaded: LoadedModel | None = None,
) -> tuple[Run, LoadedModel]:
    """The same as :func:`scan`; also returns the model that was scanned, for what is done with it next."""
    on_event = logged(on_event, "scan")
    clock = Clock()
    inputs = prepare(request, on_event, cancel, loaded, clock)
    config = request.config
    folder, kept = run_folder(request.out, request.resume, inputs)
    record = new_record(inputs, kept, folder)
    todo = [layer for layer in inputs.layers if layer.layer not in kept]
    plan = score_plan(inputs.tokenized, inputs.occurrences, len(config.categories), config.pooling, config.top_k_tokens)
    with RunWriter(folder, record, config.top_k_tokens) as writer:
        writer.commit()
        on_event(ScanStarted(folder, len(record.layers), record.neurons, len(inputs.tokenized.ids), int(plan.scored)))
        on_event(StageEntered(Stage.PASS, f"{len(todo)} layers, {len(inputs.tokenized.ids):,} tokens"))
        job = _Pass(inputs, plan, writer, on_event, done=len(kept))
        try:
            with clock.timed("pass"), translated(inputs.loaded.id):
                job.run(todo, cancel)
        except BaseException as error:
            # Whatever stopped the pass, what it finished is kept and the run says how it ended.
            state = "cancelled" if isinstance(error, (Cancelled, KeyboardInterrupt)) else "failed"
            timings = clock.seconds | job.timings
            writer.finish(state, now(), timings)
            on_event(ScanFinished(folder, state, timings))
            raise
        on_event(StageEntered(Stage.WRITE, str(folder)))
        timings = clock.seconds | job.timings
        run = writer.finish("complete", now(), timings | {"total": clock.since_start()})
    on_event(ScanFinished(folder, "complete", dict(run.record.timings)))
    return run, inputs.loaded


@dataclass(slots=True)
class _Pass:
    """The one forward over the text: what happens each time a layer is reached."""

    inputs: ScanInputs
    plan: ScorePlan
    writer: RunWriter
    on_event: Listener
    done: int
    timings: dict[str, float] = field(default_factory=lambda: {"score": 0.0, "writes": 0.0, "disk": 0.0})
    why: WhyNotFinite | None = None  # looked for once, when the first layer needs it

    def run(self, layers: list[NeuronLayer], cancel: threading.Event | None) -> None:
        inputs = self.inputs
        routed = "tokens" in self.writer.record.figures
        score = layer_scorer(self.plan, torch.get_num_threads(), routed=routed)
        written = self._written()
        keep = inputs.keeps_activations
        scored = inputs.tokenized.scored
        rows = torch.from_numpy(np.flatnonzero(scored)).to(inputs.loaded.device)

        def on_layer(layer: NeuronLayer, parts: tuple[Activations, ...]) -> None:
            started = time.perf_counter()
            if keep:
                self.writer.write_activations(layer.layer, half(dense_activations(parts, len(scored))))
                parts = tuple(select_positions(part, rows.to(part.values.device), len(scored)) for part in parts)
            scores = score(parts)
            scored_at = time.perf_counter()
            scores.figures["write"] = written(layer)
            self.timings["score"] += scored_at - started
            self.timings["writes"] += time.perf_counter() - scored_at
            self._write(layer, scores)

        capture_parts(
            inputs.loaded,
            inputs.tokenized,
            layers,
            on_layer,
            PassSettings(
                position_mask=None if keep else scored, limit_neurons=inputs.config.limit_neurons, cancel=cancel
            ),
        )

    def _written(self) -> Callable[[NeuronLayer], NDArray[np.float32]]:
        """What gives a layer's direct logit attributions, ``[neurons, categories]``."""
        inputs = self.inputs
        if inputs.unembedding is None:
            return lambda layer: np.full((inputs.width(layer), len(inputs.config.categories)), np.nan, np.float32)
        started = time.perf_counter()
        tokens = category_tokens(inputs.config.categories, inputs.loaded.tokenizer)
        writes = WriteScores(inputs.unembedding, tokens)
        self.timings["writes"] += time.perf_counter() - started
        return lambda layer: writes.score(layer, inputs.config.limit_neurons)

    def _write(self, layer: NeuronLayer, scores: LayerScores) -> None:
        started = time.perf_counter()
        unproved = any(part.layer == layer.layer and not part.finite for part in self.inputs.proof)
        problem = self._problem(layer, scores, unproved=unproved)
        flags = (*scores.flags, "not proved") if unproved else scores.flags
        if problem and self.why is not None and self.why.damaged:
            flags = (*flags, DAMAGED)
        self.writer.write_layer(layer.layer, scores.figures, flags, problem)
        self.timings["disk"] += time.perf_counter() - started
        self.done += 1
        layers = self.writer.record.layers
        self.on_event(
            LayerFinished(
                layer=layer.layer,
                done=self.done,
                total=len(layers),
                neurons_done=sum(rows.width for rows in layers if rows.complete),
                flags=flags,
            )
        )

    def _problem(self, layer: NeuronLayer, scores: LayerScores, *, unproved: bool) -> str:
        """What is wrong with a layer, and why; empty where nothing is."""
        problems = []
        if scores.not_finite:
            problems.append(
                f"{scores.not_finite:,} of {len(scores.figures['max']):,} neurons have activations that are NaN or "
                "infinite; they are left out"
            )
        if unproved:
            problems.append("its capture could not be proved, because activations were NaN or infinite there")
        if not problems:
            return ""
        if self.why is None:
            self.why = why_not_finite(self.inputs.loaded)
        return f"Layer {layer.layer}: {'; '.join(problems)}. {self.why.remedy}"


def half(activations: Tensor) -> NDArray[np.float16]:
    """Activations as kept on disk: ``[neurons, positions]`` float16, what overflows cut to its largest value."""
    limit = torch.finfo(torch.float16).max
    kept: NDArray[np.float16] = activations.clamp(-limit, limit).to(torch.float16).T.contiguous().cpu().numpy()
    return kept
