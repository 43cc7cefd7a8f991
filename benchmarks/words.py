"""How long finding words takes: by their number, and by the length of the text, in one run."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import partial

from benchmarks.figures import Figure, paired, ratio
from mechamap.words.finder import WordFinder

__all__ = ["word_figures"]


MOST, FEW = 3_000, 100  # words
LONG = 1_000_000  # characters
_SYLLABLES = ("ba", "co", "di", "fu", "ge", "ha", "ki", "lo", "mu", "ne", "pa", "ri", "so", "tu", "ve")
_OTHERS = ("the", "of", "and", "a", "in", "that", "is", "was", "he", "for", "it", "with", "as", "his", "on", "be", "at")


def word_figures(rounds: int) -> list[Figure]:
    """The figures of finding words.

    Args:
        rounds: pairs per figure.
    """
    draw = random.Random(0)
    words = sorted({"".join(draw.choices(_SYLLABLES, k=draw.choice([2, 3, 4]))) for _ in range(5_000)})
    words = draw.sample(words, MOST)
    few, text = words[:FEW], _text(draw, words[:FEW])
    accented = text.replace("that", "thät")
    return [
        *(
            ratio(
                f"{MOST:,} words / {FEW}, both in {LONG / 1e6:g} MB of {name}",
                paired(_seconds(words, written), _seconds(few, written), rounds),
                1.5,
                (f"{MOST:,} words", f"{FEW} words"),
            )
            for name, written in (("plain letters", text), ("letters with accents", accented))
        ),
        ratio(
            f"{LONG / 1e6:g} MB / a tenth of it ten times, {MOST:,} words",
            paired(_seconds(words, text), _seconds(words, text[: LONG // 10], times=10), rounds),
            1.5,
            ("whole", "in tenths"),
        ),
    ]


def _text(draw: random.Random, words: list[str]) -> str:
    lines: list[str] = []
    length = 0
    while length < LONG:
        lines.append(" ".join([*draw.choices(_OTHERS, k=9), draw.choice(words)]) + ".\n")
        length += len(lines[-1])
    return "".join(lines)[:LONG]


def _seconds(words: list[str], text: str, times: int = 1) -> Callable[[], float]:
    return partial(_measured, WordFinder([words]), text, times)


def _measured(finder: WordFinder, text: str, times: int) -> float:
    """CPU seconds of reading a text for its words, once or several times."""
    started = time.process_time()
    for _ in range(times):
        for _ in finder.matches(text):
            pass
    return time.process_time() - started
