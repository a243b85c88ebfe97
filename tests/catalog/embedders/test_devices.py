"""Where a model runs, and what it does when memory is short there."""

from importlib import import_module
from typing import Any

import numpy as np
import pytest

from catalog.embedders.siglip import SiglipEmbedder
from jobs.errors import RetryableError
from tests.catalog.embedders.tiny import PICTURES, embedder_of


@pytest.mark.parametrize("kind", ["device", "cpu", "python"])
def test_too_large_a_batch_is_halved_and_later_ones_are_no_larger(torch: Any, kind: str) -> None:
    towers = import_module("catalog.embedders.towers")
    errors = {
        "device": torch.OutOfMemoryError("CUDA out of memory"),
        "cpu": RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        "python": MemoryError(),
    }
    sizes: list[int] = []

    def encode(part: Any) -> Any:
        sizes.append(len(part))
        if len(part) > 3:
            raise errors[kind]
        return part * 2

    fit = towers.Fitting(encode)
    first = torch.cat(fit(torch.arange(11)))
    second = torch.cat(fit(torch.arange(5)))

    assert first.tolist() == list(range(0, 22, 2))
    assert second.tolist() == list(range(0, 10, 2))
    assert sizes == [11, 5, 2, 2, 1, 2, 2, 1, 1, 2, 2, 1]


def test_not_even_one_item_in_memory_is_tried_again_later_and_a_bug_is_none_of_it(torch: Any) -> None:
    towers = import_module("catalog.embedders.towers")

    def never(part: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory")

    def broken(part: Any) -> Any:
        raise RuntimeError("shapes cannot be multiplied")

    with pytest.raises(towers.DeviceOutOfMemory) as caught:
        towers.Fitting(never)(torch.arange(4))
    assert isinstance(caught.value, RetryableError)
    with pytest.raises(RuntimeError, match="multiplied"):
        towers.Fitting(broken)(torch.arange(4))


def test_rows_keep_their_order_when_memory_is_short(
    name: str, exact: SiglipEmbedder, torch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedder = embedder_of(name, dtype="float32")
    model = embedder.load().towers._model
    encode = model.encode_image

    def short_of_memory(pixels: Any) -> Any:
        if len(pixels) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return encode(pixels)

    monkeypatch.setattr(model, "encode_image", short_of_memory)

    assert np.allclose(embedder.embed_pictures(PICTURES), exact.embed_pictures(PICTURES), atol=1e-5)


@pytest.mark.parametrize(("capability", "dtype"), [((9, 0), "bfloat16"), ((8, 0), "bfloat16"), ((7, 5), "float32")])
def test_a_gpu_is_taken_where_there_is_one(
    torch: Any, monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], dtype: str
) -> None:
    devices = import_module("catalog.embedders.devices")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)

    placement = devices.choose_placement(is_compiled=False)

    assert (placement.device, placement.kind, placement.dtype) == ("cuda", "cuda", dtype)
    assert placement.picture_batch == 256
    assert devices.choose_placement(device="cuda:1", is_compiled=False).kind == "cuda"
    with pytest.raises(devices.DeviceMissing, match="SIGLIP_DEVICE=cuda:2"):
        devices.choose_placement(device="cuda:2", is_compiled=False)


def test_without_a_gpu_the_cpu_is_taken_and_a_named_device_must_be_there(
    torch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    devices = import_module("catalog.embedders.devices")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": False})

    placement = devices.choose_placement(threads=3, is_compiled=True)

    assert (placement.device, placement.dtype, placement.threads, placement.picture_batch) == ("cpu", "float32", 3, 8)
    for device in ("cuda", "mps"):
        with pytest.raises(devices.DeviceMissing, match=f"SIGLIP_DEVICE={device}"):
            devices.choose_placement(device=device, is_compiled=False)
