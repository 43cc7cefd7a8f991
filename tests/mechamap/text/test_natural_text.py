"""The bundled natural text, and the order in which its passages are read."""

from __future__ import annotations

import re

import pytest

from mechamap.config.scan_config import Category
from mechamap.config.schema import default_config
from mechamap.text.natural_text import LARGEST_SIZE, longer_texts, natural_passages, ordered_passages, unread_passages
from mechamap.words.finder import WordFinder


def occurrences(words: tuple[str, ...], text: str) -> int:
    return sum(1 for _ in WordFinder([words]).matches(text))


def test_the_text_is_prose_in_passages_that_name_no_source() -> None:
    passages = natural_passages()
    assert 80_000 < sum(map(len, passages)) < 90_000
    assert len(set(passages)) == len(passages) > 150
    whole = "\n".join(passages)
    assert not re.search(r"gutenberg|e-?book|https?:|copyright", whole, re.I)
    assert not re.search(r"^#|[<>{}_]", whole, re.M)


@pytest.mark.parametrize("category", default_config().categories, ids=lambda category: category.name)
def test_words_of_every_category_and_of_its_second_list_occur(category: Category) -> None:
    whole = "\n".join(natural_passages())
    assert occurrences(category.words, whole) >= 35
    assert occurrences(category.others, whole) >= 20


def test_the_order_is_a_permutation_and_the_same_each_time() -> None:
    passages, categories = natural_passages(), default_config().categories
    order = ordered_passages(passages, categories)
    assert sorted(order) == sorted(passages)
    assert order == ordered_passages(passages, categories)


def test_a_short_beginning_has_words_of_all_categories_and_prose_without_any() -> None:
    categories = default_config().categories
    beginning = ordered_passages(natural_passages(), categories)[:40]
    text = "\n".join(beginning)
    assert all(occurrences(category.words, text) >= 5 for category in categories)
    words = tuple(word for category in categories for word in (*category.words, *category.others))
    assert sum(not occurrences(words, passage) for passage in beginning) >= 4


def test_the_order_follows_the_words_of_the_config() -> None:
    categories = (Category("vehicle", ("boat",), ("schooner",)), Category("color", ("navy blue", "green")))
    passages = ["A dull and rather long passage about nothing.", "The boat was green.", "The boathouse was new."]
    assert ordered_passages(passages, categories) == [passages[1], passages[0], passages[2]]


def test_words_that_do_not_occur_leave_every_passage_neutral() -> None:
    order = ordered_passages(("one", "two"), (Category("tools", ("hammer",)),))
    assert sorted(order) == ["one", "two"]
    assert ordered_passages((), (Category("tools", ("hammer",)),)) == []


@pytest.mark.parametrize("size", [1, 1.5, 4, LARGEST_SIZE])
def test_the_default_text_is_made_longer_with_passages_that_the_second_text_then_leaves_out(size: float) -> None:
    config = default_config()
    texts = longer_texts(config.texts, config.categories, size)
    assert tuple(texts[: len(config.texts)]) == config.texts
    length, passage = sum(map(len, config.texts)), max(map(len, natural_passages()))
    assert size * length <= sum(map(len, texts)) < size * length + passage
    unread = unread_passages(texts)
    assert not set(unread) & set(texts)
    assert len(unread) + len(texts) - len(config.texts) == len(natural_passages())


def test_as_good_passages_are_left_for_the_second_text() -> None:
    config = default_config()
    added = longer_texts(config.texts, config.categories, LARGEST_SIZE)[len(config.texts) :]
    left = unread_passages(added)
    for category in config.categories:
        in_added, in_left = (occurrences(category.words, "\n".join(passages)) for passages in (added, left))
        assert min(in_added, in_left) >= 10
