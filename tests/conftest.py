"""What holds for every test: real services, no other machine, no warning overlooked."""

import ipaddress
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import hypothesis
import psycopg
import pytest
import redis
from django.conf import settings
from django.db import connection
from django.test import TransactionTestCase
from xdist.scheduler import LoadScopeScheduling

from marketplace.gemini.client import close_clients
from marketplace.gemini.pace import forget_calls
from tests.emptying import empty_filled_tables
from tests.fakes import gemini
from tests.fakes.gemini import GeminiApi

pytest.register_assert_rewrite("tests.road")
# No test asserts a time: the machine may be slow.
hypothesis.settings.register_profile("souk", deadline=None)
hypothesis.settings.load_profile("souk")
USES_MILVUS = {
    "test_feed_imports.py",
    "test_index.py",
    "test_processing.py",
    "test_ranking.py",
    "test_indexing.py",
    "test_building.py",
    "test_reconciling.py",
    "test_rereading.py",
    "test_likeness_found.py",
    "test_search.py",
    "test_search_page.py",
    "test_stages.py",
    "test_run_twice.py",
}
USES_TORCH = {"test_siglip.py", "test_checkpoints.py", "test_devices.py"}
# The groups of tests that take longest, in that order; two processes then end at about the same time.
LONGEST_FIRST = (
    "test_road",
    "milvus",
    "test_worker",
    "test_stack",
    "test_demo",
    "test_chaos",
    "test_stopping",
    "test_kill_matrix",
    "test_query_plans",
    "test_scraping",
)
NEEDS = (
    "The tests run on a real PostgreSQL, Redis and Milvus. `make test` starts them; with TESTS=... and ARGS=... only "
    "some of them. Or keep them up with `manage.py stack --only redis,postgres,milvus` and run pytest beside it."
)


class OutsideWorld(AssertionError):
    """A test reached for another machine."""


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _refuse_other_machines(event: str, arguments: tuple[Any, ...]) -> None:
    """Stop connections of this process to anything but loopback; libpq's own are not seen here."""
    if event != "socket.connect":
        return
    address = arguments[1]
    if isinstance(address, tuple) and not _is_loopback(str(address[0])):
        raise OutsideWorld(f"a test tried to connect to {address[0]}")


def pytest_configure(config: pytest.Config) -> None:
    """Close the door before anything is collected."""
    sys.addaudithook(_refuse_other_machines)


def group_of(nodeid: str) -> str:
    """Name what a test shares a process with: its file, or all that write to Milvus or use torch.

    Milvus bears one writer at a time; to import torch takes seconds.
    """
    path = Path(nodeid.partition("::")[0])
    if path.name in USES_MILVUS:
        return "milvus"
    return "torch" if path.name in USES_TORCH else str(path.with_suffix(""))


class GroupScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Share tests among processes by group, in the order of collection.

    xdist's own groups (`--dist loadgroup`) do nothing with pytest 9.2, and say nothing of it: pytest-xdist issue 1386.
    """

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> GroupScheduling:
    """Use our own groups."""
    return GroupScheduling(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Hand the longest groups out first where several processes share the tests.

    xdist itself begins with the group of the most tests, and would end with one that plays the whole demo.
    """
    if hasattr(config, "workerinput"):
        places = {name: place for place, name in enumerate(LONGEST_FIRST)}
        items.sort(key=lambda item: places.get(Path(group_of(item.nodeid)).name, len(places)))


def pytest_sessionstart(session: pytest.Session) -> None:
    """Say at once what is missing, instead of failing every test."""
    if session.config.option.collectonly:
        return
    database = settings.DATABASES["default"]
    try:
        psycopg.connect(
            host=database["HOST"], port=database["PORT"], user=database["USER"], password=database["PASSWORD"],
            dbname="postgres", connect_timeout=5,
        ).close()  # fmt: skip
        with redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=5) as client:
            client.ping()
    except (psycopg.OperationalError, redis.RedisError) as error:
        pytest.exit(f"{error}\n{NEEDS}", returncode=4)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Let the tests that need real transactions empty what they filled after themselves, the audit log too."""
    trigger = import_module("jobs.migrations.0005_audit_only_grows")
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(trigger.ALLOW_TRUNCATE)
    TransactionTestCase._fixture_teardown = empty_filled_tables


@pytest.fixture(scope="session")
def gemini_server() -> Iterator[tuple[GeminiApi, str]]:
    """The loopback Gemini, and its address; one for all tests, since a client for each would cost 0.2 s."""
    api = GeminiApi()
    with gemini.serve(api) as address:
        yield api, address
        close_clients()


@pytest.fixture
def gemini_api(gemini_server: tuple[GeminiApi, str], settings: Any) -> Iterator[GeminiApi]:
    """The loopback Gemini with nothing behind it, as the settings' own, with a pace that no test reaches by chance."""
    api, settings.GEMINI_BASE_URL = gemini_server
    api.begin_anew()
    for model in api.embedding_models | api.generating_models:
        forget_calls(model)
    settings.GEMINI_API_KEY = gemini.KEY
    settings.GEMINI_TIMEOUT_S = 5.0
    settings.GEMINI_REQUESTS_PER_MIN = 100
    settings.GEMINI_EMBEDDING_MODEL = "gemini-embedding-001"
    settings.GEMINI_MODEL = "gemini-3.5-flash-lite"
    settings.GEMINI_DAY_BUDGET_USD = 5.0
    yield api
    api.released.set()
