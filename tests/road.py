"""A whole stack of one's own, and a seller's way through it: over the HTTP API in, out of PostgreSQL the facts."""

import json
import os
import signal
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import redis
from django.conf import settings

from marketplace.demo.children import Children
from marketplace.demo.client import Client
from marketplace.demo.truth import differences
from marketplace.stack.rendezvous import running_stack
from marketplace.stack.services import HOST, Ports
from tests.sample_shop import sample_catalog
from tests.tracing import TRACING

DEADLINE_S = 90.0
LOOK_EVERY_S = 0.05
CATCH_EVERY_S = 0.005  # where a moment is to be hit
PRODUCTS = 150
REQUESTS_PER_S = 2_000
MOST_RESULTS = 100  # of one search
CENT = Decimal("0.01")
# What the test session's own stack has put into the environment, and what would replace the product's settings.
NOT_HANDED_DOWN = (
    "DATABASE_URL", "REDIS_URL", "CACHE_URL", "MILVUS_URI", "SECRET_KEY", "DJANGO_SETTINGS_MODULE", TRACING,
)  # fmt: skip
STAGES = ("process-images", "generate-embedding", "quality-control", "index-product")
# Each edition's brands are among these, and the brand is searched: a query that every product answers.
ALL_BRANDS = (
    "Nordlund Avelle Kibo Tansy Orrin Marlow Solveig Petit Hazelmere Luma Castellane Fjordby Juniper Ostra Belgrove "
    "Senda Wren Mirova Tilde Baobab"
)

_LEFT_OVER = """
SELECT task, state, count(*) FROM jobs_job
 WHERE tenant = %s AND task <> 'notify-seller'  -- it waits a minute for more to tell
   AND state NOT IN ('completed', 'failed', 'dead', 'cancelled') GROUP BY 1, 2
"""
_HELD = """
SELECT count(*) FILTER (WHERE job.state = 'running' AND worker.pid = %(pid)s AND worker.ended_at IS NULL),
       count(*) FILTER (WHERE job.state = 'completed')
  FROM jobs_job AS job LEFT JOIN jobs_worker AS worker ON worker.id = job.worker_id
 WHERE job.grp = %(group)s AND job.task = %(task)s
"""
_JOBS_OF_PRODUCTS = """
SELECT product.external_id, job.task, job.state, count(*)
  FROM jobs_job AS job JOIN marketplace_product AS product ON product.id = (job.payload->>'product')::bigint
 WHERE job.grp = %s GROUP BY 1, 2, 3
"""
_RECHECKED = """
SELECT product.external_id, count(*)
  FROM jobs_job AS job JOIN marketplace_product AS product ON product.id = (job.payload->>'product')::bigint
 WHERE job.grp = %s AND job.task = 'quality-control' AND job.key LIKE '%%:copy-of-%%' GROUP BY 1
"""
_DEAD_LETTERS = """
SELECT product.external_id, letter.error_code
  FROM jobs_deadletter AS letter JOIN jobs_job AS job ON job.id = letter.job_id
  LEFT JOIN marketplace_product AS product ON product.id = (job.payload->>'product')::bigint
 WHERE job.tenant = %s AND job.grp IS NOT DISTINCT FROM %s AND letter.resolution = '' ORDER BY 1
"""
_VERDICTS = """
SELECT product.external_id, count(*), count(DISTINCT verdict.input_hash)
  FROM qc_verdict AS verdict JOIN marketplace_product AS product ON product.id = verdict.product_id
 WHERE product.seller_id = %s GROUP BY 1
"""
_PICTURES = """
SELECT product.external_id, jsonb_array_length(product.picture_addresses), count(picture.id)
  FROM marketplace_product AS product LEFT JOIN marketplace_picture AS picture ON picture.product_id = product.id
 WHERE product.seller_id = %s GROUP BY product.id
"""
_LISTS = "SELECT payload->>'address', state FROM jobs_job WHERE task = 'scrape-catalog' AND grp = %s"
_REPAIRED = """
SELECT job.payload->>'product', count(link.id)
  FROM jobs_job AS job JOIN marketplace_productcategory AS link ON link.product_id = (job.payload->>'product')::bigint
 WHERE job.tenant = %s AND job.payload->>'repair' = 'true' GROUP BY 1
"""
_BUGS = """
SELECT job.task, attempt.error_code, left(attempt.traceback, 3000)
  FROM jobs_jobattempt AS attempt JOIN jobs_job AS job ON job.id = attempt.job_id
 WHERE job.tenant = %s AND attempt.family = 'bug'
"""


