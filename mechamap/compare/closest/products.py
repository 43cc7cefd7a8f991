"""Two blocks of neurons multiplied, and the product reduced to its largest entries before the next takes its place.

The product of all neurons of two models would fill gigabytes and be read from memory several times; a block of it is
still in the cache when its maxima are taken.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

__all__ = ["Maxima", "NumpyProducts", "Products", "TorchProducts", "products_on"]


@dataclass(frozen=True, slots=True)
class Maxima:
    """The largest entry of each row of a product and which it is, the first of equal ones; and of each column."""

    rows: NDArray[np.float32]  # [rows]
    index: NDArray[np.intp]  # [rows]
    columns: NDArray[np.float32]  # [columns]


class Products(Protocol):
    """Where and how the products are worked out: ``signed``, or by magnitude."""

    signed: bool
    block: tuple[int, int]  # rows and columns of a product

    def held(self, values: NDArray[np.float32]) -> Any:
        """Rows where the products are worked out."""

    def maxima(self, a: Any, b: Any) -> Maxima:
        """The maxima of the product of ``[rows, words]`` and ``[columns, words]``."""

    def largest(self, a: Any, b: Any) -> NDArray[np.float32]:
        """Only the largest entry of each row, ``[rows]``."""


def products_on(device: str | None, *, signed: bool) -> Products:
    """On the CPU with numpy, which need not be imported first; on any other device with torch."""
    return NumpyProducts(signed) if device in (None, "cpu") else TorchProducts(str(device), signed)


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(slots=True)
class NumpyProducts:
    """With numpy; from three processors on, threads share the search for maxima."""

    signed: bool
    threads: int = field(default_factory=_processors)
    block: tuple[int, int] = (1024, 2048)  # 8 MiB: smaller ones are slow to multiply, larger ones to search
    _buffer: NDArray[np.float32] | None = None
    _pool: ThreadPoolExecutor | None = None

    def held(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        return values

    def maxima(self, a: NDArray[np.float32], b: NDArray[np.float32]) -> Maxima:
        product = self._product(a, b)
        index = np.empty(len(a), np.intp)

        def reduce(rows: slice) -> NDArray[np.float32]:
            part = self._judged(product[rows])
            np.argmax(part, axis=1, out=index[rows])
            largest: NDArray[np.float32] = part.max(axis=0)
            return largest

        columns = self._shared(reduce, len(a))
        best = columns[0] if len(columns) == 1 else np.max(columns, axis=0)
        return Maxima(product[np.arange(len(a)), index], index, best)

    def largest(self, a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
        product = self._product(a, b)
        parts = self._shared(lambda rows: self._judged(product[rows]).max(axis=1), len(a))
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _product(self, a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
        if self._buffer is None:
            self._buffer = np.empty(self.block, np.float32)
        out = self._buffer.reshape(-1)[: len(a) * len(b)].reshape(len(a), len(b))
        return np.matmul(a, b.T, out=out)

    def _judged(self, part: NDArray[np.float32]) -> NDArray[np.float32]:
        return part if self.signed else np.abs(part, out=part)

    def _shared(self, work: Callable[[slice], NDArray[np.float32]], rows: int) -> list[NDArray[np.float32]]:
        if self.threads <= 2 or rows < self.threads:
            return [work(slice(0, rows))]
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.threads)
        bounds = np.linspace(0, rows, self.threads + 1).astype(int).tolist()
        return list(self._pool.map(work, map(slice, bounds[:-1], bounds[1:])))


@dataclass(slots=True)
class TorchProducts:
    """With torch, on one of its devices."""

    device: str
    signed: bool
    block: tuple[int, int] = (8192, 16384)

    def held(self, values: NDArray[np.float32]) -> torch.Tensor:
        import torch

        return torch.from_numpy(values).to(self.device)

    def maxima(self, a: torch.Tensor, b: torch.Tensor) -> Maxima:
        product = self._product(a, b)  # [rows, columns]
        rows, index = product.max(dim=1)
        return Maxima(rows.cpu().numpy(), index.cpu().numpy(), product.amax(dim=0).cpu().numpy())

    def largest(self, a: torch.Tensor, b: torch.Tensor) -> NDArray[np.float32]:
        largest: NDArray[np.float32] = self._product(a, b).amax(dim=1).cpu().numpy()
        return largest

    def _product(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        product = a @ b.T
        return product if self.signed else product.abs_()
