"""Gates and rates of hosts: the keys that jobs wait behind, and what the settings allow."""

from django.conf import settings
from yarl import URL

from catalog.hosts import host_of

MAX_KEY_LENGTH = 200  # what the gates' column holds


def gate_keys(host: str) -> tuple[str, str, str]:
    """Return the keys that jobs wait behind: of the host's pages, its lists, its pictures.

    Whatever is asked waits behind the first; lists wait behind the second as well. Pictures have a pace only after
    trouble.
    """
    pages, lists, pictures = (f"{kind}:{host}"[:MAX_KEY_LENGTH] for kind in ("domain", "lists", "pictures"))
    return pages, lists, pictures


def gate_of(address: str) -> str:
    """Return the key of the gate that requests to this address wait behind."""
    return gate_keys(host_of(address))[0]


def list_gate_of(address: str) -> str:
    """Return the key of the gate that lists at this address's host wait behind, beside that of all requests."""
    return gate_keys(host_of(address))[1]


def picture_gate_of(address: str) -> str:
    """Return the key of the gate that pictures at this address's host wait behind: it has a pace only after trouble."""
    return gate_keys(host_of(address))[2]


def rate_of(address: str) -> float:
    """Return how many requests a second the settings allow to this address's host."""
    rates: dict[str, float] = settings.FETCH_RATES
    return rates.get(host_of(address), rates.get(URL(address).host or "", settings.FETCH_RATE))


def list_rate_of(address: str) -> float:
    """Return how many lists a second may be read at this address's host: its own setting, else the general one."""
    is_named = not {host_of(address), URL(address).host or ""}.isdisjoint(settings.FETCH_RATES)
    return rate_of(address) if is_named else min(rate_of(address), settings.FETCH_LIST_RATE)
