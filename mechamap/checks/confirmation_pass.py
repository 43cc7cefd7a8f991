"""The pass of a confirmation: what neurons read in carrier sentences, and what they write, against shuffled labels."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mechamap.capture.hooked_pass import PassSettings
from mechamap.capture.prefix_pass import capture_sharing_prefixes
from mechamap.checks.strength import TextEvidence, strength
from mechamap.checks.word_activations import per_occurrence
from mechamap.checks.yardstick import Yardstick
from mechamap.config.scan_config import ScanConfig
from mechamap.errors import Cancelled, UnsupportedModel
from mechamap.events import LayerFinished, Listener
from mechamap.models.loaded import LoadedModel
from mechamap.models.neurons.layers import NeuronLayer
from mechamap.models.unembedding_search import find_unembedding
from mechamap.runs.record import LayerRows
from mechamap.runs.run import Run
from mechamap.scores.carriers.controls import contrasted
from mechamap.scores.carriers.directions import HeldOutDirections
from mechamap.scores.carriers.explained import FeatureShares
from mechamap.scores.carriers.held_out import HeldOut
from mechamap.scores.carriers.null import ShuffledLabels
from mechamap.scores.carriers.strata import StratifiedLabels
from mechamap.scores.carriers.word_ranks import DirectedLabels, ranked_words, word_ranks
from mechamap.scores.writes import first_tokens
from mechamap.text.carriers import Carriers
from mechamap.words.matching import feature_levels, strata

__all__ = ["BATCH_TOKENS", "ConfirmSettings", "ConfirmationPass"]


BATCH_TOKENS = {"cpu": 2048}  # of one forward over short sentences; elsewhere as for any text


@dataclass(frozen=True, slots=True)
class ConfirmSettings:
    """How thoroughly to check.

    Attributes:
        permutations: how often word labels are shuffled; p is never below 1 / (1 + permutations).
        splits: random halvings of the words, each used in both directions.
        seed: of both.
        hard_auroc: the AUROC against hard controls that *confirmed* asks for; None: that of the run's config.
    """

    permutations: int = 200
    splits: int = 4
    seed: int = 0
    hard_auroc: float | None = None


CLEAR = 0.2  # |AUROC - 1/2| in the sentences from which a neuron is compared with controls
READS = 0.8  # |selectivity| in the scan's text from which it is asked what explains the reading, whatever the sentences
EXPLAINED = 0.5  # share of a reading from which it is said that a feature explains it


@dataclass(slots=True)
class ConfirmationPass:
    """What is worked out, layer by layer, while the model reads the sentences, and of its weights."""

    run: Run
    config: ScanConfig
    loaded: LoadedModel
    carriers: Carriers
    settings: ConfirmSettings
    on_event: Listener
    read_null: ShuffledLabels = field(init=False)
    alike_null: StratifiedLabels = field(init=False)
    held_out: HeldOut = field(init=False)
    yardstick: Yardstick = field(init=False)
    features: FeatureShares = field(init=False)
    write_null: ShuffledLabels | None = field(init=False, default=None)
    undefined: str = field(init=False, default="")  # why writes are not checked
    arrays: dict[str, NDArray[np.float32]] = field(init=False)
    seconds: dict[str, float] = field(init=False, default_factory=lambda: {"pass": 0.0, "score": 0.0, "writes": 0.0})

    def __post_init__(self) -> None:
        shape = self.run.neurons, len(self.config.categories)
        names = (*_READ_FIGURES, "read", "alike", "carrier_ap", "written")
        self.arrays = {name: np.full(shape, np.nan, np.float32) for name in names}
        words, settings, templates = self.carriers.words, self.settings, self.carriers.templates
        plain, comparable = words.members[: words.plain], words.members[: words.comparable]
        alike = words.features.take(np.arange(words.comparable))
        self.read_null = ShuffledLabels(plain, templates, settings.permutations, settings.seed)
        self.alike_null = StratifiedLabels(comparable, strata(alike), settings.permutations, settings.seed + 2)
        self.held_out = HeldOut(plain, templates, settings.splits, settings.seed)
        self.features = FeatureShares(comparable, feature_levels(alike))
        directions = HeldOutDirections(plain, templates, settings.splits, settings.seed)
        self.yardstick = Yardstick(directions, self.carriers.spans[: words.plain, :, 1])

    def read(self, layers: list[tuple[NeuronLayer, LayerRows]], cancel: threading.Event | None) -> None:
        """Run the model over the sentences and check what its neurons read."""
        started = time.perf_counter()
        rows_of = {layer.layer: rows for layer, rows in layers}

        def on_layer(layer: NeuronLayer, activations: Tensor) -> None:
            scoring = time.perf_counter()
            rows = rows_of[layer.layer]
            self.read_layer(rows, activations)
            self.seconds["score"] += time.perf_counter() - scoring
            done = list(rows_of).index(layer.layer) + 1
            neurons = sum(rows.width for _, rows in layers[:done])
            self.on_event(LayerFinished(layer.layer, done, len(layers), neurons))

        capture_sharing_prefixes(
            self.loaded,
            self.carriers.tokenized,
            [layer for layer, _ in layers],
            on_layer,
            PassSettings(
                position_mask=self.carriers.tokenized.scored,
                limit_neurons=self.config.limit_neurons,
                cancel=cancel,
                batch_tokens=BATCH_TOKENS.get(self.loaded.device.type),
                give_back=False,  # the sentences are few and short
                streams=self.yardstick.streams,
            ),
        )
        self.seconds["pass"] += time.perf_counter() - started

    def read_layer(self, rows: LayerRows, activations: Tensor) -> None:
        """Check what a layer's neurons read; their activations are those at the words, ``[positions, neurons]``."""
        values = per_occurrence(activations, self.carriers.spans, self.config.pooling)  # [neurons, words * templates]
        bad = ~np.isfinite(values).all(axis=1)  # [neurons]
        values[bad] = 0
        words, templates = self.carriers.words, self.carriers.templates
        selectivity = np.asarray(self.run.figure("selectivity")[rows.rows]) if self.run.has("selectivity") else None
        directed = None
        if selectivity is not None and self.run.has("ap"):
            plain = np.arange(words.plain)
            directed = DirectedLabels(plain, words.members[: words.plain], selectivity < 0)
        choices = [np.arange(words.plain), np.arange(words.comparable), *self.held_out.halves]
        ranked = ranked_words(values, templates, choices, torch.get_num_threads(), directed)
        plain_ranks, comparable_ranks, *half_ranks = ranked.ranks
        read = self.read_null.add(plain_ranks)
        figures = {"read": read, "alike": self.alike_null.add(comparable_ranks)}
        held = self.held_out.add(values[:, : words.plain * templates], half_ranks, rows.first_row)
        figures["held_out_auroc"], figures["held_out_ap"] = held
        if ranked.precision is not None:
            figures["carrier_ap"] = ranked.precision
        figures |= self._controlled(values, read, read < 0 if selectivity is None else selectivity < 0)
        figures["explained"] = _largest_share(self.features.of(comparable_ranks))
        weak = np.abs(read) < CLEAR
        if selectivity is not None:
            weak &= np.abs(selectivity) < READS
        figures["explained"][weak] = np.nan
        for name, figure in figures.items():
            figure[bad] = np.nan
            self.arrays[name][rows.rows] = figure

    def _controlled(
        self, values: NDArray[np.float32], read: NDArray[np.float32], falls: NDArray[np.bool_]
    ) -> dict[str, NDArray[np.float32]]:
        """The scores against matched words and near relatives, where a neuron is not far from reading a category."""
        words = self.carriers.words
        figures = {name: np.full(read.shape, np.nan, np.float32) for name in _CONTROLLED}
        for category in range(read.shape[1]):
            clear = np.flatnonzero(np.abs(read[:, category]) >= CLEAR)
            members = np.flatnonzero(words.members[:, category])
            for listed, auroc, ap in (
                (words.matched, "specificity", "specificity_ap"),
                (words.near, "near_auroc", ""),
            ):
                controls = np.flatnonzero(listed[:, category] & ~words.members[:, category])
                if not (len(clear) and len(members) and len(controls)):
                    continue
                scored = contrasted(values[clear], self.carriers.templates, members, controls, falls[clear, category])
                figures[auroc][clear, category] = scored.auroc
                if ap:
                    figures[ap][clear, category] = scored.ap
                hard = figures["hard_auroc"]
                hard[clear, category] = np.fmin(hard[clear, category], scored.auroc - scored.error)
        return figures

    def write(self, layers: list[tuple[NeuronLayer, LayerRows]], cancel: threading.Event | None) -> None:
        """Check what the neurons write: the words' first tokens, each once, take the place of the occurrences."""
        started = time.perf_counter()
        try:
            unembedding = find_unembedding(self.loaded)
        except UnsupportedModel as reason:
            self.undefined = reason.message
            return
        words = self.carriers.words
        ids = first_tokens(words.words[: words.plain], self.loaded.tokenizer)
        tokens, token_of = np.unique(ids[ids >= 0], return_inverse=True)
        members = np.zeros((len(tokens), words.members.shape[1]), np.bool_)
        np.logical_or.at(members, token_of, words.members[: words.plain][ids >= 0])
        settings = self.settings
        null = ShuffledLabels(members, 1, settings.permutations, settings.seed + 1)
        with torch.inference_mode():
            directions = unembedding.rows(torch.as_tensor(tokens, device=self.loaded.device))  # [tokens, d_model]
            for layer, rows in layers:
                if cancel is not None and cancel.is_set():
                    raise Cancelled("The confirmation was cancelled; the run is as it was.")
                pieces = unembedding.written_in(layer, self.config.limit_neurons)  # [neurons, d_model]
                # [neurons, tokens]; ranks need no unit
                raised = torch.cat([(piece.to(directions.device) @ directions.T).cpu() for piece in pieces])
                (ranks,) = word_ranks(raised.numpy(), 1, [np.arange(len(tokens))], torch.get_num_threads())
                self.arrays["written"][rows.rows] = null.add(ranks)
        self.write_null = null
        self.seconds["writes"] += time.perf_counter() - started

    def figures(self) -> dict[str, NDArray[np.float32]]:
        """What is added to the run."""
        arrays = self.arrays
        write_p = arrays["written"] if self.write_null is None else self.write_null.p(arrays["written"])
        figures = {
            **{name: arrays[name] for name in _READ_FIGURES},
            "p": self.read_null.p(arrays["read"]),
            "p_matched": self.alike_null.p(arrays["alike"]),
            "write_p": write_p,
        }
        if self.run.has("ap"):  # runs of early versions have none
            words = self.carriers.words.members.sum(axis=0).astype(np.float64)  # [categories]
            figures["carrier_ap"] = arrays["carrier_ap"]
            figures["strength"] = strength(self.run, carriers=TextEvidence(arrays["carrier_ap"], words))
        return figures


_CONTROLLED = ("specificity", "specificity_ap", "near_auroc", "hard_auroc")
_READ_FIGURES = ("held_out_auroc", "held_out_ap", *_CONTROLLED, "explained")


def _largest_share(shares: NDArray[np.float32]) -> NDArray[np.float32]:
    """The number of the feature that explains most of a reading, ``[neurons, categories]``; NaN where none explains
    half of it."""
    known = np.nan_to_num(shares, nan=-np.inf)  # [features, neurons, categories]
    explains: NDArray[np.float32] = np.where(
        known.max(axis=0) >= EXPLAINED, known.argmax(axis=0).astype(np.float32), np.float32(np.nan)
    )
    return explains
