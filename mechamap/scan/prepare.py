"""Everything up to the pass: the model in memory, the proof of its hooks, the tokens and the occurrences of words."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mechamap.capture.vocabulary import check_vocabulary
from mechamap.catalog.source import ModelSource
from mechamap.config.layers import parse_layers
from mechamap.config.scan_config import ScanConfig
from mechamap.errors import Cancelled, UnsupportedModel, UsageError
from mechamap.events import Listener, Stage, StageEntered
from mechamap.models.loaded import LoadedModel
from mechamap.models.loading.kinds import undefined_figures
from mechamap.models.loading.load import load_model
from mechamap.models.loading.load_settings import load_settings
from mechamap.models.neurons.layers import NeuronLayer
from mechamap.models.proof import prove
from mechamap.models.unembedding import Unembedding
from mechamap.models.unembedding_search import find_unembedding
from mechamap.runs.scanned import LayerProof
from mechamap.scan.clock import Clock, now
from mechamap.scan.corpus.part import Part, RayRequest
from mechamap.scan.record import ScanInputs
from mechamap.text.occurrences import FoundWords, coverage, find_words
from mechamap.text.tokenize import TokenizedText, tokenize
from mechamap.wording.amounts import quantity

__all__ = ["PreparedModel", "ScanRequest", "check_cancelled", "inputs_of", "load_for", "prepare", "prepare_model"]


@dataclass(frozen=True, slots=True)
class ScanRequest:
    """What to scan. ``out`` is the run's folder (a new one in the default place where not given); ``resume`` goes on
    with the run in it, leaving the layers, of a corpus the shards, that are complete as they are. ``label`` is what the
    run is called in place of the model's short name. ``part`` is the part of a corpus to read,
    all where not given; ``ray`` has workers read its shards."""

    model: ModelSource
    config: ScanConfig
    out: Path | None = None
    resume: bool = False
    label: str = ""
    part: Part | None = None
    ray: RayRequest | None = None


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


@dataclass(frozen=True, slots=True, eq=False)
class PreparedModel:
    """A model as far as it is ready before there is a text.

    Attributes:
        loaded: it.
        layers: those of its layers that are wanted.
        proof: of its hooks.
        unembedding: the way to the logits, None where there can be no ``write``.
        undefined: why a figure is empty, by its name.
    """

    loaded: LoadedModel
    layers: tuple[NeuronLayer, ...]
    proof: tuple[LayerProof, ...]
    unembedding: Unembedding | None
    undefined: Mapping[str, str]


def prepare_model(
    request: ScanRequest, on_event: Listener, cancel: threading.Event | None, loaded: LoadedModel | None, clock: Clock
) -> PreparedModel:
    """The model in memory and its proof."""
    if loaded is None:
        with clock.timed("load"):
            loaded = load_for(request, on_event)
        check_cancelled(cancel)
    layers = _wanted(loaded, request.config)
    on_event(StageEntered(Stage.PROVE, f"{len(loaded.layers)} layers"))
    with clock.timed("prove"):
        proof = prove(loaded)
    with clock.timed("unembedding"):
        unembedding, undefined = _unembedding(loaded, proof)
        undefined = undefined_figures(loaded) | undefined
    check_cancelled(cancel)
    return PreparedModel(loaded, layers, proof, unembedding, undefined)


def prepare(
    request: ScanRequest, on_event: Listener, cancel: threading.Event | None, loaded: LoadedModel | None, clock: Clock
) -> ScanInputs:
    """Everything up to the pass: the model in memory, its proof, the tokens and the occurrences."""
    config = request.config
    model = prepare_model(request, on_event, cancel, loaded, clock)
    loaded = model.loaded
    on_event(StageEntered(Stage.TOKENIZE))
    with clock.timed("tokenize"):
        tokenized = tokenize(config.texts, loaded.tokenizer, config, loaded.context, loaded.kind)
        check_vocabulary(tokenized, loaded)
        words = _words(tokenized, config, on_event)
    check_cancelled(cancel)
    return inputs_of(request, model, tokenized, words)


def inputs_of(request: ScanRequest, model: PreparedModel, tokenized: TokenizedText, words: FoundWords) -> ScanInputs:
    """A prepared model and its text together."""
    return ScanInputs(
        name=request.model.name,
        config=request.config,
        loaded=model.loaded,
        layers=model.layers,
        tokenized=tokenized,
        occurrences=words.occurrences,
        coverage=coverage(words, request.config.categories),
        proof=model.proof,
        created=now(),
        unembedding=model.unembedding,
        undefined=model.undefined,
        label=request.label,
    )


def _words(tokenized: TokenizedText, config: ScanConfig, on_event: Listener) -> FoundWords:
    """Where the words of the categories stand in the text."""
    lists = [category.words for category in config.categories]
    looking = f"looking for {quantity(sum(map(len, lists)), 'word')}"

    def progressed(share: float) -> None:
        on_event(StageEntered(Stage.TOKENIZE, f"{looking}, {share:.0%} of the text"))

    on_event(StageEntered(Stage.TOKENIZE, looking))
    return find_words(tokenized, config.texts, lists, progressed)


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


def check_cancelled(cancel: threading.Event | None) -> None:
    """Stop where that was asked for.

    Raises:
        Cancelled: ``cancel`` is set.
    """
    if cancel is not None and cancel.is_set():
        raise Cancelled("The scan was cancelled before its pass began.")
