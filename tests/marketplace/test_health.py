"""Liveness and readiness."""

from typing import Any

import pytest
from django.db import DatabaseError
from django.test import Client


def test_a_live_process_says_so_without_touching_anything() -> None:
    answer = Client().get("/healthz/live")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_ready_means_that_both_servers_answer(db: None) -> None:
    answer = Client().get("/healthz/ready")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "checks": {"database": "ok", "redis": "ok"}}


def test_without_redis_it_is_not_ready(db: None, settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    answer = Client().get("/healthz/ready")
    assert answer.status_code == 503
    assert answer.json()["checks"] == {"database": "ok", "redis": "unavailable"}


def test_without_a_database_it_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    class Away:
        def cursor(self) -> None:
            raise DatabaseError("no route to host")

    monkeypatch.setattr("marketplace.health.connection", Away())
    answer = Client().get("/healthz/ready")
    assert answer.status_code == 503
    assert answer.json()["checks"] == {"database": "unavailable", "redis": "ok"}
