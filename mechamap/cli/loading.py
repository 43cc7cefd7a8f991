"""What a command works on, as its flags name it: a run or a CSV, the model of a run, and how a model is loaded."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mechamap.cli.narration import Narration
from mechamap.cli.parser import Parser
from mechamap.config.choices import DEVICE_MAPS, QUANTIZE
from mechamap.errors import ModelError, RunError, UsageError
from mechamap.events import LayerFinished, ScanEvent, StageEntered
from mechamap.system.paths import user_path
from mechamap.wording.plain import printable

if TYPE_CHECKING:
    from mechamap.catalog.source import ModelSource
    from mechamap.models.loaded import LoadedModel
    from mechamap.models.loading.load_settings import LoadSettings
    from mechamap.runs.run import Run

__all__ = [
    "CheckProgress",
    "ModelOptions",
    "add_loading_flags",
    "add_model_flags",
    "add_source_model_flag",
    "load",
    "loading_changes",
    "model_kept",
    "model_of_run",
    "model_options",
    "opened",
    "run_named",
    "run_with_folder",
]


# The model that :func:`model_kept` keeps, with what it was loaded by; None where none is kept.
_KEPT: ContextVar[list[tuple[ModelSource, LoadSettings, LoadedModel]] | None] = ContextVar("kept model", default=None)


def add_loading_flags(parser: argparse.ArgumentParser) -> None:
    """Declare them; none has a default, so that a config file's settings hold where they are not given."""
    add = parser.add_argument
    add("--dtype", metavar="D", help="auto (as the checkpoint has it), float32, bfloat16 or float16")
    add("--device", metavar="D", help="auto (CUDA if there is one, else the CPU), cpu, cuda, cuda:1 or mps")
    add("--device-map", metavar="M", help=f"spread it over cards, memory and disk instead: {', '.join(DEVICE_MAPS)}")
    add("--quantize", metavar="Q", help=f"pack the weights while they are read: {' or '.join(QUANTIZE)}")
    add(
        "--neurons",
        metavar="PATH",
        action="append",
        help='where the down-projections are, as in "model.layers.{layer}.mlp.down_proj", for a model whose neurons '
        "are not found; repeatable",
    )
    add("--adapter", metavar="DIR", help="the folder of an adapter (LoRA) to merge into the weights")
    add("--revision", metavar="R", help="branch, tag or commit of a hub model")
    add("--trust-remote-code", action="store_true", help="run Python code that comes with the model")


def loading_changes(args: argparse.Namespace) -> dict[str, object]:
    """The changes that the flags make to a config; a device replaces a map in the file, and the other way round."""
    from mechamap.config.model_settings import one_place

    changes = {
        "dtype": args.dtype,
        "device": args.device,
        "device_map": args.device_map,
        "quantize": args.quantize,
        "neurons": args.neurons,
        "adapter": args.adapter,
        "revision": args.revision,
        "trust_remote_code": args.trust_remote_code or None,
    }
    return one_place({key: value for key, value in changes.items() if value is not None})


def add_source_model_flag(parser: Parser) -> None:
    """``--model``, which picks one of the models that a CSV is about."""
    parser.add_argument("--model", metavar="NAME", help="of a CSV with several models, the one to read")


def opened(name: str, narration: Narration, model: str | None = None) -> Run:
    """Open a run or a CSV; on a terminal, one line says which share of a CSV was read.

    Raises:
        MechaMapError: see :func:`mechamap.csv_files.run.open_run`.
    """
    from mechamap.csv_files.run import open_run

    reading = f"reading {printable(name)}"
    try:
        return open_run(name, model=model, progress=lambda share: narration.progress(f"{reading}: {share:.0%}"))
    finally:
        narration.clear()


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """Where a run's model and its adapter lie now, and where to put it; None: as the run had it."""

    model: str | None = None
    device: str | None = None
    adapter: str | None = None


