"""The capture proof: that what a hook sees at each layer really is that layer's neurons.

A wrong neuron basis gives plausible numbers that mean nothing, so every load is checked on a few tokens. One forward
reads them several times side by side: in the first row nothing is changed; in each other row one part of every layer
has its neurons at zero, and what every block is given is put back to what the first row's was, so that each layer is
checked on its own. For each part of a layer:

1. Width: it runs as often as it should, and its input is as wide as the config says.
2. Rebuild: activations times output weights plus bias are its output. Fused experts, which are computed by code of
   this program, are computed by the model's own code too.
3. Zero: with all its neurons at zero its bias remains of its output.
4. Removal: what leaves the block then lacks exactly what the neurons had contributed, followed through whatever the
   block does with it (:mod:`mechamap.models.proof_removal`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

from mechamap.errors import ModelError, UnsupportedModel
from mechamap.models.config_keys import config_widths
from mechamap.models.neurons.layers import NeuronPart
from mechamap.models.neurons.not_finite import why_not_finite
from mechamap.models.neurons.weights import packing_tolerance
from mechamap.models.proof_forward import TracedPart, trace_forward
from mechamap.models.proof_removal import trace_contribution
from mechamap.models.reading import inputs_to_try
from mechamap.runs.scanned import LayerProof

if TYPE_CHECKING:
    from mechamap.models.loaded import LoadedModel

__all__ = ["TOLERANCE", "prove"]


# How far values may be apart that are the same but for rounding, of the largest of them, by number format.
TOLERANCE = {"float32": 1e-4, "bfloat16": 3e-2, "float16": 5e-3}
_HINT = "The neurons of this model are not where MechaMap expects them; a scan would be wrong."


def prove(loaded: LoadedModel) -> tuple[LayerProof, ...]:
    """Check the capture of every layer, part by part. Leaves no hook behind, whatever happens.

    A layer whose activations are not finite in the model's number format cannot be checked, and neither can the layers
    behind it, whose inputs are not finite either; their proofs say so.

    Raises:
        UnsupportedModel: a layer fails; the message says what was expected and what was seen.
        ModelError: the model cannot run on this device and in this format, or no layer is finite.
        OutOfMemory: not even a few tokens fit.
    """
    inputs = inputs_to_try(loaded)
    seen = trace_forward(loaded, inputs)
    with torch.inference_mode():
        proofs = [
            _prove_part(loaded, TracedPart(layer, part, seen), number + 1)
            for layer in loaded.layers
            for number, part in enumerate(layer.parts)
        ]
        proofs = _traced(loaded, inputs, proofs)
    if not any(proof.finite for proof in proofs):
        why = why_not_finite(loaded)
        raise ModelError(
            f"{_at(loaded, loaded.layers[0].layer, proofs[0].path)}: its activations are NaN or infinite in "
            f"{_name(loaded.dtype)}, and so are those of all layers. {why.weights}".rstrip(),
            why.hint,
        )
    return tuple(proofs)


def _prove_part(loaded: LoadedModel, sight: TracedPart, row: int) -> LayerProof:
    """Compare what one part's hooks saw; ``row`` has its neurons at zero."""
    layer, part = sight.layer, sight.part
    where = _at(loaded, layer.layer, part.path)
    if sight.runs != layer.calls:
        times = "once" if layer.calls == 1 else f"{layer.calls} times"
        raise UnsupportedModel(
            f"{where}: expected it to run {times} in a forward, but it ran {sight.runs} times.", _HINT
        )
    seen = sight.call.activations
    width = seen.values.shape[-1]
    expected = _expected_width(loaded, part)
    if width != part.width or (expected is not None and width != expected):
        wanted = part.width if expected is None else expected
        raise UnsupportedModel(f"{where}: expected {wanted:,} neurons, but the hook saw {width:,}.", _HINT)
    proof = LayerProof(
        layer=layer.layer,
        path=part.path,
        width=width,
        expected_width=expected,
        experts=part.experts,
        tokens=sight.tokens,
        finite=bool(seen.values.isfinite().all() and sight.call.output.isfinite().all()),
        times="number",
        tolerance=max(TOLERANCE.get(_name(loaded.dtype), 5e-3), packing_tolerance(part.module)),
    )
    if not proof.finite:
        return proof
    proof = replace(proof, **_errors(sight, row))
    for error, what in (
        (proof.rebuild_error, "activations times output weights plus bias to be its output"),
        (proof.own_error, "its output to be what the model's own code computes"),
        (proof.zero_error, "its output to be its bias once all neurons are zero"),
    ):
        if error is not None and not error <= proof.tolerance:
            raise UnsupportedModel(f"{where}: expected {what} within {proof.tolerance:g}, but saw {error:.3g}.", _HINT)
    return replace(proof, **_removal(sight, row, proof.tolerance))


