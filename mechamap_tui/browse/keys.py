"""The keys of the browse screen, in the order in which the footer and the help list them."""

from __future__ import annotations

from textual.binding import Binding, BindingType

from mechamap_tui.browse.header import PANES

__all__ = ["BROWSE_KEYS"]


BROWSE_KEYS: tuple[BindingType, ...] = (
    Binding("n", "new_scan", "scan"),
    Binding("x", "app.cancel_scan", "cancel scan"),
    Binding("x", "app.cancel_check", "cancel check"),
    Binding("R", "resume", "resume the scan"),
    Binding("slash", "filter", "filter", key_display="/"),
    Binding("N", "clear", "clear"),
    Binding("c", "category(1)", "category"),
    Binding("C", "category(-1)", "previous category", show=False),
    Binding("left_square_bracket", "layer(-1)", "previous layer", key_display="[", show=False),
    Binding("right_square_bracket", "layer(1)", "next layer", key_display="]", show=False),
    Binding("apostrophe", "goto", "go to", key_display="'"),
    Binding("p", "probe", "probe"),
    Binding("equals_sign", "similar", "similar neurons", key_display="=", show=False),
    Binding("w", "steer", "steer"),
    Binding("a", "ablate", "ablate"),
    Binding("A", "estimate_causes", "estimate causes"),
    Binding("V", "confirm_run", "confirm run"),
    Binding("m", "mark", "mark"),
    Binding("M", "marked", "show marked", show=False),
    Binding("y", "copy", "copy"),
    Binding("Y", "take_away", "take away as code", show=False),
    Binding("e", "export", "export"),
    Binding("r", "interpret", "interpret"),
    Binding("d", "compare", "compare"),
    Binding("t", "next_detail", "tokens/text/...", show=False),
    Binding("z", "zoom", "zoom", show=False),
    Binding("i", "info", "about the run", show=False),
    *(Binding(str(n), f"pane({n})", f"go to {name}", show=False) for n, name in enumerate(PANES, start=1)),
    Binding("q,escape", "back", "back"),
)
