"""The 64 bins in which a corpus scan counts activations, the same for all models and neurons.

Bins are two to an octave: magnitudes from 2^-8 on, [2^e, 1.5 * 2^e) and [1.5 * 2^e, 2^(e+1)), on either side of zero.
The outermost bins have all that is larger, those beside zero all that is smaller.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["BINS", "EDGES", "ZERO_BIN"]


BINS = 64
ZERO_BIN = 31  # the column of zero

_FROM_ONE = np.array([(1 + code % 2 / 2) * 2.0 ** (code // 2 - 8) for code in range(31)])  # [31] lower ends of 1 to 31

EDGES: NDArray[np.float64] = np.concatenate([[-np.inf], -_FROM_ONE[::-1], [0.0], _FROM_ONE, [np.inf]])
"""``[65]``: column c has the values between ``EDGES[c]`` and ``EDGES[c + 1]``. A magnitude on an edge belongs to the
column farther from zero; zero belongs to column 31."""
