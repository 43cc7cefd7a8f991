"""What a scan is asked to do: start in ``schema``, the config as a value and how it is read.

The other files are the rules for its keys.
"""
