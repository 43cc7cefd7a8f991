"""What the engine process says about finished runs in tables. pandas is imported by the first request for one."""

from __future__ import annotations

import math
from typing import Any

from mechamap import rpc
from mechamap.engine_calls import Call, Method
from mechamap.engine_params import given_run
from mechamap.rpc import RpcFault

__all__ = ["BESIDE"]


def interpret(call: Call) -> dict[str, Any]:
    """``{run, by?, threshold?, top?, most?}`` -> the report, see :func:`mechamap.tables.table.report_to_dict`."""
    by, threshold = _text(call, "by"), _number(call, "threshold")
    top, most = _whole(call, "top") or 5, _whole(call, "most")
    run = given_run(call)
    from mechamap.interpret import interpret_run
    from mechamap.tables.table import report_to_dict

    return report_to_dict(interpret_run(run, by, threshold, top, most=most))


def _text(call: Call, name: str) -> str | None:
    value = call.params.get(name)
    if value is not None and (not isinstance(value, str) or not value):
        raise RpcFault(rpc.INVALID_PARAMS, f"{name} is a text, or null.")
    return value


def _number(call: Call, name: str) -> float | None:
    value = call.params.get(name)
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise RpcFault(rpc.INVALID_PARAMS, f"{name} is a number, or null.")
    return float(value)


def _whole(call: Call, name: str) -> int | None:
    value = call.params.get(name)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
        raise RpcFault(rpc.INVALID_PARAMS, f"{name} is a whole number of at least 1, or null.")
    return value


BESIDE: dict[str, Method] = {"interpret": interpret}
