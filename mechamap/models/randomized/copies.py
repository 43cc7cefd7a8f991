"""A loaded model made random in one of three ways, for searches that should find nothing.

Two ways change weights, and do it in a copy; the third leaves the model alone and looks at it from another side.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mechamap.config.choices import RANDOMIZE
from mechamap.errors import OutOfMemory, UnsupportedModel
from mechamap.models.loading.trouble import quiet_transformers, translated
from mechamap.models.randomized.basis import rotated_layers
from mechamap.models.randomized.weights import permute, reinitialize
from mechamap.system.memory import free_memory
from mechamap.wording.amounts import size

if TYPE_CHECKING:
    from torch import nn

    from mechamap.models.loaded import LoadedModel

__all__ = ["copied_bytes", "randomized_model"]


_CHANGES: dict[str, Callable[[Any, int], None]] = {"weights": permute, "layers": reinitialize}


def randomized_model(loaded: LoadedModel, way: str, seed: int) -> LoadedModel:
    """A random counterpart of a model, which itself stays as it is, whatever happens.

    Args:
        loaded: the model.
        way: one of :data:`mechamap.config.choices.RANDOMIZE`: ``weights``, a copy in which the entries of every weight
            matrix are shuffled; ``layers``, a copy whose weights are initialized as before training; ``basis``, the
            model itself with every layer's neurons in a randomly rotated basis.
        seed: of the shuffling, the initialization or the rotation.

    Raises:
        OutOfMemory: there is no room for a copy.
        UnsupportedModel: its weights are packed or elsewhere, so that a copy cannot be changed.
        ModelError: the model cannot be copied or initialized.
    """
    if way not in RANDOMIZE:
        raise ValueError(f"{way} is not one of {', '.join(RANDOMIZE)}")
    if way == "basis":
        return replace(loaded, layers=rotated_layers(loaded.layers, seed))
    _refuse(loaded, way)
    with translated(loaded.id), quiet_transformers():
        # together, so that the layers of the copy hold the modules of the copy
        model, layers = copy.deepcopy((loaded.model, loaded.layers))
        _CHANGES[way](model, seed)
    return replace(loaded, model=model, layers=layers)


def copied_bytes(loaded: LoadedModel, way: str) -> int:
    """Bytes that :func:`randomized_model` takes beside the model; the most of them at a time.

    Initialization builds a second model, in float32, until its weights are taken.
    """
    if way == "basis":
        return 0
    return _bytes_of(loaded.model) + (4 * loaded.parameters if way == "layers" else 0)


def _bytes_of(model: nn.Module) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in (*model.parameters(), *model.buffers()))


def _refuse(loaded: LoadedModel, way: str) -> None:
    """Refuse a model whose weights a copy cannot hold."""
    if loaded.packing:
        raise UnsupportedModel(
            f"The weights of {loaded.label} are packed ({loaded.packing}), so they cannot be randomized ({way}).",
            "A rotated basis works, or the model with its weights unpacked.",
        )
    if any(weights.is_meta for weights in loaded.model.parameters()):
        raise UnsupportedModel(
            f"Not all weights of {loaded.label} are in memory, so they cannot be randomized ({way}).",
            "A rotated basis works, or a device that holds the whole model.",
        )
    needed, free = copied_bytes(loaded, way), free_memory()
    if loaded.device.type == "cpu" and free is not None and needed > free:
        raise OutOfMemory(
            f"A randomized copy of {loaded.label} ({way}) takes {size(needed)}; {size(free)} are free.",
            "A rotated basis takes no copy; or close other programs that use the memory.",
        )
