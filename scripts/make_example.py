"""Make the example that comes with MechaMap: ``python scripts/make_example.py --model FILE.gguf [--run FOLDER]``.

The model is SmolLM2-135M-Instruct in 4 bits (Apache-2.0, Hugging Face), the file that ``python tests/support/smollm2.py
--gguf`` fetches. It is scanned and checked by the commands below, which take half an hour on two cores; those whose
results the folder of the run has already are left out. Then the run is packed (``mechamap/runs/example/packed.py``):
figures are rounded to what is shown of them. Every value is written as people see it before and after, and where the
two differ, as on the border between two roundings, it is kept in full; so are values near a figure's threshold, which
reports count, and those that lists begin with.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mechamap.catalog.example_model import EXAMPLE_MODEL, example_model_path
from mechamap.figures.catalogue import FIGURES
from mechamap.figures.figure import Figure, JudgedFigure
from mechamap.runs.example.packed import auroc_of, pack_figure, unpack_figure, write_packed
from mechamap.runs.example.place import packed_example
from mechamap.runs.kept.notes import Notes
from mechamap.runs.record import RunRecord, dump
from mechamap.runs.run import Run
from mechamap.runs.sets.neuron_sets import NeuronSet
from mechamap.tables.numbers import number_writer

LARGEST = 6_000_000  # bytes of the packed run
FIRST = 500  # values of each category that are kept in full
# Decimals that are shown; one more bit of `selectivity`, of which `auroc` is half.
DECIMALS = {"probability": 2, "signed": 2, "effect": 4, "p": 3}
FEW = 2_048  # distinct values that need no rounding

HUB_ID = "HuggingFaceTB/SmolLM2-135M-Instruct"
REMARK = (
    "This is the example that comes with MechaMap. Its model was read from a file with 4 bits per weight, so other "
    "copies of SmolLM2-135M-Instruct give slightly different figures. Figures are rounded to what is shown of them."
)
# Marked, ablated and described: what their tokens show, and what was found out about them.
NOTES = {
    "L8.N1348": "Dishes and courses: soup, salad, cake, pizza, pasta. Goes up, in the text and in the sentences.",
    "L7.N481": "Food more widely: pizza, rice and bread, but bakery and menu too, which are no food.",
    "L20.N764": "Animals of all kinds, from whale to eagle. Goes down: its lowest activations are on them.",
    "L0.N1469": "Days of the week; other dates leave it cold.",
    "L0.N972": "Names of months.",
    "L24.N659": "Colors, whatever they are the color of.",
    "L20.N343": "Names of languages. Goes down.",
}
SETS = (
    NeuronSet.of("months", ("L0.N972", "L21.N1373", "L8.N1215"), "Date neurons of three layers that prefer months."),
    NeuronSet.of("food", ("L8.N1348", "L7.N481"), "To be ablated or steered as one."),
)


def commands(model: Path, run: Path) -> list[tuple[str, list[str]]]:
    """What makes the run: what each command is for, and its words."""
    return [
        ("scan", ["scan", str(model), "--out", str(run), "--second-text", "always", "--keep-activations", "never",
                  "--top-k-tokens", "8"]),
        ("confirm", ["confirm", str(run)]),
        ("causes", ["ablate", str(run), "--top", "2"]),
        ("ablations", ["ablate", str(run), *(word for neuron in NOTES for word in ("--neuron", neuron))]),
        ("randomize", ["confirm", str(run), "--randomize", "all"]),
    ]  # fmt: skip


def is_done(step: str, folder: Path) -> bool:
    """Whether the run has the results of a step."""
    if not (folder / "run.json").is_file():
        return False
    record = Run.open(folder).record
    done = {
        "scan": record.state == "complete",
        "confirm": record.confirmation is not None,
        "causes": record.causes.seconds is not None and bool(record.causes.ablations),
        "ablations": all(f"{neuron} zero" in record.causes.ablations for neuron in NOTES),
        "randomize": record.randomized.made,
    }
    return done[step]


def make_run(model: Path, folder: Path) -> None:
    """Scan and check the model; steps that are done already are left out."""
    for step, words in commands(model, folder):
        if not is_done(step, folder):
            print("mechamap", *words, flush=True)
            subprocess.run([sys.executable, "-m", "mechamap", *words], check=True)


def packed_record(record: RunRecord) -> RunRecord:
    """The record with the model as others can get it, in place of where it lay."""
    model = replace(record.model, name=EXAMPLE_MODEL, id=HUB_ID, label="SmolLM2-135M-Instruct")
    return replace(record, model=model, problems=(*record.problems, REMARK))


def rounded(values: NDArray[Any], figure: Figure) -> NDArray[Any]:
    """Values that are shown as the given ones are, few of them distinct."""
    if values.dtype != np.float32 or len(np.unique(values)) <= FEW:
        return values
    if figure.name == "selectivity":
        step = 0.005
        middle = (np.floor(np.abs(values) / step) + 0.5) * step
        return np.asarray(np.sign(values) * np.minimum(middle, 1), np.float32)
    decimals = DECIMALS.get(figure.written)
    if decimals is None:
        return values
    nearest = np.asarray(np.round(values.astype(np.float64), decimals), np.float64)
    nearest[(nearest == 0) & (values < 0)] = -0.4 * 10.0**-decimals  # written "-0.00"
    return np.asarray(nearest, np.float32)


def exact(values: NDArray[Any], figure: Figure) -> NDArray[np.bool_]:
    """Which values are kept in full: those that a list begins with, and those near a threshold."""
    mask = np.zeros(values.shape, np.bool_)
    if not isinstance(figure, JudgedFigure):
        return mask
    strength = np.nan_to_num(figure.strength(values), nan=-np.inf)  # [neurons, categories]
    first = np.argpartition(-strength, FIRST, axis=0)[:FIRST]
    np.put_along_axis(mask, first, True, axis=0)
    mask &= np.isfinite(values)
    if figure.usual is not None:
        border = 10.0 ** -DECIMALS.get(figure.written, 2)
        for threshold in {figure.usual, figure.mirrored(figure.usual)} if figure.two_sided else {figure.usual}:
            mask |= np.abs(values - threshold) < border
    return mask


def packed(values: NDArray[Any], figure: Figure) -> tuple[dict[str, Any], bytes]:
    """A figure packed, so that each value is written as before; of selectivity the AUROC that follows from it, too."""
    values = np.ascontiguousarray(values)
    near, keep = rounded(values, figure), exact(values, figure)
    if near is values:
        keep = np.zeros(values.shape, np.bool_)
    before = written(values, figure)
    for _ in range(2):
        entry, member = pack_figure(near, keep, values)
        after = written(unpack_figure(entry, member), figure)
        wrong = [place for place, (one, other) in enumerate(zip(before, after, strict=True)) if one != other]
        if not wrong:
            return entry, member
        keep.ravel()[wrong] = True
    raise ValueError(f"{figure.name} is not written as before: {before[wrong[0]]}, {after[wrong[0]]}")


def written(values: NDArray[Any], figure: Figure) -> list[str] | list[tuple[str, str]]:
    """Each value as people see it."""
    write = number_writer(figure.written)
    texts = [write(value) for value in values.ravel().tolist()]
    if figure.name != "selectivity":
        return texts
    write = number_writer(FIGURES["auroc"].written)
    return list(zip(texts, [write(value) for value in auroc_of(values).ravel().tolist()], strict=True))


def add_notes(folder: Path) -> None:
    """Mark some neurons, and say what they are."""
    notes = Notes(folder)
    for neuron, note in NOTES.items():
        notes.mark(neuron)
        notes.write_note(neuron, note)
    for members in SETS:
        notes.write_set(members)


def pack(folder: Path) -> bytes:
    """The packed run."""
    run = Run.open(folder)
    names = [name for name in run.record.figures if name != "auroc"]
    figures = {name: packed(np.asarray(run.figure(name)), FIGURES[name]) for name in names}
    files = {"run.json": dump(packed_record(run.record)).encode()}
    if (folder / "notes.json").is_file():
        files["notes.json"] = (folder / "notes.json").read_bytes()
    stream = io.BytesIO()
    write_packed(stream, figures, files)
    print_sizes(stream, figures)
    return stream.getvalue()


def print_sizes(stream: io.BytesIO, figures: dict[str, tuple[dict[str, Any], bytes]]) -> None:
    """What each member takes."""
    import zipfile

    with zipfile.ZipFile(stream) as archive:
        for info in archive.infolist():
            entry = figures.get(info.filename, ({}, b""))[0]
            facts = json.dumps({key: entry[key] for key in ("levels", "planes", "exact") if key in entry})
            print(f"{info.filename:<18} {info.file_size:>10,} {info.compress_size:>10,}  {facts}")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python scripts/make_example.py", description=__doc__)
    parser.add_argument("--model", type=Path, default=example_model_path(), help="the model's .gguf file")
    parser.add_argument("--run", type=Path, default=Path("out") / "example", help="folder of the run (out/example)")
    parser.add_argument("--out", type=Path, default=packed_example(), help="the packed run")
    arguments = parser.parse_args(argv)
    make_run(arguments.model, arguments.run)
    add_notes(arguments.run)
    content = pack(arguments.run)
    print(f"{len(content):,} bytes")
    if len(content) > LARGEST:
        print(f"The packed run is larger than {LARGEST:,} bytes.", file=sys.stderr)
        return 1
    arguments.out.write_bytes(content)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
