"""Discovery: which source reads an address, and which products its lists show."""

from collections.abc import Sequence
from dataclasses import dataclass

from catalog.platforms import recognise_platforms
from catalog.reading import SiteReader
from catalog.sources import known, whatsapp
from catalog.sources.source import CatalogNotPublic, Clues, Connection, Evidence, Listing, ListPage, UnsupportedAddress
from marketplace.egress import check_address

LINKS = "links"  # stands for a source where a seller has sent the addresses of products
CERTAIN = 100  # the weight of evidence that needs no look at the page
NOT_PUBLIC_REMEDY = (
    "Souk sees no products there without logging in; WhatsApp shows most catalogs only inside its application. "
    "You can do one of three things. Connect the catalog: give Souk its id from Meta's Commerce Manager and an access "
    "token (PUT /api/sellers/me/connection/), and start the sync again. Upload your products as a file: CSV, TSV, "
    "JSON Lines or a Google or Meta feed (POST /api/sellers/me/feeds/). Or send the links of your products, which "
    "begin with https://wa.me/p/ (POST /api/sellers/me/product-links/)."
)


@dataclass(frozen=True, slots=True)
class Start:
    """Which source reads an address, all the evidence there was, and the lists to begin with."""

    source: str
    evidence: Sequence[Evidence]
    lists: Sequence[ListPage]


def recognise(address: str) -> Evidence | None:
    """Return the source that is certain by the address alone; None where the page must be looked at.

    Raises:
        AddressRefused: permanent.
    """
    check_address(address)
    evidence = next(iter(known.probe(Clues(address))), None)
    if evidence is None or evidence.weight < CERTAIN:
        return None
    check_address(evidence.address)
    return evidence


def start_reading(reader: SiteReader, address: str, *, connection: Connection | None = None) -> Start:
    """Find out what reads the address, looking at its page where that is needed.

    Args:
        reader: what the page is read with.
        address: where the catalog is said to be.
        connection: the seller's own, where there is one.

    Raises:
        UnsupportedAddress: no source can read it (permanent); and what `reader` raises.
    """
    evidence = recognise(address)
    clues = Clues(evidence.address if evidence else address, connection=connection)
    if evidence is None:
        reply = reader.get(address)
        reader.turn_to(reply.address)
        clues = Clues(reply.address, reply.text, reply.headers, reply.cookies, is_fetched=True, connection=connection)
    found = known.probe(clues)
    for candidate in found:
        lists = known.source_named(candidate.source).start(reader, clues)
        if lists is not None:
            return Start(source=candidate.source, evidence=[*found, *_other_platforms(clues)], lists=lists)
    raise UnsupportedAddress(
        f"Souk cannot read {address[:200]!r}: no list of products was found there. Give the address of the shop's "
        "front page, of a product feed, or of a WhatsApp catalog, such as https://wa.me/c/<phone number>."
    )


def _other_platforms(clues: Clues) -> list[Evidence]:
    """Return what speaks for platforms that have no source of their own: the source of any shop reads them."""
    sources = {source.name for source in known.SOURCES}
    return [
        Evidence(found.platform, clues.address, "; ".join(found.reasons), found.weight)
        for found in recognise_platforms(clues)
        if found.platform not in sources
    ]


def read_list(reader: SiteReader, page: ListPage, *, is_start: bool) -> Listing:
    """Read one list page of a catalog.

    Raises:
        CatalogNotPublic: the start page shows neither products nor further lists (permanent).
        RobotsForbid, AddressRefused, PageNotFound, RequestRefused: permanent.
        ListIncomplete, SiteFailing, SiteUnreachable, SiteTimeout, BrowserCrashed: retryable.
    """
    if page.source == LINKS:
        return _linked_products(page)
    listing = known.source_named(page.source).discover(reader, page)
    if is_start and not listing.products and not listing.lists:
        raise CatalogNotPublic(f"{page.address} shows no products. {_remedy(page, listing)}")
    return listing


def _remedy(page: ListPage, listing: Listing) -> str:
    """Say what the seller of a catalog can do that shows nothing."""
    if page.source == whatsapp.NAME:
        return NOT_PUBLIC_REMEDY
    left_out = ", ".join(f"{count} left out since {reason}" for reason, count in listing.skipped.items())
    return f"See that it has products that are published{f' ({left_out})' if left_out else ''}."


def links_page(addresses: Sequence[str]) -> ListPage:
    """Return the list that is the products at these addresses."""
    return ListPage(LINKS, "", cursor={"addresses": list(addresses)})


def _linked_products(page: ListPage) -> Listing:
    """Return the products at the addresses that a seller sent, each once."""
    products = [known.product_at(address) for address in page.cursor["addresses"]]
    found = {product.external_id: product for product in products if product is not None}
    skipped = {"no source knows the address": products.count(None)} if None in products else {}
    return Listing(page.address, list(found.values()), skipped=skipped)
