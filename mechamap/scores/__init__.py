"""What an activation says about a category: exact rank statistics, moments and extreme tokens, a layer at a time.

``positions`` says which positions count for which category; ``layer`` is the contract between the pass and the scores;
``ranked`` computes them on the CPU with numpy, ``ranked_torch`` anywhere with torch, both to the same definitions.
``writes`` is about output weights; ``null`` and ``held_out`` check readings on labelled words (``ranks`` serves both).
``packing`` is the sort behind all of them, ``slots`` numbers the positions in spans, ``blocks`` divides the work.
"""
