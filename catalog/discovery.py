"""Discovery: which source reads an address, and which products its lists show."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from yarl import URL

from catalog.egress import check_address
from catalog.reading import SiteReader
from catalog.sources import known
from catalog.sources.source import CatalogNotPublic, Clues, Evidence, Listing, ListPage, UnsupportedAddress

CERTAIN = 100  # the weight of evidence that needs no look at the page
NOT_PUBLIC_REMEDY = (
    "Souk sees no products there without logging in. WhatsApp shows most catalogs only inside its application. "
    "Give Souk a Graph API token for the catalog, upload a CSV file, or send the links of the products."
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


def start_reading(reader: SiteReader, address: str) -> Start:
    """Find out what reads the address, looking at its page where that is needed.

    Raises:
        UnsupportedAddress: no source can read it (permanent); and what `reader` raises.
    """
    evidence = recognise(address)
    clues = Clues(evidence.address if evidence else address)
    if evidence is None:
        reply = reader.get(address)
        clues = Clues(reply.address, reply.text, reply.headers, reply.cookies, is_fetched=True)
    found = known.probe(clues)
    for candidate in found:
        lists = known.source_named(candidate.source).start(reader, clues)
        if lists is not None:
            return Start(source=candidate.source, evidence=found, lists=lists)
    raise UnsupportedAddress(
        f"Souk cannot read {address[:200]!r}: no list of products was found there. Give the address of the shop's "
        "front page, of a product feed, or of a WhatsApp catalog, such as https://wa.me/c/<phone number>."
    )


def read_list(reader: SiteReader, page: ListPage, *, is_start: bool) -> Listing:
    """Read one list page of a catalog.

    Raises:
        CatalogNotPublic: the start page shows neither products nor further lists (permanent).
        RobotsForbid, AddressRefused, PageNotFound, RequestRefused: permanent.
        ListIncomplete, SiteFailing, SiteUnreachable, SiteTimeout, BrowserCrashed: retryable.
    """
    listing = known.source_named(page.source).discover(reader, page)
    if is_start and not listing.products and not listing.lists:
        raise CatalogNotPublic(f"{page.address} shows no products. {NOT_PUBLIC_REMEDY}")
    return listing


def list_gate_of(address: str) -> str:
    """Return the key of the gate that lists at this address's host wait behind, beside that of all requests."""
    return f"lists:{_place_of(address)}"[:200]


def list_rate_of(address: str) -> float:
    """Return how many lists a second may be read at this address's host: its own setting, else the general one."""
    place = _place_of(address)
    is_named = not {place, URL(address).host or ""}.isdisjoint(settings.FETCH_RATES)
    return rate_of(address) if is_named else min(rate_of(address), settings.FETCH_LIST_RATE)


def gate_of(address: str) -> str:
    """Return the key of the gate that requests to this address wait behind."""
    return f"domain:{_place_of(address)}"[:200]


def picture_gate_of(address: str) -> str:
    """Return the key of the gate that pictures at this address's host wait behind: it has a pace only after trouble."""
    return f"pictures:{_place_of(address)}"[:200]


def rate_of(address: str) -> float:
    """Return how many requests a second the settings allow to this address's host."""
    place = _place_of(address)
    rates: dict[str, float] = settings.FETCH_RATES
    return rates.get(place, rates.get(URL(address).host or "", settings.FETCH_RATE))


def _place_of(address: str) -> str:
    """Return the host, with its port where that is not the scheme's own."""
    return URL(address).host_port_subcomponent or ""
