"""Memory does not grow with the corpus."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pyarrow
import pytest
from support.corpus_files import write_parquet
from support.repository import ROOT

SCRIPT = """
import gc, resource, sys
from mechamap.config.corpus_settings import CorpusSettings
from mechamap.corpus.opening import open_corpus
for path in sys.argv[1:]:
    corpus = open_corpus(CorpusSettings((path,)))
    print(corpus.documents, sum(len(document.text) for document in corpus.read()),
          resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.parametrize("ending", ["jsonl.zst", "parquet"])
def test_sixty_megabytes_take_little_more_than_six(tmp_path: Path, ending: str) -> None:
    text = "the cat sat on the mat and saw " * 32
    paths = []
    for count in (6_000, 60_000):
        path = tmp_path / f"{count}.{ending}"
        if ending == "parquet":
            write_parquet(path, [text] * count, group=count)
        else:
            lines = "".join(json.dumps({"id": number, "text": text}) + "\n" for number in range(count)).encode()
            path.write_bytes(pyarrow.compress(lines, "zstd", asbytes=True) if ending.endswith("zst") else lines)
        paths.append(str(path))
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *paths], capture_output=True, text=True, timeout=120, check=True, cwd=ROOT
    )
    (_, _, small), (documents, characters, large) = (map(int, line.split()) for line in done.stdout.splitlines())
    assert (documents, characters) == (60_000, 60_000 * len(text))
    assert (large - small) / 1000 < 20  # megabytes; the larger file has fifty-four more
