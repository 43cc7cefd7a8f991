"""The keys of the explorer as a file: the default, how keys are spelled, and a user's own lines checked against it."""
