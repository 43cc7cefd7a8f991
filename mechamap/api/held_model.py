"""The model behind a run, loaded when it is first needed and kept until it is given back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mechamap.api.progress import following
from mechamap.errors import ModelError
from mechamap.events import Stage, StageEntered
from mechamap.runs.run import Run

if TYPE_CHECKING:
    from mechamap.models.loaded import LoadedModel

__all__ = ["HeldModel"]


class HeldModel:
    """Args:
    loaded: the model where it is in memory already.
    show: whether progress is drawn.
    """

    def __init__(self, loaded: LoadedModel | None = None, *, show: bool = True) -> None:
        self._loaded = loaded
        self._show = show

    def of(self, run: Run, model: str | None = None, device: str | None = None) -> LoadedModel:
        """The model of a run.

        Args:
            run: whose settings say how to load it.
            model: where it lies now, if it has moved since the scan.
            device: where to put it; as the run had it where not given.

        Raises:
            MechaMapError: it cannot be loaded, or is of another architecture than the run's.
        """
        if self._loaded is None or model is not None or device is not None:
            self.release()
            self._loaded = self._load(run, model, device)
        return self._loaded

    def release(self) -> None:
        """Let the model go, and give its memory back."""
        if self._loaded is None:
            return
        self._loaded = None
        import gc

        import torch

        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _load(self, run: Run, model: str | None, device: str | None) -> LoadedModel:
        run.folder_with_model()
        from mechamap.catalog.source import resolve
        from mechamap.models.loading.load import load_model
        from mechamap.models.loading.load_settings import load_settings

        config = run.config
        if device is not None:
            config = replace(config, device=device, device_map=None)
        if model is not None:
            config = replace(config, revision=None)
        source = resolve(model or run.record.model.name)
        with following("loading", show=self._show) as (tell, _):
            loaded = load_model(source, load_settings(config), stage=lambda text: tell(StageEntered(Stage.LOAD, text)))
        expected = run.record.model.architecture
        if loaded.architecture != expected:
            raise ModelError(
                f"{loaded.id} is {loaded.architecture}; {run.name} was made from {expected}.",
                "Name the model of that run.",
            )
        return loaded
