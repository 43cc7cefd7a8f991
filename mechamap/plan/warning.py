"""A quick check of whether a scan that is about to begin will fit: no tokenizer is read and nothing is measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from mechamap.catalog.source import ModelSource
from mechamap.config.scan_config import ScanConfig
from mechamap.errors import MechaMapError
from mechamap.models.loading.gguf_header import read_header
from mechamap.plan.alternatives import disk_options, options
from mechamap.plan.memory_need import PROCESS
from mechamap.plan.needs import memory_needs, run_size
from mechamap.plan.places import free_disk, places_of
from mechamap.plan.scan_plan import DEFAULT, situation
from mechamap.plan.situation import Circumstances, PlanInputs
from mechamap.plan.source import find_files
from mechamap.plan.weights import ITEM_BYTES
from mechamap.protocol.planned import PlannedOption

__all__ = ["DISK", "Shortfall", "shortfalls"]


DISK = "disk"


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A place with too few bytes free, a device or ``DISK``, and what would make the scan fit."""

    place: str
    needed: int
    free: int
    would_fit: tuple[PlannedOption, ...]


def shortfalls(
    source: ModelSource, config: ScanConfig, about: Circumstances = DEFAULT, out: Path | None = None
) -> tuple[Shortfall, ...]:
    """What keeps a scan from fitting, as far as a quick check can tell; nothing where nothing does, or it is unknown.

    A corpus is not looked at: tokens that its run would keep are left out, so it may take more than is said here.
    A hub model that is not in the cache is not checked, since its config would have to be fetched. Errors in the model
    or the settings are left for the scan itself to report.
    """
    try:
        if source.kind == "gguf" and source.path is not None:
            header = read_header(source.path)
            return tuple(_of_gguf(header.parameters if header is not None else 0, config))
        return tuple(_of(situation(find_files(source, config, fetch=False), config, about, quick=True), out))
    except MechaMapError:
        return ()


def _of(inputs: PlanInputs, out: Path | None) -> Iterator[Shortfall]:
    needs = memory_needs(inputs)
    if (lacking := next((need for need in needs if not need.fits), None)) is not None:
        yield Shortfall(lacking.device, lacking.needed, lacking.free or 0, options(inputs))
    most, free = run_size(inputs).most, free_disk(out)
    if free is not None and most > free:
        yield Shortfall(DISK, most, free, disk_options(inputs, free))


def _of_gguf(parameters: int, config: ScanConfig) -> Iterator[Shortfall]:
    """The check by the number of weights alone: reading the config of a GGUF file takes seconds."""
    places = places_of(config)
    free = places.compute.free
    needed = _unpacked(parameters, config)
    if places.spread or free is None or needed <= free:
        return
    smaller = replace(config, dtype="bfloat16")
    half = _unpacked(parameters, smaller)
    option = PlannedOption.of("weights of half the size", {"dtype": "bfloat16"}, half)
    yield Shortfall(places.compute.name, needed, free, (option,) if half <= free else ())


def _unpacked(parameters: int, config: ScanConfig) -> int:
    return parameters * ITEM_BYTES.get(config.dtype, ITEM_BYTES["float32"]) + PROCESS
