"""The way from the residual stream to the logits, found in one traced forward, and checked against the logits.

logits = head(final norm(stream)), up to a positive factor and soft-capping, both of which keep the order of tokens. A
neuron adds ``activation * output weights`` to the stream, so its direct logit attribution (Elhage et al., 2021; Wang
et al., 2023) needs the head's rows with the final norm folded in, and the output weights with the norm, if any, that
the MLP's output passes before it is added (Gemma 2, OLMo 2).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mechamap.errors import UnsupportedModel
from mechamap.models.config_keys import text_config
from mechamap.models.loading.kinds import refuse_undefined
from mechamap.models.loading.trouble import translated
from mechamap.models.neurons.layers import NeuronLayer
from mechamap.models.neurons.weights import readable_bias, readable_weight
from mechamap.models.norms import Norm, norm_of
from mechamap.models.proof import prove
from mechamap.models.reading import inputs_to_try
from mechamap.runs.scanned import LayerProof, UnembeddingRecord
from mechamap.wording.advice import Advice, Setting

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.utils.hooks import RemovableHandle

    from mechamap.models.loaded import LoadedModel

__all__ = ["CHUNK_BYTES", "Unembedding", "find_unembedding"]


_TOLERANCE = {"float32": 2e-3, "bfloat16": 8e-2, "float16": 2e-2}
CHUNK_BYTES = 16 * 2**20  # of the directions of tokens that are looked at together
_CHECKED = 4096  # tokens of the vocabulary whose logits are compared
_LIKENESS = 2e-2  # two tensors are the same up to a factor when they differ by less, of the largest value


@dataclass(frozen=True, slots=True, eq=False)
class Unembedding:
    """The linear part of the way to the logits.

    Attributes:
        path: where the output embedding lies in the model.
        weight: ``[vocabulary, width]``, as the model has it.
        before: a linear layer between final norm and output embedding (``[width, d_model]``), if there is one.
        norm: the final norm, None where there is none.
        norm_path: where it lies; empty where there is none.
        written: for each layer whose MLP output is normalized before it is added, that norm.
        vocabulary: how many rows are real tokens; some models pad theirs.
        softcap: the soft cap on the logits, None where there is none.
        error: max |computed - logits| / max |logits| on a few tokens.
        tolerance: the largest error that counts as rounding.
    """

    path: str
    weight: Tensor
    before: Tensor | None
    norm: Norm | None
    norm_path: str
    written: dict[int, Norm]
    vocabulary: int
    softcap: float | None
    error: float
    tolerance: float

    @property
    def record(self) -> UnembeddingRecord:
        """How it was found, for ``run.json``."""
        return UnembeddingRecord(
            head=self.path,
            norm=self.norm_path,
            centred=self.norm is not None and self.norm.centred,
            normalized_output=bool(self.written),
            vocabulary=self.vocabulary,
            softcap=self.softcap,
            error=self.error,
            tolerance=self.tolerance,
        )

    def rows(self, ids: Tensor | slice) -> Tensor:
        """Directions of the residual stream that raise the logits of tokens, ``[ids, d_model]`` float32."""
        return _folded(self.weight[ids].float(), self.before, self.norm)

    def chunks(self) -> Iterator[Tensor]:
        """The directions of all tokens, some at a time, ``[chunk, d_model]`` float32."""
        size = max(1, CHUNK_BYTES // (4 * self.weight.shape[1]))
        for first in range(0, self.vocabulary, size):
            yield self.rows(slice(first, min(first + size, self.vocabulary)))

    def written_by(self, layer: NeuronLayer) -> Tensor:
        """What each neuron of a layer adds to the stream per unit of activation, ``[neurons, d_model]`` float32."""
        import torch

        pieces = list(self.written_in(layer))
        return pieces[0] if len(pieces) == 1 else torch.cat(pieces)

    def written_by_neuron(self, layer: NeuronLayer, index: int, expert: int = -1) -> Tensor:
        """What one neuron adds to the stream per unit of activation, ``[d_model]`` float32."""
        part, place = layer.part_of(index, expert)
        weight = part.weight(max(expert, 0))[place : place + 1].to(self.weight.device).float()
        norm = self.written.get(layer.layer)
        return (weight if norm is None else norm.fold(weight))[0]

    def written_in(self, layer: NeuronLayer, limit: int | None = None) -> Iterator[Tensor]:
        """What each neuron adds to the stream per unit of activation, part by part and expert by expert.

        Where the MLP's output is normalized this is exact up to the size it is divided by, and an expert's up to the
        weight that its router gives a token.

        Args:
            limit: only the first so many neurons, see :meth:`mechamap.models.neurons.layers.NeuronLayer.widths`.

        Yields:
            ``[neurons, d_model]`` float32.
        """
        norm = self.written.get(layer.layer)
        for part, width in zip(layer.parts, layer.widths(limit), strict=True):
            for expert in range(max(part.experts, 1)):
                weight = part.weight(expert)[:width].to(self.weight.device).float()
                yield weight if norm is None else norm.fold(weight)


def find_unembedding(loaded: LoadedModel, proofs: Sequence[LayerProof] | None = None) -> Unembedding:
    """Find the way to the logits and check it on a few tokens. Leaves no hook behind.

    Args:
        loaded: the model.
        proofs: its capture proof, which tells how blocks add what neurons contribute; made anew where not given.

    Raises:
        UnsupportedModel: there is none, or it is not linear up to one norm; the message says what was seen.
        ModelError: the model cannot run.
    """
    import torch

    refuse_undefined(loaded, "write")
    model: Any = loaded.model
    head = model.get_output_embeddings()
    path = next((name for name, module in loaded.model.named_modules() if module is head), "")
    if head is None or not isinstance(getattr(head, "weight", None), torch.Tensor) or head.weight.ndim != 2:
        raise UnsupportedModel(f"{loaded.id} has no output embedding, so its neurons have no direct effect on tokens.")
    trace = _trace(loaded, head)
    if not trace.logits.isfinite().all():
        dtype = str(loaded.dtype).removeprefix("torch.")
        raise UnsupportedModel(
            f"The logits of {loaded.label} are not finite in {dtype}, so what its neurons do to them cannot be seen.",
            Advice.of("Load it with {} or {}.", Setting("dtype", "bfloat16"), Setting("dtype", "float32")),
        )
    with torch.inference_mode():
        before, norm, norm_path, stream = _way_to(loaded, trace)
        if trace.last is None or not _alike(trace.last, stream):
            raise UnsupportedModel(
                f"{loaded.id} reads its logits from something else than what leaves the last block, so a neuron has no "
                "direct effect on them that its weights would tell."
            )
        written = _output_norms(loaded, trace)
        weight = readable_weight(head).to(loaded.device)  # [vocabulary, width]
        vocabulary = min(weight.shape[0], max(len(loaded.tokenizer), 2))
        softcap = _softcap(loaded.model.config)
        some = torch.linspace(0, vocabulary - 1, min(vocabulary, _CHECKED), device=stream.device).long()
        rows = weight[some].float()  # [some, width]
        direction = stream if norm is None else norm.direction(stream)  # [tokens, d_model]
        computed = direction @ _folded(rows, before, norm).T + _constant(head, rows, some, before, norm)
        error = _difference(computed, trace.logits[:, some], softcap)  # of [tokens, some]
    dtype = str(loaded.dtype).removeprefix("torch.")
    tolerance = _TOLERANCE.get(dtype, 2e-2)
    if not error <= tolerance:
        raise UnsupportedModel(
            f"{loaded.id}: the logits computed from {norm_path or 'the residual stream'} and {path} differ from the "
            f"model's by {error:.2g} of the largest, more than {tolerance:g}."
        )
    _check_additions(loaded, prove(loaded) if proofs is None else proofs, written)
    return Unembedding(path, weight, before, norm, norm_path, written, vocabulary, softcap, error, tolerance)


def _check_additions(loaded: LoadedModel, proofs: Sequence[LayerProof], written: dict[int, Norm]) -> None:
    """See that what neurons contribute gets into the stream as their weights tell, up to a norm and positive factors.

    Raises:
        UnsupportedModel: it does not.
    """
    lists = {layer.block.rpartition(".")[0] for layer in loaded.layers}
    if len(lists) > 1 or any(layer.calls > 1 for layer in loaded.layers):
        raise UnsupportedModel(
            f"The blocks of {loaded.label} do not follow one another once from the first to the last, so not all of "
            "their neurons have a direct effect on the logits."
        )
    for proof in proofs:
        passed = () if proof.layer in written else proof.changed_by
        if passed or proof.times == "element":
            how = f"passes {', '.join(passed)}" if passed else "is multiplied element by element"
            raise UnsupportedModel(
                f"What the neurons of {proof.path} contribute {how} before it is added, so their weights alone do not "
                "tell what they do to the logits."
            )


def _softcap(config: Any) -> float | None:
    text = text_config(config)
    caps = (getattr(text, name, None) for name in ("final_logit_softcapping", "logits_soft_cap"))
    return next((float(cap) for cap in caps if cap), None)


def _folded(rows: Tensor, before: Tensor | None, norm: Norm | None) -> Tensor:
    if before is not None:
        rows = rows @ before
    return rows if norm is None else norm.fold(rows)


def _constant(head: nn.Module, rows: Tensor, ids: Tensor, before: Tensor | None, norm: Norm | None) -> Tensor:
    """What the biases add to every position's logits of some tokens, ``[ids]``."""
    bias = readable_bias(head)
    constant = rows.new_zeros(len(rows)) if bias is None else bias.to(rows.device)[ids].float()
    if norm is not None:
        constant = constant + (rows if before is None else rows @ before) @ norm.bias
    return constant


