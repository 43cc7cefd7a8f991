"""The forms that a steered model is taken away in, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mechamap.errors import UsageError
from mechamap.protocol.steering import Ladder
from mechamap.takeaway.command import command
from mechamap.takeaway.lens_code import transformer_lens_code
from mechamap.takeaway.nnsight_code import nnsight_code
from mechamap.takeaway.python_code import python_code
from mechamap.takeaway.step import Step, step_of
from mechamap.takeaway.transformers_code import transformers_code
from mechamap.wording.suggest import unknown_name

__all__ = ["FORMS", "taken_away"]


FORMS: Mapping[str, tuple[str, Callable[[Step], str]]] = {
    "command": ("a mechamap command", command),
    "python": ("Python for this library", python_code),
    "transformers": ("Python for transformers alone", transformers_code),
    "nnsight": ("Python for nnsight", nnsight_code),
    "transformer_lens": ("Python for TransformerLens", transformer_lens_code),
}
"""What each is, and what writes it."""


def taken_away(ladder: Ladder, form: str, strength: float | None = None) -> str:
    """A step of a ladder as text.

    Args:
        form: one of :data:`FORMS`.
        strength: of the step; where not given, of the ladder's last one.

    Raises:
        UsageError: there is no such form, or it cannot say what the ladder does.
    """
    if form not in FORMS:
        raise UsageError(*unknown_name("form", form, tuple(FORMS)))
    return FORMS[form][1](step_of(ladder, strength))
