"""Filters such as ``reads.food > .9 and layer < 4``: ``syntax`` reads them, ``evaluate`` answers with the neurons,
``filters`` writes them.
"""
