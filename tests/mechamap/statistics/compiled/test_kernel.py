"""The compiled statistics, against those of torch: exactly the same counts, contexts and draws."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from mechamap.statistics.neuron_statistics import LayerStatistics
from mechamap.statistics.places import Places, place_keys

pytest.importorskip("numba")
from mechamap.statistics.compiled import backend, kernel

SEED = 3
Batch = tuple[Tensor, NDArray[np.int64]]

# Activations of GELU, of ReLU with its many equal values, rounded ones with ties everywhere, of every magnitude.
SHAPES: dict[str, Callable[[np.random.Generator, tuple[int, int]], NDArray[Any]]] = {
    "smooth": lambda chance, shape: chance.standard_normal(shape) * (chance.random(shape) < 0.9),
    "rectified": lambda chance, shape: np.maximum(chance.standard_normal(shape), 0),
    "rounded": lambda chance, shape: np.round(chance.standard_normal(shape) * 2) / -2,
    "spread": lambda chance, shape: chance.standard_normal(shape) * 8.0 ** chance.integers(-9, 9, shape),
}


@st.composite
def batches(draw: st.DrawFn) -> list[Batch]:
    """Several tiles and blocks, the last ones of any size; documents go on from batch to batch, in any order."""
    chance = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    width, shape = draw(st.integers(1, 170)), SHAPES[draw(st.sampled_from(sorted(SHAPES)))]
    made, document = [], 0
    for number in range(draw(st.integers(1, 3))):
        rows = draw(st.integers(1, 400))
        documents = document + np.sort(chance.integers(0, 30, rows))
        document = int(documents[-1])
        keys = place_keys(documents, np.arange(rows) + 1000 * number)
        made.append((torch.from_numpy(shape(chance, (rows, width)).astype(np.float32)), chance.permutation(keys)))
    return made


def statistics_of(made: list[Batch], contexts: int, compiled: bool) -> dict[str, NDArray[Any]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mechamap.statistics.neuron_statistics.is_compiled", lambda: compiled)
        statistics = LayerStatistics(made[0][0].shape[1] + 1, SEED, contexts)
        for values, keys in made:
            statistics.add(values, Places(keys, SEED), first=1)
    return statistics.arrays()


def assert_same(arrays: dict[str, NDArray[Any]], expected: dict[str, NDArray[Any]]) -> None:
    for name, array in arrays.items():
        if name == "sums":
            scale = np.abs(expected[name]).max(axis=0)  # what has both signs cancels out
            assert (np.abs(array - expected[name]) <= 1e-12 * np.maximum(np.abs(expected[name]), scale)).all()
        else:
            np.testing.assert_array_equal(array, expected[name], err_msg=name)


@settings(max_examples=40, deadline=None)
@given(batches(), st.integers(1, 17))
def test_both_ways_give_the_same(made: list[Batch], contexts: int) -> None:
    assert_same(statistics_of(made, contexts, compiled=True), statistics_of(made, contexts, compiled=False))


def test_bfloat16_is_read_as_it_is_and_columns_of_a_wider_tensor_are_not_copied_wrongly() -> None:
    wide = torch.randn(300, 100, generator=torch.Generator().manual_seed(0))
    keys = place_keys(np.arange(300) // 20, np.arange(300) % 20)
    for values in (wide.bfloat16(), wide[:, 10:75], wide.T.contiguous().T, wide.half(), wide.double()):
        made = [(values, keys)]
        assert_same(statistics_of(made, 5, compiled=True), statistics_of(made, 5, compiled=False))


def test_nothing_depends_on_the_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    values = torch.randn(500, 170, generator=torch.Generator().manual_seed(0))
    made = [(values, place_keys(np.arange(500) // 20, np.arange(500) % 20))]
    alone = statistics_of(made, 5, compiled=True)
    for threads in (2, 3, 50):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        for name, array in statistics_of(made, 5, compiled=True).items():
            np.testing.assert_array_equal(array, alone[name], err_msg=name)


def test_it_is_used_where_numba_is_there_and_only_there(monkeypatch: pytest.MonkeyPatch) -> None:
    ask = backend.is_compiled.__wrapped__
    assert ask()
    monkeypatch.setattr("numba.config.DISABLE_JIT", 1)
    assert not ask()
    monkeypatch.setitem(__import__("sys").modules, "numba", None)
    assert not ask()


def test_where_it_fails_torch_does_the_work(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def fails(*_: object) -> None:
        raise TypeError("another version")

    monkeypatch.setattr(kernel, "add_neurons", fails)
    assert not backend.is_compiled.__wrapped__()
    assert "do not work here" in caplog.text


def test_a_full_disk_costs_only_the_next_process_the_time_to_compile(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def no_room_at_first(*arguments: object) -> None:
        calls.append(arguments)
        if len(calls) == 1:
            raise OSError("No space left on device")

    monkeypatch.setattr(kernel, "add_neurons", no_room_at_first)
    monkeypatch.setattr("mechamap.statistics.neuron_statistics.is_compiled", lambda: True)
    LayerStatistics(3, SEED).add(torch.zeros(4, 3), Places(np.arange(4), SEED))
    assert len(calls) == 2


def test_without_a_folder_to_keep_it_in_it_is_compiled_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def njit(**options: object) -> Callable[[object], object]:
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return lambda function: ("compiled", function)

    monkeypatch.setattr(kernel, "njit", njit)
    monkeypatch.setattr(kernel, "_compiled", njit(nogil=True))
    assert kernel._kept_on_disk(len) == ("compiled", len)
