"""Send webhooks: many at once, each to the very address that was checked, and none any further than it."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import aiohttp

from jobs.errors import JobError
from marketplace.egress import AddressRefused, GuardedResolver
from marketplace.retry_after import retry_after_s
from marketplace.webhooks.addresses import checked_endpoint
from marketplace.webhooks.errors import (
    EndpointBusy,
    EndpointFailing,
    EndpointGone,
    EndpointRedirects,
    EndpointRefused,
    EndpointTimeout,
    EndpointUnreachable,
)

TIMEOUT_S = 15.0  # the standard asks for 15 to 30
CONNECT_TIMEOUT_S = 5.0
ANSWER_BYTES = 1024
MAX_RETRY_AFTER_S = 24 * 3600.0
_MAY_ASK_TO_WAIT = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One request to send."""

    address: str
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of a request: no error means that it was taken, which only a status of 200 to 299 says."""

    started_at: datetime
    duration_ms: int
    status_code: int | None = None
    answer: str = ""
    error: JobError | None = None


def send_all(requests: Sequence[Outgoing], *, timeout_s: float = TIMEOUT_S) -> list[Sent]:
    """Send the requests side by side; return what came of each, in the order given."""
    return asyncio.run(_send_all(requests, timeout_s)) if requests else []


async def _send_all(requests: Sequence[Outgoing], timeout_s: float) -> list[Sent]:
    connector = aiohttp.TCPConnector(resolver=GuardedResolver(), use_dns_cache=False, force_close=True)
    timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=CONNECT_TIMEOUT_S)
    async with aiohttp.ClientSession(
        connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        return await asyncio.gather(*(_send(session, request) for request in requests))


async def _send(session: aiohttp.ClientSession, request: Outgoing) -> Sent:
    started_at, started = datetime.now(UTC), time.perf_counter()
    status: int | None = None
    answer = ""
    error: JobError | None = None
    try:
        async with session.post(
            checked_endpoint(request.address),
            data=request.body.encode(),
            headers=request.headers,
            allow_redirects=False,
        ) as response:
            status = response.status
            error = error_of(status, response.headers.get("Retry-After", ""), now=datetime.now(UTC))
            answer = await _beginning(response)
    except EndpointRefused as refused:
        error = refused
    except AddressRefused as refused:
        error = EndpointRefused(str(refused))
    except TimeoutError:
        error = EndpointTimeout(f"No answer within {session.timeout.total:g} s")
    except (aiohttp.ClientError, OSError, ValueError) as failure:  # ValueError: a host that is none, to idna
        error = EndpointUnreachable(f"{type(failure).__name__}: {failure}"[:400])
    return Sent(started_at, round((time.perf_counter() - started) * 1000), status, answer, error)


async def _beginning(response: aiohttp.ClientResponse) -> str:
    """Return how an answer begins; nothing of one whose body is broken or does not come, since its status says all."""
    try:
        return _text(await response.content.read(ANSWER_BYTES))
    except (TimeoutError, aiohttp.ClientError, OSError):
        return ""


def error_of(status: int, retry_after: str, *, now: datetime) -> JobError | None:
    """Return the error that a status stands for; None for 200 to 299. Retry-After is heeded up to a day."""
    if 200 <= status < 300:
        return None
    if status == 410:
        return EndpointGone(status_code=status)
    if 300 <= status < 400:
        return EndpointRedirects(f"It answers {status}: redirects are not followed.", status_code=status)
    wait_s = retry_after_s(retry_after, now=now, cap_s=MAX_RETRY_AFTER_S) if status in _MAY_ASK_TO_WAIT else None
    if wait_s is not None:
        return EndpointBusy(f"It answers {status}: wait {wait_s:g} s", retry_after_s=wait_s, status_code=status)
    return EndpointFailing(f"It answers {status}", status_code=status)


def _text(body: bytes) -> str:
    return body.decode(errors="replace").replace("\x00", "\ufffd")
