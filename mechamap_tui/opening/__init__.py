"""Which screen opens when, the only room that knows them all: start in ``screens``.

``reports`` opens what a run is interpreted and compared in, ``outcomes`` says what the end of a job leads to.
"""
