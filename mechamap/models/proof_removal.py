"""What becomes of the neurons' contribution inside a block, followed from their output weights to its output.

In one row of a batch nothing is changed, in another all neurons of a part are zero and all else is the same, so the
difference between the rows is what the neurons cause. Right behind the output weights that is their contribution.
Most blocks add it to the residual stream as it is, or times a number; some send it through a norm first (Gemma 2), or
add it and normalize the sum (BERT), or gate it token by token (Qwen's shared expert) or element by element (RWKV).
Wherever the difference is the input of a module, it is followed to that module's output.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

__all__ = ["ContributionTrace", "TracedBlock", "trace_contribution"]


_ROUNDINGS = 8  # of a block's output, that may lie between two ways of computing it
_STEPS = 6

Times = Literal["number", "token", "element"]
_TIMES: tuple[Times, ...] = ("number", "token", "element")


@dataclass(slots=True, eq=False)
class TracedBlock:
    """One call of a block: its output, and the input and output of its modules, in their order."""

    output: Tensor = field(default_factory=lambda: torch.zeros(0))
    calls: list[tuple[str, Tensor, Tensor]] = field(default_factory=list)

    def keep(self, path: str, x: Tensor | None, output: object) -> None:
        """Remember a module's call, if its input and output are floating-point tensors."""
        if x is None or not x.is_floating_point():
            return
        if isinstance(output, Tensor) and output.is_floating_point():
            self.calls.append((path, x.clone(), output.clone()))


@dataclass(frozen=True, slots=True)
class ContributionTrace:
    """How the contribution reached the block's output.

    Attributes:
        error: max |difference - contribution| / max |contribution| at the worst token, beyond rounding.
        scale: the factor between them, None where it is not one number or there are steps between.
        through: the modules it passed.
        changed_by: those of them that it passed alone, before it was added to the residual stream.
        times: what it is multiplied by besides: a ``number``, one for each ``token``, or one for each ``element``.
    """

    error: float
    scale: float | None
    through: tuple[str, ...] = ()
    changed_by: tuple[str, ...] = ()
    times: Times = "number"


def trace_contribution(
    block: TracedBlock, lacking: dict[int, Tensor], rows: int, tolerance: float
) -> ContributionTrace | None:
    """Follow contributions ``[tokens, d_model]`` to the block's output; None where they get lost.

    Args:
        lacking: for some rows of the batch the contribution that they lack; the first row has all. With more than one
            the contribution may also be multiplied element by element, as long as it is by the same in each row.
        rows: how many rows the batch has.
        tolerance: the error up to which two differences are the same.
    """
    wanted = {row: contribution.float() for row, contribution in lacking.items()}
    calls = block.calls
    through: list[str] = []
    times: Times = "number"
    arrived: ContributionTrace | None = None
    for _ in range(_STEPS):
        likeness = _alike(block.output, rows, wanted, tolerance, exact=not calls)
        if likeness is not None:
            changed_by = tuple(through) if arrived is None else arrived.changed_by
            scale = None if through else likeness.scale
            times = max(times, likeness.times, key=_TIMES.index)
            return ContributionTrace(likeness.error, scale, tuple(through), changed_by, times)
        step = _next(calls, rows, wanted, tolerance)
        if step is None:
            break
        times = max(times, step.likeness.times, key=_TIMES.index)
        before = tuple(through)
        through.append(step.path)
        if step.in_stream and arrived is None:  # added already: what follows is another sublayer of the block (LongCat)
            arrived = ContributionTrace(step.likeness.error, None, tuple(through), before, times)
        if step.became is None:
            break
        calls, wanted = step.behind, step.became
    return arrived


_Calls = list[tuple[str, Tensor, Tensor]]
_Wanted = dict[int, Tensor]


@dataclass(frozen=True, slots=True)
class _Likeness:
    """Two differences that are the same up to a factor."""

    error: float
    scale: float | None  # the factor, where it is one number
    times: Times  # what it may differ by


@dataclass(frozen=True, slots=True)
class _Step:
    """A module that turns the contribution into something else."""

    path: str
    likeness: _Likeness  # of its input to the contribution
    in_stream: bool  # its input is more than the contribution: something else at every token without it
    became: _Wanted | None  # None where it is of another shape
    behind: _Calls


