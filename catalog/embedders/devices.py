"""Where the model runs and how: device, number format, threads, sizes of batches."""

import os
from dataclasses import dataclass

import torch

from jobs.errors import PermanentError

# A CPU fills its caches with 8 to 16; a GPU wants hundreds to be busy at all.
PICTURE_BATCHES = {"cpu": 8, "mps": 32, "cuda": 256}
TEXT_BATCHES = {"cpu": 32, "mps": 64, "cuda": 512}
# Instructions that multiply bfloat16 (x86 and ARM); without them it is slower than float32.
BFLOAT16_CPU = ("avx512_bf16", "amx_bf16", "avx10_2", "bf16")


class DeviceMissing(PermanentError):
    """The device that the settings name is not there."""

    code = "embedding.device_missing"


@dataclass(frozen=True, slots=True)
class Placement:
    """Where and how a model runs."""

    device: str
    dtype: str
    threads: int
    picture_batch: int
    text_batch: int
    is_compiled: bool

    @property
    def kind(self) -> str:
        """The kind of device: cpu, cuda or mps."""
        return self.device.partition(":")[0]


def choose_placement(*, device: str = "auto", dtype: str = "auto", threads: int = 0, is_compiled: bool) -> Placement:
    """Return the best placement on this machine, or what the settings ask for.

    Args:
        device: cpu, cuda, cuda:N or mps; auto takes the first of CUDA, MPS and the CPU that is there.
        dtype: bfloat16 or float32; auto takes bfloat16 where the device computes with it.
        threads: of the CPU; 0 takes all that this process may use.
        is_compiled: compile the towers with torch.compile.

    Raises:
        DeviceMissing: there is no such device here.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    kind = device.partition(":")[0]
    _require(device, kind)
    if dtype == "auto":
        dtype = "bfloat16" if _computes_bfloat16(device, kind) else "float32"
    return Placement(
        device=device,
        dtype=dtype,
        threads=threads or _own_cores(),
        picture_batch=PICTURE_BATCHES[kind],
        text_batch=TEXT_BATCHES[kind],
        is_compiled=is_compiled,
    )


def _require(device: str, kind: str) -> None:
    if kind == "cuda":
        position = int(device.partition(":")[2] or 0)
        is_there = torch.cuda.is_available() and position < torch.cuda.device_count()
    else:
        is_there = kind == "cpu" or torch.backends.mps.is_available()
    if not is_there:
        raise DeviceMissing(f"SIGLIP_DEVICE={device}: torch {torch.__version__} finds no such device; take auto or cpu")


def _computes_bfloat16(device: str, kind: str) -> bool:
    if kind == "cuda":  # compute capability 8.0, Ampere; older ones only imitate it
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if kind == "cpu":
        capabilities = torch.cpu.get_capabilities()
        return any(capabilities.get(name, False) for name in BFLOAT16_CPU)
    return False  # not measured on MPS


def _own_cores() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
