"""Files that were damaged in any way are read, or refused with an error of ours; nothing else happens."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from support.corpus_files import CORPUS_KINDS, written_corpus

from mechamap.corpus.opening import open_corpus
from mechamap.errors import CorpusError

TEXTS = [f"The text with the number {number}, called „{chr(0x4E00 + number)}“." for number in range(60)]


def damaged(data: bytes, rng: random.Random) -> bytes:
    """Bytes flipped, cut off, taken out, doubled or put in."""
    result = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 5, 30])):
        place, length = rng.randrange(len(result) + 1), rng.choice([1, 3, 40])
        match rng.randrange(6):
            case 0:
                del result[place:]
            case 1:
                del result[place : place + length]
            case 2:
                result[place:place] = result[place : place + length]
            case 3:
                result[place:place] = rng.choice([b"\0", b"\xff", b"\n", b'"', b"}", b"\x1f\x8b", b"\xef\xbb\xbf"])
            case _:
                result[place : place + length] = rng.randbytes(len(result[place : place + length]))
    return bytes(result)


@pytest.mark.parametrize("kind", CORPUS_KINDS)
def test_damage_ends_in_a_reading_or_in_our_error(tmp_path: Path, kind: str) -> None:
    settings = written_corpus(tmp_path, kind, TEXTS)
    source = Path(settings.sources[0])
    path = sorted(source.iterdir())[1] if source.is_dir() else source
    whole, refusals = path.read_bytes(), 0
    for seed in range(60):
        path.write_bytes(damaged(whole, random.Random(seed)))
        try:
            corpus = open_corpus(settings)
        except CorpusError as error:
            refusals += 1
            assert str(path) in error.message and error.hint
            assert error.message.isprintable()
        else:
            read = sum(1 for _ in corpus.read())
            assert corpus.documents == read + corpus.inventory.blank
    assert refusals > 5
