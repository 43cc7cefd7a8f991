"""Whether a model that is steered still writes text, told from how it repeats itself and how far it is from its own."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["KL_BOUND", "REPETITION_BOUND", "repetition", "why_apart"]


REPETITION_BOUND = 0.5
KL_BOUND = 4.0  # nats a token: the untouched model's tokens have lost all but 2 % of their probability
_MORE = 0.25  # than the untouched model repeats itself
_GRAM = 3


def repetition(tokens: Sequence[int]) -> float:
    """The share of a text's runs of three tokens that stand in it before: 1 - distinct / all; 0 where it is shorter.

    One minus distinct-3 of Li et al. (2016), A Diversity-Promoting Objective Function for Neural Conversation Models.
    """
    grams = [tuple(tokens[first : first + _GRAM]) for first in range(len(tokens) - _GRAM + 1)]
    return 1 - len(set(grams)) / len(grams) if grams else 0.0


def why_apart(kl: float, kl_mean: float, tokens: Sequence[int], untouched: Sequence[int]) -> str:
    """Why what a steered model says counts as fallen apart, in a few words; empty where it does not.

    Args:
        kl: divergence of the next token's distribution from the untouched model's, in nats.
        kl_mean: its mean over the steered positions.
        tokens: what was generated.
        untouched: what the untouched model generated.
    """
    if not (math.isfinite(kl) and math.isfinite(kl_mean)):
        return "not finite"
    if max(kl, kl_mean) > KL_BOUND:
        return "far from the model"
    if (share := repetition(tokens)) > REPETITION_BOUND and share > repetition(untouched) + _MORE:
        return "repeats itself"
    return ""
