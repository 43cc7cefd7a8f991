"""Models in which there is nothing to find, made from one in which there may be: start in ``copies``."""
