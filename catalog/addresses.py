"""Addresses: one form for each page, and which pages are of one site.

Made of RFC 3986 (5.2 resolution, 6.2.2 normalisation, 6.2.3 scheme-based normalisation) and, for what people and pages
write, of the WHATWG URL standard (white space, backslashes, lone percent signs, IPv4 in other bases, IDNA with UTS 46).
w3lib's canonicalize_url keeps dot segments and the parameters that only follow a visitor, rewrites escapes that are not
equal to what they stand for, and sorts the values of one name, whose order may count.

Decided: the fragment goes, but for a hashbang, which names a page; the last slash stays, for only the site knows if it
counts; parameters are sorted by name, those of one name keep their order; `%20` and `+` stay as they are, for only
forms take them for equal; names of trackers and sessions go (`catalog.tracking`).
"""

import ipaddress
import re
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

import idna

from catalog.tracking import is_tracking, without_session
from marketplace.egress import AddressRefused

if TYPE_CHECKING:
    from tldextract import TLDExtract

MAX_LENGTH = 8_000
MAX_HOST = 1_000  # with escapes; 253 without

_DEFAULT_PORTS = {"http": 80, "https": 443}
_EDGES = "".join(map(chr, range(0x21)))
_INSIDE = dict.fromkeys(map(ord, "\t\n\r"))
_SURROGATES = re.compile("[\ud800-\udfff]")
_HEAD = re.compile(r"(?P<scheme>https?:)?(?P<slashes>[/\\]*)", re.IGNORECASE)
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})?")
_UNRESERVED = re.compile(r"[A-Za-z0-9\-._~]")
_NOT_IN_PATH = re.compile(r"[^A-Za-z0-9\-._~!$&'()*+,;=:@/%]")
_NOT_IN_QUERY = re.compile(r"[^A-Za-z0-9\-._~!$&'()*+,;=:@/?%]")
_NOT_IN_HOST = re.compile(r"[\x00-\x20\x7f#%/:<>?@\[\\\]^|]")
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+", re.IGNORECASE)


def canonical_address(address: str, *, base: str | None = None) -> str:
    """Return the form of an http(s) address that all its spellings share; a relative one is taken from base.

    What is returned is its own canonical form.

    Raises:
        AddressRefused: it is none of http(s), has credentials, no valid host or port, or more than 8,000 characters
            (permanent).
    """
    parts = _resolved(address, base)
    if parts.scheme not in _DEFAULT_PORTS:
        raise AddressRefused(f"{address[:200]!r} is not an http or https address")
    if "@" in parts.netloc:
        raise AddressRefused("an address with a user name or password is not read")
    place = _host_and_port(parts, address)
    path = _without_dots(without_session(_escaped(parts.path, _NOT_IN_PATH))) or "/"
    query = _canonical_query(parts.query)
    fragment = f"#{_escaped(parts.fragment, _NOT_IN_QUERY)}" if parts.fragment.startswith("!") else ""
    canonical = f"{parts.scheme}://{place}{path}{f'?{query}' if query else ''}{fragment}"
    if len(canonical) > MAX_LENGTH:
        raise AddressRefused(f"an address of more than {MAX_LENGTH:,} characters is not read")
    return canonical


def same_site(one: str, other: str) -> bool:
    """Tell whether two addresses are of one registrable domain (`shop.example.co.uk`, `www.example.co.uk`)."""
    return site_of(one) == site_of(other)


def site_of(address: str) -> str:
    """Return the registrable domain of an address by the Public Suffix List; host and port where there is none.

    Shops on one platform (`a.myshopify.com`, `b.myshopify.com`) are sites of their own. The list is the one that
    tldextract carries; nothing is fetched.

    Raises:
        AddressRefused: as of canonical_address.
    """
    place = urlsplit(canonical_address(address))
    return _suffixes()(place.hostname or "").top_domain_under_public_suffix or place.netloc


@lru_cache(maxsize=1)
def _suffixes() -> "TLDExtract":
    from tldextract import TLDExtract  # noqa: PLC0415 it loads a client of HTTP, for the list that it does not fetch

    return TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True)


def _resolved(address: str, base: str | None) -> SplitResult:
    """Return the parts of the address, resolved against base as RFC 3986, 5.2 has it."""
    if len(address) > MAX_LENGTH:
        raise AddressRefused(f"an address of more than {MAX_LENGTH:,} characters is not read")
    try:
        if base is None:
            return urlsplit(_tidy(address, is_absolute=True))
        start = _tidy(base[: MAX_LENGTH + 1], is_absolute=True).partition("#")[0]
        return urlsplit(urljoin(start, _tidy(address, is_absolute=False)))
    except ValueError as error:
        raise AddressRefused(f"{address[:200]!r} is not an address") from error


