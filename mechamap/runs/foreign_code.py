"""What a run says of code that came with its model, for people."""

from __future__ import annotations

from mechamap.runs.record import RunRecord

__all__ = ["foreign_code"]


def foreign_code(record: RunRecord) -> str:
    """Whether code that came with the model was run, and which; empty where it was not even allowed."""
    if record.model.own_code:
        return f"came with the model and was run (trust_remote_code): {', '.join(record.model.own_code)}"
    if record.config is not None and record.config.trust_remote_code:
        return "what comes with the model was allowed to run (trust_remote_code)"
    return ""
