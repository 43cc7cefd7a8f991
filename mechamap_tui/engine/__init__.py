"""The explorer's end of the engine process: start in ``client``."""
