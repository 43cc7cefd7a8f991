"""The states that a folder holds, and what the newest says of itself: its shards, and which scan it belongs to."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from mechamap.errors import RunError
from mechamap.system.bounded_files import read_at_most

__all__ = ["STATE", "VERSION", "damage_in_words", "newest_state", "read_ledger", "states_in"]


STATE = "state-"
VERSION = 1
_LARGEST = 1_000_000_000  # bytes of a ledger
_MOST_SHARDS = 100_000_000


def states_in(folder: Path) -> list[tuple[int, Path]]:
    """The states of a folder with their numbers, rising."""
    states = []
    with suppress(OSError):
        for path in folder.glob(f"{STATE}*"):
            number = path.name.removeprefix(STATE)
            if number.isascii() and number.isdecimal() and len(number) < 16:
                states.append((int(number), path))
    return sorted(states)


def newest_state(folder: Path) -> Path | None:
    """The folder of the newest state, None where there is none."""
    states = states_in(folder)
    return states[-1][1] if states else None


def read_ledger(folder: Path) -> dict[str, Any]:
    """What the newest state says of itself: ``shards`` are whole numbers; ``identity``, where it is there, is
    an object with a list of ``shards``.

    Raises:
        RunError: it is damaged, or there is none.
    """
    path = newest_state(folder)
    if path is None:
        raise RunError(f"{folder} holds no part of a corpus scan.", "Give folders of runs over parts of a corpus.")
    try:
        ledger = json.loads(read_at_most(path / "ledger.json", _LARGEST).decode("utf-8"))
        _check(ledger)
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise RunError(
            f"{path / 'ledger.json'} is damaged: {damage_in_words(error)}.",
            "Restore the run's folder from a copy, or scan again.",
        ) from None
    return dict(ledger)


def damage_in_words(error: Exception) -> str:
    """What is wrong with a file of a state, without a full stop."""
    if isinstance(error, OSError) and error.strerror:
        return f"{Path(error.filename).name}: {error.strerror}" if error.filename else error.strerror
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return f"it has no {error}" if isinstance(error, KeyError) else str(error)


def _check(ledger: Any) -> None:
    if not isinstance(ledger, dict) or ledger["version"] != VERSION:
        raise ValueError("it is of another version")
    json.dumps(ledger, ensure_ascii=False).encode()  # it is written again, which halves of characters cannot be
    shards, identity = ledger["shards"], ledger.get("identity")
    if not isinstance(shards, list) or not all(type(shard) is int and 0 <= shard < _MOST_SHARDS for shard in shards):
        raise ValueError("its shards are no numbers")
    if identity is not None and not (isinstance(identity, dict) and isinstance(identity["shards"], list)):
        raise ValueError("it does not say which scan it belongs to")
