"""Filters such as ``reads.food > .9 and layer < 4``: ``lexemes`` and ``syntax`` parse them into ``nodes``, ``evaluate``
answers with the neurons (``names`` says what a name means on a run), ``filters`` writes them.
"""
