"""What the runs of a comparison are called in its tables: short, and no two alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from mechamap.run import Run

__all__ = ["run_labels"]


def run_labels(runs: Sequence[Run]) -> tuple[str, ...]:
    """The model's label; where several have the same, with what tells them apart, at last the run's own name."""
    labels = [run.label for run in runs]
    for more in (_source, _revision, _number_format, _name):
        labels = _told_apart(labels, runs, more)
    return tuple(_numbered(labels))


def _told_apart(labels: list[str], runs: Sequence[Run], more: Callable[[Run], str]) -> list[str]:
    alike = Counter(labels)
    detail = [more(run) for run in runs]
    differ = {label for label in alike if len({d for its, d in zip(labels, detail, strict=True) if its == label}) > 1}
    return [f"{its} {d}".rstrip() if its in differ else its for its, d in zip(labels, detail, strict=True)]


def _numbered(labels: list[str]) -> list[str]:
    """The same run given twice is still two columns."""
    seen: Counter[str] = Counter()
    for label in labels:
        seen[label] += 1
    at: Counter[str] = Counter()
    names = []
    for label in labels:
        at[label] += 1
        names.append(f"{label} #{at[label]}" if seen[label] > 1 else label)
    return names


def _revision(run: Run) -> str:
    revision = str(run.record.config.get("revision") or run.record.model.revision or "")
    return f"@{revision[:12]}" if revision else ""


def _number_format(run: Run) -> str:
    model = run.record.model
    return model.packing.split(" ", 1)[0] or ("" if model.dtype == "unknown" else model.dtype)


def _source(run: Run) -> str:
    return "CSV" if run.record.source == "csv" else ""


def _name(run: Run) -> str:
    return f"({run.name})"
