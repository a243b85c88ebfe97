"""Products of photos that a seller uploaded: what the accepted inventory says is all that is read."""

from dataclasses import dataclass

from catalog.photos.models import Photo, PhotoItem, PhotoSet
from catalog.reading import SiteReader
from catalog.sources.source import (
    MAX_PICTURES,
    Clues,
    Evidence,
    ExtractedProduct,
    ListedProduct,
    Listing,
    ListPage,
    PageMalformed,
)
from marketplace.models import Product
from marketplace.money import Money

NAME = "photos"


def external_id_of(item: PhotoItem) -> str:
    """Name the product of a line: the same for ever."""
    return f"{NAME}:{item.pk}"


def picture_address(photo: Photo) -> str:
    """Name where a picture came from: no address that anybody could fetch."""
    return f"photo:{photo.sha256}"


def photos_page(set_id: str) -> ListPage:
    """Return the list that is the inventory of a set."""
    return ListPage(NAME, "", cursor={NAME: set_id})


@dataclass(frozen=True, slots=True)
class PhotosSource:
    """Reads inventories that were accepted."""

    name: str = NAME
    reads_pages: bool = False

    def probe(self, clues: Clues) -> Evidence | None:
        """Recognise nothing: photos have no address."""
        return None

    def start(self, reader: SiteReader, clues: Clues) -> list[ListPage] | None:
        """Begin with nothing, since no address is recognised."""
        return None

    def discover(self, reader: SiteReader, page: ListPage) -> Listing:
        """Return the lines of an accepted inventory; of a set that is gone, none."""
        items = PhotoItem.objects.filter(
            photo_set=page.cursor[NAME], photo_set__status=PhotoSet.Status.ACCEPTED, product__isnull=False
        )
        return Listing("", [_product(item) for item in items.prefetch_related("photos").order_by("position")])

    def extract(self, html: str, address: str) -> ExtractedProduct:
        """Refuse: what the inventory says of a product is all that is read."""
        raise PageMalformed(f"{address} is not read as a page; the inventory says all of the product")


def _product(item: PhotoItem) -> ListedProduct:
    photos = sorted((it for it in item.photos.all() if not it.error_code), key=lambda it: it.position)
    content = ExtractedProduct(
        title=item.title,
        description=item.description,
        price=None if item.price is None else Money(item.price, item.currency, raw=f"{item.price} {item.currency}"),
        price_raw="" if item.price is None else f"{item.price.normalize():f} {item.currency}",
        availability=Product.Availability.IN_STOCK,
        picture_addresses=[picture_address(photo) for photo in photos[:MAX_PICTURES]],
        attributes={"count": str(item.count), **({"location": item.location} if item.location else {})},
        not_carried=["categories"],
    )
    return ListedProduct(external_id_of(item), "", content)
