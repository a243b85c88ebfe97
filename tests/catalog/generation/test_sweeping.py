"""Requests for proposals that ended long ago go, but not what a seller may still take back."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from catalog.generation.models import GenerationRequest
from catalog.generation.sweeping import sweep_generations
from tests.catalog.generation.proposals import make_lamp, propose

pytestmark = pytest.mark.django_db


def test_requests_that_ended_long_ago_go_unless_a_text_of_theirs_is_accepted(settings: Any) -> None:
    settings.HISTORY_KEEP_DAYS = 30.0
    now = timezone.now()
    ended = {"open": 31, "refused": 31, "undone": 31, "accepted": 31, "lately": 29, "running": None}
    for name, days in ended.items():
        text = propose(make_lamp())
        text.state = name if name in ("refused", "undone", "accepted") else "open"
        text.save()
        finished_at = None if days is None else now - timedelta(days=days)
        request = GenerationRequest.objects.filter(proposals__texts=text)
        request.update(finished_at=finished_at, requested_by=name)
    assert sweep_generations(now=now) == 3
    assert set(GenerationRequest.objects.values_list("requested_by", flat=True)) == {"accepted", "lately", "running"}
