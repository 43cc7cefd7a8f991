"""What a scan of a tiny model is checked against that does not come from the product: its modules and plain hooks."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mechamap.models.loaded import LoadedModel
from mechamap.runs.run import Run
from support.tiny_models import D_MODEL

__all__ = ["IDS", "check_figures", "check_nothing_is_left_out", "check_proof"]

IDS = tuple(range(1, 25))  # tokens to run a model on
_TOLERANCE = 1e-3  # of a layer's largest activation: hybrids add up long sums, and in another order when padded
# Linear layers to the residual stream from something else than neurons of an MLP: from attention heads, a recurrence,
# embeddings, or a low rank (LAuReL, the gates in the norms of A.X K2, the language adapters of X-MOD); and BLT's
# transformer over patches of bytes, none of whose neurons belongs to a token. JetMoe's is the layer to its neurons.
_NO_NEURONS = re.compile(
    r"att|mixer\.(out|o)_proj|mamba|conv|embed|per_layer_projection|laurel|norm|adapter|global_transformer|patcher"
    r"|mlp\.input_linear$"
)
# Experts that are given their tokens in a way of their own; tests of theirs check those.
_OWN_WAYS = (
    "DbrxExperts",
    "InklingSharedExperts",
    "JetMoeParallelExperts",
    "Llama4TextExperts",
    "LongcatFlashExperts",
)


def check_proof(run: Run, loaded: LoadedModel) -> None:
    """See that the run holds a proof of every part of every layer, and each within its tolerance."""
    assert run.record.state == "complete" and all(layer.complete for layer in run.layers)
    proved = {(proof.layer, proof.path): proof for proof in run.record.proof}
    assert set(proved) == {(layer.layer, part.path) for layer in loaded.layers for part in layer.parts}
    for at, proof in proved.items():
        errors = proof.errors
        if not proof.experts and proof.own_error is None:  # shared experts may be fused, and then have one too
            del errors["own code"]
        assert proof.finite and proof.tokens > 0, f"{at}: {proof}"
        for name, error in errors.items():
            assert error is not None and error <= proof.tolerance, f"{at}: {name} {error}"


def check_nothing_is_left_out(loaded: LoadedModel) -> None:
    """See that no other module that a text runs through could be a down-projection: of those no proof speaks."""
    found = {part.path for layer in loaded.layers for part in layer.parts}
    ran: list[str] = []
    handles = [
        module.register_forward_hook(lambda *_, path=path: ran.append(path))
        for path, module in loaded.model.named_modules()
        if path not in found and not _NO_NEURONS.search(path) and _could_write(module)
    ]
    with torch.inference_mode():
        loaded.model(input_ids=torch.tensor([IDS]), use_cache=False)
    for handle in handles:
        handle.remove()
    assert not ran, f"{', '.join(ran)} is left out"


def _could_write(module: Any) -> bool:
    """Whether it is a linear layer from another width to d_model, or holds such ones fused."""
    if _is_linear(module):
        wide, written = module.weight.shape if _is_conv1d(module) else module.weight.shape[::-1]
        return bool(written == D_MODEL != wide)
    return any(its.ndim == 3 and its.shape[0] > 1 and D_MODEL in its.shape for its in module.parameters(recurse=False))


def check_figures(run: Run, loaded: LoadedModel, reference: Any) -> None:
    """See that the neurons' figures are those of plain hooks on the model as transformers reads it."""
    scored = np.ones(len(run.record.tokens.ids), bool)
    scored[list(run.record.tokens.excluded)] = False
    for layer, rows in zip(loaded.layers, run.layers, strict=True):
        for part in layer.parts:
            module = _same(reference, part.path)
            first = rows.first_row + part.first
            if _is_linear(module):
                given = [calls[layer.call][0] for calls in _calls(reference, module, run)]
                values = _placed(given, run, reference.config.model_type)[scored]  # [scored positions, neurons]
                _compare(run, slice(first, first + part.neurons), values, part.path)
            elif hasattr(module, "_apply_gate"):
                calls = [its[layer.call] for its in _calls(reference, module, run)]
                _compare_experts(run, module, (first, part.width), calls, scored)
            else:
                assert type(module).__name__ in _OWN_WAYS, f"{part.path}: {type(module).__name__} cannot be checked"


