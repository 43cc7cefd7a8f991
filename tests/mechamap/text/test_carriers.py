"""Words in carrier sentences: where they stand in the tokens, which are taken, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.planted_models import word_tokenizer

from mechamap.config.scan_config import Category, ScanConfig
from mechamap.config.schema import default_config
from mechamap.errors import TextError
from mechamap.text.carrier_words import carrier_words
from mechamap.text.carriers import Carriers, carry

CATEGORIES = (
    Category("animal", ("cat", "dog", "elephant", "orange")),
    Category("food", ("apple", "orange", "ice cream")),
    Category("place", ("Paris", "New York")),
)
TEMPLATES = (
    "The next word is {}",
    "{} sat on the mat.",
    "A train went to {}, and nobody said why.",
    'They called it "{}"!',
)
CONTRAST = ("table", "Cat", "quickly", "paris")


def config_of(**changes: Any) -> ScanConfig:
    return replace(
        default_config(), **{"categories": CATEGORIES, "templates": TEMPLATES, "contrast": CONTRAST, **changes}
    )


@pytest.fixture(scope="module")
def tokenizer(tiny_models: Callable[..., Path]) -> Any:
    """Byte-level BPE with a BOS; most words take several tokens."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(tiny_models("gpt2")))


def carried(tokenizer: Any, config: ScanConfig, context: int | None = None) -> Carriers:
    return carry(carrier_words(config, tokenizer), config, tokenizer, context)


# --- which words --------------------------------------------------------------------------------------------


def test_each_word_is_there_once_with_all_its_categories(tokenizer: Any) -> None:
    words = carrier_words(config_of(), tokenizer)
    assert words.words[: words.plain] == (
        *("cat", "dog", "elephant", "orange", "apple", "ice cream", "Paris", "New York"),
        *("table", "quickly"),
    )
    members = dict(zip(words.words, words.members.tolist(), strict=True))
    assert members["cat"] == [True, False, False]
    assert members["orange"] == [True, True, False]
    assert members["New York"] == [False, False, True]
    assert members["table"] == [False, False, False]


def test_words_of_the_contrast_that_are_in_a_category_are_not_taken_for_others(tokenizer: Any) -> None:
    words = carrier_words(config_of(), tokenizer).words
    assert "Cat" not in words
    assert "paris" not in words
    without = carrier_words(config_of(contrast=()), tokenizer)
    assert without.members[: without.plain].any(axis=1).all()


def test_words_are_drawn_for_each_category_and_are_the_contrast_where_there_is_no_list(tokenizer: Any) -> None:
    listed, drawn = (carrier_words(config_of(contrast=contrast), tokenizer) for contrast in (CONTRAST, None))
    for words in (listed, drawn):
        assert (words.matched.sum(axis=0) == [2 * len(category.words) for category in CATEGORIES]).all()
        assert not (words.matched & words.members).any()
    assert not listed.contrast[listed.plain :].any()
    assert (drawn.contrast == drawn.matched.any(axis=1)).all()
    assert drawn.plain == drawn.comparable
    assert listed.plain < listed.comparable == len(listed.words)


def test_near_relatives_are_only_compared_with_their_own_category(tokenizer: Any) -> None:
    animal, *others = CATEGORIES
    words = carrier_words(config_of(categories=(replace(animal, near=("tail", "apple")), *others)), tokenizer)
    tail, apple = words.words.index("tail"), words.words.index("apple")
    assert tail >= words.comparable  # no other category is compared with it
    assert words.near[tail].tolist() == words.near[apple].tolist() == [True, False, False]
    assert words.members[apple].tolist() == [False, True, False]


def test_no_english_words_are_drawn_for_sentences_of_another_language(tokenizer: Any) -> None:
    words = carrier_words(
        config_of(templates=("Das nächste Wort der Liste lautet {}", "Er sagte langsam {}")), tokenizer
    )
    assert not words.matched.any()


# --- where they stand ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("bos", [True, False])
def test_the_positions_of_a_word_spell_it_in_every_sentence(tokenizer: Any, bos: bool) -> None:
    templates = TEMPLATES if bos else (TEMPLATES[0], *TEMPLATES[2:])
    carriers = carried(tokenizer, config_of(add_bos=bos, templates=templates))
    tokenized = carriers.tokenized
    scored = np.flatnonzero(tokenized.scored)
    words = carriers.words.words
    assert carriers.templates == len(templates)
    assert carriers.spans.shape == (len(words), len(templates), 2)
    lengths = set()
    for word, spans in zip(words, carriers.spans, strict=True):
        for first, last in spans.tolist():
            positions = scored[first : last + 1]
            assert np.array_equal(positions, np.arange(positions[0], positions[-1] + 1))
            assert tokenizer.decode(tokenized.ids[positions]).strip(' "') == word
            lengths.add(len(positions))
    assert {1, 2} <= lengths  # some take one token, others several
    inside = np.concatenate([np.arange(first, last + 1) for first, last in carriers.spans.reshape(-1, 2).tolist()])
    assert sorted(inside.tolist()) == list(range(int(tokenized.scored.sum())))  # nothing else is looked at


