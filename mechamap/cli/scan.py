"""``mechamap scan``: score every MLP neuron of a model against the categories."""

from __future__ import annotations

import argparse
import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mechamap.cli.corpus_flags import add_corpus_flags, corpus_change
from mechamap.cli.loading import add_loading_flags, loading_changes
from mechamap.cli.narration import Narration, print_path, write_data
from mechamap.cli.parser import Commands
from mechamap.cli.scan_options import ScanOptions, scan_options
from mechamap.cli.stopping import stopping, with_what_is_kept
from mechamap.cli.text_argument import read_text_argument
from mechamap.config.bundled import config_path
from mechamap.config.choices import KEEP_ACTIVATIONS, SECOND_TEXT
from mechamap.errors import Cancelled, MechaMapError, UsageError
from mechamap.exports.target import check_target
from mechamap.system.paths import user_path

if TYPE_CHECKING:
    from mechamap.catalog.source import ModelSource
    from mechamap.config.scan_config import ScanConfig
    from mechamap.events import ScanEvent
    from mechamap.runs.run import Run

__all__ = ["add_to"]


_DESCRIPTION = """Score every MLP neuron of a model against the categories, in one pass over the text, and keep the
result as a run. Prints the run's folder; flags win over the config file. Several models become a run each, and a table
that compares them."""


