"""Every causal language model that transformers registers: built tiny, loaded, proved and scanned."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from tiny_models import D_MODEL, save, tiny_model

from mechamap.config import Category, default_config
from mechamap.errors import MechaMapError, UnsupportedModel
from mechamap.models import LoadedModel, NeuronLayer, load_model
from mechamap.run import Run
from mechamap.scan import ScanRequest, scan

__all__ = ["Result", "Verdict", "causal_types", "examine", "examine_all"]

Verdict = Literal["pass", "no neurons", "cannot build", "fail"]

_TEXTS = (
    "The cat sat on the mat and ate an apple. A dog and a horse went to Paris by train.",
    "A dog saw the cat eat bread.",  # shorter, so that its window is padded
)
_CATEGORIES = (Category("animal", ("cat", "dog", "horse")), Category("food", ("apple", "bread")))
# Linear layers to the residual stream from something else than neurons of an MLP: from attention heads, a recurrence,
# a low rank (LAuReL, the gates in the norms of A.X K2, the language adapters of X-MOD) or an embedding (Gemma's of
# each layer).
_NO_NEURONS = re.compile(r"att|norm|mixer\.(out|o)_proj|mamba|conv|laurel|adapter|per_layer_projection")
_IDS = tuple(range(1, 25))
_TOLERANCE = 1e-3  # of a layer's largest activation: hybrids add up long sums, and in another order when padded


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one type of model.

    Attributes:
        model_type: the name that transformers registers it under.
        class_name: the class that transformers builds for it.
        verdict: ``pass`` (scanned, and every layer proved), ``no neurons`` (refused for having no MLP), ``cannot
            build`` (transformers itself cannot make or run a tiny one here) or ``fail``.
        reason: why it did not pass.
        paths: where its neurons are, ``{layer}`` for the number.
        layers: what each layer that has neurons consists of: ``dense``, ``4 experts`` or ``dense + 4 experts``.
        neurons: how many it has in all layers.
        through: what the neurons' contributions pass within their blocks before they are added: norms, mostly.
    """

    model_type: str
    class_name: str
    verdict: Verdict
    reason: str = ""
    paths: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    neurons: int = 0
    through: tuple[str, ...] = ()

    @property
    def checked(self) -> str:
        """Its layers counted: ``1 × dense, 2 × dense + 4 experts``."""
        return ", ".join(f"{count} × {kind}" for kind, count in Counter(self.layers).items())


