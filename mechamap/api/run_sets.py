"""The named sets of a run's neurons in Python, as ``mechamap sets`` has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mechamap.api.python_words import in_python_words
from mechamap.api.shown.displayed import DisplayedTable
from mechamap.errors import UsageError
from mechamap.exports.target import check_target, write_whole
from mechamap.query.neuron_choice import chosen_of_run, refuse_absent
from mechamap.runs.kept.notes import Notes
from mechamap.runs.run import Run
from mechamap.runs.sets.neuron_sets import NeuronSet, read_sets, sets_to_bytes
from mechamap.system.paths import user_path
from mechamap.tables.table import Column, Table
from mechamap.wording.advice import Advice, Setting

__all__ = ["RunSets"]


class RunSets(Mapping[str, tuple[str, ...]]):
    """Names of neurons by the name of their set; steered and ablated as one: ``run.steer("...", set="food")``.

    Args:
        run: whose notes keep them.
    """

    def __init__(self, run: Run) -> None:
        self._run = run

    @in_python_words
    def __getitem__(self, name: str) -> tuple[str, ...]:
        """The neurons of a set.

        Raises:
            KeyError: no set has that name.
        """
        for each in self._notes().sets:
            if each.name == name:
                return tuple(map(str, each.neurons))
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return (each.name for each in self._notes().sets)

    def __len__(self) -> int:
        return len(self._notes().sets)

    @in_python_words
    def add(
        self,
        name: str,
        neurons: Sequence[str] = (),
        *,
        set: str | None = None,
        where: str | None = None,
        marked: bool = False,
        note: str = "",
        overwrite: bool = False,
    ) -> tuple[str, ...]:
        """Keep a set of neurons in the run's notes.

        Args:
            name: of the set.
            neurons: their names.
            set: another set, whose neurons it has too.
            where: a filter: the neurons that it is true for.
            marked: the neurons that are marked in the run.
            note: about it.
            overwrite: replace a set of that name.

        Returns:
            Its neurons.

        Raises:
            UsageError: no neuron, one that the run lacks, or a set of that name.
        """
        notes = self._notes()
        chosen = chosen_of_run(self._run, neurons, set=set, where=where, marked=marked)
        members = NeuronSet.of(name, chosen.neurons, note)
        _refuse_replacing(notes, members.name, overwrite)
        notes.write_set(members)
        return tuple(map(str, members.neurons))

    @in_python_words
    def remove(self, name: str) -> None:
        """Forget a set.

        Raises:
            UsageError: no set has that name.
        """
        notes = self._notes()
        notes.remove_set(notes.named_set(name).name)

    @in_python_words
    def export(self, out: Path | str, name: str | None = None, *, overwrite: bool = False) -> Path:
        """Write one set, or all, to a file that another run of the same model imports; returns where it is.

        Raises:
            UsageError: no such set, or none at all.
            ExportError: the file is there already, or cannot be written.
        """
        notes = self._notes()
        sets = notes.sets if name is None else (notes.named_set(name),)
        if not sets:
            raise UsageError("The run has no sets to export.")
        target = check_target(user_path(out), overwrite=overwrite)
        write_whole(target, lambda stream: stream.write(sets_to_bytes(sets)), overwrite=overwrite)
        return target.resolve()

    @in_python_words
    def import_(self, file: Path | str, name: str | None = None, *, overwrite: bool = False) -> tuple[str, ...]:
        """Take one set, or all, from a file; returns their names.

        Raises:
            UsageError: the file holds no such set, the run lacks a neuron of one, or has a set of that name.
        """
        notes = self._notes()
        sets = [each for each in read_sets(user_path(file)) if name is None or each.name == name.strip()]
        if not sets:
            raise UsageError(f"{file} holds no set{f' named {name!r}' if name is not None else ''}.")
        for each in sets:  # all or none
            refuse_absent(each.neurons, self._run, f"The set {each.name}")
            _refuse_replacing(notes, each.name, overwrite)
        for each in sets:
            notes.write_set(each)
        return tuple(each.name for each in sets)

    def _notes(self) -> Notes:
        """As they are now: the explorer may have changed them."""
        if self._run.path is None or self._run.is_csv:
            raise UsageError(f"{self._run.name} has no folder to keep sets in.", "Scan the model itself.")
        return Notes(self._run.path)

    def _table(self) -> DisplayedTable:
        columns = (
            Column("name", "set"),
            Column("count", "count", "count"),
            Column("neurons", "neurons"),
            Column("note", "note"),
        )
        rows = tuple(
            (each.name, len(each.neurons), " ".join(map(str, each.neurons)), each.note) for each in self._notes().sets
        )
        return DisplayedTable(Table("sets", f"Sets of {self._run.name}", columns, rows))

    def __repr__(self) -> str:
        return repr(self._table())

    def _repr_html_(self) -> str:
        return self._table()._repr_html_()


def _refuse_replacing(notes: Notes, name: str, overwrite: bool) -> None:
    if not overwrite and any(each.name == name for each in notes.sets):
        raise UsageError(
            f"There is a set named {name!r} already.",
            Advice.of("Choose another name, or add {}.", Setting("overwrite")),
        )
