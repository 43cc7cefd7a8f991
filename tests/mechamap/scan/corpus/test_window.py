"""The window of a context, read again by itself, has the activation that the scan recorded there."""

from __future__ import annotations

import numpy as np
import pytest

from mechamap.capture.rerun import kept_stretch
from mechamap.errors import RunError
from mechamap.figures.contexts import contexts_of
from mechamap.runs.corpus.tokens import Stretches
from mechamap.scan.activations import window_activations


@pytest.mark.parametrize("row", [0, 700, 1279])
def test_recorded_values_are_those_of_the_window(demo, whole_run, row):
    assert whole_run.record.corpus.whole_windows
    groups = contexts_of(whole_run, row)
    assert {group.kind for group in groups} == {"highest", "lowest", "range"}
    for context in (context for group in groups for context in group.contexts):
        first, values = window_activations(whole_run, row, context.position, demo)
        assert values[context.position - first] == pytest.approx(context.value, rel=1e-5, abs=1e-6)
        assert range(first, first + len(values)) == whole_run.window_of(context.position)


def test_ranges_hold_their_contexts_and_all_activations(whole_run):
    for row in range(0, whole_run.neurons, 97):
        ranges = [group for group in contexts_of(whole_run, row) if group.kind == "range"]
        assert sum(group.count for group in ranges) == whole_run.record.corpus.scored
        assert sum(group.share for group in ranges) == pytest.approx(1)
        for group in ranges:
            assert all(group.lower <= context.value <= group.upper for context in group.contexts)


def test_special_tokens_stand_around_the_stretch(demo, whole_run):
    windows = whole_run.record.tokens.windows
    assert isinstance(windows, Stretches)
    _, start, length = windows[1]
    first, tokenized = kept_stretch(whole_run, start + length - 1, demo)
    assert first == start
    assert tokenized.ids[0] == demo.tokenizer.bos_token_id
    np.testing.assert_array_equal(tokenized.ids[1:], whole_run.record.tokens.ids[start : start + length])
    assert tokenized.scored.sum() == length


def test_a_token_that_is_not_kept_is_refused(demo, whole_run):
    with pytest.raises(RunError, match="keeps no token"):
        window_activations(whole_run, 0, whole_run.record.corpus.kept_tokens, demo)
