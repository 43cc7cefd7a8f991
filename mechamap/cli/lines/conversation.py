"""What lines ask for, and what is kept from one to the next: the run, filter, order, category and neuron."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from mechamap.cli.failure import tell_failure
from mechamap.cli.lines.line_narration import LineNarration
from mechamap.cli.lines.place import Place
from mechamap.cli.lines.words import OWN, as_command, own_help, words_of
from mechamap.cli.narration import print_data
from mechamap.cli.parser import Parser
from mechamap.cli.stopping import forget_signals
from mechamap.cli.streams import written_whole
from mechamap.errors import UsageError
from mechamap.wording.amounts import quantity
from mechamap.wording.plain import printable
from mechamap.wording.suggest import suggestion, unknown_name

if TYPE_CHECKING:
    from mechamap.runs.run import Run

__all__ = ["Conversation"]


class Conversation:
    """Answers one line after another.

    Args:
        perform: has a command of the command line done; returns its exit code.
        whole: the parser of the command line.
        narration: what is told beside the answers.

    Attributes:
        ended: whether it was asked to end.
    """

    def __init__(
        self, perform: Callable[[Sequence[str], LineNarration], int], whole: Parser, narration: LineNarration
    ) -> None:
        self._perform, self._narration = perform, narration
        self._commands = {name: known for name, known in whole.commands().items() if name != "plain"}
        self._run: Run | None = None
        self._place = Place()
        self.ended = False

    def open(self, name: str) -> None:
        """Ask about another run from now on.

        Raises:
            MechaMapError: it cannot be opened.
        """
        from mechamap.csv_files.run import open_run

        self._run = open_run(name)
        source = str(self._run.path) if self._run.path is not None else name
        self._place = Place(source, category=self._run.categories[0] if self._run.categories else "")

    def greet(self) -> None:
        """Say which run it is."""
        if self._run is None:
            self._narration.say("No run is open. runs lists those there are, open NAME opens one, help lists commands.")
        else:
            self._narration.say(f"{self._about_run(self._run)} help lists the commands.")

    def answer(self, line: str) -> int:
        """Do what a line asks; returns its exit code."""
        forget_signals()
        self._narration.begin()
        try:
            with written_whole():
                return self._answer(line.strip())
        except BrokenPipeError:
            raise
        except SystemExit as end:  # argparse, behind --help
            return int(end.code or 0)
        except (Exception, KeyboardInterrupt) as error:
            return tell_failure(self._narration, error, [line.strip()])

    def _answer(self, line: str) -> int:
        name, _, rest = line.partition(" ")
        name, rest = name.lower(), rest.strip()
        if not name or name.startswith("#"):
            return 0
        own = OWN.get(name)
        if own is not None:
            do: Callable[[str], int | None] = getattr(self, f"_do_{own.method}")
            return do(rest) or 0
        if name not in self._commands:
            raise self._unknown(name)
        return self._have_done(name, words_of(name, rest))

    def _have_done(self, name: str, words: Sequence[str]) -> int:
        """Have a command of the command line done about the run and what is kept."""
        command = as_command(name, words, self._place, self._commands[name][0])
        code = self._perform(command, self._narration)
        if self._run is not None and self._run.path is not None:
            self._run.refresh()
        return code

    # --- what is answered here -------------------------------------------------------------------------------

    def _do_quit(self, rest: str) -> None:
        self.ended = True

    def _do_help(self, rest: str) -> None:
        if rest in OWN:
            print_data(own_help(rest))
        elif rest in self._commands:
            self._commands[rest][0].print_help(sys.stdout)
        elif rest:
            raise self._unknown(rest)
        else:
            for line in self._all_commands():
                print_data(line)

    def _all_commands(self) -> Iterator[str]:
        yield from map(own_help, OWN)
        yield "Those of the command line, about the run that is open; `help COMMAND` lists their arguments:"
        yield from (f"{name}: {about}" for name, (_, about) in self._commands.items())

    def _unknown(self, name: str) -> UsageError:
        message, _ = unknown_name("command", name, ())
        known = sorted({*OWN, *self._commands})
        return UsageError(message, suggestion(name, known) or "help lists the commands.")

    def _do_open(self, rest: str) -> None:
        self.open(rest)
        assert self._run is not None
        print_data(self._about_run(self._run))

    def _do_run(self, rest: str) -> int:
        return self._perform(["runs", "show", self._place.source_or_refuse()], self._narration)

    def _do_layers(self, rest: str) -> int:
        return self._have_done("count", ["--by", "layer", "--limit", "0", *words_of("count", rest)])

    def _do_categories(self, rest: str) -> None:
        for category in self._opened().categories:
            print_data(printable(category))

    def _do_category(self, rest: str) -> None:
        if rest:
            self._opened().category_index(rest)
            self._place.category = rest
        print_data(f"category: {printable(self._place.category) or 'none'}")

    def _do_filter(self, rest: str) -> None:
        from mechamap.query.evaluate import matching

        run = self._opened()
        count = int(matching(run, rest, self._place.category or None).sum()) if rest else run.neurons
        self._place.where, self._place.marked = rest, False
        print_data(f"{quantity(count, 'neuron')} of {run.neurons:,}")

    def _do_sort(self, rest: str) -> None:
        from mechamap.query.evaluate import chosen_rows

        chosen_rows(self._opened(), None, rest or None, 1, self._place.category or None)
        self._place.sort = rest
        print_data(f"sorted by {printable(rest)}" if rest else "sorted as at first")

    def _do_view(self, rest: str) -> None:
        from mechamap.cli.view_choice import Listed

        listed = Listed(None, None, None, False).by(self._opened(), rest)
        place = self._place
        place.where, place.sort, place.marked = listed.where or "", listed.sort or "", listed.marked
        place.category = listed.category or place.category
        said = (f"filter {place.where}" * bool(place.where), "marked neurons" * place.marked)
        order = f"sorted by {place.sort}" * bool(place.sort)
        print_data(printable("; ".join(filter(None, (*said, f"category {place.category}", order)))))

    def _do_show(self, rest: str) -> None:
        from mechamap.tables.formats import written
        from mechamap.tables.of_neuron import contexts_table, figures_table
        from mechamap.tables.table import Report

        run = self._opened()
        row = run.row_of(rest or self._place.neuron_or_refuse())
        self._place.neuron = str(run.neuron_name(row))
        tables = (figures_table(run, row), contexts_table(run, row))
        print_data(written(Report(f"{self._place.neuron} of {run.label}", tables), "lines").rstrip())
        if note := self._note(self._place.neuron):
            print_data(note)

    def _note(self, neuron: str) -> str:
        run = self._opened()
        if run.path is None or run.is_csv:
            return ""
        from mechamap.runs.kept.notes import Notes

        notes = Notes(run.path)
        marked = "marked" if notes.is_marked(neuron) else ""
        return ". ".join(filter(None, (marked, printable(notes.note(neuron)))))

    def _do_mark(self, rest: str) -> int:
        return self._marked("mark", rest)

    def _do_unmark(self, rest: str) -> int:
        return self._marked("unmark", rest)

    def _marked(self, action: str, rest: str) -> int:
        names = rest.split() or [self._place.neuron_or_refuse()]
        flags = [word for name in names for word in ("--neuron", name)]
        return self._perform(["notes", self._place.source_or_refuse(), action, *flags], self._narration)

    def _do_note(self, rest: str) -> int:
        neuron = self._place.neuron_or_refuse()
        words = ["notes", self._place.source_or_refuse(), "write", "--neuron", neuron, f"--note={rest}"]
        return self._perform(words, self._narration)

    def _opened(self) -> Run:
        self._place.source_or_refuse()
        assert self._run is not None
        return self._run

    def _about_run(self, run: Run) -> str:
        return (
            f"{printable(run.label)}: {quantity(run.neurons, 'neuron')} in {quantity(len(run.layers), 'layer')}, "
            f"categories {', '.join(map(printable, run.categories))}."
        )