def add_to(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("scan", help="score a model's neurons", description=_DESCRIPTION)
    add = parser.add_argument
    add(
        "models",
        metavar="MODEL",
        nargs="*",
        help="a hub id, a short name such as gpt2-small, a folder, a .gguf file, or demo; several become a run each "
        "and are compared; none: those that the config file lists",
    )
    add(
        "--config",
        metavar="F",
        type=config_path,
        help="a YAML file with what differs from the default config, or a bundled one by its name, such as finance",
    )
    add(
        "--text",
        metavar="F",
        action="append",
        help="a text file to scan instead of the config's (-: stdin); repeatable",
    )
    add(
        "--text-size",
        metavar="N",
        type=float,
        help="make the default text N times as long, up to 6, with passages of the bundled natural text (the second "
        "text leaves them out); the scan takes about N times as long",
    )
    add("--layers", metavar="L", help="the layers to scan, counted from 0: 0-5,11 (default: all)")
    add("--limit-neurons", metavar="N", type=int, help="only the first N neurons of each layer")
    add("--threshold", metavar="X", type=float, help="mean activation at which a neuron is listed under a category")
    add("--top-k-tokens", metavar="K", type=int, help="how many highest and lowest tokens to keep for each neuron")
    add_corpus_flags(parser)
    add_loading_flags(parser)
    add("--no-bos", action="store_true", help="put no BOS in front (of an encoder: no special tokens around)")
    add(
        "--keep-activations",
        metavar="WHEN",
        nargs="?",
        const="always",
        help=f"keep every activation in the run, as float16: {', '.join(KEEP_ACTIVATIONS)} (default: auto, when small; "
        "the flag alone: always)",
    )
    add(
        "--out",
        metavar="DIR",
        type=user_path,
        help="the run's folder; of several models the folder of their folders (default: in the data folder)",
    )
    add(
        "--resume",
        action="store_true",
        help="go on with the run in --out, or with those of several models there or in the data folder; what is "
        "complete is kept",
    )
    second = parser.add_mutually_exclusive_group()
    second.add_argument(
        "--second-text",
        metavar="WHEN",
        help="look at the first neurons of each category in a bundled natural text after the scan: "
        f"{', '.join(SECOND_TEXT)} (default: auto, in at most a third of the scan's time)",
    )
    second.add_argument("--no-second-text", action="store_true", help="the same as --second-text never")
    add("--confirm", action="store_true", help="then check every finding on held-out words, as `mechamap confirm` does")
    add("--causes", action="store_true", help="then estimate what the model loses without each neuron")
    add("--csv", metavar="F", help="also export CSV to F (-: stdout); of several models {model} in F is each one's")
    add("--json", metavar="F", help="also export JSON to F, likewise")
    add("--overwrite", action="store_true", help="replace the files that --csv and --json name")
    add("--events", choices=("jsonl",), help="write what happens to stdout, one JSON object per line")
    add("--plan", action="store_true", help="say what the scan would take and whether that is there, and do nothing")
    # The original tool's spellings.
    hidden: dict[str, Any] = {"help": argparse.SUPPRESS, "default": argparse.SUPPRESS}
    add("--limit_neurons", type=int, dest="limit_neurons", **hidden)
    add("--top_k_tokens", type=int, dest="top_k_tokens", **hidden)
    add("--custom_text", action="append", dest="custom_text", help=argparse.SUPPRESS)
    parser.gathers = "models"
    parser.set_defaults(run=run, parser=parser)


def run(args: argparse.Namespace, narration: Narration) -> int:
    """Scan, report, export. Everything that can be wrong with the request is checked before a model is touched."""
    from mechamap.config.schema import with_overrides
    from mechamap.config.sweep_models import SweptModel
    from mechamap.scan.sweep_jobs import SweepConfig, load_sweep

    options = scan_options(args)
    sweep = load_sweep(args.config)
    changes = _changes(args, sweep.config)
    if not args.models and not sweep.models:
        raise UsageError(
            "No model was named.",
            "Name one, as in `mechamap scan gpt2`, or list several in a config file under `models:` and give --config.",
        )
    if args.models and sweep.models:
        narration.say(f"The models that {args.config} lists are ignored, because MODEL is given.")
    if len(args.models) != 1:
        from mechamap.cli.sweep import run_sweep

        named = SweepConfig(sweep.config, tuple(SweptModel(name) for name in args.models))
        return run_sweep(named if args.models else sweep, changes, options, narration)
    return _scan_one(args.models[0], with_overrides(sweep.config, **changes), options, narration)


def _scan_one(model: str, config: ScanConfig, options: ScanOptions, narration: Narration) -> int:
    from mechamap.catalog.source import resolve

    source = resolve(model)
    for _, target in options.exports:
        if target is not None:
            check_target(target, overwrite=options.overwrite)
    if options.resume and options.out is None:
        raise UsageError("--resume needs the run to go on with.", "Name it with --out DIR.")
    if options.out is not None:
        from mechamap.runs.library import check_run_folder

        check_run_folder(options.out, resume=options.resume)
    if options.plan:
        from mechamap.cli.plan import tell_plan

        return tell_plan(source, config, options, narration)

    scanned = _scan(source, config, options, narration)

    from mechamap.cli.scan_report import export_as, report

    report(scanned, narration)
    for format, target in options.exports:
        export_as(format, scanned, target, narration, overwrite=options.overwrite)
    narration.say(f"To look at it: mechamap-tui {scanned.name if options.out is None else scanned.path}")
    if not options.fills_stdout:
        print_path(scanned.path)
    return 0


def _changes(args: argparse.Namespace, config: ScanConfig) -> dict[str, object]:
    """The changes that the flags make to a config."""
    texts = [read_text_argument(name) for name in args.text or ()]
    # The original took the text itself or a file's name here.
    for text in args.custom_text or ():
        texts.append(text if " " in text.strip() and not _is_file(text) else read_text_argument(text))
    if args.text_size is not None:
        texts = _longer(config, args.text_size, texts)
    changes = {
        "layers": args.layers,
        "limit_neurons": args.limit_neurons,
        "threshold": args.threshold,
        "top_k_tokens": args.top_k_tokens,
        "keep_activations": args.keep_activations,
        "second_text": "never" if args.no_second_text else args.second_text,
        "add_bos": False if args.no_bos else None,
        "texts": texts or None,
    }
    given = {key: value for key, value in changes.items() if value is not None}
    return given | corpus_change(args, config) | loading_changes(args)


def _longer(config: ScanConfig, size: float, texts: list[str]) -> list[str]:
    """The default text made so many times as long."""
    from mechamap.config.schema import default_config
    from mechamap.text.natural_text import LARGEST_SIZE, longer_texts

    if not 1 <= size <= LARGEST_SIZE:
        raise UsageError(f"--text-size is {size:g}.", f"Give a number from 1 to {LARGEST_SIZE}.")
    if texts or config.texts != default_config().texts:
        where = "--text names" if texts else "the config has"
        raise UsageError(
            f"--text-size makes the default text longer, and {where} another.", "Give a longer text, or leave one out."
        )
    return longer_texts(config.texts, config.categories, size)


def _is_file(name: str) -> bool:
    try:
        return Path(name).is_file()
    except OSError:
        return False  # too long to be a file's name


def _scan(source: ModelSource, config: ScanConfig, options: ScanOptions, narration: Narration) -> Run:
    from mechamap.cli.plan import warn
    from mechamap.cli.progress import ScanProgress

    narration.progress("loading torch and transformers")
    progress = ScanProgress(narration)

    def tell(event: ScanEvent) -> None:
        if options.events:
            write_data(json.dumps(event.to_dict(), allow_nan=False) + "\n")
        progress(event)

    cancel = threading.Event()
    with stopping(cancel, progress, narration):
        from mechamap.scan.prepare import ScanRequest
        from mechamap.scan.with_checks import Checks, scan_and_check

        warn(source, config, options, narration)
        request = ScanRequest(source, config, options.out, options.resume, part=options.part, ray=options.ray)
        checks = Checks(options.confirm, options.causes)
        try:
            return scan_and_check(request, checks, on_event=tell, cancel=cancel)
        except Cancelled as stopped:
            raise with_what_is_kept(stopped, progress.run) from None
        except MechaMapError as error:
            if options.events:
                message = {
                    "event": "error",
                    "kind": type(error).__name__,
                    "message": error.message,
                    "hint": str(error.hint),
                }
                write_data(json.dumps(message) + "\n")
            raise
        finally:
            narration.clear()
