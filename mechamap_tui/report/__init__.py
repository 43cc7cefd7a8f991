"""Reports, of one run or of several compared: start in ``screen``."""