def _difference(computed: Tensor, logits: Tensor, softcap: float | None) -> float:
    """max |computed - logits| / max |logits|, with the factor that fits best; models scale their logits."""
    import torch

    if softcap:
        logits = softcap * torch.atanh((logits / softcap).clamp(-0.999999, 0.999999))
    factor = (computed * logits).sum() / computed.square().sum().clamp(min=1e-30)
    if not float(factor) > 0:
        return float("inf")
    return float((factor * computed - logits).abs().max() / logits.abs().max().clamp(min=1e-30))


# --- the traced forward -------------------------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class _Call:
    """One call of a module that has no parts of its own: ``[tokens, width]`` in and out."""

    path: str
    module: nn.Module
    given: Tensor
    out: Tensor


@dataclass(slots=True, eq=False)
class _Trace:
    calls: list[_Call] = field(default_factory=list)
    block_outputs: dict[int, Tensor] = field(default_factory=dict)  # [tokens, d_model]
    last: Tensor | None = None  # [tokens, d_model], what left the last of all blocks, those without neurons included
    logits: Tensor = None  # type: ignore[assignment]  # [tokens, vocabulary] float32, there once it ran


def _trace(loaded: LoadedModel, head: nn.Module) -> _Trace:
    """One forward over a few tokens, with what every leaf was given and gave."""
    import torch

    trace = _Trace()

    def rows(tensor: Tensor) -> Tensor:
        """A copy ``[tokens, width]`` float32; of a model spread over devices, all on one."""
        return tensor.to(loaded.device, torch.float32, copy=True).reshape(-1, tensor.shape[-1])

    def leaf(path: str) -> Any:
        def after(module: nn.Module, args: tuple[Any, ...], out: Any) -> None:
            given = args[0] if args else None
            out = out[0] if isinstance(out, tuple) else out
            if not (isinstance(given, torch.Tensor) and isinstance(out, torch.Tensor)) or out.is_complex():
                return
            if given.is_floating_point() and given.ndim >= 2:
                trace.calls.append(_Call(path, module, rows(given), rows(out)))

        return after

    def block(layer: int | None) -> Any:
        def after(_module: nn.Module, _args: tuple[Any, ...], out: Any) -> None:
            first = out[0] if isinstance(out, (tuple, list)) else out
            trace.last = rows(first)
            if layer is not None:
                trace.block_outputs[layer] = trace.last

        return after

    with ExitStack() as hooks, torch.inference_mode(), translated(loaded.id):
        for path, module in loaded.model.named_modules():
            if not any(True for _ in module.children()) and module is not head:
                hooks.callback(_removal(module.register_forward_hook(leaf(path))))
        hooks.callback(_removal(head.register_forward_hook(leaf("head"))))
        for path in _around_parts(loaded):
            hooks.callback(_removal(loaded.model.get_submodule(path).register_forward_hook(leaf(path))))
        numbers = {layer.block: layer.layer for layer in loaded.layers}
        for prefix in dict.fromkeys(path.rpartition(".")[0] for path in numbers):
            for name, module in loaded.model.get_submodule(prefix).named_children():
                hooks.callback(_removal(module.register_forward_hook(block(numbers.get(f"{prefix}.{name}")))))
        logits = loaded.model(**inputs_to_try(loaded)).logits
    trace.logits = rows(logits)
    return trace


