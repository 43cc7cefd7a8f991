"""Whether the first neurons of each category read it in natural text that no part of a scan saw.

A list's first neurons are judged by their average precision at telling the category's words from the other positions of
the text, in the direction that the scan gave them: over the config's words (*same words*), and over words that chose
nothing anywhere (*other words*, ``other_words.yaml``). The *ceiling* is the mean average precision of the neurons that
the natural text itself would have put first. A neuron is *real* where its average precision is at least ten times the
share of the category's words among the positions, and its AUROC at least 0.8.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.figures import Figure
from mechamap.capture.hooked_pass import PassSettings, capture_layers
from mechamap.config.scan_config import Category, ScanConfig
from mechamap.models.loaded import LoadedModel
from mechamap.models.neurons.activations import Activations
from mechamap.models.neurons.layers import NeuronLayer
from mechamap.runs.run import Run
from mechamap.scores.layer import layer_scorer
from mechamap.scores.positions import CategoryPositions, ScorePlan
from mechamap.text.occurrences import Occurrence, find_occurrences
from mechamap.text.tokenize import TokenizedText, tokenize

__all__ = ["NaturalFigures", "judge_in_natural_text", "list_figures", "natural_texts", "other_words"]

FIRST = 20  # neurons of each category that are judged
TOKENS = 50_000
PIECE = 2_000  # characters that are taken together
PER_TOKEN = 4  # characters
THREADS = 2
REAL_TIMES, REAL_AUROC = 10, 0.8


@dataclass(frozen=True)
class NaturalFigures:
    """Every neuron's figures in the natural text.

    Attributes:
        ap: ``[neurons, categories]``, in the direction of the neuron's sign in this text.
        auroc: ``[neurons, categories]``.
        base: ``[categories]``, the average precision of a neuron that knows nothing.
    """

    ap: NDArray[np.float32]
    auroc: NDArray[np.float32]
    base: NDArray[np.float64]

    def judged(
        self, rows: NDArray[np.intp], category: int, falls: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Average precision of some neurons in the direction that a scan gave them, and which are real: ``[rows]``.

        Where this text turns a neuron's sign round, its average precision is taken for that of chance.
        """
        auroc = self.auroc[rows, category].astype(np.float64)
        kept_sign = (auroc < 0.5) == falls
        precision = np.where(kept_sign, self.ap[rows, category], self.base[category]).astype(np.float64)
        directed = np.where(falls, 1 - auroc, auroc)
        return precision, (precision >= REAL_TIMES * self.base[category]) & (directed >= REAL_AUROC)

    def ceiling(self) -> float:
        """Mean average precision of the neurons that this text would have put first."""
        return float(np.mean(np.sort(np.nan_to_num(self.ap, nan=-1), axis=0)[-FIRST:]))


def other_words() -> tuple[Category, ...]:
    """Words of the default config's categories that no config lists."""
    listed = yaml.safe_load((Path(__file__).parent / "other_words.yaml").read_text(encoding="utf-8"))
    return tuple(Category(name, tuple(map(str, words))) for name, words in listed.items())


def natural_texts(paths: Sequence[Path]) -> tuple[str, ...]:
    """About 50,000 tokens, as many from each file, in pieces from all over it."""
    texts: list[str] = []
    for path in paths:
        whole = path.read_text(encoding="utf-8").replace("<|endoftext|>", "\n")
        pieces = max(TOKENS * PER_TOKEN // len(paths) // PIECE, 1)
        step = max(len(whole) // pieces, PIECE)
        for start in range(0, len(whole) - PIECE, step):
            piece = whole[start : start + PIECE]
            texts.append(piece[piece.find(" ") + 1 : piece.rfind(" ")])
    return tuple(texts)


def judge_in_natural_text(
    loaded: LoadedModel, texts: tuple[str, ...], config: ScanConfig
) -> tuple[NaturalFigures, NaturalFigures]:
    """All neurons in a natural text: by the config's words, and by other ones."""
    others = other_words()
    tokenized = tokenize(texts, loaded.tokenizer, config, loaded.context)
    same = find_occurrences(tokenized, texts, config.categories)
    other = find_occurrences(tokenized, texts, others)
    categories = range(len(config.categories))
    plans = [
        *(_positions(tokenized, same, other, category) for category in categories),
        *(_positions(tokenized, other, same, category) for category in categories),
    ]
    plan = ScorePlan(np.flatnonzero(tokenized.scored).astype(np.int32), tuple(plans), "last", 1)
    score = layer_scorer(plan, THREADS)
    layers: list[tuple[NDArray[np.float32], NDArray[np.float32]]] = []

    def on_layer(_layer: NeuronLayer, activations: Tensor) -> None:
        figures = score([Activations(activations)]).figures
        layers.append((figures["ap"], figures["auroc"]))

    capture_layers(loaded, tokenized, loaded.layers, on_layer, PassSettings(position_mask=tokenized.scored))
    ap, auroc = (np.concatenate(arrays) for arrays in zip(*layers, strict=True))
    base = np.array([each.occurrences / max(each.occurrences + each.rest, 1) for each in plans])
    half = len(categories)
    return (
        NaturalFigures(ap[:, :half], auroc[:, :half], base[:half]),
        NaturalFigures(ap[:, half:], auroc[:, half:], base[half:]),
    )


def list_figures(
    run: Run, orders: Mapping[str, NDArray[np.float32]], same: NaturalFigures, other: NaturalFigures
) -> list[Figure]:
    """The first neurons of each category by several orders of a run, ``[neurons, categories]``, the largest first."""
    falls = np.asarray(run.figure("selectivity")) < 0  # [neurons, categories]
    figures = []
    for name, order in orders.items():
        shares, reals = [], []
        for natural in (other, same):
            precisions, real = [], []
            for category in range(len(run.categories)):
                rows = np.argsort(-np.nan_to_num(order[:, category], nan=-np.inf), kind="stable")[:FIRST]
                precision, is_real = natural.judged(rows, category, falls[rows, category])
                precisions.append(precision.mean())
                real.append(is_real.mean())
            shares.append(float(np.mean(precisions)))
            reals.append(float(np.mean(real)))
        figures.append(
            Figure(
                f"first {FIRST} by {name}: AP on other words / ceiling",
                f"{shares[0] / other.ceiling():.2f}",
                "-",
                None,
                f"AP {shares[0]:.3f} of {other.ceiling():.3f}, real {reals[0]:.2f}; same words "
                f"{shares[1] / same.ceiling():.2f}, AP {shares[1]:.3f} of {same.ceiling():.3f}, real {reals[1]:.2f}",
            )
        )
    return figures


def _positions(
    tokenized: TokenizedText, judged: Sequence[Occurrence], known: Sequence[Occurrence], category: int
) -> CategoryPositions:
    """A category's occurrences among the judged words; those of its known words are told from nothing either way."""
    scored_index = np.cumsum(tokenized.scored) - 1
    inside = np.zeros(len(tokenized.ids), np.bool_)
    for occurrence in (*judged, *known):
        if occurrence.category == category:
            inside[occurrence.first : occurrence.last + 1] = True
    last = np.unique([scored_index[each.last] for each in judged if each.category == category]).astype(np.intp)
    extra = np.setdiff1d(scored_index[inside & tokenized.scored], last).astype(np.intp)
    return CategoryPositions(last, tuple(last[:, None]), extra, int(tokenized.scored.sum()))
