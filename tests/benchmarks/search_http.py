"""The same searches over HTTP: a web process of the benchmark's own, started as the stack starts it."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlencode

from django.conf import settings

from marketplace.stack.services import HOST, Ports, web_service
from tests.benchmarks.systems import CannotMeasure

STARTS_WITHIN_S = 60.0
# With them the process takes itself for one of production, which speaks HTTPS alone; it finds the stack without them.
ADDRESSES = ("DATABASE_URL", "REDIS_URL", "CACHE_URL", "MILVUS_URI")


@contextmanager
def web() -> Iterator[Callable[[str], bool]]:
    """Give a function that asks GET /api/search/, over one connection, and tells whether the answer was degraded."""
    with TemporaryDirectory() as folder:
        service = web_service(settings.BASE_DIR, Ports(Path(folder) / "ports.json"))
        environ = {name: value for name, value in os.environ.items() if name not in ADDRESSES}
        environ["API_RATE_PER_ADDRESS"] = "1000000"
        with subprocess.Popen(service.command, env=environ, cwd=settings.BASE_DIR) as process:
            try:
                connection = HTTPConnection(HOST, service.port, timeout=30)
                _until_it_answers(connection, process)
                yield lambda query: _get(connection, query)
                connection.close()
            finally:
                process.terminate()


def _until_it_answers(connection: HTTPConnection, process: subprocess.Popen[bytes]) -> None:
    give_up_at = time.monotonic() + STARTS_WITHIN_S
    while True:
        try:
            _get(connection, "")
            return
        except OSError as error:
            connection.close()
            if time.monotonic() > give_up_at or process.poll() is not None:
                raise CannotMeasure("the web process does not answer") from error
        time.sleep(0.1)  # between two looks


def _get(connection: HTTPConnection, query: str) -> bool:
    connection.request("GET", f"/api/search/?{urlencode({'q': query})}")
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise CannotMeasure(f"GET /api/search/ answered {answer.status}: {body[:1000]!r}")
    return bool(json.loads(body)["degraded"])
