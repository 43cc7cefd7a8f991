"""The 64 bins of activations, the same for all models, and the 32 octaves that they make up.

Bins are two to an octave, so that a value's bin can be read from the bits of its float32: exponent and first digit of
the mantissa. The magnitude code of x is 0 below 2^-8, and each code from 1 on covers [2^(e), 1.5 * 2^e) or
[1.5 * 2^e, 2^(e+1)), up to 31, which has all from 2^7 on. Column 32 + code is for x > 0, column 31 - code for x <= 0,
so that columns rise with x. An octave is two columns with neighbouring codes.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["BASE_CODE", "BINS", "EDGES", "LARGEST_CODE", "OCTAVES", "ZERO_BIN", "bins_of"]


BINS = 64
OCTAVES = 32
LARGEST_CODE = 31
ZERO_BIN = 31  # the column of zero
BASE_CODE = (127 - 8) * 2 - 1  # of the float's exponent and first digit, what code 0 stands for

_FROM_ONE = np.array([(1 + code % 2 / 2) * 2.0 ** (code // 2 - 8) for code in range(31)])  # [31] lower ends of 1 to 31

EDGES: NDArray[np.float64] = np.concatenate([[-np.inf], -_FROM_ONE[::-1], [0.0], _FROM_ONE, [np.inf]])
"""``[65]``: column c has the values between ``EDGES[c]`` and ``EDGES[c + 1]``. A magnitude on an edge belongs to the
column farther from zero; zero belongs to column 31."""


def bins_of(values: Tensor) -> Tensor:
    """The column of each value, uint8.

    Args:
        values: float32, of any shape; what is not finite gets some column.
    """
    codes = (((values.view(torch.int32) & 0x7FFFFFFF) >> 22) - BASE_CODE).clamp_(0, LARGEST_CODE)
    return torch.where(values > 0, codes + (ZERO_BIN + 1), ZERO_BIN - codes).to(torch.uint8)
