"""The sellers' pages of products and appeals."""

import pytest
from django.test import Client

from jobs.models import Job
from marketplace.models import Seller
from marketplace.rechecks.models import Recheck
from qc.appeals import open_appeal
from qc.models import Appeal
from tests.marketplace.factories import make_category, make_product, make_seller, make_sync
from tests.qc.rejected import IN_CAPITALS, NO_PRICE, add_picture, make_judged, make_verdict

pytestmark = pytest.mark.django_db


def _text(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return " ".join(answer.content.decode().split())


def test_home_counts_what_needs_a_hand_and_what_is_worked_on(shop: Client, seller: Seller) -> None:
    empty = _text(shop, "/seller/")
    assert "No product yet" in empty
    sync = make_sync(seller, status="finished", outcome={"found": 4, "live": 1, "rejected": 1, "dead": 1, "flagged": 1})
    sync.finished_at = sync.started_at
    sync.save()
    make_judged(seller)
    make_judged(seller, decision="flagged")
    make_judged(seller, decision="approved", reasons=[IN_CAPITALS])
    make_product(seller, status="dead", reasons=[{"code": "catalog.page_not_found", "field": "address",
                                                  "message": "Gone.", "remedy": "Put it back."}])  # fmt: skip
    make_judged(make_seller(), title="Another's")

    text = _text(shop, "/seller/")

    for part in (
        "Needs your action</span><strong>2<", "We are working on it</span><strong>1<", "Live</span><strong>1<",
        "2 products</strong>: Price missing", "1 product</strong>: Page not found",
        "1 product</strong>: Title in capitals", "4 found, 1 live, 2 need changes, 1 in review",
    ):  # fmt: skip
        assert part in text, part


def test_products_stand_in_tabs_and_by_issue(shop: Client, seller: Seller) -> None:
    make_judged(seller, title="Priceless lamp")
    make_judged(seller, decision="approved", reasons=[IN_CAPITALS], title="LOUD LAMP")
    make_product(seller, title="New lamp", status="pending")
    make_product(seller, title="Old lamp", status="gone")
    make_judged(make_seller(), title="Another's lamp")

    everything = _text(shop, "/seller/products/")
    for tab, count in (("Live", 1), ("In review", 1), ("Needs changes", 1), ("All", 4)):
        assert f'{tab} <span class="count">{count}</span>' in everything
    assert "Another" not in everything
    changes = _text(shop, "/seller/products/?tab=changes")
    assert ("Priceless lamp" in changes, "LOUD LAMP" in changes) == (True, False)
    by_issue = _text(shop, "/seller/products/?issue=text.title_in_capitals")
    assert ("Priceless lamp" in by_issue, "LOUD LAMP" in by_issue) == (False, True)
    assert "New lamp" in _text(shop, "/seller/products/?q=new")
    for odd in ("?tab=nonsense", "?page=99", "?page=x", "?issue=%00", "?q=%00", "?issue='"):
        _text(shop, f"/seller/products/{odd}")


def test_many_products_stand_on_pages(shop: Client, seller: Seller) -> None:
    for number in range(51):
        make_product(seller, title=f"Lamp number {number}")
    first = _text(shop, "/seller/products/?tab=live")
    assert "page 1 of 2" in first and "tab=live&amp;page=2" in first
    assert _text(shop, "/seller/products/?tab=live&page=2").count('class="line"') == 1


def test_a_product_shows_what_was_decided_why_and_what_to_do(shop: Client, seller: Seller) -> None:
    product = make_judged(seller, reasons=[NO_PRICE, IN_CAPITALS], title="RED LAMP <b>", brand="Glow")
    product.categories.add(make_category(seller, "Home > Lamps"))
    add_picture(product, display="d/1.webp", thumbnail="t/1.webp")
    add_picture(product, position=1, status="broken", error_code="picture.missing")

    text = _text(shop, f"/seller/products/{product.pk}/")

    held, _, better = text.partition("What would make it better")
    assert "The product has no price." in held and "Add a price to the product in your catalog." in held
    assert "The title is written in capitals." in better and "The title is written in capitals." not in held
    for part in (
        "Rejected: not shown", "RED LAMP &lt;b&gt;", "Decided automatically, by our rules",
        "by version 3.0 of the rules",
        '<div class="offending"><dt>Price</dt>', '<div class="advised"><dt>Title</dt>', "<div><dt>Brand</dt>",
        "Home &gt; Lamps", "800 × 600", "Picture 2 cannot be shown.", "out-of-court", "I fixed it, check again",
        "Ask for another look",
    ):  # fmt: skip
        assert part in text, part


def test_who_decided_is_said(shop: Client, seller: Seller) -> None:
    product = make_judged(seller)
    make_verdict(product, model="gemini-x")
    assert "Decided automatically, by our rules and by the model gemini-x" in _text(
        shop, f"/seller/products/{product.pk}/"
    )
    make_verdict(product, is_automatic=False, note="a secret note")
    text = _text(shop, f"/seller/products/{product.pk}/")
    assert "Decided by a person of our staff" in text
    assert "a secret note" not in text


def test_a_button_that_does_nothing_says_why(shop: Client, seller: Seller) -> None:
    flagged = _text(shop, f"/seller/products/{make_judged(seller, decision='flagged').pk}/")
    assert '<button disabled aria-describedby="appeal-refusal">Ask for another look' in flagged
    assert "Our staff looks at this product without being asked." in flagged
    live = _text(shop, f"/seller/products/{make_judged(seller, decision='approved', reasons=[]).pk}/")
    assert "Ask for another look" not in live
    gone = _text(shop, f"/seller/products/{make_product(seller, status='gone').pk}/")
    assert "no longer in your catalog. Put it back" in gone
    dead = _text(shop, f"/seller/products/{make_product(seller, status='dead', reasons=[]).pk}/")
    assert "could not be read" in dead


def test_an_appeal_is_opened_shown_and_taken_back(shop: Client, seller: Seller) -> None:
    product = make_judged(seller)
    path = f"/seller/products/{product.pk}/"
    for why, kept in (("", ""), ("x" * 501, "x" * 501)):
        refused = shop.post(f"{path}appeal/", {"why": why})
        assert (refused.status_code, "up to 500 characters" in refused.content.decode()) == (400, True)
        assert f">{kept}</textarea>" in refused.content.decode()

    asked = shop.post(f"{path}appeal/", {"why": "It is <b>free</b>."}, follow=True)

    text = asked.content.decode()
    assert "Our staff will look at this product again" in text
    assert "It is &lt;b&gt;free&lt;/b&gt;." in text
    assert "You have asked already." in text
    appeal = Appeal.objects.get()
    assert (appeal.asked_by, appeal.product) == ("ann@shop.example", product)
    assert "Waits for our answer" in _text(shop, "/seller/appeals/")
    shop.post(f"{path}appeal/", {"why": "Again."})
    assert Appeal.objects.count() == 1
    assert (
        "You took the appeal back." in shop.post(f"/seller/appeals/{appeal.pk}/withdraw/", follow=True).content.decode()
    )
    assert "not open any more" in shop.post(f"/seller/appeals/{appeal.pk}/withdraw/", follow=True).content.decode()


def test_a_recheck_is_followed_to_its_end(shop: Client, seller: Seller) -> None:
    product = make_judged(seller)
    path = f"/seller/products/{product.pk}/"
    assert shop.post(f"{path}recheck/").headers["Location"] == path
    recheck = Recheck.objects.get()
    text = _text(shop, path)
    assert "Checking… reading the product." in text and "being checked now" in text and "htmx.min.js" in text
    part = shop.get(f"{path}check/")
    assert (b'hx-trigger="every 2s"' in part.content, "HX-Refresh" in part.headers) == (True, False)

    Job.objects.filter(grp=recheck.group).update(state="completed")
    Recheck.objects.update(how="stored")
    ended = shop.get(f"{path}check/")
    assert (b"hx-trigger" in ended.content, ended.headers["HX-Refresh"]) == (False, "true")
    assert "judged by what your feed or connection said last" in _text(shop, path)
    again = shop.post(f"{path}recheck/", follow=True).content.decode()
    assert "less than a minute ago" in again


def test_what_is_another_s_is_not_there(shop: Client, seller: Seller) -> None:
    product = make_judged(make_seller())
    appeal = open_appeal(product.pk, why="x", asked_by="x")
    path = f"/seller/products/{product.pk}/"
    assert [shop.get(it).status_code for it in (path, f"{path}check/")] == [404, 404]
    posts = (f"{path}recheck/", f"{path}appeal/", f"/seller/appeals/{appeal.pk}/withdraw/")
    assert [shop.post(it, {"why": "x"}).status_code for it in posts] == [404] * 3
    appeal.refresh_from_db()
    assert (appeal.state, Recheck.objects.count(), Appeal.objects.count()) == ("open", 0, 1)
    assert [shop.get(it).status_code for it in posts] == [405] * 3
