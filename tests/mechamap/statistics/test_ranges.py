"""The five ranges of a neuron's activations, against plain computation from all of them."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from support.plain_statistics import SmallCorpus, plain_bin, small_corpora, statistics_of

from mechamap.statistics.places import hashes
from mechamap.statistics.ranges import context_ranges


@settings(max_examples=60, deadline=None)
@given(small_corpora(), st.sampled_from([-1, 1]))
def test_the_first_four_octaves_and_the_rest(corpus: SmallCorpus, sign: int) -> None:
    arrays = statistics_of(corpus, slice(None)).arrays()
    signs = np.full(corpus.values.shape[1], sign)
    ranges = context_ranges(arrays["histogram"], arrays["drawn_values"], arrays["drawn_keys"], signs, corpus.seed)
    order = hashes(corpus.seed, corpus.keys)
    for neuron, values in enumerate(corpus.values.T):
        octave = np.array([plain_bin(float(value)) // 2 for value in values])
        present = sorted(set(octave.tolist()), reverse=sign > 0)
        groups = [[one] for one in present[:4]] + ([present[4:]] if present[4:] else [])
        assert np.isnan(ranges.lower[neuron, len(groups) :]).all()
        assert (ranges.keys[neuron, len(groups) :] == -1).all()
        assert not ranges.counts[neuron, len(groups) :].any()
        for number, group in enumerate(groups):
            rows = np.flatnonzero(np.isin(octave, group))
            rows = rows[np.argsort(order[rows])]
            assert ranges.counts[neuron, number] == len(rows)
            assert (values[rows] >= ranges.lower[neuron, number]).all()
            assert (values[rows] <= ranges.upper[neuron, number]).all()
            assert ranges.keys[neuron, number].tolist() == [*corpus.keys[rows[:4]], -1, -1, -1, -1][:4]
            np.testing.assert_array_equal(
                ranges.values[neuron, number], np.array([*values[rows[:4]], *[np.nan] * 4][:4], np.float32)
            )
