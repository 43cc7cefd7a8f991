"""The memory that lower blocks alone take, against that of the whole model."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.measured,
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peaks of memory are read from /proc"),
]


@pytest.mark.smollm2
def test_the_upper_blocks_of_the_real_model_take_no_memory(smollm2_path: Path) -> None:
    """In bfloat16, since float32 weights are mapped from the file and only take memory once they run."""
    program = f"""
import sys
from mechamap.catalog.source import resolve
from mechamap.models.loading.load import load_model
from mechamap.models.loading.load_settings import LoadSettings
from mechamap.models.loading.trouble import quiet_transformers
with quiet_transformers():
    from transformers import LlamaForCausalLM
peak = lambda: next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM:")) * 1024
before = peak()
layers = int(sys.argv[1])
settings = LoadSettings(device="cpu", dtype="bfloat16", layers_wanted=layers)
loaded = load_model(resolve({str(smollm2_path)!r}), settings)
assert len(loaded.layers) == layers and loaded.n_layers == 30
print(peak() - before)
"""
    lower, whole = (
        int(subprocess.run([sys.executable, "-c", program, n], capture_output=True, text=True, check=True).stdout)
        for n in ("4", "30")
    )
    blocks = 26 * 3_540_096  # weights of the 26 upper blocks, read as float32, held as bfloat16
    assert whole - lower > 4 * blocks
