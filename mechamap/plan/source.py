"""Where a model's config, tokenizer and weights lie, found without reading or fetching any weights."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mechamap.catalog.hub_cache import cached_repository
from mechamap.catalog.source import ModelSource
from mechamap.config.scan_config import ScanConfig
from mechamap.errors import MechaMapError, ModelNotFound, WeightsError
from mechamap.models.loading import folder, gguf, hub
from mechamap.models.loading.adapter import check_adapter
from mechamap.models.loading.load_settings import load_settings
from mechamap.models.loading.quantized import check_packing
from mechamap.system.json_files import parsed_json, read_json

__all__ = ["ModelFiles", "find_files", "listed_bytes", "stored_dtype"]


# What safetensors calls the number formats that weights are kept in.
_FORMATS = {"F64": "float64", "F32": "float32", "BF16": "bfloat16", "F16": "float16"}


_LONGEST_HEADER = 100_000_000  # bytes; safetensors itself takes no longer ones


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A model's files on this machine.

    Attributes:
        source: what the model's name means.
        path: the folder with the config, or the GGUF file.
        weights: the files that a scan would read, those of them that are here.
        problem: why a scan cannot read them as they are, in a sentence; empty where no reason is known.
        has_tokenizer: whether the tokenizer is there.
    """

    source: ModelSource
    path: Path
    weights: tuple[Path, ...] = ()
    problem: str = ""
    has_tokenizer: bool = True

    @property
    def bytes(self) -> int:
        """The size of the weights' files."""
        return sum(file.stat().st_size for file in self.weights)

    @property
    def place(self) -> dict[str, str]:
        """How transformers is told where the model lies."""
        return gguf.place(self.path)


def find_files(
    source: ModelSource, config: ScanConfig, *, fetch: bool = True, stage: Callable[[str], None] = lambda text: None
) -> ModelFiles:
    """The files of a model.

    Args:
        config: of the scan, for the revision and for whether Python code that comes with the model may be run.
        fetch: whether config and tokenizer of a hub model that is not in the cache are fetched.
        stage: called with what is being done when it takes time.

    Raises:
        ModelNotFound: it can be neither found in the cache nor fetched.
        UnsupportedModel: its config describes no model that transformers knows.
        ModelError: its config cannot be read.
        MissingExtra: it is a GGUF file, and what reads those is not installed.
        WeightsError: it is a GGUF file without the weights of a whole model.
        UsageError: a revision of something that is not on the hub.
    """
    source.check_revision(config.revision)
    if source.kind == "gguf" and source.path is not None:
        gguf.check_file(source.path)
        return ModelFiles(source, source.path, (source.path,))
    path = source.path if source.path is not None else _of_hub(source.id, config, fetch, stage)
    described = folder.read_config(path)
    folder.check_model_type(path, described)
    weights = _weights(path)
    packing = _problem(lambda: check_packing(path, described, config.quantize))
    adapter = _problem(lambda: check_adapter(load_settings(config)))
    # A hub model's weights may simply not have been downloaded yet.
    missing = _problem(lambda: folder.check_weight_files(path)) if weights or source.kind != "hub" else ""
    no_tokenizer = _problem(lambda: folder.check_tokenizer_files(path))
    return ModelFiles(source, path, weights, packing or missing or adapter or no_tokenizer, not no_tokenizer)


def _problem(check: Callable[[], None]) -> str:
    """What a check finds, empty where it finds nothing."""
    try:
        check()
    except MechaMapError as error:
        return error.message
    return ""


def _weights(path: Path) -> tuple[Path, ...]:
    """The files with the weights in a folder, those of them that are there."""
    try:
        return tuple(file for file in folder.weight_files(path) if file.is_file())
    except WeightsError:
        return ()


def _of_hub(model_id: str, config: ScanConfig, fetch: bool, stage: Callable[[str], None]) -> Path:
    """The folder of a hub model: from the cache where it is there, else with config and tokenizer fetched into it."""
    if cached_repository(model_id).is_dir():
        try:
            return hub.from_cache(model_id, config.revision, "it was not looked for on the hub")[0]
        except ModelNotFound:
            pass  # another revision, or a download that was broken off
    if not fetch:
        raise ModelNotFound(f"{model_id} is not in the local cache.", "Its config can be fetched from the hub.")
    return hub.fetch(model_id, config.revision, code=config.trust_remote_code, weights=False, stage=stage)[0]


def stored_dtype(weights: Sequence[Path]) -> str | None:
    """The number format of the first weights in safetensors files, None where only reading them whole would tell."""
    for path in weights:
        if path.suffix != ".safetensors":
            continue
        try:
            with path.open("rb") as file:
                (length,) = struct.unpack("<Q", file.read(8))
                header = parsed_json(file.read(min(length, _LONGEST_HEADER)))
            formats = (_FORMATS.get(entry["dtype"]) for name, entry in header.items() if name != "__metadata__")
            if (dtype := next(filter(None, formats), None)) is not None:
                return dtype
        except (OSError, ValueError, LookupError, TypeError, AttributeError, struct.error):
            continue  # a damaged file, which ``problem`` reports
    return None


def listed_bytes(path: Path) -> int | None:
    """The size of the weights by the index of their shards, None where no index gives it."""
    for index in sorted(path.glob("*.index.json")) if path.is_dir() else ():
        try:
            size = read_json(index)["metadata"]["total_size"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if isinstance(size, int):
            return size
    return None
