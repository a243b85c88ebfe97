"""SigLIP, by a tiny checkpoint that is loaded as real ones are: vectors as promised, and no run on bad weights.

Everything that needs torch stands here, for its import costs seconds: in fixtures, so that other test processes that
only collect this file are spared.
"""

import io
import json
import math
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from PIL import Image

from catalog.embedders import checkpoints, current
from catalog.embedders.checkpoints import (
    CheckpointMissing,
    CheckpointUnusable,
    EmbedderNotInstalled,
    HubUnavailable,
    find_checkpoint,
)
from catalog.embedders.contract import DIMENSIONS, UnreadablePicture
from catalog.embedders.siglip import SiglipEmbedder, SiglipOptions, unrelated_similarity
from jobs.errors import PermanentError, RetryableError
from tests.catalog.products import picture_bytes

CONFIG, WEIGHTS = "open_clip_config.json", "open_clip_model.safetensors"
TEXTS = ["Red lamp", "an oak chair", "blue", "", "lamp " * 200]
PICTURES = [picture_bytes(320, 240, form="PNG", seed=seed) for seed in range(20)]


@pytest.fixture(scope="module")
def making() -> Any:
    made = import_module("tests.checkpoints")
    made.torch.set_num_threads(1)  # several wait for each other actively: on a busy machine for ever
    return made


@pytest.fixture(scope="module")
def torch(making: Any) -> Any:
    return making.torch


@pytest.fixture(scope="module")
def name(making: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    made: str = making.make_checkpoint(tmp_path_factory.mktemp("siglip"))
    return made


@pytest.fixture
def folder(name: str, tmp_path: Path) -> Path:
    """Return a copy that a test may spoil."""
    return Path(shutil.copytree(name.removeprefix("local-dir:"), tmp_path / "copy"))


def embedder_of(name: str | Path, **options: Any) -> SiglipEmbedder:
    model = name if isinstance(name, str) else f"local-dir:{name}"
    return SiglipEmbedder(replace(SiglipOptions(model, device="cpu", threads=1), **options))


@pytest.fixture(scope="module")
def exact(name: str) -> SiglipEmbedder:
    return embedder_of(name, dtype="float32")


@pytest.fixture(scope="module")
def short(name: str) -> SiglipEmbedder:
    return embedder_of(name, dtype="bfloat16")


def encoded(image: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def change_config(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    config = json.loads((folder / CONFIG).read_text())
    change(config)
    (folder / CONFIG).write_text(json.dumps(config))


# --- vectors --------------------------------------------------------------------------------------
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_each_text_and_picture_gets_one_unit_row_the_same_each_time(name: str, dtype: str) -> None:
    embedder = embedder_of(name, dtype=dtype)
    for rows, again in (
        (embedder.embed(TEXTS), embedder.embed_queries(TEXTS)),
        (embedder.embed_pictures(PICTURES), embedder.embed_pictures(PICTURES)),
    ):
        assert rows.shape == (len(rows), DIMENSIONS)
        assert rows.dtype == np.float32
        assert np.allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-5)
        assert np.array_equal(rows, again)
    assert embedder.embed([]).shape == embedder.embed_pictures([]).shape == (0, DIMENSIONS)


def test_a_row_does_not_depend_on_what_is_embedded_beside_it(exact: SiglipEmbedder, short: SiglipEmbedder) -> None:
    for embedder, tolerance in ((exact, 1e-5), (short, 5e-3)):
        texts, pictures = embedder.embed(TEXTS * 9), embedder.embed_pictures(PICTURES)
        alone = np.concatenate([embedder.embed([text]) for text in TEXTS])
        assert np.allclose((texts[-len(TEXTS) :] * alone).sum(axis=1), 1.0, atol=tolerance)
        alone = np.concatenate([embedder.embed_pictures([picture]) for picture in PICTURES])
        assert np.allclose((pictures * alone).sum(axis=1), 1.0, atol=tolerance)


def test_short_numbers_say_what_long_ones_do(exact: SiglipEmbedder, short: SiglipEmbedder) -> None:
    """Both makes of vectors carry one fingerprint: they may meet in one index."""
    assert exact.fingerprint == short.fingerprint
    assert (exact.embed(TEXTS) * short.embed(TEXTS)).sum(axis=1).min() > 0.99
    assert (exact.embed_pictures(PICTURES) * short.embed_pictures(PICTURES)).sum(axis=1).min() > 0.99


def test_texts_and_pictures_are_prepared_as_open_clip_prepares_them(
    exact: SiglipEmbedder, name: str, making: Any, torch: Any
) -> None:
    model, _, preprocess = making.open_clip.create_model_and_transforms(name)
    tokenizer = making.open_clip.get_tokenizer(name)
    images = [Image.open(io.BytesIO(data)) for data in PICTURES]
    with torch.inference_mode():
        pictures = model.eval().encode_image(torch.stack([preprocess(image) for image in images]), normalize=True)
        texts = model.encode_text(tokenizer(TEXTS), normalize=True)

    assert np.allclose(exact.embed_pictures(PICTURES), pictures.numpy(), atol=1e-5)
    assert np.allclose(exact.embed(TEXTS), texts.numpy(), atol=1e-5)


def test_case_marks_and_what_is_beyond_the_context_do_not_count(exact: SiglipEmbedder) -> None:
    plain, loud, long, longer = exact.embed(["red lamp", "RED, lamp!", "lamp " * 100, "lamp " * 200])

    assert np.array_equal(plain, loud)
    assert np.array_equal(long, longer)


def upright() -> Image.Image:
    return Image.open(io.BytesIO(picture_bytes(320, 240, form="PNG", seed=3))).convert("RGB")


def turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by 90 degrees to the right
    return encoded(upright().transpose(Image.Transpose.ROTATE_90), "PNG", exif=exif.tobytes())


def see_through() -> bytes:
    """A picture with nothing to see in its left half, though there is colour under it."""
    image = upright().convert("RGBA")
    image.paste((0, 0, 0, 0), (0, 0, 160, 240))
    return encoded(image)


def half_white() -> bytes:
    image = upright()
    image.paste("white", (0, 0, 160, 240))
    return encoded(image)


def animated() -> bytes:
    frames = [upright().quantize(64), Image.new("P", (320, 240))]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])


