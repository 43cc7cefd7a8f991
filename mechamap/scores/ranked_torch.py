"""Scores of a layer with torch, on whatever device the activations are.

The same definitions as :mod:`mechamap.scores.ranked`, for accelerators and for occurrences pooled over their tokens,
whose values are not those of any one position: their ranks are looked up in the sorted row instead.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mechamap.scores.positions import CategoryPositions, Pooling, ScorePlan
from mechamap.scores.ranked import PER_CATEGORY, Figures, empty_figures

__all__ = ["BLOCK_BYTES", "SORT_BYTES", "TorchScores"]


BLOCK_BYTES = 256 * 2**20  # sorted copies of a block: values and positions
SORT_BYTES = 24  # of an activation in a block


@dataclass(frozen=True, slots=True)
class TorchScores:
    """Scores layers of any width over one :class:`ScorePlan`, on the activations' own device."""

    plan: ScorePlan

    def score(self, activations: Tensor) -> Figures:
        """Every figure of a layer; see :meth:`mechamap.scores.ranked.RankedScores.score`.

        Args:
            activations: ``[S, neurons]`` float32, finite.
        """
        neurons = activations.shape[1]
        figures = empty_figures(neurons, len(self.plan.categories), self.plan.top_k)
        block = max(8, BLOCK_BYTES // (SORT_BYTES * max(self.plan.scored, 1)))
        for first in range(0, neurons, block):
            rows = slice(first, min(first + block, neurons))
            values = activations[:, rows].T.contiguous()  # [block, S]
            for name, tensor in self._block(values).items():
                columns = tensor.shape[1:]
                target = figures[name][rows]
                target[tuple(slice(None, c) for c in (len(target), *columns))] = tensor.cpu().numpy()
        return figures

    def _block(self, values: Tensor) -> dict[str, Tensor]:
        plan = self.plan
        k = min(plan.top_k, plan.scored)
        ordered, order = torch.sort(values, dim=1, stable=True)  # [block, S] each
        positions = torch.as_tensor(plan.positions, device=values.device)
        wide = values.double()
        mean = wide.mean(dim=1)
        centred = wide - mean[:, None]  # [block, S]
        figures = {
            "max": ordered[:, -1],
            "min": ordered[:, 0],
            "mean_all": mean,
            "std_all": centred.square().mean(dim=1).sqrt(),
            "fire": (values > 0).double().mean(dim=1),
            "top_values": ordered[:, -k:].flip(1),
            "top_positions": positions[order[:, -k:].flip(1)],
            "bottom_values": ordered[:, :k],
            "bottom_positions": positions[order[:, :k]],
        }
        shape = (len(values), len(plan.categories))
        for name in PER_CATEGORY:
            figures[name] = torch.full(shape, torch.nan, dtype=torch.float64, device=values.device)
        for c, category in enumerate(plan.categories):
            if category.occurrences:
                ends = _pooled(values, category, plan.pooling)  # [block, occurrences]
                figures["mean"][:, c] = ends.double().mean(dim=1)
                if category.rest:
                    auroc, ap = _ranked_figures(ends, ordered, values, category)
                    figures["auroc"][:, c], figures["ap"][:, c] = auroc, ap
                    figures["d"][:, c] = _cohens_d(ends.double() - mean[:, None], centred, category)
        return figures


def _pooled(values: Tensor, category: CategoryPositions, pooling: Pooling) -> Tensor:
    """a(o): each occurrence's value, ``[block, occurrences]``."""
    if pooling == "last":
        return values[:, torch.as_tensor(category.last, device=values.device)]
    spans = [values[:, torch.as_tensor(span, device=values.device)] for span in category.spans]
    reduce = Tensor.mean if pooling == "mean" else Tensor.amax
    return torch.stack([reduce(span, dim=1) for span in spans], dim=1)


def _ranked_figures(
    ends: Tensor, ordered: Tensor, values: Tensor, category: CategoryPositions
) -> tuple[Tensor, Tensor]:
    """AUROC and average precision, ``[block]`` each, by looking the occurrences' values up in sorted rows."""
    ends = ends.contiguous()  # [block, occurrences]
    inside = values[:, torch.as_tensor(category.inside, device=values.device)].sort(dim=1).values  # [block, in spans]
    below = torch.searchsorted(ordered, ends) - torch.searchsorted(inside, ends)  # of R, below each
    upto = torch.searchsorted(ordered, ends, right=True) - torch.searchsorted(inside, ends, right=True)
    auroc = (below + upto).sum(dim=1).double() / (2 * category.occurrences * category.rest)  # [block]
    among = ends.sort(dim=1).values
    falls = (auroc < 0.5)[:, None]
    as_extreme = torch.where(  # of P, at least as extreme as each
        falls,
        torch.searchsorted(among, ends, right=True),
        category.occurrences - torch.searchsorted(among, ends),
    )
    others = torch.where(falls, upto, category.rest - below)  # of R, likewise
    return auroc, (as_extreme.double() / (as_extreme + others)).mean(dim=1)


def _cohens_d(ends: Tensor, centred: Tensor, category: CategoryPositions) -> Tensor:
    p, r = category.occurrences, category.rest
    if p + r <= 2:
        return torch.full((len(ends),), torch.nan, dtype=torch.float64, device=ends.device)
    inside = centred[:, torch.as_tensor(category.inside, device=centred.device)]  # [block, in spans]
    mean_r = (centred.sum(dim=1) - inside.sum(dim=1)) / r
    squares_p = (ends - ends.mean(dim=1, keepdim=True)).square().sum(dim=1)
    squares_r = (centred.square().sum(dim=1) - inside.square().sum(dim=1) - r * mean_r.square()).clamp(min=0)
    pooled = ((squares_p + squares_r) / (p + r - 2)).sqrt()
    return torch.where(pooled > 0, (ends.mean(dim=1) - mean_r) / pooled, torch.nan)
