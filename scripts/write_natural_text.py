"""Write the bundled natural text from the books that it is taken from.

``python scripts/write_natural_text.py "Moby-Dick (Herman Melville, 1851)=moby" "Opticks (Isaac Newton)=optics.txt"``

A book is a plain text file, a JSON file of which the strings are taken, or a folder of either. Passages are whole
paragraphs, or whole sentences where a file has no paragraphs. Which ones are taken is worked out greedily: at each step
the passage that adds most to the words of the default config's categories, those of their second lists included, for
its length; what is there often already adds little. Passages without any of these words are added until they are a
third of the text, as prose has long stretches without a vehicle or a color.
"""

from __future__ import annotations

import html
import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mechamap.config.scan_config import Category
from mechamap.config.schema import default_config
from mechamap.words.finder import WordFinder

FILE = Path(__file__).parent.parent / "mechamap" / "text" / "natural" / "passages.txt"
LENGTH = 86_000  # characters: about 20,000 tokens
NEUTRAL = 0.22  # of the length
SHORTEST, LONGEST = 200, 700  # characters of a passage
LARGEST_SHARE = 0.3  # of a book
OFTEN = 25  # occurrences of a category's words from which one more adds little
REPEATED = 0.6  # a word that comes for the n-th time counts n to the minus this
SPARSE = 40  # characters for each word of a category, at least: denser passages are lists
# Headings, tables, notes and verse; and what authors of other centuries called other people.
_UNWANTED = re.compile(
    r"[A-Z]{4,} [A-Z]{4,}|[\[\]{}|<>_*#=]|\.{4}|\d\s\d\d N|(?i:\b(negro|nigger|savage|heathen|infidel|jew|squaw|slave"
    r"|christian|cannibal|half-breed|chinaman|eskimo|coolie|gypsy|gipsy|dwarf|hunchback|terroris|genocid|rape)\w*)"
)


@dataclass(frozen=True)
class Passage:
    """Whole paragraphs of a book."""

    book: int
    text: str


def main(arguments: Sequence[str]) -> int:
    """Read the books, choose the passages, write the file."""
    books = [argument.rpartition("=")[::2] for argument in arguments]
    if not books or not all(title for title, _ in books):
        print(__doc__)
        return 2
    passages = [
        Passage(number, text)
        for number, (_, path) in enumerate(books)
        for text in dict.fromkeys(_passages(_texts(Path(path))))  # a folder may hold a text twice
    ]
    chosen = _chosen(passages, _word_lists(default_config().categories), len(books))
    blocks = []
    for number, (title, _) in enumerate(books):
        mine = [passages[row].text for row in sorted(chosen) if passages[row].book == number]
        blocks += [f"# {title}", *mine] if mine else []
    FILE.write_text("\n\n".join(blocks) + "\n", encoding="utf-8")
    print(f"{len(chosen)} passages, {sum(len(passages[row].text) for row in chosen):,} characters")
    return 0


def _texts(path: Path) -> Iterator[str]:
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    for file in files:
        if file.suffix == ".txt":
            yield file.read_text(encoding="utf-8", errors="replace")
        elif file.suffix == ".json":
            yield from _strings(json.loads(file.read_text(encoding="utf-8")))


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield html.unescape(re.sub(r"<[^>]+>", " ", value))
    elif isinstance(value, dict | list):
        for member in value.values() if isinstance(value, dict) else value:
            yield from _strings(member)


def _passages(texts: Iterable[str]) -> Iterator[str]:
    """Consecutive paragraphs put together until they are long enough; what is too long is cut between sentences."""
    for text in texts:
        passage: list[str] = []
        for paragraph in re.split(r"\n\s*\n", text.replace("\r", "")):
            for piece in _cut(re.sub(r"\s+", " ", paragraph).strip()):
                if not _is_prose(piece):
                    passage = []
                    continue
                passage.append(piece)
                if sum(map(len, passage)) >= SHORTEST:
                    joined = "\n".join(passage)
                    passage = []
                    if len(joined) <= LONGEST:
                        yield joined


def _cut(paragraph: str) -> Iterator[str]:
    """A paragraph, or parts of it about equally long where it is too long."""
    parts = -(-len(paragraph) // LONGEST)
    sentences = re.split(r"(?<=[.!?])(?<!Mr\.)(?<!Mrs\.)(?<!Dr\.)(?<!\b[A-Z]\.)\s+(?=[A-Z“\"'])", paragraph)
    target = len(paragraph) / max(parts, 1)
    piece = ""
    for sentence in sentences:
        piece = f"{piece} {sentence}".strip()
        if len(piece) >= target * 0.8:
            yield piece
            piece = ""
    if piece:
        yield piece


def _is_prose(paragraph: str) -> bool:
    ends = paragraph.endswith((".", "!", "?", '"', "”", "'", "’"))
    starts = bool(re.match(r"[\"“'‘]?[A-Z]", paragraph))
    return starts and ends and len(paragraph) > 40 and not _UNWANTED.search(paragraph)


def _word_lists(categories: Sequence[Category]) -> list[tuple[str, ...]]:
    return [words for category in categories for words in (category.words, category.others) if words]


def _chosen(passages: Sequence[Passage], lists: Sequence[tuple[str, ...]], books: int) -> list[int]:
    """The rows of the passages that are taken."""
    words = [(number, word) for number, words in enumerate(lists) for word in range(len(words))]
    list_of = np.array([number for number, _ in words])
    column_of = {place: column for column, place in enumerate(words)}
    counts = np.zeros((len(passages), len(words)))
    finder = WordFinder(lists)
    for row, passage in enumerate(passages):
        for match in finder.matches(passage.text):
            counts[row, column_of[match.list, match.word]] += 1
    lengths = np.array([len(passage.text) for passage in passages])
    totals = np.stack([counts[:, list_of == number].sum(axis=1) for number in range(len(lists))], axis=1)
    left = np.full(books, LARGEST_SHARE * LENGTH)  # [books]
    book_of = np.array([passage.book for passage in passages])
    open_rows = totals.any(axis=1) & (totals.sum(axis=1) * SPARSE <= lengths)  # [passages]
    worth = counts**REPEATED / lengths[:, None]  # [passages, words]
    seen = np.zeros(counts.shape[1])  # [words]
    chosen: list[int] = []
    while open_rows.any() and lengths[chosen].sum() < LENGTH * (1 - NEUTRAL):
        of_list = np.bincount(list_of, seen)[list_of]  # [words]
        gains = worth @ ((1 + seen) ** -REPEATED / (1 + (of_list / OFTEN) ** 2))  # [passages]
        best = int(np.where(open_rows & (lengths <= left[book_of]), gains, -1).argmax())
        open_rows[best] = False
        left[book_of[best]] -= lengths[best]
        chosen.append(best)
        seen += counts[best]
    return chosen + _neutral(passages, lengths, totals, LENGTH - int(sum(lengths[chosen])), books)


def _neutral(
    passages: Sequence[Passage], lengths: NDArray[np.int_], totals: NDArray[np.float64], room: int, books: int
) -> list[int]:
    """Passages with none of the words, in turn from each book, spread over it."""
    chosen: list[int] = []
    for number in range(books):
        rows = [row for row in np.flatnonzero(totals.sum(axis=1) == 0).tolist() if passages[row].book == number]
        wanted = -(-room // (books * 500))
        chosen += rows[:: max(len(rows) // wanted, 1)][:wanted]
    while chosen and sum(lengths[chosen]) > room:
        chosen.pop()
    return chosen


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
