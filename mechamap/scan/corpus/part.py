"""How a corpus is divided up: a part that is read apart from the others, or workers that read its shards."""

from __future__ import annotations

from dataclasses import dataclass

from mechamap.errors import UsageError
from mechamap.wording.plain import shortened

__all__ = ["Part", "RayRequest", "parse_part"]


@dataclass(frozen=True, slots=True)
class Part:
    """Number ``number``, from 1, of ``of`` parts."""

    number: int
    of: int

    def has(self, shard: int) -> bool:
        """Whether a shard, counted from 0, is in it: every ``of``-th is, so that parts take about equally long."""
        return shard % self.of == self.number - 1

    def count(self, shards: int | None) -> int | None:
        """How many of so many shards it has."""
        return None if shards is None else len(range(self.number - 1, shards, self.of))

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


@dataclass(frozen=True, slots=True)
class RayRequest:
    """Shards are read by workers on Ray.

    Attributes:
        address: of the cluster; ``local`` starts one on this machine.
        workers: how many; None: one for each GPU, or one where there is none.
    """

    address: str
    workers: int | None = None


def parse_part(text: str) -> Part:
    """``3/16`` as a part.

    Raises:
        UsageError: it is none.
    """
    number, slash, of = (part.strip() for part in text.partition("/"))
    are_numbers = all(part.isascii() and part.isdecimal() and len(part) < 10 for part in (number, of))
    if not slash or not are_numbers or not 1 <= int(number) <= int(of):
        raise UsageError(f"{shortened(text)!r} is no part of a corpus.", "Write the third of sixteen parts as 3/16.")
    return Part(int(number), int(of))
