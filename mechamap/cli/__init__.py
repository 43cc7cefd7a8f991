"""The command line: start in ``main``. Each command has a file of its own, which declares its flags and does it."""
