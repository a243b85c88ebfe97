"""Hosts: what the place of an address is called wherever something is kept by it."""

from yarl import URL

MAX_HOST_LENGTH = 255  # what the columns hold; RFC 1035 allows no longer name


def host_of(address: str | URL) -> str:
    """Return the host of an address, with its port where that is not the scheme's own.

    Empty for what is no address: whoever asks for it is refused by the guard of addresses.
    """
    try:
        host = URL(address).host_port_subcomponent or ""
    except ValueError:
        return ""
    return host if len(host) <= MAX_HOST_LENGTH and host.isprintable() else ""
