"""What the engine process says about finished runs in tables. pandas is imported by the first request for one."""

from __future__ import annotations

from typing import Any

from mechamap.engine_calls import Call, Method
from mechamap.engine_params import (
    given_number,
    given_run,
    given_runs,
    given_text_or_none,
    given_whole,
    stop_if_cancelled,
)

__all__ = ["BESIDE"]


def interpret(call: Call) -> dict[str, Any]:
    """``{run, by?, threshold?, top?, most?}`` -> the report, see :func:`mechamap.tables.table.report_to_dict`."""
    by, threshold = given_text_or_none(call, "by"), given_number(call, "threshold")
    top, most = given_whole(call, "top") or 5, given_whole(call, "most")
    run = given_run(call)
    from mechamap.interpret.report import interpret_run
    from mechamap.tables.table import report_to_dict

    stop_if_cancelled(call)
    return report_to_dict(interpret_run(run, by, threshold, top, most=most))


def compare(call: Call) -> dict[str, Any]:
    """``{runs, by?, threshold?, most?}`` -> the report; of two runs with the closest neurons that ``match`` found last.

    No model is loaded.
    """
    by, threshold = given_text_or_none(call, "by"), given_number(call, "threshold")
    most = given_whole(call, "most")
    runs = given_runs(call)
    from mechamap.compare.closest import share_threshold
    from mechamap.compare.report import LIMIT, compare_runs
    from mechamap.engine_matches import FOUND
    from mechamap.tables.table import report_to_dict

    stop_if_cancelled(call)
    closest = None
    if len(runs) == 2:
        closest = FOUND.of(runs[0], runs[1], share_threshold(by, threshold), call.cancel)
    return report_to_dict(compare_runs(runs, by, threshold, limit=most or LIMIT, closest=closest))


BESIDE: dict[str, Method] = {"interpret": interpret, "compare": compare}
