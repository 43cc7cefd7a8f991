"""A scan from a model in a folder to a run on disk."""

from __future__ import annotations

import json
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from support.by_name import load_model
from support.plain_activations import plain_activations
from support.recorded_run import confirmation
from support.tiny_models import D_MLP, save_tiny_model

from mechamap.catalog.source import resolve
from mechamap.config.scan_config import Category
from mechamap.config.schema import default_config, with_overrides
from mechamap.errors import Cancelled, RunError, TextError, UsageError
from mechamap.events import LayerFinished, ScanFinished, ScanStarted
from mechamap.runs.additions import add_to_run
from mechamap.runs.run import Run
from mechamap.runs.writer import RunWriter
from mechamap.scan.activations import layer_activations
from mechamap.scan.prepare import ScanRequest
from mechamap.scan.scan import scan

TEXTS = (
    "The cat sat on the mat and ate an apple. A dog and a horse went to Paris by train.",
    "In New York a cat saw two dogs, an Apple shop, bread, and a horse. The dog barked at the CAT.",
)
CATEGORIES = (
    Category("animal", ("cat", "dog", "horse", "zebra")),
    Category("food", ("apple", "bread")),
    Category("place", ("Paris", "New York")),
    Category("nothing", ("xylophone",)),
)


@pytest.fixture(scope="module", params=["gpt2", "llama"])
def loaded(request, tmp_path_factory):
    return load_model(str(save_tiny_model(tmp_path_factory.mktemp(request.param), request.param)))


@pytest.fixture
def config():
    return replace(default_config(), categories=CATEGORIES, texts=TEXTS, top_k_tokens=4)


def request_for(loaded, config, out, **options) -> ScanRequest:
    return ScanRequest(resolve(loaded.id), config, out, **options)


def test_a_scan_leaves_a_complete_run(loaded, config, tmp_path):
    events = []
    run = scan(request_for(loaded, config, tmp_path / "run"), events.append, loaded=loaded)
    assert run.record.state == "complete"
    assert run.neurons == 3 * D_MLP
    assert [layer.complete for layer in run.layers] == [True] * 3
    assert run.categories == ("animal", "food", "place", "nothing")
    assert run.record.coverage["animal"].not_found == ("zebra",)
    assert run.record.coverage["animal"].occurrences == 7
    assert run.record.coverage["food"].found["apple"].count == 2
    assert run.record.coverage["place"].found["New York"].tokens >= 2
    assert len(run.record.proof) == 3
    assert {"load", "prove"} - set(run.record.timings) == {"load"}
    assert np.isnan(run.figure("auroc")[:, 3]).all()
    assert np.isfinite(run.figure("auroc")[:, :3]).all()
    for name in run.record.figures:
        stored = np.load(tmp_path / "run" / f"{name}.npy", mmap_mode="r", allow_pickle=False)
        assert stored.shape[0] == run.neurons
        assert stored.dtype == (np.int32 if name.endswith("positions") else np.float32)
    assert [event.layer for event in events if isinstance(event, LayerFinished)] == [0, 1, 2]
    started = next(event for event in events if isinstance(event, ScanStarted))
    assert (started.layers, started.neurons) == (3, 3 * D_MLP)
    assert isinstance(events[-1], ScanFinished)
    for event in events:
        json.dumps(event.to_dict())


def test_figures_are_those_of_the_activations(loaded, config, tmp_path):
    """Recomputed from plainly hooked forwards with scikit-learn and the definitions, for every neuron."""
    run = scan(request_for(loaded, config, tmp_path / "run"), loaded=loaded)
    record = run.record
    scored = [p for p in range(len(record.tokens.ids)) if p not in run.excluded]
    plain = plain_activations(loaded, record.tokens.ids, record.tokens.windows)
    for layer in run.layers:
        values = plain[layer.layer].T  # [neurons, positions]
        for c, category in enumerate(run.categories[:3]):
            spans = [(first, last) for number, _, first, last in record.occurrences if number == c]
            ends = [last for _, last in spans]
            inside = {p for first, last in spans for p in range(first, last + 1)}
            rest = [p for p in scored if p not in inside]
            assert len(ends) == record.coverage[category].occurrences
            means = run.figure("mean")[layer.rows, c]
            np.testing.assert_allclose(means, values[:, ends].mean(axis=1), rtol=1e-4, atol=1e-5)
            labels = [1] * len(ends) + [0] * len(rest)
            expected = [roc_auc_score(labels, row[ends + rest]) for row in values]
            # padding moves the last digit of an activation, and so may turn one pair around
            one_pair = 1.01 / (len(ends) * len(rest))
            np.testing.assert_allclose(run.figure("auroc")[layer.rows, c], expected, atol=one_pair)
        largest = run.figure("max")[layer.rows]
        np.testing.assert_allclose(largest, values[:, scored].max(axis=1), rtol=1e-4, atol=1e-5)
        for row in range(layer.first_row, layer.first_row + 5):
            for hit in run.top_tokens(row) + run.top_tokens(row, lowest=True):
                assert values[row - layer.first_row, hit.position] == pytest.approx(hit.value, rel=1e-4, abs=1e-5)
                assert hit.position not in run.excluded


