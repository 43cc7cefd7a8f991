"""WordNet's database files, read as words with their senses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Sense", "WordNet", "read_wordnet"]

SEEN, SHARE, FIRST = 10, 0.02, 2  # senses count from a share on, or as one of the first, or where few were seen
_PARTS = {"noun": "n", "verb": "v", "adj": "a", "adv": "r"}
_NAMES = {"n": "noun", "v": "verb", "a": "adjective", "s": "adjective", "r": "adverb"}
_FILES = """
    adj.all adj.pert adv.all noun.Tops noun.act noun.animal noun.artifact noun.attribute noun.body noun.cognition
    noun.communication noun.event noun.feeling noun.food noun.group noun.location noun.motive noun.object noun.person
    noun.phenomenon noun.plant noun.possession noun.process noun.quantity noun.relation noun.shape noun.state
    noun.substance noun.time verb.body verb.change verb.cognition verb.communication verb.competition
    verb.consumption verb.contact verb.creation verb.emotion verb.motion verb.perception verb.possession
    verb.social verb.stative verb.weather adj.ppl
""".split()  # noqa: SIM905 - lexicographer files by their number, lexnames(5WN)


@dataclass(frozen=True, slots=True)
class Sense:
    """One meaning: where the lexicographers put it, what it says, and what it points to.

    Attributes:
        id: part of speech and offset, as in ``n00001740``.
        part_of_speech: ``noun``, ``verb``, ``adjective`` or ``adverb``.
        file: the lexicographer file, as in ``noun.animal``.
        words: its words as written, without the phrases.
        gloss: the definition and its examples.
        pointers: kind and target, as in ``("@", "n00001930")``; ``@i`` is an instance's class.
    """

    id: str
    part_of_speech: str
    file: str
    words: tuple[str, ...]
    gloss: str
    pointers: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class WordNet:
    """All senses.

    Attributes:
        senses: by id.
        of_word: the senses of a word as written.
        tagged: how often a lower-case word was seen in a sense, by word and id, where it was seen at all.
    """

    senses: dict[str, Sense]
    of_word: dict[str, list[Sense]] = field(default_factory=lambda: defaultdict(list))
    tagged: dict[tuple[str, str], int] = field(default_factory=dict)

    def below(self, heads: Sequence[str], kinds: Sequence[str] = ("~", "~i")) -> set[str]:
        """The senses below some heads, such as ``vehicle.n.1``, and the heads themselves."""
        reached: set[str] = set()
        waiting = [self._numbered(head) for head in heads]
        while waiting:
            sense = waiting.pop()
            if sense not in reached:
                reached.add(sense)
                waiting += [target for kind, target in self.senses[sense].pointers if kind in kinds]
        return reached

    def counts(self, word: str, sense: Sense) -> bool:
        """Whether a reader may think of this sense: a frequent one, one of the first, or one of a rare word."""
        lower = word.lower()
        seen = [self.tagged.get((lower, other.id), 0) for other in self.of_word[word]]
        if sum(seen) < SEEN or self.tagged.get((lower, sense.id), 0) >= SHARE * sum(seen):
            return True
        return sense.id in self._order.get((lower, sense.id[0]), [])[:FIRST]

    def part_of_speech(self, word: str) -> str | None:
        """The one that a word was seen most often in; of those seen equally often the first in WordNet's files."""
        seen: dict[str, int] = {}
        for sense in self.of_word.get(word, ()):
            count = self.tagged.get((word.lower(), sense.id), 0)
            seen[sense.part_of_speech] = seen.get(sense.part_of_speech, 0) + count
        return max(seen, key=lambda part: seen[part], default=None)

    def _numbered(self, name: str) -> str:
        word, part, number = name.rsplit(".", 2)
        return self._order[word, part][int(number) - 1]

    _order: dict[tuple[str, str], list[str]] = field(default_factory=dict)


def read_wordnet(folder: Path) -> WordNet:
    """The database in a folder with ``data.noun``, ``index.noun``, ``index.sense`` and so on."""
    wordnet = WordNet({sense.id: sense for part in _PARTS for sense in _senses(folder / f"data.{part}")})
    for sense in wordnet.senses.values():
        for word in sense.words:
            wordnet.of_word[word].append(sense)
    for part, letter in _PARTS.items():
        for line in (folder / f"index.{part}").read_text(encoding="utf-8").splitlines():
            if not line.startswith(" "):
                fields = line.split()
                count = int(fields[2])
                wordnet._order[fields[0], letter] = [letter + offset for offset in fields[-count:]]
    letters = " nvar a"  # the sense key's number for a part of speech; 5 is a satellite adjective
    for line in (folder / "index.sense").read_text(encoding="utf-8").splitlines():
        key, offset, _, tagged = line.split()
        if tagged != "0":
            word, rest = key.split("%")
            letter = "a" if rest[0] == "5" else letters[int(rest[0])]
            wordnet.tagged[word, letter + offset] = int(tagged)
    return wordnet


def _senses(file: Path) -> Iterator[Sense]:
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.startswith(" "):
            continue
        head, _, gloss = line.partition(" | ")
        fields = head.split()
        count = int(fields[3], 16)
        words = [word.partition("(")[0] for word in fields[4 : 4 + 2 * count : 2]]
        start = 4 + 2 * count
        pointers = tuple(
            (fields[n], fields[n + 2] + fields[n + 1]) for n in range(start + 1, start + 1 + 4 * int(fields[start]), 4)
        )
        letter = "a" if fields[2] == "s" else fields[2]
        single = tuple(word for word in words if "_" not in word)
        yield Sense(letter + fields[0], _NAMES[letter], _FILES[int(fields[1])], single, gloss, pointers)