@pytest.mark.parametrize(
    ("picture", "same_as"),
    [
        (turned, lambda: encoded(upright())),
        (see_through, half_white),
        (lambda: encoded(upright().convert("CMYK"), "TIFF"), lambda: encoded(upright())),
        (lambda: encoded(upright().quantize(64)), lambda: encoded(upright().quantize(64).convert("RGB"))),
        (animated, lambda: encoded(upright().quantize(64).convert("RGB"))),
        (lambda: encoded(upright().convert("L")), lambda: encoded(upright().convert("L").convert("RGB"))),
    ],
    ids=["turned", "see-through", "CMYK", "palette", "animated", "grey"],
)
def test_every_kind_of_file_is_seen_as_it_is_shown(
    exact: SiglipEmbedder, picture: Callable[[], bytes], same_as: Callable[[], bytes]
) -> None:
    own, other = exact.embed_pictures([picture(), same_as()])

    assert own @ other == pytest.approx(1.0, abs=1e-4)


def test_a_large_jpeg_read_at_a_part_of_its_size_looks_the_same(exact: SiglipEmbedder) -> None:
    large = picture_bytes(1600, 1200, quality=95)
    whole = encoded(Image.open(io.BytesIO(large)), "BMP")

    own, other = exact.embed_pictures([large, whole])

    assert own @ other > 0.999


def test_a_picture_that_cannot_be_decoded_is_named_by_its_place(exact: SiglipEmbedder) -> None:
    with pytest.raises(UnreadablePicture, match="picture 17 cannot be decoded") as caught:
        exact.embed_pictures([*PICTURES[:17], b"no picture", *PICTURES[17:]])
    assert caught.value.position == 17


def test_threads_share_one_model(name: str, making: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []
    create = making.open_clip.create_model

    def counted(*args: Any, **options: Any) -> Any:
        calls.append(args)
        return create(*args, **options)

    monkeypatch.setattr(making.open_clip, "create_model", counted)
    embedder = embedder_of(name, dtype="float32")
    with ThreadPoolExecutor(8) as pool:
        rows = list(pool.map(embedder.embed, [[text] for text in TEXTS * 8]))

    assert len(calls) == 1
    assert np.allclose(np.concatenate(rows), embedder.embed(TEXTS * 8), atol=1e-5)


# --- what is refused ------------------------------------------------------------------------------
def clip_preprocessing(folder: Path) -> None:
    change_config(folder, lambda config: config["preprocess_cfg"].update(mean=[0.48, 0.46, 0.41]))


def another_width(folder: Path) -> None:
    change_config(folder, lambda config: config["model_cfg"].update(embed_dim=512))


def another_architecture(folder: Path) -> None:
    change_config(folder, lambda config: config["model_cfg"]["text_cfg"].update(layers=3))


def no_tokenizer_named(folder: Path) -> None:
    change_config(folder, lambda config: config["model_cfg"]["text_cfg"].pop("hf_tokenizer_name"))


def cut_off(folder: Path) -> None:
    (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:100_000])


