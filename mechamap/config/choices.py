"""What some settings can be chosen from; imports nothing, for the help texts of the command line."""

from __future__ import annotations

__all__ = ["BASELINES", "DEVICE_MAPS", "KEEP_ACTIVATIONS", "QUANTIZE", "RANDOMIZE", "SECOND_TEXT"]


DEVICE_MAPS = ("auto", "balanced", "balanced_low_0", "sequential")
"""How accelerate can spread a model over the devices of a machine by itself."""

QUANTIZE = ("int8", "nf4")
"""What weights can be packed as while they are read."""

BASELINES = ("rotation", "shuffle", "none")
"""What correlations with the closest neurons of another model are compared with."""

KEEP_ACTIVATIONS = ("auto", "always", "never")
"""When a run keeps every activation: where it is small, in any case, or not at all."""

RANDOMIZE = {
    "weights": "the entries of every weight matrix shuffled",
    "layers": "all weights initialized anew, as before training",
    "basis": "each layer's neurons in a randomly rotated basis",
}
"""How a model can be made random for a search that should find nothing."""

SECOND_TEXT = ("auto", "always", "never")
"""When a scan's first neurons are looked at in a second text: in a third of the scan's time, whatever it takes, or not
at all."""
