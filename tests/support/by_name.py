"""What a model is asked for, with the model called by its name or folder, as tests have it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from mechamap.catalog.source import resolve
from mechamap.config.scan_config import ScanConfig
from mechamap.models.loaded import LoadedModel
from mechamap.models.loading import load
from mechamap.models.loading.load_settings import LoadSettings, load_settings
from mechamap.plan import scan_plan, source, warning
from mechamap.plan.situation import Circumstances
from mechamap.scan.prepare import ScanRequest


def load_model(name: Path | str, *, stage: Callable[[str], None] = lambda text: None, **settings: Any) -> LoadedModel:
    """The model called so; ``settings`` are those of LoadSettings, one path of neurons may be given alone."""
    if isinstance(neurons := settings.get("neurons"), str):
        settings["neurons"] = (neurons,)
    return load.load_model(resolve(str(name)), LoadSettings(**settings), stage=stage)


def load_configured(name: Path | str, config: ScanConfig, *, whole: bool = True) -> LoadedModel:
    """The model called so, as a scan with this config loads it."""
    return load.load_model(resolve(str(name)), load_settings(config, whole=whole))


def scan_request(name: Path | str, config: ScanConfig, out: Path | None = None, **options: Any) -> ScanRequest:
    """A request to scan the model called so."""
    return ScanRequest(resolve(str(name)), config, out, **options)


def plan_scan(name: Path | str, config: ScanConfig, **options: Any) -> scan_plan.ScanPlan:
    """The plan of a scan of the model called so."""
    places = {name: options.pop(name) for name in ("out", "stage") if name in options}
    return scan_plan.plan_scan(resolve(str(name)), config, about=Circumstances(**options), **places)


def shortfall(name: Path | str, config: ScanConfig, *, whole: bool = False) -> warning.Shortfall | None:
    """What keeps a scan of the model called so from fitting, first of all."""
    found = warning.shortfalls(resolve(str(name)), config, Circumstances(whole=whole))
    return found[0] if found else None


def find_files(name: Path | str, config: ScanConfig) -> source.ModelFiles:
    """The files of the model called so."""
    return source.find_files(resolve(str(name)), config)
