"""The main job: load a model, prove the hooks, run the text through it once, and write down every neuron's scores."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mechamap.capture.gather import dense_activations, select_positions
from mechamap.capture.hooked_pass import PassSettings, capture_parts
from mechamap.catalog import ModelSource
from mechamap.config.layers import parse_layers
from mechamap.config.scan_config import ScanConfig
from mechamap.errors import Cancelled, TextError, UnsupportedModel, UsageError
from mechamap.events import LayerFinished, Listener, ScanFinished, ScanStarted, Stage, StageEntered
from mechamap.models.loaded import LoadedModel
from mechamap.models.loading.kinds import undefined_figures
from mechamap.models.loading.load import load_model
from mechamap.models.loading.load_settings import load_settings
from mechamap.models.loading.trouble import translated
from mechamap.models.neurons.activations import Activations
from mechamap.models.neurons.layers import NeuronLayer
from mechamap.models.proof import prove
from mechamap.models.unembedding import Unembedding
from mechamap.models.unembedding_search import find_unembedding
from mechamap.runs.run import Run
from mechamap.runs.scanned import LayerProof
from mechamap.runs.writer import RunWriter
from mechamap.scan.record import ScanInputs, new_record, run_folder
from mechamap.scores.layer import LayerScores, layer_scorer
from mechamap.scores.positions import ScorePlan, score_plan
from mechamap.scores.writes import WriteScores, category_tokens
from mechamap.system.event_log import logged
from mechamap.text.occurrences import coverage, find_occurrences
from mechamap.text.tokenize import TokenizedText, tokenize

__all__ = ["ScanRequest", "load_for", "scan"]


@dataclass(frozen=True, slots=True)
class ScanRequest:
    """What to scan. ``out`` is the run's folder (a new one in the default place where not given); ``resume`` goes on
    with the run in it, leaving the layers that are complete as they are. ``label`` is what the run is called in place
    of the model's short name."""

    model: ModelSource
    config: ScanConfig
    out: Path | None = None
    resume: bool = False
    label: str = ""


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
    on_event = logged(on_event, "scan")
    clock = _Clock()
    inputs = _prepare(request, on_event, _Cancel(cancel), loaded, clock)
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
            writer.finish(state, _now(), timings)
            on_event(ScanFinished(folder, state, timings))
            raise
        on_event(StageEntered(Stage.WRITE, str(folder)))
        timings = clock.seconds | job.timings
        run = writer.finish("complete", _now(), timings | {"total": clock.since_start()})
    on_event(ScanFinished(folder, "complete", dict(run.record.timings)))
    return run


def load_for(request: ScanRequest, on_event: Listener, *, whole: bool = False) -> LoadedModel:
    """The model of a request, as its config wants it.

    Args:
        whole: load all of it, also where only its lower layers are scanned.

    Raises:
        MechaMapError: see :func:`mechamap.models.loading.load.load_model`.
    """
    on_event(StageEntered(Stage.LOAD, request.model.name))
    settings = load_settings(request.config, whole=whole)
    return load_model(request.model, settings, stage=lambda text: on_event(StageEntered(Stage.LOAD, text)))


def _prepare(
    request: ScanRequest, on_event: Listener, cancel: _Cancel, loaded: LoadedModel | None, clock: _Clock
) -> ScanInputs:
    """Everything up to the pass: the model in memory, its proof, the tokens and the occurrences."""
    config = request.config
    if loaded is None:
        with clock.timed("load"):
            loaded = load_for(request, on_event)
        cancel.check()
    layers = _wanted(loaded, config)
    on_event(StageEntered(Stage.PROVE, f"{len(loaded.layers)} layers"))
    with clock.timed("prove"):
        proof = prove(loaded)
    with clock.timed("unembedding"):
        unembedding, undefined = _unembedding(loaded, proof)
        undefined = undefined_figures(loaded) | undefined
    cancel.check()
    on_event(StageEntered(Stage.TOKENIZE))
    with clock.timed("tokenize"):
        tokenized = tokenize(config.texts, loaded.tokenizer, config, loaded.context, loaded.kind)
        _check_vocabulary(tokenized, loaded)
        occurrences = find_occurrences(tokenized, config.texts, config.categories)
    cancel.check()
    return ScanInputs(
        name=request.model.name,
        config=config,
        loaded=loaded,
        layers=layers,
        tokenized=tokenized,
        occurrences=occurrences,
        coverage=coverage(occurrences, tokenized, config.categories),
        proof=proof,
        created=_now(),
        unembedding=unembedding,
        undefined=undefined,
        label=request.label,
    )


def _unembedding(loaded: LoadedModel, proof: Sequence[LayerProof]) -> tuple[Unembedding | None, dict[str, str]]:
    """The way to the logits; or None, and why there can be no ``write``."""
    try:
        return find_unembedding(loaded, proof), {}
    except UnsupportedModel as reason:
        return None, {"write": reason.message}


def _wanted(loaded: LoadedModel, config: ScanConfig) -> tuple[NeuronLayer, ...]:
    numbers = set(parse_layers(config.layers, loaded.n_layers))
    layers = tuple(layer for layer in loaded.layers if layer.layer in numbers)
    if not layers:  # hybrids have blocks without an MLP
        available = ", ".join(str(layer.layer) for layer in loaded.layers)
        raise UsageError(
            f"Layers {config.layers} of {loaded.label} have no MLP neurons.", f"These layers do: {available}."
        )
    return layers


def _check_vocabulary(tokenized: TokenizedText, loaded: LoadedModel) -> None:
    largest = int(tokenized.ids.max())
    if largest >= loaded.vocabulary:
        raise TextError(
            f"The tokenizer of {loaded.label} gives token {largest:,}; the embedding has {loaded.vocabulary:,} rows.",
            "The tokenizer and the weights do not belong together.",
        )


@dataclass(slots=True)
class _Pass:
    """The one forward over the text: what happens each time a layer is reached."""

    inputs: ScanInputs
    plan: ScorePlan
    writer: RunWriter
    on_event: Listener
    done: int
    timings: dict[str, float] = field(default_factory=lambda: {"score": 0.0, "writes": 0.0, "disk": 0.0})

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
        flags = (*scores.flags, "not proved") if unproved else scores.flags
        self.writer.write_layer(layer.layer, scores.figures, flags, _problem(layer, scores, unproved=unproved))
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


def _problem(layer: NeuronLayer, scores: LayerScores, *, unproved: bool) -> str:
    """What is wrong with a layer, empty where nothing is."""
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
    return f"Layer {layer.layer}: {'; '.join(problems)}. Scan with --dtype bfloat16 or float32."


def half(activations: Tensor) -> NDArray[np.float16]:
    """Activations as kept on disk: ``[neurons, positions]`` float16, what overflows cut to its largest value."""
    limit = torch.finfo(torch.float16).max
    kept: NDArray[np.float16] = activations.clamp(-limit, limit).to(torch.float16).T.contiguous().cpu().numpy()
    return kept


@dataclass(frozen=True, slots=True)
class _Cancel:
    event: threading.Event | None

    def check(self) -> None:
        if self.event is not None and self.event.is_set():
            raise Cancelled("The scan was cancelled before its pass began.")


@dataclass(slots=True)
class _Clock:
    """Seconds by stage."""

    start: float = field(default_factory=time.perf_counter)
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = time.perf_counter() - started

    def since_start(self) -> float:
        return time.perf_counter() - self.start


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