def model_options(args: argparse.Namespace) -> ModelOptions:
    """What the flags of :func:`add_model_flags` say."""
    return ModelOptions(args.model, args.device, args.adapter)


def add_model_flags(parser: argparse.ArgumentParser) -> None:
    """Where the run's model lies now and where to put it."""
    add = parser.add_argument
    add("--model", metavar="MODEL", help="the run's model, where it has moved since the scan")
    add("--adapter", metavar="DIR", help="the adapter that the run's model has, where it has moved since the scan")
    add("--device", metavar="D", help="auto, cpu, cuda, cuda:1 or mps (default: as the run had it)")


def run_with_folder(name: Path | str) -> Run:
    """A run whose model can be asked about its neurons, and that can be added to.

    Raises:
        RunError: no run has that name, or it is a CSV.
    """
    from mechamap.csv_files.run import open_run

    run = open_run(name)
    run.folder_with_model()
    return run


def run_named(name: str) -> Run | None:
    """The run of that name; None where there is none, so that the name means a model."""
    from mechamap.runs.library import find_run

    if name.lower().endswith(".csv"):  # no model is called that
        return run_with_folder(name)
    try:
        folder = find_run(name)
    except (RunError, OSError):
        return None
    return run_with_folder(folder)


@contextmanager
def model_kept() -> Iterator[None]:
    """Keep the model that is loaded inside, until another one is: several commands after one another need it."""
    token = _KEPT.set([])
    try:
        yield
    finally:
        _KEPT.reset(token)


def load(source: ModelSource, settings: LoadSettings, narration: Narration) -> LoadedModel:
    """Load a model, unless it is kept from before; on a terminal, one line says how far that is."""
    kept = _KEPT.get()
    if kept and kept[0][:2] == (source, settings):
        return kept[0][2]
    if kept is not None:
        kept.clear()  # two would take twice the memory
    loaded = _load(source, settings, narration)
    if kept is not None:
        kept.append((source, settings, loaded))
    return loaded


def _load(source: ModelSource, settings: LoadSettings, narration: Narration) -> LoadedModel:
    narration.progress("loading torch and transformers")
    from mechamap.models.loading.load import load_model

    try:
        return load_model(source, settings, stage=narration.progress)
    finally:
        narration.clear()


def model_of_run(run: Run, options: ModelOptions, narration: Narration) -> LoadedModel:
    """Load the model a run is about, with the run's own settings.

    Raises:
        MechaMapError: it cannot be loaded, or ``--model`` names one of another architecture.
    """
    from mechamap.catalog.source import resolve
    from mechamap.models.loading.load_settings import load_settings

    config = run.config
    if options.device:
        config = replace(config, device=options.device, device_map=None)
    if options.model:
        config = replace(config, revision=None)
    if options.adapter:
        if config.adapter is None:
            raise UsageError(f"{run.name} was made without an adapter.", "Scan the model with it to have such a run.")
        config = replace(config, adapter=str(user_path(options.adapter).resolve()))
    source = resolve(options.model or run.record.model.name)
    loaded = load(source, load_settings(config), narration)
    architecture, expected = loaded.architecture, run.record.model.architecture
    if architecture != expected:  # their layers may be of one shape, as those of gpt2 and pythia-160m are
        raise ModelError(
            f"{loaded.id} is {architecture}; {run.name} was made from {expected}.", "Name the model of that run."
        )
    return loaded


class CheckProgress:
    """Tells the stages and layers of a check, on a terminal only."""

    def __init__(self, narration: Narration, doing: str) -> None:
        self._narration, self._doing = narration, doing

    def __call__(self, event: ScanEvent) -> None:
        match event:
            case StageEntered():
                detail = f": {event.detail}" if event.detail else ""
                self._narration.progress(f"{self._doing}{detail}")
            case LayerFinished():
                self._narration.progress(f"{self._doing}: {event.done} of {event.total} layers")
