"""Egress: the addresses that may be fetched on somebody else's word (the guard against SSRF)."""

import asyncio
import ipaddress
import socket
from collections.abc import Collection

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from django.conf import settings
from yarl import URL

from jobs.errors import PermanentError, RetryableError

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address


class AddressRefused(PermanentError):
    """The address is not one of the public web."""

    code = "catalog.address_refused"


class HostUnknown(RetryableError):
    """The name of the host cannot be resolved."""

    code = "catalog.host_unknown"


def is_public(ip: IpAddress) -> bool:
    """Tell whether an IP address is one of the public internet, also when IPv6 carries an IPv4 address."""
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


def is_exempt(host: str, port: int | None) -> bool:
    """Tell whether settings.FETCH_PRIVATE_HOSTS names this host, or this host and port."""
    bracketed = f"[{host}]" if ":" in host else host
    return not {host, bracketed, f"{bracketed}:{port}"}.isdisjoint(settings.FETCH_PRIVATE_HOSTS)


def check_address(address: str | URL) -> URL:
    """Return the address as a URL that may be fetched, as far as it can be told without resolving its host.

    Raises:
        AddressRefused: another scheme than http(s), credentials in it, no host, or a private IP address.
    """
    try:
        url = URL(str(address))
        host, port = url.host, url.port
    except ValueError as error:
        raise AddressRefused(f"{str(address)[:200]!r} is not an address") from error
    if url.scheme not in ("http", "https") or not host:
        raise AddressRefused(f"{str(address)[:200]!r} is not an http or https address")
    if url.user or url.password:
        raise AddressRefused("an address with a user name or password is not fetched")
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        return url
    _refuse_private([ip], host, port)
    return url


async def check_host(url: URL) -> None:
    """Refuse the address when its host resolves to a private address; for clients that resolve by themselves.

    Raises:
        AddressRefused, HostUnknown.
    """
    await checked_addresses(url.host or "", url.port or 0)


async def checked_addresses(host: str, port: int) -> list[str]:
    """Return the IP addresses of the host, all of them fit to be connected to.

    Raises:
        AddressRefused: one of them is not public.
        HostUnknown: there is none.
    """
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise HostUnknown(f"{host} cannot be resolved: {error}") from error
    addresses = [str(entry[4][0]) for entry in found]
    _refuse_private([ipaddress.ip_address(address.partition("%")[0]) for address in addresses], host, port)
    return addresses


class GuardedResolver(AbstractResolver):
    """Resolve names to public addresses only.

    The connection is made to the very address that was checked, so that a name which resolves to another
    one a moment later (DNS rebinding) gains nothing.

    Args:
        trusted: (host, port) of our own proxies, which may stand in our network.
    """

    def __init__(self, *, trusted: Collection[tuple[str, int]] = ()) -> None:
        self._resolver = ThreadedResolver()
        self._trusted = trusted

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses of host, or raise AddressRefused if one of them is not public."""
        results = await self._resolver.resolve(host, port, family)
        if (host, port) not in self._trusted:
            _refuse_private([ipaddress.ip_address(result["host"].partition("%")[0]) for result in results], host, port)
        return results

    async def close(self) -> None:
        """Release the resolver beneath."""
        await self._resolver.close()


def _refuse_private(ips: list[IpAddress], host: str, port: int | None) -> None:
    if is_exempt(host, port):
        return
    for ip in ips:
        if not is_public(ip):
            raise AddressRefused(f"{host} is not on the public internet ({ip})")