def test_words_end_where_their_occurrence_ends(loaded, config, tmp_path):
    run = scan(request_for(loaded, config, tmp_path / "run"), loaded=loaded)
    pieces = run.record.tokens.pieces
    words = ["".join(pieces[first : last + 1]).strip() for _, _, first, last in run.record.occurrences]
    assert words == [
        *("cat", "dog", "horse", "cat", "horse", "dog", "CAT"),
        *("apple", "Apple", "bread"),
        *("Paris", "New York"),
    ]  # and not "dogs"


def test_the_first_position_counts_only_when_asked_for(loaded, config, tmp_path):
    policy = scan(request_for(loaded, config, tmp_path / "a"), loaded=loaded)
    everything = scan(
        request_for(
            loaded,
            replace(config, exclude_first_position=False, exclude_special_tokens=False, add_bos=False),
            tmp_path / "b",
        ),
        loaded=loaded,
    )
    assert policy.record.tokens.special  # a BOS stands in front, and does not count
    assert set(policy.record.tokens.special) <= policy.excluded
    assert everything.excluded == frozenset()
    assert everything.record.tokens.special == ()


def test_layers_and_neurons_can_be_chosen(loaded, config, tmp_path):
    whole = scan(request_for(loaded, config, tmp_path / "whole"), loaded=loaded)
    part = scan(request_for(loaded, replace(config, layers="0,2", limit_neurons=10), tmp_path / "part"), loaded=loaded)
    assert [(layer.layer, layer.first_row, layer.width, layer.d_mlp) for layer in part.layers] == [
        (0, 0, 10, D_MLP),
        (2, 10, 10, D_MLP),
    ]
    rows = [whole.row_of(part.neuron_name(row)) for row in range(part.neurons)]
    for name in ("auroc", "mean", "top_values"):
        np.testing.assert_allclose(part.figure(name), whole.figure(name)[rows], rtol=1e-4, atol=1e-5)


def test_a_layer_the_model_does_not_have_is_refused_by_number(loaded, config, tmp_path):
    with pytest.raises(UsageError, match="3"):
        scan(request_for(loaded, replace(config, layers="2-9"), tmp_path / "run"), loaded=loaded)
    assert not (tmp_path / "run").exists()


def cancelled_after(layer: int):
    cancel = threading.Event()

    def listen(event):
        if isinstance(event, LayerFinished) and event.layer == layer:
            cancel.set()

    return cancel, listen


def test_a_cancelled_scan_keeps_its_finished_layers_and_can_be_resumed(loaded, config, tmp_path):
    whole = scan(request_for(loaded, config, tmp_path / "whole"), loaded=loaded)
    cancel, listen = cancelled_after(0)
    with pytest.raises(Cancelled):
        scan(request_for(loaded, config, tmp_path / "run"), listen, cancel, loaded)
    stopped = Run.open(tmp_path / "run")
    assert stopped.record.state == "cancelled"
    assert [layer.complete for layer in stopped.layers] == [True, False, False]
    np.testing.assert_array_equal(stopped.figure("auroc")[:D_MLP], whole.figure("auroc")[:D_MLP])
    assert np.isnan(stopped.figure("auroc")[D_MLP:]).all()

    done = []
    resumed = scan(request_for(loaded, config, tmp_path / "run", resume=True), done.append, loaded=loaded)
    assert [event.layer for event in done if isinstance(event, LayerFinished)] == [1, 2]
    assert resumed.record.state == "complete"
    for name in whole.record.figures:
        np.testing.assert_array_equal(resumed.figure(name), whole.figure(name), err_msg=name)


def test_resuming_a_run_that_is_complete_keeps_what_was_checked_in_it(loaded, config, tmp_path):
    run = scan(request_for(loaded, config, tmp_path / "run"), loaded=loaded)
    p = np.full((run.neurons, len(run.categories)), 0.25, np.float32)
    add_to_run(run.path, {"p": p}, confirmation=confirmation(3))
    again = scan(request_for(loaded, config, tmp_path / "run", resume=True), loaded=loaded)
    assert again.record.state == "complete"
    np.testing.assert_array_equal(again.figure("p"), p)
    assert again.record.confirmation == confirmation(3)
    np.testing.assert_array_equal(again.figure("auroc"), run.figure("auroc"))


