"""Proxies, for load and geography: one domain stays with one proxy while that is well.

A proxy is left only for its own faults: it cannot be reached, wants a login, or cannot connect. What a site answers
through it, a refusal above all, never moves the site to another one: proxies get nobody around a block.
"""

import base64
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from hashlib import sha256

from django.conf import settings
from yarl import URL

UNWELL_BELOW = 0.4
REST_S = 60.0  # then an unwell proxy is tried again


class Health(Enum):
    """How a proxy did with one request."""

    WELL = "well"  # it carried the request, whatever the site said
    DOUBTFUL = "doubtful"  # it could not connect, which may be the site's fault
    FAULTY = "faulty"  # it cannot be reached, or does not serve us


_LEFT = {Health.DOUBTFUL: 0.8, Health.FAULTY: 0.5}  # of the score
_GAIN = 0.1


@dataclass(slots=True)
class Proxy:
    """One forward proxy, and how well it does: a score from 0 to 1."""

    address: URL = field(repr=False)
    authorization: str = field(default="", repr=False)  # the value of Proxy-Authorization
    score: float = 1.0
    rests_until: float = 0.0  # of the monotonic clock

    @property
    def headers(self) -> dict[str, str]:
        """The headers by which it knows us."""
        return {"Proxy-Authorization": self.authorization} if self.authorization else {}

    def __str__(self) -> str:
        return f"{self.address.host}:{self.address.port}"


class ProxyPool:
    """The proxies of one process; safe for several threads, for a score may be lost but not broken."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._proxies = [_proxy(address) for address in addresses]

    @property
    def hosts(self) -> frozenset[tuple[str, int]]:
        """Where the proxies stand."""
        return frozenset((proxy.address.host or "", proxy.address.port or 0) for proxy in self._proxies)

    def pick(self, host: str) -> Proxy | None:
        """Return the host's proxy: always the same one while it is well; None when there are none at all.

        By rendezvous hashing (Thaler and Ravishankar 1998): when one falls out, only its own hosts move.
        """
        now = time.monotonic()
        well = [proxy for proxy in self._proxies if proxy.rests_until <= now]
        return max(well or self._proxies, key=lambda proxy: _weight(host, proxy), default=None)

    def note(self, proxy: Proxy | None, health: Health) -> None:
        """Keep how a proxy did."""
        if proxy is None:
            return
        if health is Health.WELL:
            proxy.score = min(1.0, proxy.score + _GAIN)
            return
        proxy.score *= _LEFT[health]
        if proxy.score < UNWELL_BELOW:
            proxy.rests_until = time.monotonic() + REST_S
            proxy.score = UNWELL_BELOW  # after its rest the next fault sends it back at once


def basic_authorization(user: str, password: str) -> str:
    """Return the value of a header that proves who asks (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _proxy(address: str) -> Proxy:
    url = URL(address)
    authorization = basic_authorization(url.user, url.password or "") if url.user else ""
    return Proxy(url.with_user(None), authorization)


def _weight(host: str, proxy: Proxy) -> bytes:
    return sha256(f"{host} {proxy}".encode()).digest()


_pools: dict[tuple[int, tuple[str, ...]], ProxyPool] = {}  # by process id and addresses
_pools_lock = threading.Lock()


def process_pool() -> ProxyPool:
    """Return this process's pool of settings.FETCH_PROXIES, which keeps its scores from batch to batch."""
    key = (os.getpid(), tuple(settings.FETCH_PROXIES))
    with _pools_lock:
        if key not in _pools:
            _pools[key] = ProxyPool(settings.FETCH_PROXIES)
        return _pools[key]
