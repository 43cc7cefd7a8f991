"""Why a model computes NaN or infinity: numbers of its weights, or a number format that does not reach far enough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mechamap.runs.proof_record import other_dtypes
from mechamap.wording.advice import Advice, Hint, Setting
from mechamap.wording.amounts import quantity

if TYPE_CHECKING:
    from torch import Tensor

    from mechamap.models.loaded import LoadedModel

__all__ = ["WhyNotFinite", "why_not_finite"]


_NAMED = 3  # tensors, where many hold such numbers
_DAMAGED = "Download it again; where the file is right, its training had diverged, and another checkpoint is needed."


@dataclass(frozen=True, slots=True)
class WhyNotFinite:
    """Why a model computes NaN or infinity.

    Attributes:
        weights: which of its weights hold such numbers, in a sentence; empty where all are finite.
        dtypes: the number formats that reach further and may cure it, in words; empty where none would.
    """

    weights: str
    dtypes: str

    @property
    def damaged(self) -> bool:
        """Whether weights hold such numbers in any format."""
        return bool(self.weights) and not self.dtypes

    @property
    def remedy(self) -> str:
        """What to do, in a sentence that names no setting."""
        if self.damaged:
            return f"{self.weights} {_DAMAGED}"
        if self.weights:
            return f"{self.weights} Scan it in {self.dtypes}; if they hold them there too, download it again."
        if self.dtypes:
            return f"Scan it in {self.dtypes}."
        return "All weights are finite: they may not belong to the config."

    @property
    def hint(self) -> Hint:
        """What to do about it before a scan."""
        if not self.dtypes:
            return _DAMAGED if self.weights else "Check that the weights belong to this config."
        formats = self.dtypes.split(" or ")
        sentence = f"Load it with {' or '.join('{}' for _ in formats)}."
        return Advice.of(sentence, *(Setting("dtype", dtype) for dtype in formats))


def why_not_finite(loaded: LoadedModel) -> WhyNotFinite:
    """Look through the weights of a model in which something is not finite; those that are packed are left out."""
    dtype = str(loaded.dtype).removeprefix("torch.")
    nan, lines = False, []
    for name, weight in (*loaded.model.named_parameters(), *loaded.model.named_buffers()):
        if not weight.is_floating_point() or weight.device.type == "meta" or weight.element_size() == 1:
            continue
        nans, infinite = int(weight.isnan().sum()), int(weight.isinf().sum())
        if nans or (infinite and not _is_mask(name, weight)):
            nan = nan or bool(nans)
            lines.append(_line(loaded, name, weight, nans, infinite))
    if not lines:
        return WhyNotFinite("", other_dtypes(dtype))
    more = f", and those of {quantity(len(lines) - _NAMED, 'tensor')} more" if len(lines) > _NAMED else ""
    # A checkpoint's number may be beyond what float16 holds; a NaN comes from no conversion.
    return WhyNotFinite(f"The weights {'; '.join(lines[:_NAMED])}{more}.", "" if nan else _wider(dtype))


def _wider(dtype: str) -> str:
    return other_dtypes(dtype) if dtype == "float16" else ""


def _is_mask(name: str, weight: Tensor) -> bool:
    """Whether a buffer is one of attention's masks, which are infinite on purpose."""
    return weight.ndim >= 2 and not weight.requires_grad and "mask" in name.rpartition(".")[2]


def _line(loaded: LoadedModel, name: str, weight: Tensor, nans: int, infinite: int) -> str:
    number = next((layer.layer for layer in loaded.layers if name.startswith(f"{layer.block}.")), None)
    of_layer = f"of layer {number} " if number is not None else ""
    counts = [f"{nans:,} NaN"] if nans else []
    counts += [f"{infinite:,} infinite"] if infinite else []
    what = "NaN" if nans else "infinite numbers"
    return f"{of_layer}hold {what}: {name} ({' and '.join(counts)} of {weight.numel():,})"
