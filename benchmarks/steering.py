"""A ladder against bare forwards: 9 strengths, each with 8 controls, over a prompt of 40 tokens.

``python -m benchmarks --only steering``; on the CPU, with as many threads as torch takes by itself.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch

from benchmarks.figures import Figure, paired, ratio, seconds

__all__ = ["steering_figures"]


PROMPT = (
    "When the children came home from school they ate bread and cheese in the kitchen, and the dog under the table "
    "waited for what fell down, as it did every day of the week, until the mother came and bought a"
)
TOKENS = 40
STRENGTHS, CONTROLS, GENERATED = 9, 8, 20
_AT_ONCE = 32  # rows of a bare forward, whose logits are then as large as a ladder's may be


def steering_figures(model: Path, rounds: int) -> list[Figure]:
    """Figures of a run of ``model`` that is scanned first."""
    from dataclasses import replace

    from mechamap.catalog.source import resolve
    from mechamap.config.schema import default_config
    from mechamap.models.loading.load import load_model
    from mechamap.models.loading.load_settings import load_settings
    from mechamap.scan.prepare import ScanRequest
    from mechamap.scan.scan import scan
    from mechamap.steering.generation import Sampling
    from mechamap.steering.ladder import LadderSettings, steer
    from mechamap.steering.prompt import read_prompt
    from mechamap.steering.subject import Subject

    config = default_config()
    loaded = load_model(resolve(str(model)), load_settings(config))
    tokens = loaded.tokenizer(PROMPT, add_special_tokens=False)["input_ids"]
    text = loaded.tokenizer.decode(tokens[: TOKENS - 1])
    ids = read_prompt(loaded, config, text).ids  # [1, length]
    rows = STRENGTHS * (1 + CONTROLS)

    def bare() -> float:
        def forwards() -> None:
            with torch.inference_mode():
                for first in range(0, rows, _AT_ONCE):
                    loaded.model(input_ids=ids.expand(min(_AT_ONCE, rows - first), -1), use_cache=False)

        return seconds(forwards)

    def bare_text() -> float:
        several = ids.expand(STRENGTHS + 1, -1)

        def generate() -> None:
            with torch.inference_mode():
                loaded.model.generate(  # type: ignore[operator]
                    several, attention_mask=torch.ones_like(several), do_sample=False,
                    min_new_tokens=GENERATED, max_new_tokens=GENERATED,
                )  # fmt: skip

        return seconds(generate)

    with tempfile.TemporaryDirectory() as folder:
        run = scan(ScanRequest(resolve(str(model)), config, out=Path(folder) / "run"), loaded=loaded)
        subject = Subject.of_run(run, loaded)
        neuron = run.neuron_name(int(run.layers[len(run.layers) // 2].rows.start + 7))
        silent = LadderSettings(controls=CONTROLS, sampling=Sampling(0))
        talking = replace(silent, sampling=Sampling(GENERATED))

        def ladder() -> float:
            return seconds(lambda: steer(subject, [neuron], text, silent))

        def with_text() -> float:
            return seconds(lambda: steer(subject, [neuron], text, talking))

        ladder()  # the scales of the layer are read once
        bare()
        alone = paired(ladder, bare, rounds)
        both = paired(with_text, lambda: bare() + bare_text(), rounds)
    length = f"{ids.shape[1]} tokens"
    return [
        ratio(f"{STRENGTHS} strengths x (1 + {CONTROLS} controls), {length} / bare forwards", alone, 1.5,
              ("ladder", "forwards")),
        ratio(f"the same with {GENERATED} tokens of text at each strength / bare generation too", both, 1.5,
              ("ladder", "forwards and generate()")),
    ]  # fmt: skip
