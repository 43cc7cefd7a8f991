"""Sums of each neuron's activations over all occurrences of each category."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["CategorySums"]


class CategorySums:
    """How many occurrences each category has, and sums over them.

    Attributes:
        count: ``[categories]`` int64.
        sums, squares: ``[neurons, categories]`` float64, of the activations and of their squares.
    """

    def __init__(self, count: Tensor, sums: Tensor, squares: Tensor) -> None:
        self.count = count
        self.sums = sums
        self.squares = squares

    @classmethod
    def empty(cls, neurons: int, categories: int, device: torch.device) -> CategorySums:
        shape = (neurons, categories)
        return cls(
            torch.zeros(categories, dtype=torch.int64, device=device),
            torch.zeros(shape, dtype=torch.float64, device=device),
            torch.zeros(shape, dtype=torch.float64, device=device),
        )

    def add(self, categories: NDArray[np.int64], values: Tensor) -> None:
        """Add occurrences.

        What is not finite makes the neuron's sums NaN in every category that occurs beside it.

        Args:
            categories: ``[occurrences]``, the category of each.
            values: ``[occurrences, neurons]``, of any float type.
        """
        if values.device.type == "cpu":
            self._add_here(categories, values)
            return
        numbers = torch.from_numpy(np.ascontiguousarray(categories, np.int64)).to(values.device)
        of_each = torch.arange(len(self.count), device=values.device)
        members = (numbers[:, None] == of_each).double()  # [occurrences, categories]
        read = values.double()
        self.count += torch.from_numpy(np.bincount(categories, minlength=len(self.count))).to(self.count.device)
        self.sums += read.T @ members
        self.squares += read.square().T @ members

    def _add_here(self, categories: NDArray[np.int64], values: Tensor) -> None:
        """On the CPU sums of stretches are faster than a product: there are few occurrences in a batch."""
        order = np.argsort(categories, kind="stable")
        present, starts = np.unique(categories[order], return_index=True)
        if not len(present):
            return
        read = values.double().numpy()[order]
        self.count += torch.from_numpy(np.bincount(categories, minlength=len(self.count)))
        self.sums.numpy()[:, present] += np.add.reduceat(read, starts, axis=0).T
        self.squares.numpy()[:, present] += np.add.reduceat(np.square(read), starts, axis=0).T

    def merge(self, other: CategorySums) -> None:
        device = self.sums.device
        self.count += other.count.to(device)
        self.sums += other.sums.to(device)
        self.squares += other.squares.to(device)

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {
            "category_count": self.count.cpu().numpy().copy(),
            "category_sums": self.sums.cpu().numpy().copy(),
            "category_squares": self.squares.cpu().numpy().copy(),
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]], device: torch.device) -> CategorySums:
        return cls(
            torch.tensor(arrays["category_count"], dtype=torch.int64, device=device),
            torch.tensor(arrays["category_sums"], dtype=torch.float64, device=device),
            torch.tensor(arrays["category_squares"], dtype=torch.float64, device=device),
        )
