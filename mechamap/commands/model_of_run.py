"""What commands about a finished run share: its model, loaded as the run had it, and the progress they tell."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING

from mechamap.commands.narration import Narration
from mechamap.errors import ModelError, RunError
from mechamap.events import LayerFinished, ScanEvent, StageEntered

if TYPE_CHECKING:
    from mechamap.models import LoadedModel
    from mechamap.run import Run

__all__ = ["CheckProgress", "add_model_flags", "model_of_run", "run_with_folder"]


def add_model_flags(parser: argparse.ArgumentParser) -> None:
    """Where the run's model lies now and where to put it."""
    add = parser.add_argument
    add("--model", metavar="MODEL", help="the run's model, where it lies elsewhere now than when it was scanned")
    add("--device", metavar="D", help="auto, cpu, cuda, cuda:1 or mps (default: as the run had it)")


def run_with_folder(name: str) -> Run:
    """A run that a model can be asked about and that can be added to.

    Raises:
        RunError: there is none of that name, or it is a CSV.
    """
    from mechamap.csv_files.run import open_run

    run = open_run(name)
    if run.path is None or run.path.is_file() or not run.has_context:
        raise RunError(f"{run.name} keeps no text, so no model can be run over it.", "Scan the model itself.")
    return run


def model_of_run(run: Run, args: argparse.Namespace, narration: Narration) -> LoadedModel:
    """Load the model a run is about, with the run's own settings.

    Raises:
        MechaMapError: it cannot be loaded, or ``--model`` names one of another architecture.
    """
    from mechamap.config import config_from_dict

    config = config_from_dict(run.record.config, f"{run.path}/run.json")
    narration.progress("loading torch and transformers")
    from mechamap.models import load_configured

    if args.device:
        config = replace(config, device=args.device, device_map=None)
    if args.model:
        config = replace(config, revision=None)
    try:
        loaded = load_configured(args.model or run.record.model.name, config, stage=narration.progress)
    finally:
        narration.clear()
    its, wanted = loaded.architecture, run.record.model.architecture
    if its != wanted:  # their layers may be of one shape, as those of gpt2 and pythia-160m are
        raise ModelError(f"{loaded.id} is {its}; {run.name} was made from {wanted}.", "Name the model of that run.")
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
