"""``mechamap scan --plan`` of several models: the plan of each, and what they take together."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mechamap.commands.narration import Narration, duration, printable, put, size
from mechamap.commands.plan_report import plan_lines, plan_of
from mechamap.errors import MechaMapError
from mechamap.sweep_config import SweepJob

if TYPE_CHECKING:
    from mechamap.plan import ScanPlan

__all__ = ["tell_plans"]


def tell_plans(args: argparse.Namespace, jobs: Sequence[SweepJob], narration: Narration) -> int:
    """Print the plans: tables, or lines of JSON among the events. 1 where one does not fit or cannot be planned.

    Memory is taken by one model at a time, disk by all of them.
    """
    plans: dict[str, ScanPlan] = {}
    for job in jobs:
        try:
            plans[job.label] = plan_of(args, job.model, job.config, narration, started=bool(plans))
        except MechaMapError as error:
            narration.say(f"{job.label}: {error.title}")
            for line in str(error).splitlines():
                narration.say(f"  {printable(line)}")
            continue
        if args.events:
            _put_json(job.label, plans[job.label])
        else:
            put(f"{job.label}")
            for line in plan_lines(plans[job.label]):
                put(f"  {line}".rstrip())
            put("")
    lacking = [job.label for job in jobs if job.label not in plans or not plans[job.label].fits]
    total = sum(plan.run.total for plan in plans.values())
    free = next((plan.disk for plan in plans.values()), None)
    fits = not lacking and (free is None or total <= free)
    seconds = sum(plan.seconds.total for plan in plans.values() if plan.seconds is not None)
    if args.events:
        together = {"event": "sweep_plan", "run": total, "disk": free, "seconds": seconds, "fits": fits}
        put(json.dumps({**together, "lacking": lacking}))
    else:
        there = f", {size(free)} free" if free is not None else ""
        put(f"Together: {len(plans)} runs of {size(total)} on disk{there}; about {duration(seconds)}, an estimate")
        put("They fit." if fits else _verdict(lacking))
    return 0 if fits else 1


def _put_json(label: str, plan: ScanPlan) -> None:
    from mechamap.plan.record import plan_to_dict

    put(json.dumps({"event": "plan", **plan_to_dict(plan), "name": plan.name, "model": label}, allow_nan=False))


def _verdict(lacking: Sequence[str]) -> str:
    return f"Not all of them fit: {', '.join(lacking)}" if lacking else "Their runs do not fit on the disk together."
