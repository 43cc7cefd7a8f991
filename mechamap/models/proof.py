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
   block does with it (:mod:`mechamap.models.removal`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from mechamap.errors import ModelError, UnsupportedModel
from mechamap.models.architectures import config_widths
from mechamap.models.layers import NeuronLayer, NeuronPart
from mechamap.models.reading import inputs_to_try
from mechamap.models.removal import Block, followed
from mechamap.models.trouble import translated
from mechamap.models.weights import packing_tolerance

if TYPE_CHECKING:
    from torch import nn

    from mechamap.models.experts import Activations
    from mechamap.models.load import LoadedModel

__all__ = ["LayerProof", "prove"]

_TOLERANCE = {"float32": 1e-4, "bfloat16": 3e-2, "float16": 5e-3}
_HINT = "The neurons of this model are not where they were looked for; a scan of it would be wrong."


@dataclass(frozen=True, slots=True)
class LayerProof:
    """What was seen at one part of a layer: its dense neurons, or those of its routed experts.

    Attributes:
        layer: the layer's number, from 0.
        path: where its down-projection lies.
        width: how many neurons the hook saw, in each expert where there are some.
        expected_width: how many the config says, None where it does not say.
        experts: how many routed experts it has, 0 where it is dense.
        tokens: on how many tokens.
        finite: whether all activations were numbers; the errors are None where they were not.
        rebuild_error: max |activations @ weights + bias - output| / max |output|.
        own_error: of fused experts, max |output - the model's own code's output| / max |its output|.
        zero_error: max |output with all neurons zero - bias| / max |output|.
        removal_error: max |what the block lacks - what the neurons had contributed| / max |contribution|, at the token
            where it is largest, beyond what the rounding of the block's output explains.
        scale: the factor with which the block adds the contribution, None where it is not one number.
        through: the modules of the block that the contribution passes on its way to the block's output.
        tolerance: the largest error that counts as rounding in this number format.
    """

    layer: int
    path: str
    width: int
    expected_width: int | None
    experts: int
    tokens: int
    finite: bool
    tolerance: float
    rebuild_error: float | None = None
    own_error: float | None = None
    zero_error: float | None = None
    removal_error: float | None = None
    scale: float | None = None
    through: tuple[str, ...] = ()

    @property
    def largest_error(self) -> float | None:
        """The largest of its errors, None where there is none."""
        errors = (self.rebuild_error, self.own_error, self.zero_error, self.removal_error)
        return max((error for error in errors if error is not None), default=None)

    def to_dict(self) -> dict[str, Any]:
        """The proof as a record for ``run.json``."""
        return asdict(self) | {"through": list(self.through)}


def prove(loaded: LoadedModel) -> tuple[LayerProof, ...]:
    """Check the capture of every layer, part by part. Leaves no hook behind, whatever happens.

    A layer whose activations are not finite in the model's number format cannot be checked: it is said to be so, and
    the layers behind it, whose inputs are not finite either, likewise.

    Raises:
        UnsupportedModel: a layer fails; the message says what was expected and what was seen.
        ModelError: the model cannot run on this device and in this format, or no layer is finite.
        OutOfMemory: not even a few tokens fit.
    """
    inputs = inputs_to_try(loaded)
    seen = _look(loaded, inputs)
    with torch.inference_mode():
        proofs = [
            _prove_part(loaded, _Sight(layer, part, seen), number + 1)
            for layer in loaded.layers
            for number, part in enumerate(layer.parts)
        ]
        proofs = _traced(loaded, inputs, proofs)
    if not any(proof.finite for proof in proofs):
        raise ModelError(
            f"{_at(loaded, loaded.layers[0].layer, proofs[0].path)}: its activations overflow in "
            f"{_name(loaded.dtype)}, and so do those of all layers.",
            "Load it with --dtype bfloat16 or --dtype float32.",
        )
    return tuple(proofs)


# --- the forward ----------------------------------------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class _Call:
    """One call of a part: its neurons before anything was changed in them, its arguments and its output."""

    activations: Activations
    given: tuple[Any, ...] = ()
    output: Tensor = field(default_factory=lambda: torch.zeros(0))


@dataclass(slots=True, eq=False)
class _Seen:
    """What a forward over ``rows`` rows showed: calls of parts by path, and of blocks by path."""

    rows: int
    tokens: int
    halves: int | None = None  # so many rows behind the one with a part's neurons at zero, every second is
    calls: dict[str, list[_Call]] = field(default_factory=dict)
    blocks: dict[str, list[Block]] = field(default_factory=dict)


def _look(loaded: LoadedModel, inputs: dict[str, Any], traced: frozenset[str] = frozenset()) -> _Seen:
    """One forward of the body, a row for each part of a layer zeroed and one more.

    Args:
        traced: paths of blocks whose modules' calls are kept too; then each part has one row more, in which every
            second neuron is zero.
    """
    parts = max(len(layer.parts) for layer in loaded.layers)
    rows = 1 + parts * (2 if traced else 1)
    seen = _Seen(rows, inputs["input_ids"].shape[1], parts if traced else None)
    body = getattr(loaded.model, "base_model", loaded.model)
    with ExitStack() as hooks, torch.inference_mode(), translated(loaded.id):
        for path, (number, part) in _parts(loaded).items():
            calls = seen.calls.setdefault(path, [])
            hooks.callback(part.watch(_zeroing(calls, number + 1, seen)).remove)
            hooks.callback(part.module.register_forward_hook(_keeping(calls, part), with_kwargs=True).remove)
        for path in dict.fromkeys(layer.block for layer in loaded.layers):
            block = loaded.model.get_submodule(path)
            its = seen.blocks.setdefault(path, [])
            hooks.enter_context(_restored(block, its, seen, path in traced))
        body(**{name: its.repeat(rows, 1) if isinstance(its, Tensor) else its for name, its in inputs.items()})
    return seen


def _parts(loaded: LoadedModel) -> dict[str, tuple[int, NeuronPart]]:
    """Every part once, by its path, with its number in the layer; layers that share weights share parts."""
    return {part.path: (number, part) for layer in loaded.layers for number, part in enumerate(layer.parts)}


def _zeroing(calls: list[_Call], row: int, seen: _Seen) -> Callable[[Activations], Tensor]:
    """A hook that keeps the activations and gives zeros for those of one row."""

    def hook(activations: Activations) -> Tensor:
        values = activations.values
        calls.append(_Call(activations))
        tokens = activations.tokens
        if tokens is None:
            tokens = torch.arange(len(values), device=values.device)
        length = len(values) // seen.rows if activations.tokens is None else seen.tokens
        changed = values.clone()
        changed[tokens // length == row] = 0
        if seen.halves is not None:
            half = torch.arange(0, values.shape[1], 2, device=values.device)
            changed[(tokens // length == row + seen.halves).nonzero(), half] = 0
        return changed

    return hook


def _keeping(calls: list[_Call], part: NeuronPart) -> Callable[..., None]:
    def after(_module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Tensor) -> None:
        given = (*args, *kwargs.values()) if part.fused is not None else ()
        # A copy, because some blocks (Falcon) add to it in place afterwards.
        calls[-1].given = tuple(its.clone() if hasattr(its, "clone") else its for its in given)
        calls[-1].output = (output.transpose(0, 1) if part.length_first else output).clone()

    return after


@contextmanager
def _restored(module: nn.Module, blocks: list[Block], seen: _Seen, traced: bool) -> Iterator[None]:
    """Give a block in every row what it is given in the first; keep what it makes of it."""

    def before(_module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        blocks.append(Block())
        return tuple(same(its) for its in args), {name: same(its) for name, its in kwargs.items()}

    def same(given: Any) -> Any:
        """A tensor with every row as its first; rows are the first dimension, or the second."""
        if not hasattr(given, "is_floating_point") or not given.is_floating_point() or given.ndim < 2:
            return given
        dim = next((dim for dim in (0, 1) if given.shape[dim] == seen.rows), None)
        if dim is None:
            return given
        return given.narrow(dim, 0, 1).expand_as(given).contiguous()

    def after(_module: nn.Module, _args: tuple[Any, ...], output: Any) -> None:
        blocks[-1].output = (output[0] if isinstance(output, (tuple, list)) else output).clone()

    def inside(path: str) -> Callable[..., None]:
        def hook(_module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
            if blocks:
                given = next((its for its in (*args, *kwargs.values()) if hasattr(its, "is_floating_point")), None)
                blocks[-1].keep(path, given, output[0] if isinstance(output, (tuple, list)) else output)

        return hook

    with ExitStack() as hooks:
        hooks.callback(module.register_forward_pre_hook(before, with_kwargs=True).remove)
        hooks.callback(module.register_forward_hook(after).remove)
        for path, its in module.named_modules() if traced else ():
            if path:
                hooks.callback(its.register_forward_hook(inside(path), with_kwargs=True).remove)
        yield


# --- what is made of it ---------------------------------------------------------------------------------------------


@dataclass(eq=False)
class _Sight:
    """What was seen of one part in the run that is this layer."""

    layer: NeuronLayer
    part: NeuronPart
    seen: _Seen

    @property
    def runs(self) -> int:
        return len(self.seen.calls[self.part.path])

    @property
    def call(self) -> _Call:
        return self.seen.calls[self.part.path][self.layer.run]

    @property
    def block(self) -> Block:
        return self.seen.blocks[self.layer.block][self.layer.run]

    @cached_property
    def output(self) -> Tensor:
        """What the part wrote, ``[rows * tokens, d_model]``."""
        call, fused = self.call, self.part.fused
        if fused is None:
            return call.output.reshape(-1, call.output.shape[-1])
        return fused.per_token(call.given, call.output, call.activations)

    @property
    def tokens(self) -> int:
        """How many tokens a row has here; a decoder beside an encoder has one more."""
        return len(self.output) // self.seen.rows

    def row(self, row: int) -> Tensor:
        """What it wrote in one row, ``[tokens, d_model]`` float32."""
        return self.output[row * self.tokens : (row + 1) * self.tokens].float()


def _prove_part(loaded: LoadedModel, sight: _Sight, row: int) -> LayerProof:
    """Compare what one part's hooks saw; ``row`` has its neurons at zero."""
    layer, part = sight.layer, sight.part
    where = _at(loaded, layer.layer, part.path)
    if sight.runs != layer.runs:
        times = "once" if layer.runs == 1 else f"{layer.runs} times"
        raise UnsupportedModel(
            f"{where}: expected it to run {times} in a forward, and it ran {sight.runs} times.", _HINT
        )
    seen = sight.call.activations
    width = seen.values.shape[-1]
    expected = _expected_width(loaded, part)
    if width != part.width or (expected is not None and width != expected):
        wanted = part.width if expected is None else expected
        raise UnsupportedModel(f"{where}: expected {wanted:,} neurons, and the hook saw {width:,}.", _HINT)
    proof = LayerProof(
        layer=layer.layer,
        path=part.path,
        width=width,
        expected_width=expected,
        experts=part.experts,
        tokens=sight.tokens,
        finite=bool(seen.values.isfinite().all() and sight.call.output.isfinite().all()),
        tolerance=max(_TOLERANCE.get(_name(loaded.dtype), 5e-3), packing_tolerance(part.module)),
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
            raise UnsupportedModel(f"{where}: expected {what} within {proof.tolerance:g}, and saw {error:.3g}.", _HINT)
    return replace(proof, **_removal(sight, row, proof.tolerance))


def _errors(sight: _Sight, row: int) -> dict[str, Any]:
    """How far the output is from what the weights make of the activations, untouched and at zero."""
    seen, output, fused, tokens = sight.call.activations, sight.output, sight.part.fused, sight.tokens
    if fused is None:
        weight, bias = sight.part.weight(), sight.part.bias()  # [d_mlp, d_model], [d_model]
        rebuilt = seen.values[:tokens].to(weight.dtype) @ weight  # [tokens, d_model]
        zeroed = torch.zeros_like(rebuilt)
        if bias is not None:
            rebuilt, zeroed = rebuilt + bias, zeroed + bias
    else:
        given = sight.call.given
        at = seen.tokens if seen.tokens is not None else torch.arange(len(seen.values), device=output.device)
        changed = replace(seen, values=torch.where((at // tokens == row)[:, None], 0, seen.values))
        whole = fused.per_token(given, fused.rebuilt(given, changed), seen)
        rebuilt, zeroed = whole[:tokens], whole[row * tokens : (row + 1) * tokens]
    first, at_zero = sight.row(0), sight.row(row)
    scale = float(first.abs().max()) or 1.0
    return {
        "rebuild_error": float((rebuilt.float().to(first.device) - first).abs().max()) / scale,
        "zero_error": float((zeroed.float().to(first.device) - at_zero).abs().max()) / scale,
        "own_error": None if fused is None else fused.differs(sight.call.given, fused.rebuilt(sight.call.given, seen)),
    }


def _removal(sight: _Sight, row: int, tolerance: float) -> dict[str, Any]:
    """The members of the proof about the removal; without an error where the block does more than add."""
    rows = (row,) if sight.seen.halves is None else (row, row + sight.seen.halves)
    found = followed(sight.block, {row: sight.row(0) - sight.row(row) for row in rows}, sight.seen.rows, tolerance)
    return {} if found is None else {"removal_error": found.error, "scale": found.scale, "through": found.through}


def _traced(loaded: LoadedModel, inputs: dict[str, Any], proofs: list[LayerProof]) -> list[LayerProof]:
    """The proofs, with the removal of those where the block does more with the contribution than to add it.

    For them another forward is run, in which every module of their blocks is watched.
    """
    blocks = {layer.layer: layer.block for layer in loaded.layers}
    todo = [proof for proof in proofs if proof.finite and proof.removal_error is None]
    if not todo:
        return proofs
    seen = _look(loaded, inputs, frozenset(blocks[proof.layer] for proof in todo))
    done: list[LayerProof] = []
    for layer in loaded.layers:
        for number, part in enumerate(layer.parts):
            proof = proofs[len(done)]
            if proof.finite and proof.removal_error is None:
                proof = replace(proof, **_removal(_Sight(layer, part, seen), number + 1, proof.tolerance))
                if proof.removal_error is None:
                    raise UnsupportedModel(
                        f"{_at(loaded, layer.layer, part.path)}: expected the block {layer.block} to lack exactly what "
                        "the neurons contribute once they are zero, and it lacks something else.",
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
