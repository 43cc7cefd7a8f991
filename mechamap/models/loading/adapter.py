"""Adapters: one that lies beside the weights is left where it is, one that is asked for is merged into them.

transformers puts an adapter that lies beside the weights on top of them wherever peft is installed, and says nothing.
"""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mechamap.catalog.adapters import Adapter, adapter_in
from mechamap.catalog.weight_files import WEIGHT_KINDS, other_content
from mechamap.errors import MissingExtra, ModelNotFound, UnsupportedModel, UsageError, WeightsError
from mechamap.system.room import lacks_memory

if TYPE_CHECKING:
    from torch import nn

    from mechamap.models.loading.load_settings import LoadSettings

__all__ = ["check_adapter", "left_out", "merge_adapter"]


_WEIGHTS = ("adapter_model.safetensors", "adapter_model.bin")
_BROKEN = ("SafetensorError", "UnpicklingError", "EOFError")


def check_adapter(settings: LoadSettings) -> None:
    """Check that the adapter that is to be merged, if there is one, is there and can be. Needs no torch.

    Raises:
        ModelNotFound: there is no such folder, or no adapter in it.
        UnsupportedModel: it asks for code of another library.
        WeightsError: its weights are missing.
        UsageError: the weights it is to be merged into are packed or spread.
        MissingExtra: peft is not installed.
    """
    if settings.adapter is None:
        return
    folder = Path(settings.adapter)
    adapter = adapter_in(folder)
    if adapter is None:
        raise ModelNotFound(
            f"{folder} holds no adapter: it has no adapter_config.json.",
            "Give the folder that PEFT's save_pretrained wrote.",
        )
    if adapter.for_megatron:
        raise UnsupportedModel(
            f"{folder} holds {adapter.named} for layers of Megatron, for which a module is imported that its config "
            "names.",
            "Adapters for layers of transformers can be merged.",
        )
    weights = [folder / name for name in _WEIGHTS if (folder / name).is_file()]
    if weights and (other := other_content(weights[0], "the weights of an adapter", WEIGHT_KINDS)) is not None:
        raise WeightsError(*other)
    if not weights:
        raise WeightsError(
            f"{folder} has no weights of its adapter: neither {_WEIGHTS[0]} nor {_WEIGHTS[1]}.", "Copy them as well."
        )
    for is_set, how in ((settings.quantize, "that are packed"), (settings.device_map, "that are spread over devices")):
        if is_set is not None:
            raise UsageError(
                f"An adapter cannot be merged into weights {how}.",
                "Leave quantize and device_map out, or merge the adapter first and scan what PEFT saves.",
            )
    if not _is_installed():
        raise MissingExtra(
            f"Merging the adapter in {folder} needs peft, not installed here.",
            "Install the extra: pip install 'mechamap[adapter]'",
        )


def left_out(path: Path, merged: str | None) -> str:
    """What is to be known where an adapter lies beside the weights in ``path`` and is not merged; else empty."""
    beside = adapter_in(path) if path.is_dir() else None
    if beside is None or (merged is not None and Path(merged) == path):
        return ""
    return (
        f"A{beside.named[1:]} lies beside the weights and was not applied: the activations are those of the weights "
        "alone. The setting adapter merges it."
    )


def merge_adapter(folder: Path, model: nn.Module) -> None:
    """Add an adapter's changes to the weights of a model that has just been read.

    Raises:
        UnsupportedModel: it changes no weights, belongs to another model, or cannot be merged into its weights.
        WeightsError: its own weights cannot be read, or make NaN of the model's.
    """
    adapter = adapter_in(folder) or Adapter(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wrapped = _wrapped(adapter, model)
        if getattr(wrapped.active_peft_config, "is_prompt_learning", False):
            raise UnsupportedModel(
                f"{folder} holds {adapter.named}, which adds to the text or the activations and changes no weights.",
                "Adapters that are merged into the weights can be scanned, such as LoRA.",
            )
        try:
            wrapped.merge_and_unload(safe_merge=True)
        except (ValueError, RuntimeError, AttributeError, NotImplementedError) as error:
            if lacks_memory(error):
                raise
            text = " ".join(str(error).split())[:200]
            if "NaN" in text:
                raise WeightsError(
                    f"The adapter in {folder} holds NaN or infinity, or makes them of the model's weights.",
                    "Copy it again; where the file is right, its training had diverged.",
                ) from None
            raise UnsupportedModel(f"The adapter in {folder} cannot be merged into this model: {text}") from None


def _wrapped(adapter: Adapter, model: nn.Module) -> Any:
    """The model with an adapter on top, as PEFT has it; every weight of the adapter is in its place."""
    from peft import PeftModel, get_peft_model_state_dict
    from peft.utils import load_peft_weights

    folder, on = adapter.folder, f" (it was trained on {adapter.base})" if adapter.base else ""
    try:
        weights = load_peft_weights(str(folder), device="cpu")
        if adapter.rank > max((size for weight in weights.values() for size in weight.shape), default=0):
            raise ValueError(f"its config names the rank {adapter.rank}, and none of its weights is as large.")
        wrapped = PeftModel.from_pretrained(model, str(folder))
        unknown = min(weights.keys() - get_peft_model_state_dict(wrapped).keys(), default="")
    except (ValueError, RuntimeError, KeyError, TypeError, AttributeError) as error:
        if lacks_memory(error):
            raise
        raise UnsupportedModel(
            f"The adapter in {folder}{on} does not fit this model: {' '.join(str(error).split())[:200]}",
            "Give the model that it was trained on.",
        ) from None
    except Exception as error:
        if type(error).__name__ not in _BROKEN:
            raise
        raise WeightsError(
            f"The weights of the adapter in {folder} cannot be read: {' '.join(str(error).split())[:200]}",
            "Copy or download them again.",
        ) from None
    if unknown:
        raise UnsupportedModel(
            f"The adapter in {folder}{on} has weights that this model has no place for, such as {unknown}.",
            "Give the model that it was trained on.",
        )
    return wrapped


def _is_installed() -> bool:
    try:
        return importlib.util.find_spec("peft") is not None
    except ValueError:  # it is None in sys.modules
        return False
