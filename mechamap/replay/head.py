"""The first lines of a log: which version wrote it, and what the run was made from."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterator
from datetime import datetime

from mechamap import __version__
from mechamap.runs.run import Run
from mechamap.wording.plain import printable

__all__ = ["FORMAT", "HEAD", "head_of"]


FORMAT = 1
HEAD = "# MechaMap session log, format "
_LONGEST = 500  # characters of a line


def head_of(run: Run, began: datetime) -> Iterator[str]:
    """The lines, each a comment.

    Args:
        began: when the session did.
    """
    yield f"{HEAD}{FORMAT}. Replay it on another run: mechamap replay THIS_FILE RUN"
    for name, fact in _facts(run):
        if fact:
            yield f"# {name}: {printable(fact)}"[:_LONGEST]
    yield f"# began: {began.isoformat(timespec='seconds')}"


def _facts(run: Run) -> Iterator[tuple[str, str]]:
    record, model = run.record, run.record.model
    yield "written by", f"mechamap {__version__}, Python {platform.python_version()}, {platform.system()}"
    yield "run", run.name
    yield "model", " ".join(filter(None, (model.id, f"at {model.revision}" if model.revision else "", model.adapter)))
    yield "computed", f"{model.architecture}, {model.dtype}" if not run.is_csv else "read from a CSV"
    yield "scanned", record.created
    yield "scanned with", ", ".join(f"{name} {version}" for name, version in record.versions.items())
    yield "text", _text(run)
    yield "neurons", f"{run.neurons:,} in {len(run.layers)} layers"
    yield "categories", ", ".join(run.categories)


def _text(run: Run) -> str:
    """What was read: how much, and a hash by which the same text is known."""
    record = run.record
    if record.corpus is not None:
        return f"a corpus of {len(record.tokens.ids):,} kept tokens"
    if not run.texts:
        return ""
    digest = hashlib.sha256("\0".join(run.texts).encode(errors="replace")).hexdigest()[:16]
    return f"{len(record.tokens.pieces):,} tokens, sha256 {digest}"
