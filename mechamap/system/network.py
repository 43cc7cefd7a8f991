"""Whether anything outside this machine may be reached: the model hub is all that ever is."""

from __future__ import annotations

import os

__all__ = ["go_offline"]


def go_offline() -> None:
    """Reach no network from now on, in this process and those that it starts; before the hub's library is imported."""
    os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"
