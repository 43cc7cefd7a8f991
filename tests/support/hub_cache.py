"""Models put into a hub cache."""

from __future__ import annotations

import json
import os
from pathlib import Path


def model_folder(path: Path, **config: object) -> Path:
    path.mkdir(parents=True)
    (path / "config.json").write_text(json.dumps({"model_type": "gpt2", **config}))
    return path


def put_in_cache(
    cache: Path, model_id: str, *, age: int, architecture: str = "GPT2LMHeadModel", weights: bool = True
) -> Path:
    snapshot = cache / f"models--{model_id.replace('/', '--')}" / "snapshots" / "0123abcd"
    model_folder(snapshot, architectures=[architecture])
    if weights:
        (snapshot / "model.safetensors").write_bytes(b"")
    os.utime(snapshot, (1_700_000_000 - age, 1_700_000_000 - age))
    return snapshot
