from __future__ import annotations

import dataclasses
import json
import re
import statistics
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mechamap.config.layers import layers_needed, parse_layers
from mechamap.config.recorded import recorded_config
from mechamap.config.scan_config import Category, ScanConfig, config_to_dict
from mechamap.config.schema import (
    config_from_dict,
    config_to_yaml,
    configs_folder,
    default_config,
    load_config,
    with_overrides,
)
from mechamap.errors import ConfigError, UsageError
from mechamap.words.finder import WordFinder
from mechamap.words.known import without_case
from mechamap.words.pool import control_words

EIGHT = ["date", "location", "animal", "food", "numeric", "language", "vehicle", "color"]


def written(folder: Path, text: str | bytes, name: str = "mine.yaml") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def mistake(folder: Path, text: str | bytes) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load_config(written(folder, text))
    return caught.value


# --- the default ------------------------------------------------------------------------------------------


def test_the_default_has_the_eight_categories_of_sixteen_to_twenty_four_words() -> None:
    categories = default_config().categories
    assert [category.name for category in categories] == EIGHT
    assert all(16 <= len(category.words) <= 24 for category in categories)


def test_no_word_of_the_default_is_in_two_categories() -> None:
    words = [word.casefold() for category in default_config().categories for word in category.words]
    assert len(words) == len(set(words))


def test_the_default_file_names_every_key_of_a_config() -> None:
    text = (configs_folder() / "default.yaml").read_text(encoding="utf-8")
    for field in dataclasses.fields(ScanConfig):
        assert f"\n{field.name}:" in text


def test_every_setting_of_the_default_file_has_a_comment() -> None:
    lines = (configs_folder() / "default.yaml").read_text(encoding="utf-8").splitlines()
    settings = [line for line in lines if line[:1].isalpha() and not line.endswith(":")]
    assert settings
    assert all("  # " in line for line in settings)


@pytest.mark.parametrize("name", EIGHT)
def test_in_the_master_text_a_category_stands_anywhere(name: str) -> None:
    config = default_config()
    category = next(it for it in config.categories if it.name == name)
    places = [
        (number, start / len(text))
        for number, text in enumerate(config.texts)
        for _, _, start, _ in WordFinder([category.words]).matches(text)
    ]
    assert len(places) >= 10
    assert len({number for number, _ in places}) >= 6
    assert 0.4 <= statistics.mean(within for _, within in places) <= 0.6
    assert 0.4 <= statistics.mean(number / (len(config.texts) - 1) for number, _ in places) <= 0.6


def test_the_master_text_is_mostly_ordinary_words() -> None:
    config = default_config()
    length = sum(len(text.split()) for text in config.texts)
    finder = WordFinder([category.words for category in config.categories])
    matches = sum(1 for text in config.texts for _ in finder.matches(text))
    assert 1_000 <= length <= 1_400
    assert matches / length < 0.15


@pytest.mark.parametrize("path", sorted(configs_folder().glob("*.yaml")), ids=lambda path: path.stem)
def test_every_example_finds_all_its_words_in_its_texts(path: Path) -> None:
    config = load_config(path)
    for category in config.categories:
        finder = WordFinder([category.words])
        matches = [match for text in config.texts for match in finder.matches(text)]
        assert len(matches) >= 10
        assert {match.word for match in matches} == set(range(len(category.words)))


# --- a file needs only what it changes --------------------------------------------------------------------


def test_what_a_file_leaves_out_comes_from_the_default(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, "threshold: 0.5\n"))
    assert config == dataclasses.replace(default_config(), threshold=0.5)


@pytest.mark.parametrize("text", ["", "# only a comment\n", "\ufeffthreshold: 0.2"])
def test_a_file_that_changes_nothing_is_the_default(tmp_path: Path, text: str) -> None:
    assert load_config(written(tmp_path, text)) == default_config() == load_config(None)


