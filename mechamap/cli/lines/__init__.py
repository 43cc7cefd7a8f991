"""A run explored by lines that are typed or piped in, without a cursor: start in ``conversation``."""
