"""The tables of a comparison, a file for each kind."""
