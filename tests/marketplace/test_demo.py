"""The demo, as a newcomer plays it, on a smaller catalog."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from tests.tracing import TRACING

pytestmark = pytest.mark.timeout(400)  # it starts the whole stack, twice

FIGURES = {
    "found", "live", "rejected", "flagged", "dead", "gone", "retries", "seconds", "products_per_min", "stages", "jobs",
    "as_truth",
}  # fmt: skip
# What names the services of the test session, and would be used in place of the demo's own.
NOT_HANDED_DOWN = (
    "DATABASE_URL", "REDIS_URL", "CACHE_URL", "MILVUS_URI", "SECRET_KEY", "DJANGO_SETTINGS_MODULE", TRACING,
)  # fmt: skip


def _play(var_dir: Path, *options: str) -> dict[str, Any]:
    environment = {name: value for name, value in os.environ.items() if name not in NOT_HANDED_DOWN}
    played = subprocess.run(
        [sys.executable, "manage.py", "demo", "--products", "80", *options],
        cwd=settings.BASE_DIR,
        env=environment | {"VAR_DIR": str(var_dir)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=190,
    )
    assert played.returncode == 0, played.stderr[-3000:]
    figures: dict[str, Any] = json.loads(played.stdout.splitlines()[-1])
    return figures


def test_the_demo_ends_as_its_catalog_says_and_again_after_the_catalog_has_changed(tmp_path: Path) -> None:
    first = _play(tmp_path / "var")
    assert set(first) == FIGURES
    assert (first["found"], first["gone"], first["as_truth"]) == (80, 0, True)
    assert first["live"] + first["rejected"] + first["flagged"] + first["dead"] == 80
    assert first["stages"]["index-product"] == {"completed": first["live"]}

    second = _play(tmp_path / "var", "--exit")
    assert (second["found"], second["gone"], second["as_truth"]) == (79, 3, True)
    assert second["stages"]["scrape-product"]["completed"] == 79 - second["dead"]
    assert second["stages"]["process-images"] == {"completed": 2}
    assert not (tmp_path / "var" / "stack.json").exists()
