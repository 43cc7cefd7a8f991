"""The 64 bins of activations, the same for all models, and the 32 octaves that they make up.

Bins are two to an octave, so that a value's bin can be read from the bits of its float32: exponent and first digit of
the mantissa. The magnitude code of x is 0 below 2^-8, and each code from 1 on covers [2^(e), 1.5 * 2^e) or
[1.5 * 2^e, 2^(e+1)), up to 31, which has all from 2^7 on. Column 32 + code is for x > 0, column 31 - code for x <= 0,
so that columns rise with x. An octave is two columns with neighbouring codes.
"""

from __future__ import annotations

import torch
from torch import Tensor

from mechamap.figures.histogram_bins import BINS, EDGES, ZERO_BIN

__all__ = ["BASE_CODE", "BINS", "EDGES", "LARGEST_CODE", "OCTAVES", "ZERO_BIN", "bins_of"]


OCTAVES = 32
LARGEST_CODE = 31
BASE_CODE = (127 - 8) * 2 - 1  # of the float's exponent and first digit, what code 0 stands for


def bins_of(values: Tensor) -> Tensor:
    """The column of each value, uint8.

    Args:
        values: float32, of any shape; what is not finite gets some column.
    """
    codes = (((values.view(torch.int32) & 0x7FFFFFFF) >> 22) - BASE_CODE).clamp_(0, LARGEST_CODE)
    return torch.where(values > 0, codes + (ZERO_BIN + 1), ZERO_BIN - codes).to(torch.uint8)
