"""Named sets of a run's neurons, which are kept among its notes and carried to other runs in files."""
