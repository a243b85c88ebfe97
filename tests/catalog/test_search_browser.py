"""The search page in a real browser: with and without scripts, wide and narrow, by keyboard alone."""

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from django.core.cache import cache
from playwright.sync_api import Browser, ConsoleMessage, Page, Route, expect, sync_playwright

from catalog.ranking.documents import document_of, write_documents
from marketplace.models import Product
from marketplace.stack.browser import find as installed_browser
from tests.catalog.products import add_picture, make_product, make_seller, make_sync

SUGGESTIONS = [
    {"text": "lamp", "kind": "word", "product_id": None},
    {"text": "Lamps <b>", "kind": "category", "product_id": None},
    {"text": "Lamp 3", "kind": "product", "product_id": 7},
]
# Nothing but the page itself moves sideways, and each control has a name.
FAULTS = """() => [
  ...(document.documentElement.scrollWidth > innerWidth ? ["scrolls sideways"] : []),
  ...(document.querySelectorAll("h1").length === 1 ? [] : ["not one h1"]),
  ...(document.querySelectorAll("main, header, footer").length === 3 ? [] : ["landmarks"]),
  ...[...document.querySelectorAll("input:not([type=hidden]), select")]
    .filter((field) => !field.labels.length).map(({ name }) => `no label: ${name}`),
  ...[...document.querySelectorAll("a, button, summary")]
    .filter((control) => !control.textContent.trim() && !control.querySelector("img[alt]:not([alt=''])"))
    .map(({ outerHTML }) => `no name: ${outerHTML}`),
  ...[...document.querySelectorAll("img")].filter((image) => !image.width || !image.hasAttribute("alt"))
    .map(({ outerHTML }) => `no size or alt: ${outerHTML}`),
]"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium of this file's own. Playwright runs a loop in this thread, which Django must be told to bear."""
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        path = django_settings.CHROMIUM_PATH or installed_browser()
        opened = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def shop(transactional_db: None, settings: Any) -> list[Product]:
    """Thirty products; the index is not there, so that words are looked for by PostgreSQL."""
    settings.INDEX_COLLECTION = f"test_{uuid4().hex[:12]}"
    settings.API_RATE_PER_ADDRESS = 100_000
    cache.clear()
    sync = make_sync(make_seller())
    other = make_sync(make_seller("Old <i>Mill</i>"))
    products = [
        make_product(
            sync if number % 3 else other,
            f"Lamp {number} " + "Donaudampfschifffahrtsgesellschaftskapitän" * (number % 2),
            categories=["Home > Lamps" if number % 2 else "Home > Chairs"],
            price=Decimal(number + 1),
            status="live",
        )
        for number in range(30)
    ]
    write_documents([document_of(product, ["Home"]) for product in products])
    add_picture(products[-1], display="d/1.webp", thumbnail="t/1.webp")
    return products


@pytest.fixture
def open_page(browser: Browser, live_server: Any, shop: list[Product]) -> Iterator[Callable[..., Page]]:
    """Return a function that opens a page; at the end, no script may have failed and nothing been refused."""
    contexts, complaints = [], []

    def answer(route: Route) -> None:
        route.fulfill(status=200, content_type="application/json", body=json.dumps({"suggestions": SUGGESTIONS}))

    def open_it(path: str, *, width: int = 1280, scripts: bool = True) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 800}, java_script_enabled=scripts, base_url=live_server.url
        )
        contexts.append(context)
        context.route("**/api/search/suggest/**", answer)
        context.route(
            "**/media/**", lambda route: route.fulfill(status=200, content_type="image/svg+xml", body="<svg/>")
        )
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: complaints.append(line.text) if is_complaint(line) else None)
        page.goto(path)
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert complaints == []


def is_complaint(line: ConsoleMessage) -> bool:
    """Tell errors from htmx's note that a newer request took an older one's place."""
    return line.type == "error" and not line.text.startswith(("htmx:afterRequest", "htmx:sendAbort"))


def query_of(page: Page) -> str:
    return page.url.partition("?")[2]


def test_without_scripts_filters_order_and_pages_work(open_page: Callable[..., Page]) -> None:
    page = open_page("/search/", width=360, scripts=False)

    page.get_by_text("Filters", exact=True).click()
    page.get_by_label("Old <i>Mill</i>").check()
    page.get_by_label("To", exact=True).fill("25")
    page.get_by_role("button", name="Apply filters").click()
    expect(page.locator("#count")).to_contain_text("9 products")
    page.get_by_label("Sort by").select_option("-price")
    page.get_by_role("button", name="Sort", exact=True).click()
    expect(page.locator(".card h2").first).to_have_text("Lamp 24 ")
    page.get_by_role("link", name="up to 25").click()
    page.get_by_role("link", name="Old <i>Mill</i>").click()
    page.get_by_role("link", name="Next").click()
    expect(page.locator("#count")).to_contain_text("page 2")
    expect(page.locator(".card")).to_have_count(6)
    page.get_by_role("searchbox").fill("lamp")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.locator("h1")).to_have_text("Results for “lamp”")


@pytest.mark.parametrize("width", [1280, 360])
def test_no_page_is_wider_than_its_window_and_all_is_named(
    open_page: Callable[..., Page], shop: list[Product], width: int
) -> None:
    page = open_page("/search/?availability=unknown", width=width)
    page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true")
    assert page.evaluate(FAULTS) == []
    for path in ("/", f"/p/{shop[-1].pk}/", "/search/image/", "/search/?q=nothing&min_price=900"):
        page.goto(path)
        assert page.evaluate(FAULTS) == [], path
    if width == 360:
        page.goto("/search/")
        expect(page.get_by_label("Old <i>Mill</i>")).to_be_hidden()
    else:
        page.goto("/search/")
        expect(page.get_by_label("Old <i>Mill</i>")).to_be_visible()


def test_a_filter_changes_the_results_in_place(open_page: Callable[..., Page]) -> None:
    page = open_page("/search/?sort=price")
    page.evaluate("window.stays = true")

    box = page.get_by_label("Old <i>Mill</i>")
    box.check()

    expect(page.locator("#said")).to_contain_text("10 products")
    expect(box).to_be_focused()
    assert query_of(page).startswith("seller=")
    page.get_by_role("link", name="Home").click()
    page.get_by_role("link", name="Lamps").click()
    expect(page.locator("#said")).to_contain_text("5 products")
    assert "category=Home+%3E+Lamps" in query_of(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("All products")
    assert page.evaluate("window.stays")
    page.go_back()
    expect(page.locator("#count")).to_contain_text("10 products")


def test_the_keyboard_alone_is_enough(open_page: Callable[..., Page]) -> None:
    page = open_page("/search/")

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    field = page.get_by_role("combobox", name="Search products")
    expect(field).to_be_focused()
    page.keyboard.type("la")
    options = page.get_by_role("listbox", name="Suggestions").get_by_role("option")
    expect(options).to_have_text(["lamp", "Lamps <b>category", "Lamp 3product"])
    expect(field).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowUp")
    expect(field).to_have_attribute("aria-activedescendant", "suggestion-2")
    expect(options.nth(2)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Escape")
    expect(options).to_have_count(0)
    expect(field).to_have_value("la")
    page.keyboard.press("ArrowDown")
    expect(options).to_have_count(3)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text("30 products")
    assert query_of(page) == "q=lamp"
    expect(field).to_be_focused()
    page.locator(".card h2 a").first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="See at the shop")).to_be_visible()
