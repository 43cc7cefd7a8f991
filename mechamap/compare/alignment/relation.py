"""What two runs have in common: whether their neurons are the same ones, which of them, and which categories.

Two runs are of the *same* neurons where architecture and layers agree: checkpoints of one model, a fine-tuned one and
its base, one in two number formats, one over two texts. Then neurons are compared by name. Everything else is
*different*: its neurons have no counterpart by name, and shares, depths and closest neurons are compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mechamap.errors import UsageError
from mechamap.query.evaluate import matching
from mechamap.runs.layout import layers_in_words, model_layers
from mechamap.runs.record import LayerRows
from mechamap.runs.run import Run
from mechamap.wording.advice import AS_SAME, Action, Advice
from mechamap.wording.amounts import layer_ranges

__all__ = ["CompareAs", "Relation", "relation_of"]


CompareAs: TypeAlias = Literal["auto", "same", "different"]


@dataclass(frozen=True)
class Relation:
    """What run ``a`` and run ``b`` have in common.

    Attributes:
        same: whether neurons are compared by name.
        rows_a, rows_b: rows of the neurons that both have, paired, in the order of ``a``, ``[common]``; none where the
            models are different.
        categories: in both, in the order of ``a``.
        remarks: what is left out, a sentence each.
    """

    a: Run
    b: Run
    same: bool
    rows_a: NDArray[np.int64]
    rows_b: NDArray[np.int64]
    categories: tuple[str, ...]
    remarks: tuple[str, ...]

    def condition(self, place: int) -> str | None:
        """The filter that keeps the neurons in common of run 0 or 1; empty where that is all, None where none does."""
        run, rows = ((self.a, self.rows_a), (self.b, self.rows_b))[place]
        in_common = np.zeros(run.neurons, np.bool_)
        in_common[rows] = True
        text = _filter(run, in_common)
        kept = matching(run, text) if text else run.complete_rows
        return text if np.array_equal(kept, in_common) else None


def relation_of(a: Run, b: Run, compare_as: CompareAs = "auto") -> Relation:
    """Determine what two runs have in common.

    Args:
        compare_as: compare them as the same neurons or as different models, whatever they look like.

    Raises:
        UsageError: there is nothing to compare; it says what each has.
    """
    why_not = _difference(a, b)
    same = compare_as == "same" or (compare_as == "auto" and not why_not)
    remarks = [f"{run.name}: {problem}" for run in (a, b) if run.is_csv for problem in run.record.problems]
    remarks += _category_remarks(a, b)
    rows_a, rows_b = _common(a, b) if same else (np.zeros(0, np.int64), np.zeros(0, np.int64))
    if same and not len(rows_a):
        raise UsageError(
            f"{a.name} and {b.name} have no neuron in common: {_has(a)}, {_has(b)}.",
            Advice.of("{} compares them by depth and shares.", Action("compare --as different")),
        )
    if same:
        if why_not:
            remarks.append(f"{why_not} Neurons of the same name may be unrelated.")
        remarks += _left_out(a, b, rows_a, rows_b)
    elif not why_not:
        remarks.append(f"The layers have the same shape; `{AS_SAME}` compares them neuron by neuron.")
    elif _could_be_same(a, b):
        remarks.append(f"{why_not} `{AS_SAME}` compares them neuron by neuron anyway.")
    categories = tuple(name for name in a.categories if name in b.categories)
    return Relation(a, b, same, rows_a, rows_b, categories, tuple(remarks))


def _difference(a: Run, b: Run) -> str:
    """Why the neurons are not the same ones, in a sentence; empty where they are."""
    first, second = a.record.model, b.record.model
    if a.is_csv or b.is_csv:
        # A CSV is matched by its model's name, or, where it has none, by listing the very same neurons.
        if first.label.casefold() == second.label.casefold() or ((_unnamed(a) or _unnamed(b)) and _all_the_same(a, b)):
            return ""
        return f"A CSV records at most its model's name, and the names differ: {first.label} and {second.label}."
    if first.architecture != second.architecture:
        return f"The architectures differ: {first.architecture} and {second.architecture}."
    if model_layers(a) != model_layers(b):
        return f"The models have {model_layers(a)} and {model_layers(b)} layers."
    others = {layer.layer: layer for layer in b.layers}
    for layer in a.layers:
        other = others.get(layer.layer, layer)
        if _shape(layer) != _shape(other):
            return f"Layer {layer.layer} has {layer.d_mlp:,} neurons in one and {other.d_mlp:,} in the other."
    return ""


def _unnamed(run: Run) -> bool:
    """Whether the run is a CSV that does not name its model and is therefore named after the file."""
    return run.is_csv and not run.record.model.id


def _all_the_same(a: Run, b: Run) -> bool:
    pairs = ((a.layer_of, b.layer_of), (a.expert_of, b.expert_of), (a.index_of, b.index_of))
    return all(np.array_equal(one, other) for one, other in pairs)


def _shape(layer: LayerRows) -> tuple[object, ...]:
    """A layer's shape in the model, however many of its neurons the run has."""
    return layer.d_mlp, layer.experts, layer.side


