"""Every type of causal language model that transformers registers is scanned and proved, or says why not.

``make matrix`` runs it (a minute or two). What it finds is in docs/architectures.md.
"""

from __future__ import annotations

from collections import Counter

import pytest
from support.architecture_matrix import Result, causal_types, examine_all

from scripts.write_architecture_docs import FILE, page

pytestmark = [pytest.mark.matrix, pytest.mark.timeout(3600)]


@pytest.fixture(scope="module")
def results() -> list[Result]:
    return list(examine_all())


def test_every_architecture_passes_or_says_why_not(results, capsys):
    counts = Counter(result.verdict for result in results)
    with capsys.disabled():
        print(f"\n{len(results)} types of models: " + ", ".join(f"{counts[v]} {v}" for v in sorted(counts)), end=" ")
    assert [result.model_type for result in results] == list(causal_types())
    assert {result.model_type: result.reason for result in results if result.verdict == "fail"} == {}


def test_the_page_says_so(results):
    assert FILE.read_text(encoding="utf-8") == page(results), "run: python scripts/write_architecture_docs.py"
