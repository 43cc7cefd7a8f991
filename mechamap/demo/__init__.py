"""The bundled model: a small GPT-2 with its tokenizer, loadable from ``DEMO_PATH`` without a network."""

from __future__ import annotations

from pathlib import Path

__all__ = ["DEMO_PATH"]

DEMO_PATH: Path = Path(__file__).resolve().parent
