"""No neuron that a model has is beyond what its config is taken to say, for every type that transformers registers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.architecture_matrix import causal_types
from support.tiny_encoders import tiny_of
from support.tiny_models import tiny_model

from mechamap.csv_files.limits import limits_of_config
from mechamap.models.neurons.model_layers import neuron_layers

pytestmark = [pytest.mark.matrix, pytest.mark.timeout(600)]

ENCODERS = (
    "albert", "bert", "convbert", "deberta-v2", "distilbert", "electra", "flaubert", "fnet", "funnel", "longformer",
    "mobilebert", "modernbert", "mpnet", "roberta", "xlm-roberta", "xlnet",
)  # fmt: skip
BOTH_SIDES = ("bart", "encoder-decoder", "fsmt", "led", "mbart", "prophetnet", "t5", "t5gemma", "umt5")


def sizes(model: Any, folder: Path) -> tuple[int, int, int | None, int | None]:
    """How many layers and neurons of a layer a model has, and how many it has at most by the config that it saves."""
    layers = neuron_layers(model)
    model.config.save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text())
    return max(layer.layer for layer in layers) + 1, max(layer.width for layer in layers), *limits_of_config(config)


@pytest.mark.filterwarnings("ignore")
def test_no_limit_is_below_what_a_model_has(tmp_path: Path) -> None:
    built = {}
    for model_type in causal_types():
        try:
            built[model_type] = sizes(tiny_model(model_type), tmp_path)
        except Exception:  # no neurons, or transformers cannot build it here: docs/architectures.md names them
            continue
    for types, auto in ((ENCODERS, "AutoModel"), (BOTH_SIDES, "AutoModelForSeq2SeqLM")):
        built |= {f"{name} ({auto})": sizes(tiny_of(name, auto), tmp_path) for name in types}
    assert len(built) > 180
    for model_type, (layers, neurons, most_layers, most_neurons) in built.items():
        assert most_layers is None or most_layers >= layers, model_type
        assert most_neurons is None or most_neurons >= neurons, model_type
    known = [its for its in built.values() if its[2] is not None and its[3] is not None]
    assert len(known) > 0.9 * len(built)
