"""The sellers' pages in a real browser: keyboard alone, without scripts, narrow and dark, and for assistive tools."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from jobs.models import Job
from marketplace.models import Product, Seller
from marketplace.rechecks.models import Recheck
from marketplace.stack.browser import find as installed_browser
from qc.appeals import open_appeal
from qc.models import Appeal
from tests.catalog.products import picture_bytes
from tests.marketplace.factories import make_member, make_product, make_seller
from tests.qc.rejected import IN_CAPITALS, NO_PRICE, add_picture, make_judged

PASSWORD = "a long password"
WIDER = "document.documentElement.scrollWidth > innerWidth"


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
def seller(transactional_db: None) -> Seller:
    seller = make_seller(name="Lamp House")
    make_member(seller, password=PASSWORD)
    make_member(make_seller(name="Second shop with a long name"))
    return seller


@pytest.fixture
def product(seller: Seller) -> Product:
    product = make_judged(
        seller,
        reasons=[NO_PRICE, IN_CAPITALS],
        title="RED LAMP " + "Donaudampfschifffahrtsgesellschaftskapitän" * 2,
        description="A lamp.\nIt is red.",
        brand="Glow",
    )
    add_picture(product, display="d/1.webp", thumbnail="t/1.webp")
    add_picture(product, position=1, status="broken", error_code="picture.missing")
    make_judged(seller, decision="approved", reasons=[IN_CAPITALS], title="Blue lamp")
    make_judged(seller, decision="flagged", title="Green lamp")
    make_product(seller, status="pending", title="Grey lamp")
    return product


@pytest.fixture
def open_page(browser: Browser, live_server: Any) -> Iterator[Callable[..., Page]]:
    """Return a function that opens a page; at the end, no script may have failed and nothing been refused."""
    contexts, complaints = [], []

    def open_it(
        path: str, *, width: int = 1280, scripts: bool = True, for_axe: bool = False, dark: bool = False
    ) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            java_script_enabled=scripts,
            base_url=live_server.url,
            bypass_csp=for_axe,
            color_scheme="dark" if dark else "light",
        )
        contexts.append(context)
        picture = picture_bytes(600, 600)
        context.route("**/media/**", lambda route: route.fulfill(status=200, content_type="image/jpeg", body=picture))
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: complaints.append(line.text) if _is_complaint(line) else None)
        page.goto(path)
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert complaints == []


def _is_complaint(line: ConsoleMessage) -> bool:
    """Tell errors from the browser's note that a page was answered with a status of 4xx, as some are."""
    return line.type == "error" and "server responded with a status of 4" not in line.text


def _log_in(page: Page) -> None:
    page.get_by_label("E-mail address").fill("ann@shop.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def _tab_to(page: Page, name: str) -> None:
    """Press Tab until the element of this name has the focus, as somebody without a mouse does."""
    for _ in range(40):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "() => { const it = document.activeElement; return it.labels?.[0]?.innerText ?? it.innerText ?? ''; }"
        )
        if name in focused:
            return
    raise AssertionError(f"{name!r} cannot be reached by the keyboard")


def test_an_appeal_needs_the_keyboard_alone(open_page: Callable[..., Page], product: Product) -> None:
    page = open_page("/seller/")
    _tab_to(page, "E-mail address")
    page.keyboard.type("ann@shop.example")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your shop at a glance")
    _tab_to(page, "Needs your action")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Products")
    _tab_to(page, "RED LAMP")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The product has no price.")).to_be_visible()
    _tab_to(page, "Why should it be shown?")
    page.keyboard.type("The price is on request.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    expect(page.get_by_role("status").first).to_contain_text("Our staff will look at this product again")
    assert Appeal.objects.get().why == "The price is on request."
    _tab_to(page, "Take it back")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("You took the appeal back.")
    assert Appeal.objects.get().state == "withdrawn"


def test_a_recheck_is_followed_where_it_stands(open_page: Callable[..., Page], product: Product) -> None:
    page = open_page(f"/seller/products/{product.pk}/")
    _log_in(page)
    page.get_by_role("button", name="I fixed it, check again").click()
    expect(page.locator("#check")).to_contain_text("Checking… reading the product")

    Job.objects.filter(grp=Recheck.objects.get().group).update(state="completed")
    Product.objects.filter(pk=product.pk).update(status="live", reasons=[])

    expect(page.locator("#check")).to_contain_text("Checked again")
    expect(page.locator(".product-head .chip")).to_have_text("Live")


def test_without_scripts_all_of_it_works(open_page: Callable[..., Page], product: Product) -> None:
    page = open_page(f"/seller/products/{product.pk}/", width=360, scripts=False)
    _log_in(page)
    page.get_by_role("button", name="I fixed it, check again").click()
    Job.objects.filter(grp=Recheck.objects.get().group).update(state="completed")
    page.get_by_role("link", name="Look again").click()
    expect(page.locator("#check")).to_contain_text("Checked again")
    page.get_by_label("Why should it be shown?").fill("It is fine.")
    page.get_by_role("button", name="Ask for another look").click()
    expect(page.get_by_text("Waits for our answer")).to_be_visible()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Log in to your shop")


def test_no_page_is_wider_than_its_window_and_axe_finds_nothing(
    open_page: Callable[..., Page], product: Product
) -> None:
    path = f"/seller/products/{product.pk}/"
    page = open_page("/seller/login/", for_axe=True)
    _faultless(page)
    _log_in(page)
    for each in ("/seller/", "/seller/products/", path):
        page.goto(each)
        _faultless(page)
    page.get_by_label("Why should it be shown?").fill("   ")
    page.get_by_role("button", name="Ask for another look").click()
    expect(page.get_by_label("Why should it be shown?")).to_be_focused()
    _faultless(page)


def test_narrow_and_dark_it_is_as_good(open_page: Callable[..., Page], product: Product) -> None:
    open_appeal(product.pk, why="The price is on request.", asked_by="ann@shop.example")
    page = open_page("/seller/products/", width=360, for_axe=True, dark=True)
    _log_in(page)
    for path in ("/seller/products/", f"/seller/products/{product.pk}/", "/seller/appeals/"):
        page.goto(path)
        _faultless(page)
    page.get_by_role("button", name="Log out").click()
    page.goto("/seller/first-login/")
    _faultless(page)


def test_staff_answers_with_the_keyboard_alone(
    open_page: Callable[..., Page], product: Product, live_server: Any
) -> None:
    appeal = open_appeal(product.pk, why="The price is on request.", asked_by="ann@shop.example")
    client = Client()
    client.force_login(User.objects.create_superuser("ada", password=PASSWORD))
    page = open_page("/seller/login/", for_axe=True)
    session = client.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    page.goto(f"/admin/qc/appeals/{appeal.pk}/")
    found = Axe().run(page, context="#main").response["violations"]
    assert [(it["id"], [node["html"] for node in it["nodes"]]) for it in found] == []
    page.get_by_label("Answer").focus()
    page.keyboard.type("You are right.")
    _tab_to(page, "Overturn")
    page.keyboard.press("Enter")

    expect(page.get_by_text("is told.")).to_be_visible()
    appeal.refresh_from_db()
    assert (appeal.state, appeal.answer) == ("overturned", "You are right.")


def _faultless(page: Page) -> None:
    assert not page.evaluate(WIDER), page.url
    found = Axe().run(page).response["violations"]
    assert [(it["id"], [node["html"] for node in it["nodes"]]) for it in found] == [], page.url
