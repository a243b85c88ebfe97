"""A shop that has bad days: what it answers goes by a schedule of its own clock, and it remembers who asked when."""

import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SHOP_DIGITS = "447700900100"
CHALLENGE = (
    b"<!doctype html><html><head><title>Just a moment...</title></head><body>"
    b"<script>window._cf_chl_opt={cType:'managed'}</script></body></html>"
)
PIXEL = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00!\xf9\x04\x00\x00\x00\x00\x00,"
    b"\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)


@dataclass(frozen=True)
class Asked:
    """One request, when it came by the shop's clock, and in which mood it found the shop."""

    at_s: float
    path: str
    mood: str


@dataclass
class FaultShop:
    """Its mood goes by the clock (`schedule`), or by how many requests for pages there were (`turns`, then ok).

    Moods: ok, limited (429 with Retry-After), rude (429 without), forbidden, challenge, soft (a challenge under 200),
    failing (500), busy (503 with Retry-After), garbage (no HTTP), reset, silent.
    """

    schedule: Sequence[tuple[float, str]] = ((0, "ok"),)
    turns: Sequence[tuple[int, str]] = ()
    retry_after_s: int = 10
    address: str = ""
    asked: list[Asked] = field(default_factory=list)
    forbidden_paths: set[str] = field(default_factory=set)
    skipped_s: float = 0.0
    _started: float = field(default_factory=time.monotonic)
    _hung: threading.Event = field(default_factory=threading.Event)

    @property
    def host(self) -> str:
        return self.address.removeprefix("http://")

    @property
    def now_s(self) -> float:
        """The shop's clock, in seconds since it opened."""
        return time.monotonic() - self._started + self.skipped_s

    @property
    def mood(self) -> str:
        if not self.turns:
            return [mood for from_s, mood in self.schedule if from_s <= self.now_s][-1]
        left = len(self.asked)
        for requests, mood in self.turns:
            if left < requests:
                return mood
            left -= requests
        return "ok"

    def pages(self) -> list[Asked]:
        """The requests for products' pages."""
        return [asked for asked in self.asked if asked.path.startswith("/p/")]

    def most_a_second(self) -> int:
        """The most requests for pages that came within a second."""
        times = [asked.at_s for asked in self.pages()]
        return max((sum(1 for other in times if at <= other < at + 1) for at in times), default=0)

    def moods(self) -> Counter[str]:
        return Counter(asked.mood for asked in self.pages())


def product_address(shop: FaultShop, number: int) -> str:
    return f"{shop.address}/p/{number}/{SHOP_DIGITS}"


def _answer(handler: Any, shop: FaultShop, mood: str) -> None:
    match mood:
        case "ok":
            handler.send(200, *_good(shop, handler.path))
        case "limited" | "busy":
            handler.send(429 if mood == "limited" else 503, b"slow", retry_after=str(shop.retry_after_s))
        case "rude":
            handler.send(429, b"slow")
        case "forbidden":
            handler.send(403, b"no")
        case "challenge" | "soft":
            handler.send(403 if mood == "challenge" else 200, CHALLENGE, "text/html")
        case "failing":
            handler.send(500, b"oops")
        case "garbage":
            handler.wfile.write(b"\x16\x03\x01 what is this\r\n\r\n")
            handler.close_connection = True
        case "reset":
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            handler.close_connection = True
        case "silent":
            shop._hung.wait(20)
            handler.close_connection = True


def _good(shop: FaultShop, path: str) -> tuple[bytes, str]:
    if path.startswith("/media/"):
        return PIXEL, "image/gif"
    if path.startswith("/c/"):
        links = "".join(f'<a href="/p/{number}/{SHOP_DIGITS}">Lamp {number}</a>' for number in range(3))
        return f'<div role="list"><div aria-setsize="3">{links}</div></div>'.encode(), "text/html"
    number = path.split("/")[2]
    html = (
        f'<html><head><meta property="og:title" content="Lamp {number}">'
        f'<meta property="og:description" content="A lamp, EUR 10.00">'
        f'<meta property="og:image" content="{shop.address}/media/{number}.gif"></head></html>'
    )
    return html.encode(), "text/html"


@contextmanager
def fault_shop(**fields: Any) -> Iterator[FaultShop]:
    """Open the shop on loopback."""
    shop = FaultShop(**fields)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path == "/robots.txt":
                return self.send(404, b"")
            mood = "forbidden" if self.path in shop.forbidden_paths else shop.mood
            shop.asked.append(Asked(shop.now_s, self.path, mood))
            return _answer(self, shop, mood)

        def send(self, status: int, body: bytes, kind: str = "text/plain", retry_after: str = "") -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            if retry_after:
                self.send_header("Retry-After", retry_after)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign] # a reset connection is meant
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    shop.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield shop
    finally:
        shop._hung.set()
        server.shutdown()
        thread.join()
        server.server_close()
