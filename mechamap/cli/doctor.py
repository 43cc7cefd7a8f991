"""``mechamap doctor``: what this machine has for a scan, and what is wrong with a model or a run."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mechamap.cli.loading import add_loading_flags, load, loading_changes
from mechamap.cli.narration import Narration, print_data
from mechamap.cli.parser import Commands
from mechamap.config.bundled import config_path
from mechamap.errors import UnsupportedModel, UsageError
from mechamap.system.paths import can_be_path, user_path
from mechamap.wording.amounts import quantity
from mechamap.wording.plain import printable

if TYPE_CHECKING:
    from mechamap.catalog.source import ModelSource
    from mechamap.config.scan_config import ScanConfig
    from mechamap.models.loaded import LoadedModel
    from mechamap.runs.scanned import LayerProof

__all__ = ["add_to"]


def add_to(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "doctor",
        help="what this machine has, and whether a model can be scanned",
        description="Versions, extras and what they give, devices, memory and folders; with MODEL, load it and prove "
        "layer by layer that the hooks see its neurons; with the folder of a run, say what is damaged there.",
    )
    parser.add_argument("model", metavar="MODEL | RUN", nargs="?", help="a model to load and prove, or a run's folder")
    parser.add_argument(
        "--salvage", metavar="OUT", type=user_path, help="copy all that is good of a damaged run to a new folder"
    )
    parser.add_argument("--config", metavar="F", type=config_path, help="a YAML file that says how to load it")
    add_loading_flags(parser)
    parser.set_defaults(run=run, parser=parser)


def run(args: argparse.Namespace, narration: Narration) -> int:
    """Print the facts about the machine, then the proof of a model if one is named."""
    from mechamap.catalog.source import resolve

    folder = _run_folder(args.model)
    if folder is not None:
        return _examine(folder, args.salvage, narration)
    if args.salvage is not None:
        raise UsageError("--salvage is for a run.", "Name the run's folder: mechamap doctor RUN --salvage OUT")
    config = _config(args)
    source = resolve(args.model) if args.model is not None else None
    from mechamap.cli.doctor_facts import facts

    for name, fact in facts():
        print_data(f"{name:<13} {printable(fact)}")
    if source is not None:
        print_data("")
        _prove(source, config, narration)
    return 0


def _run_folder(name: str | None) -> Path | None:
    """The folder of a run that is named by it; None of anything else, such as a model."""
    if name is None or not can_be_path(name):
        return None
    folder = user_path(name)
    return folder if (folder / "run.json").exists() else None


def _examine(folder: Path, out: Path | None, narration: Narration) -> int:
    """Say what is wrong with a run, and copy what is good where that is asked for; returns the exit code."""
    from mechamap.runs.gate.salvage import examined, salvage

    record, damages = examined(folder) if out is None else (None, salvage(folder, out))
    for damage in damages:
        print_data(f"{damage.where}: {damage.what}" + (f" ({damage.without})" if damage.without else ""))
    if out is not None:
        narration.say(f"What is good is in {out}; {folder} is as it was.")
        return 0
    if not damages:
        print_data(f"Nothing is wrong with {folder}.")
        return 0
    can = "mechamap doctor RUN --salvage OUT copies what is good" if record is not None else "nothing can be salvaged"
    narration.say(f"{quantity(len(damages), 'thing')} wrong with {folder}; {can}.")
    return 1


def _config(args: argparse.Namespace) -> ScanConfig:
    """How a scan would load the model: as the config file says, and flags win."""
    from mechamap.config.schema import load_config, with_overrides

    return with_overrides(load_config(args.config), **loading_changes(args))


def _prove(source: ModelSource, config: ScanConfig, narration: Narration) -> None:
    """Load the model as a scan would, and print what was seen at each part of each layer."""
    from mechamap.models.loading.load_settings import load_settings
    from mechamap.models.neurons.not_finite import why_not_finite
    from mechamap.models.proof import prove
    from mechamap.runs.layout import side_labels
    from mechamap.runs.proof_record import proof_table, token_verdict, verdict

    loaded = load(source, load_settings(config), narration)
    narration.progress("proving")
    try:
        proof = prove(loaded)
    finally:
        narration.clear()
    dtype = str(loaded.dtype).removeprefix("torch.")
    kind = "" if loaded.kind == "decoder" else f"{loaded.kind}, "
    packing = f", weights in {loaded.packing}" if loaded.packing else ""
    packing += f", with the adapter {loaded.adapter}" if loaded.adapter else ""
    packing += f", {loaded.attention}" if loaded.attention else ""
    parameters = f"{loaded.parameters:,} parameters"
    print_data(f"{loaded.label}: {loaded.architecture}, {kind}{parameters}, {dtype} on {loaded.device}{packing}")
    for row in proof_table(proof, side_labels(loaded.layers, proof)):
        print_data(printable("  ".join(row).rstrip()))
    why = why_not_finite(loaded) if not all(part.finite for part in proof) else None
    for line in verdict(proof, dtype, damaged=why is not None and why.damaged):
        print_data(str(line))
    if why is not None and why.weights:
        print_data(printable(why.weights))
    print_data(printable(token_verdict(loaded.token_proof)))
    print_data(_unembedding(loaded, proof))
    for note in loaded.notes:
        print_data(f"note: {printable(note)}")


def _unembedding(loaded: LoadedModel, proof: Sequence[LayerProof]) -> str:
    """Whether what neurons write is defined for the model, and why not."""
    from mechamap.models.unembedding_search import find_unembedding

    try:
        decoder = find_unembedding(loaded, proof)
    except UnsupportedModel as reason:
        return f"What neurons write is not defined: {reason.message}"
    norm = f"{decoder.norm_path} and " if decoder.norm_path else ""
    return (
        f"The logits follow from {norm}{decoder.path}: error {decoder.error:.2g}, allowed {decoder.tolerance:.2g}; "
        "so what neurons write is defined."
    )
