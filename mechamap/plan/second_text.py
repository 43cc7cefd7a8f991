"""What a look into the second text adds to a scan: figures, memory for the activations of candidates, time.

Where a third of the scan's time does not suffice, less of the text is read, or none of it and nothing is added.
"""

from __future__ import annotations

from functools import cache

from msgspec.structs import replace

from mechamap.checks.natural_look import CANDIDATES
from mechamap.checks.natural_record import FIGURES
from mechamap.plan.situation import PlanInputs
from mechamap.plan.time_need import START, Speed, forward_seconds
from mechamap.protocol.planned import PlannedRun, PlannedSeconds
from mechamap.scan.with_checks import SHARE
from mechamap.text.natural_text import natural_passages

__all__ = ["second_text_bytes", "with_second_text", "with_second_text_time"]


HEADER = 128  # bytes of a .npy file before its numbers
RECORD_BYTES = 6_000  # of a category's words in run.json
CHARACTERS_A_TOKEN = 3  # of small vocabularies; larger ones make fewer tokens of it
WINDOW = 256  # tokens


def with_second_text(inputs: PlanInputs, run: PlannedRun) -> PlannedRun:
    """The size of a run with what is added to it."""
    if inputs.config.second_text == "never":
        return run
    categories = len(inputs.config.categories)
    figures = (len(FIGURES) + 1) * (HEADER + 4 * inputs.neurons * categories)  # with the strength that follows
    record = RECORD_BYTES * categories
    return replace(run, figures=run.figures + figures, record=run.record + record, total=run.total + figures + record)


def second_text_bytes(inputs: PlanInputs, scanned: float) -> int:
    """Bytes of the candidates' activations, in parts and put together, after a scan of so many tokens."""
    return round(2 * 4 * _tokens(inputs, scanned) * _candidates(inputs))


def with_second_text_time(
    inputs: PlanInputs, seconds: PlannedSeconds, speed: Speed, scored_a_second: float, scanned: float
) -> PlannedSeconds:
    """The time of a scan of so many tokens with that of the second text."""
    tokens = _tokens(inputs, scanned)
    taken = forward_seconds(inputs, speed, tokens, round(tokens / inputs.batch) + 1, WINDOW)
    taken += tokens * _candidates(inputs) / scored_a_second
    if inputs.config.second_text == "auto":
        taken = min(taken, max(seconds.total - START, 0.0) * SHARE)
    return replace(seconds, second_text=taken, total=seconds.total + taken)


def _tokens(inputs: PlanInputs, scanned: float) -> float:
    """How many are read."""
    if inputs.config.second_text == "never":
        return 0
    whole = _characters() / CHARACTERS_A_TOKEN
    return whole if inputs.config.second_text == "always" else min(whole, scanned * SHARE)


def _candidates(inputs: PlanInputs) -> int:
    return min(CANDIDATES * len(inputs.config.categories), inputs.neurons)


@cache
def _characters() -> int:
    return sum(map(len, natural_passages()))
