"""What is known about a figure before there is any run: its names, where it comes from, how it is written.

Importing this module loads no numpy: the command line lists the figures in its help.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mechamap.runs.run import Run

__all__ = ["Figure", "JudgedFigure", "MadeBy", "NumberFormat", "Shape"]


Shape: TypeAlias = Literal[
    "neuron",  # [neurons]
    "category",  # [neurons, categories]
    "tokens",  # [neurons, k]
    "list",  # [neurons, columns of its own]
]
MadeBy: TypeAlias = Literal[
    "scan",
    "experts",  # the scan of a model with routed experts
    "corpus",  # a scan over a corpus
    "after scan",  # the natural text that is read after a scan
    "confirm",
    "second text",  # that text, or confirm with a text
    "ablate",
]
# How values are written; the names are those of a table's columns, see mechamap.tables.table.
NumberFormat: TypeAlias = Literal[
    "count", "number", "signed", "correlation", "probability", "p", "share", "effect", "feature"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure that neurons have.

    Attributes:
        name: its file in the folder of a run, without ``.npy``.
        shape: whether a neuron has one value, one per category, one for each of its most extreme tokens, or
            others.
        about: what it is, in a line.
        made_by: what works it out.
        written: how its values are written.
        aliases: other names that filters know it by.
        title: what screens call it, where that is not one of its names.
        in_table: whether it is a column of the explorer's table.
        flag: whether it says yes or no, so that filters take its name for a condition.
    """

    name: str
    shape: Shape
    about: str
    made_by: MadeBy = "scan"
    written: NumberFormat = "signed"
    aliases: tuple[str, ...] = ()
    title: str = ""
    in_table: bool = False
    flag: bool = False

    @property
    def label(self) -> str:
        """What screens and reports call it."""
        return self.title or (self.aliases or (self.name,))[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedFigure(Figure):
    """A figure that a neuron has for each category and that says whether the neuron counts for it.

    Every count of neurons "at or above the threshold" goes through here, so that tables, screens and filters agree:
    what :func:`mechamap.query.filters.counting_filter` gives is a filter that means the very neurons that
    :meth:`holds` is true of.

    Attributes:
        usual: the threshold where none is given; None: the one the run was made with.
        two_sided: whether a value far below ``centre`` says as much as one far above.
        ascending: whether small values are the strong ones.
        centre: the value that says nothing.
        of_reading: whether a neuron goes down on the category where its value is below the centre.
        compares: whether it compares the category's words with everything else: with few words that happen to fit,
            it is far out by chance.
        undefined_with: the figure without which it cannot mean anything for a model either.
        directed: whether it is worked out in the direction of the sign of selectivity, so that a neuron that goes down
            on the category has as large a value as one that goes up.
        measured_as: the figure with the same quantity measured, which stands for this one's estimate where it is known.
        in_detail: whether the explorer lists it for a single neuron.
        sign_matters: whether the explorer marks values below 0.
        lowest_first: whether a list that is sorted by it begins with its lowest values.
        error: the figure with its standard error, where runs may have one.
        error_factor: what that is to be multiplied by.
    """

    shape: Shape = "category"
    usual: float | None
    two_sided: bool = False
    ascending: bool = False
    centre: float = 0.0
    of_reading: bool = False
    compares: bool = False
    undefined_with: str = ""
    directed: bool = False
    measured_as: str = ""
    in_detail: bool = False
    sign_matters: bool = False
    lowest_first: bool = False
    error: str = ""
    error_factor: float = 1.0

    def threshold(self, run: Run) -> float:
        """The value from which a neuron counts, unless the user says otherwise."""
        return self.usual if self.usual is not None else run.threshold

    def positive(self, values: NDArray[np.float32], threshold: float) -> NDArray[np.bool_]:
        """Which values are at or above the threshold (of a p: at or below it); never NaN."""
        # A Python float is compared as the array's own type: 0.7 that was stored as float32 is at 0.7.
        return values <= threshold if self.ascending else values >= threshold

    def negative(self, values: NDArray[np.float32], threshold: float) -> NDArray[np.bool_]:
        """Which values are as far on the other side; none of a figure that has one side."""
        import numpy as np

        if not self.two_sided:
            return np.zeros(values.shape, np.bool_)
        return values <= self.mirrored(threshold)

    def holds(self, values: NDArray[np.float32], threshold: float) -> NDArray[np.bool_]:
        """Which values count, on whichever side."""
        return self.positive(values, threshold) | self.negative(values, threshold)

    def mirrored(self, threshold: float) -> float:
        """The threshold on the other side of the centre."""
        return round(2 * self.centre - threshold, 12)  # 1 - 0.95 is 0.05 to the user, not 0.050000000000000044

    def strength(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """How much a value says, the larger the more; NaN stays NaN."""
        import numpy as np

        if self.two_sided:
            distance: NDArray[np.float32] = np.abs(values - np.float32(self.centre))
            return distance
        return np.negative(values) if self.ascending else values
