"""The tokens that a run over a corpus keeps, in arrays that are mapped from the disk: any number of them opens at once.

They are stretches of windows, as the model read them, around the contexts that the run shows. A position of the run
counts them one stretch after another; the stretches stand in the place of a text's windows.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from mechamap.errors import RunError
from mechamap.runs.gate.figures import open_figure
from mechamap.runs.record import RUN_DAMAGED, TokenRecord
from mechamap.wording.plain import shortened

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["KEPT_FILES", "DocumentNames", "Numbers", "Pieces", "Stretches", "open_names", "open_tokens"]


KEPT_FILES = ("ids", "sizes", "text", "windows", "offsets", "documents", "names")


class Numbers(Sequence[int]):
    """Whole numbers of an array, as a sequence of Python's."""

    def __init__(self, array: NDArray[Any]) -> None:
        self.array = array

    def __len__(self) -> int:
        return len(self.array)

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> list[int]: ...
    def __getitem__(self, index: int | slice) -> int | list[int]:
        values: int | list[int] = self.array[index].tolist()
        return values

    def __eq__(self, other: object) -> bool:
        import numpy as np

        return isinstance(other, Numbers) and np.array_equal(self.array, other.array)

    __hash__ = None  # type: ignore[assignment]


class Pieces(Sequence[str]):
    """The piece of text of each token.

    Args:
        sizes: ``[tokens]``, bytes of each.
        text: ``[bytes]``, UTF-8.
        starts: ``[stretches]``, the first token of each stretch, rising from 0.
        offsets: ``[stretches]``, the first byte of each, so that only the sizes of one stretch are added up.
    """

    def __init__(
        self,
        sizes: NDArray[Any],
        text: NDArray[np.uint8],
        starts: NDArray[np.int64],
        offsets: NDArray[np.int64],
    ) -> None:
        self._sizes, self._text = sizes, text
        self._starts, self._offsets = starts, offsets

    def _first_byte(self, position: int) -> int:
        import numpy as np

        stretch = max(int(np.searchsorted(self._starts, position, side="right")) - 1, 0)
        sizes = self._sizes[self._starts[stretch] : position]
        return int(self._offsets[stretch]) + int(sizes.sum(dtype=np.int64))

    def __len__(self) -> int:
        return len(self._sizes)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if not isinstance(index, slice):
            position = range(len(self))[index]
            return self._stretch(position, position + 1)[0]
        positions = range(*index.indices(len(self)))
        if positions.step != 1:
            return [self[position] for position in positions]
        return self._stretch(positions.start, positions.stop) if positions else []

    def _stretch(self, first: int, stop: int) -> list[str]:
        """The pieces of tokens that follow each other."""
        sizes = self._sizes[first:stop].tolist()
        start = self._first_byte(first)
        text = self._text[start : start + sum(sizes)].tobytes()
        ends = accumulate(sizes)
        return [text[end - size : end].decode("utf-8", "replace") for end, size in zip(ends, sizes, strict=True)]


class Stretches(Sequence[tuple[int, int, int]]):
    """The document's number, the first position and the length of each stretch of tokens.

    Args:
        array: ``[stretches, 4]``; the fourth column is the first token's place in its document.
    """

    def __init__(self, array: NDArray[np.int64]) -> None:
        self.array = array

    def __len__(self) -> int:
        return len(self.array)

    @overload
    def __getitem__(self, index: int) -> tuple[int, int, int]: ...
    @overload
    def __getitem__(self, index: slice) -> list[tuple[int, int, int]]: ...
    def __getitem__(self, index: int | slice) -> tuple[int, int, int] | list[tuple[int, int, int]]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        document, first, length, _ = self.array[index].tolist()
        return document, first, length

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """``[stretches]`` the first position of each."""
        import numpy as np

        return np.ascontiguousarray(self.array[:, 1])

    def at(self, position: int) -> tuple[int, int, int, int]:
        """Document, first position, length and place in the document of the stretch that holds a position."""
        import numpy as np

        number = int(np.searchsorted(self.starts, position, side="right")) - 1
        document, first, length, place = self.array[max(number, 0)].tolist()
        return document, first, length, place


class DocumentNames:
    """What the documents of a run's tokens are called."""

    def __init__(self, documents: NDArray[np.int64], names: NDArray[np.uint8]) -> None:
        self._documents = documents
        self._text = names

    @cached_property
    def _names(self) -> list[str]:
        return self._text.tobytes().decode("utf-8", "replace").split("\n")

    def __getitem__(self, document: int) -> str:
        import numpy as np

        place = int(np.searchsorted(self._documents, document))
        if place < min(len(self._documents), len(self._names)) and self._documents[place] == document:
            return self._names[place]
        return f"document {document + 1:,}"


def open_tokens(folder: Path) -> TokenRecord:
    """The tokens in a folder.

    Raises:
        RunError: a file is missing or damaged, or they do not fit one another.
    """
    ids, sizes, offsets = (_open(folder / f"{name}.npy") for name in ("ids", "sizes", "offsets"))
    text, windows = _open(folder / "text.npy"), _open(folder / "windows.npy", dimensions=2)
    tokens = len(ids)
    if (len(sizes), windows.shape, len(offsets)) != (tokens, (len(windows), 4), len(windows)) or text.dtype != "uint8":
        raise RunError(f"The files of {folder} do not fit one another.", RUN_DAMAGED)
    if windows.dtype != "int64":  # in smaller types, sums of places run over
        raise RunError(f"{folder / 'windows.npy'} holds {windows.dtype}, not int64.", RUN_DAMAGED)
    if len(windows):
        first, length = windows[:, 1], windows[:, 2]
        if (
            first[0] != 0
            or int(windows.min()) < 0
            or (first[1:] != first[:-1] + length[:-1]).any()
            or int(first[-1]) + int(length[-1]) != tokens
        ):
            raise RunError(f"{folder / 'windows.npy'} names tokens that are not there.", RUN_DAMAGED)
    elif tokens:
        raise RunError(f"{folder / 'windows.npy'} is empty, and there are {tokens:,} tokens.", RUN_DAMAGED)
    stretches = Stretches(windows)
    pieces = Pieces(sizes, text, stretches.starts, offsets)
    return TokenRecord(ids=Numbers(ids), pieces=pieces, windows=stretches)


def open_names(folder: Path) -> DocumentNames:
    """The names of the documents of the tokens in a folder.

    Raises:
        RunError: a file is missing or damaged.
    """
    return DocumentNames(_open(folder / "documents.npy"), _open(folder / "names.npy"))


def _open(file: Path, dimensions: int = 1) -> NDArray[Any]:
    array = open_figure(file)
    if array.dtype.kind not in "iu" or array.ndim != dimensions:
        raise RunError(
            f"{file} holds {array.dtype} of shape {shortened(str(array.shape))}, not "
            f"{'lists' if dimensions == 2 else 'a list'} of whole numbers.",
            RUN_DAMAGED,
        )
    return array
