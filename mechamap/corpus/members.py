"""Which member of a record, or which column, holds the text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mechamap.errors import CorpusError
from mechamap.wording.advice import Advice, Hint, Setting
from mechamap.wording.plain import printable, shortened
from mechamap.wording.suggest import nearest

__all__ = ["choose_another", "chosen_member", "listed", "no_member"]

_MOST_LISTED = 12


def chosen_member(where: str, members: Iterable[str], of_text: Sequence[str], field: str | None) -> str:
    """``field`` where it is given, else ``text`` where there is such a member, else the only one that is a text.

    Args:
        where: the record, or the file of a table, for messages.
        members: all there are.
        of_text: those of them that are texts.

    Raises:
        CorpusError: there is no such member, or several could be meant.
    """
    known = list(members)
    if field is not None or "text" in known:
        member = "text" if field is None else field
        if member not in known:
            raise no_member(where, member, known)
        return member
    if len(of_text) == 1:
        return of_text[0]
    if not of_text:
        has = f"{listed(known)}, none of which is a text" if known else "no members"
        raise CorpusError(f"{where} has {has}.", "Give records with a text.")
    raise CorpusError(f"{where} has several members that are texts: {listed(of_text)}.", choose_another(of_text))


def choose_another(of_text: Sequence[str]) -> Advice:
    """What to do where the text is in another member: one of ``of_text``, which are texts."""
    return Advice.of("Say which one to read with {}.", Setting("field", _shown(of_text[0])))


def no_member(where: str, member: str, known: Sequence[str]) -> CorpusError:
    """The error of a record or table without the member that holds the text."""
    hint: Hint = "Mend or remove that record, or choose another member."
    if similar := nearest(member, known):
        hint = Advice.of("Did you mean {}?", Setting("field", _shown(similar[0])))
    return CorpusError(f"{where} has no {listed([member])}; it has {listed(known) if known else 'no members'}.", hint)


def listed(names: Sequence[str]) -> str:
    """Names of members in quotation marks, cut short where there are many."""
    shown = ", ".join(f'"{_shown(name)}"' for name in names[:_MOST_LISTED])
    return f"{shown}, ..." if len(names) > _MOST_LISTED else shown


def _shown(name: str) -> str:
    return printable(shortened(name.encode("utf-8", "backslashreplace").decode(), 60))
