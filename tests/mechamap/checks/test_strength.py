"""The strength that a confirmation of the bundled model writes is what scikit-learn gives, sentence by sentence."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import rankdata
from sklearn.metrics import average_precision_score
from support.by_name import load_model
from support.plain_activations import plain_activations

from mechamap.checks.confirm import confirm_run
from mechamap.checks.confirmation_pass import ConfirmSettings
from mechamap.figures.of_run import default_figure
from mechamap.models.loaded import LoadedModel
from mechamap.runs.run import Run

QUICK = ConfirmSettings(permutations=19, splits=1)


@dataclass(frozen=True)
class Confirmed:
    """The confirmed run, and what its neurons do, read by hand.

    Attributes:
        text: ``[neurons, positions]`` over the scan's text.
        carriers: ``[neurons, words * templates]`` at the last token of each word in each sentence.
        words: the words of ``carriers``, each once.
    """

    run: Run
    text: np.ndarray
    carriers: np.ndarray
    words: list[str]


@pytest.fixture(scope="module")
def confirmed(demo_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Confirmed:
    folder = tmp_path_factory.mktemp("confirmed") / "demo"
    assert demo_run.path is not None
    shutil.copytree(demo_run.path, folder)
    loaded = load_model("demo", device="cpu")
    run = confirm_run(Run.open(folder), loaded, QUICK)
    of_categories = [word for category in run.config.categories for word in category.words]
    assert run.record.confirmation is not None
    words = list(dict.fromkeys([*of_categories, *run.record.confirmation.contrast]))
    tokens = run.record.tokens
    text = np.concatenate([*plain_activations(loaded, tokens.ids, tokens.windows).values()], axis=1).T
    return Confirmed(run, text, carrier_activations(loaded, run, words), words)


def carrier_activations(loaded: LoadedModel, run: Run, words: list[str]) -> np.ndarray:
    columns = []
    for word in words:
        for template in run.config.templates:
            sentence, start = template.format(word), template.index("{}")
            encoded = loaded.tokenizer(sentence, add_special_tokens=False, return_offsets_mapping=True)
            spans = encoded["offset_mapping"]
            last = max(place for place, (first, end) in enumerate(spans) if first < start + len(word) and end > start)
            ids = [loaded.tokenizer.bos_token_id, *encoded["input_ids"]]
            layers = plain_activations(loaded, ids, [(0, 0, len(ids))])
            columns.append(np.concatenate([layer[last + 1] for layer in layers.values()]))  # behind the BOS
    return np.stack(columns, axis=1)


def of_carriers(confirmed: Confirmed, category: str) -> np.ndarray:
    """Which columns of ``carriers`` are of words of the category."""
    config = confirmed.run.config
    words = next(listed.words for listed in config.categories if listed.name == category)
    return np.repeat([word in words for word in confirmed.words], len(config.templates))


def test_it_is_the_geometric_mean_of_the_precision_in_both_texts(confirmed: Confirmed) -> None:
    run, record = confirmed.run, confirmed.run.record
    assert record.confirmation is not None
    scored = set(range(len(record.tokens.ids))) - run.excluded
    random = np.random.default_rng(0)
    signs = set()
    for number, category in enumerate(run.categories):
        spans = [(first, last) for of, _, first, last in record.occurrences if of == number]
        elsewhere = sorted(scored - {position for first, last in spans for position in range(first, last + 1)})
        places = [last for _, last in spans] + elsewhere
        labels = [1] * len(spans) + [0] * len(elsewhere)
        inside = of_carriers(confirmed, category)
        counts = [found.count for found in record.coverage[category].found.values()]
        weight, words = np.sqrt(counts).sum(), record.confirmation.categories[category].words
        strength, reads = run.column("strength", category), run.column("selectivity", category)
        falling = int(np.argmax(np.where(reads < 0, strength, -1)))
        for row in {int(np.argmax(strength)), falling, *random.integers(0, run.neurons, 3).tolist()}:
            sign = -1 if reads[row] < 0 else 1
            in_text = average_precision_score(labels, sign * confirmed.text[row, places])
            in_carriers = average_precision_score(inside, sign * confirmed.carriers[row])
            expected = in_text ** (weight / (weight + words)) * in_carriers ** (words / (weight + words))
            assert strength[row] == pytest.approx(expected, abs=0.003), (category, row)
            signs.add(sign)
    assert signs == {-1, 1}
    assert default_figure(run) == "strength"


def test_the_record_names_the_neuron_with_the_largest(confirmed: Confirmed) -> None:
    run = confirmed.run
    assert run.record.confirmation is not None
    for category, about in run.record.confirmation.categories.items():
        assert about.best == str(run.neuron_name(int(np.nanargmax(run.column("strength", category)))))


def test_a_run_without_precision_is_confirmed_without_it(confirmed: Confirmed, tmp_path: Path) -> None:
    """Its best is, as it was, the one that reads the category most clearly in the sentences."""
    assert confirmed.run.path is not None
    shutil.copytree(confirmed.run.path, tmp_path / "run")
    record = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    for name in ("ap", "carrier_ap", "strength"):
        record["figures"].remove(name)
        (tmp_path / "run" / f"{name}.npy").unlink()
    (tmp_path / "run" / "run.json").write_text(json.dumps(record), encoding="utf-8")
    run = confirm_run(Run.open(tmp_path / "run"), load_model("demo", device="cpu"), QUICK)
    assert not run.has("strength")
    assert default_figure(run) == "selectivity"
    np.testing.assert_array_equal(run.figure("p"), confirmed.run.figure("p"))
    assert run.record.confirmation is not None
    ranks = rankdata(confirmed.carriers, axis=1)  # [neurons, words * templates]
    for category, about in run.record.confirmation.categories.items():
        inside = of_carriers(confirmed, category)
        means = [ranks[:, side].mean(axis=1) for side in (inside, ~inside)]
        distance = np.abs(means[0] - means[1])  # of an AUROC from a half, in another unit
        assert distance[run.row_of(about.best)] == pytest.approx(distance.max(), rel=0.005)
