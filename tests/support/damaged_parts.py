"""Parts of corpus scans as they come damaged or hostile from outside, at random from a seed."""

from __future__ import annotations

import io
import json
import random
from pathlib import Path

import numpy as np

from support.damage import damage_record, damaged_json, damaged_text, other_array

__all__ = ["damage_part"]


def damage_part(folder: Path, rng: random.Random) -> str:
    """Damage a part of a corpus scan in one place; returns what was done."""
    files = sorted(file for file in (folder / "corpus").rglob("*") if file.is_file())
    file = rng.choice([*files, *(each for each in files if each.suffix in (".json", ".npz"))])
    match rng.randrange(8):
        case 0:
            return damage_record(folder, rng)
        case 1:
            file.unlink()
            return f"{file.name} is gone"
        case 2:
            data = file.read_bytes()
            file.write_bytes(data[: rng.randrange(len(data) + 1)])
            return f"{file.name} is cut"
    if file.suffix == ".json":
        if rng.random() < 0.3:
            file.write_bytes(damaged_text(file.read_text(encoding="utf-8"), rng))
        else:
            damaged = damaged_json(json.loads(file.read_text(encoding="utf-8")), rng, rng.choice([1, 1, 3]))
            file.write_text(json.dumps(damaged), encoding="utf-8", errors="surrogatepass")
    elif file.suffix == ".npz" and rng.random() < 0.8:
        _members(file, rng)
    else:
        data = bytearray(file.read_bytes())
        for _ in range(rng.choice([1, 3, 30])):
            data[rng.randrange(len(data))] = rng.randrange(256)
        file.write_bytes(data)
    return file.name


def _members(file: Path, rng: random.Random) -> None:
    """Damage one array of an archive of some."""
    with np.load(file) as archive:
        arrays = {name: archive[name] for name in archive.files}
    name = rng.choice(sorted(arrays))
    array = arrays[name]
    match rng.randrange(7):
        case 0:
            del arrays[name]
        case 1:
            arrays[name] = np.load(io.BytesIO(other_array(rng)))
        case 2 if array.size:
            odd = rng.choice([-1, 0, 1, 2**62, -(2**62), float("nan"), float("inf"), 1e300])
            with np.errstate(all="ignore"):
                changed = array.astype(np.float64)
                changed.flat[rng.randrange(array.size)] = odd
                arrays[name] = changed.astype(array.dtype)
        case 3:
            arrays[name] = array[:-1] if array.ndim else array
        case 4:
            arrays[name] = np.concatenate([array, array]) if array.ndim else array
        case 5:
            arrays[name] = array[::-1] if array.ndim else array
    (np.savez_compressed if rng.random() < 0.1 else np.savez)(file, **arrays)
