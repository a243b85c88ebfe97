"""Rendering: which pages need a browser, and what it gives, in a real Chromium."""

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from catalog.browser import close_process_browser
from catalog.reading import SiteReader
from catalog.replies import PageNotFound, SiteFailing
from catalog.robots import forget_rules
from catalog.site.rendering import is_shell, render, shows_more
from tests.sample_shop import Answer, small_site
from tests.shops.js_shop import SHELL

SLOW = """<body><div id="app"></div><script>
fetch("/data.json").then(reply => reply.json()).then(names => {
  const make = name => Object.assign(document.createElement("p"), {textContent: name});
  document.getElementById("app").append(...names.map(make));
});</script></body>"""
LONG = """<body><ul id="list"></ul><script>
let next = 0;
const add = () => { for (let i = 0; i < 20 && next < 60; i += 1) {
  const item = document.createElement("li"); item.textContent = `item ${++next}`; item.style.height = "100px";
  document.getElementById("list").append(item); } };
add(); addEventListener("scroll", () => { if (innerHeight + scrollY > document.body.scrollHeight - 50) add(); });
</script></body>"""


@pytest.fixture
def site(settings: Any) -> Iterator[str]:
    def answer(path: str, headers: Mapping[str, str]) -> Answer:
        if path == "/data.json":
            time.sleep(0.6)  # longer than the quiet after which a page counts as done
            return 200, {"Content-Type": "application/json"}, json.dumps(["Oak", "Elm"]).encode()
        pages = {"/slow": SLOW, "/long": LONG}
        if path == "/failing":
            return 503, {}, b""
        found = path in pages
        return 200 if found else 404, {"Content-Type": "text/html"}, pages.get(path, "").encode()

    with small_site(answer) as address:
        settings.FETCH_PRIVATE_HOSTS = [address.split("/")[2]]
        forget_rules()
        yield address
    close_process_browser()


def browse(address: str, *, is_list: bool = False) -> str:
    with SiteReader() as reader:
        return reader.browse(address, lambda tab: render(tab, address, is_list=is_list))[1]


def test_a_page_is_given_when_what_it_asked_for_has_come(site: str) -> None:
    html = browse(f"{site}/slow")
    assert "<p>Oak</p><p>Elm</p>" in html


def test_a_list_is_scrolled_to_its_end(site: str) -> None:
    assert "item 60" in browse(f"{site}/long", is_list=True)
    assert "item 60" not in browse(f"{site}/long")


def test_what_the_site_answers_is_told_as_by_http(site: str) -> None:
    with pytest.raises(PageNotFound):
        browse(f"{site}/nothing")
    with pytest.raises(SiteFailing):
        browse(f"{site}/failing")


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        (SHELL, True),
        ("<body><div id=root></div><script src=/app.js></script></body>", True),
        ("<body><p>Closed</p></body>", False),
        (f"<body><p>{'Much to read here. ' * 30}</p><script>1</script></body>", False),
        ("<body>" + "<a href=/x>x</a>" * 6 + "<script>1</script></body>", False),
        ("", False),
    ],
)
def test_a_page_that_is_empty_without_its_scripts_is_a_shell(html: str, expected: bool) -> None:
    assert is_shell(html) is expected


def test_a_rendered_page_shows_more_when_it_has_more_text_and_links() -> None:
    assert shows_more("<body><a href=/x>Lamps</a></body>", "<body><script>1</script></body>")
    assert not shows_more("<body><p>Some text</p></body>", "<body><p>Some text!</p></body>")
