"""Site intelligence: kept for seven days, and added to by several readers."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from catalog.models import Site
from catalog.site.intelligence import (
    Intelligence,
    hosts_that_need_browser,
    intelligence_on,
    store_intelligence,
)
from catalog.site.navigation import NavigationNode

pytestmark = pytest.mark.django_db
HOST = "shop.example"
LEARNED = Intelligence(
    HOST,
    source="shop",
    evidence=({"source": "shop", "weight": 30, "reason": "it shows prices"},),
    robots={"sitemaps": []},
    navigation=(NavigationNode("Women", children=(NavigationNode("Shoes", "https://shop.example/shoes", 12),)),),
    templates={"/p/<phrase>": "product"},
    needs_browser=False,
)


def test_what_was_stored_is_known_for_seven_days() -> None:
    now = timezone.now()
    store_intelligence(LEARNED, now=now)
    known = intelligence_on(f"https://{HOST}/any", now=now + timedelta(days=6, hours=23))
    assert known == LEARNED
    assert known.category_addresses == {"https://shop.example/shoes"}
    assert intelligence_on(f"https://{HOST}/any", now=now + timedelta(days=7, seconds=1)) == Intelligence(HOST)
    assert intelligence_on("https://other.example/") == Intelligence("other.example")


def test_the_navigation_is_stored_with_classes_and_counts() -> None:
    store_intelligence(LEARNED)
    (women,) = Site.objects.get().navigation
    (shoes,) = women["children"]
    assert (women["kind"], shoes["kind"], shoes["count"]) == ("demographic", "product", 12)


def test_several_readers_add_to_what_is_known() -> None:
    store_intelligence(LEARNED)
    first = Intelligence(HOST, templates={"/c/<word>": "list"}).with_sitemap("/a.xml", entries=2, products=1)
    second = Intelligence(HOST, templates={"/p/<phrase>": "list"}, needs_browser=True)
    for learned in (first, second.with_sitemap("/b.xml", entries=3, products=3)):
        store_intelligence(learned)

    known = intelligence_on(f"https://{HOST}/")
    assert known.templates == {"/p/<phrase>": "mixed", "/c/<word>": "list"}
    assert [told["address"] for told in known.sitemaps] == ["/a.xml", "/b.xml"]
    assert known.navigation == LEARNED.navigation
    assert hosts_that_need_browser([f"https://{HOST}/x", "https://other.example/"]) == {HOST}


def test_a_later_reading_begins_the_seven_days_anew_only_when_they_are_over() -> None:
    now = timezone.now()
    store_intelligence(LEARNED, now=now)
    store_intelligence(replace(LEARNED, navigation=()), now=now + timedelta(days=3))
    assert Site.objects.get().expires_at == now + timedelta(days=7)
    store_intelligence(Intelligence(HOST, source="shop"), now=now + timedelta(days=8))
    site = Site.objects.get()
    assert (site.navigation, site.templates, site.expires_at) == ([], {}, now + timedelta(days=15))
