"""The Python interface: what ``import mechamap as mm`` offers, in the words of the command line.

Start in :mod:`mechamap.api.scanned_run`. ``mechamap/__init__`` gives out these names when they are first asked for.
Files are read without torch; whatever needs the model says so and loads it once.
"""
