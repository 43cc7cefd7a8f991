"""The numbers of an interpretation worked out again, from the files themselves, by pandas alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd


def wide_of_run(folder: Path, figure: str) -> pd.DataFrame:
    """A figure of complete layers: ``layer`` and a column for each category."""
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    frame = pd.DataFrame(np.load(folder / f"{figure}.npy"), columns=record["categories"])
    layers = [[layer["layer"]] * layer["width"] for layer in record["layers"]]
    complete = [[layer["complete"]] * layer["width"] for layer in record["layers"]]
    frame.insert(0, "layer", np.concatenate(layers))
    return frame[np.concatenate(complete)]


def wide_of_csv(file: Path) -> pd.DataFrame:
    """The same of a CSV: NaN where a neuron is not listed."""
    rows = pd.read_csv(file)
    neurons = rows[["layer", "neuron"]].drop_duplicates()
    listed = rows.dropna(subset="category").pivot_table(
        index=["layer", "neuron"], columns="category", values="avg_activation"
    )
    order = rows["category"].dropna().unique()
    return neurons.merge(listed.reset_index(), how="left", on=["layer", "neuron"])[["layer", *order]]


def reached(frame: pd.DataFrame, threshold: float, two_sided: bool, centre: float = 0.0) -> pd.DataFrame:
    """Which values count, with the column ``layer`` in front."""
    values = frame.drop(columns="layer")
    found = values >= threshold
    if two_sided:
        found |= values <= round(2 * centre - threshold, 12)
    return found.assign(layer=frame["layer"])
