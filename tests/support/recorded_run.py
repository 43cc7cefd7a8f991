"""A run made without a model: its figures are planted, so that a test knows what must come out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mechamap.config.schema import config_from_dict
from mechamap.runs.additions import add_to_run
from mechamap.runs.checked import Confirmation, SecondText, SecondTextNeuron
from mechamap.runs.coverage import Coverage, FoundWord
from mechamap.runs.figure_names import (
    CATEGORY_FIGURES,
    CORPUS_CATEGORY_FIGURES,
    CORPUS_FIGURES,
    CORPUS_NEURON_FIGURES,
    NEURON_FIGURES,
    ROUTED_FIGURES,
    TOKEN_FIGURES,
)
from mechamap.runs.record import LayerRows, ModelRecord, RunRecord, TokenRecord
from mechamap.runs.run import Run
from mechamap.runs.scanned import Exclusions, LayerProof
from mechamap.runs.writer import RunWriter

CATEGORIES = ("animal", "food", "color")
TEXT = "The dog ate a red apple while the cat watched. Then the horse had bread, and the grey lion slept near a cake."
WORDS = {"animal": ("dog", "cat", "horse", "lion"), "food": ("apple", "bread", "cake"), "color": ("red", "grey")}
# (layer, neuron, category, selectivity): neurons that stand out by construction, by `ap` and `strength` too
PLANTED = ((1, 7, "food", 0.98), (0, 3, "animal", 0.95), (2, 11, "color", -0.97))


def pieces_of(text: str) -> tuple[str, ...]:
    """The text cut before each space, as a word-level tokenizer would."""
    words = text.split(" ")
    return (words[0], *(f" {word}" for word in words[1:]))


@dataclass(frozen=True)
class Shape:
    """What the layers of a recorded run consist of, where it is not just neurons.

    Attributes:
        experts: how many experts every layer but the first has, with the run's ``width`` of neurons each; position p
            of the text goes to expert p modulo their number.
        shared: how many neurons those layers have beside.
        encoders: how many of the layers are the encoder's; those behind are the decoder's.
        step: how far the numbers of the layers lie apart.
        corpus: whether the run has the figures of scans over a corpus too.
    """

    experts: int = 0
    shared: int = 0
    encoders: int = 0
    step: int = 1
    corpus: bool = False

    @property
    def figures(self) -> tuple[str, ...]:
        """The figures of the run."""
        more = (*(ROUTED_FIGURES if self.experts else ()), *(CORPUS_FIGURES if self.corpus else ()))
        return (*CATEGORY_FIGURES, *NEURON_FIGURES, *TOKEN_FIGURES, *more)

    def rows(self, layers: int, width: int) -> tuple[LayerRows, ...]:
        """The record's layers."""
        made: list[LayerRows] = []
        for place in range(layers):
            experts = self.experts if place else 0
            shared = self.shared if experts else 0
            neurons = shared + experts * width if experts else width
            side = ("encoder" if place < self.encoders else "decoder") if self.encoders else ""
            first = made[-1].rows.stop if made else 0
            made.append(
                LayerRows(place * self.step, first, neurons, neurons, experts=experts, shared=shared, side=side)
            )
        return tuple(made)

    def proof(self, layers: int, width: int) -> tuple[LayerProof, ...]:
        """What a proof of them says, with different errors everywhere; nothing of plain layers."""
        if self == Shape():
            return ()
        parts = []
        for rows in self.rows(layers, width):
            number = rows.layer // self.step - (self.encoders if rows.side == "decoder" else 0)
            path = f"model.{f'{rows.side}.' if rows.side else ''}layers.{number}.mlp"
            if not rows.experts or rows.shared:
                parts.append((rows.layer, f"{path}.down_proj", rows.shared or width, 0))
            if rows.experts:
                parts.append((rows.layer, f"{path}.experts", width, rows.experts))
        return tuple(
            LayerProof(layer=layer, path=path, width=width, expected_width=width, experts=experts, tokens=8,
                       tolerance=1e-4, rebuild_error=(at + 1) * 1e-7, zero_error=0.0,
                       own_error=(at + 1) * 2e-7 if experts else None, removal_error=(at + 1) * 3e-7, scale=1.0)
            for at, (layer, path, width, experts) in enumerate(parts)
        )  # fmt: skip


