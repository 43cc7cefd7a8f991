"""One scan, from a loaded model to a run on disk: start in ``scan``; ``sweep`` scans several models."""
