"""MechaMap's engine: scan the MLP neurons of a language model and score them against categories.

Importing this package loads neither torch nor transformers; the modules that need them import them.
"""

from __future__ import annotations

__all__ = ["__version__"]

__version__ = "0.1.0"  # the build reads it here: looked up among the installed packages it costs a fifth of the help