@pytest.mark.parametrize(
    ("spoil", "error", "said"),
    [
        (shutil.rmtree, CheckpointMissing, "there is no folder"),
        (lambda folder: (folder / WEIGHTS).unlink(), CheckpointMissing, f"lacks {WEIGHTS} or .* never runs on random"),
        (lambda folder: (folder / CONFIG).unlink(), CheckpointMissing, f"lacks {CONFIG}"),
        (lambda folder: (folder / "tokenizer.json").unlink(), CheckpointMissing, "lacks tokenizer.json"),
        (lambda folder: (folder / CONFIG).write_text("{}"), CheckpointUnusable, "not open_clip's configuration"),
        (clip_preprocessing, CheckpointUnusable, "prepares pictures as"),
        (lambda folder: change_config(folder, lambda it: it.pop("preprocess_cfg")), CheckpointUnusable, "preprocess"),
        (another_width, CheckpointUnusable, "512 dimensions, and the index holds 768"),
        (no_tokenizer_named, CheckpointUnusable, "no SigLIP model"),
        (another_architecture, CheckpointUnusable, "does not fit"),
        (cut_off, CheckpointUnusable, "does not fit"),
        (lambda folder: (folder / "tokenizer.json").write_text("{"), CheckpointUnusable, "tokenizer cannot be read"),
    ],
)
def test_a_checkpoint_that_is_not_whole_is_refused(
    folder: Path, spoil: Callable[[Path], object], error: type[PermanentError], said: str
) -> None:
    spoil(folder)

    with pytest.raises(error, match=said) as caught:
        embedder_of(folder).embed(["lamp"])
    assert isinstance(caught.value, PermanentError)


def test_weights_that_were_never_trained_are_refused(folder: Path, making: Any) -> None:
    making.write_weights(folder, seed=1, logit_scale=math.log(1 / 0.07), logit_bias=-10.0)

    with pytest.raises(CheckpointUnusable, match="never trained"):
        embedder_of(folder).embed(["lamp"])


def test_weights_that_make_no_numbers_are_refused(folder: Path, making: Any, torch: Any) -> None:
    load, save = import_module("safetensors.torch").load_file, making.save_file
    state = load(folder / WEIGHTS)
    save(state | {"text.ln_final.weight": state["text.ln_final.weight"] * torch.nan}, folder / WEIGHTS)

    with pytest.raises(CheckpointUnusable, match="not numbers"):
        embedder_of(folder).embed(["lamp"])


