"""How a process that starts an engine asks it not to outlive it: a variable of the environment, with its own number."""

from __future__ import annotations

__all__ = ["PARENT"]

PARENT = "MECHAMAP_ENGINE_PARENT"
