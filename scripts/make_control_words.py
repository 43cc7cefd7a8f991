"""Writes mechamap/words/words.txt, the table of words that control words are drawn from.

    python scripts/make_control_words.py --packages SITE_PACKAGES --wordnet DICT

SITE_PACKAGES is where the packages of mechamap/words/SOURCES.md are installed, DICT a folder with WordNet's database
files. What keeps a word from being a control is in ``control_words/``. The packages must be importable too (Babel).
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from control_words import sources
from control_words.chosen import Candidate, chosen
from control_words.excluded import Excluded
from control_words.word_lists import FUNCTION_WORDS, KEPT_OUT, NAMES
from control_words.wordnet import WordNet, read_wordnet

from mechamap.config.schema import load_config

ROOT = Path(__file__).parent.parent
FILE = ROOT / "mechamap" / "words" / "words.txt"
LISTED = 34_000  # words of all kinds, the most frequent ones
INFLECTED = 6  # one in so many inflected forms may be a control
ABBREVIATED = 2.2  # rarer words of three letters are abbreviations, most of them
LONGEST = 16
SHORT = {"go", "ad", "hi", "oh", "ax", "Al", "Ed", "Jo", "Bo", "Cy", "Li", "Wu", "Xu", "Yu"}
HEAD = """\
# English words: frequency (log10 of occurrences in a billion words), part of speech, whether they may be control words,
# and the words themselves. Written by scripts/make_control_words.py; SOURCES.md says from what.
"""


@dataclass
class Material:
    """All that the choice rests on."""

    packages: Path
    wordnet: WordNet

    def __post_init__(self) -> None:
        self.zipf = sources.frequencies(self.packages)
        self.tagged = sources.tagged_words(self.packages)
        self.lemmas = sources.forms_of_lemmas(self.packages)
        self.obscene, places = sources.words_of_lists(self.packages)
        self.excluded = Excluded(self.wordnet, self.lemmas, self.obscene, places)

    def candidate(self, word: str) -> Candidate:
        """A word with its features."""
        return Candidate(word, self.zipf[word], self.part_of_speech(word))

    def part_of_speech(self, word: str) -> str:
        """That of its most frequent use; a capitalised word is a name here whatever it is used as."""
        if word[0].isupper():
            return "name"
        if word in FUNCTION_WORDS:
            return "other"
        if word.isdigit():
            return "noun"
        part = sources.tags(self.tagged.get(word, ""))
        if part is None or part == "name":
            part = self.wordnet.part_of_speech(word)
        for lemma in self.lemmas.get(word, ()):
            part = part or self.wordnet.part_of_speech(lemma)
        return part or "other"

    @cached_property
    def names(self) -> set[str]:
        """Names of persons of all kinds as they are written, and those of WordNet and of our own list."""
        census = sources.given_names(self.packages) + sources.surnames(self.packages)
        names = {self._written(name) for name in census} | NAMES
        names |= {word for word in self.wordnet.of_word if word[0].isupper() and word[1:].islower()}
        return {name for name in names if name in self.zipf}

    def _written(self, name: str) -> str:
        """Of ``MCDONALD`` the more frequent of its two spellings."""
        spellings = [name.title()]
        for start in ("MC", "MAC"):
            if name.startswith(start):
                spellings.append(start.title() + name[len(start) :].title())
        return max(spellings, key=lambda spelling: self.zipf.get(spelling, 0))

    @cached_property
    def dictionary(self) -> set[str]:
        """Words of lower-case letters: those of WordNet, their inflected forms, and words of grammar."""
        own = set(self.wordnet.of_word)
        known = own | FUNCTION_WORDS | {form for form, lemmas in self.lemmas.items() if lemmas & own}
        return {word for word in known if word in self.zipf and word.isalpha() and word.islower()}


def candidates(material: Material, members: set[str], near: set[str]) -> list[Candidate]:
    """All words that may be controls: none is spelled like the ``members`` of a category or ``near`` one."""
    words = sorted(_proper(material) | _common(material))
    fit = (word for word in words if (2 < len(word) <= LONGEST or word in SHORT) and word not in KEPT_OUT)
    unlike = (word for word in fit if word not in near and not _spelled_like(word.lower(), members))
    kept = (word for word in unlike if word in NAMES or not material.excluded(word))
    all_kinds = (material.candidate(word) for word in kept)
    return [word for word in all_kinds if word.part_of_speech != "other" or word.word in FUNCTION_WORDS]


def _spelled_like(word: str, members: set[str]) -> bool:
    """Whether a word is a member of a category, or begins or ends with one, as ``blackmail`` and ``racehorse`` do."""
    begins = (word[:end] in members for end in range(4, len(word)))
    ends = (word[start:] in members for start in range(1, len(word) - 4))
    return word in members or any(begins) or any(ends)


def _proper(material: Material) -> set[str]:
    """Names that are written with a capital letter far more often than without."""
    zipf = material.zipf
    return {name for name in material.names if name in NAMES or zipf[name] > zipf.get(name.lower(), 0) + 0.3}


def _common(material: Material) -> set[str]:
    """Dictionary forms, function words, and one in a few of the inflected forms."""
    dictionary, zipf = material.dictionary, material.zipf
    own = {word for word in dictionary if word in material.wordnet.of_word or word in FUNCTION_WORDS}
    words = own | set(sorted(dictionary - own)[::INFLECTED])
    spelled_out = {word for word in words if set(word) & set("aeiouy") and (len(word) > 3 or zipf[word] > ABBREVIATED)}
    return {word for word in spelled_out if zipf[word] > zipf.get(word.capitalize(), 0) - 0.3}


def listed(material: Material, config_words: set[str]) -> Iterable[str]:
    """The most frequent words of all kinds, members of categories among them, and those of the configs."""
    numerals = {word for word in material.zipf if word.isdigit() and len(word) <= 4}
    words = material.dictionary | material.names | numerals
    known = {word for word in words if word.lower() not in material.obscene}
    frequent = sorted(known, key=lambda word: (-material.zipf[word], word))[:LISTED]
    return set(frequent) | {word for word in config_words if word in material.zipf}


def words_of_configs(folder: Path) -> tuple[set[str], set[str]]:
    """The members of every category of the configs, and what is near one; phrases in parts."""
    categories = [category for file in sorted(folder.glob("*.yaml")) for category in load_config(file).categories]
    members = {part for category in categories for word in category.words + category.others for part in word.split()}
    return members, {part for category in categories for word in category.near for part in word.split()}


def text(words: Mapping[str, Candidate], controls: set[str]) -> str:
    """The table: a line for each frequency, part of speech and kind."""
    groups: dict[tuple[float, str, str], list[str]] = defaultdict(list)
    for word, zipf, part in words.values():
        groups[-round(zipf, 1), part, "control" if word in controls else "listed"].append(word)
    lines = (f"{-zipf:.1f} {part} {kind} {' '.join(sorted(group))}" for (zipf, part, kind), group in groups.items())
    ordered = sorted(lines, key=lambda line: (-float(line.split()[0]), line))
    return HEAD + "\n".join(ordered) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the table and say how large it is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packages", type=Path, required=True, help="the folder that the packages are installed in")
    parser.add_argument("--wordnet", type=Path, required=True, help="the folder of WordNet's database files")
    parser.add_argument("--out", type=Path, default=FILE, help="the file to write")
    asked = parser.parse_args(arguments)
    material = Material(asked.packages, read_wordnet(asked.wordnet))
    members, near = words_of_configs(ROOT / "configs")
    controls = chosen(candidates(material, {word.lower() for word in members}, near))
    words = {word: material.candidate(word) for word in listed(material, members | near)}
    words |= {control.word: control for control in controls}
    asked.out.write_text(text(words, {control.word for control in controls}), encoding="utf-8")
    print(f"{len(words):,} words, {len(controls):,} controls, {asked.out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
