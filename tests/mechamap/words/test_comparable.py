"""Texts made comparable: every place in them is a place in the original."""

from __future__ import annotations

import unicodedata
from itertools import pairwise

import regex
from hypothesis import given
from hypothesis import strategies as st

from mechamap.words.comparable import comparable

CHARACTERS = "ab \n\t'’-‑éE\u0301İi\u0307ß각ᄒ\u1161\u11ab\u00ad\u200b\u200c\u200d👩🏽क\u093eक्षพำ苹果\u2067🇩🇪"


@given(st.text(CHARACTERS, max_size=30))
def test_whole_clusters_are_kept_and_lie_in_the_original_in_order(text: str) -> None:
    read = comparable(text)
    assert len(read.exact) == len(read.folded)
    places = [place for place in range(len(read.exact) + 1) if not read.cuts_cluster(place)]
    spans = [read.original_span(start, end) for start, end in pairwise(places)]
    assert all(0 <= start <= end <= len(text) for start, end in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    borders = {match.start() for match in regex.finditer(r"\X", text)} | {len(text)}
    assert all(start in borders and end in borders for start, end in spans)


@given(st.text(CHARACTERS.replace("\u200c", ""), max_size=30))
def test_equivalent_texts_read_alike(text: str) -> None:
    assert comparable(unicodedata.normalize("NFD", text)).exact == comparable(unicodedata.normalize("NFC", text)).exact


def test_plain_text_is_taken_as_it_is() -> None:
    text = "Nothing here has to change."
    read = comparable(text)
    assert (read.exact, read.folded) == (text, text.lower())
    assert read.original_span(8, 12) == (8, 12)
