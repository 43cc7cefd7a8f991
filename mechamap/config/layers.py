"""Which layers a setting such as ``0-5,11`` means."""

from __future__ import annotations

import re

from mechamap.errors import UsageError
from mechamap.wording.plain import shortened

__all__ = ["layer_ranges", "layers_needed", "parse_layers"]


def parse_layers(spec: str, n_layers: int) -> tuple[int, ...]:
    """The layers that ``all`` or ``0-5,11`` means in a model of ``n_layers``, ascending, each once.

    Raises:
        UsageError: the expression cannot be read or names a layer the model does not have.
    """
    try:
        ranges = layer_ranges(spec)
    except ValueError as error:
        raise UsageError(f"{error.args[0]}, expected {error.args[1]}.") from None
    if ranges is None:
        return tuple(range(n_layers))
    highest = max(last for _, last in ranges)
    if highest >= n_layers:
        raise UsageError(
            f"Layer {highest} does not exist: the model has {n_layers} layers.",
            f"Layers count from 0, so the last is {n_layers - 1}.",
        )
    return tuple(sorted({layer for first, last in ranges for layer in range(first, last + 1)}))


def layers_needed(spec: str) -> int | None:
    """How many layers from the lowest up hold those that ``all`` or ``0-5,11`` means; None for all of them.

    Raises:
        UsageError: the expression cannot be read.
    """
    try:
        ranges = layer_ranges(spec)
    except ValueError as error:
        raise UsageError(f"{error.args[0]}, expected {error.args[1]}.") from None
    return None if ranges is None else max(last for _, last in ranges) + 1


_LAYERS_EXPECTED = '"all", or layers and ranges such as "0-5,11"'


def layer_ranges(spec: str) -> tuple[tuple[int, int], ...] | None:
    """The inclusive ranges of ``0-5,11``; None for ``all``.

    Raises:
        ValueError: the expression cannot be read; its two arguments say what was found and what was expected.
    """
    if spec.strip().lower() == "all":
        return None
    ranges = []
    for part in spec.split(","):
        match = re.fullmatch(r"\s*([0-9]{1,9})\s*(?:-\s*([0-9]{1,9})\s*)?", part)
        if match is None:
            part_text = f'"{shortened(part)}"' if part.strip() else "an empty part"
            raise ValueError(f'{part_text} in the layers "{shortened(spec)}"', _LAYERS_EXPECTED)
        first = int(match[1])
        last = int(match[2]) if match[2] is not None else first
        if last < first:
            raise ValueError(f'the range "{part.strip()}" runs backwards', f'"{last}-{first}"')
        ranges.append((first, last))
    return tuple(ranges)
