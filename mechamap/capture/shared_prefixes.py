"""Which tokens windows begin with in common, and what of each window has then to be run on its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby, takewhile

import numpy as np
from numpy.typing import NDArray

from mechamap.text.tokenize import TokenizedText, Window

__all__ = ["PrefixGroup", "prefix_groups", "token_cost"]


@dataclass(frozen=True, slots=True, eq=False)
class PrefixGroup:
    """Windows behind prefixes of one length.

    Attributes:
        length: tokens of each prefix; 0 for windows that share none.
        prefixes: ``[prefixes, length]`` token ids.
        whole: the windows as they stand in the text.
        rest: what remains of each: from behind its prefix to its last wanted position; short ones first.
        rows: ``[windows]``, which prefix each has.
    """

    length: int
    prefixes: NDArray[np.int64]
    whole: tuple[Window, ...]
    rest: tuple[Window, ...]
    rows: NDArray[np.int64]

    def only(self, numbers: Sequence[int]) -> PrefixGroup:
        """The group with some of its windows."""
        return replace(
            self,
            whole=tuple(self.whole[number] for number in numbers),
            rest=tuple(self.rest[number] for number in numbers),
            rows=self.rows[list(numbers)],
        )


def prefix_groups(tokenized: TokenizedText, wanted: NDArray[np.bool_], forward_cost: int) -> list[PrefixGroup]:
    """Windows grouped by how much of their beginnings is worth running once for several of them.

    A prefix ends before the window's first wanted position. Where windows agree further in smaller groups, the split is
    taken that leaves the fewest tokens to run. Windows without a wanted position are left out.

    Args:
        wanted: ``[positions]``.
        forward_cost: how many tokens another forward costs as much as.
    """
    windows, ends, prefixes = [], [], []
    for window in tokenized.windows:
        inside = np.flatnonzero(wanted[window.start : window.start + window.length])
        if len(inside):
            windows.append(window)
            ends.append(int(inside[-1]) + 1)
            prefixes.append(tuple(tokenized.ids[window.start : window.start + int(inside[0])].tolist()))
    order = sorted(range(len(windows)), key=lambda number: prefixes[number])
    cuts = dict(zip(order, _cuts([prefixes[number] for number in order], forward_cost)[1], strict=True))
    groups = []
    for length in sorted(set(cuts.values())):
        members = sorted(
            (number for number in cuts if cuts[number] == length), key=lambda number: (ends[number], number)
        )
        own = [prefixes[number][:length] for number in members]
        rows = {prefix: row for row, prefix in enumerate(dict.fromkeys(own))}
        whole = [windows[number] for number in members]
        rest = (window.start + length for window in whole)
        groups.append(
            PrefixGroup(
                length=length,
                prefixes=np.array(list(rows), np.int64).reshape(len(rows), length),
                whole=tuple(whole),
                rest=tuple(
                    Window(windows[number].text, start, ends[number] - length)
                    for number, start in zip(members, rest, strict=True)
                ),
                rows=np.array([rows[prefix] for prefix in own], np.int64),
            )
        )
    return groups


def token_cost(groups: Sequence[PrefixGroup], forward_cost: int) -> int:
    """How many tokens are run for the groups, the least that their forwards cost included."""
    tokens = sum(group.prefixes.size + sum(window.length for window in group.rest) for group in groups)
    return tokens + forward_cost * sum(1 + (group.length > 0) for group in groups)


def _cuts(prefixes: Sequence[tuple[int, ...]], forward_cost: int) -> tuple[int, list[int]]:
    """The tokens that the best split saves, and how much of each of the sorted ``prefixes`` is shared in it."""
    if not prefixes:
        return 0, []
    first, last = prefixes[0], prefixes[-1]  # sorted, so that all share what these two do
    common = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False)))
    together = common * (len(prefixes) - 1) - 2 * forward_cost
    apart, cuts = 0, [0] * len(prefixes)
    if first != last:
        cuts = []
        for _, branch in groupby(prefixes, key=lambda prefix: prefix[common : common + 1]):
            saved, branch_cuts = _cuts(list(branch), forward_cost)
            apart += saved
            cuts += branch_cuts
    return (together, [common] * len(prefixes)) if together > apart else (apart, cuts)
