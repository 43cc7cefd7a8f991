"""`make bench`: every figure as a table, on the machine it runs on.

By default the model is SmolLM2-135M-Instruct, fetched once into the cache that the tests use as well.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from datetime import date
from pathlib import Path

import torch

from benchmarks.causes import all_causes_figures
from benchmarks.corpus import corpus_figures
from benchmarks.corpus_plan import corpus_plan_figures
from benchmarks.example import example_figures
from benchmarks.explorer import explorer_figures
from benchmarks.figures import table
from benchmarks.findings import findings_figures
from benchmarks.interpret import interpret_figures
from benchmarks.loading import loading_figures
from benchmarks.matching import matching_figures
from benchmarks.neuron_statistics import statistics_figures
from benchmarks.probe import probe_figures
from benchmarks.scan import scan_figures
from benchmarks.steering import steering_figures
from benchmarks.words import word_figures


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--model", type=Path, help="folder of the model to scan")
    parser.add_argument("--rounds", type=int, default=5, help="pairs per figure (default: 5)")
    parser.add_argument(
        "--text", type=Path, action="append", default=[], metavar="F",
        help="a natural text, repeatable: the first neurons of each category are judged in it, with the findings",
    )  # fmt: skip
    parser.add_argument(
        "--only",
        choices=[
            "loading",
            "scan",
            "findings",
            "causes",
            "interpret",
            "matching",
            "words",
            "statistics",
            "explorer",
            "example",
            "probe",
            "steering",
            "corpus",
            "plan",
        ],
        help="one group of figures (causes: those of the findings that are about estimated causes)",
    )
    parser.add_argument(
        "--corpus",
        type=Path,
        help="a corpus of 1,000,000 tokens or more, for --only corpus, or of --tokens, for --only plan",
    )
    parser.add_argument("--tokens", type=int, default=100_000, help="of the corpus, for its speed (default: 100,000)")
    arguments = parser.parse_args()
    model = arguments.model or _smollm2()
    print(f"{date.today()}, {_machine()}\n")
    if arguments.only in (None, "loading"):
        print(table(f"Loading {model.name}, and experts", loading_figures(model, arguments.rounds)), flush=True)
    if arguments.only in (None, "scan"):
        print(table(f"Scan of {model.name}", scan_figures(model, arguments.rounds)), flush=True)
    if arguments.only in (None, "findings"):
        print(table(f"Findings in {model.name}", findings_figures(model, arguments.rounds, arguments.text)), flush=True)
    if arguments.only == "causes":
        print(table(f"Estimated causes in {model.name} and the bundled model", all_causes_figures(model)), flush=True)
    if arguments.only in (None, "interpret"):
        print(table(f"Interpreting a run of {model.name}", interpret_figures(model, arguments.rounds)), flush=True)
    if arguments.only in (None, "matching"):
        print(table("Closest neurons of two models", matching_figures(arguments.rounds)), flush=True)
    if arguments.only in (None, "statistics"):
        print(table("Statistics of a corpus, for each activation", statistics_figures(arguments.rounds)), flush=True)
    if arguments.only in (None, "words"):
        print(table("Words found in a text", word_figures(arguments.rounds)), flush=True)
    if arguments.only in ("corpus", "plan") and arguments.corpus is None:
        parser.error(f"--only {arguments.only} needs --corpus")
    models = [("demo", "float32")] if arguments.model is None else [(str(arguments.model), "bfloat16")]
    if arguments.only == "plan":
        figures = corpus_plan_figures(models, arguments.corpus, arguments.tokens, arguments.rounds)
        print(table("The plan of a corpus scan", figures), flush=True)
    if arguments.only == "corpus":
        figures = corpus_figures(models, arguments.corpus, arguments.rounds, arguments.tokens)
        print(table("A corpus scan", figures), flush=True)
    _at_the_keyboard(arguments.only, model, arguments.rounds)


def _at_the_keyboard(only: str | None, model: Path, rounds: int) -> None:
    """What a user waits for in the explorer."""
    if only in (None, "explorer"):
        print(table(f"Explorer on a run of {model.name}", explorer_figures(model, rounds)), flush=True)
    if only in (None, "example"):
        print(table("The bundled example", example_figures(rounds)), flush=True)
    if only in (None, "probe"):
        print(table(f"A sentence asked of {model.name}", probe_figures(model, rounds)), flush=True)
    if only in (None, "steering"):
        print(table(f"Neurons of {model.name} steered", steering_figures(model, rounds)), flush=True)


def _smollm2() -> Path:
    sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
    from support.smollm2 import smollm2_folder

    return smollm2_folder()


def _machine() -> str:
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return (
        f"{platform.machine()} with {os.cpu_count()} cores, {device}, "
        f"Python {platform.python_version()}, torch {torch.__version__}"
    )


if __name__ == "__main__":
    main()
