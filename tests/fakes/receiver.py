"""A receiver of webhooks: takes what is posted to it, verified by the standardwebhooks package, or misbehaves."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook


@dataclass(frozen=True)
class Received:
    """One request, as it came."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def webhook_id(self) -> str:
        return self.headers["webhook-id"]


@dataclass(frozen=True)
class Answer:
    """How a request is answered; hangs: not before the receiver ends."""

    status: int = 204
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    hangs: bool = False


TAKEN = Answer()


@dataclass
class Receiver:
    """What came, and how the next requests are answered: one by one, then `usual`."""

    origin: str = ""
    usual: Answer = TAKEN
    next: list[Answer] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    came: threading.Condition = field(default_factory=threading.Condition)

    @property
    def host(self) -> str:
        """Host and port, as FETCH_PRIVATE_HOSTS names them."""
        return self.origin.partition("://")[2]

    def verified(self, secret: str) -> list[dict[str, Any]]:
        """Return what came as messages, each of which bears a signature of the secret and a recent time."""
        return [Webhook(secret).verify(it.body, dict(it.headers)) for it in self.received]

    def wait_for(self, count: int, *, deadline_s: float = 30) -> None:
        """Wait until so many requests came."""
        with self.came:
            assert self.came.wait_for(lambda: len(self.received) >= count, deadline_s), f"{len(self.received)} came"

    def take(self, received: Received) -> Answer:
        with self.came:
            self.received.append(received)
            self.came.notify_all()
            return self.next.pop(0) if self.next else self.usual


@contextmanager
def webhook_receiver() -> Iterator[Receiver]:
    """Serve a receiver on loopback."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = receiver.take(Received(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            if answer.hangs:
                receiver.ended.wait(60)
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    receiver.origin = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield receiver
    finally:
        receiver.ended.set()
        server.shutdown()
        thread.join()
        server.server_close()
