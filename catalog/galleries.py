"""The pictures of products: fetched, rendered, and written as rows."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db.models import Q

from catalog.fetching import FetchSession
from catalog.hosts import host_of
from catalog.pictures import MAX_BYTES, OversizedPicture, UnusablePicture, render_picture, store_file
from catalog.politeness.manners import Manners, NotAsked
from catalog.replies import ReplyTooLarge, Request
from catalog.sources.source import MAX_PICTURES
from jobs.errors import JobError, PermanentError
from marketplace.models import Picture, Product

ACCEPT_PICTURES = "image/avif,image/webp,image/png,image/jpeg,image/*;q=0.8,*/*;q=0.1"
MISSING = "picture.missing"
# Pictures fetched or rendered at once, which bounds their memory: 16 of 16 MiB at most.
CONCURRENCY = 16
# Pillow decodes and encodes without the GIL; more threads than this gained nothing on two cores.
RENDER_THREADS = 3


@dataclass(frozen=True, slots=True)
class Gallery:
    """A product's pictures as its page names them, and those that are stored already, by position.

    is_doubted: what is stored does not count, since another picture may stand at the same address.
    """

    product_id: int
    addresses: Sequence[str]
    stored: Mapping[int, Picture]
    is_doubted: bool = False

    def is_stored(self, position: int) -> bool:
        """Tell whether the picture at this position is stored from its very address."""
        picture = self.stored.get(position)
        return (
            picture is not None
            and not self.is_doubted
            and picture.status == Picture.Status.READY
            and picture.source_address == self.addresses[position]
        )

    @property
    def unstored(self) -> list[int]:
        """The positions whose pictures are still to be fetched."""
        return [position for position in range(len(self.addresses)) if not self.is_stored(position)]


@dataclass(frozen=True, slots=True)
class FilledGallery:
    """The new pictures of a product, and how many it has in all."""

    product_id: int
    pictures: Sequence[Picture]
    size: int


def galleries_of(product_ids: Collection[int], *, doubted: Collection[int] = ()) -> dict[int, Gallery]:
    """Return the galleries of products, ten pictures each at most; all of those that are doubted is to be fetched."""
    stored: dict[int, dict[int, Picture]] = {}
    for picture in Picture.objects.filter(product__in=product_ids):
        stored.setdefault(picture.product_id, {})[picture.position] = picture
    named = Product.objects.filter(pk__in=product_ids).values_list("pk", "picture_addresses")
    return {
        pk: Gallery(pk, addresses[:MAX_PICTURES], stored=stored.get(pk, {}), is_doubted=pk in doubted)
        for pk, addresses in named
    }


def addresses_to_fetch(galleries: Collection[Gallery]) -> list[str]:
    """Return the addresses of what is not stored yet."""
    return [gallery.addresses[position] for gallery in galleries for position in gallery.unstored]


def fill_galleries(
    galleries: Collection[Gallery], *, manners: Manners | None = None
) -> dict[int, FilledGallery | JobError]:
    """Fetch and render what is not stored yet, and write the files; the rows are left to store_galleries.

    A picture that is missing or broken is a row that says so. A product whose picture could not be had for a
    reason that may pass has that error instead.
    """
    return asyncio.run(_fill_all(galleries, Manners() if manners is None else manners))


async def _fill_all(galleries: Collection[Gallery], manners: Manners) -> dict[int, FilledGallery | JobError]:
    places = asyncio.Semaphore(CONCURRENCY)
    with ThreadPoolExecutor(RENDER_THREADS, thread_name_prefix="render") as renderers:
        async with FetchSession(concurrency=CONCURRENCY, manners=manners) as session:
            filled = await asyncio.gather(
                *(_fill(gallery, session, renderers, places, manners) for gallery in galleries)
            )
    return {gallery.product_id: outcome for gallery, outcome in zip(galleries, filled, strict=True)}


async def _fill(
    gallery: Gallery,
    session: FetchSession,
    renderers: ThreadPoolExecutor,
    places: asyncio.Semaphore,
    manners: Manners,
) -> FilledGallery | JobError:
    wanted = gallery.unstored
    for address in {host_of(it): it for it in addresses_to_fetch([gallery])}.values():
        refusal = manners.refusal(address)
        if isinstance(refusal, NotAsked):  # of a host that refuses for good the pictures are missing
            return refusal
    outcomes = await asyncio.gather(
        *(_picture(gallery, position, session, renderers, places) for position in wanted), return_exceptions=True
    )
    errors = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    for error in errors:
        if not isinstance(error, JobError):
            raise error
        return error
    pictures = [outcome for outcome in outcomes if isinstance(outcome, Picture)]
    return FilledGallery(product_id=gallery.product_id, pictures=pictures, size=len(gallery.addresses))


async def _picture(
    gallery: Gallery, position: int, session: FetchSession, renderers: ThreadPoolExecutor, places: asyncio.Semaphore
) -> Picture:
    """Return the row of one picture, ready or broken.

    Raises:
        RetryableError, RateLimitedError: it cannot be had now.
    """
    picture = Picture(
        product_id=gallery.product_id,
        position=position,
        source_address=gallery.addresses[position],
        status=Picture.Status.BROKEN,
    )
    request = Request(address=picture.source_address, max_bytes=MAX_BYTES, accept=ACCEPT_PICTURES, is_file=True)
    async with places:
        try:
            reply = await session.send(request)
            await asyncio.get_running_loop().run_in_executor(renderers, render_into, picture, reply.body)
        except ReplyTooLarge:
            picture.error_code = OversizedPicture.code
        except PermanentError:
            picture.error_code = MISSING
        except UnusablePicture as error:
            picture.error_code = error.code
    return picture


def render_into(picture: Picture, data: bytes) -> None:
    """Write the renditions' files and describe them in the row."""
    rendered = render_picture(data)
    root = Path(settings.MEDIA_ROOT)
    store_file(root, rendered.display_name, rendered.display)
    store_file(root, rendered.thumbnail_name, rendered.thumbnail)
    picture.status = Picture.Status.READY
    picture.sha256 = rendered.sha256
    picture.perceptual_hash = rendered.perceptual_hash
    picture.width_px = rendered.width_px
    picture.height_px = rendered.height_px
    picture.size_bytes = rendered.size_bytes
    picture.media_type = rendered.media_type
    picture.is_animated = rendered.is_animated
    picture.sharpness = rendered.measures.sharpness
    picture.contrast = rendered.measures.contrast
    picture.frame_share = rendered.measures.frame_share
    picture.average_colour = rendered.measures.average_colour
    picture.display.name = rendered.display_name
    picture.thumbnail.name = rendered.thumbnail_name


def store_galleries(galleries: Collection[FilledGallery]) -> None:
    """Write the rows of galleries, in place of those at the same positions, and drop those beyond their end."""
    beyond = Q(pk__in=[])
    for gallery in galleries:
        beyond |= Q(product=gallery.product_id, position__gte=gallery.size)
    Picture.objects.filter(beyond).delete()
    Picture.objects.bulk_create(
        [picture for gallery in sorted(galleries, key=lambda it: it.product_id) for picture in gallery.pictures],
        update_conflicts=True,
        unique_fields=["product", "position"],
        update_fields=[
            "source_address",
            "status",
            "error_code",
            "sha256",
            "perceptual_hash",
            "width_px",
            "height_px",
            "size_bytes",
            "media_type",
            "is_animated",
            "sharpness",
            "contrast",
            "frame_share",
            "average_colour",
            "display",
            "thumbnail",
        ],
    )