@pytest.mark.parametrize("bos", [True, False])
def test_every_sentence_is_a_window_and_short_ones_come_first(tokenizer: Any, bos: bool) -> None:
    templates = (TEMPLATES[0], *TEMPLATES[2:])
    carriers = carried(tokenizer, config_of(add_bos=bos, templates=templates))
    front = tokenizer.bos_token if bos else ""
    expected = [f"{front}{template.format(word)}" for word in carriers.words.words for template in templates]
    windows = carriers.tokenized.windows
    found = {w.text: tokenizer.decode(carriers.tokenized.ids[w.start : w.start + w.length]) for w in windows}
    assert [found[number] for number in range(len(expected))] == expected
    assert [w.length for w in windows] == sorted(w.length for w in windows)
    ends = [w.start + w.length for w in windows]
    assert [w.start for w in windows] == [0, *ends[:-1]]
    assert ends[-1] == len(carriers.tokenized.ids)


def test_a_word_at_the_start_is_taken_where_a_bos_stands_in_front(tokenizer: Any) -> None:
    config = config_of(templates=("{} sat on the mat.",), categories=(Category("animal", ("cat", "A")),), contrast=())
    carriers = carried(tokenizer, config)
    scored = np.flatnonzero(carriers.tokenized.scored)
    starts = {window.start for window in carriers.tokenized.windows}
    assert {int(scored[first]) - 1 for first in carriers.spans[:, 0, 0].tolist()} == starts


# --- what is left out or refused ----------------------------------------------------------------------------


def test_a_word_that_the_vocabulary_does_not_know_is_left_out_with_the_reason() -> None:
    config = config_of(
        categories=(Category("animal", ("dog", "zebra", "cat")), Category("food", ("bread", "xylophone soup"))),
        templates=("The next word on the list is {}", "Nobody in the room had mentioned {}"),
        contrast=("table", "carburettor"),
    )
    carriers = carried(word_tokenizer(), config)
    assert carriers.words.words[: carriers.words.plain] == ("dog", "cat", "bread", "table")
    members = carriers.words.members[: carriers.words.plain]
    assert members.tolist() == [[True, False], [True, False], [False, True], [False, False]]
    reason = "not in the tokenizer's vocabulary"
    assert carriers.skipped == {"zebra": reason, "xylophone soup": reason, "carburettor": reason}
    assert len(carriers.tokenized.windows) == len(carriers.words.words) * 2


def test_a_word_whose_characters_a_tokenizer_drops_is_left_out() -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    inner = Tokenizer(models.BPE())  # no unknown token: what it does not know, it leaves out
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    inner.train_from_iterator(["the next word is cat or dog"], trainers.BpeTrainer(vocab_size=80, show_progress=False))
    config = config_of(
        categories=(Category("animal", ("cat", "猫", "dogü")),), templates=("the next word is {}",), contrast=("dog",)
    )
    carriers = carried(PreTrainedTokenizerFast(tokenizer_object=inner), config)
    assert carriers.words.words[: carriers.words.plain] == ("cat", "dog")
    assert set(carriers.skipped) == {"猫", "dogü"}


def test_a_template_that_puts_its_word_where_nothing_is_scored_is_refused(tokenizer: Any) -> None:
    config = config_of(add_bos=False, categories=(Category("animal", ("A",)),))
    with pytest.raises(TextError, match="puts its word at the first position") as caught:
        carried(tokenizer, config)
    assert "{} sat on the mat." in caught.value.message
    assert caught.value.hint
    assert carried(tokenizer, replace(config, exclude_first_position=False)).templates == len(TEMPLATES)


@pytest.mark.parametrize(("window", "context"), [(10, None), (512, 10)])
def test_a_sentence_that_no_window_holds_is_refused(tokenizer: Any, window: int, context: int | None) -> None:
    with pytest.raises(TextError, match=r"has \d+ tokens; a window holds 10"):
        carried(tokenizer, config_of(window=window), context)


def test_the_default_sentences_and_words_fit(tokenizer: Any) -> None:
    config = default_config()
    carriers = carried(tokenizer, config)
    assert carriers.skipped == {}
    assert len(carriers.tokenized.windows) == len(carriers.words.words) * len(config.templates)
