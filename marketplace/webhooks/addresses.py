"""Addresses that may take webhooks: https on the public internet; others only by a development setting."""

from yarl import URL

from marketplace.egress import AddressRefused, check_address, is_exempt
from marketplace.webhooks.errors import EndpointRefused

PORTS = frozenset({443, 8443})
MAX_LENGTH = 2000


def checked_endpoint(address: str) -> URL:
    """Return the address as a URL, as far as it can be told without resolving its host; that is seen to when sending.

    Raises:
        EndpointRefused: not https, another port than 443 or 8443, credentials in it, or a private IP address.
    """
    if len(address) > MAX_LENGTH:
        raise EndpointRefused(f"An address has {MAX_LENGTH:,} characters at most.")
    try:
        url = check_address(address)
    except AddressRefused as error:
        raise EndpointRefused(str(error)) from error
    if is_exempt(url.host or "", url.port):
        return url
    if url.scheme != "https":
        raise EndpointRefused("Give an https address: what is sent concerns your business alone.")
    if url.port not in PORTS:
        raise EndpointRefused(f"Webhooks are sent to the ports {', '.join(map(str, sorted(PORTS)))} alone.")
    return url
