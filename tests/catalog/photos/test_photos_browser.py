"""The pages of photos in a real browser: by keyboard, with and without scripts, over a connection that breaks."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

from catalog.photos.models import Photo, PhotoItem, PhotoSet
from catalog.photos.processing import improve
from catalog.photos.sets import begin_set
from marketplace.accounts.models import SellerMember
from marketplace.models import Product, Seller
from marketplace.stack.browser import find as installed_browser
from tests.catalog.photos.conftest import BLUE, RED, bring, views
from tests.catalog.photos.drawing import jpeg
from tests.catalog.products import make_seller

Open = Callable[..., Page]


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
    return make_seller()


@pytest.fixture
def ready(seller: Seller) -> PhotoSet:
    """A set whose inventory waits for the seller."""
    photo_set = begin_set(seller, location="Shelf 3", description="Balls")
    bring(photo_set, [*views(RED), *views(BLUE, seed=10)])
    items = [PhotoItem.objects.create(photo_set=photo_set, position=n, title=f"Ball {n}") for n in (1, 2)]
    for photo in Photo.objects.all():
        photo.item = items[(photo.position - 1) // 2]
        photo.crop = improve(photo).crop
        photo.save()
    PhotoSet.objects.update(status="ready")
    photo_set.refresh_from_db()
    return photo_set


@pytest.fixture
def open_page(browser: Browser, live_server: Any, seller: Seller) -> Iterator[Open]:
    """Return a function that opens a page as the seller; at the end, no script may have failed."""
    cache.clear()
    user = User.objects.create_user("mara")
    SellerMember.objects.create(seller=seller, user=user)
    client = Client()
    client.force_login(user)
    contexts, complaints = [], []

    def open_it(path: str, *, scripts: bool = True, for_axe: bool = False) -> Page:
        context = browser.new_context(
            viewport={"width": 1280, "height": 900},
            java_script_enabled=scripts,
            base_url=live_server.url,
            bypass_csp=for_axe,
        )
        contexts.append(context)
        session = client.cookies["sessionid"].value
        context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path)
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Three photos on the seller's disk, the last of which is none."""
    paths = [tmp_path / f"IMG_{n}.jpg" for n in (1, 2, 3)]
    for path, content in zip(paths, [*(jpeg(it) for it in views(BLUE, seed=30)), b"no picture"], strict=True):
        path.write_bytes(content)
    return paths


def test_photos_go_up_over_a_connection_that_breaks(open_page: Open, files: list[Path]) -> None:
    page = open_page(reverse("seller-photos"))
    broken: list[str] = []

    def lose_the_first(route: Route) -> None:
        if route.request.method == "PATCH" and not broken:
            broken.append(route.request.url)
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/uploads/**", lose_the_first)
    page.get_by_label("Where they are").fill("Attic")
    page.get_by_label("Photos").set_input_files(files[:2])
    with page.expect_event("requestfailed"):
        page.get_by_role("button", name="Upload").click()
    page.evaluate("window.dispatchEvent(new Event('online'))")  # else it tries again after 2 s
    expect(page.get_by_role("heading", level=1)).to_have_text("Attic")
    expect(page.get_by_role("button", name="Make the inventory of 2 photos")).to_be_visible()
    assert len(broken) == 1
    photo_set = PhotoSet.objects.get(location="Attic")
    assert [photo.is_complete for photo in photo_set.photos.all()] == [True, True]
    assert [photo.name for photo in photo_set.photos.all()] == ["IMG_1.jpg", "IMG_2.jpg"]


def test_a_photo_that_is_none_is_said_beside_the_others(open_page: Open, files: list[Path]) -> None:
    page = open_page(reverse("seller-photos"))
    page.get_by_label("Photos").set_input_files(files[1:])
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_text("IMG_3.jpg is no picture that we can read")).to_be_visible()
    page.get_by_role("link", name="Go on with the photos that were uploaded").click()
    expect(page.get_by_role("button", name="Make the inventory of 1 photo")).to_be_visible()


def test_photos_go_up_without_scripts(open_page: Open, files: list[Path]) -> None:
    page = open_page(reverse("seller-photos"), scripts=False)
    page.get_by_label("Photos").set_input_files(files)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_text("2 photos uploaded.")).to_be_visible()
    page.get_by_role("button", name="Make the inventory of 2 photos").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Make the inventory of 2 photos")).to_be_visible()


def test_an_inventory_is_accepted_by_keyboard_alone(open_page: Open, ready: PhotoSet) -> None:
    page = open_page(reverse("seller-photo-set", args=[ready.pk]))
    typed = {"Name": "Red ball", "Price": "4.50", "Currency": "EUR"}
    items = 0
    for _ in range(60):
        page.keyboard.press("Tab")
        held = page.evaluate("document.activeElement.labels?.[0]?.textContent ?? document.activeElement.textContent")
        if held in typed:
            page.keyboard.press("Control+A")
            page.keyboard.type(f"{typed[held]}{items if held == 'Name' else ''}")
            items += held == "Name"
        if held == "Accept and make products":
            page.keyboard.press("Enter")
            break
    expect(page.get_by_text("Accepted. Your products are being checked")).to_be_visible()
    assert list(PhotoItem.objects.values_list("title", flat=True)) == ["Red ball0", "Red ball1"]
    assert Product.objects.count() == 2


def test_the_pages_have_no_faults_wide_or_narrow(open_page: Open, ready: PhotoSet) -> None:
    taking = begin_set(ready.seller, location="Cellar", description="")
    bring(taking, views(RED))
    for name, address in (
        ("list", reverse("seller-photos")),
        ("open", reverse("seller-photo-set", args=[taking.pk])),
        ("ready", reverse("seller-photo-set", args=[ready.pk])),
    ):
        page = open_page(address, for_axe=True)
        for width in (1280, 375):
            page.set_viewport_size({"width": width, "height": 900})
            found = Axe().run(page)
            assert found.violations_count == 0, f"{name}, {width} px: {found.generate_report()}"
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (name, width)
