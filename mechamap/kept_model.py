"""The model that the engine process keeps between requests."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mechamap.config import ScanConfig
    from mechamap.models import LoadedModel

__all__ = ["KEPT", "KeptModel"]


class KeptModel:
    """The model of the last request, kept because the next one often wants the same."""

    def __init__(self) -> None:
        self._key: tuple[object, ...] | None = None
        self._loaded: LoadedModel | None = None

    def get(self, name: str, config: ScanConfig, stage: Callable[[str, str], None]) -> LoadedModel:
        """The model called ``name`` as ``config`` wants it; another one is freed before this one is loaded.

        Raises:
            ModelError: see :func:`mechamap.models.load_model`.
        """
        key = (name, config.dtype, config.device, config.revision, config.trust_remote_code, _files(name))
        if self._loaded is not None and key == self._key:
            return self._loaded
        self.drop()
        stage("resolve", name)
        from mechamap.models import load_model

        self._loaded = load_model(
            name,
            dtype=config.dtype,
            device=config.device,
            revision=config.revision,
            trust_remote_code=config.trust_remote_code,
            stage=lambda text: stage("load", text),
        )
        self._key = key
        return self._loaded

    def drop(self) -> None:
        """Give the model's memory back, on the device too."""
        self._loaded = self._key = None
        gc.collect()
        torch = sys.modules.get("torch")
        if torch is not None and torch.cuda.is_initialized():
            torch.cuda.empty_cache()


def _files(name: str) -> tuple[tuple[str, int, int], ...]:
    """What tells a model folder or file from one that was trained on since: names, sizes, modification times."""
    path = Path(name).expanduser()
    files = sorted(path.iterdir()) if path.is_dir() else [path] if path.is_file() else []
    stats = [(file.name, file.stat()) for file in files]
    return tuple((file, stat.st_size, stat.st_mtime_ns) for file, stat in stats)


KEPT = KeptModel()