def _errors(sight: TracedPart, row: int) -> dict[str, Any]:
    """How far the output is from what the weights make of the activations, untouched and at zero."""
    seen, output, fused, tokens = sight.call.activations, sight.output, sight.part.fused, sight.tokens
    if fused is None:
        weight, bias = sight.part.weight(), sight.part.bias()  # [d_mlp, d_model], [d_model]
        rebuilt = seen.values[:tokens].to(weight.dtype) @ weight  # [tokens, d_model]
        zeroed = torch.zeros_like(rebuilt)
        if bias is not None:
            rebuilt, zeroed = rebuilt + bias, zeroed + bias
    else:
        arguments = sight.call.arguments
        token_of = seen.tokens if seen.tokens is not None else torch.arange(len(seen.values), device=output.device)
        changed = replace(seen, values=torch.where((token_of // tokens == row)[:, None], 0, seen.values))
        whole = fused.per_token(arguments, fused.rebuilt(arguments, changed), seen)
        rebuilt, zeroed = whole[:tokens], whole[row * tokens : (row + 1) * tokens]
    first, without_neurons = sight.row(0), sight.row(row)
    scale = float(first.abs().max()) or 1.0
    own_error = None
    if fused is not None:
        own_error = fused.differs(sight.call.arguments, fused.rebuilt(sight.call.arguments, seen))
    return {
        "rebuild_error": float((rebuilt.float().to(first.device) - first).abs().max()) / scale,
        "zero_error": float((zeroed.float().to(first.device) - without_neurons).abs().max()) / scale,
        "own_error": own_error,
    }


def _removal(sight: TracedPart, row: int, tolerance: float) -> dict[str, Any]:
    """The members of the proof about the removal; without an error where the block does more than add."""
    rows = (row,) if sight.seen.halves is None else (row, row + sight.seen.halves)
    lacking = {row: sight.row(0) - sight.row(row) for row in rows}
    trace = trace_contribution(sight.block, lacking, sight.seen.rows, tolerance)
    if trace is None:
        return {}
    return {
        "removal_error": trace.error,
        "scale": trace.scale,
        "through": trace.through,
        "changed_by": trace.changed_by,
        "times": trace.times,
    }


def _traced(loaded: LoadedModel, inputs: dict[str, Any], proofs: list[LayerProof]) -> list[LayerProof]:
    """The proofs, with the removal of those where the block does more with the contribution than add it.

    For these, another forward is run in which every module of their blocks is watched.
    """
    blocks = {layer.layer: layer.block for layer in loaded.layers}
    todo = [proof for proof in proofs if proof.finite and proof.removal_error is None]
    if not todo:
        return proofs
    seen = trace_forward(loaded, inputs, frozenset(blocks[proof.layer] for proof in todo))
    done: list[LayerProof] = []
    for layer in loaded.layers:
        for number, part in enumerate(layer.parts):
            proof = proofs[len(done)]
            if proof.finite and proof.removal_error is None:
                proof = replace(proof, **_removal(TracedPart(layer, part, seen), number + 1, proof.tolerance))
                if proof.removal_error is None:
                    raise UnsupportedModel(
                        f"{_at(loaded, layer.layer, part.path)}: expected the block {layer.block} to lack exactly what "
                        "the neurons contribute once they are zero, but it lacks something else.",
                        _HINT,
                    )
            done.append(proof)
    return done


def _expected_width(loaded: LoadedModel, part: NeuronPart) -> int | None:
    """The number of neurons by the config: the one seen, if it is among those that the config names."""
    widths = config_widths(loaded.model.config)
    return part.width if part.width in widths else min(widths, default=None)


def _at(loaded: LoadedModel, layer: int, path: str) -> str:
    return f"{loaded.id}, layer {layer} ({path})"


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
