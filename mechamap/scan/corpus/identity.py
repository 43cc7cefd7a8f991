"""What tells one corpus scan from another: parts of one, or a scan and its resumption, have all of it in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from mechamap.config.scan_config import ScanConfig, config_to_dict
from mechamap.errors import RunError
from mechamap.models.loaded import LoadedModel
from mechamap.runs.record import RunRecord
from mechamap.scan.corpus.shards import Shards

__all__ = ["check_same", "missing_shards", "scan_identity"]


# Settings that parts of one scan, or a scan and its resumption, may differ in.
_FREE = frozenset(
    {
        "device", "device_map", "threshold", "keep_activations", "trust_remote_code", "templates", "contrast",
        "hard_auroc", "second_text", "texts", "window",
    }
)  # fmt: skip
_FREE_OF_CORPUS = frozenset(
    {"sources", "batch_tokens", "shard_tokens"}
)  # the corpus' identity and its shards say these


def scan_identity(config: ScanConfig, loaded: LoadedModel, shards: Shards, record: RunRecord) -> dict[str, Any]:
    """Plain values by what people call them."""
    plain = config_to_dict(config)
    settings = {
        entry.name: plain[entry.name]
        for entry in fields(config)
        if entry.name not in _FREE and entry.name not in ("corpus", "categories")
    }
    corpus = {f"corpus.{key}": value for key, value in plain["corpus"].items() if key not in _FREE_OF_CORPUS}
    return {
        "model": loaded.id,
        "revision": loaded.revision,
        "number format": record.model.dtype,
        "neurons": [[rows.layer, rows.width] for rows in record.layers],
        "categories": {name: lists["words"] for name, lists in plain["categories"].items()},
        "settings": settings | corpus,
        "corpus": shards.corpus.identity,
        "shards": shards.plain(),
    }


def check_same(ledger: Mapping[str, Any], identity: Mapping[str, Any], where: Path) -> None:
    """Refuse what was gathered by another scan.

    Raises:
        RunError: it was; the message says what differs.
    """
    before = ledger.get("identity")
    if not isinstance(before, dict):
        raise RunError(f"{where} does not say which scan it belongs to.", "Scan into another folder.")
    different = [name for name in identity if before.get(name) != identity[name]]
    if "settings" in different and isinstance(before.get("settings"), dict):
        names = {*before["settings"], *identity["settings"]}
        changed = sorted(name for name in names if before["settings"].get(name) != identity["settings"].get(name))
        different[different.index("settings")] = ", ".join(changed)
    if different:
        raise RunError(
            f"{where} belongs to another scan: it differs in {', '.join(different)}.",
            "Parts of one scan have the same model, corpus, shards and settings.",
        )


def missing_shards(identity: Mapping[str, Any], merged: Iterable[int]) -> list[int]:
    """Which shards of a scan, counted from 0, are not merged."""
    return sorted(set(range(len(identity["shards"]))) - set(merged))
