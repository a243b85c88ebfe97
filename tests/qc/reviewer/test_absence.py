"""That the reviewer cannot be asked is known to all for a while, and told to staff."""

from typing import Any

import pytest
import redis
from django.contrib.auth import get_user_model
from django.test import Client

from jobs.stats import queue_stats
from marketplace.gemini.errors import GeminiQuotaExceeded, GeminiUnavailable
from qc.reviewer.absence import absence, forget_absence, note_absence
from tests.fakes.gemini import GeminiApi
from tests.qc.reviewer.conftest import Control, Make

pytestmark = pytest.mark.django_db


def test_only_what_every_call_would_meet_is_noted(reviewer: GeminiApi) -> None:
    note_absence(GeminiUnavailable())
    assert absence() is None

    note_absence(GeminiQuotaExceeded("of the day"))
    error = absence()
    assert isinstance(error, GeminiQuotaExceeded)
    assert str(error) == "of the day"

    forget_absence()
    assert absence() is None


def test_without_a_key_it_cannot_be_asked(reviewer: GeminiApi, settings: Any) -> None:
    settings.GEMINI_API_KEY = ""
    error = absence()
    assert error is not None
    assert error.code == "gemini.not_set_up"


def test_while_redis_is_away_it_is_taken_to_be_there(reviewer: GeminiApi, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise redis.ConnectionError

    monkeypatch.setattr("qc.reviewer.absence.cache.add", refuse)
    monkeypatch.setattr("qc.reviewer.absence.cache.get", refuse)
    note_absence(GeminiQuotaExceeded())
    assert absence() is None


def test_staff_is_told_above_the_verdicts_and_in_the_figures(
    reviewer: GeminiApi, make: Make, control: Control, client: Client
) -> None:
    client.force_login(get_user_model().objects.create_superuser("staff"))
    assert "flagged unreviewed" not in client.get("/admin/qc/verdict/").content.decode()
    note_absence(GeminiQuotaExceeded("The day's quota is used up."))
    control(make("Red lamp"))

    page = client.get("/admin/qc/verdict/").content.decode()

    assert "Products are flagged unreviewed: The day&#x27;s quota is used up. 1 wait" in page
    figures = queue_stats()["reviewer"]
    assert figures["away"] == {"code": "gemini.quota_exceeded", "message": "The day's quota is used up."}
    assert figures["unreviewed"] == 1
