"""The plan of a scan: the memory, disk space and time it takes, worked out before any weights are read.

Start in ``scan_plan``.
"""