def test_four_lines_add_a_category(tmp_path: Path) -> None:
    four = "extend: default\ncategories:\n  weather:\n    words: [rain, snow]\n"
    assert load_config(written(tmp_path, four)).categories == (
        *default_config().categories,
        Category("weather", ("rain", "snow")),
    )


def test_the_four_lines_in_the_comment_of_the_default_file_work(tmp_path: Path) -> None:
    text = (configs_folder() / "default.yaml").read_text(encoding="utf-8")
    comment = [line.removeprefix("#   ") for line in text.splitlines() if line.startswith("#   ")]
    assert len(comment) == 4
    config = load_config(written(tmp_path, "\n".join(comment)))
    assert config.categories[-1] == Category("weather", ("rain", "snow", "thunder", "heat wave"))


def test_categories_without_extend_replace_all(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, "categories:\n  tree: [oak, elm]\n"))
    assert config.categories == (Category("tree", ("oak", "elm")),)


def test_extending_with_a_name_that_exists_gives_it_other_words_in_its_place(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, "extend: default\ncategories: {animal: [bee]}"))
    assert [category.name for category in config.categories] == EIGHT
    assert config.categories[EIGHT.index("animal")].words == ("bee",)


def test_numbers_are_words_as_they_are_written(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, "categories: {numeric: [7, 007, 1_000, 1.50, 2024-05-01, 0x1F]}"))
    assert config.categories[0].words == ("7", "007", "1_000", "1.50", "2024-05-01", "0x1F")


def test_blanks_inside_a_word_count_as_one(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, 'categories: {place: [" New   York "]}'))
    assert config.categories[0].words == ("New York",)


def test_the_same_word_may_stand_in_two_categories(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, "categories: {fruit: [orange], color: [orange]}"))
    assert [category.words for category in config.categories] == [("orange",), ("orange",)]


def test_a_text_can_be_a_file_beside_the_config(tmp_path: Path) -> None:
    written(tmp_path, "From a file.\r\nTwo lines.\n", "story.txt")
    config = load_config(written(tmp_path, "texts:\n  - Written here.\n  - {file: story.txt}\n"))
    assert config.texts == ("Written here.", "From a file.\nTwo lines.")


def test_a_single_text_needs_no_list(tmp_path: Path) -> None:
    assert load_config(written(tmp_path, "texts: Just one.")).texts == ("Just one.",)


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("threshold: 1e-3", "threshold", 0.001),
        ("threshold: -2", "threshold", -2.0),
        ("window: 010", "window", 10),
        ("layers: 5", "layers", "5"),
        ("layers: 0-5, 11", "layers", "0-5,11"),
        ("revision: 1234567", "revision", "1234567"),
        ("device: cuda:1", "device", "cuda:1"),
        ("limit_neurons: null", "limit_neurons", None),
        ("trust_remote_code: yes", "trust_remote_code", True),
    ],
)
def test_a_value_is_read_as_people_mean_it(tmp_path: Path, text: str, key: str, value: object) -> None:
    found = getattr(load_config(written(tmp_path, text)), key)
    assert found == value
    assert type(found) is type(value)