def _tidy(address: str, *, is_absolute: bool) -> str:
    """Return the address as browsers read it: no white space around, no line ends inside, slashes for backslashes."""
    address = _SURROGATES.sub("\ufffd", address.strip(_EDGES).translate(_INSIDE))
    end = min((place for place in map(address.find, "?#") if place >= 0), default=len(address))
    head = _HEAD.match(address)
    scheme, slashes = (head["scheme"] or "", head["slashes"]) if head else ("", "")
    is_web = bool(scheme) or ":" not in address[:end].partition("/")[0]
    if not is_web:
        return address
    path = address[len(scheme) + len(slashes) : end].replace("\\", "/")
    is_rooted = len(slashes) >= 2 or bool(scheme and is_absolute)
    slashes = "//" if is_rooted else slashes.replace("\\", "/")
    return f"{scheme.lower()}{slashes}{path}{address[end:]}"


def _host_and_port(parts: SplitResult, address: str) -> str:
    try:
        host, port = _canonical_host(parts), parts.port
    except ValueError as error:  # idna's errors are UnicodeErrors, which are ValueErrors
        raise AddressRefused(f"{address[:200]!r} has no valid host") from error
    return host if port is None or port == _DEFAULT_PORTS[parts.scheme] else f"{host}:{port}"


def _canonical_host(parts: SplitResult) -> str:
    """Return the host in lower case, ASCII and without a last dot, or an IP address in its usual form."""
    if parts.netloc.startswith("["):
        inside, _, rest = parts.netloc[1:].partition("]")
        if rest and not rest.startswith(":"):
            raise ValueError("text behind the brackets")
        if "%" in inside:
            raise ValueError("a zone")
        return f"[{ipaddress.IPv6Address(inside).compressed}]"
    host = _unescaped(parts.netloc.rpartition(":")[0] if ":" in parts.netloc else parts.netloc)
    if host.isascii() and "xn--" not in host.lower():
        host = host.lower()
    else:
        host = idna.encode(host, uts46=True).decode("ascii")
    host = host.removesuffix(".")
    if not host or len(host) > 253 or _NOT_IN_HOST.search(host) or any(not 0 < len(x) < 64 for x in host.split(".")):
        raise ValueError("no host")
    return _canonical_ipv4(host) if _NUMBER.fullmatch(host.rpartition(".")[2]) else host


def _canonical_ipv4(host: str) -> str:
    """Return the dotted form of an IPv4 address written in one to four numbers, each decimal, octal or hexadecimal."""
    numbers = host.split(".")
    if len(numbers) > 4 or not all(_NUMBER.fullmatch(number) for number in numbers):
        raise ValueError("a number where a domain should be")
    values = [_value(number) for number in numbers]
    *firsts, last = values
    if any(value > 255 for value in firsts) or last >= 256 ** (5 - len(values)):
        raise ValueError("no IPv4 address")
    whole = last + sum(value << (8 * (3 - place)) for place, value in enumerate(firsts))
    return str(ipaddress.IPv4Address(whole))


def _value(number: str) -> int:
    if len(number) > 16:
        raise ValueError("no IPv4 address")
    if number[:2].lower() == "0x":
        return int(number[2:] or "0", 16)
    return int(number, 8) if len(number) > 1 and number[0] == "0" else int(number)


def _canonical_query(query: str) -> str:
    """Return the parameters that name the page, sorted by name."""
    pairs = [pair for pair in _escaped(query, _NOT_IN_QUERY).split("&") if pair]
    kept = [pair for pair in pairs if not is_tracking(*pair.partition("=")[::2])]
    return "&".join(sorted(kept, key=lambda pair: pair.partition("=")[0]))


def _escaped(text: str, not_allowed: re.Pattern[str]) -> str:
    """Return the text with escapes only where they are needed, in upper case; a lone percent sign becomes `%25`."""
    text = not_allowed.sub(lambda match: "".join(f"%{byte:02X}" for byte in match.group().encode()), text)
    return _ESCAPE.sub(_canonical_escape, text)


def _canonical_escape(match: re.Match[str]) -> str:
    digits = match.group(1)
    if digits is None:
        return "%25"
    sign = chr(int(digits, 16))
    return sign if _UNRESERVED.fullmatch(sign) else f"%{digits.upper()}"


def _unescaped(host: str) -> str:
    """Return a host without escapes, which are of UTF-8."""
    if len(host) > MAX_HOST:
        raise ValueError("too long")
    return unquote(host, errors="strict")


def _without_dots(path: str) -> str:
    """Return a path without its `.` and `..` segments (RFC 3986, 5.2.4)."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1:] in ([".."], ["."]):
        kept.append("")
    return "/" + "/".join(kept)
