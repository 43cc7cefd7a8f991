"""Two sentences compared position by position: which neurons does the change move most."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mechamap.capture.hooked_pass import PassSettings, capture_parts
from mechamap.capture.rerun import layers_of_run
from mechamap.errors import TextError
from mechamap.models.loading.trouble import translated
from mechamap.models.neurons.activations import Activations
from mechamap.models.neurons.layers import NeuronLayer
from mechamap.probe.alignment import Alignment, aligned
from mechamap.probe.best_category import BestCategories
from mechamap.probe.blocks import values_at
from mechamap.probe.prompt import Prompt
from mechamap.probe.reference import Reference
from mechamap.probe.subject import Subject
from mechamap.probe.usual_text import complete_row, joined
from mechamap.protocol.probed import Moved, Moves, NeuronValues
from mechamap.runs.run import Run

__all__ = ["compare_prompts"]


_VALUES_AT_ONCE = 2**24


def compare_prompts(
    subject: Subject,
    prompts: tuple[Prompt, Prompt],
    names: Sequence[str] = (),
    *,
    count: int = 20,
    cancel: threading.Event | None = None,
) -> Moves:
    """The neurons that differ most between two texts, and the differences of some chosen ones.

    A difference is the activation in the second text less that in the first, in standard deviations of the neuron over
    the reference. Each neuron is listed once, with the pair of tokens where it differs most; special tokens and first
    positions are left out. Neurons that do not vary in the reference are left out too.

    Args:
        names: neurons of the run whose differences at every pair are wanted.
        count: how many neurons.

    Raises:
        Cancelled: ``cancel`` was set.
        TextError: no token of one text stands opposite one of the other.
        UsageError: there is no run, or it has no such neuron.
    """
    searched = subject.of_run()
    run, loaded = searched.run, searched.loaded
    first, second = (prompt.tokenized for prompt in prompts)
    alignment = aligned(first.ids.tolist(), second.ids.tolist())
    pairs = [pair for pair in alignment.pairs if first.scored[pair[0]] and second.scored[pair[1]]]
    if not pairs:
        raise TextError(
            "No token of one text stands opposite a token of the other.", "Change a word, and leave the rest as it is."
        )
    rows = [complete_row(run, name) for name in names]
    search = _Search(run, searched.reference, np.array(pairs, np.int64), (len(first.ids), len(second.ids)), rows, count)
    settings = PassSettings(cancel=cancel, batch_tokens=1)
    layers = [layer for layer, _ in layers_of_run(run, loaded)]
    with translated(loaded.id):
        capture_parts(loaded, joined([first, second]), layers, search.on_layer, settings)
    changed = [bool(first.ids[one] != second.ids[other]) for one, other in pairs]
    return search.answer(prompts, Alignment(tuple(pairs), alignment.by_position), changed)


@dataclass(slots=True)
class _Search:
    """What is kept while layers pass.

    Attributes:
        pairs: ``[pairs, 2]``, positions in either text.
        lengths: tokens of either text; those of the second follow those of the first.
        rows: neurons that were asked about.
    """

    run: Run
    reference: Reference
    pairs: NDArray[np.int64]
    lengths: tuple[int, int]
    rows: list[int]
    count: int
    found: list[tuple[float, int, int, float, float]] = field(default_factory=list)
    asked: dict[int, NDArray[np.float32]] = field(default_factory=dict)

    def on_layer(self, layer: NeuronLayer, parts: tuple[Activations, ...]) -> None:
        place = self.run.layer_rows(layer.layer)
        device = parts[0].values.device
        std = torch.from_numpy(np.array(self.reference.std[place.rows], np.float32)).to(device)  # [neurons]
        usable = torch.isfinite(std) & (std > 0)
        best = torch.zeros(len(std), device=device)  # [neurons] difference of the largest size, signed
        where = torch.zeros(len(std), dtype=torch.long, device=device)
        ends = torch.zeros(2, len(std), device=device)  # the activations there
        asked = [row - place.first_row for row in self.rows if row in range(place.rows.start, place.rows.stop)]
        series: list[Tensor] = []
        step = max(_VALUES_AT_ONCE // (2 * len(std)), 1)
        for start in range(0, len(self.pairs), step):
            one, other = self._at(layer, parts, slice(start, start + step), device)  # [pairs, neurons] each
            change = torch.where(usable, (other - one) / std, 0.0).nan_to_num(0.0, 0.0, 0.0)
            size, at = change.abs().max(dim=0)  # [neurons]
            larger = size > best.abs()
            best = torch.where(larger, change.gather(0, at[None])[0], best)
            both = torch.stack([one.gather(0, at[None])[0], other.gather(0, at[None])[0]])
            ends = torch.where(larger, both, ends)
            where = torch.where(larger, at + start, where)
            series.append(change[:, asked])
        top = best.abs().topk(min(self.count, len(best))).indices
        self.found += zip(
            best[top].tolist(),
            (top + place.first_row).tolist(),
            where[top].tolist(),
            ends[0, top].tolist(),
            ends[1, top].tolist(),
            strict=True,
        )
        whole = torch.cat(series).cpu().numpy()  # [pairs, asked]
        self.asked |= {index + place.first_row: whole[:, column] for column, index in enumerate(asked)}

    def _at(
        self, layer: NeuronLayer, parts: Sequence[Activations], chosen: slice, device: torch.device
    ) -> tuple[Tensor, Tensor]:
        positions, limit = sum(self.lengths), self.run.config.limit_neurons
        one, other = (
            values_at(layer, parts, torch.from_numpy(rows).to(device), positions, limit)
            for rows in (self.pairs[chosen, 0], self.pairs[chosen, 1] + self.lengths[0])
        )
        return one, other

    def answer(self, prompts: tuple[Prompt, Prompt], alignment: Alignment, changed: Sequence[bool]) -> Moves:
        self.found.sort(key=lambda entry: -abs(entry[0]))
        kept = [entry for entry in self.found[: self.count] if entry[0]]
        best = BestCategories(self.run)
        categories = best.of([row for _, row, *_ in kept])
        return Moves(
            prompts[0].message(),
            prompts[1].message(),
            alignment.pairs,
            alignment.by_position,
            tuple(
                Moved(
                    str(self.run.neuron_name(row)),
                    pair,
                    first,
                    second,
                    change,
                    changed[pair],
                    category.category,
                    category.score,
                    category.reads,
                )
                for (change, row, pair, first, second), category in zip(kept, categories, strict=True)
            ),
            tuple(NeuronValues(str(self.run.neuron_name(row)), tuple(self.asked[row].tolist())) for row in self.rows),
            self.reference.words,
            best.figure,
            tuple(note for note in (*(prompt.cut for prompt in prompts), self.reference.remark) if note),
        )
