"""The plan of a scan: what it takes of memory, disk and time, worked out before any weights are read."""

from __future__ import annotations

from mechamap.plan.scan_plan import ScanPlan, plan_scan

__all__ = ["ScanPlan", "plan_scan"]
