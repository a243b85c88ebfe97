"""Fetching: what is answered, what is refused, and which family an error belongs to."""

import asyncio
import gzip
import ipaddress
import resource
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from catalog.fetching import FetchSession
from catalog.politeness.manners import Manners, NotAsked
from catalog.replies import (
    LoginRequired,
    PageNotFound,
    Reply,
    ReplyNotStored,
    ReplyTooLarge,
    Request,
    RequestRefused,
    SiteBlocks,
    SiteFailing,
    SiteTimeout,
    SiteUnreachable,
    TooManyRedirects,
    TooManyRequests,
    parse_retry_after,
)
from jobs.errors import JobError, PermanentError, RateLimitedError, RetryableError
from marketplace import egress
from marketplace.egress import AddressRefused, check_address, is_public
from tests.catalog.fetches import fetch_all
from tests.sample_shop import Answer, small_site

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


TARGETS = {"hop": "/page", "inside": "http://169.254.169.254/latest/meta-data", "away": "http://localhost:1/"}
# 256 MiB of zeros in 256 KB.
BOMB = gzip.compress(bytes(256 * 1024 * 1024), 9)
BLOCKED = b"<title>Just a moment...</title><script>window._cf_chl_opt={}</script>"

FIXED: dict[str, Answer] = {
    "large": (200, {}, b"x" * 5000),
    "latin": (200, {"Content-Type": "text/html; charset=iso-8859-1"}, "café".encode("latin-1")),
    "meta": (200, {"Content-Type": "text/html"}, '<meta charset="windows-1252">caf\xe9'.encode("cp1252")),
    "bomb": (200, {"Content-Type": "text/html", "Content-Encoding": "gzip"}, BOMB),
    "blocked": (403, {"Content-Type": "text/html"}, BLOCKED + b"x" * 10_000_000),
}


def answer(path: str, headers: Mapping[str, str]) -> Answer:
    """The site that most tests read."""
    kind, _, rest = path.strip("/").partition("/")
    match kind:
        case "page":
            if headers.get("If-None-Match") == '"one"':
                return 304, {"ETag": '"one"', "Content-Length": "0"}, b""
            return 200, {"ETag": '"one"', "Content-Type": "text/html"}, b"hello"
        case "status":
            return int(rest), {"Retry-After": "7"}, b"no"
        case "loop":
            return 302, {"Location": f"/loop/{rest}x"}, b""
        case "hop" | "inside" | "away":
            return 302, {"Location": TARGETS[kind]}, b""
        case "header":
            return 200, {}, headers.get(rest, "").encode()
    return FIXED.get(kind, (404, {}, b""))


@pytest.fixture
def site(settings: Any) -> Iterator[str]:
    with small_site(answer) as address:
        settings.FETCH_PRIVATE_HOSTS = [address.removeprefix("http://")]
        yield address


def fetch(address: str, **wanted: Any) -> Reply:
    (outcome,) = fetch_all([Request(address, **wanted)])
    if isinstance(outcome, JobError):
        raise outcome
    return outcome


def test_a_page_that_did_not_change_is_not_sent_again(site: str) -> None:
    first = fetch(f"{site}/page")
    second = fetch(f"{site}/page", etag=first.etag)

    assert (first.status, first.text, first.is_not_modified) == (200, "hello", False)
    assert (second.status, second.body, second.is_not_modified) == (304, b"", True)


@pytest.mark.parametrize(
    ("status", "error", "family"),
    [
        (404, PageNotFound, PermanentError),
        (410, PageNotFound, PermanentError),
        (403, SiteBlocks, RateLimitedError),
        (401, LoginRequired, PermanentError),
        (405, RequestRefused, PermanentError),
        (429, TooManyRequests, RateLimitedError),
        (408, SiteFailing, RetryableError),
        (500, SiteFailing, RetryableError),
        (502, SiteFailing, RetryableError),
        (503, TooManyRequests, RateLimitedError),
    ],
)
def test_each_status_belongs_to_a_family(site: str, status: int, error: type[JobError], family: type[JobError]) -> None:
    with pytest.raises(error) as raised:
        fetch(f"{site}/status/{status}")

    assert isinstance(raised.value, family)
    if isinstance(raised.value, RateLimitedError):
        assert raised.value.retry_after_s == (None if status == 403 else 7)


