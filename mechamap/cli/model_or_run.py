"""A model that a command names itself, or by a run that was made from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mechamap.cli.loading import ModelOptions, load, model_of_run
from mechamap.cli.narration import Narration
from mechamap.system.paths import user_path

if TYPE_CHECKING:
    from mechamap.models.loaded import LoadedModel
    from mechamap.runs.run import Run

__all__ = ["model_named"]


def model_named(name: str, run: Run | None, options: ModelOptions, narration: Narration) -> LoadedModel:
    """The model of a run, or where there is none the one that is called ``name``.

    Raises:
        MechaMapError: it cannot be loaded.
    """
    if run is not None:
        return model_of_run(run, options, narration)
    from mechamap.catalog.source import resolve
    from mechamap.models.loading.load_settings import LoadSettings

    adapter = None if options.adapter is None else str(user_path(options.adapter).resolve())
    settings = LoadSettings(device=options.device or "auto", adapter=adapter)
    return load(resolve(name), settings, narration)
