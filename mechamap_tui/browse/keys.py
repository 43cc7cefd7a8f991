"""The keys of the browse screen, in the order in which the footer and the help list them."""

from __future__ import annotations

from textual.binding import Binding, BindingType

from mechamap_tui.browse.header import PANES

__all__ = ["BROWSE_KEYS"]


BROWSE_KEYS: tuple[BindingType, ...] = (
    Binding("n", "new_scan", "scan", tooltip="fill in a scan, of this model or another"),
    Binding("x", "app.cancel_scan", "cancel scan", id="cancel", tooltip="cancel; a scan keeps what is finished"),
    Binding("x", "app.cancel_check", "cancel check", id="cancel", tooltip="cancel; a scan keeps what is finished"),
    Binding("R", "resume", "resume the scan"),
    Binding("slash", "filter", "filter", tooltip="show only neurons for which an expression holds"),
    Binding("N", "clear", "clear", tooltip="show all neurons again"),
    Binding("c", "category(1)", "category", tooltip="the next category"),
    Binding("C", "category(-1)", "previous category", show=False),
    Binding("left_square_bracket", "layer(-1)", "previous layer", show=False),
    Binding("right_square_bracket", "layer(1)", "next layer", show=False),
    Binding("F", "count", "count by column", show=False, tooltip="count the neurons by the column under the cursor"),
    Binding("apostrophe", "goto", "go to", tooltip="go to a neuron by its name"),
    Binding("p", "probe", "probe", tooltip="ask the neuron with a sentence"),
    Binding("equals_sign", "similar", "similar neurons", show=False),
    Binding("w", "steer", "steer", tooltip="turn the neuron, or several, up and down"),
    Binding("a", "ablate", "ablate", tooltip="measure what the model loses without the neuron"),
    Binding("A", "estimate_causes", "estimate causes", tooltip="estimate what the model loses without each neuron"),
    Binding("V", "confirm_run", "confirm run", tooltip="check all findings on held-out words"),
    Binding("m", "mark", "mark", tooltip="mark the neuron, or take its mark away"),
    Binding("M", "marked", "show marked", show=False, tooltip="show only marked neurons, or all"),
    Binding("u", "undo", "undo", show=False, tooltip="undo the last filter, sort, column, category or mark"),
    Binding("U", "redo", "redo", show=False, tooltip="do again what was undone"),
    Binding("o", "columns", "columns", show=False, tooltip="show, hide, move and widen columns"),
    Binding("b", "views", "named views", show=False, tooltip="the run's named views: show one, keep this one"),
    Binding("y", "copy", "copy", tooltip="copy the row"),
    Binding("Y", "take_away", "take away as code", show=False),
    Binding("e", "export", "export", tooltip="write neurons to a file"),
    Binding("r", "interpret", "interpret", tooltip="what the neurons say about the model"),
    Binding("d", "compare", "compare", tooltip="what differs between this run and others"),
    Binding(
        "t",
        "next_detail",
        "tokens/text/...",
        show=False,
        id="next_tab",
        tooltip="the next tab of the pane about the neuron",
    ),
    Binding("z", "zoom", "zoom", show=False, tooltip="one pane over the whole screen, and back"),
    Binding("i", "info", "about the run", show=False),
    *(Binding(str(n), f"pane({n})", f"go to {name}", show=False) for n, name in enumerate(PANES, start=1)),
    Binding("q,escape", "back", "back"),
)