def recorded_run(
    folder: Path,
    *,
    layers: int = 3,
    width: int = 16,
    complete: int | None = None,
    seed: int = 0,
    top_k: int = 5,
    shape: Shape = Shape(),
) -> Run:
    """Write a run of ``layers`` x ``width`` neurons to ``folder`` and open it; only ``complete`` layers are written."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    pieces = ("<s>", *pieces_of(TEXT))
    occurrences = []
    for category, words in enumerate(WORDS.values()):
        for word, spelling in enumerate(words):
            at = next(p for p, piece in enumerate(pieces) if piece.strip(" .,") == spelling)
            occurrences.append((category, word, at, at))
    record = RunRecord(
        model=ModelRecord("tiny", "tiny", "tiny", None, "gpt2", 1234, "float32", "cpu", layers, 64),
        categories=CATEGORIES,
        layers=shape.rows(layers, width),
        figures=shape.figures,
        proof=shape.proof(layers, width),
        config=config_from_dict({"texts": [TEXT], "threshold": 0.2, "top_k_tokens": top_k,
                                 "categories": {name: {"words": list(words)} for name, words in WORDS.items()}}),
        tokens=TokenRecord(tuple(range(len(pieces))), pieces, ((0, 0, len(pieces)),), (0,), (0, 1)),
        occurrences=tuple(occurrences),
        coverage={name: Coverage(len(words), {word: FoundWord(1, 1) for word in words}, ())
                  for name, words in WORDS.items()},
        exclusions=Exclusions(exclude_first_position=True, exclude_special_tokens=True, positions=len(pieces),
                              scored=len(pieces) - 2),
        versions={"mechamap": "test"},
        state="running",
        created="2026-01-02T03:04:05+00:00",
    )  # fmt: skip
    with RunWriter(folder, record, top_k) as writer:
        for rows in record.layers[:complete]:
            figures = _layer(rng, rows.layer // shape.step, rows.width, len(pieces), top_k)
            if shape.experts:
                came = routed(rows, len(pieces))  # [neurons, positions]
                figures["tokens"] = came[:, 2:].sum(axis=1).astype(np.float32)
                ends = [[o[3] for o in record.occurrences if o[0] == at] for at in range(len(record.categories))]
                figures["occurrences"] = np.stack([came[:, at].sum(axis=1) for at in ends], axis=1).astype(np.float32)
            if shape.corpus:
                figures |= {
                    name: rng.uniform(0.01, 0.3, (rows.width, 3)).astype(np.float32) for name in CORPUS_CATEGORY_FIGURES
                }
                figures |= {name: rng.normal(0, 2, rows.width).astype(np.float32) for name in CORPUS_NEURON_FIGURES}
            writer.write_layer(rows.layer, figures)
        done = complete is None or complete == layers
        run = writer.finish("complete" if done else "cancelled", "2026-01-02T03:04:06+00:00", {"pass": 1.0})
    run.refresh()  # else a screen, which looks for news, reads it again and drops what a test changes in it
    return run


def _layer(rng: np.random.Generator, layer: int, width: int, positions: int, top_k: int) -> dict[str, np.ndarray]:
    auroc = rng.uniform(0.3, 0.7, (width, len(CATEGORIES))).astype(np.float32)
    planted = [
        ((neuron, CATEGORIES.index(category)), selectivity)
        for planted_layer, neuron, category, selectivity in PLANTED
        if planted_layer == layer and neuron < width
    ]
    for place, selectivity in planted:
        auroc[place] = (selectivity + 1) / 2
    activations = rng.normal(0, 1, (width, positions)).astype(np.float32)
    order = np.argsort(activations[:, 2:], axis=1).astype(np.int32) + 2
    top, bottom = order[:, ::-1][:, :top_k], order[:, :top_k]
    figures = {
        "mean": rng.normal(0, 0.3, (width, len(CATEGORIES))).astype(np.float32),
        "auroc": auroc,
        "selectivity": 2 * auroc - 1,
        "d": rng.normal(0, 1, (width, len(CATEGORIES))).astype(np.float32),
        "ap": rng.uniform(0.05, 0.3, (width, len(CATEGORIES))).astype(np.float32),
        "write": rng.normal(0, 1, (width, len(CATEGORIES))).astype(np.float32),
        "max": activations[:, 2:].max(axis=1),
        "min": activations[:, 2:].min(axis=1),
        "mean_all": activations[:, 2:].mean(axis=1),
        "std_all": activations[:, 2:].std(axis=1),
        "fire": (activations[:, 2:] > 0).mean(axis=1),
        "dead": np.zeros(width, np.float32),
        "top_values": np.take_along_axis(activations, top, axis=1),
        "top_positions": top,
        "bottom_values": np.take_along_axis(activations, bottom, axis=1),
        "bottom_positions": bottom,
    }
    for place, selectivity in planted:
        figures["ap"][place] = abs(selectivity) - 0.05
    return figures


def routed(rows: LayerRows, positions: int) -> np.ndarray:
    """Which positions come to each neuron of a layer, ``[neurons, positions]``."""
    places = np.arange(rows.width)[:, None]  # [neurons, 1]
    if not rows.experts:
        return np.ones((rows.width, positions), np.bool_)
    expert = (places - rows.shared) * rows.experts // (rows.width - rows.shared)
    return (places < rows.shared) | (np.arange(positions) % rows.experts == expert)


def confirmation(permutations: int) -> Confirmation:
    """What a record says of a confirmation with so many permutations."""
    return Confirmation(permutations, splits=4, seed=0, templates=("It is {}",), words=12, neurons=48, hard_auroc=0.8)


def checked_run(folder: Path) -> Run:
    """A recorded run that was confirmed, ablated and looked at a second time.

    Every planted neuron is confirmed, but the animal one drops on the text called ``second.txt``; the food one also
    writes food and causes it, as was measured; everything else is as chance would have it.
    """
    run = recorded_run(folder)
    rng = np.random.default_rng(1)
    shape = (run.neurons, len(CATEGORIES))
    figures = {
        "held_out_auroc": rng.uniform(0.4, 0.6, shape),
        "held_out_ap": rng.uniform(0.1, 0.3, shape),
        "p": np.ones(shape),
        "write_p": np.ones(shape),
        "cause": rng.normal(0, 0.01, shape),
        "cause_measured": np.full(shape, np.nan),
        "second_auroc": np.full(shape, np.nan),
        "strength": rng.uniform(0.05, 0.3, shape),
        "p_matched": np.ones(shape),
        "specificity": rng.uniform(0.4, 0.6, shape),
        "specificity_ap": rng.uniform(0.1, 0.3, shape),
        "near_auroc": rng.uniform(0.4, 0.6, shape),
        "hard_auroc": rng.uniform(0.4, 0.6, shape),
        "carrier_ap": rng.uniform(0.05, 0.3, shape),
        "explained": np.full(shape, np.nan),
    }
    for layer, neuron, category, selectivity in PLANTED:
        at = run.row_of(f"L{layer}.N{neuron}"), CATEGORIES.index(category)
        figures["strength"][at] = abs(selectivity) - 0.1
        figures["p"][at], figures["held_out_auroc"][at], figures["held_out_ap"][at] = 0.005, 0.97, 0.93
        figures["p_matched"][at], figures["near_auroc"][at], figures["hard_auroc"][at] = 0.01, 0.95, 0.9
        figures["specificity"][at], figures["specificity_ap"][at] = 0.96, 0.9
    food = run.row_of("L1.N7"), CATEGORIES.index("food")
    figures["write_p"][food], figures["cause"][food], figures["cause_measured"][food] = 0.005, -0.3, -0.25
    figures["carrier_ap"] = figures["strength"] - 0.01
    figures["second_ap"], figures["others_ap"] = figures["strength"] - 0.02, figures["strength"] - 0.03
    figures["others_auroc"] = figures["held_out_auroc"] - 0.01
    animal = run.row_of("L0.N3"), CATEGORIES.index("animal")
    figures["second_auroc"][animal] = 0.6
    look = SecondText("second.txt", 120, (SecondTextNeuron("L0.N3", "animal", 0.975, 0.6, 0.05, 12, dropped=True),))
    return add_to_run(folder, figures, second_looks=(look,), confirmation=confirmation(200))
