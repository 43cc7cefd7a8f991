"""MechaMap's engine: scan the MLP neurons of a language model and score them against categories.

Importing this package loads neither torch nor transformers; the modules that need them import them.
"""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("mechamap")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0.0.0"

__all__ = ["__version__"]