def wait_until(condition: Callable[[], bool], what: str, *, every_s: float = LOOK_EVERY_S) -> None:
    """Return when condition is true."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {DEADLINE_S:.0f} s: {what}")
        time.sleep(every_s)  # between two looks


@dataclass(frozen=True)
class SellerOnRoad:
    """A seller who came in over the API."""

    id: int
    client: Client

    def sync(self) -> int:
        """Start a sync and return its id."""
        return int(self.client.post("/api/sellers/me/syncs/")["id"])


class Road:
    """A stack with all its processes, and what stands behind it."""

    def __init__(self, var_dir: Path, database: psycopg.Connection) -> None:
        self._var_dir = var_dir
        self._database = database
        self.folder = var_dir / "sample"
        self.catalog = ""
        self.spare_port = 0

    @property
    def state(self) -> dict[str, Any]:
        """What the stack says of itself."""
        state = running_stack(self._var_dir)
        assert state is not None, "the stack has ended"
        return state

    def entry(self, process: str) -> dict[str, Any]:
        return dict(self.state["processes"][process])

    def rows(self, query: str, parameters: Any = ()) -> list[tuple]:
        return self._database.execute(query, parameters).fetchall()

    def row(self, query: str, parameters: Any = ()) -> tuple:
        (row,) = self.rows(query, parameters)
        return row

    @contextmanager
    def locked(self, table: str) -> Iterator[None]:
        """Let nobody write to a table."""
        with self._database.transaction():
            self._database.execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE")
            yield

    def truth(self, edition: int = 1) -> dict[str, Any]:
        return dict(json.loads((self.folder / f"truth-{edition}.json").read_text()))

    def register(self, catalog: str) -> SellerOnRoad:
        client = Client(self.state["web_url"])
        seller = client.post("/api/sellers/", {"name": "Sample shop", "catalog_address": catalog})
        client.api_key = seller["api_key"]
        return SellerOnRoad(id=seller["id"], client=client)

    # --- harm ---------------------------------------------------------------------------------
    def wait_for_the_middle(self, sync_id: int) -> None:
        """Wait until some products are live while many jobs are still to be done."""

        def is_amid() -> bool:
            live, open_jobs = self.row(
                "SELECT (SELECT count(*) FROM marketplace_product WHERE last_sync_id = %(sync)s AND status = 'live'),"
                " (SELECT count(*) FROM jobs_job WHERE grp = 'sync:' || %(sync)s::text"
                " AND state IN ('scheduled', 'gated', 'pending', 'running'))",
                {"sync": sync_id},
            )
            assert live < 5 or open_jobs, "the sync was over before anybody saw its middle"
            return bool(live >= 5 and open_jobs >= 20)

        wait_until(is_amid, "the sync's middle", every_s=CATCH_EVERY_S)

    def kill(self, process: str) -> None:
        os.kill(self.entry(process)["pid"], signal.SIGKILL)

    def kill_worker_at_work(self, task: str, sync_id: int, *, completed: int) -> None:
        """Kill the task's worker while it certainly holds jobs of the sync, `completed` or more being done before."""
        pid = self.entry(f"worker-{task}")["pid"]

        def holds_jobs() -> bool:
            held, done = self.row(_HELD, {"pid": pid, "group": f"sync:{sync_id}", "task": task})
            return bool(held and done >= completed)

        def is_caught() -> bool:
            if not holds_jobs():
                return False
            os.kill(pid, signal.SIGSTOP)  # it settles nothing while we look again
            is_held = holds_jobs()
            os.kill(pid, signal.SIGKILL if is_held else signal.SIGCONT)
            return is_held

        wait_until(is_caught, f"the worker of {task} at work", every_s=CATCH_EVERY_S)

    def wipe_redis(self) -> None:
        with redis.Redis.from_url(self.state["env"]["REDIS_URL"]) as client:
            assert client.flushall()

    @contextmanager
    def falling_alone(self, process: str | None) -> Iterator[None]:
        """See that this process, or none, falls within, that it is up again once, and that it takes none with it."""
        before = self._restarts()
        yield
        if process is not None:
            before[process] += 1
            wait_until(lambda: self._is_back(process, before[process]), f"{process} is back")
        assert self._restarts() == before

    def _is_back(self, process: str, restarts: int) -> bool:
        entry = self.entry(process)
        return entry["restarts"] >= restarts and entry["status"] in ("healthy", "running")

    def _restarts(self) -> dict[str, int]:
        return {name: entry["restarts"] for name, entry in self.state["processes"].items()}

    # --- the end ------------------------------------------------------------------------------
    def wait_for_end(self, seller: SellerOnRoad, sync_id: int) -> dict[str, Any]:
        """Wait until the sync has ended and nothing of the seller is left to do; return the sync."""

        def is_over() -> bool:
            status = self.row("SELECT status FROM marketplace_syncrun WHERE id = %s", [sync_id])[0]
            return status != "running" and not self.rows(_LEFT_OVER, [str(seller.id)])

        try:
            wait_until(is_over, "the end of the sync")
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.rows(_LEFT_OVER, [str(seller.id)])}") from None
        return dict(seller.client.get(f"/api/syncs/{sync_id}/"))

    def assert_as_truth(self, seller: SellerOnRoad, sync: Mapping[str, Any], truth: Mapping[str, Any]) -> None:
        """Every product ended as it must, is found if it is live, and no error was our own."""
        assert (sync["status"], sync["error"]) == ("finished", None)
        assert sync["found"] == truth["found"]
        products = seller.client.pages("/api/products/", limit=200)
        assert differences(truth, products) == []
        assert len(products) == len(truth["products"]) + len(truth["gone"])
        live = {
            product["id"]: Decimal(product["price"]["amount"]) for product in products if product["status"] == "live"
        }
        assert sync["products"]["live"] == len(live)
        for query in (ALL_BRANDS, ""):  # by the index, and newest first by PostgreSQL
            assert self.search(seller, query, prices=list(live.values())) == Counter(live.keys())
        assert self.rows(_BUGS, [str(seller.id)]) == []
        dead = {(name, it["code"]) for name, it in truth["products"].items() if it["ends"] == "dead"}
        letters = self.rows(_DEAD_LETTERS, [str(seller.id), f"sync:{sync['id']}"])
        assert sorted(letters) == sorted(dead)
        assert self.rows(_DEAD_LETTERS, [str(seller.id), None]) == []
        ends = "SELECT state FROM jobs_job WHERE task = 'finish-sync' AND payload->>'sync' = %s"
        assert self.rows(ends, [str(sync["id"])]) == [("completed",)]

    def search(self, seller: SellerOnRoad, query: str, *, prices: Sequence[Decimal]) -> Counter[int]:
        """Count how often each product is in the answers to two searches, of the cheaper half and of the dearer."""
        middle = sorted(prices)[len(prices) // 2]
        found: Counter[int] = Counter()
        for price_range in ({"max_price": str(middle - CENT)}, {"min_price": str(middle)}):
            # Nobody asked this before: the ranking of a known query may be some seconds old.
            words = f"{query} 0{time.monotonic_ns()}" if query else query
            answer = whole_answer(seller.client, q=words, seller=seller.id, limit=MOST_RESULTS, **price_range)
            assert answer["has_more"] is False
            found.update(result["id"] for result in answer["results"])
        return found

    def jobs_of_products(self, sync_id: int) -> dict[tuple[str, str, str], int]:
        """Count the sync's jobs by product, task and state."""
        return {(name, task, state): n for name, task, state, n in self.rows(_JOBS_OF_PRODUCTS, [f"sync:{sync_id}"])}

    def stages(self, sync_id: int) -> dict[str, dict[str, int]]:
        """Count the sync's jobs by task and state."""
        counts: dict[str, dict[str, int]] = {}
        for (_, task, state), jobs in self.jobs_of_products(sync_id).items():
            counts.setdefault(task, Counter())[state] += jobs
        return {task: dict(states) for task, states in counts.items()}

    def assert_nothing_lost_nothing_twice(
        self, seller: SellerOnRoad, sync: Mapping[str, Any], truth: Mapping[str, Any]
    ) -> None:
        """A first sync did each step once for each product that came so far."""
        group = f"sync:{sync['id']}"
        expected: dict[tuple[str, str, str], int] = {}
        for name, entry in truth["products"].items():
            is_read = entry["ends"] != "dead"
            expected[name, "scrape-product", "completed" if is_read else "failed"] = 1
            reached = STAGES if entry["ends"] == "live" else STAGES[:-1]
            expected |= {(name, stage, "completed"): 1 for stage in reached if is_read}
        rechecked = dict(self.rows(_RECHECKED, [group]))
        self._expect_rechecks(expected, rechecked, truth)
        jobs = self.jobs_of_products(sync["id"])
        shown = {(name, "index-product", "completed") for name in rechecked}  # a copy may have been live for a moment
        assert {key: n for key, n in jobs.items() if key not in shown} == {
            key: n for key, n in expected.items() if key not in shown
        }
        assert all(jobs.get(key, 0) <= expected.get(key, 0) + 2 for key in shown)

        judged = {name for name, stage, _ in expected if stage == "quality-control"}
        verdicts = {name: (total, distinct) for name, total, distinct in self.rows(_VERDICTS, [seller.id])}
        assert verdicts.keys() == judged
        assert all(total == distinct <= 1 + rechecked.get(name, 0) for name, (total, distinct) in verdicts.items())
        pictures = {name: (wanted, stored) for name, wanted, stored in self.rows(_PICTURES, [seller.id])}
        assert pictures == {name: (1, 1) if name in judged else (0, 0) for name in truth["products"]}

        lists = self.rows(_LISTS, [group])
        categories = self.row("SELECT count(*) FROM marketplace_category WHERE seller_id = %s", [seller.id])[0]
        assert len(lists) == len(set(lists)) == categories + 1
        assert {state for _, state in lists} == {"completed"}
        assert self.rows("SELECT state FROM jobs_job WHERE task = 'sync-seller' AND grp = %s", [group]) == [
            ("completed",)
        ]
        # Its row of the index may have been written before its second category was read; nothing else is repaired.
        repaired = self.rows(_REPAIRED, [str(seller.id)])
        assert all(categories > 1 for _, categories in repaired), repaired

    def _expect_rechecks(
        self, expected: dict[tuple[str, str, str], int], rechecked: Mapping[str, int], truth: Mapping[str, Any]
    ) -> None:
        """A copy that came to its verdict before its original was read is judged again; nothing else is."""
        copies = {name for name, entry in truth["products"].items() if entry["defect"] == "duplicate"}
        assert rechecked.keys() <= copies
        for name, times in rechecked.items():
            expected[name, "quality-control", "completed"] += times


def whole_answer(client: Client, **query: str | int) -> dict[str, Any]:
    """Ask until the answer is no longer degraded: one that a busy machine leaves no time for is made behind it."""
    answers: list[dict[str, Any]] = []

    def is_whole() -> bool:
        answers.append(dict(client.get("/api/search/", **query)))
        return not answers[-1]["degraded"]

    wait_until(is_whole, "an answer to a search that is not degraded")
    return answers[-1]


def sample_stats(catalog: str) -> Counter[str]:
    """Tell what the sample catalog was asked for so far, by kind and status."""
    with urllib.request.urlopen(f"http://{urlsplit(catalog).netloc}/sample/stats", timeout=10) as answer:
        return Counter(json.load(answer))


@contextmanager
def open_road(folder: Path) -> Iterator[Road]:
    """Start a stack with every service and process under folder, and the sample catalog."""
    var_dir = folder / "var"
    var_dir.mkdir()
    ports = Ports(folder / "ports.json")
    port, spare_port = ports.claim("sample"), ports.claim("spare")
    places = [f"{HOST}:{it}" for it in (port, spare_port)]
    environ = {name: value for name, value in os.environ.items() if name not in NOT_HANDED_DOWN} | {
        "VAR_DIR": str(var_dir),
        "WHATSAPP_HOSTS": ",".join(places),
        "FETCH_PRIVATE_HOSTS": ",".join(places),
        "FETCH_RATES": ",".join(f"{place}={REQUESTS_PER_S}" for place in places),
    }
    with Children(base_dir=settings.BASE_DIR, var_dir=var_dir, environ=environ) as children:
        children.start_stack()
        (var_dir / "sample").mkdir()
        with sample_catalog(var_dir / "sample", products=PRODUCTS, port=port) as catalog:
            children.wait_for_stack()
            state = running_stack(var_dir)
            assert state is not None
            with psycopg.connect(state["env"]["DATABASE_URL"], autocommit=True) as database:
                road = Road(var_dir, database)
                road.catalog, road.spare_port = catalog, spare_port
                yield road
                children.check()
