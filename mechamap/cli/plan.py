"""``mechamap scan --plan``: what a scan needs, what is free, and what would make it fit."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec.structs import asdict

from mechamap.cli.corpus_plan import corpus_rows, disk_advice, run_row
from mechamap.cli.narration import Narration, print_data, print_lines, write_data
from mechamap.cli.scan_options import ScanOptions
from mechamap.errors import MechaMapError
from mechamap.scan.sweep_jobs import SweepJob
from mechamap.wording.amounts import duration, size
from mechamap.wording.plain import printable

if TYPE_CHECKING:
    from mechamap.catalog.source import ModelSource
    from mechamap.config.scan_config import ScanConfig
    from mechamap.plan.scan_plan import ScanPlan
    from mechamap.plan.situation import Circumstances
    from mechamap.plan.warning import Shortfall
    from mechamap.protocol.planned import PlannedMemory, PlannedOption

__all__ = ["plan_lines", "plan_of", "shortfall_lines", "tell_plan", "tell_plans", "warn"]


def tell_plans(jobs: Sequence[SweepJob], options: ScanOptions, narration: Narration) -> int:
    """Print the plans: tables, or lines of JSON among the events. 1 where one does not fit or cannot be planned.

    Memory is taken by one model at a time, disk by all of them.
    """
    plans: dict[str, ScanPlan] = {}
    for job in jobs:
        try:
            plans[job.label] = plan_of(job.source, job.config, options, narration, started=bool(plans))
        except MechaMapError as error:
            narration.error(f"{job.label}: {error.title}", error)
            continue
        plan = plans[job.label]
        if options.events:
            _put_json(plan, name=plan.scan.files.source.name, model=job.label)
        else:
            print_lines([job.label, *(f"  {line}".rstrip() for line in plan_lines(plan)), ""])
    lacking = [job.label for job in jobs if job.label not in plans or not plans[job.label].fits]
    total = sum(plan.run.total for plan in plans.values())
    most = total + max((plan.run.working for plan in plans.values()), default=0)  # one is made at a time
    free = next((plan.disk for plan in plans.values()), None)
    fits = not lacking and (free is None or most <= free)
    seconds = sum(plan.seconds.total for plan in plans.values() if plan.seconds is not None)
    if options.events:
        together = {"event": "sweep_plan", "run": total, "disk": free, "seconds": seconds, "fits": fits}
        write_data(json.dumps({**together, "lacking": lacking}) + "\n")
    else:
        free_space = f", {size(free)} free" if free is not None else ""
        print_data(
            f"Together: {len(plans)} runs of {size(total)} on disk{free_space}; about {duration(seconds)}, an estimate"
        )
        print_data("They fit." if fits else _joint_verdict(lacking))
    return 0 if fits else 1


def _put_json(plan: ScanPlan, **about: str) -> None:
    from mechamap.plan.message import plan_message
    from mechamap.protocol.messages import plain

    write_data(json.dumps({"event": "plan", **plain(plan_message(plan)), **about}, allow_nan=False) + "\n")


def _joint_verdict(lacking: Sequence[str]) -> str:
    return f"Not all of them fit: {', '.join(lacking)}" if lacking else "Their runs do not fit on the disk together."


def tell_plan(source: ModelSource, config: ScanConfig, options: ScanOptions, narration: Narration) -> int:
    """Print the plan: a table, or a line of JSON among the events. 1 where the scan does not fit."""
    plan = plan_of(source, config, options, narration)
    if options.events:
        _put_json(plan)
    else:
        print_lines(plan_lines(plan))
    return 0 if plan.fits else 1


def plan_of(
    source: ModelSource, config: ScanConfig, options: ScanOptions, narration: Narration, *, started: bool = False
) -> ScanPlan:
    """The plan of one scan and of the checks after it; ``started``: an earlier plan has loaded torch already."""
    narration.progress("loading torch and transformers")
    try:
        from mechamap.plan.scan_plan import plan_scan

        return plan_scan(source, config, options.out, _circumstances(options, started=started), narration.progress)
    finally:
        narration.clear()


def _circumstances(options: ScanOptions, *, started: bool = False) -> Circumstances:
    from mechamap.plan.situation import Circumstances

    return Circumstances(started=started, whole=options.needs_all_layers, part=options.part, ray=options.ray)


def warn(source: ModelSource, config: ScanConfig, options: ScanOptions, narration: Narration) -> None:
    """Warn, before anything is read, where the scan may not fit or will be slow; it begins all the same."""
    from mechamap.plan.corpus.compiled import slow_remark
    from mechamap.plan.places import places_of
    from mechamap.plan.warning import DISK, shortfalls

    for shortfall in shortfalls(source, config, _circumstances(options), options.out):
        if options.resume and shortfall.place == DISK:  # much of the run is there already
            continue
        for line in shortfall_lines(shortfall, of_corpus=config.corpus is not None):
            narration.say(line)
    if config.corpus is not None:
        with suppress(MechaMapError):  # the scan reports a device that is not there
            if (remark := slow_remark(places_of(config).device.type)) is not None:
                narration.say(remark)


def plan_lines(plan: ScanPlan) -> list[str]:
    """The whole plan; the verdict comes first where the scan does not fit, and last where it does."""
    rows = [f"{name:<9} {text}" for name, text in _rows(plan)]
    notes = [f"note: {printable(note)}" for note in plan.notes]
    if plan.fits:
        return [*rows, *notes, "It fits."]
    return [*_verdict(plan), "", *rows, *notes]


def shortfall_lines(shortfall: Shortfall, *, of_corpus: bool = False) -> list[str]:
    """What keeps a scan from fitting, before it begins.

    Args:
        of_corpus: whether the scan is over a corpus.
    """
    from mechamap.plan.warning import DISK

    needed, free = size(shortfall.needed), size(shortfall.free)
    if shortfall.place != DISK:
        return [
            f"This scan may not fit: it needs about {needed} on {shortfall.place}, where {free} are free.",
            *_options(shortfall.would_fit),
        ]
    return [
        f"The run of this scan may not fit: it takes about {needed} on disk, where {free} are free.",
        _disk_advice(of_corpus=of_corpus),
        *(_options(shortfall.would_fit) if shortfall.would_fit else ()),
    ]


def _disk_advice(*, of_corpus: bool) -> str:
    return disk_advice() if of_corpus else "Name a folder on another disk with --out, or scan fewer layers."


def _verdict(plan: ScanPlan) -> Iterator[str]:
    for need in plan.memory:
        if not need.fits:
            yield (
                f"This scan does not fit: it needs about {size(need.needed)} on {need.device}, where "
                f"{size(need.free or 0)} are free."
            )
    if "disk" in plan.lacking:
        yield f"Its run does not fit: it takes {size(plan.run.most)} on disk, where {size(plan.disk or 0)} are free."
        yield _disk_advice(of_corpus=plan.scan.corpus is not None)
    if plan.would_fit or any(not need.fits for need in plan.memory):
        yield from _options(plan.would_fit)


def _options(options: Sequence[PlannedOption]) -> Iterator[str]:
    if not options:
        yield "No setting makes it fit; choose a smaller model."
        return
    yield "What would fit:"
    width = max(len(option.flags) for option in options)
    for option in options:
        if option.flags:
            yield f"  {option.flags:<{width}}  about {size(option.needed)}: {option.words}"
        else:
            yield f"  {option.words}"


def _rows(plan: ScanPlan) -> Iterator[tuple[str, str]]:
    inputs = plan.scan
    shape, weights, text = inputs.shape, inputs.weights, inputs.text
    yield "model", f"{printable(inputs.files.source.label)}: {shape.architecture}, {shape.kind}, {_amounts(plan)}"
    yield (
        "scanned",
        (
            f"{len(inputs.layers)} of {len(shape.layers)} layers, {inputs.neurons:,} of {shape.neurons():,} neurons"
            + (f", {shape.experts} experts a layer" if shape.experts else "")
        ),
    )
    guessed = "" if text.is_counted else "about "
    if inputs.corpus is not None:
        yield from _corpus(plan)
    else:
        yield "text", f"{guessed}{text.positions:,} tokens in {text.windows:,} windows, {text.scored:,} of them scored"
    part = f" of {size(weights.total)}" if inputs.loaded < weights.total else ""
    packed = f", packed as {weights.packed}" if weights.packed and weights.packed not in weights.why else ""
    yield "weights", f"{size(inputs.loaded)}{part} in {weights.dtype} ({weights.why}){packed}"
    for need in plan.memory:
        parts = _parts_of(need)
        sums = ", ".join(f"{name} {size(amount)}" for name, amount in parts if amount)
        free = f"{size(need.free)} free" if need.free is not None else "free memory unknown"
        yield "memory", f"about {size(need.needed)} on {need.device}, {free} ({sums})"
    activations = f", {size(plan.run.activations)} of it activations" if plan.run.activations else ""
    disk = f", {size(plan.disk)} free" if plan.disk is not None else ""
    parts_of_run = run_row(plan.run) if inputs.corpus is not None else ""
    yield "run", f"{size(plan.run.total)} on disk{disk}{activations}{parts_of_run}"
    if plan.seconds is not None:
        yield "time", f"about {duration(plan.seconds.total)} ({_stages(plan)}), an estimate"


def _corpus(plan: ScanPlan) -> Iterator[tuple[str, str]]:
    from mechamap.plan.message import plan_message

    message = plan_message(plan)
    assert message.corpus is not None
    yield from corpus_rows(message.corpus, message.text)


def _parts_of(need: PlannedMemory) -> tuple[tuple[str, int], ...]:
    return (
        ("weights", need.weights),
        ("activations", need.activations),
        ("statistics", need.statistics),
        ("libraries", need.process),
    )


def _amounts(plan: ScanPlan) -> str:
    shape = plan.scan.shape
    widths = sorted({layer.neurons() for layer in shape.layers})
    each = f"{widths[0]:,}" if len(widths) == 1 else f"{widths[0]:,} to {widths[-1]:,}"
    return f"{shape.parameters:,} parameters, {len(shape.layers)} layers of {each} neurons"


def _stages(plan: ScanPlan) -> str:
    assert plan.seconds is not None
    stages = asdict(plan.seconds)
    del stages["total"]
    shown = {name.replace("_", " "): seconds for name, seconds in stages.items() if seconds >= 0.05}
    return ", ".join(f"{name} {duration(seconds)}" for name, seconds in shown.items())
