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
from mechamap.checks.yardstick import Yardstick
from mechamap.config.scan_config import ScanConfig
from mechamap.errors import Cancelled, UnsupportedModel
from mechamap.events import LayerFinished, Listener
from mechamap.models.loaded import LoadedModel
from mechamap.models.neurons.layers import NeuronLayer
from mechamap.models.unembedding_search import find_unembedding
from mechamap.runs.record import LayerRows
from mechamap.runs.run import Run
from mechamap.scores.directions import HeldOutDirections
from mechamap.scores.held_out import HeldOut
from mechamap.scores.null import ShuffledLabels
from mechamap.scores.ranks import directed_precision
from mechamap.scores.writes import first_tokens
from mechamap.text.carriers import Carriers

__all__ = ["BATCH_TOKENS", "ConfirmSettings", "ConfirmationPass"]


BATCH_TOKENS = {"cpu": 2048}  # of one forward over short sentences; elsewhere as for any text


@dataclass(frozen=True, slots=True)
class ConfirmSettings:
    """How thoroughly to check.

    Attributes:
        permutations: how often word labels are shuffled; p is never below 1 / (1 + permutations).
        splits: random halvings of the words, each used in both directions.
        seed: of both.
    """

    permutations: int = 200
    splits: int = 4
    seed: int = 0


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
    held_out: HeldOut = field(init=False)
    yardstick: Yardstick = field(init=False)
    write_null: ShuffledLabels | None = field(init=False, default=None)
    undefined: str = field(init=False, default="")  # why writes are not checked
    labels: NDArray[np.bool_] = field(init=False)  # [words * templates, categories]
    arrays: dict[str, NDArray[np.float32]] = field(init=False)
    seconds: dict[str, float] = field(init=False, default_factory=lambda: {"pass": 0.0, "score": 0.0, "writes": 0.0})

    def __post_init__(self) -> None:
        shape = self.run.neurons, len(self.config.categories)
        names = ("read", "written", "held_out_auroc", "held_out_ap", "carrier_ap")
        self.arrays = {name: np.full(shape, np.nan, np.float32) for name in names}
        members, settings, threads = self.carriers.words.members, self.settings, torch.get_num_threads()
        templates = self.carriers.templates
        self.labels = np.repeat(members, templates, axis=0)
        self.read_null = ShuffledLabels(members, templates, settings.permutations, settings.seed, threads)
        self.held_out = HeldOut(members, templates, settings.splits, settings.seed, threads)
        directions = HeldOutDirections(members, templates, settings.splits, settings.seed)
        self.yardstick = Yardstick(directions, self.carriers.spans[..., 1])

    def read(self, layers: list[tuple[NeuronLayer, LayerRows]], cancel: threading.Event | None) -> None:
        """Run the model over the sentences and check what its neurons read."""
        started = time.perf_counter()
        rows_of = {layer.layer: rows for layer, rows in layers}

        def on_layer(layer: NeuronLayer, activations: Tensor) -> None:
            scoring = time.perf_counter()
            rows = rows_of[layer.layer]
            self._read_layer(rows, activations)
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

    def _read_layer(self, rows: LayerRows, activations: Tensor) -> None:
        values = _per_occurrence(activations, self.carriers.spans, self.config.pooling)  # [neurons, words * templates]
        bad = ~np.isfinite(values).all(axis=1)  # [neurons]
        values[bad] = 0
        figures = {"read": self.read_null.add(values)}
        figures["held_out_auroc"], figures["held_out_ap"] = self.held_out.add(values, rows.first_row)
        if self.run.has("ap"):
            falls = np.asarray(self.run.figure("selectivity")[rows.rows]) < 0  # [neurons, categories]
            figures["carrier_ap"] = directed_precision(values, self.labels, falls, torch.get_num_threads())
        for name, figure in figures.items():
            figure[bad] = np.nan
            self.arrays[name][rows.rows] = figure

    def write(self, layers: list[tuple[NeuronLayer, LayerRows]], cancel: threading.Event | None) -> None:
        """Check what the neurons write: the words' first tokens, each once, take the place of the occurrences."""
        started = time.perf_counter()
        try:
            unembedding = find_unembedding(self.loaded)
        except UnsupportedModel as reason:
            self.undefined = reason.message
            return
        words = self.carriers.words
        ids = first_tokens(words.words, self.loaded.tokenizer)
        tokens, token_of = np.unique(ids[ids >= 0], return_inverse=True)
        members = np.zeros((len(tokens), words.members.shape[1]), np.bool_)
        np.logical_or.at(members, token_of, words.members[ids >= 0])
        settings = self.settings
        null = ShuffledLabels(members, 1, settings.permutations, settings.seed + 1, torch.get_num_threads())
        with torch.inference_mode():
            directions = unembedding.rows(torch.as_tensor(tokens, device=self.loaded.device))  # [tokens, d_model]
            for layer, rows in layers:
                if cancel is not None and cancel.is_set():
                    raise Cancelled("The confirmation was cancelled; the run is as it was.")
                pieces = unembedding.written_in(layer, self.config.limit_neurons)  # [neurons, d_model]
                # [neurons, tokens]; ranks need no unit
                raised = torch.cat([(piece.to(directions.device) @ directions.T).cpu() for piece in pieces])
                self.arrays["written"][rows.rows] = null.add(raised.numpy())
        self.write_null = null
        self.seconds["writes"] += time.perf_counter() - started

    def figures(self) -> dict[str, NDArray[np.float32]]:
        """What is added to the run."""
        arrays = self.arrays
        write_p = arrays["written"] if self.write_null is None else self.write_null.p(arrays["written"])
        figures = {
            "held_out_auroc": arrays["held_out_auroc"],
            "held_out_ap": arrays["held_out_ap"],
            "p": self.read_null.p(arrays["read"]),
            "write_p": write_p,
        }
        if self.run.has("ap"):  # runs of early versions have none
            words = self.carriers.words.members.sum(axis=0).astype(np.float64)  # [categories]
            figures["carrier_ap"] = arrays["carrier_ap"]
            figures["strength"] = strength(self.run, carriers=TextEvidence(arrays["carrier_ap"], words))
        return figures


def _per_occurrence(activations: Tensor, spans: NDArray[np.intp], pooling: str) -> NDArray[np.float32]:
    """Each word's activation in each sentence, ``[neurons, words * templates]``, from those at the words' positions."""
    first, last = (torch.as_tensor(ends.ravel(), device=activations.device) for ends in (spans[..., 0], spans[..., 1]))
    values = activations.float()  # [positions, neurons]
    if pooling == "last" or bool((first == last).all()):
        pooled = values[last]  # [occurrences, neurons]
    else:
        longest = int((last - first).max()) + 1
        steps = torch.arange(longest, device=values.device)
        positions = torch.minimum(first[:, None] + steps, last[:, None])  # [occurrences, longest]; the last one repeats
        stretches = values[positions]  # [occurrences, longest, neurons]
        if pooling == "max":
            pooled = stretches.amax(dim=1)
        else:
            inside = (first[:, None] + steps <= last[:, None]).unsqueeze(-1)
            pooled = (stretches * inside).sum(dim=1) / inside.sum(dim=1)
    by_neuron: NDArray[np.float32] = pooled.T.contiguous().cpu().numpy()
    return by_neuron
