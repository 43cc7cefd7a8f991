"""The flags of ``mechamap scan`` beside the settings of the scan itself: where the run goes, and what else is done."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from mechamap.errors import UsageError
from mechamap.scan.corpus.part import Part, RayRequest, parse_part
from mechamap.system.paths import user_path

__all__ = ["ScanOptions", "scan_options"]


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """How a scan is done, of one model or of several.

    Attributes:
        out: the run's folder, or that of several runs' folders; None: in the data folder.
        resume: go on with what is there.
        plan: only say what it would take.
        confirm: check the findings afterwards.
        causes: estimate afterwards what every neuron causes.
        exports: the formats to export to, each with its file; None: standard output.
        overwrite: replace these files.
        events: write the events to standard output.
        part: which part of a corpus is read; None: all.
        ray: the workers that read it; None: this process does.
    """

    out: Path | None
    resume: bool
    plan: bool
    confirm: bool
    causes: bool
    exports: tuple[tuple[str, Path | None], ...]
    overwrite: bool
    events: bool
    part: Part | None = None
    ray: RayRequest | None = None

    @property
    def needs_all_layers(self) -> bool:
        """Whether something after the scan needs the layers of the model that are not scanned."""
        return self.confirm or self.causes

    @property
    def fills_stdout(self) -> bool:
        """Whether events or an export go to standard output, so that nothing else does."""
        return self.events or any(target is None for _, target in self.exports)


def scan_options(args: argparse.Namespace) -> ScanOptions:
    """The flags as one value.

    Raises:
        UsageError: two of them write to standard output.
    """
    exports = tuple(
        (format, None if file == "-" else user_path(file))
        for format, file in (("csv", args.csv), ("json", args.json))
        if file is not None
    )
    to_stdout = [f"--{format}" for format, target in exports if target is None]
    if args.events:
        to_stdout.append("--events")
    if len(to_stdout) > 1:
        raise UsageError(f"{' and '.join(to_stdout)} both write to standard output.", "Give one of them a file.")
    return ScanOptions(
        out=args.out,
        resume=args.resume,
        plan=args.plan,
        confirm=args.confirm,
        causes=args.causes,
        exports=exports,
        overwrite=args.overwrite,
        events=bool(args.events),
        part=parse_part(args.shard) if args.shard is not None else None,
        ray=_ray(args.ray, args.workers),
    )


def _ray(address: str | None, workers: int | None) -> RayRequest | None:
    if workers is not None and address is None:
        raise UsageError("--workers is about Ray.", "Give --ray local, or the address of a cluster.")
    if workers is not None and workers < 1:
        raise UsageError(f"--workers is {workers}.", "Give at least 1.")
    return None if address is None else RayRequest(address, workers)
