"""Which words are found in texts of all scripts."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from support.small_tokenizers import byte_level
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from mechamap.config.schema import config_from_dict, default_config, with_overrides
from mechamap.errors import ConfigError
from mechamap.runs.coverage import Coverage
from mechamap.scores.writes import first_tokens
from mechamap.text.occurrences import coverage, find_words
from mechamap.text.tokenize import tokenize

HINDI = "भारत में नदी बहती है। वह काम में रत है। गायिका और गाय।"
CHINESE = "狗在追猫,猫在追老鼠。他喜欢苹果,也喜欢葡萄。苹果很甜。"


def covered(words: list[str], text: str) -> Coverage:
    """What a scan reports of a category with these words."""
    config = with_overrides(default_config(), categories={"c": words}, texts=[text], exclude_first_position=False)
    tokenized = tokenize(config.texts, byte_level(), config, None)
    return coverage(find_words(tokenized, config.texts, [words]), config.categories)["c"]


def counts(words: list[str], text: str) -> dict[str, int]:
    return {word: found.count for word, found in covered(words, text).found.items()}


def refusal(words: list[str], **lists: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        config_from_dict({"categories": {"c": {"words": words, **lists}}})
    return f"{caught.value.message} {caught.value.hint}"


@pytest.mark.kind("word_behind_a_mark")
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_mark_is_no_border(form: str) -> None:
    text = unicodedata.normalize(form, "The garçon of Señor Ruiz is on the train, or rich in Zürich.")
    assert counts(["on", "or", "rich"], text) == {"on": 1, "or": 1, "rich": 1}
    assert counts(["रत", "नदी", "गाय"], unicodedata.normalize(form, HINDI)) == {"रत": 1, "नदी": 1, "गाय": 1}


@pytest.mark.kind("word_behind_an_invisible_character")
@pytest.mark.parametrize("sign", ["\u00ad", "\u2060", "\u200e"])
def test_invisible_characters_are_looked_through(sign: str) -> None:
    assert counts(["dog", "dogma"], f"A dog{sign}ma and a dog{sign}.") == {"dog": 1, "dogma": 1}


@pytest.mark.kind("persian_joiner")
def test_a_joiner_binds_an_ending() -> None:
    assert counts(["کتاب"], "کتاب‌ها را خواندم و کتاب را دادم") == {"کتاب": 1}
    assert counts(["کتاب‌ها"], "کتاب‌ها را") == {"کتاب‌ها": 1}


@pytest.mark.kind("decomposed_text", "korean_particles")
@pytest.mark.parametrize("word", ["café", "사과", "ệ"])
def test_composed_and_decomposed_are_found_alike(word: str) -> None:
    composed, decomposed = (unicodedata.normalize(form, word) for form in ("NFC", "NFD"))
    text = f"x {composed} y {decomposed} {composed}를"
    assert list(counts([composed], text).values()) == list(counts([decomposed], text).values()) == [2]


@pytest.mark.kind("scripts_without_spaces")
@pytest.mark.parametrize(
    ("words", "text", "times"),
    [
        (["苹果", "狗", "猫"], CHINESE, [2, 1, 2]),
        (["食べ物", "パン"], "この食べ物はパンです。パンと食べ物。", [2, 2]),
        (["แมว"], "แมวกินปลา แมวนอน", [2]),
        (["ໝາ"], "ຂ້ອຍມີໝາສອງໂຕ", [1]),
        (["ឆ្កែ"], "ខ្ញុំមានឆ្កែពីរ", [1]),
        (["ခွေး"], "ကျွန်တော့်ခွေးကလေး", [1]),
        (["བོད"], "བོད་ཡིག་གི་དེབ", [1]),
    ],
)
def test_a_script_without_spaces_has_no_borders(words: list[str], text: str, times: list[int]) -> None:
    report = covered(words, text)
    assert [report.found[word].count for word in words] == times
    assert report.not_found == ()
    assert set(report.anywhere) == set(words)


@pytest.mark.kind("latin_between_kana")
def test_a_character_of_such_a_script_is_no_part_of_a_latin_word() -> None:
    report = covered(["python", "3"], "彼はPythonを3年使う。Pythonista 13")
    assert {word: found.count for word, found in report.found.items()} == {"python": 1, "3": 1}
    assert report.anywhere == ()


@pytest.mark.kind("words_that_differ_in_capitals")
def test_capitals_tell_two_words_apart() -> None:
    assert counts(["IT", "It"], "The IT team. It works. it is.") == {"IT": 1, "It": 1}
    assert len(config_from_dict({"categories": {"c": ["MACLISP", "Maclisp", "SrA", "Sra"]}}).categories[0].words) == 4
    assert "A word in lower case matches in any case" in refusal(["it", "It"])
    assert "A word in lower case matches in any case" in refusal(["It", "it"])


@pytest.mark.kind("sharp_s")
def test_sharp_s_is_a_letter_of_its_own() -> None:
    assert counts(["ausser", "außer"], "Ausser ihm, außer ihr, AUẞER uns") == {"ausser": 1, "außer": 2}
    assert counts(["straße"], "Straße STRASSE Strasse") == {"straße": 2}


@pytest.mark.kind("one_word_in_two_encodings")
@pytest.mark.parametrize(("one", "other"), [("café", "cafe\u0301"), ("don't", "don’t"), ("co-op", "co‑op")])
def test_one_word_is_listed_once_however_it_is_encoded(one: str, other: str) -> None:
    assert "encoded" in refusal([one, other])
    assert "in words and near" in refusal([one], near=[other])


@pytest.mark.kind("one_word_in_two_encodings")
def test_a_category_is_named_once_however_it_is_encoded() -> None:
    with pytest.raises(ConfigError, match="a second time"):
        config_from_dict({"categories": {"café": ["tea"], "cafe\u0301": ["cake"]}})


@pytest.mark.kind("many_words")
def test_each_place_of_a_text_is_looked_at_once_however_many_words_there_are() -> None:
    words = [f"w{number}x" for number in range(2_000)]
    report = covered(words, " ".join(words[::2]) + " w1xx")
    assert (len(report.found), report.occurrences, len(report.not_found)) == (1_000, 1_000, 1_000)


@pytest.mark.kind("typographic_apostrophe")
def test_typographic_signs_are_plain_ones() -> None:
    assert counts(["don't", "well-known"], "Don’t! A well‑known one, don't") == {"don't": 2, "well-known": 1}


@pytest.mark.kind("turkish_capital_i")
def test_the_letters_i_of_turkish() -> None:
    assert counts(["istanbul"], "İstanbul, I\u0307stanbul, ISTANBUL") == {"istanbul": 3}
    assert counts(["kır", "kir"], "kır kir KIR") == {"kır": 1, "kir": 2}


@pytest.mark.kind("emoji_as_words")
def test_an_emoji_is_one_character() -> None:
    assert counts(["👩", "❤"], "love❤️you 👩‍🚀 👩🏽 👩!") == {"👩": 1, "❤": 1}


@pytest.mark.kind("window_inside_a_character")
def test_a_window_ends_with_a_whole_character() -> None:
    text = "ते" * 60
    config = with_overrides(default_config(), texts=[text], window=20)
    tokenized = tokenize(config.texts, byte_level(), config, None)
    firsts = [int(tokenized.offsets[window.start + 1, 0]) for window in tokenized.windows]
    assert len(firsts) > 10
    assert all(first % len("ते") == 0 for first in firsts)


@pytest.mark.kind("written_words_without_spaces")
def test_the_token_that_begins_a_word_of_such_a_script_has_no_space_in_front() -> None:
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, initial_alphabet=alphabet, show_progress=False)
    inner.train_from_iterator([" 苹果 dog" * 20, "苹果 dog" * 20], trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner)
    apple, dog = (tokenizer.convert_ids_to_tokens(int(number)) for number in first_tokens(["苹果", "dog"], tokenizer))
    assert tokenizer.tokenize(" 苹果")[0].startswith("Ġ")
    assert apple == tokenizer.tokenize("吃苹果")[-len(tokenizer.tokenize("苹果"))]
    assert dog.startswith("Ġ")


@pytest.mark.kind("german_letters_are_letters")
def test_letters_with_umlauts_are_letters() -> None:
    assert counts(["lt", "chen"], "erhält, Häuschen, Mädchen, lt.") == {"lt": 1}
