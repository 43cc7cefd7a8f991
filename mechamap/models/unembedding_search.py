"""Finding the way to the logits in one traced forward, and checking it against the logits of a few tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mechamap.errors import UnsupportedModel
from mechamap.models.config_keys import text_config
from mechamap.models.loading.kinds import refuse_undefined
from mechamap.models.neurons.not_finite import why_not_finite
from mechamap.models.neurons.weights import readable_bias, readable_weight
from mechamap.models.norms import Norm, norm_of
from mechamap.models.proof import prove
from mechamap.models.traced_forward import Call, Trace, output_paths, traced_forward
from mechamap.models.unembedding import Unembedding, folded
from mechamap.runs.scanned import LayerProof

if TYPE_CHECKING:
    from torch import Tensor, nn

    from mechamap.models.loaded import LoadedModel

__all__ = ["find_unembedding"]


_TOLERANCE = {"float32": 2e-3, "bfloat16": 8e-2, "float16": 2e-2}
_CHECKED = 4096  # tokens of the vocabulary whose logits are compared
_LIKENESS = 2e-2  # two tensors are the same up to a factor when they differ by less, of the largest value


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
    trace = traced_forward(loaded, head)
    if not trace.logits.isfinite().all():
        dtype, why = str(loaded.dtype).removeprefix("torch."), why_not_finite(loaded)
        raise UnsupportedModel(
            f"The logits of {loaded.label} are not finite in {dtype}, so the neurons' effect on them is unknown. "
            f"{why.weights}".rstrip(),
            why.hint,
        )
    with torch.inference_mode():
        before, norm, norm_path, stream = _way_to(loaded, trace)
        if trace.last is None or not _alike(trace.last, stream):
            raise UnsupportedModel(
                f"{loaded.id} does not read its logits from the output of the last block, so a neuron's weights do not "
                "tell its direct effect on them."
            )
        written = _output_norms(loaded, trace)
        weight = readable_weight(head).to(loaded.device)  # [vocabulary, width]
        vocabulary = min(weight.shape[0], max(len(loaded.tokenizer), 2))
        softcap = _softcap(loaded.model.config)
        ids = torch.linspace(0, vocabulary - 1, min(vocabulary, _CHECKED), device=stream.device).long()
        rows = weight[ids].float()  # [ids, width]
        direction = stream if norm is None else norm.direction(stream)  # [tokens, d_model]
        computed = direction @ folded(rows, before, norm).T + _constant(head, rows, ids, before, norm)
        error = _difference(computed, trace.logits[:, ids], softcap)  # of [tokens, ids]
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
    """Check that neurons add to the stream what their weights say, up to a norm and positive factors.

    Raises:
        UnsupportedModel: they do not.
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
                "tell their effect on the logits."
            )


def _softcap(config: Any) -> float | None:
    text = text_config(config)
    caps = (getattr(text, name, None) for name in ("final_logit_softcapping", "logits_soft_cap"))
    return next((float(cap) for cap in caps if cap), None)


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


def _way_to(loaded: LoadedModel, trace: Trace) -> tuple[Tensor | None, Norm | None, str, Tensor]:
    """A linear layer before the head, the final norm, its path, and the stream before it; from the head backwards."""
    head = next(call for call in reversed(trace.calls) if call.path == "head")
    earlier = trace.calls[: trace.calls.index(head)]
    blocks = tuple(f"{layer.block}." for layer in loaded.layers)
    before: Tensor | None = None
    wanted = head.input
    while (call := _maker(earlier, wanted)) is not None and not call.path.startswith(blocks):
        weight: Tensor | None = getattr(call.module, "weight", None)
        norm = norm_of(call.module, call.input.to(loaded.dtype))
        if norm is not None:
            return before, norm, call.path, call.input
        if weight is None or weight.ndim != 2 or getattr(call.module, "bias", None) is not None:
            raise UnsupportedModel(f"{loaded.id}: {call.path} before the output embedding is not a known norm.")
        weight = readable_weight(call.module).to(loaded.device).float()
        before = weight if before is None else before @ weight
        wanted = call.input
    return before, None, "", wanted


def _maker(calls: list[Call], wanted: Tensor) -> Call | None:
    """The last call whose output is ``wanted``, up to a positive factor, and not simply its input."""
    for call in reversed(calls):
        if _alike(call.output, wanted) and not _alike(call.input, call.output):
            return call
    return None


def _alike(one: Tensor, other: Tensor) -> bool:
    if one.shape != other.shape:
        return False
    factor = (one * other).sum() / one.square().sum().clamp(min=1e-30)
    return bool(factor > 0) and bool((factor * one - other).abs().max() <= _LIKENESS * other.abs().max())


def _output_norms(loaded: LoadedModel, trace: Trace) -> dict[int, Norm]:
    """For each layer, the norm that the MLP's output passes alone, before it is added to the stream.

    Raises:
        UnsupportedModel: the stream itself is normalized at the end of the blocks (post-LN), so that what a neuron
            adds is not added to what the head reads.
    """
    norms: dict[int, Norm] = {}
    for layer in loaded.layers:
        block = f"{layer.block}."
        calls = [call for call in trace.calls if call.path.startswith(block)]
        writing = output_paths(layer)
        places = [place for place, call in enumerate(calls) if call.path in writing]
        outputs = [calls[place].output for place in places]
        for call in calls[min(places) + 1 :]:
            if call.path not in writing and not _alike(call.input, call.output):
                norm = norm_of(call.module, call.input.to(loaded.dtype))
                if norm is None:
                    continue
                if any(_alike(call.input, output) for output in outputs):
                    norms[layer.layer] = norm
                elif _alike(call.output, trace.block_outputs[layer.layer]):
                    raise UnsupportedModel(
                        f"{loaded.id} normalizes the residual stream after each block ({call.path}), so a "
                        "neuron's weights do not tell its direct effect on the logits."
                    )
    return norms