def test_redirects_are_followed_and_end_somewhere(site: str) -> None:
    assert fetch(f"{site}/hop").address == f"{site}/page"
    with pytest.raises(TooManyRedirects):
        fetch(f"{site}/loop/x")


def test_a_redirect_into_our_network_is_refused(site: str) -> None:
    with pytest.raises(AddressRefused, match=r"169\.254\.169\.254"):
        fetch(f"{site}/inside")


def test_a_reply_is_taken_up_to_its_cap(site: str) -> None:
    assert len(fetch(f"{site}/large", max_bytes=5000).body) == 5000
    with pytest.raises(ReplyTooLarge):
        fetch(f"{site}/large", max_bytes=4999)


def test_a_reply_is_saved_up_to_its_cap(site: str, tmp_path: Path) -> None:
    path = tmp_path / "reply"

    reply = fetch(f"{site}/large", max_bytes=5000, save_to=path)

    assert (reply.status, reply.body, path.stat().st_size) == (200, b"", 5000)
    with pytest.raises(ReplyTooLarge):
        fetch(f"{site}/large", max_bytes=4999, save_to=path)


def test_a_reply_that_cannot_be_stored_is_tried_again(site: str) -> None:
    with pytest.raises(ReplyNotStored, match="No space left"):
        fetch(f"{site}/large", save_to=Path("/dev/full"))


def test_an_interface_says_in_the_body_what_is_wrong(site: str) -> None:
    reply = fetch(f"{site}/status/403", reads_errors=True)

    assert (reply.status, reply.body) == (403, b"no")


def test_access_is_shown_to_its_own_origin_only(site: str) -> None:
    secret = Request(f"{site}/header/Authorization", authorization="Bearer abc")

    assert "abc" not in repr(secret)
    assert fetch(secret.address, authorization=secret.authorization).text == "Bearer abc"
    with pytest.raises(RequestRefused, match="redirects elsewhere"):
        fetch(f"{site}/away", authorization=secret.authorization)


def test_a_compressed_bomb_is_unpacked_only_up_to_the_cap(site: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ReplyTooLarge):
        fetch(f"{site}/bomb")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024  # kB


def test_an_error_page_is_read_only_as_far_as_it_takes_to_judge_it(site: str) -> None:
    with pytest.raises(SiteBlocks, match="a Cloudflare challenge"):
        fetch(f"{site}/blocked")


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        (b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 1_000_000, SiteUnreachable),
        (b"HTTP/1.1 200 OK\r\n" + b"X-Many: a\r\n" * 100_000, SiteUnreachable),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", SiteTimeout),  # then a byte now and then
    ],
)
def test_a_site_that_floods_or_trickles_is_left(settings: Any, lines: bytes, error: type[JobError]) -> None:
    left = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.recv(65536)
            connection.sendall(lines)
            while not left.wait(0.02):
                connection.sendall(b"a")

    async def get(address: str) -> Reply:
        async with FetchSession(timeout_s=0.5) as session:
            return await session.get(address)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        place = f"127.0.0.1:{listener.getsockname()[1]}"
        settings.FETCH_PRIVATE_HOSTS = [place]
        with pytest.raises(error):
            asyncio.run(get(f"http://{place}/"))
        left.set()
        thread.join()


def test_what_a_request_met_is_told_to_the_manners(site: str) -> None:
    manners = Manners()
    host = site.removeprefix("http://")

    async def run() -> None:
        async with FetchSession(manners=manners) as session:
            for path in ("page", "hop", "status/404", "status/405", "status/500"):
                with suppress(JobError):
                    await session.get(f"{site}/{path}")
            with pytest.raises(TooManyRequests):
                await session.get(f"{site}/status/429")
            with pytest.raises(NotAsked):
                await session.get(f"{site}/page")

    asyncio.run(run())
    seen = manners.tallies[host]
    assert (seen.requests, seen.successes, seen.failures, seen.limits, seen.hold_s) == (6, 4, 1, 1, 7)


