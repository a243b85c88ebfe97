"""SigLIP, by a tiny checkpoint: vectors as promised, and what the settings choose."""

import io
import json
import math
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from PIL import Image

from catalog.embedders import current
from catalog.embedders.contract import DIMENSIONS, UnreadablePicture
from catalog.embedders.siglip import SiglipEmbedder, unrelated_similarity
from tests.catalog.embedders.tiny import PICTURES, TEXTS, embedder_of, encoded
from tests.catalog.products import picture_bytes


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
