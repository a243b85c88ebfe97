"""A site's sitemaps, from the first to the last."""

import gzip
from collections.abc import Iterator

from catalog.fetching import PageNotFound, SiteTimeout
from catalog.sitemaps.planning import SitemapPlan
from catalog.sitemaps.walking import walk_sitemaps

SITE = "https://shop.example"


def urlset(*paths: str) -> bytes:
    return f"<urlset>{''.join(f'<url><loc>{path}</loc></url>' for path in paths)}</urlset>".encode()


FILES = {
    "/sitemap.xml": b"<sitemapindex><sitemap><loc>/blog.xml</loc></sitemap>"
    b"<sitemap><loc>/products.xml.gz</loc></sitemap><sitemap><loc>/sitemap.xml</loc></sitemap><sitemap><loc>/slow.xml</loc></sitemap></sitemapindex>",
    "/products.xml.gz": gzip.compress(urlset("/p/1", "/p/2")),
    "/blog.xml": urlset("/p/2", "/about"),
}


def test_each_page_is_given_once_products_first_and_failures_are_named() -> None:
    asked: list[str] = []

    def fetch(address: str) -> Iterator[bytes]:
        path = address.removeprefix(SITE)
        asked.append(path)
        if path == "/slow.xml":
            yield urlset("/p/3") + b" " * 600
            raise SiteTimeout
        if path not in FILES:
            raise PageNotFound
        yield FILES[path]

    plan = SitemapPlan(SITE)
    found = [entry.address.removeprefix(SITE) for entry in walk_sitemaps(plan, fetch)]
    assert found == ["/p/1", "/p/2", "/p/3", "/about"]
    assert asked == ["/sitemap.xml", "/products.xml.gz", "/slow.xml", "/blog.xml"]
    assert [problem.code for problem in plan.problems] == ["sitemap.named_twice", "catalog.site_timeout"]
    assert not plan.is_complete


def test_a_site_without_sitemaps_is_no_error() -> None:
    def fetch(address: str) -> Iterator[bytes]:
        raise PageNotFound

    plan = SitemapPlan(SITE)
    assert list(walk_sitemaps(plan, fetch)) == []
    assert (plan.files, plan.is_complete, plan.problems) == (3, True, [])
