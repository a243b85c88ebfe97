"""What jobs say: stored soon, capped, kept through an outage, readable while they run and afterwards."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory, force_authenticate

from jobs.api.job_log import JobLogView
from jobs.batch import NewJob
from jobs.journal import DROPPED, MAX_LINES_A_JOB, MAX_WAITING, Journal
from jobs.ledger import enqueue
from jobs.lines import lines_after, progress_of
from jobs.models import JobLine

pytestmark = pytest.mark.django_db


def _messages(job_id: int) -> list[str]:
    return list(JobLine.objects.filter(job_id=job_id).values_list("message", flat=True))


def test_a_job_s_own_words_and_what_libraries_log_meanwhile_are_kept(drain: Callable[[], None]) -> None:
    job_id = enqueue(NewJob("act-tell", {"text": "all", "pct": 50})).job_id
    drain()
    lines = [(line.level, line.message, line.progress_pct) for line in lines_after(job_id)]
    assert lines == [
        ("INFO", "told all", None),
        ("INFO", "half way", 50.0),
        ("WARNING", "noticed shop=shop.example", None),
    ]


def test_a_chatty_job_is_cut_off_once_and_says_so() -> None:
    journal = Journal()
    for n in range(MAX_LINES_A_JOB + 50):
        journal.add(1, f"line {n}")
    journal.add(2, "a quiet one")
    assert journal.flush() == MAX_LINES_A_JOB + 2
    assert _messages(1)[-2:] == [f"line {MAX_LINES_A_JOB - 1}", DROPPED]
    assert _messages(2) == ["a quiet one"]


def test_a_chatty_job_s_progress_is_still_seen() -> None:
    journal = Journal()
    for n in range(MAX_LINES_A_JOB):
        journal.add(1, f"line {n}")
    journal.add(1, "", progress_pct=90)
    journal.flush()
    assert progress_of([1]) == {1: (90.0, "")}


def test_another_execution_may_say_as_much_again() -> None:
    journal = Journal()
    for _ in range(2):
        for n in range(MAX_LINES_A_JOB):
            journal.add(1, f"line {n}")
        journal.forget([1])
    assert journal.flush() == 2 * MAX_LINES_A_JOB


def test_progress_is_stored_by_whole_percents() -> None:
    journal = Journal()
    for n in range(1_000):
        journal.add(1, "", progress_pct=n / 100)
    journal.add(1, "packing", progress_pct=9.99)
    assert journal.flush() == 11
    assert progress_of([1, 2]) == {1: (pytest.approx(9.99), "packing")}


@pytest.mark.django_db(transaction=True)
def test_what_postgresql_refuses_waits_in_order_and_is_stored_once() -> None:
    journal = Journal()
    journal.add(1, "first")
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")  # as a server that is failing over answers
    with pytest.raises(Exception, match="read-only"):
        journal.flush()
    journal.add(1, "second")
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = off")
    assert journal.flush() == 2
    assert journal.flush() == 0
    assert _messages(1) == ["first", "second"]


def test_lines_wait_in_bounded_memory() -> None:
    journal = Journal()
    for job_id in range(MAX_WAITING // 1_000 + 1):
        for n in range(1_000):
            journal.add(job_id, f"line {n}")
    assert journal.flush() == MAX_WAITING + 1
    assert _messages(MAX_WAITING // 1_000) == [DROPPED]


def test_an_unprintable_message_is_kept_without_its_zeros() -> None:
    journal = Journal()
    journal.add(1, "a\x00b")
    journal.flush()
    assert _messages(1) == ["ab"]


def _ask(job_id: int, *, tenant: str, after: object = 0) -> Response:
    request = APIRequestFactory().get("/", {"after": str(after)})
    user: Any = SimpleNamespace(tenant=tenant, is_authenticated=True, pk=1)
    force_authenticate(request, user=user)
    return JobLogView.as_view()(request, job_id=job_id)


def test_the_log_is_read_piece_by_piece_by_its_tenant_only(drain: Callable[[], None]) -> None:
    job_id = enqueue(NewJob("act-tell", {"text": "all", "pct": 50}, tenant="7")).job_id
    waiting = _ask(job_id, tenant="7").data
    assert (waiting["lines"], waiting["is_final"], waiting["progress_pct"]) == ([], False, None)
    drain()
    first = _ask(job_id, tenant="7").data
    assert [line["message"] for line in first["lines"]] == ["told all", "half way", "noticed shop=shop.example"]
    assert (first["is_final"], first["progress_pct"], first["progress_message"]) == (True, 50.0, "half way")
    assert _ask(job_id, tenant="7", after=first["after"]).data["lines"] == []
    assert len(_ask(job_id, tenant="7", after=first["lines"][0]["id"]).data["lines"]) == 2
    assert _ask(job_id, tenant="8").status_code == 404
    assert _ask(job_id, tenant="").status_code == 403
    assert _ask(job_id, tenant="7", after="soon").status_code == 400
