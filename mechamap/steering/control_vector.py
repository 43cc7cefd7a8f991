"""Steering as a control vector for llama.cpp: a GGUF file with what the neurons add to the residual stream.

llama.cpp adds the tensor ``direction.N`` to the output of block N, counted from 0, at every token (``build_cvec``
behind a block's last addition). So the vector of a layer is the sum of its neurons' output weights, each times what is
added to its activation. Its first block has no direction: the loader refuses ``direction.0``. llama.cpp steers the BOS
too, where a ladder does not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray

from mechamap.errors import ExportError, MissingExtra, UnsupportedModel, UsageError
from mechamap.exports.target import check_target, write_whole
from mechamap.models.loaded import LoadedModel
from mechamap.models.proof import prove
from mechamap.protocol.steering import Ladder
from mechamap.runs.neuron_names import parse_neuron
from mechamap.runs.scanned import LayerProof
from mechamap.steering.hooks import NeuronChange, layer_numbered
from mechamap.takeaway.step import step_of

__all__ = ["control_directions", "ladder_vector", "write_control_vector"]


_ROUNDED = 1e-3  # of a factor that is 1

# What llama.cpp calls architectures that transformers calls otherwise; a hint that the file carries, no more.
_LLAMA_CPP = {"mistral": "llama", "gpt_neox": "gptneox", "gpt_bigcode": "starcoder", "qwen2_moe": "qwen2moe"}


def control_directions(loaded: LoadedModel, changes: Sequence[NeuronChange]) -> dict[int, NDArray[np.float32]]:
    """What changes add to the output of each block, ``[d_model]`` by layer.

    Args:
        changes: additions of dense neurons.

    Raises:
        UsageError: a change is no addition or not finite, a neuron is in the first block or an expert's.
        UnsupportedModel: a block does more with the output of its MLP than add it.
    """
    for change in changes:
        _refuse_unsayable(change)
    scales = _scales(loaded, {change.neuron.layer for change in changes})
    directions: dict[int, NDArray[np.float32]] = {}
    for change in changes:
        name = change.neuron
        part, place = layer_numbered(loaded, name.layer).part_of(name.index, name.expert)
        with torch.inference_mode():
            written = part.weight()[place].double().cpu().numpy()  # [d_model]
        added = scales[name.layer] * change.value * written
        before = directions.get(name.layer)
        directions[name.layer] = np.asarray(added if before is None else before + added, np.float32)
    return directions


def _refuse_unsayable(change: NeuronChange) -> None:
    """Refuse a change that no vector can make."""
    name = change.neuron
    if not change.adds:
        raise UsageError("A control vector adds to the stream; it cannot hold neurons at a value.", "Use mode add.")
    if not math.isfinite(change.value):
        raise UsageError(f"What would be added to {name} is not finite.")
    if name.expert >= 0:
        raise UsageError(f"{name} is an expert's neuron: what it adds depends on the router, token by token.")
    if name.layer == 0:
        raise UsageError(
            f"{name} is in the first block, behind which llama.cpp adds no control vector.",
            "Leave the neurons of layer 0 out.",
        )


def write_control_vector(
    path: Path, loaded: LoadedModel, directions: dict[int, NDArray[np.float32]], *, overwrite: bool = False
) -> Path:
    """Write directions as a GGUF file that ``llama-cli --control-vector`` reads; returns where.

    Raises:
        ExportError: the file exists, or cannot be written.
        MissingExtra: the package gguf is not installed.
    """
    try:
        from gguf import GGUFWriter
    except ImportError:
        raise MissingExtra(
            "Writing a control vector needs the package gguf.", "Install it: pip install 'mechamap[gguf]'"
        ) from None
    if not all(np.isfinite(direction).all() for direction in directions.values()):
        raise ExportError("The control vector is not finite.", "Choose a smaller strength.")
    target = check_target(path, overwrite=overwrite)
    hint = _LLAMA_CPP.get(loaded.architecture, loaded.architecture)

    with TemporaryDirectory() as folder:  # the writer takes a path, not a stream
        file = Path(folder) / "vector.gguf"
        writer = GGUFWriter(file, "controlvector")
        writer.add_string("controlvector.model_hint", hint)
        writer.add_int32("controlvector.layer_count", loaded.n_layers - 1)
        for layer in sorted(directions):
            writer.add_tensor(f"direction.{layer}", directions[layer])
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        data = file.read_bytes()
    write_whole(target, lambda stream: stream.write(data), overwrite=overwrite)
    return target


def ladder_vector(
    path: Path, loaded: LoadedModel, ladder: Ladder, strength: float | None = None, *, overwrite: bool = False
) -> float:
    """Write what a ladder adds at a strength (its last where not given) as a control vector; returns the strength.

    Raises:
        UsageError, UnsupportedModel, ExportError, MissingExtra: see the functions above; the ladder does not add at all
            tokens.
    """
    if ladder.where != "all":
        raise UsageError("A control vector adds at all tokens; this ladder does not.", "Steer all tokens.")
    step = step_of(ladder, strength)
    names = (parse_neuron(neuron.neuron) for neuron in ladder.neurons)
    changes = [NeuronChange(name, each.value, step.adds) for name, each in zip(names, step.amounts, strict=True)]
    write_control_vector(path, loaded, control_directions(loaded, changes), overwrite=overwrite)
    assert step.strength is not None  # of a ladder that adds
    return step.strength


def _scales(loaded: LoadedModel, layers: set[int]) -> dict[int, float]:
    """The factor with which each block adds the output of its MLP, as the proof finds it."""
    scales: dict[int, float] = {}
    for proof in prove(loaded):
        if proof.layer not in layers:
            continue
        if proof.scale is None or proof.changed_by or proof.times not in ("", "number"):
            raise UnsupportedModel(
                f"Block {proof.layer} of {loaded.label} does more with the output of its MLP than add it"
                f"{_through(proof)}, so no one vector does what its neurons do.",
                "Take it away as Python instead.",
            )
        scales[proof.layer] = 1.0 if abs(proof.scale - 1) < _ROUNDED else proof.scale
    return scales


def _through(proof: LayerProof) -> str:
    return f" (it passes {', '.join(proof.changed_by)})" if proof.changed_by else ""
