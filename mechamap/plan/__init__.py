"""The plan of a scan: what it takes of memory, disk and time, worked out before any weights are read.

Start in ``scan_plan``.
"""
