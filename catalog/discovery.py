"""Discovery: which source reads an address, and which products its lists show."""

import asyncio

from django.conf import settings
from yarl import URL

from catalog.browser import process_browser
from catalog.egress import check_address, check_host
from catalog.fetching import FetchSession
from catalog.robots import origin_of, rules_for
from catalog.sources import known
from catalog.sources.source import CatalogNotPublic, Evidence, Listing
from jobs.errors import JobError

NOT_PUBLIC_REMEDY = (
    "Souk sees no products there without logging in. WhatsApp shows most catalogs only inside its application. "
    "Give Souk a Graph API token for the catalog, upload a CSV file, or send the links of the products."
)


def recognise(address: str) -> Evidence:
    """Return which source reads the address, and the address in that source's own form.

    Raises:
        UnsupportedAddress, AddressRefused: permanent.
    """
    evidence = known.probe(address)
    check_address(evidence.address)
    return evidence


def read_list(address: str, *, is_start: bool) -> Listing:
    """Read one list page of a catalog with this process's browser.

    Raises:
        CatalogNotPublic: the start page shows neither products nor collections (permanent).
        RobotsForbid, AddressRefused, PageNotFound, RequestRefused: permanent.
        ListIncomplete, SiteFailing, SiteUnreachable, SiteTimeout, BrowserCrashed: retryable.
    """
    evidence = recognise(address)
    asyncio.run(_ask_leave(evidence.address))
    source = known.source_named(evidence.source)
    listing = process_browser().read(lambda page: source.discover(page, evidence.address))
    if is_start and not listing.products and not listing.collections:
        raise CatalogNotPublic(f"{evidence.address} shows no products. {NOT_PUBLIC_REMEDY}")
    return listing


def gate_of(address: str) -> str:
    """Return the key of the gate that requests to this address wait behind."""
    return f"domain:{_place_of(address)}"[:200]


def rate_of(address: str) -> float:
    """Return how many requests a second the settings allow to this address's host."""
    place = _place_of(address)
    rates: dict[str, float] = settings.FETCH_RATES
    return rates.get(place, rates.get(URL(address).host or "", settings.FETCH_RATE))


def _place_of(address: str) -> str:
    """Return the host, with its port where that is not the scheme's own."""
    return URL(address).host_port_subcomponent or ""


async def _ask_leave(address: str) -> None:
    """Raise unless the address is on the public web and its robots.txt lets us read it."""
    await check_host(check_address(address))
    async with FetchSession() as session:
        rules = (await rules_for(session, [address]))[origin_of(address)]
    if isinstance(rules, JobError):
        raise rules
    rules.check(address)
