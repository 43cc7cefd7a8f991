"""The flags that say how a model is loaded, for the commands that take one by its name."""

from __future__ import annotations

import argparse

from mechamap.choices import DEVICE_MAPS, QUANTIZE

__all__ = ["add_loading_flags", "loading_changes"]

_KEYS = ("dtype", "device", "device_map", "quantize", "neurons", "revision")


def add_loading_flags(parser: argparse.ArgumentParser) -> None:
    """Declare them; none has a default, so that a config file's settings hold where they are not given."""
    add = parser.add_argument
    add("--dtype", metavar="D", help="auto (as the checkpoint has it), float32, bfloat16 or float16")
    add("--device", metavar="D", help="auto (CUDA if there is one, else the CPU), cpu, cuda, cuda:1 or mps")
    add("--device-map", metavar="M", help=f"spread it over cards, memory and disk instead: {', '.join(DEVICE_MAPS)}")
    add("--quantize", metavar="Q", help=f"pack the weights while they are read: {' or '.join(QUANTIZE)}")
    add(
        "--neurons",
        metavar="PATH",
        action="append",
        help='where the down-projections are, as in "model.layers.{layer}.mlp.down_proj", for a model whose neurons '
        "are not found; repeatable",
    )
    add("--revision", metavar="R", help="branch, tag or commit of a hub model")
    add("--trust-remote-code", action="store_true", help="run Python code that comes with the model")


def loading_changes(args: argparse.Namespace) -> dict[str, object]:
    """What of a config the flags change; a device takes the place of a map in the file, and the other way round."""
    from mechamap.config_model import one_place

    changes = one_place({key: getattr(args, key) for key in _KEYS if getattr(args, key) is not None})
    if args.trust_remote_code:
        changes["trust_remote_code"] = True
    return changes