@pytest.mark.parametrize("missing", ["torch", "open_clip", "transformers"])
def test_missing_libraries_are_told_with_what_to_do(
    name: str, making: Any, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    for module in ("catalog.embedders.towers", "catalog.embedders.devices"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setitem(sys.modules, missing, None)

    with pytest.raises(EmbedderNotInstalled, match=r"install (it|them): .* --extra siglip"):
        embedder_of(name).embed(["lamp"])


# --- fingerprints ---------------------------------------------------------------------------------
def test_the_fingerprint_is_of_what_makes_vectors_and_not_of_its_place(name: str, folder: Path, making: Any) -> None:
    own = embedder_of(name).fingerprint
    assert own == embedder_of(folder).fingerprint
    assert len(own) == len("siglip_") + 16
    assert own.replace("_", "").isalnum()

    making.write_weights(folder, seed=9)
    weights = embedder_of(folder).fingerprint
    change_config(folder, lambda config: config["model_cfg"]["text_cfg"].update(context_length=32))
    context = embedder_of(folder).fingerprint
    tokenizer_file = folder / "tokenizer.json"
    tokenizer_file.write_text(tokenizer_file.read_text() + " ")
    tokenizer = embedder_of(folder).fingerprint

    assert len({own, weights, context, tokenizer}) == 4


# --- the hub --------------------------------------------------------------------------------------
@pytest.fixture
def hub(making: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the hub's cache, from which nothing reaches the network."""
    constants = import_module("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def test_a_model_of_the_hub_is_taken_from_its_cache(hub: Path, name: str) -> None:
    cached = hub / "models--timm--ViT-B-16-SigLIP"
    shutil.copytree(name.removeprefix("local-dir:"), cached / "snapshots" / "0123abcd")
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text("0123abcd")

    embedder = embedder_of("hf-hub:timm/ViT-B-16-SigLIP")

    assert embedder.fingerprint == embedder_of(name).fingerprint
    assert embedder.embed(["lamp"]).shape == (1, DIMENSIONS)


def test_a_model_that_is_not_in_the_cache_says_what_to_do(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CheckpointMissing, match="set HF_HOME to where it lies, or set SIGLIP_MODEL=local-dir:PATH"):
        find_checkpoint("hf-hub:timm/ViT-B-16-SigLIP")

    module = import_module("huggingface_hub")
    monkeypatch.setattr(import_module("huggingface_hub.constants"), "HF_HUB_OFFLINE", False)

    def unreachable(*args: Any, **options: Any) -> str:
        raise ConnectionError("no route")

    monkeypatch.setattr(module, "snapshot_download", unreachable)
    with pytest.raises(HubUnavailable, match="no route") as caught:
        find_checkpoint("hf-hub:timm/ViT-B-16-SigLIP")
    assert isinstance(caught.value, RetryableError)


# --- memory and devices ---------------------------------------------------------------------------
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


# --- in the product -------------------------------------------------------------------------------
@pytest.fixture
def chosen(db: None, forgotten: None, name: str, settings: Any) -> None:
    current._made.cache_clear()
    settings.EMBEDDER, settings.SIGLIP_MODEL = "siglip", name
    settings.SIGLIP_DEVICE, settings.SIGLIP_THREADS = "cpu", 1


def test_the_settings_choose_it_for_texts_and_pictures(chosen: None, settings: Any) -> None:
    settings.SIGLIP_PICTURE_WEIGHT = 0.25
    embedder = current.current_embedder()
    current.warm_up()

    assert isinstance(embedder, SiglipEmbedder)
    assert embedder._loaded is not None
    assert embedder.picture_weight == 0.25
    assert current.current_picture_embedder() is embedder
    weightless = SiglipEmbedder(replace(embedder.options, picture_weight=0.0))
    assert current.picture_embedder_of(weightless).fingerprint == "layout_v1"
    current._made.cache_clear()


def test_the_least_similarity_is_that_of_unrelated_texts_and_no_likeness_to_the_picture(exact: SiglipEmbedder) -> None:
    assert unrelated_similarity(background=0.6, boundary=0.1, picture_weight=0.0) == pytest.approx(0.6)
    assert unrelated_similarity(background=0.6, boundary=0.0, picture_weight=0.5) == pytest.approx(0.6 / math.sqrt(2))
    assert unrelated_similarity(background=0.6, boundary=1.0, picture_weight=0.5) == pytest.approx(0.3)
    assert 0.0 < exact.min_similarity < 1.0
    assert exact.load().towers.boundary == pytest.approx(12.9 / math.exp(4.76))


def test_django_starts_without_torch() -> None:
    code = (
        "import django; django.setup(); import sys; "
        "from catalog.embedders import current, siglip, layout; siglip.siglip_of_settings(); "
        "current.active_embedder_name = lambda: 'hashing'; current.warm_up(); "
        "assert not {'torch', 'open_clip', 'transformers', 'huggingface_hub'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3], check=True, timeout=60)


def test_check_embedder_tells_what_runs_and_how_fast(
    chosen: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    call_command("check_embedder", "--json", "--seconds", "0.1")
    facts = json.loads(capsys.readouterr().out)

    assert facts["fingerprint"] == facts["picture_fingerprint"] == current.current_embedder().fingerprint
    assert (facts["embedder"], facts["device"], facts["picture_weight"]) == ("SiglipEmbedder", "cpu", 0.5)
    assert min(facts["texts_per_s"], facts["query_p50_ms"], facts["pictures_per_s"]) > 0

    call_command("check_embedder", "--embedder", "hashing", "--seconds", "0")
    shown = capsys.readouterr().out
    assert "HashingEmbedder" in shown
    assert "layout_v1" in shown
    assert "texts_per_s" not in shown
    current._made.cache_clear()


def test_check_embedder_fails_and_says_what_to_do(chosen: None, settings: Any, tmp_path: Path) -> None:
    settings.SIGLIP_MODEL = f"local-dir:{tmp_path}"

    with pytest.raises(
        CommandError, match=r"siglip cannot run: .* lacks .* \[embedding.checkpoint_missing\]"
    ) as caught:
        call_command("check_embedder")
    assert caught.value.returncode == 1
    with pytest.raises(CommandError, match="0 or more"):
        call_command("check_embedder", "--seconds", "-1")
    current._made.cache_clear()


def test_the_digest_is_taken_once_for_a_file(name: str) -> None:
    checkpoints._digest.cache_clear()
    find_checkpoint(name)
    find_checkpoint(name)

    assert (checkpoints._digest.cache_info().misses, checkpoints._digest.cache_info().hits) == (1, 1)
