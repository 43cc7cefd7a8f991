"""How to load a model, as a config or the flags of a command say; needs no torch."""

from __future__ import annotations

from dataclasses import dataclass

from mechamap.config.layers import layers_needed
from mechamap.config.scan_config import ScanConfig
from mechamap.models.loading.devices import check_names
from mechamap.models.loading.offload import DeviceMap, check_device_map

__all__ = ["LoadSettings", "load_settings"]


@dataclass(frozen=True, slots=True)
class LoadSettings:
    """How to load a model.

    Attributes:
        dtype: ``auto`` (the checkpoint's), ``float32``, ``bfloat16`` or ``float16``.
        device: ``auto`` (CUDA if there, else the CPU), ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.
        device_map: spread it over several devices, memory and disk, instead of putting it on one: ``auto``,
            ``balanced``, ``balanced_low_0``, ``sequential``, or the device of modules by their path.
        quantize: pack the weights while they are read: ``int8`` or ``nf4``.
        neurons: the paths of the down-projections with ``{layer}``, for a model whose neurons are not found.
        layers_wanted: how many layers from the lowest up are needed; the blocks above are not read where that is
            possible. What needs the model's output needs all: None.
        revision: branch, tag or commit on the hub.
        trust_remote_code: whether Python code that comes with the model may be run.
        adapter: the folder of an adapter to merge into the weights; None for the weights alone, whatever lies beside.
    """

    dtype: str = "auto"
    device: str = "auto"
    device_map: DeviceMap | None = None
    quantize: str | None = None
    neurons: tuple[str, ...] | None = None
    layers_wanted: int | None = None
    revision: str | None = None
    trust_remote_code: bool = False
    adapter: str | None = None

    def check(self) -> None:
        """Refuse settings that no machine can carry out.

        Raises:
            UsageError: dtype, device or device map is not valid.
        """
        check_names(self.dtype, self.device)
        check_device_map(self.device_map, self.device)


def load_settings(config: ScanConfig, *, whole: bool = True) -> LoadSettings:
    """How the config of a scan wants its model loaded.

    Args:
        whole: load all layers, whatever ``config.layers`` says; otherwise blocks above those are not read where that
            is possible. What needs the model's output, such as causes, needs all.
    """
    return LoadSettings(
        dtype=config.dtype,
        device=config.device,
        device_map=config.device_map,
        quantize=config.quantize,
        neurons=config.neurons,
        # An adapter is checked to be taken whole, so all blocks that it may change are read.
        layers_wanted=None if whole or config.adapter is not None else layers_needed(config.layers),
        revision=config.revision,
        trust_remote_code=config.trust_remote_code,
        adapter=config.adapter,
    )
