"""The capture proof: that what a hook sees at each layer really is that layer's neurons.

A wrong neuron basis gives plausible numbers that mean nothing, so every load is checked on a few tokens, in two
forwards for all layers together.

1. Watching: the down-projection runs once in a forward, its input is as wide as the config says, and that
   input times the output weights plus the bias is its output.
2. Zeroing every neuron: what remains of the down-projection's output is the bias.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from mechamap.errors import ModelError, UnsupportedModel
from mechamap.models.architectures import config_d_mlp
from mechamap.models.layers import NeuronLayer, bias_out, weight_in_out
from mechamap.models.trouble import translated

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn
    from torch.utils.hooks import RemovableHandle

    from mechamap.models.load import LoadedModel

__all__ = ["LayerProof", "prove", "tokens_to_try"]

_SENTENCE = "The cat sat on the mat in Paris and ate 12 apples."
_N_TOKENS = 8
_TOLERANCE = {"float32": 1e-4, "bfloat16": 3e-2, "float16": 5e-3}
_HINT = "The neurons of this model are not where they were looked for; a scan of it would be wrong."

_PerLayer: TypeAlias = "dict[int, list[Tensor]]"


@dataclass(frozen=True, slots=True)
class LayerProof:
    """What was seen at one layer.

    Attributes:
        layer: the layer's number, from 0.
        path: where its down-projection lies.
        width: how many neurons the hook saw.
        expected_width: how many the config says, None where it does not say.
        tokens: on how many tokens.
        rebuild_error: max |activations @ weights + bias - output| / max |output|.
        zero_error: max |output with all neurons zero - bias| / max |output|.
        tolerance: the largest error that counts as rounding in this number format.
    """

    layer: int
    path: str
    width: int
    expected_width: int | None
    tokens: int
    rebuild_error: float
    zero_error: float
    tolerance: float

    def to_dict(self) -> dict[str, Any]:
        """The proof as a record for ``run.json``."""
        return asdict(self)


def prove(loaded: LoadedModel) -> tuple[LayerProof, ...]:
    """Check the capture of every layer. Leaves no hook behind, whatever happens.

    Raises:
        UnsupportedModel: a layer fails; the message says what was expected and what was seen.
        ModelError: the model cannot run on this device and in this format, or its activations are not finite.
        OutOfMemory: not even a few tokens fit.
    """
    import torch

    ids = tokens_to_try(loaded)  # [1, tokens]
    seen, outputs = _forward(loaded, ids, zeroed=False)
    _, outputs_at_zero = _forward(loaded, ids, zeroed=True)
    for layer in loaded.layers:
        runs = len(seen[layer.layer])
        if runs != 1:
            raise UnsupportedModel(
                f"{_at(loaded, layer)}: expected it to run once in a forward, and it ran {runs} times.", _HINT
            )
    with torch.inference_mode():
        return tuple(
            _prove_layer(loaded, layer, *(sight[layer.layer][0] for sight in (seen, outputs, outputs_at_zero)))
            for layer in loaded.layers
        )


def _prove_layer(
    loaded: LoadedModel, layer: NeuronLayer, activations: Tensor, output: Tensor, output_at_zero: Tensor
) -> LayerProof:
    """Compare what one layer's hooks saw: [..., d_mlp], [..., d_model] and [..., d_model]."""
    if not (activations.isfinite().all() and output.isfinite().all()):
        raise ModelError(
            f"{_at(loaded, layer)}: its activations overflow in {_name(loaded.dtype)}.",
            "Load it with --dtype bfloat16 or --dtype float32.",
        )
    expected_width = config_d_mlp(loaded.model.config)
    width = activations.shape[-1]
    if width != layer.width or (expected_width is not None and width != expected_width):
        expected = layer.width if expected_width is None else expected_width
        raise UnsupportedModel(
            f"{_at(loaded, layer)}: expected {expected:,} neurons, and the hook saw {width:,}.", _HINT
        )
    weight = weight_in_out(layer.module)  # [d_mlp, d_model]
    bias = bias_out(layer.module)
    offset = weight.new_zeros(weight.shape[1]) if bias is None else bias  # [d_model]
    flat = activations.reshape(-1, width)  # [tokens, d_mlp]
    rebuilt = flat @ weight + offset  # [tokens, d_model]
    written = output.reshape(rebuilt.shape).float()  # [tokens, d_model]
    scale = float(written.abs().max()) or 1.0
    proof = LayerProof(
        layer=layer.layer,
        path=layer.path,
        width=width,
        expected_width=expected_width,
        tokens=flat.shape[0],
        rebuild_error=float((rebuilt.float() - written).abs().max()) / scale,
        zero_error=float((output_at_zero - offset).float().abs().max()) / scale,
        tolerance=_TOLERANCE.get(_name(loaded.dtype), 5e-3),
    )
    for error, what in (
        (proof.rebuild_error, "activations times output weights plus bias to be its output"),
        (proof.zero_error, "its output to be its bias once all neurons are zero"),
    ):
        if not error <= proof.tolerance:
            raise UnsupportedModel(
                f"{_at(loaded, layer)}: expected {what} within {proof.tolerance:g}, and saw {error:.3g}.", _HINT
            )
    return proof


def _forward(loaded: LoadedModel, ids: Tensor, *, zeroed: bool) -> tuple[_PerLayer, _PerLayer]:
    """One forward of the body: per layer, what went into each run of its down-projection, and what came out."""
    import torch

    seen: _PerLayer = {layer.layer: [] for layer in loaded.layers}
    written: _PerLayer = {layer.layer: [] for layer in loaded.layers}
    body = getattr(loaded.model, "base_model", loaded.model)
    with ExitStack() as hooks, torch.inference_mode(), translated(loaded.id):
        for layer in loaded.layers:
            for handle in _hook(layer, seen[layer.layer], written[layer.layer], zeroed):
                hooks.callback(handle.remove)
        body(input_ids=ids, use_cache=False)
    return seen, written


def _hook(layer: NeuronLayer, seen: list[Tensor], written: list[Tensor], zeroed: bool) -> Iterator[RemovableHandle]:
    import torch

    def before(module: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
        seen.append(args[0].clone())
        return (torch.zeros_like(args[0]), *args[1:]) if zeroed else None

    def after(module: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> None:
        written.append(output.clone())  # some blocks (Falcon) add to it in place afterwards

    yield layer.module.register_forward_pre_hook(before)
    yield layer.module.register_forward_hook(after)


def tokens_to_try(loaded: LoadedModel) -> Tensor:
    """A few token ids to run the model on, [1, tokens]."""
    import torch

    ids = [i for i in loaded.tokenizer.encode(_SENTENCE) if i < loaded.vocabulary][:_N_TOKENS]
    return torch.tensor([ids or [0]], device=loaded.device)


def _at(loaded: LoadedModel, layer: NeuronLayer) -> str:
    return f"{loaded.id}, layer {layer.layer} ({layer.path})"


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
