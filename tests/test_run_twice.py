"""Every task of the product, run twice to its settlement: under two leases, by two workers, to one effect.

The second run comes about as after a crash whose settlement nobody saw: the row is due again, as a suspect.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache

from catalog import index
from catalog.browser import close_process_browser
from catalog.embedders.current import EMBEDDERS
from catalog.indexes import flushing
from catalog.indexes.active import active_index
from catalog.ranking.vocabulary import forget_vocabulary
from catalog.robots import forget_rules
from jobs.execution import run_once
from jobs.ledger import enqueue_many
from jobs.models import Job, Worker
from jobs.registry import Task, all_tasks, get_task
from jobs.session import Session, set_current_session
from tests.catalog.conftest import drop_collections
from tests.catalog.indexes.embedders import OtherEmbedder
from tests.catalog.products import make_seller, make_sync
from tests.fakes.gemini import GeminiApi
from tests.fakes.receiver import webhook_receiver
from tests.run_twice import catalog, marketplace, qc
from tests.run_twice.case import FINGERPRINT, PRODUCTS, Shop
from tests.run_twice.snapshots import changes, snapshot, tasks_of
from tests.sample_shop import sample_catalog

pytestmark = pytest.mark.django_db
ASKS_GEMINI = {"ai_generation"}
CASES = {**catalog.CASES, **marketplace.CASES, **qc.CASES}
NO_CASE = (
    "{name} has no case. Add to its app's module of tests/run_twice a function that arranges rows and returns the jobs "
    'to run, under @case("{name}", changes={{...}}, follow_ups={{...}}): the parts of the snapshot that the first run '
    "changes, and how many jobs of which task it starts."
)


def _product_tasks() -> list[Task]:
    return [task for task in all_tasks() if not task.handler.__module__.startswith("tests.")]


@pytest.fixture(scope="module")
def catalog_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with sample_catalog(tmp_path_factory.mktemp("sample"), products=PRODUCTS) as address:
        yield address
    close_process_browser()


@pytest.fixture(scope="module")
def collection() -> Iterator[str]:
    """The index for all cases: making one takes Milvus a second, and no id of a product comes twice."""
    name = f"test_{uuid4().hex[:12]}"
    yield name
    drop_collections(name)


@pytest.fixture
def shop(
    db: None,
    catalog_address: str,
    collection: str,
    settings: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    gemini_api: GeminiApi,
    request: pytest.FixtureRequest,
) -> Iterator[Shop]:
    host = catalog_address.split("/")[2]
    settings.WHATSAPP_HOSTS = [host]
    settings.FETCH_RATES = {host: 1_000.0}
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.PHOTO_DIR = tmp_path / "photos"
    settings.INDEX_COLLECTION = collection
    cache.clear()
    forget_rules()
    forget_vocabulary()
    monkeypatch.setitem(EMBEDDERS, "other", OtherEmbedder)
    monkeypatch.setattr(flushing, "EVERY_S", 10**9)  # whoever asks, asks for the same flush
    if request.node.callspec.params["task"] not in ASKS_GEMINI:
        settings.GEMINI_API_KEY = ""
    gemini_api.think = lambda _: '{"title": "Red lamp"}'
    active_index()
    with index.write_lock():
        index.ensure_collection(FINGERPRINT)
    with webhook_receiver() as receiver:
        settings.FETCH_PRIVATE_HOSTS = [host, receiver.host]
        yield Shop(address=catalog_address, sync=make_sync(make_seller()), receiver=receiver.origin)
    set_current_session(None)


@pytest.mark.parametrize("task", [task.name for task in _product_tasks()])
def test_a_task_that_is_run_twice_has_one_effect(shop: Shop, task: str) -> None:
    if task not in CASES:
        pytest.fail(NO_CASE.format(name=task))
    subjects = [it.job_id for it in enqueue_many(CASES[task].arrange(shop))]
    before = snapshot(subjects)

    _run(task, subjects, worker="first")
    once = snapshot(subjects)
    _make_due_again(subjects)
    _run(task, subjects, worker="second")
    twice = snapshot(subjects)

    assert set(changes(before, once)) == CASES[task].changes
    assert tasks_of(once) - tasks_of(before) == Counter(CASES[task].follow_ups)
    assert once["failures"] == []
    assert changes(once, twice) == {}


def test_every_case_is_of_a_task_that_is_declared() -> None:
    assert set(CASES) <= {task.name for task in _product_tasks()}


def _run(task: str, subjects: Sequence[int], *, worker: str) -> None:
    """Run the jobs to their settlement on a worker of their own."""
    session = Session(name=worker, queues=[])
    session.worker_id = Worker.objects.create(name=worker, hostname="here", pid=1, queues=[]).pk
    set_current_session(session)
    leases = dict(Job.objects.filter(pk__in=subjects).values_list("pk", "lease"))
    claimed = 0
    while claimed < len(subjects):
        limit = min(get_task(task).batch_size, len(subjects) - claimed)
        claimed += run_once(get_task(task).queue, session=session, limit=limit)
    ran = Job.objects.filter(pk__in=subjects, state="completed", task=task)
    assert dict(ran.values_list("pk", "lease")) == {pk: lease + 1 for pk, lease in leases.items()}


def _make_due_again(subjects: Sequence[int]) -> None:
    """Undo what the settlement did to the rows themselves; suspects are claimed before what follows them."""
    Job.objects.filter(pk__in=subjects).update(
        state="pending", attempt=0, worker=None, is_suspect=True, result=None, finished_at=None
    )
