"""The connection to Milvus: one client per process, and its errors in our families."""

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from django.conf import settings

from jobs.errors import RetryableError

if TYPE_CHECKING:
    from pymilvus import MilvusClient

CONNECT_TIMEOUT_S = 5.0
# A killed Milvus is back within some 10 s: waiting here is cheaper than an attempt of every job.
PATIENCE_S = 30.0
CHANNEL = {
    # A server that is back is asked again within a second or two; gRPC itself would wait up to two minutes.
    "grpc.initial_reconnect_backoff_ms": 200,
    "grpc.min_reconnect_backoff_ms": 500,
    "grpc.max_reconnect_backoff_ms": 2000,
    # pymilvus pings every 10 s, also where nothing is asked. gRPC's servers, and so Milvus Lite, bear one ping in 5
    # minutes and only while something is asked; they end the connection of whoever pings more.
    "grpc.keepalive_time_ms": 330_000,
    "grpc.keepalive_permit_without_calls": 0,
}
_NO_CONNECTION, _COLLECTION_MISSING, _COLLECTION_NOT_LOADED = 2, 100, 101  # MilvusException.code

T = TypeVar("T")

_clients: dict[tuple[int, str], "MilvusClient"] = {}
_clients_lock = Lock()


class IndexUnavailable(RetryableError):
    """The search index cannot be reached."""

    code = "index.unavailable"


class IndexMissing(RetryableError):
    """The search index has no collection for this embedder yet."""

    code = "index.missing"


class IndexNotLoaded(RetryableError):
    """The search index was restarted and has not loaded the collection again."""

    code = "index.not_loaded"


def patiently(operation: Callable[[], T], *, patience_s: float = PATIENCE_S) -> T:
    """Return what operation returns, trying again with backoff while the index is away.

    Raises:
        IndexUnavailable: it is away for longer than patience_s.
    """
    give_up_at = time.monotonic() + patience_s
    pause_s = 0.1
    while True:
        try:
            return operation()
        except (IndexUnavailable, IndexMissing, IndexNotLoaded):
            if time.monotonic() + pause_s > give_up_at:
                raise
        time.sleep(pause_s)
        pause_s = min(pause_s * 2, 1.0)


def connect() -> None:
    """Import Milvus' library and open this process's connection, so that the first job or search need not wait."""
    milvus_client()


def milvus_client() -> "MilvusClient":
    """Return this process's client, connected on first use. Importing pymilvus costs 2.5 s, so it waits until here."""
    from pymilvus import MilvusClient  # noqa: PLC0415

    # On import it sets its loggers up anew, to write a traceback for each call to a server that is away.
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL)
    place = (os.getpid(), settings.MILVUS_URI)
    with _clients_lock:
        client = _clients.get(place)
        if client is None:
            client = _clients[place] = MilvusClient(
                uri=settings.MILVUS_URI, token=settings.MILVUS_TOKEN, timeout=CONNECT_TIMEOUT_S, grpc_options=CHANNEL
            )
        return client


@contextmanager
def speaking_of(name: str) -> Iterator["MilvusClient"]:
    """Yield the client; turn what it raises when the server or the collection is away into errors of ours.

    Whatever else it raises is a bug of ours and passes as it is.
    """
    import grpc  # noqa: PLC0415 see milvus_client
    from pymilvus.exceptions import MilvusException, MilvusUnavailableException  # noqa: PLC0415

    try:
        yield milvus_client()
    except grpc.RpcError as error:
        raise IndexUnavailable(f"the index at {settings.MILVUS_URI} does not answer: {_grpc_code(error)}") from error
    except MilvusException as error:
        if error.code == _COLLECTION_MISSING:
            raise IndexMissing(f"the index has no collection {name}") from error
        if error.code == _COLLECTION_NOT_LOADED:
            raise IndexNotLoaded(f"the index has not loaded {name}") from error
        if error.code == _NO_CONNECTION or isinstance(error, MilvusUnavailableException):
            raise IndexUnavailable(f"the index at {settings.MILVUS_URI} cannot be reached") from error
        raise


def _grpc_code(error: Any) -> str:
    """Name the status of a gRPC error; its base class does not promise one."""
    return str(error.code()) if callable(getattr(error, "code", None)) else type(error).__name__
