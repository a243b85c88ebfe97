"""What is used of Gemini, as staff sees it."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from marketplace.gemini.usage import record

pytestmark = pytest.mark.django_db
PAGE = "/admin/marketplace/geminiminute/"


@pytest.mark.parametrize(("budget", "alarm"), [(5.0, False), (0.25, True)])
def test_the_page_tells_what_was_spent_and_whether_that_is_all(
    client: Client, settings: Any, budget: float, alarm: bool
) -> None:
    settings.GEMINI_DAY_BUDGET_USD = budget
    client.force_login(get_user_model().objects.create_superuser("staff"))
    record("one", calls=1, items=8, tokens=1000, answer_tokens=200, cost_micro_usd=250_000)

    page = client.get(PAGE).content.decode()

    assert f"$0.25 of ${budget:.2f} spent" in page
    assert ("No more is asked until then" in page) is alarm
    assert "$0.2500" in page