def causal_types() -> dict[str, str]:
    """The model types that transformers has a causal language model for, and its class, sorted."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    return dict(sorted(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.items()))


def examine_all() -> Iterator[Result]:
    """Every registered type, one after another."""
    for model_type in causal_types():
        with TemporaryDirectory() as folder:
            yield examine(model_type, Path(folder))


def examine(model_type: str, folder: Path) -> Result:
    """Build a tiny random model of a type, save it in ``folder``, and do with it what a user does."""
    result = Result(model_type, causal_types()[model_type], "pass")
    path = folder / "model"
    try:
        reference = _built(model_type, path)
    except Exception as error:  # whatever transformers raises: that is the finding
        return replace(result, verdict="cannot build", reason=_said(error, folder))
    try:
        loaded = load_model(str(path), device="cpu")
        result = replace(result, **_whereabouts(loaded.layers))
        config = replace(default_config(), categories=_CATEGORIES, texts=_TEXTS, top_k_tokens=2)
        run = scan(ScanRequest(str(path), config, folder / "run"), loaded=loaded)
        _check_proof(run, loaded)
        _check_nothing_is_left_out(loaded)
        _check_figures(run, loaded, reference)
    except UnsupportedModel as error:
        none = "has no MLP neurons" in error.message
        return replace(result, verdict="no neurons" if none else "fail", reason=_said(error, folder))
    except Exception as error:  # what is no MechaMapError would be a traceback for the user: a failure all the more
        return replace(result, verdict="fail", reason=_said(error, folder))
    finally:
        shutil.rmtree(path, ignore_errors=True)
    through = (re.sub(r"\.\d+\.", ".{layer}.", name) for proof in run.record.proof for name in proof["through"])
    return replace(result, through=tuple(dict.fromkeys(through)))


def _built(model_type: str, path: Path) -> Any:
    """The model saved in ``path``, read and run by transformers alone."""
    from transformers import AutoModelForCausalLM

    save(tiny_model(model_type), path)
    model, info = AutoModelForCausalLM.from_pretrained(path, output_loading_info=True)
    if unread := sorted(info["missing_keys"]):
        raise ValueError(f"AutoModelForCausalLM does not find {unread[0]} and {len(unread) - 1} more in the checkpoint")
    with torch.inference_mode():
        logits = model.eval()(input_ids=torch.tensor([_IDS]), use_cache=False).logits
    if not logits.isfinite().all():
        raise ValueError("its logits are not finite")
    return model


def _whereabouts(layers: tuple[NeuronLayer, ...]) -> dict[str, Any]:
    paths = (re.sub(r"\.\d+\.", ".{layer}.", part.path, count=1) for layer in layers for part in layer.parts)
    return {
        "paths": tuple(dict.fromkeys(paths)),
        "layers": tuple(_kind(layer) for layer in layers),
        "neurons": sum(layer.width for layer in layers),
    }


def _kind(layer: NeuronLayer) -> str:
    if not layer.experts:
        return "dense"
    return f"{'dense + ' if layer.shared else ''}{layer.experts} experts"


def _check_proof(run: Run, loaded: LoadedModel) -> None:
    """See that the run holds a proof of every part of every layer, and each within its tolerance."""
    assert run.record.state == "complete" and all(layer.complete for layer in run.layers)
    proved = {(proof["layer"], proof["path"]): proof for proof in run.record.proof}
    assert set(proved) == {(layer.layer, part.path) for layer in loaded.layers for part in layer.parts}
    for at, proof in proved.items():
        errors = {name: proof[name] for name in ("rebuild_error", "zero_error", "removal_error")}
        if proof["experts"]:
            errors["own_error"] = proof["own_error"]
        assert proof["finite"] and proof["tokens"] > 0, f"{at}: {proof}"
        for name, error in errors.items():
            assert error is not None and error <= proof["tolerance"], f"{at}: {name} {error}"


def _check_nothing_is_left_out(loaded: LoadedModel) -> None:
    """See that no other linear layer in the blocks could be a down-projection: a proof says nothing of those missed."""
    found = {part.path for layer in loaded.layers for part in layer.parts}
    lists = {layer.block.rpartition(".")[0] for layer in loaded.layers}
    for path, module in loaded.model.named_modules():
        weight = getattr(module, "weight", None)
        if path in found or not any(path.startswith(f"{its}.") for its in lists) or not _is_linear(module):
            continue
        wide, written = weight.shape if type(module).__name__ == "Conv1D" else weight.shape[::-1]
        assert written != D_MODEL or wide == D_MODEL or _NO_NEURONS.search(path), f"{path} is left out"


def _check_figures(run: Run, loaded: LoadedModel, reference: Any) -> None:
    """See that the figures of dense neurons are those of plain hooks on the model as transformers reads it."""
    scored = np.ones(len(run.record.tokens.ids), bool)
    scored[list(run.record.tokens.excluded)] = False
    largest = run.figure("max")
    for layer, rows in zip(loaded.layers, run.layers, strict=True):
        for part in layer.parts:
            module = _same(reference, part.path)
            if _is_linear(module):
                its = _given(reference, module, run, layer.run)[scored]  # [scored positions, neurons]
                first = rows.first_row + part.first
                off = np.abs(largest[first : first + part.neurons] - its.max(axis=0)).max() / np.abs(its).max()
                assert off <= _TOLERANCE, f"{part.path}: the largest activations are off by {off:.2g}"


def _same(model: Any, path: str) -> Any:
    """The module that another model, with more around it or less, has at ``path``."""
    here, there = f".{path}", {f".{name}": module for name, module in model.named_modules() if name}
    return next(its for name, its in there.items() if name.endswith(here) or here.endswith(name))


def _is_linear(module: Any) -> bool:
    return type(module).__name__ in ("Linear", "Conv1D")


def _given(model: Any, module: Any, run: Run, call: int) -> NDArray[np.float32]:
    """What goes into a module, window by window without padding, ``[positions, width]``."""
    found: list[torch.Tensor] = []
    for _, start, length in run.record.tokens.windows:
        calls: list[torch.Tensor] = []
        handle = module.register_forward_pre_hook(lambda _module, args, to=calls: to.append(args[0].clone()))
        ids = torch.tensor([run.record.tokens.ids[start : start + length]])
        with torch.inference_mode():
            model(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False)
        handle.remove()
        values = calls[call].reshape(-1, calls[call].shape[-1])
        # CPM-Ant puts a prompt in front of the tokens, ProphetNet its predictions of later tokens behind them.
        found.append(values[-length:] if model.config.model_type == "cpmant" else values[:length])
    together: NDArray[np.float32] = torch.cat(found).numpy()
    return together


def _said(error: Exception, folder: Path) -> str:
    """What an error says, in one line, without what differs from one place to another."""
    text = error.message if isinstance(error, MechaMapError) else f"{type(error).__name__}: {error}"
    words = " ".join(text.split()).replace(f"{folder / 'model'}", "the model")
    sentence = re.split(r"(?<=[.!?])\s", words, maxsplit=1)[0]
    return sentence[:300]
