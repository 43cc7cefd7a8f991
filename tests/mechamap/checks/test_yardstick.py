"""Directions of the residual stream in a confirmation, against the hidden states; and where there are none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from support.by_name import load_model, scan_request

from mechamap.checks.confirm import confirm_run
from mechamap.checks.confirmation_pass import ConfirmSettings
from mechamap.cli.direction_lines import direction_lines
from mechamap.config.scan_config import Category
from mechamap.config.schema import default_config
from mechamap.models.loaded import LoadedModel
from mechamap.runs.run import Run
from mechamap.scan.scan import scan
from mechamap.scores.carriers.directions import HeldOutDirections
from mechamap.text.carrier_words import carrier_words
from mechamap_tui.dialogs.run_info_checks import check_lines

WORDS = (
    Category("animal", ("cat", "dog", "horse", "lion", "elephant", "bear")),
    Category("place", ("Paris", "New York", "Rome", "Mexico City", "Cairo")),
    Category("sun", ("sun",)),
)
CONFIG = replace(
    default_config(),
    categories=WORDS,
    contrast=("table", "window", "quickly", "idea", "paper", "train station", "glass"),
    templates=("The next word is {}", "They spoke of {}, and of nothing else."),
    texts=("The cat sat on the mat. A dog and a horse went to Paris by train, and a lion ate in New York.",),
    pooling="mean",  # of the neurons; the stream is read at last positions
)
QUICK = ConfirmSettings(permutations=20, splits=2)


def confirmed(loaded: LoadedModel, folder: Path) -> Run:
    return confirm_run(scan(scan_request(loaded.id, CONFIG, folder), loaded=loaded), loaded, QUICK)


@pytest.fixture(scope="module")
def tiny(tiny_models: Callable[..., Path]) -> LoadedModel:
    return load_model(str(tiny_models("gpt2")), device="cpu")


@pytest.fixture(scope="module")
def run(tiny: LoadedModel, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return confirmed(tiny, tmp_path_factory.mktemp("yardstick") / "run")


def test_each_word_counts_with_the_stream_at_its_last_position(tiny: LoadedModel, run: Run) -> None:
    words = carrier_words(CONFIG, tiny.tokenizer)
    plain = words.plain
    streams: dict[int, list[np.ndarray]] = {0: [], 1: []}
    for word in words.words[:plain]:
        for sentence in CONFIG.templates:
            text, end = sentence.format(word), sentence.index("{}") + len(word)
            encoded = tiny.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
            (position,) = (n for n, (first, last) in enumerate(encoded["offset_mapping"], 1) if first < end <= last)
            ids = torch.tensor([[tiny.tokenizer.bos_token_id, *encoded["input_ids"]]])
            with torch.no_grad():
                hidden = tiny.model(input_ids=ids, output_hidden_states=True).hidden_states
            for layer, rows in streams.items():
                rows.append(hidden[layer + 1][0, position].numpy())
    expected = HeldOutDirections(words.members[:plain], 2, QUICK.splits, QUICK.seed)
    for layer, rows in streams.items():
        expected.add(np.stack(rows), layer)
    for number, name in enumerate(("animal", "place")):
        reading = run.record.confirmation.categories[name].direction
        kept = [choice for choice in expected.choices(number) if choice.layer in reading.layers]
        assert len(reading.layers) == 2 * QUICK.splits
        assert set(reading.layers) <= {0, 1, 2}
        if 2 not in reading.layers:  # whose output the hidden states show behind the final norm only
            np.testing.assert_allclose(reading.ap, np.mean([choice.ap for choice in kept]), atol=0.02)
            np.testing.assert_allclose(reading.auroc, np.mean([choice.auroc for choice in kept]), atol=0.02)


def test_a_category_that_is_not_split_has_no_direction(run: Run) -> None:
    assert run.record.confirmation.categories["sun"].direction is None
    assert "direction" not in run.record.confirmation.undefined


def test_neuron_direction_and_random_direction_stand_side_by_side(run: Run) -> None:
    head, *rows = direction_lines(run.record.confirmation)
    assert head.split("  ")[0] == "category"
    assert [row.split()[0] for row in rows] == ["animal", "place"]
    reading = run.record.confirmation.categories["animal"].direction
    page = [line.strip() for _, line in check_lines(run.record)]
    for text in (f"{reading.ap:.2f}".lstrip("0"), f"({reading.auroc:.2f}".replace("(0", "(")):
        assert text in rows[0]
    assert sum(line.startswith("ap on held-out words: best neuron") for line in page) == 2


def test_a_stream_that_is_not_finite_is_told_and_the_neurons_are_confirmed(
    tiny: LoadedModel, run: Run, tmp_path: Path
) -> None:
    last = tiny.model.get_submodule(tiny.layers[-1].block)
    handle = last.register_forward_hook(lambda _module, _args, hidden: hidden * torch.inf)
    scanned = scan(scan_request(tiny.id, CONFIG, tmp_path / "run"), loaded=load_model(tiny.id, device="cpu"))
    try:
        about = confirm_run(scanned, tiny, QUICK).record.confirmation
    finally:
        handle.remove()
    assert about.undefined["direction"] == "The residual stream behind layer 2 is not finite."
    assert about.categories["animal"].direction is None
    assert about.neurons == run.record.confirmation.neurons


def test_where_blocks_pass_on_more_than_one_stream_the_record_says_why(
    tiny_models: Callable[..., Path], tmp_path: Path
) -> None:
    run = confirmed(load_model(str(tiny_models("gemma3n_text")), device="cpu"), tmp_path / "run")
    about = run.record.confirmation
    assert "is not one vector for each token" in about.undefined["direction"]
    assert all(category.direction is None for category in about.categories.values())
    assert list(direction_lines(about)) == []
    assert np.isfinite(run.figure("p")).all()
    assert any("direction not checked: What " in line for _, line in check_lines(run.record))
