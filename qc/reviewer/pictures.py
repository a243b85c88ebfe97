"""The pictures that the reviewer sees: the first few of a product, made small."""

import io
from collections.abc import Collection, Sequence
from pathlib import Path

from django.conf import settings
from PIL import Image

from jobs.errors import RetryableError
from marketplace.gemini.generating import PicturePart
from marketplace.models import Picture

PICTURES_A_PRODUCT = 3
SIDE_PX = 512
QUALITY = 80


class PictureOutOfReach(RetryableError):
    """A picture's file cannot be read: this host must share MEDIA_ROOT with those that fetch pictures."""

    code = "review.picture_out_of_reach"


def files_of(product_ids: Collection[int]) -> dict[int, list[str]]:
    """Name the files of the first pictures of products that can be shown."""
    files: dict[int, list[str]] = {pk: [] for pk in product_ids}
    rows = Picture.objects.filter(product__in=list(product_ids), status=Picture.Status.READY).exclude(display="")
    for pk, name in rows.order_by("product_id", "position").values_list("product_id", "display"):
        if len(files[pk]) < PICTURES_A_PRODUCT:
            files[pk].append(name)
    return files


def small_pictures(names: Sequence[str]) -> list[PicturePart]:
    """Return pictures of at most 512 px a side as JPEG.

    Raises:
        PictureOutOfReach: a file is missing or broken (retryable).
    """
    return [_small(Path(settings.MEDIA_ROOT) / name) for name in names]


def _small(path: Path) -> PicturePart:
    out = io.BytesIO()
    try:
        with Image.open(path) as image:
            image.draft("RGB", (SIDE_PX, SIDE_PX))  # the decoder halves while it reads
            image.thumbnail((SIDE_PX, SIDE_PX), Image.Resampling.BILINEAR)
            image.convert("RGB").save(out, "JPEG", quality=QUALITY)
    except (OSError, SyntaxError, ValueError) as error:
        raise PictureOutOfReach(f"{PictureOutOfReach.__doc__} {type(error).__name__}: {path.name}") from error
    return PicturePart(out.getvalue(), "image/jpeg")
