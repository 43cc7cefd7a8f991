"""JSON files of others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mechamap.system.bounded_files import read_at_most

__all__ = ["parsed_json", "read_json"]


_LARGEST = 1_000_000_000  # bytes


def read_json(path: Path) -> Any:
    """The value of a file.

    Raises:
        OSError: it cannot be read, is a pipe or a device, or larger than any such file.
        ValueError: it is not JSON, or nested too deeply.
    """
    return parsed_json(read_at_most(path, _LARGEST))


def parsed_json(text: bytes | str) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: it is not JSON, or nested too deeply.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