def test_a_host_that_redirects_to_trouble_is_told_of_it(site: str, settings: Any) -> None:
    def lead(path: str, headers: Mapping[str, str]) -> Answer:
        return 302, {"Location": f"{site}{path}"}, b""

    manners = Manners()

    async def run(address: str) -> None:
        async with FetchSession(manners=manners) as session:
            for path in ("page", "status/403"):
                with suppress(JobError):
                    await session.get(f"{address}/{path}")

    with small_site(lead) as address:
        settings.FETCH_PRIVATE_HOSTS = [*settings.FETCH_PRIVATE_HOSTS, address.removeprefix("http://")]
        asyncio.run(run(address))
    assert {host: (seen.requests, seen.blocks) for host, seen in manners.tallies.items()} == {
        address.removeprefix("http://"): (2, 1),
        site.removeprefix("http://"): (2, 1),
    }


def test_text_is_decoded_by_the_header_or_by_the_page(site: str) -> None:
    assert fetch(f"{site}/latin").text == "café"
    assert fetch(f"{site}/meta").text.endswith("café")


def test_souk_says_who_it_is(site: str) -> None:
    assert fetch(f"{site}/header/User-Agent").text.startswith("SoukBot/")


def test_outcomes_come_in_the_order_asked(site: str) -> None:
    outcomes = fetch_all([Request(f"{site}/status/404"), Request(f"{site}/page"), Request(f"{site}/status/500")])

    assert [type(outcome) for outcome in outcomes] == [PageNotFound, Reply, SiteFailing]


def test_a_closed_port_is_retryable(settings: Any) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{listener.getsockname()[1]}"
        settings.FETCH_PRIVATE_HOSTS = [place]
        with pytest.raises(SiteUnreachable):
            fetch(f"http://{place}/")


def test_a_silent_site_times_out(settings: Any) -> None:
    async def get(address: str) -> Reply:
        async with FetchSession(timeout_s=0.2) as session:
            return await session.get(address)

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        place = f"127.0.0.1:{listener.getsockname()[1]}"
        settings.FETCH_PRIVATE_HOSTS = [place]
        with pytest.raises(SiteTimeout):
            asyncio.run(get(f"http://{place}/"))


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1/",
        "http://localhost/",
        "http://10.1.2.3/",
        "http://192.168.1.1:8000/",
        "http://169.254.169.254/",
        "http://0.0.0.0/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://2130706433/",
        "http://127.1/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "http://user:secret@example.com/",
        "not an address",
    ],
)
def test_an_address_that_is_not_of_the_public_web_is_refused(address: str) -> None:
    (outcome,) = fetch_all([Request(address)])

    assert isinstance(outcome, AddressRefused)


def test_a_name_that_resolves_to_a_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Resolver:
        async def resolve(self, host: str, port: int, family: int) -> list[dict[str, object]]:
            return [{"hostname": host, "host": "10.0.0.7", "port": port, "family": family, "proto": 0, "flags": 0}]

        async def close(self) -> None:
            return None

    monkeypatch.setattr(egress, "ThreadedResolver", Resolver)

    (outcome,) = fetch_all([Request("http://rebound.example/")])

    assert isinstance(outcome, AddressRefused)
    assert "10.0.0.7" in str(outcome)


def test_public_addresses_pass() -> None:
    assert check_address("https://example.com/a?b=c").host == "example.com"
    assert is_public(ipaddress.ip_address("93.184.215.14"))
    assert not is_public(ipaddress.ip_address("224.0.0.1"))


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("5", 5.0),
        ("-3", 0.0),
        ("999999", 3600.0),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
        ("", 60.0),
        ("soon", 60.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str, seconds: float) -> None:
    assert parse_retry_after(header, now=NOW) == seconds
