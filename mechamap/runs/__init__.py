"""Runs on disk: what a scan leaves behind, opened with numpy alone.

Start in ``run``, the run opened for reading, and ``record``, what ``run.json`` holds; ``writer`` is the other side of
the same format, ``additions`` what checks add later, ``library`` the folder of all runs.
"""
