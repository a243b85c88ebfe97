"""Writing to the index: one writer at a time, over all processes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

from catalog.indexes.collections import WRITE_TIMEOUT_S, Kind, collection_name, speaking_to
from catalog.indexes.rows import Facts

UPSERT_ROWS = 256
DELETE_ROWS = 1000
_WRITE_LOCK = 0x736F756B0001  # "souk", 1


@contextmanager
def write_lock() -> Iterator[None]:
    """Be the only writer of the index. The lock ends with its transaction, so with this process at the latest."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_WRITE_LOCK])
        yield


def upsert(fingerprint: str, rows: Sequence[Facts], vectors: Mapping[str, Any], kind: Kind = Kind.PRODUCTS) -> None:
    """Write rows with the vectors of their input hashes. Call it under write_lock."""
    unique = list({row.product_id: row for row in rows}.values())
    name = collection_name(fingerprint, kind)
    with speaking_to(name) as client:
        for start in range(0, len(unique), UPSERT_ROWS):
            entities = [row.entity(vectors[row.input_hash]) for row in unique[start : start + UPSERT_ROWS]]
            client.upsert(name, entities, timeout=WRITE_TIMEOUT_S)


def delete(fingerprint: str, product_ids: Iterable[int], kind: Kind = Kind.PRODUCTS) -> None:
    """Take rows out; those that are not there do not matter. Call it under write_lock."""
    ids = sorted(set(product_ids))
    name = collection_name(fingerprint, kind)
    with speaking_to(name) as client:
        for start in range(0, len(ids), DELETE_ROWS):
            client.delete(name, ids=ids[start : start + DELETE_ROWS], timeout=WRITE_TIMEOUT_S)
