"""The review queue in a real browser: by keys alone, by two people at once, wide and narrow, without scripts."""

import io
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.test import Client
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect, sync_playwright

from marketplace.models import Picture, Product, Seller
from marketplace.stack.browser import find as installed_browser
from qc.models import ReviewHold, Verdict
from tests.qc.reviewing import make_flagged, make_reviewer

QUEUE = "/admin/qc/review/"


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
def products(transactional_db: None) -> list[Product]:
    """Six flagged lamps, each with two pictures."""
    seller = Seller.objects.create(name="Harbour Lane")
    made = []
    for number in range(6):
        product = make_flagged(seller, title=f"Lamp {number}", brand="Harbour", sku=f"HL-{number}")
        Picture.objects.filter(product=product).update(display=f"d/{number}.png", thumbnail=f"t/{number}.png")
        Picture.objects.create(
            product=product, position=1, status="ready", width_px=600, height_px=600, display=f"d/{number}b.png"
        )
        made.append(product)
    return made


def drawn(route: Route) -> None:
    out = io.BytesIO()
    Image.new("RGB", (800, 600), "#c8a27a").save(out, "PNG")
    route.fulfill(status=200, content_type="image/png", body=out.getvalue())


@pytest.fixture
def desk_of(browser: Browser, live_server: Any, products: list[Product]) -> Iterator[Callable[..., Page]]:
    """Return a function that logs somebody in and opens the queue; at the end no script may have failed."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_it(user: User, path: str = QUEUE, *, width: int = 1280, scripts: bool = True, **options: Any) -> Page:
        client = Client()
        client.force_login(user)
        context = browser.new_context(
            viewport={"width": width, "height": 900}, java_script_enabled=scripts, base_url=live_server.url, **options
        )
        contexts.append(context)
        session = client.cookies["sessionid"].value
        context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        context.route("**/media/**", drawn)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path)
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert complaints == []


def heading(page: Page) -> Any:
    return page.locator("#review-title")


def status(product: Product) -> str:
    product.refresh_from_db()
    return product.status


def settled(page: Page, text: str) -> None:
    """Wait until the server has answered the last decision: the undo button then names it."""
    expect(page.locator("#review-last")).to_have_text(text)


def test_several_products_are_judged_by_keys_alone(desk_of: Callable[..., Page], products: list[Product]) -> None:
    ana = make_reviewer("ana")
    page = desk_of(ana)
    expect(heading(page)).to_have_text("Lamp 0")
    expect(heading(page)).to_be_focused()

    page.keyboard.press("a")
    expect(heading(page)).to_have_text("Lamp 1")
    expect(heading(page)).to_be_focused()
    expect(page.get_by_role("status")).to_have_text("Approved “Lamp 0”. Lamp 1, 20 EUR.")
    settled(page, "approved “Lamp 0”")

    page.keyboard.press("r")
    expect(page.get_by_role("button", name="0 For what was found")).to_be_focused()
    page.keyboard.press("2")
    expect(heading(page)).to_have_text("Lamp 2")
    settled(page, "rejected “Lamp 1”")

    page.keyboard.press("t")
    page.keyboard.type("Not a lamp, says a person.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    settled(page, "rejected “Lamp 2”")

    page.keyboard.press("s")
    expect(heading(page)).to_have_text("Lamp 4")
    page.keyboard.press("n")
    page.keyboard.type("as agreed")
    page.keyboard.press("Enter")  # decides nothing
    expect(heading(page)).to_have_text("Lamp 4")
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    settled(page, "approved “Lamp 4”")
    expect(heading(page)).to_have_text("Lamp 5")
    page.keyboard.press("u")
    expect(heading(page)).to_have_text("Lamp 4")
    expect(page.get_by_role("status")).to_contain_text("Took back the decision on “Lamp 4”.")
    settled(page, "rejected “Lamp 2”")
    page.keyboard.press("r")
    page.keyboard.press("0")
    expect(heading(page)).to_have_text("Lamp 5")
    settled(page, "rejected “Lamp 4”")
    page.keyboard.press("a")
    expect(page.get_by_role("heading", name="Nothing is left for you")).to_be_focused()
    settled(page, "approved “Lamp 5”")

    assert [status(it) for it in products] == ["pending", "rejected", "rejected", "flagged", "rejected", "pending"]
    codes = [[it["code"] for it in product.reasons] for product in products]
    assert codes[1:3] == [["staff.counterfeit"], ["staff.other"]]
    assert products[2].reasons[0]["message"] == "Not a lamp, says a person."
    assert Verdict.objects.filter(note="as agreed").count() == 1
    expect(page.locator("#review-waiting")).to_have_text("1")
    expect(page.locator("#review-today")).to_have_text("5")


def test_two_people_never_see_the_same_product(desk_of: Callable[..., Page], products: list[Product]) -> None:
    pages = [desk_of(make_reviewer(name)) for name in ("ana", "ben")]
    seen: list[str] = []

    for number in range(len(products)):
        page = pages[number % 2]
        if not heading(page).is_visible():
            continue
        title = heading(page).inner_text()
        seen.append(title)
        held = ReviewHold.objects.filter(user__username=("ana", "ben")[number % 2])
        assert title in {it.product.title for it in held.select_related("product")}
        page.keyboard.press("a")
        settled(page, f"approved “{title}”")

    assert len(seen) == len(set(seen)) == Verdict.objects.filter(is_automatic=False).count()
    assert len(seen) >= 4


def test_a_product_that_changed_meanwhile_is_refused_and_comes_again(
    desk_of: Callable[..., Page], products: list[Product]
) -> None:
    page = desk_of(make_reviewer("ana"))
    expect(heading(page)).to_have_text("Lamp 0")
    Product.objects.filter(pk=products[0].pk).update(title="A handgun")

    page.keyboard.press("a")

    expect(page.get_by_role("alert")).to_contain_text("“Lamp 0” was not decided. The seller changed the product")
    assert status(products[0]) == "flagged"
    for _ in range(4):
        title = heading(page).inner_text()
        if title == "A handgun":
            break
        page.keyboard.press("s")
        expect(heading(page)).not_to_have_text(title)
    expect(heading(page)).to_have_text("A handgun")


def test_pictures_are_looked_at_by_keys_and_keys_can_be_switched_off(
    desk_of: Callable[..., Page], products: list[Product]
) -> None:
    page = desk_of(make_reviewer("ana"))
    large = page.locator(".review-large img")
    expect(large).to_have_attribute("src", re.compile("d/0.png"))
    page.keyboard.press("ArrowRight")
    expect(large).to_have_attribute("src", re.compile("d/0b.png"))
    expect(page.locator(".review-caption")).to_have_text("2 of 2 · 600 × 600 px")
    page.keyboard.press("e")
    dialog = page.get_by_role("dialog", name="Picture, enlarged")
    expect(dialog).to_be_visible()
    page.keyboard.press("a")  # not while a picture covers the page
    page.keyboard.press("ArrowRight")
    expect(dialog.locator("img")).to_have_attribute("src", re.compile("d/0.png"))
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()

    page.keyboard.press("?")
    page.get_by_label("Single keys act").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    expect(heading(page)).to_have_text("Lamp 0")
    assert Verdict.objects.filter(is_automatic=False).count() == 0


def test_without_scripts_the_forms_do_the_same(desk_of: Callable[..., Page], products: list[Product]) -> None:
    page = desk_of(make_reviewer("ana"), width=360, scripts=False)
    page.get_by_role("button", name="Approve").click()
    expect(heading(page)).to_have_text("Lamp 1")
    page.locator(".review-reject summary").click()
    page.get_by_role("button", name="For what was found").click()
    expect(heading(page)).to_have_text("Lamp 2")
    page.get_by_role("button", name="Undo").click()
    expect(heading(page)).to_have_text("Lamp 1")
    assert [status(it) for it in products[:3]] == ["pending", "flagged", "flagged"]


def paths_of(products: list[Product]) -> list[str]:
    return [
        QUEUE,
        f"/admin/qc/review/product/{products[0].pk}/",
        "/admin/qc/review/groups/",
        f"/admin/qc/review/group/?seller={products[0].seller_id}&codes=text.phone_number",
        "/admin/qc/review/figures/",
    ]


def test_axe_finds_nothing_by_day_and_night(desk_of: Callable[..., Page], products: list[Product]) -> None:
    page = desk_of(make_reviewer("ana"), reduced_motion="reduce")
    for path in paths_of(products):
        page.goto(path)
        if path == QUEUE:
            page.emulate_media(color_scheme="dark")
            page.keyboard.press("r")
            assert Axe().run(page, context="#content").violations_count == 0
            page.emulate_media(color_scheme="light")
        found = Axe().run(page, context="#content")
        assert found.violations_count == 0, f"{path}: {found.generate_report()}"


def test_nothing_is_wider_than_a_phone(desk_of: Callable[..., Page], products: list[Product]) -> None:
    page = desk_of(make_reviewer("ana"), width=360)
    for path in paths_of(products):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
