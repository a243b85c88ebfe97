"""A real forward proxy on loopback: CONNECT and plain HTTP, with a password if need be, and faults on demand."""

import base64
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener


@dataclass
class ForwardProxy:
    """Its address (with the password), what it was asked for, and whether it is broken."""

    address: str = ""
    asked: list[str] = field(default_factory=list)
    is_broken: bool = False


@contextmanager
def forward_proxy(*, user: str = "", password: str = "") -> Iterator[ForwardProxy]:
    """Run a proxy."""
    proxy = ForwardProxy()
    wanted = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode() if user else ""

    class Handler(BaseHTTPRequestHandler):
        def _is_welcome(self) -> bool:
            proxy.asked.append(f"{self.command} {self.path}")
            if proxy.is_broken or (wanted and self.headers.get("Proxy-Authorization") != wanted):
                self.send_response(407)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return False
            return True

        def do_GET(self) -> None:
            if not self._is_welcome():
                return
            assert "Proxy-Authorization" not in self.headers or wanted
            with _open(self.path) as answer:
                body = answer.read()
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.headers.get("Content-Type", "text/html"))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_CONNECT(self) -> None:
            if not self._is_welcome():
                return
            host, _, port = self.path.rpartition(":")
            with socket.create_connection((host, int(port)), timeout=10) as upstream:
                self.send_response(200)
                self.end_headers()
                back = threading.Thread(target=_pass_on, args=(upstream, self.connection))
                back.start()
                _pass_on(self.connection, upstream)
                back.join()

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    login = f"{user}:{password}@" if user else ""
    proxy.address = f"http://{login}127.0.0.1:{server.server_address[1]}"
    try:
        yield proxy
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def place_of_proxy(proxy: ForwardProxy) -> str:
    parts = urlsplit(proxy.address)
    return f"{parts.hostname}:{parts.port}"


def _open(address: str) -> Any:
    """Return the answer, whatever its status."""
    try:
        return build_opener(ProxyHandler({})).open(Request(address), timeout=10)
    except HTTPError as error:
        return error


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return  # one side is gone, and so is the tunnel
