"""A forward proxy on loopback for the browser, which guards whatever a page asks for as our own requests are guarded.

A page's scripts and redirects choose addresses that nobody has checked, and Chromium resolves names by itself. Here
each name is resolved once, refused when it is not public, and the connection is made to the very address that was
checked. The proxy runs in a thread with an event loop of its own and speaks CONNECT and plain HTTP. It serves only
who knows its password, so that it opens no way out to others on the machine.
"""

import asyncio
import logging
import secrets
import threading
from asyncio import StreamReader, StreamWriter
from concurrent.futures import Future

from yarl import URL

from catalog.hosts import host_of
from catalog.politeness.proxies import Health, Proxy, basic_authorization, process_pool
from marketplace.egress import AddressRefused, HostUnknown, check_address, checked_addresses

logger = logging.getLogger(__name__)

MAX_HEAD_BYTES = 64 * 1024
HEAD_TIMEOUT_S = 30.0
CONNECT_TIMEOUT_S = 10.0
IDLE_S = 120.0
START_TIMEOUT_S = 10.0
_CHUNK_BYTES = 64 * 1024
_END = b"\r\n\r\n"
_WHO = (
    b'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="egress"\r\n'
    b"Content-Length: 0\r\nConnection: close\r\n\r\n"
)
# Of one connection, not of the message (RFC 9110, 7.6.1).
_HOP_BY_HOP = frozenset({b"connection", b"proxy-connection", b"keep-alive", b"proxy-authorization", b"upgrade", b"te"})

Stream = tuple[StreamReader, StreamWriter]


class _BadRequest(Exception):
    """What came is no request that a proxy serves."""