# --- mistakes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("window: 99\ntreshold: 0.2", "2:1", 'unknown key "treshold", expected one of'),
        ("threshold: high", "1:12", 'threshold is the text "high", expected a number'),
        ("threshold: .nan", "1:12", "threshold is .nan, expected a finite number"),
        ("threshold: true", "1:12", "the yes-or-no value true"),
        ("threshold:\n", "1:1", "threshold is nothing"),
        ("top_k_tokens: 0", "1:15", "top_k_tokens is 0, expected a whole number from 1 to 1000"),
        ("top_k_tokens: 1001", "1:15", "from 1 to 1000"),
        ("top_k_tokens: 2.5", "1:15", "the number 2.5, expected a whole number"),
        ("window: 7", "1:9", "at least 8"),
        ("limit_neurons: 0", "1:16", "at least 1 or null"),
        ("pooling: median", "1:10", "expected one of last, mean, max"),
        ("add_bos: maybe", "1:10", "expected true or false"),
        ("dtype: fp16", "1:8", "expected one of auto, float32, bfloat16, float16"),
        ("device: cuda:one", "1:9", "cuda:1"),
        ("revision: [a]", "1:11", "a branch, a tag, a commit or null"),
        ("layers: 5-3", "1:9", 'the range "5-3" runs backwards, expected "3-5"'),
        ("layers: 1,,2", "1:9", "an empty part"),
        ("layers: -1", "1:9", '"-1"'),
        ("layers: [1, 2]", "1:9", "layers is a list"),
        ("extend: all", "1:9", "expected default"),
        ("categories:\n", "1:1", "categories is nothing"),
        ("categories: {}", "1:13", "an empty mapping"),
        ("categories: [food]", "1:13", "a list"),
        ("categories:\n  food:\n    words: []", "3:12", "the category food has an empty list"),
        ("categories:\n  food:\n    words:\n  tree: [elm]", "3:5", "the category food has nothing"),
        ("categories:\n  food: {wrods: [egg]}", "2:10", 'unknown key "wrods" in the category food'),
        ("categories:\n  food: bread", "2:9", "its words"),
        ("categories:\n  food: [egg, rice, egg]", "2:21", 'the word "egg" of the category food a second time'),
        ("categories:\n  food: [egg, Egg]", "2:15", 'the word "Egg" of the category food a second time'),
        ("categories:\n  food: [egg, ' ']", "2:15", "an empty text"),
        ("categories:\n  food: [egg, ~]", "2:15", "nothing"),
        ("categories:\n  food: [egg, [rice]]", "2:15", "a list"),
        ("categories:\n  food: [egg, no]", "2:15", "the yes-or-no value no"),
        ('categories:\n  "a\\tb": [egg]', "2:3", "the category name"),
        ("texts: []", "1:8", "an empty list"),
        ("texts: ['', b]", "1:9", "an empty text"),
        ("texts:\n  - file: missing.txt", "2:11", "does not exist"),
        ("texts:\n  - fill: a.txt", "2:5", 'unknown key "fill" in texts'),
        ("window: 9\nwindow: 10", "2:1", 'the key "window" a second time'),
        ("categories:\n  a: [b]\n  a: [c]", "3:3", 'the key "a" a second time'),
        ("categories:\n  a: [b", "3:1", "expected valid YAML"),
        ("window: 9\n\tlayers: 1", "2:1", "expected valid YAML"),
        ("texts: hello: you", "1:13", "expected valid YAML"),
        ("window: 9\n---\nwindow: 9", "2:1", "expected valid YAML"),
        ("window: 9\ndtype: a\x01b", "2:9", "a character that YAML does not allow"),
        ("? [a]\n: b", "1:3", "a key that is not text"),
        ("categories: &x {a: *x}", "1:13", "a value that contains itself"),
        ("- window", "1:1", "the config is a list"),
        ("window", "1:1", 'the config is the text "window"'),
        (b"window: 9\ndtype: caf\xe9", "2:11", "not UTF-8: byte 0xe9, expected YAML as text in UTF-8"),
    ],
)
def test_a_mistake_is_named_by_its_place_what_was_found_and_what_was_expected(
    tmp_path: Path, text: str | bytes, place: str, says: str
) -> None:
    error = mistake(tmp_path, text)
    assert error.message.startswith(f"{tmp_path / 'mine.yaml'}:{place}: ")
    assert says in str(error)
    assert ", expected " in error.message


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("treshold: 0.2", 'Did you mean "threshold"?'),
        ("dtype: bf16", 'Did you mean "bfloat16"?'),
        ("categories: {a: [no]}", 'Put it in quotes: "no".'),
        ("window: 9\nwindow: 10", "It stands in line 1 already"),
        ("categories: {a: [egg, Egg]}", "A word in lower case matches in any case."),
    ],
)
def test_a_mistake_comes_with_what_to_do(tmp_path: Path, text: str, hint: str) -> None:
    assert hint in mistake(tmp_path, text).hint