def _compare(run: Run, rows: slice, values: NDArray[np.float32], name: str) -> None:
    """See that neurons' largest activations are those of ``values``, ``[positions, neurons]``."""
    largest = run.figure("max")[rows]
    if not len(values):
        assert np.isnan(largest).all(), f"{name}: no token comes there, and its neurons have activations"
        return
    off = np.abs(largest - values.max(axis=0)).max() / np.abs(values).max()
    assert off <= _TOLERANCE, f"{name}: the largest activations are off by {off:.2g}"


def _compare_experts(
    run: Run, module: Any, place: tuple[int, int], calls: list[tuple[Any, ...]], scored: NDArray[np.bool_]
) -> None:
    """The same for routed experts, whose module is given tokens and, for each, its experts."""
    first, width = place
    hidden = _placed([call[0] for call in calls], run)[scored]  # [scored positions, d_model]
    index = _placed([call[1] for call in calls], run)[scored]  # [scored positions, experts of each]
    up = module.gate_up_proj if getattr(module, "has_gate", True) else module.up_proj
    for expert in range(len(up)):
        tokens = torch.from_numpy(hidden[(index == expert).any(axis=1)])
        with torch.inference_mode():
            before = tokens @ (up[expert] if up.shape[1] == D_MODEL else up[expert].T)
            if getattr(module, "has_bias", False):
                before = before + module.gate_up_proj_bias[expert]
            values = module._apply_gate(before) if up is not getattr(module, "up_proj", None) else module.act_fn(before)
        rows = slice(first + expert * width, first + (expert + 1) * width)
        _compare(run, rows, values.numpy(), f"expert {expert}")
        assert (run.figure("tokens")[rows] == len(tokens)).all(), f"expert {expert}: {len(tokens)} tokens come to it"


def _same(model: Any, path: str) -> Any:
    """The module that another model, with more around it or less, has at ``path``."""
    here, there = f".{path}", {f".{name}": module for name, module in model.named_modules() if name}
    return next(its for name, its in there.items() if name.endswith(here) or here.endswith(name))


def _is_linear(module: Any) -> bool:
    return isinstance(module, torch.nn.Linear) or _is_conv1d(module)


def _is_conv1d(module: Any) -> bool:
    return type(module).__name__ == "Conv1D"


def _calls(model: Any, module: Any, run: Run) -> list[list[tuple[Any, ...]]]:
    """For each window, run without padding: what a module is given in each of its calls."""
    found: list[list[tuple[Any, ...]]] = []
    handle = module.register_forward_pre_hook(
        lambda _module, args, kwargs: found[-1].append((*args, *kwargs.values())), with_kwargs=True
    )
    for _, start, length in run.record.tokens.windows:
        found.append([])
        ids = torch.tensor([run.record.tokens.ids[start : start + length]])
        with torch.inference_mode():
            model(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False)
    handle.remove()
    return found


def _placed(windows: list[torch.Tensor], run: Run, model_type: str = "") -> NDArray[Any]:
    """What is given for each window put one after another, ``[positions, ...]``."""
    pieces = []
    for values, (_, _, length) in zip(windows, run.record.tokens.windows, strict=True):
        flat = values.reshape(-1, values.shape[-1])
        # CPM-Ant puts a prompt in front of the tokens, ProphetNet its predictions of later tokens behind them.
        pieces.append(flat[-length:] if model_type == "cpmant" else flat[:length])
    together: NDArray[Any] = torch.cat(pieces).numpy()
    return together
