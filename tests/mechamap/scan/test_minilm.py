"""The real MiniLM, an encoder of 9,216 neurons: scanned for real, and all of it computed again by other means.

The other means: transformers' own BertModel, the tokenizer called as its users call it, a forward hook on each layer's
``output.dense`` by its path, one window at a time without padding, and scikit-learn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from support.by_name import load_model, scan_request
from support.minilm import D_MLP, D_MODEL, N_LAYERS, N_NEURONS
from transformers import AutoTokenizer, BertModel

from mechamap.checks.confirm import confirm_run
from mechamap.checks.confirmation_pass import ConfirmSettings
from mechamap.config.schema import default_config, with_overrides
from mechamap.runs.run import Run
from mechamap.scan.scan import scan
from mechamap.system.plain_values import to_plain_values

pytestmark = pytest.mark.minilm

CATEGORIES = {  # words of the default categories that are one token of this vocabulary, in any case
    category.name: {word.casefold() for word in category.words} for category in default_config().categories
}


@dataclass(frozen=True)
class Plain:
    """What transformers gives on its own for the default texts, text by text."""

    ids: list[int]  # [positions]
    specials: list[bool]  # [positions]
    activations: NDArray[np.float32]  # [positions, neurons], layer after layer

    @property
    def scored(self) -> list[int]:
        return [n for n, special in enumerate(self.specials) if not special]


@pytest.fixture(scope="module")
def loaded(minilm_path):
    return load_model(str(minilm_path), device="cpu")


@pytest.fixture(scope="module")
def run(loaded, tmp_path_factory) -> Run:
    default = default_config()
    config = with_overrides(default, second_text="never", templates=list(default.templates[:3]))
    return scan(scan_request(loaded.id, config, tmp_path_factory.mktemp("minilm") / "run"), loaded=loaded)


@pytest.fixture(scope="module")
def plain(minilm_path) -> Plain:
    tokenizer = AutoTokenizer.from_pretrained(minilm_path)
    model = BertModel.from_pretrained(minilm_path).eval()
    seen: list[list[torch.Tensor]] = [[] for _ in range(N_LAYERS)]
    for number, its in enumerate(seen):
        dense = model.encoder.layer[number].output.dense
        assert (dense.in_features, dense.out_features) == (D_MLP, D_MODEL)
        dense.register_forward_hook(lambda _module, args, _output, its=its: its.append(args[0][0]))
    ids: list[int] = []
    for text in default_config().texts:
        given = tokenizer(text, return_tensors="pt")
        with torch.no_grad():
            model(**given)
        ids += given["input_ids"][0].tolist()
    specials = [token in (tokenizer.cls_token_id, tokenizer.sep_token_id) for token in ids]
    return Plain(ids, specials, np.concatenate([torch.cat(its).numpy() for its in seen], axis=1))


def test_every_neuron_of_the_model_is_in_the_run(run):
    assert run.neurons == N_NEURONS
    assert [(layer.width, layer.side) for layer in run.layers] == [(D_MLP, "")] * N_LAYERS
    assert run.record.state == "complete"
    assert run.record.problems == ()
    assert len(run.record.proof) == N_LAYERS
    assert all(proof.removal_error <= proof.tolerance for proof in run.record.proof)
    assert np.isfinite(run.figure("auroc")).all()


def test_the_positions_are_those_of_its_own_tokenizer(run, plain):
    assert list(run.record.tokens.ids) == plain.ids
    assert sorted(run.excluded) == [n for n, special in enumerate(plain.specials) if special]
    assert run.record.exclusions.scored == len(plain.scored)


def test_the_figures_of_every_neuron_are_those_of_plain_hooks(run, plain):
    its = plain.activations[plain.scored]  # [scored, neurons]
    for name, expected in {
        "mean_all": its.mean(axis=0),
        "std_all": its.std(axis=0),
        "max": its.max(axis=0),
        "min": its.min(axis=0),
        "fire": (its > 0).mean(axis=0),
    }.items():
        np.testing.assert_allclose(run.figure(name), expected, rtol=1e-3, atol=1e-3, err_msg=name)


def test_words_of_one_token_are_found_where_the_vocabulary_has_them(run, plain, minilm_path):
    """By token ids alone: every position of a category's one-token words begins and ends an occurrence."""
    tokenizer = AutoTokenizer.from_pretrained(minilm_path)
    for number, (name, words) in enumerate(CATEGORIES.items()):
        ids = {
            token
            for word in words
            if len(pieces := tokenizer.encode(word, add_special_tokens=False)) == 1
            for token in pieces
        }
        whole = {n for n in plain.scored if plain.ids[n] in ids and not continued(tokenizer, plain.ids, n)}
        found = {first for category, _, first, last in run.record.occurrences if category == number and first == last}
        assert found - whole == set(), name
        assert len(found) >= 0.9 * len(whole) > 5, name  # the rest are words that must be written with a capital


def continued(tokenizer, ids: list[int], position: int) -> bool:
    """Whether the token is a part of a longer word."""
    return tokenizer.convert_ids_to_tokens(ids[position + 1]).startswith("##")


def test_means_and_auroc_of_a_sample_against_scikit_learn(run, plain):
    rows = np.random.default_rng(0).choice(run.neurons, 60, replace=False)
    for number, name in enumerate(run.categories):
        spans = [(first, last) for category, _, first, last in run.record.occurrences if category == number]
        inside = {n for first, last in spans for n in range(first, last + 1)}
        ends, rest = [last for _, last in spans], [n for n in plain.scored if n not in inside]
        labels = [1] * len(ends) + [0] * len(rest)
        for row in rows.tolist():
            values = plain.activations[:, row]
            expected = roc_auc_score(labels, values[ends + rest])
            assert run.figure("auroc")[row, number] == pytest.approx(expected, abs=1e-3), name
            assert run.figure("mean")[row, number] == pytest.approx(values[ends].mean(), rel=1e-3, abs=1e-4), name


def test_the_top_tokens_are_where_plain_activations_are_highest(run, plain):
    scored = np.array(plain.scored)
    for row in np.random.default_rng(1).choice(run.neurons, 40, replace=False).tolist():
        values = plain.activations[scored, row]
        hits = run.top_tokens(row)
        np.testing.assert_allclose(
            [hit.value for hit in hits], np.sort(values)[::-1][: len(hits)], rtol=1e-3, atol=1e-4
        )
        assert values[list(scored).index(hits[0].position)] == pytest.approx(values.max(), rel=1e-3)


def test_an_encoder_has_neurons_that_read_categories_and_they_hold_on_other_words(run, loaded):
    checked = confirm_run(run, loaded, ConfirmSettings(permutations=20, splits=2))
    about = to_plain_values(checked.record.confirmation.categories)
    assert sum(its["held_out_auroc"] > 0.9 for its in about.values()) >= len(about) - 2, about
    assert np.isnan(checked.figure("write_p")).all()
    assert set(run.record.undefined) == {"write", "cause"}
