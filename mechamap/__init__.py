"""MechaMap's engine: scan the MLP neurons of a language model and score them against categories.

Importing this package loads neither torch nor transformers; the modules that need them import them.
"""

from __future__ import annotations

__all__ = ["__version__"]


def __getattr__(name: str) -> str:
    # Looked up when asked for: importlib.metadata alone would take half of the time it takes to import a config.
    if name == "__version__":
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("mechamap")
        except PackageNotFoundError:  # a source tree that was never installed
            return "0.0.0"
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
