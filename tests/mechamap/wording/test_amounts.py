"""Amounts in words."""

from __future__ import annotations

import pytest

from mechamap.wording.amounts import coarse_size, duration, layer_ranges, quantity, size


@pytest.mark.parametrize(
    ("count", "fine", "coarse"),
    [
        (999, "999 B", "0 MB"),
        (1_500_000, "1.5 MB", "2 MB"),
        (812_400_000, "812.4 MB", "812 MB"),
        (3_400_000_000, "3.4 GB", "3.4 GB"),
        (2_000_000_000_000, "2.0 TB", "2,000.0 GB"),
    ],
)
def test_sizes_have_a_unit_in_which_they_are_short(count: int, fine: str, coarse: str) -> None:
    assert (size(count), coarse_size(count)) == (fine, coarse)


@pytest.mark.parametrize(
    ("seconds", "text", "padded"),
    [
        (0.44, "0.4 s", "0.4 s"),
        (12.3, "12 s", "12 s"),
        (59.7, "1 min 0 s", "1 min 00 s"),
        (185, "3 min 5 s", "3 min 05 s"),
        (3599.8, "1 h 0 min", "1 h 00 min"),
        (9600, "2 h 40 min", "2 h 40 min"),
    ],
)
def test_durations_are_rounded_before_their_unit_is_chosen(seconds: float, text: str, padded: str) -> None:
    assert (duration(seconds), duration(seconds, padded=True)) == (text, padded)


@pytest.mark.parametrize(("count", "text"), [(0, "0 rows"), (1, "1 row"), (1204, "1,204 rows")])
def test_one_has_no_plural(count: int, text: str) -> None:
    assert quantity(count, "row") == text


@pytest.mark.parametrize(
    ("layers", "written"), [([], ""), ([4], "4"), ([3, 1, 2, 2], "1-3"), ([0, 1, 5, 7, 8], "0-1,5,7-8")]
)
def test_layers_are_written_as_the_flag_takes_them(layers: list[int], written: str) -> None:
    assert layer_ranges(layers) == written
