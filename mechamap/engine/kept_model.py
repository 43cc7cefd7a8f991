"""The model that the engine process keeps between requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mechamap.errors import OutOfMemory
from mechamap.events import Stage
from mechamap.system.memory import give_memory_back
from mechamap.system.room import MODELS, require_room

if TYPE_CHECKING:
    from mechamap.catalog.source import ModelSource
    from mechamap.config.scan_config import ScanConfig
    from mechamap.models.loaded import LoadedModel

__all__ = ["ModelCache"]


class ModelCache:
    """The model of the last request, kept because the next one often wants the same."""

    def __init__(self) -> None:
        self._key: tuple[object, ...] | None = None
        self._loaded: LoadedModel | None = None

    def get(
        self, source: ModelSource, config: ScanConfig, stage: Callable[[Stage, str], None], *, whole: bool = True
    ) -> LoadedModel:
        """A model as ``config`` wants it; another one is freed before this one is loaded.

        Args:
            whole: whether all its layers are needed, or those that the config scans; then one that is kept whole
                serves as well.

        Raises:
            OutOfMemory: the process may take too little for any model.
            ModelError: see :func:`mechamap.models.loading.load.load_model`.
        """
        require_room(MODELS, "Reading a model")
        from mechamap.models.loading.load_settings import load_settings

        settings = load_settings(config, whole=whole)
        adapter = None if settings.adapter is None else Path(settings.adapter)
        key = (replace(settings, layers_wanted=None), source.id, _files(source.path), _files(adapter))
        if self._loaded is not None and key == self._key and _has(self._loaded, settings.layers_wanted):
            return self._loaded
        self.drop()
        stage(Stage.RESOLVE, source.name)
        from mechamap.models.loading.load import load_model

        self._loaded = load_model(source, settings, stage=lambda text: stage(Stage.LOAD, text))
        self._key = key
        return self._loaded

    @contextmanager
    def lent(
        self, source: ModelSource, config: ScanConfig, stage: Callable[[Stage, str], None], *, whole: bool = True
    ) -> Iterator[LoadedModel]:
        """The model of :meth:`get` for as long as something is done with it; it is not kept if memory runs out."""
        with self.dropped_when_out_of_memory():
            yield self.get(source, config, stage, whole=whole)

    @contextmanager
    def dropped_when_out_of_memory(self) -> Iterator[None]:
        """Keep no model if what is done meanwhile needs more memory than there is; it raises all the same."""
        try:
            yield
        except OutOfMemory:
            self.drop()
            raise

    def drop(self) -> str | None:
        """Give the model's memory back, on the device too; its id, None where none was kept."""
        dropped = self._loaded.id if self._loaded is not None else None
        self._loaded = self._key = None
        give_memory_back()
        return dropped


def _has(loaded: LoadedModel, layers: int | None) -> bool:
    """Whether a model has so many layers loaded, all for None."""
    last = loaded.layers[-1].layer + 1
    return last == loaded.n_layers or (layers is not None and layers <= last)


def _files(path: Path | None) -> tuple[tuple[str, int, int], ...]:
    """What tells a model folder or file from one that was trained on since: names, sizes, modification times."""
    if path is None:
        return ()
    files = sorted(path.iterdir()) if path.is_dir() else [path] if path.exists() else []
    stats = [(file.name, file.stat()) for file in files]
    return tuple((file, stat.st_size, stat.st_mtime_ns) for file, stat in stats)
