"""What a neuron is called: ``L7.N1844``, and ``L7.E3.N12`` for an expert's neuron."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mechamap.errors import UsageError

__all__ = ["NeuronName", "parse_neuron"]


_NAME = re.compile(
    r"\s*l?\s*(?P<layer>\d+)\s*[., :/]?\s*(?:e\s*(?P<expert>\d+)\s*[., :/]?\s*)?n?\s*(?<=\D)(?P<index>\d+)\s*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, order=True)
class NeuronName:
    """A neuron's place: layer and index count from 0; ``expert`` is -1 outside mixtures of experts."""

    layer: int
    index: int
    expert: int = -1

    def __str__(self) -> str:
        expert = f"E{self.expert}." if self.expert >= 0 else ""
        return f"L{self.layer}.{expert}N{self.index}"


def parse_neuron(text: str) -> NeuronName:
    """Read ``L7.N1844``, ``l7n1844``, ``7.1844``, ``7,1844`` or ``L7.E3.N12``.

    Raises:
        UsageError: the text is none of these.
    """
    match = _NAME.fullmatch(text)
    if match is None:
        raise UsageError(
            f"{text!r} is not the name of a neuron.",
            "Write the layer and the neuron: L7.N1844, or just 7.1844.",
        )
    expert = match["expert"]
    return NeuronName(int(match["layer"]), int(match["index"]), int(expert) if expert is not None else -1)
