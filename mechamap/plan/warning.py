"""A quick check of whether a scan that is about to begin will fit: no tokenizer is read and nothing is measured."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mechamap.catalog.source import ModelSource
from mechamap.config.scan_config import ScanConfig
from mechamap.errors import MechaMapError
from mechamap.models.loading.gguf_header import read_header
from mechamap.plan.alternatives import options
from mechamap.plan.memory_need import PROCESS, memory_needs
from mechamap.plan.places import places_of
from mechamap.plan.scan_plan import situation
from mechamap.plan.source import find_files
from mechamap.plan.weights import ITEM_BYTES
from mechamap.protocol.planned import PlannedOption

__all__ = ["Shortfall", "shortfall"]


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A device with too little memory, in bytes, and what would make the scan fit."""

    device: str
    needed: int
    free: int
    would_fit: tuple[PlannedOption, ...]


def shortfall(source: ModelSource, config: ScanConfig, *, whole: bool = False) -> Shortfall | None:
    """What keeps a scan from fitting, as far as a quick check can tell; None where nothing does, or it is unknown.

    A hub model that is not in the cache is not checked, since its config would have to be fetched. Errors in the model
    or the settings are left for the scan itself to report.
    """
    try:
        if source.kind == "gguf" and source.path is not None:
            header = read_header(source.path)
            return _of_gguf(header.parameters if header is not None else 0, config)
        inputs = situation(find_files(source, config, fetch=False), config, quick=True, whole=whole)
        for need in memory_needs(inputs):
            if not need.fits:
                return Shortfall(need.device, need.needed, need.free or 0, options(inputs))
    except MechaMapError:
        pass
    return None


def _of_gguf(parameters: int, config: ScanConfig) -> Shortfall | None:
    """The check by the number of weights alone: reading the config of a GGUF file takes seconds."""
    places = places_of(config)
    free = places.compute.free
    needed = _unpacked(parameters, config)
    if places.spread or free is None or needed <= free:
        return None
    smaller = replace(config, dtype="bfloat16")
    half = _unpacked(parameters, smaller)
    option = PlannedOption.of("weights of half the size", {"dtype": "bfloat16"}, half)
    return Shortfall(places.compute.name, needed, free, (option,) if half <= free else ())


def _unpacked(parameters: int, config: ScanConfig) -> int:
    return parameters * ITEM_BYTES.get(config.dtype, ITEM_BYTES["float32"]) + PROCESS
