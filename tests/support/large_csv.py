"""CSV files as large as those of real models, made without one."""

from __future__ import annotations

from pathlib import Path

import numpy as np

__all__ = ["write_large_csv"]


def write_large_csv(path: Path, *, layers: int, width: int, categories: int, listed: float, tokens: int = 10) -> int:
    """Write what an export of a model with ``layers`` x ``width`` neurons looks like; the number of rows.

    Args:
        categories: how many there are.
        listed: the share of neurons that each is listed for.
        tokens: how many top tokens each neuron has, of some 30,000 different ones.
    """
    rng = np.random.default_rng(0)
    names = [f"category {at}" for at in range(categories)]
    vocabulary = [f" {word}" for word in ("it's", "a\\b", *(f"w{at:x}" for at in range(30_000)))]
    quoted = np.array([repr(word) for word in vocabulary])
    rows = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("model,layer,neuron,category,avg_activation,top_tokens\n")
        for layer in range(layers):
            chosen = quoted[rng.integers(len(quoted), size=(width, tokens))].tolist()
            values = np.sort(rng.gamma(2.0, 1.0, (width, tokens)).round(4))[:, ::-1].tolist()
            means = rng.gamma(2.0, 1.0, (width, categories)).round(4)
            here = rng.random((width, categories)) < listed
            for neuron in range(width):
                pairs = ", ".join(
                    [f"({word}, {value})" for word, value in zip(chosen[neuron], values[neuron], strict=True)]
                )
                cell = '"[' + pairs.replace('"', '""') + ']"'
                its = np.flatnonzero(here[neuron]).tolist()
                lines = [f"org/model-8b,{layer},{neuron},{names[at]},{means[neuron, at]:.4f},{cell}\n" for at in its]
                file.writelines(lines or [f"org/model-8b,{layer},{neuron},,,{cell}\n"])
                rows += max(len(lines), 1)
    return rows