def _could_be_same(a: Run, b: Run) -> bool:
    """Whether nothing but the architecture, or a CSV's name, differs."""
    shapes = {layer.layer: _shape(layer) for layer in b.layers}
    csv = a.is_csv or b.is_csv
    return csv or (
        model_layers(a) == model_layers(b)
        and all(_shape(layer) == shapes.get(layer.layer, _shape(layer)) for layer in a.layers)
    )


def _common(a: Run, b: Run) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of the neurons that both have in complete layers, paired, ``[common]`` each."""
    size = 1 + max(int(run.index_of.max(initial=0)) for run in (a, b))
    experts = 2 + max(int(run.expert_of.max(initial=-1)) for run in (a, b))
    keys = [
        (run.layer_of.astype(np.int64) * experts + run.expert_of + 1) * size + run.index_of for run in (a, b)
    ]  # [neurons]
    rows = [np.flatnonzero(run.complete_rows) for run in (a, b)]
    _, at_a, at_b = np.intersect1d(keys[0][rows[0]], keys[1][rows[1]], assume_unique=True, return_indices=True)
    order = np.argsort(at_a)
    return rows[0][at_a[order]], rows[1][at_b[order]]


def _category_remarks(a: Run, b: Run) -> list[str]:
    remarks = []
    for run, other in ((a, b), (b, a)):
        only = [name for name in run.categories if name not in other.categories]
        if only and len(only) < len(run.categories):
            remarks.append(f"Only {run.name} has {', '.join(only)}: left out.")
    if not set(a.categories) & set(b.categories):
        remarks.append(
            f"The runs have no category in common: {a.name} has {', '.join(a.categories) or 'none'}; "
            f"{b.name} has {', '.join(b.categories) or 'none'}."
        )
    return remarks


def _left_out(a: Run, b: Run, rows_a: NDArray[np.int64], rows_b: NDArray[np.int64]) -> list[str]:
    """Which neurons only one of the runs has."""
    remarks = []
    for run, rows in ((a, rows_a), (b, rows_b)):
        if len(rows) < run.neurons:
            layers = set(run.layer_of[rows].tolist())
            where = f"{'layer' if len(layers) == 1 else 'layers'} {layer_ranges(layers)}"
            remarks.append(
                f"Of the {run.neurons:,} neurons of {run.name}, the other run has {len(rows):,}, in {where}; only "
                "these are compared."
            )
    return remarks


def _has(run: Run) -> str:
    layers = layers_in_words(run.complete_layers)
    return f"{run.name} has layers {layers}" if layers else f"{run.name} has no complete layer"


def _filter(run: Run, mask: NDArray[np.bool_]) -> str:
    """A filter by layer and number that may keep exactly the neurons of a mask, bool ``[neurons]``."""
    conditions = []
    layers = sorted(set(run.layer_of[mask].tolist()))
    complete = [layer.layer for layer in run.complete_layers]
    if layers != complete:
        ranges = [part.partition("-") for part in layer_ranges(layers).split(",")]
        parts = [f"layer >= {first} and layer <= {last}" if last else f"layer == {first}" for first, _, last in ranges]
        conditions.append(parts[0] if len(parts) == 1 else "(" + " or ".join(parts) + ")")
    kept = np.isin(run.layer_of, layers) & run.complete_rows
    if not np.array_equal(kept, mask) and mask.any():
        conditions.append(f"neuron <= {int(run.index_of[mask].max())}")
    return " and ".join(conditions)
