"""How many layers and neurons a model has at most, from its config, so that a CSV that names more is refused.

Only ``config.json`` is read, of the bundled model, a folder or the local hub cache; nothing is fetched. Whatever a
config leaves open is not limited: a number is refused only where no model of that config could have it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mechamap.catalog.hub_cache import cached_repository
from mechamap.catalog.source import resolve
from mechamap.csv_files.source import RowBlock
from mechamap.errors import ModelNotFound
from mechamap.system.json_files import read_json

__all__ = ["ModelLimits", "limits_of_config", "limits_of_model"]


_LAYERS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
_ENCODER_LAYERS = ("encoder_layers", "num_encoder_layers", *_LAYERS)
_DECODER_LAYERS = ("decoder_layers", "num_decoder_layers")
_D_MODEL = ("hidden_size", "n_embd", "d_model", "emb_dim", "dim")
_WIDTH = re.compile(
    r"intermediate_size|ffn_(hidden_)?(dim|size)$|ffn_dim|n_inner|d_inner|d_ff$|dff$|dim_ff$|hidden_dim$|feed_forward_size"
)
_EXPERTS = re.compile(r"^(moe_)?(num|n)_?(local_|routed_)?experts$")
_SHARED = re.compile(r"(num|n)_shared_experts?$")
# The configs of these name no width: it is four times d_model.
_FOUR_TIMES = ("gpt2", "gptj", "gpt_neo", "gpt_bigcode", "codegen", "bloom", "openai-gpt", "xlm")
_SCALED = re.compile(r"multipl|expansion|auto_adjust")  # the width is computed from these in model-specific ways


@dataclass(frozen=True, slots=True)
class ModelLimits:
    """The sizes of a model, None where its config does not say.

    Attributes:
        model: its name in the file.
        config: the file that these are from.
        layers: how many it has at most.
        neurons: how many a layer has at most, those of all experts counted.
    """

    model: str
    config: Path
    layers: int | None
    neurons: int | None

    def check(self, block: RowBlock, layers: NDArray[np.int64], neurons: NDArray[np.int64]) -> None:
        """Check that the numbers of a block's rows, ``[rows]`` both, are within the limits.

        Raises:
            RunError: a number is beyond them, named by row and column.
        """
        if self.layers is not None and layers.max(initial=0) >= self.layers:
            self._fail(block, "layer", layers, self.layers, f"{self.model} has {self.layers:,} layers")
        if self.neurons is not None and neurons.max(initial=0) >= self.neurons:
            self._fail(block, "neuron", neurons, self.neurons, f"a layer of {self.model} has {self.neurons:,} neurons")

    def _fail(self, block: RowBlock, column: str, numbers: NDArray[np.int64], limit: int, limit_text: str) -> None:
        row = int(np.argmax(numbers >= limit))
        block.fail(
            row,
            column,
            f"{numbers[row]} is beyond the model: {limit_text} at most, 0 to {limit - 1:,}",
            f"This is from {self.config}. If the file is about another model, put its name in the column model.",
        )


def limits_of_model(name: str) -> ModelLimits | None:
    """The limits of the model called ``name``, None where its config is not on this machine."""
    try:
        folder = _folder(name)
        if folder is None:
            return None
        config = read_json(folder / "config.json")
    except (OSError, ValueError):  # a config that cannot be read sets no limit
        return None
    if not isinstance(config, dict):
        return None
    layers, neurons = limits_of_config(config)
    return ModelLimits(name, folder / "config.json", layers, neurons)


def _folder(name: str) -> Path | None:
    try:
        source = resolve(name)
    except ModelNotFound:
        return None
    if source.path is not None:
        return source.path if source.path.is_dir() else None
    repository = cached_repository(source.id)
    reference = repository / "refs" / "main"
    if reference.is_file():
        return repository / "snapshots" / reference.read_text(encoding="utf-8", errors="replace").strip()
    return max(repository.glob("snapshots/*"), key=lambda path: path.stat().st_mtime, default=None)


def limits_of_config(config: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """The most layers, and neurons in a layer, that a model of this config can have; None where it is open."""
    if config.get("auto_map"):  # with custom code, names may mean anything
        return None, None
    sides = [side for side in (config.get("encoder"), config.get("decoder")) if isinstance(side, dict)]
    if len(sides) == 2:
        both = [limits_of_config(side) for side in sides]
        layers = [count for count, _ in both if count is not None]
        widths = [count for _, count in both if count is not None]
        return (sum(layers) if len(layers) == 2 else None), (max(widths) if len(widths) == 2 else None)
    if isinstance(config.get("text_config"), dict):
        return limits_of_config(config["text_config"])
    return _layers(config), _neurons(config)


def _layers(config: Mapping[str, Any]) -> int | None:
    one_side = max(_sizes(config.get(key) for key in _LAYERS), default=None)
    encoder = max(_sizes(config.get(key) for key in _ENCODER_LAYERS), default=None)
    decoder = max(_sizes(config.get(key) for key in _DECODER_LAYERS), default=None)
    if config.get("is_encoder_decoder") or (encoder is not None and decoder is not None):
        return encoder + (decoder or encoder) if encoder is not None else None
    listed = [len(config[key]) for key in ("layers_block_type",) if isinstance(config.get(key), list)]
    most = max([count for count in (one_side, decoder, *listed) if count is not None], default=None)
    if most is None:
        return None
    beyond = sum(_sizes([config.get("num_nextn_predict_layers")]))
    return (most + beyond) * max(_sizes([config.get("inner_group_num")]), default=1)  # ALBERT's


def _neurons(config: Mapping[str, Any]) -> int | None:
    values = dict(config)
    if isinstance(inner := config.get("ffn_config"), dict):  # DBRX
        values |= inner
    if any(_SCALED.search(key) for key in values if "ff" in key or "expansion" in key or "intermediate" in key):
        return None
    d_model = max(_sizes(values.get(key) for key in _D_MODEL), default=None)
    widths: list[int] = []
    for key, value in values.items():
        if _WIDTH.search(key):
            widths += _sizes(value if isinstance(value, list) else [value])
            if value is None and d_model is not None:
                widths.append(4 * d_model)
    if values.get("model_type") in _FOUR_TIMES and d_model is not None and not widths:
        widths.append(4 * d_model)
    if not widths:
        return None
    most = max(widths) * max(_sizes([values.get("num_feedforward_networks")]), default=1)  # MobileBERT's
    experts = max(_sizes(_flat(value for key, value in values.items() if _EXPERTS.search(key))), default=0)
    if any("expert" in key for key in values) and not experts:
        return None
    shared = max(_sizes(_flat(value for key, value in values.items() if _SHARED.search(key))), default=1)
    each = max(_sizes(_flat([values.get("moe_intermediate_size")])), default=most)
    return experts * each + shared * most if experts else most


def _flat(values: Iterable[Any]) -> list[Any]:
    return [item for value in values for item in (value if isinstance(value, list) else [value])]


def _sizes(values: Iterable[Any]) -> list[int]:
    return [value for value in values if isinstance(value, int) and not isinstance(value, bool) and value > 0]
