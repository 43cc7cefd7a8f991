"""A run as people use it in Python."""

from __future__ import annotations

from collections.abc import Iterator

from mechamap.api.asked_run import AskedRun
from mechamap.api.neuron import Neuron
from mechamap.api.python_words import in_python_words
from mechamap.runs.neuron_names import NeuronName

__all__ = ["ScannedRun"]


class ScannedRun(AskedRun):
    """A run, as :func:`mechamap.open` and :func:`mechamap.scan` give it.

    ``run["L7.N1844"]`` is a neuron. Everything is read from the run's files, without the model, but for what says that
    it loads it: ``confirm``, ``ablate``, ``probe``, ``similar``, ``steer`` and a neuron's ``lens``. The model is then
    kept until :meth:`release`.

    Attributes:
        data: the run's record and arrays.
    """

    @in_python_words
    def __getitem__(self, neuron: str | tuple[int, int]) -> Neuron:
        """A neuron by its name, ``"L7.N1844"``, or by layer and index.

        Raises:
            UsageError: no neuron of the run has that name.
        """
        named = NeuronName(*neuron) if isinstance(neuron, tuple) else neuron
        row = self.data.row_of(named)
        return Neuron(self, self.data.neuron_name(row), row)

    def __iter__(self) -> Iterator[Neuron]:
        """Every neuron, layer by layer."""
        return (Neuron(self, self.data.neuron_name(row), row) for row in range(len(self)))
