"""Keeping the libraries below from writing into a terminal that is somebody else's."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["quiet_hub", "quiet_transformers"]

# What transformers imports when it is installed, and what these say of kernels that a machine cannot use.
_TALKATIVE = ("torchao", "bitsandbytes", "accelerate", "torch.utils._pytree")


def quiet_hub() -> None:
    """No progress bars and no log lines of huggingface_hub, from now on."""
    from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]
    from huggingface_hub.utils import logging as hub_logging

    disable_progress_bars()
    hub_logging.set_verbosity(logging.CRITICAL)


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """No progress bars and no log lines of transformers from now on, and no warnings inside the block.

    What the warnings are about is checked by the caller (missing weights, for one, are an error here).
    """
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    from transformers.utils import logging as transformers_logging

    quiet_hub()
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
