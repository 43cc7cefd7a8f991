"""How often the intervals of shares of specialised neurons hold the truth: nominal 95 % (``make planted``).

``-s`` prints the table, beside the intervals that were not chosen.
"""

from __future__ import annotations

from collections import defaultdict
from statistics import NormalDist

import numpy as np
import pytest
from support.share_simulation import Population

from mechamap.compare.closest.specialised_counts import ANY, ONE
from mechamap.compare.closest.specialised_shares import specialised_shares
from mechamap.compare.words.placements import PlacedWords

pytestmark = [pytest.mark.planted, pytest.mark.timeout(3600)]

SAMPLES = 150
LEAST = 0.85  # 0.95 less three standard errors of the 50 samples that there are of large models


def drawn_shares(placed: PlacedWords, threshold: float, draws: int, seed: int) -> np.ndarray:
    """The share ``at least one`` in resamples of words, ``[1 + draws]``, the first with the words as they are."""
    rng = np.random.default_rng(seed)
    holds = np.zeros((len(placed.sums), 1 + draws), bool)
    for number in range(len(placed.categories)):
        columns = placed.of_category(number)
        weights = rng.multinomial(len(columns), np.full(len(columns), 1 / len(columns)), size=draws).T / len(columns)
        weights = np.concatenate([np.full((len(columns), 1), 1 / len(columns)), weights], axis=1).astype(np.float32)
        holds |= np.abs(2 * (placed.sums[:, columns] @ weights) - 1) >= threshold
    return holds.mean(axis=0)


def other_intervals(shares: np.ndarray) -> dict[str, tuple[float, float]]:
    """Percentile, bias-corrected percentile (BC) and basic bootstrap intervals."""
    counted, drawn = shares[0], shares[1:]
    low, high = np.quantile(drawn, [0.025, 0.975])
    normal = NormalDist()
    below = np.clip((drawn < counted).mean(), 1 / (len(drawn) + 1), len(drawn) / (len(drawn) + 1))
    ends = [normal.cdf(2 * normal.inv_cdf(below) + z) for z in (-1.96, 1.96)]
    corrected = np.quantile(drawn, ends)
    return {
        "percentile": (low, high),
        "BC": (corrected[0], corrected[1]),
        "basic": (2 * counted - high, 2 * counted - low),
    }


@pytest.mark.parametrize("threshold", [0.8, 0.9])
@pytest.mark.parametrize("words", [10, 20, 40])
@pytest.mark.parametrize("neurons", [2500, 20_000])
def test_intervals_hold_the_truth(neurons: int, words: int, threshold: float) -> None:
    population = Population(neurons, 8, seed=1)
    truth = population.shares(threshold)
    held: dict[str, list[bool]] = defaultdict(list)
    for seed in range(SAMPLES if neurons < 10_000 else SAMPLES // 3):
        placed = population.drawn(words, seed)
        for share in specialised_shares(placed, threshold=threshold, draws=400, seed=seed).a:
            name = share.name if share.name in (ONE, ANY) else "a category"
            held[name].append(share.low <= truth[share.name] <= share.high)
        for name, (low, high) in other_intervals(drawn_shares(placed, threshold, 400, seed)).items():
            held[f"{ANY}: {name}"].append(low <= truth[ANY] <= high)
    rates = {name: float(np.mean(its)) for name, its in held.items()}
    told = ", ".join(f"{name} {rate:.3f}" for name, rate in rates.items())
    print(f"\n{neurons:,} neurons, {words} words a category, threshold {threshold}: {told}")
    for name in (ONE, ANY, "a category"):
        assert rates[name] >= LEAST, name
    assert rates[f"{ANY}: percentile"] < 0.2  # which is why they are not used