def test_a_missing_file_and_a_folder_are_said_to_be_that(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load_config(tmp_path / "nowhere.yaml")
    with pytest.raises(ConfigError, match="a folder"):
        load_config(tmp_path)


@given(st.text(max_size=60))
def test_whatever_a_file_holds_it_is_read_or_reported(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "anything.yaml"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    try:
        config = load_config(path)
    except ConfigError as error:
        assert str(path) in error.message
    else:
        assert isinstance(config, ScanConfig)


# --- plain mappings ---------------------------------------------------------------------------------------


def test_a_plain_mapping_follows_the_same_rules_and_its_mistakes_name_the_keys() -> None:
    with pytest.raises(ConfigError) as caught:
        config_from_dict({"categories": {"food": {"words": ["egg", True]}}}, "run.json")
    assert caught.value.message.startswith("run.json: categories.food.words[1]: ")
    with pytest.raises(ConfigError, match=r"run\.json: window: window is 3, expected"):
        config_from_dict({"window": 3}, "run.json")
    with pytest.raises(ConfigError, match='Did you mean "window"'):
        config_from_dict({"windo": 3}, "run.json")
    with pytest.raises(ConfigError, match="a set, expected"):
        config_from_dict({"texts": {1}})


def test_a_config_survives_json() -> None:
    config = default_config()
    assert config_from_dict(json.loads(json.dumps(config_to_dict(config)))) == config


_line = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)
_word = _line.map(lambda it: " ".join(it.split())).filter(bool)
_name = _word.filter(str.isprintable)
_configs = st.builds(
    lambda categories, texts, limit: dataclasses.replace(
        default_config(),
        categories=tuple(Category(name, tuple(words)) for name, words in categories.items()),
        texts=tuple(texts),
        limit_neurons=limit,
    ),
    st.dictionaries(_name, st.lists(_word, min_size=1, max_size=4, unique_by=without_case), min_size=1, max_size=3),
    st.lists(
        st.text(st.characters(codec="utf-8"), min_size=1, max_size=80)
        .map(lambda it: it.rstrip("\n"))
        .filter(lambda it: bool(it.strip())),
        min_size=1,
        max_size=3,
    ),
    st.none() | st.integers(1, 10**6),
)


@given(_configs)
def test_any_config_survives_yaml_and_plain_values(
    tmp_path_factory: pytest.TempPathFactory, config: ScanConfig
) -> None:
    path = tmp_path_factory.getbasetemp() / "round.yaml"
    path.write_bytes(config_to_yaml(config).encode())
    assert load_config(path) == config
    assert config_from_dict(config_to_dict(config)) == config


# --- overrides, layers, texts from outside ----------------------------------------------------------------


def test_overrides_change_what_they_name() -> None:
    config = with_overrides(default_config(), threshold=1, layers="0-2", texts=["Hello there."], revision=None)
    assert config == dataclasses.replace(
        default_config(), threshold=1.0, layers="0-2", texts=("Hello there.",), revision=None
    )
    assert isinstance(config.threshold, float)
    own = (Category("tree", ("oak",)),)
    assert with_overrides(config, categories=own).categories == own
    assert with_overrides(config, categories={"tree": ["oak"]}).categories == own


def test_an_override_that_makes_no_sense_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match=r"^window is 3, expected a whole number of at least 8"):
        with_overrides(default_config(), window=3)
    with pytest.raises(UsageError, match="unknown key"):
        with_overrides(default_config(), windows=30)


@pytest.mark.parametrize(
    ("spec", "layers"),
    [("all", range(6)), ("ALL", range(6)), ("0-2,5", [0, 1, 2, 5]), ("3,1,1-2", [1, 2, 3]), (" 4 ", [4])],
)
def test_a_layers_expression_means_layers_in_order(spec: str, layers: list[int]) -> None:
    assert parse_layers(spec, 6) == tuple(layers)


