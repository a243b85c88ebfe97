"""What a deployment may set, and what happens when it sets it wrongly."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from environs import EnvError

BASE_DIR = Path(settings.BASE_DIR)
PRODUCTION = {
    "DATABASE_URL": "postgresql://souk@db.invalid/souk",
    "REDIS_URL": "redis://redis.invalid/0",
    "SECRET_KEY": "x" * 40,
    "ALLOWED_HOSTS": "souk.example",
}


def _settings(**environment: str) -> dict[str, Any]:
    """Return what the settings are under another environment; a process of its own takes half a second to tell."""
    with patch.dict(os.environ, environment, clear=True):
        return runpy.run_path(str(BASE_DIR / "marketplace/settings.py"))


def _load(code: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", f"from marketplace import settings as s; {code}"],
        cwd=BASE_DIR,
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_example_names_every_variable_that_is_read_and_no_other() -> None:
    source = (BASE_DIR / "marketplace/settings.py").read_text()
    read = set(re.findall(r"""env\.\w+\(\s*["'](\w+)["']""", source)) | {"VAR_DIR"}
    example = (BASE_DIR / "deploy/.env.example").read_text()
    assert set(re.findall(r"^(?:# )?([A-Z][A-Z_]+)=", example, re.MULTILINE)) == read


def test_production_settings_load() -> None:
    loaded = _load("print(s.EMBEDDED, s.HTTPS_ONLY, s.LOG_FORMAT, s.ALLOWED_HOSTS)", **PRODUCTION)
    assert loaded.stdout.split("\n")[0] == "False True json ['souk.example']", loaded.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", ""),
        ("SECRET_KEY", "short"),
        ("JOB_CONCURRENCY", "0"),
        ("JOB_TIMEOUT", "soon"),
        ("JOB_ENCRYPTION_KEYS", "c2hvcnQ="),
        ("JOB_ENCRYPTION_KEYS", "not base64!"),
        ("LOG_LEVEL", "LOUD"),
        ("EMBEDDER", "magic"),
        ("SIGLIP_MODEL", "ViT-B-16-SigLIP"),
        ("SIGLIP_PICTURE_WEIGHT", "1.5"),
        ("SIGLIP_DEVICE", "gpu"),
        ("GEMINI_REQUESTS_PER_MIN", "0"),
        ("FETCH_RATES", "shop.example=fast"),
        ("FETCH_PROXIES", "http://a.example:3128,socks5://b.example"),
        ("SYNC_MAX_LISTS", "0"),
        ("PUBLIC_URL", "souk.example"),
        ("EMAIL_URL", "carrier-pigeon://loft"),
        ("MAIL_FROM", "Souk"),
        ("HISTORY_KEEP_DAYS", "0"),
    ],
)
def test_a_bad_value_stops_the_start_and_names_its_variable(name: str, value: str) -> None:
    with pytest.raises((EnvError, ImproperlyConfigured), match=name):
        _settings(**{**PRODUCTION, name: value})


def test_the_gemini_embedder_needs_a_key() -> None:
    for key in ({}, {"GEMINI_API_KEY": ""}):
        with pytest.raises(EnvError, match="GEMINI_API_KEY"):
            _settings(**PRODUCTION, EMBEDDER="gemini", **key)
    assert _settings(**PRODUCTION, EMBEDDER="gemini", GEMINI_API_KEY="k")["GEMINI_REQUESTS_PER_MIN"] == 15


def test_mail_is_sent_where_a_server_is_named_and_links_lead_to_the_public_address() -> None:
    names = ["SENDS_MAIL", "EMAIL_HOST", "EMAIL_PORT", "EMAIL_USE_TLS", "EMAIL_HOST_PASSWORD", "PUBLIC_URL"]
    without = _settings(**PRODUCTION)
    assert [without[name] for name in names] == [False, "localhost", 25, False, "", "https://souk.example"]
    server = {**PRODUCTION, "EMAIL_URL": "submission://u:p@mail.example"}
    named = _settings(**server, MAIL_FROM="Souk <a@s.example>", PUBLIC_URL="https://s.example/")
    assert [named[name] for name in names] == [True, "mail.example", 587, True, "p", "https://s.example/"]
    with pytest.raises(ImproperlyConfigured, match=r"MAIL_FROM names no sender\. Where EMAIL_URL is set"):
        _settings(**server)


def test_redis_may_be_given_in_parts_and_its_url_wins() -> None:
    parts = {**PRODUCTION, "REDIS_HOST": "r.example", "REDIS_PORT": "7000", "REDIS_PASSWORD": "p"}
    assert _settings(**parts)["REDIS_URL"] == "redis://redis.invalid/0"
    del parts["REDIS_URL"]
    assert _settings(**parts)["REDIS_URL"] == "redis://:p@r.example:7000/0"


def test_each_queue_has_the_json_serializer() -> None:
    assert {queue["SERIALIZER"] for queue in settings.RQ_QUEUES.values()} == {"rq.serializers.JSONSerializer"}


def test_a_bad_encryption_key_is_named_by_its_place_and_not_shown() -> None:
    good = "A" * 43 + "="
    loaded = _load(**PRODUCTION, JOB_ENCRYPTION_KEYS=f"{good},hush-hush")
    assert "key 2 is not 32 bytes" in loaded.stderr
    assert "hush-hush" not in loaded.stderr
    assert _settings(**PRODUCTION, JOB_ENCRYPTION_KEYS=good)["JOB_ENCRYPTION_KEYS"] == [good]


def test_production_has_no_encryption_key_of_its_own_and_the_embedded_stack_keeps_one(tmp_path: Path) -> None:
    assert _settings(**PRODUCTION)["JOB_ENCRYPTION_KEYS"] == []
    first, second = (_load("print(s.JOB_ENCRYPTION_KEYS)", VAR_DIR=str(tmp_path)).stdout for _ in range(2))
    assert first == second
    assert (tmp_path / "job-encryption-key").read_text() in first
    assert (tmp_path / "job-encryption-key").stat().st_mode & 0o777 == 0o600
