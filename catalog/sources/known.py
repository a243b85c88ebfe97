"""The sources that Souk knows, in the order in which they are asked where they are equally sure."""

from catalog.sources.feed import FeedSource
from catalog.sources.photos import PhotosSource
from catalog.sources.shop import ShopSource
from catalog.sources.shopify import ShopifySource
from catalog.sources.source import Clues, Evidence, ListedProduct, ProductAddresses, Source, UnsupportedAddress
from catalog.sources.whatsapp import WhatsAppSource
from catalog.sources.whatsapp_graph import WhatsAppGraphSource
from catalog.sources.woocommerce import WooCommerceSource

SOURCES: tuple[Source, ...] = (
    WhatsAppGraphSource(),
    WhatsAppSource(),
    ShopifySource(),
    WooCommerceSource(),
    FeedSource(),
    ShopSource(),
    PhotosSource(),
)


def probe(clues: Clues) -> list[Evidence]:
    """Return each source's evidence, the most certain first."""
    found = [evidence for source in SOURCES if (evidence := source.probe(clues)) is not None]
    return sorted(found, key=lambda evidence: -evidence.weight)


def product_at(address: str) -> ListedProduct | None:
    """Return the product whose page stands at this address, if a source knows it by the address alone."""
    for source in SOURCES:
        if isinstance(source, ProductAddresses) and (found := source.product_at(address)) is not None:
            return found
    return None


def source_named(name: str) -> Source:
    """Return the source of that name."""
    for source in SOURCES:
        if source.name == name:
            return source
    raise UnsupportedAddress(f"no source is named {name!r}")


def source_of(external_id: str) -> Source:
    """Return the source that a product came from."""
    return source_named(external_id.partition(":")[0])
