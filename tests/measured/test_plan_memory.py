"""What a plan says of memory, against the most that the processes of real scans take.

Longer than the other tests and dependent on the machine's libraries: `make measured`.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from support.by_name import plan_scan
from support.measured_scan import measured

from mechamap.config.scan_config import ScanConfig
from mechamap.config.schema import default_config, with_overrides

pytestmark = [
    pytest.mark.measured,
    pytest.mark.smollm2,
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peaks of memory are read from /proc"),
]

TEXT = " ".join(["On Monday the dog ate a red apple in Paris, and the cat took a train to London."] * 1500)

# How far the most memory of a scan may be from what its plan says.
FACTOR = 1.25


def config_of(**changes: object) -> ScanConfig:
    return with_overrides(default_config(), device="cpu", **changes)


@pytest.mark.parametrize("long", [False, True])
def test_the_bundled_model_takes_the_memory_that_was_planned(tmp_path: Path, long: bool) -> None:
    (tmp_path / "text.txt").write_text(TEXT)
    config = config_of(texts=[TEXT]) if long else config_of()
    (need,) = plan_scan("demo", config).memory
    own, mapped = measured("demo", tmp_path, *(["--text", str(tmp_path / "text.txt")] if long else []))
    assert need.needed / FACTOR < own + mapped < need.needed * FACTOR
    if long:  # where the text is what takes the memory
        assert need.activations > 2 * need.weights and need.activations > 300e6


@pytest.mark.parametrize(("dtype", "layers"), [("auto", "all"), ("bfloat16", "all"), ("auto", "0-2")])
def test_a_real_model_takes_the_memory_that_was_planned(
    smollm2_path: Path, tmp_path: Path, dtype: str, layers: str
) -> None:
    plan = plan_scan(str(smollm2_path), config_of(dtype=dtype, layers=layers))
    (need,) = plan.memory
    own, mapped = measured(str(smollm2_path), tmp_path, "--dtype", dtype, "--layers", layers)
    if plan.scan.weights.cast:  # pages of the file that they are cast from: given back when memory gets short
        mapped = min(mapped, 150_000_000)
    assert need.needed / FACTOR < own + mapped < need.needed * FACTOR