def _around_parts(loaded: LoadedModel) -> list[str]:
    """Modules of blocks that have parts of their own and give what neurons write: experts, and whole MLPs."""
    found: dict[str, None] = {}
    for layer in loaded.layers:
        for path in _outputs_of(layer):
            if any(True for _ in loaded.model.get_submodule(path).children()):
                found[path] = None
    return list(found)


def _outputs_of(layer: NeuronLayer) -> list[str]:
    """The parts of a layer, and what they lie in below the block."""
    found: dict[str, None] = {}
    for part in layer.parts:
        path = part.path
        while len(path) > len(layer.block):
            found[path] = None
            path = path.rpartition(".")[0]
    return list(found)


def _removal(handle: RemovableHandle) -> Any:
    return handle.remove


def _way_to(loaded: LoadedModel, trace: _Trace) -> tuple[Tensor | None, Norm | None, str, Tensor]:
    """A linear layer before the head, the final norm, its path, and the stream before it; from the head backwards."""
    head = next(call for call in reversed(trace.calls) if call.path == "head")
    earlier = trace.calls[: trace.calls.index(head)]
    blocks = tuple(f"{layer.block}." for layer in loaded.layers)
    before: Tensor | None = None
    wanted = head.given
    while (call := _maker(earlier, wanted)) is not None and not call.path.startswith(blocks):
        weight: Tensor | None = getattr(call.module, "weight", None)
        norm = norm_of(call.module, call.given.to(loaded.dtype))
        if norm is not None:
            return before, norm, call.path, call.given
        if weight is None or weight.ndim != 2 or getattr(call.module, "bias", None) is not None:
            raise UnsupportedModel(f"{loaded.id}: {call.path} before the output embedding is no norm that is known.")
        weight = readable_weight(call.module).to(loaded.device).float()
        before = weight if before is None else before @ weight
        wanted = call.given
    return before, None, "", wanted