def test_a_run_of_a_version_that_computed_less_is_scanned_anew_when_resumed(loaded, config, tmp_path):
    run = scan(request_for(loaded, config, tmp_path / "run"), loaded=loaded)
    ap, write = np.array(run.figure("ap")), np.array(run.figure("write"))
    record = json.loads((run.path / "run.json").read_text(encoding="utf-8"))
    record["figures"] = [name for name in record["figures"] if name not in ("ap", "write")]
    (run.path / "run.json").write_text(json.dumps(record), encoding="utf-8")
    for name in ("ap", "write"):
        (run.path / f"{name}.npy").unlink()
    again = scan(request_for(loaded, config, tmp_path / "run", resume=True), loaded=loaded)
    np.testing.assert_array_equal(again.figure("ap"), ap)
    np.testing.assert_array_equal(again.figure("write"), write)


def test_a_run_is_not_overwritten_and_not_resumed_with_other_settings(loaded, config, tmp_path):
    scan(request_for(loaded, config, tmp_path / "run"), loaded=loaded)
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir() if path.is_file()}
    with pytest.raises(RunError, match="holds a run already"):
        scan(request_for(loaded, config, tmp_path / "run"), loaded=loaded)
    other = replace(config, categories=CATEGORIES[:2], top_k_tokens=5)
    with pytest.raises(RunError, match="different settings: categories, top_k_tokens"):
        scan(request_for(loaded, other, tmp_path / "run", resume=True), loaded=loaded)
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir() if path.is_file()} == before


def test_a_failing_pass_leaves_a_run_that_says_so(loaded, config, tmp_path, monkeypatch):
    write = RunWriter.write_layer

    def full_disk(writer, layer, *rest):
        if layer == 2:
            raise RunError("No space left on device.")
        write(writer, layer, *rest)

    monkeypatch.setattr(RunWriter, "write_layer", full_disk)
    with pytest.raises(RunError, match="No space"):
        scan(request_for(loaded, config, tmp_path / "run"), loaded=loaded)
    run = Run.open(tmp_path / "run")
    assert run.record.state == "failed"
    assert [layer.complete for layer in run.layers] == [True, True, False]


def test_neurons_that_overflow_are_flagged_and_never_silently_zero(loaded, config, tmp_path):
    def overflow(_module, args):
        args[0][..., 5] = torch.inf
        return args

    # registered first, so that it runs before the scan's own hook; the proof is over the same layer and must pass
    def scan_with_overflow():
        started = []

        def listen(event):
            if isinstance(event, ScanStarted):
                started.append(loaded.layers[1].module.register_forward_pre_hook(overflow))

        try:
            return scan(request_for(loaded, config, tmp_path / "run"), listen, loaded=loaded)
        finally:
            for handle in started:
                handle.remove()

    run = scan_with_overflow()
    assert run.layers[1].flags == ("not finite",)
    assert "Layer 1: 1 of 80 neurons" in run.record.problems[0]
    assert np.isnan(run.figure("auroc")[run.row_of("L1.N5"), :3]).all()
    assert np.isfinite(run.figure("auroc")[run.row_of("L1.N6"), :3]).all()


def test_activations_can_be_had_later_from_the_run_alone(loaded, config, tmp_path):
    kept = scan(request_for(loaded, replace(config, keep_activations="always"), tmp_path / "kept"), loaded=loaded)
    run = scan(request_for(loaded, replace(config, keep_activations="never"), tmp_path / "run"), loaded=loaded)
    assert run.activations(1) is None
    layer_activations(run, 1, loaded)
    np.testing.assert_allclose(run.activations(1), kept.activations(1), rtol=1e-2, atol=1e-2)


def test_a_vocabulary_larger_than_the_embedding_is_refused(loaded, config, tmp_path):
    with pytest.raises(TextError, match="embedding has 10 rows"):
        scan(request_for(loaded, config, tmp_path / "run"), loaded=replace(loaded, vocabulary=10))


def test_overrides_reach_the_run(loaded, config, tmp_path):
    run = scan(request_for(loaded, with_overrides(config, threshold=0.5), tmp_path / "run"), loaded=loaded)
    assert run.threshold == 0.5
    assert {category.name: category.words for category in run.config.categories}["food"] == ("apple", "bread")
