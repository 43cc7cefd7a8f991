"""Figures of a corpus scan against plain computation, and the same however the corpus is cut."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import kurtosis, skew
from sklearn.metrics import average_precision_score, roc_auc_score
from support.corpus_text import documents
from support.plain_corpus import PlainCorpus, differences

from mechamap.errors import Cancelled, RunError
from mechamap.events import ShardFinished
from mechamap.runs.run import Run
from mechamap.scan.corpus.merge import merge_parts
from mechamap.scan.corpus.part import Part
from mechamap.scan.corpus.shard_pass import WORK_FOLDER

SMALL_SAMPLE = {"shard_tokens": 180, "sample": 100, "occurrences": 10}


@pytest.fixture(scope="module")
def plain(demo, whole_run) -> PlainCorpus:
    return PlainCorpus.read(demo, documents(), whole_run.config)


def test_counts_are_those_of_the_corpus(whole_run, plain):
    corpus = whole_run.record.corpus
    assert whole_run.record.state == "complete"
    assert corpus.documents == len(documents())
    assert corpus.tokens == sum(token >= 0 for _, token in plain.places)
    assert corpus.windows == len(plain.tokenized.windows)
    assert corpus.scored == len(plain.scored)
    for number, category in enumerate(whole_run.categories):
        assert whole_run.record.coverage[category].occurrences == len(plain.last(number))
        assert corpus.categories[category].rest == len(plain.rest(number))


@pytest.mark.parametrize("layer", [1, 3])
def test_moments_are_those_of_all_scored_positions(whole_run, plain, layer):
    values = plain.activations[layer][plain.scored].astype(np.float64)
    rows = whole_run.layer_rows(layer).rows
    for name, expected in (
        ("mean_all", values.mean(axis=0)),
        ("std_all", values.std(axis=0)),
        ("skew", skew(values, axis=0)),
        ("kurtosis", kurtosis(values, axis=0)),
        ("fire", (values > 0).mean(axis=0)),
        ("max", values.max(axis=0)),
        ("min", values.min(axis=0)),
    ):
        np.testing.assert_allclose(whole_run.figure(name)[rows], expected, rtol=2e-4, atol=2e-5, err_msg=name)
    histogram = whole_run.figure("histogram")[rows]
    assert (histogram.sum(axis=1) == len(plain.scored)).all()


@pytest.mark.parametrize("category", [0, 1])
def test_scores_on_a_sample_of_everything_are_exact(whole_run, plain, category):
    last, rest = plain.last(category), plain.rest(category)
    labels = np.r_[np.ones(len(last)), np.zeros(len(rest))]
    for neuron in range(0, whole_run.layer_rows(3).width, 37):
        values = plain.activations[3][[*last, *rest], neuron]
        row = whole_run.row_of(f"L3.N{neuron}")
        auroc = roc_auc_score(labels, values)
        assert whole_run.figure("auroc")[row, category] == pytest.approx(auroc, abs=2e-4)
        sign = 1 if whole_run.figure("selectivity")[row, category] >= 0 else -1
        expected = average_precision_score(labels, sign * values)
        assert whole_run.figure("ap")[row, category] == pytest.approx(expected, abs=2e-3)
        mean = plain.activations[3][last, neuron].mean()
        assert whole_run.figure("mean")[row, category] == pytest.approx(mean, abs=1e-5)


def test_contexts_are_the_best_of_different_documents(whole_run, plain):
    stretches = whole_run.record.tokens.windows.array.tolist()
    places = [(document, first + n) for document, _, length, first in stretches for n in range(length)]
    compared = 0
    for neuron in range(0, 640, 53):
        row = whole_run.row_of(f"L1.N{neuron}")
        for side, sign in (("highest", 1), ("lowest", -1)):
            positions = whole_run.figure(f"{side}_positions")[row]
            values = whole_run.figure(f"{side}_values")[row]
            best = plain.highest(1, neuron, 5, sign)
            np.testing.assert_allclose(values, [value for value, _, _ in best[:4]], rtol=1e-4, atol=1e-6)
            mine = [places[position] for position in positions.tolist()]
            assert len({document for document, _ in mine}) == 4
            if np.abs(np.diff([value for value, _, _ in best])).min() > 1e-5:  # no near ties
                assert mine == [(document, token) for _, document, token in best[:4]]
                compared += 1
    assert compared > 10


def test_kept_tokens_are_the_documents_text(whole_run):
    texts = documents()
    tokens = whole_run.record.tokens
    for document, first, length in tokens.windows:
        assert "".join(tokens.pieces[first : first + length]) in texts[document]
    assert whole_run.document_names[3].endswith("passages.jsonl:4")
    hit = whole_run.top_tokens(whole_run.row_of("L1.N5"))[0]
    before, token, after = whole_run.context(hit.position, 30)
    assert token == hit.piece
    assert any(before + token + after in text for text in texts)


@pytest.mark.parametrize("tokens", [700, 180])
def test_shards_change_nothing(scanned, whole_run, tmp_path, tokens):
    events = []
    run = scanned(tmp_path / "run", shard_tokens=tokens, sample=100_000, occurrences=100_000, on_event=events.append)
    shards = sum(isinstance(event, ShardFinished) for event in events)
    assert shards == run.record.corpus.shards > 1
    assert differences(whole_run, run) == []
    assert not (tmp_path / "run" / WORK_FOLDER).exists()


@pytest.mark.parametrize("tokens", [48, 400, 100_000])
def test_batches_change_nothing(scanned, whole_run, tmp_path, tokens):
    run = scanned(tmp_path / "run", batch_tokens=tokens, sample=100_000, occurrences=100_000)
    assert differences(whole_run, run) == []


def test_samples_are_the_same_however_the_corpus_is_cut(scanned, tmp_path):
    whole = scanned(tmp_path / "whole", sample=100, occurrences=10)
    cut = scanned(tmp_path / "cut", batch_tokens=100, **SMALL_SAMPLE)
    assert differences(whole, cut) == []
    counts = whole.record.corpus.categories["small"]
    assert counts.drawn == 10 < counts.occurrences
    assert counts.rest_drawn <= 100 < counts.rest
    assert np.isfinite(whole.figure("ap_se")[:, 0]).all()


def test_parts_merged_in_any_order_are_the_whole(scanned, tmp_path):
    whole = scanned(tmp_path / "whole", **SMALL_SAMPLE)
    parts = [scanned(tmp_path / f"part{n}", part=Part(n, 3), **SMALL_SAMPLE).path for n in (1, 2, 3)]
    assert differences(whole, merge_parts(parts, tmp_path / "merged")) == []
    assert differences(whole, merge_parts(parts[::-1], tmp_path / "other")) == []
    assert not (tmp_path / "merged" / WORK_FOLDER).exists()
    two = merge_parts(parts[:2], tmp_path / "two")
    assert any("Not in this run" in problem for problem in two.record.problems)
    later = merge_parts([two.path, parts[2]], tmp_path / "later")
    assert differences(whole, later) == []
    assert later.record.problems == whole.record.problems


def test_what_does_not_belong_together_is_refused(scanned, tmp_path):
    part = scanned(tmp_path / "one", part=Part(1, 3), **SMALL_SAMPLE).path
    other = scanned(tmp_path / "other", part=Part(2, 3), **SMALL_SAMPLE | {"seed": 4}).path
    with pytest.raises(RunError, match=r"differs in corpus\.seed"):
        merge_parts([part, other], tmp_path / "merged")
    with pytest.raises(RunError, match="Shard 1 is in two of the parts"):
        merge_parts([part, part], tmp_path / "merged")
    with pytest.raises(RunError, match="holds no part"):
        merge_parts([part, tmp_path], tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


class _StopAfter:
    """Cancels a scan when so many shards are done."""

    def __init__(self, shards: int) -> None:
        self.cancel = threading.Event()
        self.left = shards

    def __call__(self, event) -> None:
        if isinstance(event, ShardFinished):
            self.left -= 1
            if not self.left:
                self.cancel.set()


def test_a_cancelled_scan_shows_what_it_has_and_goes_on_to_the_same_end(scanned, tmp_path):
    whole = scanned(tmp_path / "whole", **SMALL_SAMPLE)
    stop = _StopAfter(2)
    with pytest.raises(Cancelled):
        scanned(tmp_path / "run", on_event=stop, cancel=stop.cancel, **SMALL_SAMPLE)
    run = Run.open(tmp_path / "run")
    assert run.record.state == "cancelled"
    assert run.record.corpus.merged == 2
    assert np.isfinite(run.figure("mean_all")).all()
    assert differences(whole, scanned(tmp_path / "run", resume=True, **SMALL_SAMPLE)) == []


def test_a_run_of_other_settings_is_not_gone_on_with(scanned, tmp_path):
    stop = _StopAfter(1)
    with pytest.raises(Cancelled):
        scanned(tmp_path / "run", shard_tokens=180, on_event=stop, cancel=stop.cancel)
    with pytest.raises(RunError, match=r"differs in corpus\.seq_len"):
        scanned(tmp_path / "run", shard_tokens=180, resume=True, seq_len=40)
    with pytest.raises(RunError, match="holds a run already"):
        scanned(tmp_path / "run", shard_tokens=180)


@pytest.mark.parametrize(
    "name", ["L1.npz", "samples.npz", "tallies.npz", "ledger.json", "000000.f32", "000000-000000.npz"]
)
def test_a_damaged_state_is_named(scanned, tmp_path, name):
    stop = _StopAfter(1)
    with pytest.raises(Cancelled):
        scanned(tmp_path / "run", shard_tokens=180, on_event=stop, cancel=stop.cancel)
    (file,) = Path(tmp_path / "run").rglob(name)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(RunError, match="is damaged"):
        scanned(tmp_path / "run", shard_tokens=180, resume=True)
