"""Which sitemap is next, and which is not read, and why."""

from collections import Counter

import pytest

from catalog.sitemaps.contract import SitemapEntry, SitemapRead, SubSitemap
from catalog.sitemaps.planning import PlanLimits, SitemapPlan, SitemapStep, product_rank

SITE = "https://shop.example/some/page"


def index(address: str, *subs: str) -> SitemapRead:
    return SitemapRead(address, "index", [], [SubSitemap(sub) for sub in subs], [], Counter(), is_cut=False)


def pages(address: str, count: int, *, is_cut: bool = False) -> SitemapRead:
    entries = [SitemapEntry(f"{address}/{n}") for n in range(count)]
    return SitemapRead(address, "urlset", entries, [], [], Counter(), is_cut=is_cut)


def nothing(address: str) -> SitemapRead:
    return SitemapRead(address, "", [], [], [], Counter(), is_cut=False)


def step(plan: SitemapPlan) -> SitemapStep:
    found = plan.next_step()
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "rank"),
    [
        ("sitemap_products_1.xml?from=1&to=2", 0),
        ("wp-sitemap-posts-product-1.xml", 0),
        ("product-sitemap2.xml.gz", 0),
        ("sitemap-produkte.xml", 0),
        ("sitemap_items_3.xml", 0),
        ("sitemap.xml", 1),
        ("map-7.xml", 1),
        ("product_cat-sitemap.xml", 2),
        ("sitemap_collections_1.xml", 2),
        ("wp-sitemap-taxonomies-product_tag-1.xml", 2),
        ("sitemap-brands.xml", 2),
        ("product-images.xml", 2),
        ("post-sitemap.xml", 3),
        ("sitemap_blogs_1.xml", 3),
        ("sitemap_pages_1.xml", 3),
    ],
)
def test_names_speak_of_products(name: str, rank: int) -> None:
    assert product_rank(f"https://shop.example/products/{name}") == rank


def test_robots_come_first_and_common_places_are_not_tried_then() -> None:
    plan = SitemapPlan(SITE, robots=["https://maps.example/a.xml", "/b.xml", "/b.xml"])
    first, second = step(plan), step(plan)
    assert [first.address, second.address] == ["https://maps.example/a.xml", "https://shop.example/b.xml"]
    plan.add_read(first, pages(first.address, 1))
    plan.add_read(second, pages(second.address, 1))
    assert plan.next_step() is None
    assert (plan.is_complete, plan.problems) == (True, [])


def test_common_places_are_tried_until_one_answers() -> None:
    plan = SitemapPlan(SITE)
    first = step(plan)
    plan.add_failure(first, "catalog.page_not_found", "404")
    second = step(plan)
    plan.add_read(second, pages(second.address, 1))
    assert [(first.address, first.is_guess), (second.address, second.is_guess)] == [
        ("https://shop.example/sitemap.xml", True),
        ("https://shop.example/sitemap_index.xml", True),
    ]
    assert plan.next_step() is None
    assert (plan.is_complete, plan.problems) == (True, [])


def test_common_places_are_tried_when_robots_name_nothing_readable() -> None:
    plan = SitemapPlan(SITE, robots=["/gone.xml"])
    gone = step(plan)
    plan.add_failure(gone, "catalog.page_not_found", "404")
    assert step(plan).address == "https://shop.example/sitemap.xml"
    assert not plan.is_complete
    assert [problem.code for problem in plan.problems] == ["catalog.page_not_found"]


def test_guesses_that_are_pages_say_nothing() -> None:
    plan = SitemapPlan(SITE)
    while (guess := plan.next_step()) is not None:
        plan.add_read(guess, nothing(guess.address))
    assert plan.files == 3
    assert (plan.is_complete, plan.problems) == (True, [])


def test_products_are_read_before_others() -> None:
    plan = SitemapPlan(SITE, robots=["/sitemap.xml"])
    first = step(plan)
    names = ["/post.xml", "/x.xml", "/sitemap_collections_1.xml", "/sitemap_products_1.xml?from=1&to=2"]
    plan.add_read(first, index(first.address, *names))
    order = []
    while (now := plan.next_step()) is not None:
        order.append(now.address.removeprefix("https://shop.example"))
        plan.add_read(now, pages(now.address, 1))
    assert order == [names[3], names[1], names[2], names[0]]


def test_an_index_that_names_itself_ends() -> None:
    plan = SitemapPlan(SITE, robots=["/a.xml"])
    first = step(plan)
    plan.add_read(first, index(first.address, "/a.xml", "/b.xml"))
    second = step(plan)
    plan.add_read(second, index(second.address, "/a.xml"))
    assert plan.next_step() is None
    assert [problem.code for problem in plan.problems] == ["sitemap.named_twice"] * 2


def test_depth_files_addresses_and_hosts_have_limits() -> None:
    plan = SitemapPlan(SITE, robots=["/1.xml"], limits=PlanLimits(max_depth=2, max_files=3, max_addresses=5))
    first = step(plan)
    plan.add_read(first, index(first.address, "https://evil.example/x.xml", "/2.xml", "/3.xml", "/4.xml"))
    second = step(plan)
    plan.add_read(second, index(second.address, "/deep.xml"))
    third = step(plan)
    assert len(plan.add_read(third, pages(third.address, 9))) == 5
    assert plan.next_step() is None
    assert not plan.is_complete
    assert [problem.code for problem in plan.problems] == [
        "sitemap.other_host",
        "sitemap.too_deep",
        "sitemap.too_many",
        "sitemap.too_many_files",
    ]


def test_a_file_that_is_cut_leaves_the_plan_incomplete() -> None:
    plan = SitemapPlan(SITE, robots=["/1.xml"])
    plan.add_read(step(plan), pages("https://shop.example/1.xml", 1, is_cut=True))
    assert not plan.is_complete
