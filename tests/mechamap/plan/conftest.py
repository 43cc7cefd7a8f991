from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest
import torch

from mechamap.plan import time_need as speed
from mechamap.scores.positions import ScorePlan


@pytest.fixture(scope="session", autouse=True)
def speed_is_measured_once() -> Iterator[None]:
    """The machine is as fast in one test as in the other: dozens of plans need not find it out again."""
    scoring_speed = speed.scoring_speed
    found: list[float] = []

    def once(plan: ScorePlan, device: torch.device, threads: int) -> float:
        if not found:
            found.append(scoring_speed(plan, device, threads))
        return found[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(speed, "measure", cache(speed.measure))
        patch.setattr(speed, "scoring_speed", once)
        yield
