"""Real processes and servers that tests read from: the sample catalog, and small sites of one's own."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from django.conf import settings

Answer = tuple[int, Mapping[str, str], bytes]


@contextmanager
def sample_catalog(folder: Path, *, products: int = 60, edition: int = 1, port: int = 0) -> Iterator[str]:
    """Serve the sample catalog from a process of its own; yields the catalog's address."""
    options = {"dir": folder, "products": products, "edition": edition, "port": port}
    command = [sys.executable, "manage.py", "sample_catalog", *(f"--{name}={value}" for name, value in options.items())]
    process = subprocess.Popen(command, cwd=settings.BASE_DIR, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout:
        try:
            address = process.stdout.readline().strip()
            assert address.startswith("http://127.0.0.1:"), address
            yield address
        finally:
            process.terminate()
            assert process.wait(10) == 0


@contextmanager
def small_site(answer: Callable[[str, Mapping[str, str]], Answer]) -> Iterator[str]:
    """Serve answer(path, headers) on loopback; yields the site's address without a last slash."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, headers, body = answer(self.path, dict(self.headers))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if "Content-Length" not in headers:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
