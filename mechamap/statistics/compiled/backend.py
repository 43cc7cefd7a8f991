"""A batch on the CPU, by compiled code where numba is installed (the extra ``fast``)."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import torch
from torch import Tensor

from mechamap.statistics.compiled.state import BatchRows, NeuronState
from mechamap.statistics.places import Places, hash_start

__all__ = ["add_compiled", "is_compiled"]


log = logging.getLogger(__name__)

BLOCK = 32  # neurons that are worked on together


@cache
def is_compiled() -> bool:
    """Whether numba is there and works on this machine; it is asked once, and looks at nothing where it is missing."""
    try:
        import numba
    except ImportError:
        return False
    if numba.config.DISABLE_JIT:
        return False
    try:
        add_compiled(torch.zeros(1, 1), Places(np.zeros(1, np.int64), 0), _state_of_one(), 0)
    except Exception:  # whatever a version of numba may raise, torch's way gives the same figures
        log.warning("the compiled statistics do not work here", exc_info=True)
        return False
    return True


def add_compiled(values: Tensor, places: Places, state: NeuronState, first: int) -> None:
    """Add a batch on as many threads as torch uses.

    Args:
        values: ``[rows, columns]`` of any float type on the CPU; at least one of each.
        places: of the rows.
        state: the statistics' arrays.
        first: the neuron of the first column.
    """
    if values.dtype not in (torch.float32, torch.bfloat16) or values.stride(1) != 1:
        values = values.to(torch.float32).contiguous()
    length, width = values.shape
    flat = values.detach().as_strided(((length - 1) * values.stride(0) + width,), (1,))
    tiles = places.tiles
    rows = BatchRows(
        (flat.view(torch.uint16) if flat.dtype == torch.bfloat16 else flat).numpy(),
        values.stride(0),
        first,
        places.keys,
        tiles.order,
        tiles.prefixes,
        tiles.least_keys,
        np.uint64(hash_start(places.seed)),
    )
    blocks = -(-width // BLOCK)
    threads = max(min(torch.get_num_threads(), blocks), 1)
    ends = [min(blocks * number // threads * BLOCK, width) for number in range(threads + 1)]
    if threads == 1:
        _add(rows, state, 0, width)
        return
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(lambda start, stop: _add(rows, state, start, stop), ends[:-1], ends[1:]):
            pass  # drawing the results raises what a thread raised


def _add(rows: BatchRows, state: NeuronState, start: int, stop: int) -> None:
    from mechamap.statistics.compiled.kernel import add_neurons

    try:
        add_neurons(rows, state, start, stop)
    except OSError as error:  # before it ran: it is compiled, but there is no room to keep that for the next process
        log.warning("compiled statistics are not kept: %s", error)
        add_neurons(rows, state, start, stop)


def _state_of_one() -> NeuronState:
    """Arrays of one neuron, to try the code with."""
    return NeuronState(
        np.zeros((4, 1)),
        np.zeros((1, 64), np.int64),
        np.full((2, 1), -np.inf, np.float32),
        np.full((2, 1), -1, np.int64),
        np.zeros((32, 4), np.float32),
        np.full((32, 4), -1, np.int64),
        np.full(32, np.iinfo(np.int64).max),
    )
