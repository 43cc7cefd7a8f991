"""The baseline of the largest correlation: how large it gets with a model of the same activations but without neurons.

``rotation`` mixes the neurons of each layer at random, as in "Universal Neurons in GPT2 Language Models" (Gurnee et
al., 2024, arXiv:2401.12181): each row is a sum of the layer's rows with normal weights, so the layer still knows what
it knew about each word, but no neuron is what it was. ``shuffle`` gives the words to the activations in another order,
one order for all neurons: neurons stay what they are, but nothing is about the word it was about.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mechamap.compare.closest.unit_rows import NeuronRows, UnitRows, gathered, standardised, unit_slabs

__all__ = ["baseline_slabs"]


CHUNK = 2048  # rows that are decomposed or drawn at a time


def baseline_slabs(source: NeuronRows, kind: str, rng: np.random.Generator) -> Iterator[UnitRows]:
    """A model's neurons after ``rotation`` or ``shuffle``, in pieces as of :func:`unit_slabs`."""
    if kind == "shuffle":
        order = rng.permutation(source.shape[1])
        for slab in unit_slabs(source):
            slab.values[:] = slab.values[:, order]
            yield slab
        return
    yield from gathered(_rotated(source, rng), source.shape)


def _rotated(source: NeuronRows, rng: np.random.Generator) -> Iterator[UnitRows]:
    """Rows of R X for each layer's activations X, with R normal, drawn without R.

    A row of R X is normal with covariance X'X = T'T, where X = Q T; so rows of Z T with as many normal numbers in a row
    of Z as T has rows are drawn from the same distribution, and R, neurons x neurons, is never made.
    """
    for layer in source.layer_slices:
        triangle = _triangle(source, layer).astype(np.float32)  # [at most words, words]
        for first in range(layer.start, layer.stop, CHUNK):
            count = min(CHUNK, layer.stop - first)
            block = rng.standard_normal((count, len(triangle)), np.float32) @ triangle  # [rows, words]
            yield standardised(block, first)


def _triangle(source: NeuronRows, layer: slice) -> NDArray[np.float64]:
    """T of X = Q T for a layer's activations less their means, some rows at a time; of length 1 at most."""
    words = source.shape[1]
    triangle = np.zeros((0, words))
    for first in range(layer.start, layer.stop, CHUNK):
        block = source.block(slice(first, min(first + CHUNK, layer.stop))).astype(np.float64)  # [rows, words]
        block = block[np.isfinite(block).all(axis=1)]
        block -= block.mean(axis=1, keepdims=True)
        triangle = np.asarray(np.linalg.qr(np.concatenate([triangle, block]), mode="r"))
    return triangle / max(float(np.abs(triangle).max(initial=0.0)), np.finfo(np.float64).tiny)