def test_a_layer_the_model_does_not_have_is_answered_with_how_many_it_has() -> None:
    with pytest.raises(UsageError, match="Layer 6 does not exist: the model has 6 layers"):
        parse_layers("0-6", 6)
    with pytest.raises(UsageError, match="runs backwards"):
        parse_layers("3-2", 6)
    with pytest.raises(UsageError, match="does not exist"):
        parse_layers("0-999999999", 6)


def test_reading_a_config_loads_neither_numpy_nor_torch() -> None:
    code = (
        "import sys, mechamap.config.schema as c; c.default_config();"
        "sys.exit(bool({'numpy', 'torch', 'transformers'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    "text", ["1e100", "-2.E5", "0\x85", "a\u2028b", "x\x85\ny", "x\r\ny", "tab\t.", "  indented\nless"]
)
def test_a_text_that_yaml_would_read_otherwise_survives_it(text: str, tmp_path: Path) -> None:
    config = dataclasses.replace(default_config(), texts=(text,))
    (tmp_path / "c.yaml").write_text(config_to_yaml(config), encoding="utf-8", newline="")
    assert load_config(tmp_path / "c.yaml") == config


# --- what findings are checked with ---


def test_the_default_has_six_carrier_sentences_and_words_of_no_category():
    config = default_config()
    assert len(config.templates) >= 6
    named = {word.casefold() for category in config.categories for word in category.words}
    assert config.contrast is None  # drawn to match
    assert not named & {control.word.casefold() for control in control_words()}
    for template in config.templates:
        assert not set(template.replace("{}", "").casefold().split()) & named, template


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("templates: [The next word is]", ':1:13: a template is the text "The next word is"'),
        ('templates: ["{} and {}"]', ":1:13: a template is"),
        ("templates: []", ":1:12: templates is an empty list"),
        ('templates: ["A {}", "A  {}"]', 'the template "A {}" a second time'),
        ("templates:\n  - {}", "a template is an empty mapping"),
        ("contrast: table", ':1:11: contrast is the text "table"'),
        ("contrast: [table, Table]", 'the word "Table" of contrast a second time'),
    ],
)
def test_a_mistake_in_the_carriers_is_named_with_its_place(tmp_path, lines, said):
    file = tmp_path / "mine.yaml"
    file.write_text(lines + "\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    assert said in str(caught.value)


def test_carriers_and_contrast_survive_yaml_and_plain_values(tmp_path):
    config = config_from_dict({"templates": ['He said: "{}"', "It is {}"], "contrast": []})
    assert config.contrast == ()
    assert config_from_dict(config_to_dict(config)) == config
    (tmp_path / "again.yaml").write_text(config_to_yaml(config), encoding="utf-8")
    assert load_config(tmp_path / "again.yaml") == config


# --- how the model is loaded, and where its neurons are ---

_PATH = "model.layers.{layer}.mlp.down_proj"


@pytest.mark.parametrize(
    ("lines", "key", "value"),
    [
        (f'neurons: "{_PATH}"', "neurons", (_PATH,)),
        (f"neurons: {_PATH}", "neurons", (_PATH,)),
        (
            f"neurons:\n  - {_PATH}\n  - model.layers.{{layer}}.mlp.experts",
            "neurons",
            (_PATH, "model.layers.{layer}.mlp.experts"),
        ),
        ("neurons: null", "neurons", None),
        ("device_map: auto", "device_map", "auto"),
        (
            'device_map: {"": cuda, lm_head: disk, model.norm: 1}',
            "device_map",
            {"": "cuda", "lm_head": "disk", "model.norm": "cuda:1"},
        ),
        ("quantize: nf4", "quantize", "nf4"),
    ],
)
def test_what_shapes_the_model_is_read_and_survives_yaml_and_plain_values(tmp_path, lines, key, value):
    config = load_config(written(tmp_path, lines + "\n"))
    assert getattr(config, key) == value
    assert config_from_dict(json.loads(json.dumps(config_to_dict(config)))) == config
    (tmp_path / "again.yaml").write_text(config_to_yaml(config), encoding="utf-8")
    assert load_config(tmp_path / "again.yaml") == config


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            "neurons: model.layers.0.mlp.down_proj",
            ':1:10: the path "model.layers.0.mlp.down_proj", expected a path with',
        ),
        ("neurons: model.layers.0.mlp.down_proj", "Write {layer} in place of 0."),
        ("neurons: 7", ":1:10: neurons is the number 7, expected a path with {layer}"),
        ("neurons: []", ":1:10: neurons is an empty list"),
        ('neurons: ["{layer}.a.{layer}"]', ':1:11: the path "{layer}.a.{layer}"'),
        ("neurons: model.layers.{}.fc2", ':1:10: the path "model.layers.{}.fc2"'),
        ("neurons:\n  - a.{layer}.b\n  - a.{layer}.b", ':3:5: the path "a.{layer}.b" a second time'),
        ("device_map: automatic", ':1:13: device_map is the text "automatic", expected auto, balanced'),
        ("device_map: automatic", 'Did you mean "auto"?'),
        ("device_map: {lm_head: gpu}", ':1:23: a place in device_map is the text "gpu", expected cpu, disk'),
        ("device_map: {}", ":1:13: device_map is an empty mapping"),
        (
            "device: cpu\ndevice_map: auto",
            ":2:13: device_map is given together with device cpu, expected one of the two",
        ),
        ("quantize: int3", ':1:11: quantize is the text "int3", expected int8, nf4 or null'),
    ],
)
def test_a_mistake_in_what_shapes_the_model_is_named_with_its_place(tmp_path, lines, said):
    assert said in str(mistake(tmp_path, lines + "\n"))


