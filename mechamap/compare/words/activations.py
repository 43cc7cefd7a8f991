"""A model's activations over the words of a text, ``[neurons, words]``, the same words for every model.

They come from a run that kept its activations (:func:`kept_words`, without torch) or from the model, run again over the
run's text or another one (:func:`mechamap.compare.word_pass.read_words`). An expert's neuron is 0 at a word whose last
token was not routed to it: it added nothing there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mechamap.capture.rerun import occurrences_of_run, text_of_run
from mechamap.compare.words.placements import PlacedWords, Placing
from mechamap.compare.words.scratch_array import empty_rows
from mechamap.compare.words.words import Words, common_words, run_words
from mechamap.errors import RunError
from mechamap.runs.layout import layout_of
from mechamap.runs.record import LayerRows
from mechamap.runs.run import Run

__all__ = ["ModelWords", "aligned", "empty_activations", "kept_words", "placing_of_run"]


@dataclass(frozen=True)
class ModelWords:
    """The activations of a run's neurons over words; row for row the run's neurons, NaN where a layer is not complete.

    Attributes:
        words: all words of the text, with the model's positions.
        numbers: ``[words here]``, which of them the columns are.
        columns: ``[words here]``, where they stand in ``values``.
        values: ``[neurons, words that the model read]`` float32, in memory or in a temporary file.
        placed: the placements of the categories' words, where they were asked for.
    """

    run: Run
    words: Words
    numbers: NDArray[np.intp]
    columns: NDArray[np.intp]
    values: NDArray[np.float32]
    placed: PlacedWords | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Neurons and words."""
        return len(self.values), len(self.columns)

    @property
    def layers(self) -> tuple[LayerRows, ...]:
        """The complete layers."""
        return self.run.complete_layers

    @property
    def layer_slices(self) -> tuple[slice, ...]:
        """The rows of each of them."""
        return tuple(layer.rows for layer in self.layers)

    @property
    def strings(self) -> tuple[str, ...]:
        """The words here as they are written."""
        strings = self.words.strings
        return tuple(strings[number] for number in self.numbers.tolist())

    def block(self, rows: slice | NDArray[np.intp]) -> NDArray[np.float32]:
        """Some neurons' activations, ``[rows, words]``, a copy."""
        values: NDArray[np.float32] = np.array(self.values[rows], np.float32)
        return values if len(self.columns) == values.shape[1] else values[:, self.columns]

    def at(self, numbers: NDArray[np.intp]) -> ModelWords:
        """Only those words, which must be among those here."""
        places = np.searchsorted(self.numbers, numbers)
        return replace(self, numbers=numbers, columns=self.columns[places])


def aligned(a: ModelWords, b: ModelWords) -> tuple[ModelWords, ModelWords]:
    """Both over the words that both have, in the same order.

    Raises:
        UsageError: they are about different texts, or have no word in common.
    """
    both = common_words(a.words, b.words)
    return a.at(both), b.at(both)


def kept_words(run: Run, *, placements: bool = False) -> ModelWords:
    """Word activations of a run that kept its activations, in float16: what was beyond it is cut to its largest value.

    Args:
        placements: whether to work out those of the categories' words too; of an expert a token counts as routed to it
            where any of its neurons is not zero.

    Raises:
        RunError: they are not kept, or the run has no text.
    """
    words = run_words(run)
    numbers = np.flatnonzero(words.positions >= 0)
    positions = words.positions[numbers]  # [words]
    values = empty_activations(run, len(numbers))
    placing = placing_of_run(run) if placements else None
    for layer in run.complete_layers:
        kept = run.activations(layer.layer)
        if kept is None:
            raise RunError(f"{run.name} does not keep the activations of layer {layer.layer}.", "Load its model.")
        for first in range(0, layer.width, 1024):
            part = slice(first, min(first + 1024, layer.width))
            values[layer.first_row + part.start : layer.first_row + part.stop] = kept[part][:, positions]
        if placing is not None:
            _place_kept(placing, layer, kept)
    placed = placing.placed() if placing is not None else None
    return ModelWords(run, words, numbers, np.arange(len(numbers)), values, placed)


def _place_kept(placing: Placing, layer: LayerRows, kept: NDArray[np.float16]) -> None:
    """Add a layer's placements, expert by expert."""
    layout = layout_of(layer)
    scored = placing.plan.positions
    pieces = [slice(0, layout.shared)] if layout.shared else []
    pieces += [
        slice(first, first + layout.each)
        for first in range(layout.shared, layout.shared + layout.experts * layout.each, max(layout.each, 1))
    ]
    for number, piece in enumerate(pieces):
        routed = number > 0 or not layout.shared  # shared experts, which see every token, are one piece in front
        step = piece.stop - piece.start if routed else 1024
        for first in range(piece.start, piece.stop, step):
            part = slice(first, min(first + step, piece.stop))
            values = kept[part][:, scored].astype(np.float32)  # [neurons, scored]
            rows = slice(layer.first_row + part.start, layer.first_row + part.stop)
            if routed:
                came = np.flatnonzero((values != 0).any(axis=0))
                placing.add(rows, values[:, came], came)
            else:
                placing.add(rows, values)


def placing_of_run(run: Run) -> Placing:
    """What works out placements of a run's own categories in its own text."""
    return Placing(
        text_of_run(run),
        occurrences_of_run(run),
        {category.name: category.words for category in run.config.categories},
        pooling=run.config.pooling,
        neurons=run.neurons,
        routed=run.has("occurrences"),
    )


def empty_activations(run: Run, words: int) -> NDArray[np.float32]:
    """Room for a run's word activations, ``[neurons, words]``: NaN, unless its layer is complete and will be filled in.

    Raises:
        RunError: it is too much for memory, and there is no room for a temporary file.
    """
    values = empty_rows(run.neurons, words)
    for layer in set(run.layers) - set(run.complete_layers):
        values[layer.rows] = np.nan
    return values
