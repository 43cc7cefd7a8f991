"""The gate of files of figures: numbers of a run's size, and nothing that has to be unpickled."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mechamap.errors import MechaMapError, RunError
from mechamap.runs.figure_names import (
    CATEGORY_FIGURES,
    CONTEXT_FIGURES,
    CORPUS_CATEGORY_FIGURES,
    CORPUS_NEURON_FIGURES,
    CORPUS_TABLES,
    LATER_FIGURES,
    NEURON_FIGURES,
    RANGES,
    ROUTED_FIGURES,
    TOKEN_FIGURES,
)
from mechamap.runs.record import RUN_DAMAGED
from mechamap.system.bounded_files import check_is_file
from mechamap.system.room import lacks_memory, out_of_memory
from mechamap.wording.plain import shortened

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["check_alike", "instead", "open_figure", "read_figure", "read_whole", "unreadable"]


def open_figure(file: Path) -> NDArray[Any]:
    """The array of a ``.npy`` file, mapped from the disk: numbers, and nothing that has to be unpickled.

    Raises:
        RunError: it is missing, damaged, or holds something else.
    """
    import numpy as np

    try:
        check_is_file(file)
        array: NDArray[Any] = np.lib.format.open_memmap(file, mode="r")
    except Exception as error:  # numpy's reader of headers fails in as many ways as headers can be damaged
        raise unreadable(file, error) from None
    if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8 or array.ndim == 0:  # no long doubles
        raise RunError(
            f"{file} holds {shortened(str(array.dtype))} of shape {array.shape}, not figures.",
            RUN_DAMAGED,
        )
    return array


def read_figure(file: Path, name: str, neurons: int, categories: int) -> NDArray[Any]:
    """A figure of a run, mapped from its file.

    Raises:
        RunError: as :func:`open_figure`, or it is not of the run's size.
    """
    array = open_figure(file)
    if array.shape[0] != neurons:
        raise RunError(f"{file} has {array.shape[0]:,} rows; the run has {neurons:,} neurons.", RUN_DAMAGED)
    per_category = name in (*CATEGORY_FIGURES, *LATER_FIGURES, *CORPUS_CATEGORY_FIGURES, ROUTED_FIGURES[1])
    per_neuron = name in (*NEURON_FIGURES, *CORPUS_NEURON_FIGURES, ROUTED_FIGURES[0])
    columns = (categories,) if per_category else () if per_neuron else None
    if array.ndim > 2 or (columns is not None and array.shape[1:] != columns):
        raise RunError(
            f"{file} has shape {array.shape}; the run has {neurons:,} neurons and {categories} categories.",
            RUN_DAMAGED,
        )
    is_list = name in (*TOKEN_FIGURES, *CONTEXT_FIGURES)
    if (is_list and (array.ndim != 2 or not array.shape[1])) or (
        name.endswith("_positions") and array.dtype.kind not in "iu"
    ):
        raise RunError(f"{file} holds no list of tokens for each neuron.", RUN_DAMAGED)
    if name.startswith("range_") and is_list and array.shape[1] % RANGES:
        raise RunError(
            f"{file} has shape {array.shape}, not as many contexts for each of {RANGES} ranges.", RUN_DAMAGED
        )
    if name in CORPUS_TABLES and array.shape[1:] != (CORPUS_TABLES[name],):
        raise RunError(f"{file} has shape {array.shape}; expected ({neurons:,}, {CORPUS_TABLES[name]}).", RUN_DAMAGED)
    return array


def read_whole(file: Path, mapped: NDArray[Any]) -> NDArray[Any]:
    """What a mapped array holds, read into memory: faster than page by page.

    Raises:
        RunError: the file was cut short, or cannot be read any more.
    """
    import numpy as np

    if not mapped.flags.c_contiguous:
        return np.array(mapped)
    try:
        array: NDArray[Any] = np.fromfile(file, mapped.dtype, mapped.size, offset=getattr(mapped, "offset", 0))
        array = array.reshape(mapped.shape)
    except (OSError, ValueError, MemoryError) as error:
        raise unreadable(file, error) from None
    array.flags.writeable = False
    return array


def check_alike(file: Path, values: NDArray[Any], positions: NDArray[Any]) -> None:
    """See that tokens have as many values as positions.

    Raises:
        RunError: they do not.
    """
    if values.shape != positions.shape:
        raise RunError(
            f"{file} has shape {values.shape}, the positions beside it {positions.shape}.",
            RUN_DAMAGED,
        )


def unreadable(file: Path, error: Exception) -> MechaMapError:
    """The error that a file of a run cannot be read."""
    if lacks_memory(error):
        return out_of_memory(f"Reading {file}")
    if isinstance(error, OSError):
        return RunError(f"{file} cannot be read: {error.strerror or error}.", "Copy the whole folder of the run again.")
    return instead(file) or RunError(f"{file} is damaged: it cannot be read.", "Copy the run again, or scan again.")


def instead(file: Path) -> RunError | None:
    """The error where something else lies in place of a file of a run, as Git LFS leaves pointers to large ones."""
    from mechamap.catalog.weight_files import other_content  # of which sound runs need nothing

    try:
        other = other_content(file, "what the run keeps there", ("a NumPy array",))
    except OSError:
        return None
    if other is None:
        return None
    problem, hint = other
    return RunError(problem, hint if "git lfs" in hint else "Copy the run again, or scan again.")
