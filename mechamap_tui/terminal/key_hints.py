"""The keys that a dialog names on its border, which are a user's own where there are such."""

from __future__ import annotations

from textual.dom import DOMNode

from mechamap.config.keys.spelling import key_text

__all__ = ["key_hints"]


def key_hints(part: DOMNode, *hints: tuple[str, str]) -> str:
    """``q closes · y copies``, of the actions of a screen that have a key.

    Args:
        hints: each action, and what its key does.
    """
    keys = ((_key_for(part, action), does) for action, does in hints)
    return " · ".join(f"{key} {does}" for key, does in keys if key)


def _key_for(part: DOMNode, action: str) -> str:
    """A letter where there is one, else the first key; the bindings of a part are not public in Textual."""
    keys = [key for key, bound in part._bindings.key_to_bindings.items() if any(one.action == action for one in bound)]
    key = next((key for key in keys if len(key_text(key)) == 1), keys[0] if keys else "")
    return "esc" if key == "escape" else key_text(key)
