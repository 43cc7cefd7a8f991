"""Files as they come damaged, odd or hostile from outside, at random from a seed."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["damage_record", "damage_run", "damaged_json", "damaged_text", "other_array"]

ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, -(2**70), 10**400, 0.5, -0.0, 1e308, float("nan"), float("inf"), "", "x",
    "\x1b[31m",     "../../etc/passwd", "a" * 10_000, "\ud800",
     [], {}, [[]], [None], {"": None}, [0] * 1000, "L999999999999.N1", "NaN",
)  # fmt: skip


def damaged_json(value: Any, rng: random.Random, times: int = 1) -> Any:
    """A JSON value with something in it replaced, removed, doubled or put elsewhere."""
    value = json.loads(json.dumps(value))
    for _ in range(times):
        places = list(_places(value))
        if not places:
            return copy.deepcopy(rng.choice(ODD_VALUES))
        holder, key = rng.choice(places)
        match rng.randrange(6):
            case 0 | 1 | 2:
                holder[key] = copy.deepcopy(rng.choice(ODD_VALUES))
            case 3:
                del holder[key]
            case 4:
                other, other_key = rng.choice(places)
                holder[key] = (
                    json.loads(json.dumps(other[other_key], default=str)) if other_key in _keys(other) else None
                )
            case _:
                holder[key] = json.loads(json.dumps(_bent(holder[key], rng)))
    return value


def _keys(holder: Any) -> Any:
    return range(len(holder)) if isinstance(holder, list) else holder


def _places(value: Any, depth: int = 0) -> Any:
    """Every (holder, key) below a value; of long lists the first, the last and one between."""
    if isinstance(value, dict):
        keys: Any = list(value)
    elif isinstance(value, list):
        keys = sorted({0, len(value) // 2, len(value) - 1}) if value else []
    else:
        return
    for key in keys:
        yield value, key
        yield from _places(value[key], depth + 1)


def _bent(value: Any, rng: random.Random) -> Any:
    """A value of the same type that is off: a little, by much, of another sign."""
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, int | float):
        return rng.choice([value + 1, value - 1, -value, value * 1_000_003, value + 0.5, value * 2**40])
    if isinstance(value, str):
        return rng.choice([value * 2, value[:-1], value + "\x00", value.upper(), value + "\u202e", "0" + value])
    if isinstance(value, list):
        return rng.choice([value * 2, value[:-1], value[::-1], [value], [*value, None]])
    return {**value, rng.choice(list(value) or ["x"]): dict(value)}


def damaged_text(text: str, rng: random.Random) -> bytes:
    """Text with bytes flipped, cut, doubled or put in."""
    data = bytearray(text.encode(errors="surrogatepass"))
    for _ in range(rng.choice([1, 1, 2, 5, 20])):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(6):
            case 0:
                data[at:at] = bytes([rng.randrange(256)]) * rng.choice([1, 1, 2, 500])
            case 1:
                del data[at : at + rng.choice([1, 2, 10, 1000])]
            case 2:
                data[at : at + 1] = bytes([rng.randrange(256)])
            case 3:
                data[at:at] = data[at : at + rng.choice([3, 30, 300])]
            case 4:
                del data[at:]
            case _:
                odd = (
                    b"\x00",
                    b"\xff\xfe",
                    b"[" * 500,
                    b"{" * 500,
                    b"'",
                    b'"',
                    b"\t",
                    b"\r",
                    "\u202e".encode(),
                    b"1e999",
                )
                data[at:at] = rng.choice(odd)
        if not data:
            break
    return bytes(data)


def damage_run(folder: Path, rng: random.Random) -> str:
    """Damage a run in one place; returns what was done."""
    figures = sorted(folder.rglob("*.npy"))
    ways: list[Callable[[], str]] = [
        lambda: damage_record(folder, rng),
        lambda: damage_record(folder, rng),
        lambda: damage_record(folder, rng),
        lambda: _record_text(folder, rng),
        lambda: _figure(rng.choice(figures), rng),
        lambda: _figure(rng.choice(figures), rng),
        lambda: _notes(folder, rng),
    ]
    return rng.choice(ways)()


def damage_record(folder: Path, rng: random.Random) -> str:
    file = folder / "run.json"
    data = json.loads(file.read_text(encoding="utf-8"))
    small = {name: value for name, value in data.items() if name != "config"} if rng.random() < 0.7 else data
    changed = damaged_json(small, rng, rng.choice([1, 1, 1, 3]))
    whole = {**data, **changed} if isinstance(changed, dict) and small is not data else changed
    if isinstance(changed, dict) and small is not data:
        whole = {name: value for name, value in whole.items() if name in changed or name == "config"}
    file.write_text(json.dumps(whole), encoding="utf-8", errors="surrogatepass")
    return "record"


def _record_text(folder: Path, rng: random.Random) -> str:
    file = folder / "run.json"
    file.write_bytes(damaged_text(file.read_text(encoding="utf-8"), rng))
    return "text of the record"


def _figure(file: Path, rng: random.Random) -> str:
    data = bytearray(file.read_bytes())
    match rng.randrange(6):
        case 0:
            data = data[: rng.randrange(len(data))]
        case 1:
            file.unlink()
            return f"{file.name} is gone"
        case 2:
            data = bytearray(other_array(rng))
        case 3:
            at = rng.randrange(min(len(data), 128))
            data[at] = rng.randrange(256)
        case 4:
            header = bytes(data[:128])
            odd = [
                (b"'<f4'", b"'|O' "),
                (b"(48", b"(99"),
                (b"False", b"True "),
                (b"<f4", b"<f2"),
                (b"(", b"(9999999999, "),
            ]
            old, new = rng.choice(odd)
            data = bytearray(header.replace(old, new, 1)) + data[128:]
        case _:
            data = bytearray(rng.choice([b"", b"PK\x03\x04zip", b"\x80\x04pickle", b"\x93NUMPY", b"x" * 1000]))
    file.write_bytes(data)
    return file.name


def other_array(rng: random.Random) -> bytes:
    import io

    import numpy as np

    made = rng.choice(
        [
            np.zeros(()), np.zeros(48), np.zeros((48, 99)), np.zeros((48, 3, 3)), np.zeros((48, 3), np.int64),
            np.full((48, 3), np.nan), np.zeros((48, 0)), np.zeros((48, 5), np.complex128), np.zeros((48, 5), "U5"),
            np.full((48, 5), 10**9, np.int32), np.full((48, 5), -5, np.int32), np.zeros(48, [("a", "f4")]),
            np.full((48, 3), np.inf, np.float32), np.zeros((48, 3), np.longdouble), np.zeros((48, 3), ">f4"),
        ]
    )  # fmt: skip
    stream = io.BytesIO()
    np.save(stream, made)
    return stream.getvalue()


def _notes(folder: Path, rng: random.Random) -> str:
    notes = {"format": 1, "neurons": {"L0.N3": {"marked": True, "note": "x"}, "L1.N7": {"note": "y"}}}
    text = json.dumps(damaged_json(notes, rng))
    (folder / "notes.json").write_bytes(damaged_text(text, rng) if rng.random() < 0.5 else text.encode())
    return "notes"
