"""The audit log: it says why, and it only grows."""

from importlib import import_module

import pytest
from django.db import DatabaseError, connection, transaction

from jobs import audit
from jobs.models import Audit

pytestmark = pytest.mark.django_db
TRIGGER = import_module("jobs.migrations.0005_audit_only_grows")


def test_a_row_says_who_did_what_to_which_how_many_and_why() -> None:
    audit.record(actor="ada", action="cancel", subject="jobs", reason=" Wrong. ", matching={"task": "act"}, count=3)
    row = Audit.objects.get()
    assert (row.actor, row.action, row.subject, row.reason) == ("ada", "cancel", "jobs", "Wrong.")
    assert (row.filter, row.count) == ({"task": "act"}, 3)


def test_nothing_is_recorded_without_a_reason() -> None:
    with pytest.raises(audit.ReasonMissing, match="Say why"):
        audit.record(actor="ada", action="cancel", subject="job 1", reason="  ")
    assert not Audit.objects.exists()


@pytest.mark.parametrize(
    "statement", ["UPDATE jobs_audit SET reason = ''", "DELETE FROM jobs_audit", "TRUNCATE jobs_audit"]
)
def test_the_database_refuses_to_change_or_empty_the_log(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(TRIGGER.REFUSE_TRUNCATE)  # the tests do without this one, see tests/conftest.py
        audit.record(actor="ada", action="cancel", subject="job 1", reason="Wrong.")
        with pytest.raises(DatabaseError, match="the audit log only grows"), transaction.atomic():
            cursor.execute(statement)
    assert Audit.objects.get().reason == "Wrong."