class EgressProxy:
    """The proxy of one browser; `start` again answers with the same address."""

    user = "browser"

    def __init__(self) -> None:
        self.password = secrets.token_urlsafe(24)
        self.refused = 0
        self.last_refusal = ""
        self._address: Future[str] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> str:
        """Listen on a free port of loopback, unless it does already; return the proxy's address."""
        if self._address is None:
            self._address = Future()
            self._thread = threading.Thread(target=self._run, name="egress-proxy", daemon=True)
            self._thread.start()
        return self._address.result(START_TIMEOUT_S)

    def close(self) -> None:
        """End it with all its connections."""
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._address = self._loop = self._thread = None

    def _run(self) -> None:
        with asyncio.Runner() as runner:  # on its way out it cancels what is still connected
            loop = runner.get_loop()
            try:
                server = runner.run(asyncio.start_server(self._serve, "127.0.0.1", 0, limit=MAX_HEAD_BYTES))
            except OSError as error:
                _of(self._address).set_exception(error)
                return
            self._loop = loop
            _of(self._address).set_result(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
            try:
                loop.run_forever()
            finally:
                server.close()

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            await self._answer(reader, writer)
        except (AddressRefused, HostUnknown) as error:
            self.refused += isinstance(error, AddressRefused)
            self.last_refusal = str(error)
            logger.info("the browser was refused an address", extra={"reason": str(error)})
        except (_BadRequest, OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            # The browser sees a connection that ends, and says which request that was.
            logger.debug("a connection of the browser ended", extra={"reason": repr(error)})
        except asyncio.CancelledError:  # the proxy ends; raised on, asyncio would log it for each connection
            return
        finally:
            writer.close()

    async def _answer(self, reader: StreamReader, writer: StreamWriter) -> None:
        async with asyncio.timeout(HEAD_TIMEOUT_S):
            head = await reader.readuntil(_END)
        line, _, fields = head.removesuffix(_END).partition(b"\r\n")
        parts = line.split(b" ")
        if len(parts) != 3:
            raise _BadRequest
        method, target, _ = parts
        if not self._is_ours(fields):
            writer.write(_WHO)
            return
        if method == b"CONNECT":
            upstream = await _tunnel(check_address(f"https://{target.decode('ascii', 'replace')}/"))
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await _pump_both((reader, writer), upstream)
            return
        url = check_address(target.decode("ascii", "replace"))
        if url.scheme != "http":
            raise _BadRequest
        upstream = await _ask(url, method, fields)
        await _hand_over((reader, writer), upstream)

    def _is_ours(self, fields: bytes) -> bool:
        given = next((field for field in fields.split(b"\r\n") if _name(field) == b"proxy-authorization"), b"")
        expected = basic_authorization(self.user, self.password).encode()
        return secrets.compare_digest(given.partition(b":")[2].strip(), expected)


def _of(future: "Future[str] | None") -> "Future[str]":
    assert future is not None  # noqa: S101 made before the thread was started
    return future


async def _tunnel(url: URL) -> Stream:
    """Return a connection to the address's host, through the host's proxy where there is one."""
    proxy = process_pool().pick(host_of(url))
    upstream = await _connect(url, proxy)
    if proxy is None:
        return upstream
    reader, writer = upstream
    place = f"{url.raw_host if ':' not in (url.host or '') else f'[{url.host}]'}:{url.port}"
    writer.write(f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n".encode() + _credentials(proxy) + b"\r\n")
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            head = await reader.readuntil(_END)
    except (OSError, asyncio.IncompleteReadError):
        process_pool().note(proxy, Health.FAULTY)
        raise
    is_through = head.split(b" ", 2)[1:2] == [b"200"]
    process_pool().note(proxy, Health.WELL if is_through else Health.DOUBTFUL)
    if not is_through:
        writer.close()
        raise _BadRequest
    return upstream


async def _ask(url: URL, method: bytes, fields: bytes) -> Stream:
    """Send a request's head to where it belongs, as the last one of its connection."""
    proxy = process_pool().pick(host_of(url))
    upstream = await _connect(url, proxy)
    target = str(url.with_fragment(None)) if proxy else url.raw_path_qs
    kept = [field for field in fields.split(b"\r\n") if _name(field) not in _HOP_BY_HOP | {b"host"}]
    head = [b"%b %b HTTP/1.1" % (method, target.encode()), b"Host: " + host_of(url).encode(), *kept]
    upstream[1].write(b"\r\n".join([*head, b"Connection: close", b""]) + _credentials(proxy) + b"\r\n")
    return upstream


async def _connect(url: URL, proxy: Proxy | None) -> Stream:
    """Connect to the proxy, or to one of the very addresses that were checked."""
    addresses = await checked_addresses(url.host or "", url.port or 0)
    if proxy is not None:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            return await asyncio.open_connection(proxy.address.host, proxy.address.port, limit=MAX_HEAD_BYTES)
    failure: OSError | None = None
    for address in dict.fromkeys(addresses):
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                return await asyncio.open_connection(address, url.port, limit=MAX_HEAD_BYTES)
        except OSError as error:
            failure = error
    raise failure or HostUnknown(f"{url.host} has no address")


async def _hand_over(client: Stream, upstream: Stream) -> None:
    """Hand the answer over, its head marked as the last one of the connection, so that none is sent after it."""
    sending = asyncio.create_task(_pump(client[0], upstream[1]))
    try:
        while True:
            async with asyncio.timeout(IDLE_S):
                head = await upstream[0].readuntil(_END)
            lines = head.removesuffix(_END).split(b"\r\n")
            if lines[0].split(b" ", 2)[1:2] and lines[0].split(b" ", 2)[1].startswith(b"1"):
                client[1].write(head)  # an interim answer: the one that counts follows
                continue
            kept = [line for line in lines if _name(line) not in _HOP_BY_HOP]
            client[1].write(b"\r\n".join([*kept, b"Connection: close", b"", b""]))
            await _pump(upstream[0], client[1])
            return
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        upstream[1].close()


async def _pump_both(client: Stream, upstream: Stream) -> None:
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_pump(client[0], upstream[1]))
            group.create_task(_pump(upstream[0], client[1]))
    except* OSError as errors:
        raise errors.exceptions[0] from None
    finally:
        upstream[1].close()


async def _pump(reader: StreamReader, writer: StreamWriter) -> None:
    """Pass bytes on until there are no more."""
    while True:
        async with asyncio.timeout(IDLE_S):
            data = await reader.read(_CHUNK_BYTES)
        if not data:
            break
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


def _credentials(proxy: Proxy | None) -> bytes:
    if proxy is None or not proxy.authorization:
        return b""
    return f"Proxy-Authorization: {proxy.authorization}\r\n".encode()


def _name(field: bytes) -> bytes:
    return field.partition(b":")[0].strip().lower()
