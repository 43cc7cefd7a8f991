"""A run's neurons as a file in each of the formats: start in ``registry``; ``table`` is what all formats write."""
