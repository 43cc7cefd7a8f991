"""Corpora: where their documents lie, how they are read one after another, and how they are cut into shards.

A ``Document`` has a number, which is its place in the whole corpus and the same however the corpus is cut. Nothing
here knows tokens or models.
"""