def _next(calls: _Calls, rows: int, wanted: _Wanted, tolerance: float) -> _Step | None:
    tokens = len(next(iter(wanted.values())))
    for place, (path, x, output) in enumerate(calls):
        likeness, out = _alike(x, rows, wanted, tolerance), _rows(output, rows, tokens)
        if likeness is None or out is None:
            continue
        x_rows = _rows(x, rows, tokens)
        rest = None if x_rows is None else x_rows[min(wanted)].flatten(1)  # [tokens, width]
        in_stream = rest is not None and not torch.allclose(rest, rest[:1].expand_as(rest))
        became = {row: (out[0] - out[row]).float().reshape(tokens, -1) for row in wanted}
        if any(became[row].shape != wanted[row].shape for row in wanted):
            if in_stream:
                return _Step(path, likeness, in_stream, None, [])
            continue
        if all(torch.allclose(became[row], wanted[row], rtol=1e-3, atol=1e-6) for row in wanted):
            continue  # its output is its input, as that of dropout
        return _Step(path, likeness, in_stream, became, calls[place + 1 :])
    return None


def _rows(tensor: Tensor, rows: int, tokens: int) -> Tensor | None:
    """A tensor as ``[rows, tokens, ..., width]``, wherever it has its rows and tokens; None where it has not."""
    if tensor.ndim == 2 and tensor.shape[0] == rows * tokens:
        return tensor.view(rows, tokens, -1)
    dim = next((dim for dim in (0, 1) if tensor.ndim > dim and tensor.shape[dim] == rows), None)
    if dim is None:
        return None
    moved = tensor.movedim(dim, 0)
    token_dim = next((dim for dim in range(1, moved.ndim - 1) if moved.shape[dim] == tokens), None)
    return None if token_dim is None else moved.movedim(token_dim, 1)


def _alike(tensor: Tensor, rows: int, wanted: _Wanted, tolerance: float, *, exact: bool = False) -> _Likeness | None:
    """How its rows differ by ``wanted`` times a factor, None if they do not.

    Args:
        exact: the factor must be one number; otherwise it may be one for each token (and stream, where there are
            several), or, where several rows are wanted, one for each element.
    """
    tokens, width = next(iter(wanted.values())).shape
    by_row = _rows(tensor, rows, tokens)
    if by_row is None or by_row.shape[-1] % width:
        return None
    by_row = by_row.float().reshape(rows, tokens, -1, width)  # [rows, tokens, streams, d_model]
    differences = torch.stack([by_row[0] - by_row[row] for row in wanted])  # [wanted, tokens, streams, d_model]
    goals = torch.stack(list(wanted.values()))[:, :, None]  # [wanted, tokens, 1, d_model]
    rounding = _ROUNDINGS * torch.finfo(tensor.dtype).eps * by_row[0].abs().amax(dim=(1, 2))  # [tokens]
    size = goals.abs().amax(dim=(0, 2, 3))  # [tokens]
    if bool((size <= rounding).all()):
        return _Likeness(0.0, None, "number")  # it would be lost in rounding, whether it was there or not
    # A token that is rounded more says less about the factor.
    trust = (rounding + tolerance * size.max()).clamp(min=1e-30).square().reciprocal()[None, :, None, None]
    products, squares = differences * goals * trust, (goals.square() * trust).expand_as(differences)
    for times, dims in zip(_TIMES, ([0, 1, 2, 3], [0, 3], [0]), strict=True):
        if exact and times != "number":
            break
        if dims == [0] and len(wanted) == 1:
            break  # any one difference is any other times a factor for each element
        factor = products.sum(dim=dims, keepdim=True) / squares.sum(dim=dims, keepdim=True).clamp(min=1e-30)
        error = max(
            _error(difference, expected, rounding)
            for difference, expected in zip(differences, (factor * goals).expand_as(differences), strict=True)
        )
        if error <= tolerance and bool((factor != 0).any()):
            return _Likeness(error, float(factor) if factor.numel() == 1 else None, times)
    return None


def _error(difference: Tensor, expected: Tensor, rounding: Tensor) -> float:
    """Largest |difference - expected| of a token beyond its rounding, over the token's largest expected value."""
    size = expected.abs().amax(dim=(1, 2))  # [tokens]
    off = ((difference - expected).abs().amax(dim=(1, 2)) - rounding).clamp(min=0)
    typical = float(expected.abs().max().clamp(min=1e-30))
    return float((off / size.clamp(min=typical * 1e-3)).max())