def _maker(calls: list[_Call], wanted: Tensor) -> _Call | None:
    """The last call that gave ``wanted``, up to a positive factor, and did something to what it was given."""
    for call in reversed(calls):
        if _alike(call.out, wanted) and not _alike(call.given, call.out):
            return call
    return None


def _alike(one: Tensor, other: Tensor) -> bool:
    if one.shape != other.shape:
        return False
    factor = (one * other).sum() / one.square().sum().clamp(min=1e-30)
    return bool(factor > 0) and bool((factor * one - other).abs().max() <= _LIKENESS * other.abs().max())


def _output_norms(loaded: LoadedModel, trace: _Trace) -> dict[int, Norm]:
    """For each layer, the norm that the MLP's output passes alone, before it is added to the stream.

    Raises:
        UnsupportedModel: the stream itself is normalized at the end of the blocks (post-LN), so that what a neuron
            adds is not added to what the head reads.
    """
    found: dict[int, Norm] = {}
    for layer in loaded.layers:
        block = f"{layer.block}."
        calls = [call for call in trace.calls if call.path.startswith(block)]
        writing = _outputs_of(layer)
        places = [place for place, call in enumerate(calls) if call.path in writing]
        outputs = [calls[place].out for place in places]
        for call in calls[min(places) + 1 :]:
            if call.path not in writing and not _alike(call.given, call.out):
                norm = norm_of(call.module, call.given.to(loaded.dtype))
                if norm is None:
                    continue
                if any(_alike(call.given, output) for output in outputs):
                    found[layer.layer] = norm
                elif _alike(call.out, trace.block_outputs[layer.layer]):
                    raise UnsupportedModel(
                        f"{loaded.id} normalizes the residual stream after each block ({call.path}), so a neuron has "
                        "no direct effect on the logits that its weights would tell."
                    )
    return found
