"""Adapters: one that lies beside the weights is left where it is, one that is asked for is merged into them.

transformers puts an adapter that lies beside the weights on top of them wherever peft is installed, and says nothing.
"""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mechamap.catalog.adapters import Adapter, adapter_in
from mechamap.errors import MissingExtra, ModelNotFound, UnsupportedModel, UsageError, WeightsError

if TYPE_CHECKING:
    from torch import nn

    from mechamap.models.loading.load_settings import LoadSettings

__all__ = ["check_adapter", "left_out", "merge_adapter"]


_WEIGHTS = ("adapter_model.safetensors", "adapter_model.bin")


def check_adapter(settings: LoadSettings) -> None:
    """Check that the adapter that is to be merged, if there is one, is there and can be. Needs no torch.

    Raises:
        ModelNotFound: there is no such folder, or no adapter in it.
        WeightsError: its weights are missing.
        UsageError: the weights it is to be merged into are packed or spread.
        MissingExtra: peft is not installed.
    """
    if settings.adapter is None:
        return
    folder = Path(settings.adapter)
    if adapter_in(folder) is None:
        raise ModelNotFound(
            f"{folder} holds no adapter: it has no adapter_config.json.",
            "Give the folder that PEFT's save_pretrained wrote.",
        )
    if not any((folder / name).is_file() for name in _WEIGHTS):
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
        UnsupportedModel: it changes no weights, or belongs to another model.
        WeightsError: the model's weights are packed.
    """
    from peft import PeftModel

    adapter = adapter_in(folder) or Adapter(folder)
    for_what = f" (it was trained on {adapter.base})" if adapter.base else ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            wrapped: Any = PeftModel.from_pretrained(model, str(folder))
            unknown = _not_taken(folder, wrapped)
            merge = getattr(wrapped, "merge_and_unload", None)
        except (ValueError, RuntimeError, KeyError) as error:
            raise UnsupportedModel(
                f"The adapter in {folder}{for_what} does not fit this model: {' '.join(str(error).split())[:200]}",
                "Give the model that it was trained on.",
            ) from None
        if unknown:
            raise UnsupportedModel(
                f"The adapter in {folder}{for_what} has weights that this model has no place for, such as {unknown}.",
                "Give the model that it was trained on.",
            )
        if merge is None or getattr(wrapped.active_peft_config, "is_prompt_learning", False):
            raise UnsupportedModel(
                f"{folder} holds {adapter.named}, which adds to the text or the activations and changes no weights.",
                "Adapters that are merged into the weights can be scanned, such as LoRA.",
            )
        merge(safe_merge=True)


def _not_taken(folder: Path, wrapped: Any) -> str:
    """The name of a weight in the adapter's file that nothing was done with; empty where there is none."""
    from peft import get_peft_model_state_dict
    from peft.utils import load_peft_weights

    in_file = set(load_peft_weights(str(folder), device="cpu"))
    return min(in_file - set(get_peft_model_state_dict(wrapped)), default="")


def _is_installed() -> bool:
    try:
        return importlib.util.find_spec("peft") is not None
    except ValueError:  # it is None in sys.modules
        return False
