"""The commands to search and to sync, as people and scripts use them."""

import io
import json
import threading
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from catalog.embedders.hashing import HashingEmbedder
from catalog.indexing import Purpose, mark_live, write_products
from jobs.models import Job
from marketplace.models import Product, Seller, SyncRun
from qc.models import Verdict
from tests.catalog.products import make_product, make_seller, make_sync


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def lamp(db: None, search_index: str) -> Product:
    product = make_product(make_sync(make_seller()), "Red lamp", categories=["Lamps"])
    Verdict.objects.create(product=product, decision="approved", rule_version="1", input_hash="x")
    write_products([product.pk], purpose=Purpose.SHOW, embedder=HashingEmbedder())
    mark_live([product.pk])
    return product


def test_search_answers_machines_in_one_line_of_json(lamp: Product) -> None:
    (line,) = run("search", "lamp", "--json", "--category", "lamps", "--max-price", "20").splitlines()

    (result,) = json.loads(line)["results"]
    assert (result["id"], result["title"]) == (lamp.pk, "Red lamp")


def test_search_shows_people_a_table(lamp: Product, capsys: pytest.CaptureFixture[str]) -> None:
    run("search", "lamp")

    shown = capsys.readouterr().out
    assert "Red lamp" in shown
    assert "20 EUR" in shown
    assert "1 results in" in shown


@pytest.mark.parametrize("arguments", [["--limit", "0"], ["--offset", "20000"], ["--min-price", "much"]])
def test_search_refuses_what_makes_no_sense(arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        run("search", "lamp", *arguments)


@pytest.mark.django_db
def test_sync_registers_the_seller_and_starts() -> None:
    answer = json.loads(run("sync", "https://shop.example/catalog", "--seller", "Harbour Lane", "--json"))

    seller = Seller.objects.get(name="Harbour Lane")
    assert seller.catalog_address == "https://shop.example/catalog"
    assert (answer["seller"], answer["status"]) == (seller.pk, "running")
    assert Job.objects.get(task="sync-seller").payload["sync"] == answer["sync"]


@pytest.mark.django_db
def test_sync_follows_the_run_that_runs_already(capsys: pytest.CaptureFixture[str]) -> None:
    first = json.loads(run("sync", "https://shop.example/catalog", "--seller", "Harbour Lane", "--json"))
    second = json.loads(run("sync", "https://shop.example/catalog", "--seller", "Harbour Lane", "--json"))

    assert second["sync"] == first["sync"]
    assert Seller.objects.count() == 1
    assert "runs already" in capsys.readouterr().err


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("status", "is_failure"), [("finished", False), ("failed", True)])
def test_sync_waits_for_the_end_and_fails_with_it(status: str, is_failure: bool) -> None:
    seller = make_seller()
    run("sync", "https://shop.example/catalog", "--seller", seller.name)

    def finish() -> None:
        SyncRun.objects.update(status=status, outcome={"found": 3, "live": 3}, error_code="catalog.not_public")
        connection.close()

    timer = threading.Timer(0.4, finish)
    timer.start()
    out = io.StringIO()
    arguments: list[Any] = ["sync", "https://shop.example/catalog", "--seller", seller.name, "--wait", "--json"]
    if is_failure:
        with pytest.raises(CommandError, match=r"catalog\.not_public"):
            call_command(*arguments, stdout=out)
    else:
        call_command(*arguments, stdout=out)
    timer.join()

    answer = json.loads(out.getvalue())
    assert (answer["status"], answer["found"]) == (status, 3)


@pytest.mark.django_db
def test_sync_stops_waiting_when_its_time_is_up() -> None:
    with pytest.raises(CommandError, match="still runs"):
        run("sync", "https://shop.example/catalog", "--seller", "Harbour Lane", "--wait", "--timeout", "0.1")


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["shop", "ftp://shop.example/", "", "https://user:secret@shop.example/"])
def test_sync_refuses_what_is_no_address(address: str) -> None:
    with pytest.raises(CommandError):
        run("sync", address, "--seller", "Harbour Lane")
    assert Seller.objects.count() == 0


@pytest.mark.django_db
def test_sync_refuses_a_suspended_seller_and_a_name_that_two_have() -> None:
    Seller.objects.create(name="Twin")
    Seller.objects.create(name="Twin")
    Seller.objects.create(name="Shut", status=Seller.Status.SUSPENDED)

    for name, words in [("Twin", "more than one"), ("Shut", "suspended")]:
        with pytest.raises(CommandError, match=words):
            run("sync", "https://shop.example/catalog", "--seller", name)
