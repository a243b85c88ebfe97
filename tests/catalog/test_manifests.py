"""The extract command: one page, or a manifest of many, and what it says of those that it cannot read."""

import gzip
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from catalog.extraction.manifests import FEW

PAGES = Path(__file__).parent / "pages"
ROOT = Path(__file__).parents[2]
SEEN = "https://stoel.example/nl/bureaustoel-noor.html"


def _run(*args: str) -> str:
    out = io.StringIO()
    call_command("extract", *args, stdout=out)
    return out.getvalue()


def _manifest(folder: Path, rows: list[Any]) -> Path:
    path = folder / "pages.jsonl"
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def test_one_page_is_told_as_json() -> None:
    said = json.loads(_run(str(PAGES / "magento-special-price.html"), "--url", SEEN, "--json"))

    assert (said["title"], said["price"], said["currency"]) == ("Bureaustoel Noor", "1149.5", "EUR")
    assert (said["list_price"], said["gtin"]) == ("1299", "8710398500212")
    assert said["evidence"]["sku"] == "microdata"
    assert said["breadcrumbs"][0] == {"name": "Home", "url": "https://stoel.example/nl/"}


def test_one_page_is_shown_as_a_table_with_its_evidence(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("extract", str(PAGES / "stale-markup.html"), "--url", "https://outdoor.example/tents/ridge-2")

    shown = capsys.readouterr().out
    assert "149 GBP" in shown
    assert "dom" in shown


@pytest.mark.parametrize(
    "args",
    [(), ("page.html",), ("page.html", "--manifest", "m.jsonl"), ("none.html", "--url", SEEN), ("--manifest", "none")],
)
def test_what_cannot_be_done_is_said(args: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        _run(*args)


def test_a_manifest_keeps_its_order_and_goes_on_after_pages_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "packed.html.gz").write_bytes(gzip.compress((PAGES / "dash-decimals.html").read_bytes()))
    (tmp_path / "broken.html.gz").write_bytes(b"\x1f\x8b no")
    manifest = _manifest(
        tmp_path,
        [
            {"id": "a", "path": "packed.html.gz", "url": "https://hjem.example.no/produkt/lampe"},
            {"id": "b", "path": "none.html", "url": SEEN},
            {"id": "c", "path": "broken.html.gz", "url": SEEN},
            "no json",
            "[" * 50_000,
            {"id": "d", "path": 4, "url": SEEN},
            "",
            {"id": 7, "path": str(PAGES / "rdfa-lite.html"), "url": "https://books.example/b/atlas"},
        ],
    )
    out = io.StringIO()

    with pytest.raises(CommandError, match="5 of 7 pages"):
        call_command("extract", "--manifest", str(manifest), "--json", stdout=out)

    said = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [one["id"] for one in said] == ["a", "b", "c", None, None, "d", 7]
    assert [one.get("error", {}).get("code") for one in said] == [
        None,
        "catalog.page_unreadable",
        "catalog.page_unreadable",
        "catalog.manifest_line_malformed",
        "catalog.manifest_line_malformed",
        "catalog.manifest_line_malformed",
        None,
    ]
    assert (said[0]["price"], said[1]["price"], said[-1]["availability"]) == ("1299", None, "OutOfStock")


def test_many_pages_are_read_by_several_processes_without_any_service(tmp_path: Path) -> None:
    row = {"path": str(PAGES / "stale-markup.html"), "url": "https://outdoor.example/tents/ridge-2"}
    manifest = _manifest(tmp_path, [{"id": number, **row} for number in range(FEW + 5)])
    services = ("DATABASE_URL", "REDIS_URL", "CACHE_URL", "MILVUS_URI", "TESTS_ARE_EMBEDDED")
    environment = {name: value for name, value in os.environ.items() if name not in services}

    done = subprocess.run(
        [sys.executable, "manage.py", "extract", "--manifest", "-", "--json"],
        cwd=ROOT,
        env=environment | {"VAR_DIR": str(tmp_path / "var")},
        input=manifest.read_text(),
        capture_output=True,
        text=True,
        check=True,
    )

    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(one["id"], one["price"]) for one in said] == [(number, "149") for number in range(FEW + 5)]
