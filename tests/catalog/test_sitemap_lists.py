"""Sitemap lists: which file is read, and what it names."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from catalog.reading import SiteReader
from catalog.replies import PageNotFound
from catalog.robots import forget_rules
from catalog.sources.sitemap_lists import find_sitemap, read_sitemap_file
from tests.sample_shop import Answer, small_site

FILES: dict[str, str] = {}


@pytest.fixture
def site(request: pytest.FixtureRequest) -> Iterator[str]:
    FILES.clear()
    forget_rules()
    settings: Any = request.getfixturevalue("settings")

    def answer(path: str, headers: Mapping[str, str]) -> Answer:
        text = FILES.get(path)
        return (404, {}, b"") if text is None else (200, {"Content-Type": "application/xml"}, text.encode())

    with small_site(answer) as address:
        settings.FETCH_PRIVATE_HOSTS = [address.split("/")[2]]
        yield address


def urlset(*addresses: str) -> str:
    return f"<urlset>{''.join(f'<url><loc>{address}</loc></url>' for address in addresses)}</urlset>"


def test_the_file_that_robots_txt_names_comes_first(site: str) -> None:
    FILES["/robots.txt"] = f"Sitemap: {site}/gone.xml\nSitemap: http://[\nSitemap: {site}/named.xml"
    FILES["/named.xml"] = urlset("/a", "/b", "/a")
    FILES["/sitemap.xml"] = urlset("/c")
    with SiteReader() as reader:
        found = find_sitemap(reader, f"{site}/", places=["sitemap.xml"])

    assert found is not None
    assert (found.address, found.entries) == (f"{site}/named.xml", [f"{site}/a", f"{site}/b"])


def test_the_usual_places_are_tried_in_order(site: str) -> None:
    FILES["/one.xml"] = "<html>nothing</html>"
    FILES["/two.xml"] = f"<sitemapindex><sitemap><loc>{site}/p.xml?from=1&amp;to=2</loc></sitemap></sitemapindex>"
    with SiteReader() as reader:
        found = find_sitemap(reader, f"{site}/", places=["one.xml", "two.xml"])
        assert find_sitemap(reader, f"{site}/", places=["one.xml", "three.xml"]) is None
        with pytest.raises(PageNotFound):
            read_sitemap_file(reader, f"{site}/three.xml")

    assert found is not None
    assert found.subs == [f"{site}/p.xml?from=1&to=2"]


def test_what_is_not_of_the_site_is_left_out_and_counted(site: str) -> None:
    FILES["/sitemap.xml"] = urlset("/a", "https://other.example/b")
    with SiteReader() as reader:
        found = read_sitemap_file(reader, f"{site}/sitemap.xml")

    assert found.entries == [f"{site}/a"]
    assert found.skipped == {"sitemap.other_host": 1}
