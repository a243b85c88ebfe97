"""Milvus is killed while processes write and search: the index ends as PostgreSQL is, and no search lies."""

import multiprocessing
import os
import time
import traceback
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

import pytest
from django.db import connection

from catalog import index
from catalog.embedders.hashing import HashingEmbedder
from catalog.index import IndexFilter
from catalog.indexing import Purpose, write_products
from catalog.milvus import IndexMissing, IndexNotLoaded, IndexUnavailable
from catalog.reindexing.reconciling import reconcile
from marketplace.models import Product
from qc.models import Verdict
from tests.catalog.indexes.server import Server
from tests.catalog.products import make_product, make_seller, make_sync

PRODUCTS = 120
BATCH = 12
DEADLINE_S = 120.0
embedder = HashingEmbedder()

Work = Callable[[], dict[str, int]]


def publish(count: int) -> list[int]:
    """Make live products that the index does not hold yet."""
    sync = make_sync(make_seller())
    ids = [make_product(sync, f"red lamp {number}", status="live").pk for number in range(count)]
    Verdict.objects.bulk_create(
        Verdict(product_id=pk, decision="approved", rule_version="1", input_hash="x") for pk in ids
    )
    return ids


def write(ids: list[int]) -> dict[str, int]:
    """Show the products, a batch at a time."""
    changed = 0
    for start in range(0, len(ids), BATCH):
        changed += write_products(ids[start : start + BATCH], purpose=Purpose.REPAIR, embedder=embedder).changed
    return {"changed": changed}


def search_until(is_over: Any) -> dict[str, int]:
    """Search; an answer is a list of hits, or one of the errors that say that the index is away."""
    (vector,) = embedder.embed_queries(["red lamp"])
    counts = {"answers": 0, "away": 0, "most": 0}
    while not is_over.wait(0.05):
        try:
            words = index.matching(embedder.fingerprint, "lamp", where=IndexFilter(), limit=500)
            index.nearest(embedder.fingerprint, vector, where=IndexFilter(), limit=10, min_similarity=0.1)
        except (IndexUnavailable, IndexMissing, IndexNotLoaded):
            counts["away"] += 1
            continue
        counts["answers"] += 1
        counts["most"] = max(counts["most"], len(words))
    return counts


class Forked:
    """A process that does one piece of work; its connections are its own."""

    def __init__(self, work: Work) -> None:
        context = multiprocessing.get_context("fork")
        self.answer, theirs = context.Pipe(duplex=False)
        self.process = context.Process(target=_run, args=(work, theirs))
        self.process.start()
        theirs.close()

    def result(self) -> dict[str, int]:
        told: dict[str, int] = self.answer.recv() if self.answer.poll(DEADLINE_S) else {}
        self.process.join(5)
        assert self.process.exitcode == 0
        return told


def _run(work: Work, answer: Connection) -> None:
    try:
        answer.send(work())
    except BaseException:  # noqa: BLE001 whatever it is, the parent sees the exit code
        traceback.print_exc()
        os._exit(1)
    os._exit(0)  # not what pytest does at its end


def wait_until(is_so: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + DEADLINE_S
    while not is_so():
        assert time.monotonic() < give_up_at
        time.sleep(0.02)


@pytest.mark.django_db(transaction=True)
def test_two_writers_and_four_searchers_outlive_a_milvus_that_is_killed(server: Server) -> None:
    ids = publish(PRODUCTS)
    server.start()
    write(ids[:BATCH])
    connection.close()  # the children open their own
    is_over = multiprocessing.get_context("fork").Event()
    searchers = [Forked(partial(search_until, is_over)) for _ in range(4)]
    writers = [Forked(partial(write, part)) for part in (ids[: PRODUCTS * 2 // 3], ids[PRODUCTS // 3 :])]
    wait_until(partial(_holds, ids, PRODUCTS // 3))
    server.kill()
    server.start()

    for writer in writers:
        writer.result()
    is_over.set()
    found = [searcher.result() for searcher in searchers]

    assert all(it["answers"] and it["most"] <= PRODUCTS for it in found)
    assert any(it["away"] for it in found)
    comparison = reconcile(embedder, only_check=True)
    assert (comparison.is_equal, comparison.products, comparison.rows) == (True, PRODUCTS, PRODUCTS)
    assert set(index.visible_rows(embedder.fingerprint, Product.objects.get(pk=ids[0]).seller_id)) == set(ids)


def _holds(ids: list[int], count: int) -> bool:
    try:
        return len(index.row_hashes(embedder.fingerprint, ids)) >= count
    except (IndexUnavailable, IndexMissing, IndexNotLoaded):
        return False
