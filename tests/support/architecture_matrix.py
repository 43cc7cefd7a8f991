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

import torch

from mechamap.config.scan_config import Category
from mechamap.config.schema import default_config
from mechamap.errors import MechaMapError, UnsupportedModel
from mechamap.models.loaded import LoadedModel
from mechamap.models.neurons.layers import NeuronLayer
from mechamap.runs.run import Run
from mechamap.scan.scan import scan
from support.architecture_checks import IDS, check_figures, check_nothing_is_left_out, check_proof
from support.by_name import load_model, scan_request
from support.tiny_models import save, tiny_model

__all__ = ["Result", "Verdict", "causal_types", "examine", "examine_all", "scanned"]

Verdict = Literal["pass", "no neurons", "cannot build", "fail"]

_TEXTS = (
    "The cat sat on the mat and ate an apple. A dog and a horse went to Paris by train.",
    "A dog saw the cat eat bread.",  # shorter, so that its window is padded
)
_CATEGORIES = (Category("animal", ("cat", "dog", "horse")), Category("food", ("apple", "bread")))


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one type of model.

    Attributes:
        model_type: the name that transformers registers it under.
        class_name: the class that transformers builds for it.
        verdict: ``pass`` (scanned, and every layer proved), ``no neurons`` (refused for having no MLP), ``cannot
            build`` (transformers itself cannot make or run a tiny one here) or ``fail``.
        reason: why it did not pass.
        kind: as what it is read: ``decoder``, ``encoder`` or ``encoder-decoder``; empty where it is not.
        paths: where its neurons are, ``{layer}`` for the number.
        layers: what each layer that has neurons consists of: ``dense``, ``4 experts`` or ``dense + 4 experts``.
        neurons: how many it has in all layers.
        through: what the neurons' contributions pass within their blocks before they are added: norms, mostly.
    """

    model_type: str
    class_name: str
    verdict: Verdict
    reason: str = ""
    kind: str = ""
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
        result = replace(result, kind=loaded.kind, **_whereabouts(loaded.layers))
        run = scanned(loaded, folder / "run")
        check_proof(run, loaded)
        check_nothing_is_left_out(loaded)
        check_figures(run, loaded, reference)
    except UnsupportedModel as error:
        none = "has no MLP neurons" in error.message
        return replace(result, verdict="no neurons" if none else "fail", reason=_said(error, folder))
    except Exception as error:  # what is no MechaMapError would be a traceback for the user: a failure all the more
        return replace(result, verdict="fail", reason=_said(error, folder))
    finally:
        shutil.rmtree(path, ignore_errors=True)
    through = (re.sub(r"\.\d+\.", ".{layer}.", name) for proof in run.record.proof for name in proof.through)
    return replace(result, through=tuple(dict.fromkeys(through)))


def scanned(loaded: LoadedModel, out: Path) -> Run:
    """A run of a model over two short texts."""
    config = replace(default_config(), categories=_CATEGORIES, texts=_TEXTS, top_k_tokens=2)
    return scan(scan_request(loaded.id, config, out), loaded=loaded)


def _built(model_type: str, path: Path) -> Any:
    """The model saved in ``path``, read and run by transformers alone."""
    from transformers import AutoModelForCausalLM

    made = tiny_model(model_type)
    save(made, path)
    model, info = AutoModelForCausalLM.from_pretrained(path, output_loading_info=True)
    if info["missing_keys"]:
        model = type(made).from_pretrained(path)
    with torch.inference_mode():
        logits = model.eval()(input_ids=torch.tensor([IDS]), use_cache=False).logits
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


def _said(error: Exception, folder: Path) -> str:
    """What an error says, in one line, without what differs from one place to another."""
    text = error.message if isinstance(error, MechaMapError) else f"{type(error).__name__}: {error}"
    words = " ".join(text.split()).replace(f"{folder / 'model'}", "the model")
    sentence = re.split(r"(?<=[.!?])\s", words, maxsplit=1)[0]
    return sentence[:300]
