"""Each step of a batch's life by each signal, on real processes: every job ends completed, with one effect."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from pytest_django.plugin import DjangoDbBlocker

from tests.chaos.cells import CELLS, Cell
from tests.chaos.management.commands.kill_matrix import JOBS_A_CELL
from tests.emptying import empty_filled_tables
from tests.tracing import TRACING

SILENCE_S = 2  # a worker that is stopped for so long has lost its jobs to others
pytestmark = pytest.mark.django_db  # or there is no database for `matrix` to work in
Facts = dict[str, Any]


@pytest.fixture(scope="module")
def matrix(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Facts]]:
    """Let all cells happen at once; what they leave is removed afterwards."""
    folder = tmp_path_factory.mktemp("matrix")
    with django_db_blocker.unblock():
        environ = os.environ | _addresses() | {"KILL_MATRIX": "1", "JOB_SILENCE_S": str(SILENCE_S)}
        environ.pop(TRACING, None)
        done = subprocess.run(
            [sys.executable, "manage.py", "kill_matrix", str(folder)],
            cwd=settings.BASE_DIR, env=environ, capture_output=True, text=True, timeout=170,
        )  # fmt: skip
        empty_filled_tables()
    print(done.stderr[-20_000:])
    assert done.returncode == 0, done.stderr[-10_000:]
    yield json.loads(done.stdout)


def _addresses() -> dict[str, str]:
    database = connection.settings_dict
    user = f"{database['USER']}:{database['PASSWORD']}"
    return {
        "DATABASE_URL": f"postgresql://{user}@{database['HOST']}:{database['PORT']}/{database['NAME']}",
        "REDIS_URL": settings.REDIS_URL,
        "CACHE_URL": settings.CACHE_URL,
        "SECRET_KEY": settings.SECRET_KEY,
        "DJANGO_SETTINGS_MODULE": "tests.chaos.settings",
    }


def _name(cell: Cell) -> str:
    return cell.queue


@pytest.mark.parametrize("cell", CELLS, ids=_name)
def test_a_worker_struck_at_any_step_loses_nothing_and_nothing_takes_effect_twice(
    matrix: dict[str, Facts], cell: Cell
) -> None:
    facts = matrix[cell.queue]
    assert facts["sprung"]
    assert not facts["late"]
    assert facts["states"] == {"completed": JOBS_A_CELL}
    assert facts["effects"] == [1] * JOBS_A_CELL
    assert facts["attempts"] == [1] * JOBS_A_CELL


@pytest.mark.parametrize("cell", [cell for cell in CELLS if cell.signals in ("SIGTERM", "SIGINT")], ids=_name)
def test_a_worker_asked_to_stop_finishes_what_it_holds(matrix: dict[str, Facts], cell: Cell) -> None:
    facts = matrix[cell.queue]
    assert facts["runs"] == JOBS_A_CELL
    assert facts["failures"] == {}


@pytest.mark.parametrize("cell", [cell for cell in CELLS if "SIGKILL" in cell.signals], ids=_name)
def test_a_killed_workers_jobs_run_again_only_where_nothing_was_settled(matrix: dict[str, Facts], cell: Cell) -> None:
    facts = matrix[cell.queue]
    was_held = cell.point in ("claimed", "handling", "handled", "settling")
    has_run = cell.point in ("handling", "handled", "settling")
    assert facts["runs"] == JOBS_A_CELL * (2 if has_run else 1)
    crashed = {"crash": JOBS_A_CELL} if was_held else {}
    # One that was stopped first may have been found silent, which is no crash, before the machine came to kill it.
    assert facts["failures"] in ([crashed, {}] if cell.signals == "SIGSTOP+SIGKILL" else [crashed])


@pytest.mark.parametrize("point", ["claimed", "handling", "handled"])
def test_a_worker_that_was_away_too_long_works_in_vain(matrix: dict[str, Facts], point: str) -> None:
    facts = matrix[Cell(point, "SIGSTOP+SIGCONT").queue]
    assert facts["runs"] == JOBS_A_CELL * 2
    assert facts["effects"] == [1] * JOBS_A_CELL
