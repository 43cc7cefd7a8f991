"""Small corpora, written in every kind of file that is read."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from mechamap.config.corpus_settings import CorpusSettings
from mechamap.corpus.corpus import Corpus
from mechamap.corpus.opening import open_corpus
from mechamap.errors import MechaMapError

__all__ = ["CORPUS_KINDS", "opened", "packed", "refused", "write_jsonl", "write_parquet", "written_corpus"]

CORPUS_KINDS = (
    "jsonl", "jsonl.gz", "jsonl.zst", "lines.txt", "lines.txt.gz", "lines.txt.zst", "parquet", "folder", "folder.gz",
    "mixed",
)  # fmt: skip


def packed(data: bytes, by: str) -> bytes:
    """``gz`` or ``zst``."""
    return gzip.compress(data, 1, mtime=0) if by == "gz" else pyarrow.compress(data, "zstd", asbytes=True)


def write_jsonl(path: Path, texts: Sequence[str], **members: object) -> Path:
    """Records with a number, a text and further members; packed where the name says so."""
    lines = [
        json.dumps({"id": number, "text": text, **members}, ensure_ascii=number % 2 == 0) + "\n"
        for number, text in enumerate(texts)
    ]
    return _write(path, "".join(lines).encode())


def write_parquet(path: Path, texts: Sequence[str | None], group: int = 3) -> Path:
    columns = {"id": list(range(len(texts))), "text": pyarrow.array(texts, pyarrow.string())}
    pyarrow.parquet.write_table(pyarrow.table(columns), path, row_group_size=group)
    return path


def _write(path: Path, data: bytes) -> Path:
    ending = path.suffix[1:]
    path.write_bytes(packed(data, ending) if ending in ("gz", "zst") else data)
    return path


def _write_folder(folder: Path, texts: Sequence[str], ending: str) -> Path:
    folder.mkdir()
    for number, text in enumerate(texts):
        _write(folder / f"{number:03}{ending}", text.encode())
    return folder


def _write_mixed(folder: Path, texts: Sequence[str]) -> Path:
    """A folder of three kinds, in the order of their names."""
    third = len(texts) // 3
    folder.mkdir()
    write_jsonl(folder / "a.jsonl", texts[:third])
    write_parquet(folder / "b.parquet", texts[third : 2 * third])
    write_jsonl(folder / "c.jsonl.zst", texts[2 * third :])
    return folder


def written_corpus(folder: Path, kind: str, texts: Sequence[str]) -> CorpusSettings:
    """A corpus of texts without line ends, in one of :data:`CORPUS_KINDS`."""
    writers: dict[str, Callable[[], Path]] = {
        "parquet": lambda: write_parquet(folder / "x.parquet", texts),
        "folder": lambda: _write_folder(folder / "folder", texts, ".txt"),
        "folder.gz": lambda: _write_folder(folder / "folder", texts, ".txt.gz"),
        "mixed": lambda: _write_mixed(folder / "mixed", texts),
    }
    if kind in writers:
        path = writers[kind]()
    elif kind.startswith("jsonl"):
        path = write_jsonl(folder / f"x.{kind}", texts)
    else:
        path = _write(folder / f"x.{kind}", "".join(f"{text}\n" for text in texts).encode())
    return CorpusSettings((str(path),), per_line=kind.startswith("lines"))


def opened(*paths: Path, field: str | None = None, per_line: bool = False) -> Corpus:
    return open_corpus(CorpusSettings(tuple(map(str, paths)), field=field, per_line=per_line))


def refused(*paths: Path | str, field: str | None = None, per_line: bool = False) -> tuple[str, str]:
    """Message and hint with which a corpus is refused before anything of it is used."""
    with pytest.raises(MechaMapError) as caught:
        open_corpus(CorpusSettings(tuple(map(str, paths)), field=field, per_line=per_line))
    return caught.value.message, str(caught.value.hint)
