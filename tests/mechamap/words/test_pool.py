"""The bundled words: enough of every kind, none of a default category, and the features of any word."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import pytest
from support.repository import ROOT

from mechamap.config.schema import default_config
from mechamap.words.pool import ControlWord, control_words, features_of, known_words

PARTS = {"noun", "name", "verb", "adjective", "adverb", "other"}


def test_there_are_controls_of_every_frequency() -> None:
    bands = Counter(int(control.zipf) for control in control_words())
    assert 8_000 < len(control_words()) < 10_000
    assert all(bands[band] > 300 for band in (1, 2, 3, 4, 5))
    assert bands[6] > 20  # there are not many more in the language
    assert min(control.zipf for control in control_words()) < 1


def test_there_are_capitalised_controls_of_every_frequency() -> None:
    """Few names are as frequent as the most frequent words are, even in a large corpus."""
    bands = Counter(int(control.zipf) for control in control_words() if control.capital)
    assert bands.total() > 2_000
    assert all(bands[band] > 400 for band in (1, 2, 3))
    assert bands[4] > 80


@pytest.mark.parametrize("part", sorted(PARTS))
def test_there_are_controls_of_every_part_of_speech(part: str) -> None:
    of_it = [control for control in control_words() if control.part_of_speech == part]
    assert len(of_it) > (100 if part == "other" else 500)
    assert {control.capital for control in of_it} == {part == "name"}


def test_there_are_controls_of_every_length() -> None:
    lengths = Counter(control.letters for control in control_words())
    assert min(lengths) == 2
    assert max(lengths) == 16
    assert all(lengths[length] > 100 for length in range(3, 15))


def test_each_is_one_word_of_letters_and_there_once() -> None:
    words = [control.word for control in control_words()]
    assert len(set(words)) == len(words)
    assert [word for word in words if not (word.isascii() and word.isalpha())] == []
    assert [word for word in words if not (word[1:].islower() or word.startswith(("Mc", "Mac")))] == []


def test_none_is_a_word_of_the_default_config() -> None:
    categories = default_config().categories
    listed = {word.casefold() for category in categories for word in (*category.words, *category.others)}
    near = {word for category in categories for word in category.near}
    words = {control.word for control in control_words()}
    assert words & near == set()
    assert {word for word in words if word.casefold() in listed} == set()


def test_none_is_of_a_default_category_though_not_listed_in_it() -> None:
    members = """
        autumn midnight decade birthday Easter Christmas Australia Vienna Ohio American Londoner Amazon village
        hamster puppy trout lobster spider dinosaur beef onion coffee whiskey cinnamon lunch kitchen
        zero dozen second ninth half Icelandic Yiddish Sanskrit Esperanto jeep submarine tricycle rocket sailor
        azure tan golden colour beef cook drive
    """.split()  # noqa: SIM905
    assert {control.word for control in control_words()} & set(members) == set()


def test_the_most_frequent_come_first() -> None:
    frequencies = [control.zipf for control in control_words()]
    assert frequencies == sorted(frequencies, reverse=True)
    assert control_words() is control_words()


def test_the_features_of_a_control_are_its_own() -> None:
    control = next(control for control in control_words() if control.word == "Tchaikovsky")
    assert control == ControlWord("Tchaikovsky", 2.3, "name")
    assert (control.capital, control.letters) == (True, 11)
    assert tuple(features_of("Tchaikovsky")) == tuple(control)


@pytest.mark.parametrize("part", ["words", "others", "near"])
def test_the_default_configs_words_are_known(part: str) -> None:
    words = [word for category in default_config().categories for word in getattr(category, part)]
    unknown = [word for word in words if features_of(word).zipf is None]
    assert len(unknown) < 0.02 * len(words), unknown


def test_the_table_has_far_more_words_than_controls() -> None:
    words = set(known_words())
    assert len(words) > 30_000
    assert {control.word for control in control_words()} < words
    assert {"dog", "Paris", "seven", "1999"} <= words


@pytest.mark.parametrize(
    ("word", "zipf_like", "part", "letters"),
    [
        ("New York", "York", "name", 7),
        ("ice cream", "cream", "noun", 8),
        ("ice-cream", "cream", "noun", 8),
        ("three", "three", "noun", 5),
        ("100", "100", "noun", 3),
        ("monday", "Monday", "name", 6),
        ("Dog", "dog", "name", 3),
    ],
)
def test_a_phrase_is_as_rare_as_its_rarest_word(word: str, zipf_like: str, part: str, letters: int) -> None:
    features = features_of(word)
    assert features.word == word
    assert features.zipf == features_of(zipf_like).zipf is not None
    assert (features.part_of_speech, features.letters) == (part, letters)


@pytest.mark.parametrize(
    ("word", "part"), [("qzxv", None), ("98765", None), ("Qzxv", "name"), ("", None), ("qzxv dog", "noun")]
)
def test_what_is_not_known_is_said_to_be_so(word: str, part: str | None) -> None:
    assert features_of(word).zipf is None
    assert features_of(word).part_of_speech == part


def test_the_pool_loads_neither_torch_nor_numpy() -> None:
    script = "import sys; from mechamap.words.pool import control_words; control_words(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert {"torch", "numpy"}.isdisjoint(done.stdout.split())
