"""What the runs of a comparison are called in its tables: short, and no two alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from mechamap.runs.run import Run

__all__ = ["run_labels"]


def run_labels(runs: Sequence[Run]) -> tuple[str, ...]:
    """The model's label; where several have the same, with what distinguishes them, in the last resort the run's name.

    ``gpt2 @step1000``, ``int8 gpt2``, ``CSV gpt2``: what distinguishes them must not be what a narrow table cuts.
    """
    labels = [run.label for run in runs]
    for more in (_source, _revision, _number_format, _name):
        labels = _told_apart(labels, runs, more)
    return tuple(_numbered(labels))


def _told_apart(labels: list[str], runs: Sequence[Run], more: Callable[[Run, str], str]) -> list[str]:
    longer = [more(run, label) for run, label in zip(runs, labels, strict=True)]
    differ = {
        label for label in labels if len({new for old, new in zip(labels, longer, strict=True) if old == label}) > 1
    }
    return [new if old in differ else old for old, new in zip(labels, longer, strict=True)]


def _numbered(labels: list[str]) -> list[str]:
    """The same run given twice is still two columns."""
    counts, seen = Counter(labels), Counter[str]()
    names = []
    for label in labels:
        seen[label] += 1
        names.append(f"{label} #{seen[label]}" if counts[label] > 1 else label)
    return names


def _source(run: Run, label: str) -> str:
    return f"CSV {label}" if run.is_csv else label


def _revision(run: Run, label: str) -> str:
    requested = run.record.config.revision if run.record.config is not None else None
    revision = requested or run.record.model.revision
    return f"{label} @{revision[:12]}" if revision else label


def _number_format(run: Run, label: str) -> str:
    model = run.record.model
    return f"{model.packing.split(' ', 1)[0] or model.dtype} {label}" if model.dtype != "unknown" else label


def _name(run: Run, label: str) -> str:
    return run.name
