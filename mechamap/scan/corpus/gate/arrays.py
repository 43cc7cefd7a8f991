"""What the arrays of a state must be: their types and shapes, and numbers that can be what they stand for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mechamap.config.corpus_settings import CorpusSettings
from mechamap.config.scan_config import Category
from mechamap.statistics.bins import BINS, OCTAVES
from mechamap.statistics.draws import DRAWN
from mechamap.system.array_files import ArrayShape, read_arrays

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["read_kept", "read_layer", "read_samples", "read_tallies"]


Arrays = dict[str, "NDArray[Any]"]

_MOST_TOKENS = 2**31 - 1  # of a chunk
_MOST_ROWS = 2**40
_SAMPLE = {"hashes": "u8", "keys": "i8", "shards": "i4", "rows": "i8", "inside": "b1"}
_LONGEST_WORD, _COUNTS, _FIRST_TOKENS = 16, 8, 16


def read_layer(path: Path, neurons: int, corpus: CorpusSettings, categories: int) -> Arrays:
    """The statistics of a layer.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds something else.
    """
    contexts, drawn = (neurons, corpus.contexts), (neurons, OCTAVES, DRAWN)
    sides = {
        f"{side}_{what}": ArrayShape(kind, contexts)
        for side in ("highest", "lowest")
        for what, kind in (("values", "f4"), ("keys", "i8"))
    }
    arrays = read_arrays(path, {
        "seed": ArrayShape("i8", ()),
        "count": ArrayShape("i8", (neurons,)),
        "sums": ArrayShape("f8", (4, neurons)),
        "histogram": ArrayShape("i8", (neurons, BINS)),
        **sides,
        "drawn_values": ArrayShape("f4", drawn),
        "drawn_keys": ArrayShape("i8", drawn),
        "category_count": ArrayShape("i8", (categories,)),
        "category_sums": ArrayShape("f8", (neurons, categories)),
        "category_squares": ArrayShape("f8", (neurons, categories)),
    })  # fmt: skip
    if int(arrays["seed"]) != corpus.seed:
        raise ValueError(f"{path.name} is of draws with the seed {int(arrays['seed'])}")
    _check_counts(path, arrays, ("count", "histogram", "category_count"))
    return arrays


def read_samples(path: Path, corpus: CorpusSettings, categories: int, shards: Iterable[int]) -> list[Arrays]:
    """The sample of all positions, and that of each category's occurrences.

    Args:
        shards: those that are in the state.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds something else, or names other shards.
    """
    sizes = {"rest": (corpus.sample, categories)} | {str(n): (corpus.occurrences, 0) for n in range(categories)}
    arrays = read_arrays(
        path,
        {
            f"{name}.{member}": ArrayShape(kind, (None, inside) if member == "inside" else (None,), most)
            for name, (most, inside) in sizes.items()
            for member, kind in _SAMPLE.items()
        },
    )
    samples = []
    known = set(shards)
    for name in sizes:
        sample = {member: arrays[f"{name}.{member}"] for member in _SAMPLE}
        if len({len(values) for values in sample.values()}) > 1:
            raise ValueError(f"{path.name}: the lists of {name} are not equally long")
        rows = sample["rows"]
        if not known.issuperset(sample["shards"].tolist()) or (
            len(rows) and not 0 <= rows.min() <= rows.max() < _MOST_ROWS
        ):
            raise ValueError(f"{path.name}: {name} names activations that are not there")
        samples.append(sample)
    return samples


def read_tallies(path: Path, categories: Sequence[Category]) -> Arrays:
    """What was counted.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds something else.
    """
    words = sum(len(category.words) for category in categories)
    arrays = read_arrays(path, {
        "counts": ArrayShape("i8", (_COUNTS,)),
        "words": ArrayShape("i8", (words, _LONGEST_WORD)),
        "dropped": ArrayShape("i8", (len(categories),)),
        "inside": ArrayShape("i8", (len(categories),)),
        "stream": ArrayShape("u8", (1,)),
        "first_document": ArrayShape("i8", (1,)),
        "first_ids": ArrayShape("i8", (None,), _FIRST_TOKENS),
    })  # fmt: skip
    _check_counts(path, arrays, ("counts", "words", "dropped", "inside"))
    return arrays


def read_kept(path: Path) -> Arrays:
    """The tokens that are kept of a chunk.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds something else, or its arrays do not fit one another.
    """
    some = (None,)
    arrays = read_arrays(path, {
        "keys": ArrayShape("i8", some, _MOST_TOKENS),
        "ids": ArrayShape("i4", some, _MOST_TOKENS),
        "sizes": ArrayShape("u4", some, _MOST_TOKENS),
        "begins": ArrayShape("u1", some, _MOST_TOKENS),
        "text": ArrayShape("u1", some, 2**40),
        "documents": ArrayShape("i8", some, _MOST_TOKENS),
        "names": ArrayShape("u1", some, 2**40),
    })  # fmt: skip
    keys, tokens = arrays["keys"], len(arrays["keys"])
    if (
        (len(arrays["ids"]), len(arrays["sizes"]), len(arrays["begins"])) != (tokens, tokens, -(-tokens // 8))
        or int(arrays["sizes"].sum(dtype="u8")) != len(arrays["text"])
        or (tokens and int(keys[0]) < 0)
        or (keys[1:] <= keys[:-1]).any()
    ):
        raise ValueError(f"{path.name}: its tokens do not fit one another")
    return arrays


def _check_counts(path: Path, arrays: Mapping[str, NDArray[Any]], names: Iterable[str]) -> None:
    for name in names:
        if arrays[name].size and arrays[name].min() < 0:
            raise ValueError(f"{path.name}: {name} counts fewer than none")
