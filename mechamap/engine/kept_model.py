"""The model that the engine process keeps between requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mechamap.config.layers import layers_needed
from mechamap.events import Stage
from mechamap.system.memory import give_memory_back
from mechamap.system.paths import user_path

if TYPE_CHECKING:
    from mechamap.config.schema import ScanConfig
    from mechamap.models.loaded import LoadedModel

__all__ = ["MODEL_CACHE", "ModelCache"]


# The settings that another model in memory would come of.
_SHAPED_BY = ("dtype", "device", "device_map", "quantize", "neurons", "revision", "trust_remote_code")


class ModelCache:
    """The model of the last request, kept because the next one often wants the same."""

    def __init__(self) -> None:
        self._key: tuple[object, ...] | None = None
        self._loaded: LoadedModel | None = None

    def get(
        self, name: str, config: ScanConfig, stage: Callable[[Stage, str], None], *, whole: bool = True
    ) -> LoadedModel:
        """The model called ``name`` as ``config`` wants it; another one is freed before this one is loaded.

        Args:
            whole: whether all its layers are needed, or those that the config scans; then one that is kept whole
                serves as well.

        Raises:
            ModelError: see :func:`mechamap.models.loading.load.load_model`.
        """
        layers = None if whole else layers_needed(config.layers)
        key = (*(getattr(config, key) for key in _SHAPED_BY), name, _files(name))
        if self._loaded is not None and key == self._key and _has(self._loaded, layers):
            return self._loaded
        self.drop()
        stage(Stage.RESOLVE, name)
        from mechamap.models.loading.load import load_configured

        self._loaded = load_configured(name, config, whole=whole, stage=lambda text: stage(Stage.LOAD, text))
        self._key = key
        return self._loaded

    def drop(self) -> None:
        """Give the model's memory back, on the device too."""
        self._loaded = self._key = None
        give_memory_back()


def _has(loaded: LoadedModel, layers: int | None) -> bool:
    """Whether a model has so many layers loaded, all for None."""
    last = loaded.layers[-1].layer + 1
    return last == loaded.n_layers or (layers is not None and layers <= last)


def _files(name: str) -> tuple[tuple[str, int, int], ...]:
    """What tells a model folder or file from one that was trained on since: names, sizes, modification times."""
    path = user_path(name)
    files = sorted(path.iterdir()) if path.is_dir() else [path] if path.is_file() else []
    stats = [(file.name, file.stat()) for file in files]
    return tuple((file, stat.st_size, stat.st_mtime_ns) for file, stat in stats)


MODEL_CACHE = ModelCache()
