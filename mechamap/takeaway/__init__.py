"""A steered model taken away: as a command, as Python for this library, for transformers, nnsight and TransformerLens.

``step`` is one step of a ladder with its amounts, ``forms`` lists what it can be written as. No torch: the explorer
writes these texts too.
"""