@pytest.mark.parametrize(("spec", "needed"), [("all", None), ("0", 1), ("0-3", 4), ("11,0-5", 12)])
def test_so_many_layers_from_the_lowest_up_are_needed(spec, needed):
    assert layers_needed(spec) == needed


def test_layers_that_cannot_be_read_are_wrong_usage_wherever_they_are_read():
    with pytest.raises(UsageError, match="3-2"):
        layers_needed("3-2")


# --- the lists that test what words find ----------------------------------------------------------------


def test_each_default_category_has_members_and_near_relatives_that_choose_nothing() -> None:
    for category in default_config().categories:
        words, others, near = ({word.casefold() for word in words} for words in category_lists(category))
        assert len(others) >= 12 and len(near) >= 12
        assert not (words & others or words & near or others & near), category.name


def category_lists(category: Category) -> tuple[tuple[str, ...], ...]:
    return category.words, category.others, category.near


def test_the_lists_of_a_category_survive_yaml_and_the_record() -> None:
    config = with_overrides(
        default_config(),
        categories={"tree": {"words": ["oak", "elm"], "others": ["ash"], "near": ["bush"]}, "tool": ["saw"]},
        contrast="matched",
    )
    tree, tool = config.categories
    assert category_lists(tree) == (("oak", "elm"), ("ash",), ("bush",))
    assert category_lists(tool) == (("saw",), (), ())
    assert config.contrast is None
    assert config_of_yaml(config_to_yaml(config)) == config
    assert recorded_config(json.loads(json.dumps(config_to_dict(config)))) == config


@pytest.mark.parametrize(
    ("lists", "message"),
    [
        ({"words": ["oak"], "near": ["Oak"]}, 'the word "Oak" in words and near of the category tree'),
        ({"words": ["oak"], "others": "elm"}, "others of the category tree is"),
        ({"others": ["oak"]}, "the category tree without words"),
        ({"words": ["oak"], "near": ["elm", "elm"]}, 'the word "elm" of near of the category tree a second time'),
    ],
)
def test_a_mistake_in_the_lists_of_a_category_is_named(lists: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        with_overrides(default_config(), categories={"tree": lists})


def config_of_yaml(text: str) -> ScanConfig:
    return config_from_dict(yaml.safe_load(text))
