"""The command that imports a feed, beside a worker that does the work."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from catalog.feeds.models import FeedImport, FeedRowError
from marketplace.models import ApiKey, Seller, SyncRun
from tests.catalog.products import make_seller, make_sync

pytestmark = pytest.mark.django_db


@pytest.fixture
def feed(settings: Any, tmp_path: Path) -> Path:
    settings.FEED_DIR = tmp_path / "feeds"
    path = tmp_path / "lamps.csv"
    path.write_text("id,title\n1,Red lamp\n,No id\n")
    return path


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a function that says how the sync ends which the command waits for."""

    def end(status: str) -> None:
        def wait(sync: SyncRun, *, give_up_at: float) -> None:
            sync.status, sync.error_code = status, "feed.unreadable" if status == "failed" else ""
            sync.outcome = {"found": 1, "live": 1}
            sync.save()
            feed = FeedImport.objects.get(sync=sync)
            FeedImport.objects.update(rows=2, accepted=1, refused=1, problems=1)
            FeedRowError.objects.create(feed=feed, number=2, code="feed.id_missing", message="the row has no id")

        monkeypatch.setattr("catalog.management.commands.import_feed.wait_for_end", wait)

    return end


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("import_feed", *arguments, stdout=out)
    return out.getvalue()


def test_a_feed_is_imported_for_a_seller_who_is_registered_for_it(feed: Path, ends: Callable[[str], None]) -> None:
    ends("finished")
    (line,) = run(str(feed), "--seller", "Harbour Lane", "--json").splitlines()

    answer = json.loads(line)
    seller = Seller.objects.get(name="Harbour Lane")
    assert ApiKey.objects.filter(seller=seller).count() == 1
    assert (answer["status"], answer["found"], answer["live"], answer["refused"]) == ("finished", 1, 1, 1)
    assert [(error["row"], error["code"]) for error in answer["errors"]] == [(2, "feed.id_missing")]
    stored = FeedImport.objects.get()
    assert (stored.name, stored.seller, stored.sync.keeps_others) == ("lamps.csv", seller, False)


def test_people_are_told_in_lines(feed: Path, ends: Callable[[str], None]) -> None:
    ends("finished")

    lines = run(str(feed), "--seller", "Harbour Lane", "--keep-others").splitlines()

    assert lines[0] == "row 2: feed.id_missing: the row has no id"
    assert lines[-1].startswith("lamps.csv: 2 rows, 1 refused; sync")
    assert SyncRun.objects.get().keeps_others


def test_only_a_failed_import_is_a_failure(feed: Path, ends: Callable[[str], None]) -> None:
    ends("failed")
    out = io.StringIO()

    with pytest.raises(CommandError, match=r"feed\.unreadable"):
        call_command("import_feed", str(feed), "--seller", "Harbour Lane", "--json", stdout=out)
    assert json.loads(out.getvalue())["status"] == "failed"


def test_the_command_says_why_it_does_not_start(feed: Path) -> None:
    make_sync(make_seller("Busy"))
    Seller.objects.create(name="Shut", status=Seller.Status.SUSPENDED)
    Seller.objects.create(name="Twin")
    Seller.objects.create(name="Twin")

    for name, words in [("Busy", "runs"), ("Shut", "suspended"), ("Twin", "more than one")]:
        with pytest.raises(CommandError, match=words):
            run(str(feed), "--seller", name)
    with pytest.raises(CommandError, match="no file"):
        run(str(feed.with_name("other.csv")), "--seller", "Harbour Lane")
    assert not Seller.objects.filter(name="Harbour Lane").exists()
    assert not FeedImport.objects.exists()


def test_the_command_stops_waiting_when_its_time_is_up(feed: Path) -> None:
    with pytest.raises(CommandError, match="still runs"):
        run(str(feed), "--seller", "Harbour Lane", "--timeout", "0.1")
