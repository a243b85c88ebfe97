"""The browser: lists read by scrolling, one browser a process, and none left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import psutil
import pytest
from django.conf import settings as django_settings

from catalog import scrolling
from catalog.browser import BrowserThread, close_process_browser
from catalog.discovery import read_list
from catalog.politeness.manners import Manners
from catalog.reading import SiteReader
from catalog.replies import SiteBlocks
from catalog.robots import forget_rules
from catalog.sources.source import CatalogNotPublic, ListIncomplete, Listing, ListPage
from tests.sample_shop import Answer, small_site

DIGITS = "447700900100"
FEED = """<div role="feed">{articles}</div>"""
ARTICLE = """<article role="article" aria-setsize="{total}"><a href="/p/{id}/{digits}?ref=x">Lamp {id}</a></article>"""


@pytest.fixture
def browser() -> Iterator[BrowserThread]:
    opened = BrowserThread()
    yield opened
    opened.close()


@pytest.fixture
def serve(settings: Any) -> Iterator[Callable[[str], str]]:
    """Return a function that serves HTML as a catalog's start page and returns its address."""
    page: dict[str, str] = {}

    def answer(path: str, headers: Mapping[str, str]) -> Answer:
        if path == f"/c/{DIGITS}":
            return 200, {"Content-Type": "text/html"}, page["html"].encode()
        return 404, {}, b""

    forget_rules()
    with small_site(answer) as site:
        settings.FETCH_PRIVATE_HOSTS = settings.WHATSAPP_HOSTS = [site.removeprefix("http://")]

        def put(html: str) -> str:
            page["html"] = html
            return f"{site}/c/{DIGITS}"

        yield put
    close_process_browser()


def read_start(address: str) -> Listing:
    with SiteReader() as reader:
        return read_list(reader, ListPage("whatsapp", address), is_start=True)


def feed(ids: range, *, total: int) -> str:
    return FEED.format(articles="".join(ARTICLE.format(id=i, total=total, digits=DIGITS) for i in ids))


def test_a_list_is_read_in_its_own_order(serve: Callable[[str], str]) -> None:
    address = serve(feed(range(12, 2, -1), total=10))

    listing = read_start(address)

    assert [product.external_id for product in listing.products] == [f"whatsapp:{i}" for i in range(12, 2, -1)]
    assert listing.products[0].address == address.replace(f"/c/{DIGITS}", f"/p/12/{DIGITS}")
    assert listing.total == 10


def test_a_list_shorter_than_it_says_is_incomplete(
    serve: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scrolling, "IDLE_SHORT_OF_TOTAL_S", 0.3)

    with pytest.raises(ListIncomplete, match="shows 3 products, but says that it has 10"):
        read_start(serve(feed(range(3), total=10)))


def test_a_page_without_products_is_not_public_and_says_what_to_do(
    serve: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scrolling, "IDLE_S", 0.3)

    with pytest.raises(CatalogNotPublic, match=r"Connect the catalog.*token.*CSV.*links of your products"):
        read_start(serve("<h1>Open this in WhatsApp</h1>"))


def test_a_challenge_in_place_of_the_page_is_a_block(
    serve: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scrolling, "IDLE_S", 0.3)
    manners = Manners()
    address = serve("<title>Just a moment...</title><script>window._cf_chl_opt={}</script><p>Checking your browser</p>")

    with SiteReader(manners=manners) as reader, pytest.raises(SiteBlocks, match="a Cloudflare challenge"):
        read_list(reader, ListPage("whatsapp", address), is_start=True)
    (seen,) = manners.tallies.values()
    assert seen.blocks == 1


def test_links_to_other_shops_and_hosts_are_not_products(serve: Callable[[str], str]) -> None:
    address = serve(
        feed(range(1, 2), total=1)
        + f'<a href="/p/7/441111111111">other shop</a><a href="https://evil.example/p/8/{DIGITS}">other host</a>'
        + f'<a href="/c/{DIGITS}/lamps">Lamps</a>'
    )

    listing = read_start(address)

    assert [product.external_id for product in listing.products] == ["whatsapp:1"]
    (collection,) = listing.lists
    assert collection.address == f"{address}/lamps"
    assert [[step.name for step in path] for path in collection.paths] == [["Lamps"]]


def test_one_browser_is_reused_and_replaced_when_it_crashed(browser: BrowserThread) -> None:
    def crash(page: Any) -> None:
        for process in _browsers():
            process.kill()
        page.goto("about:blank")

    browser.read(lambda page: page.goto("about:blank"))
    first = {process.pid for process in _browsers()}
    browser.read(lambda page: page.goto("about:blank"))
    second = {process.pid for process in _browsers()}
    with pytest.raises(Exception, match=r"closed|crashed"):
        browser.read(crash)
    assert browser.read(lambda page: page.evaluate("1 + 1")) == 2

    assert min(first) == min(second)
    assert min(first) not in {process.pid for process in _browsers()}


def test_a_killed_process_leaves_no_browser_behind() -> None:
    code = (
        "import django; django.setup()\n"
        "from catalog.browser import process_browser\n"
        "process_browser().read(lambda page: page.goto('about:blank'))\n"
        "print('ready', flush=True)\n"
        "import signal; signal.pause()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=django_settings.BASE_DIR, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == "ready\n"
        children = psutil.Process(process.pid).children(recursive=True)
        assert children
        os.kill(process.pid, signal.SIGKILL)
        process.wait()

    deadline = time.monotonic() + 10
    while any(_is_alive(child) for child in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [child for child in children if _is_alive(child)]


def _browsers() -> list[psutil.Process]:
    children = psutil.Process().children(recursive=True)
    return [child for child in children if _is_alive(child) and "chrom" in child.name()]


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
