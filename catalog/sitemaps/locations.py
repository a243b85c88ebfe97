"""Locations: addresses and instants as sitemaps write them."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import quote, urljoin, urlsplit

from yarl import URL

from catalog.sitemaps.contract import MAX_ADDRESS_CHARS

# RFC 3986, 2: what stands in an address as it is.
_PLAIN = re.compile(r"https?://([a-z0-9.-]+)(?::\d{1,4})?(?:[/?][A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=%]*)?")
_WHOLE = re.compile(r"https?:", re.IGNORECASE)
_SAFE = "%/:=&?~+!$,;'@()*[]"
_YEAR_MONTH = re.compile(r"(\d{4})(?:-(\d{1,2}))?")


class LocationRefused(Exception):
    """The text is no address that may be read."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def resolve_location(text: str, *, base: str) -> str:
    """Return the absolute http(s) address that a text names, its fragment dropped and odd characters encoded.

    Raises:
        LocationRefused: none, another scheme, credentials, or more than MAX_ADDRESS_CHARS.
    """
    text = "".join(text.split("\n")).replace("\r", "").strip()
    if not text:
        raise LocationRefused("sitemap.empty_address", "an entry without an address")
    if len(text) > MAX_ADDRESS_CHARS:
        raise LocationRefused("sitemap.address_too_long", f"{text[:100]}... has {len(text)} characters")
    if _PLAIN.fullmatch(text):
        return text
    try:
        parts = urlsplit(text if _WHOLE.match(text) else urljoin(base, text))
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise LocationRefused("sitemap.bad_address", f"{text[:200]!r} is no http or https address")
        if parts.username is not None or parts.password is not None:
            raise LocationRefused("sitemap.bad_address", "an address with a user name or password is not read")
        host = URL(f"{parts.scheme}://{parts.netloc}/").host_port_subcomponent
    except ValueError as error:
        raise LocationRefused("sitemap.bad_address", f"{text[:200]!r} is no address: {error}") from error
    encoded = parts._replace(
        netloc=(host or "").lower(),
        path=quote(parts.path or "/", safe=_SAFE),
        query=quote(parts.query, safe=_SAFE),
        fragment="",
    )
    address = encoded.geturl()
    if len(address) > MAX_ADDRESS_CHARS:
        raise LocationRefused("sitemap.address_too_long", f"{text[:100]}... has {len(address)} characters, encoded")
    return address


def host_name_of(address: str) -> str:
    """Return the address's host in lower case; empty if it has none."""
    if plain := _PLAIN.fullmatch(address):
        return plain[1]
    try:
        return (urlsplit(address).hostname or "").lower()
    except ValueError:
        return ""


def hosts_of_site(address: str) -> frozenset[str]:
    """Return the names that one site answers to: its host, with and without `www.`."""
    bare = host_name_of(address).removeprefix("www.")
    return frozenset({bare, f"www.{bare}"}) if bare else frozenset()


def read_instant(text: str) -> datetime | None:
    """Return the instant of a W3C or RFC 822 date, in UTC; a date without a zone is UTC's. None if it is neither."""
    text = text.strip()
    try:
        found = _parse_instant(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError, TypeError):
        return None


def _parse_instant(text: str) -> datetime:
    if coarse := _YEAR_MONTH.fullmatch(text):
        return datetime(int(coarse[1]), int(coarse[2] or 1), 1, tzinfo=UTC)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return parsedate_to_datetime(text)
