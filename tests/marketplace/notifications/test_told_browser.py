"""The pages of notifications and webhooks in a real browser: by keyboard, narrow and dark, and for assistive tools."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings as django_settings
from django.db import connections
from django.test import Client
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from marketplace.models import Seller
from marketplace.notifications.kinds import Kind
from marketplace.notifications.models import MailPreference, Notification
from marketplace.notifications.telling import tell
from marketplace.notifications.unsubscribing import unsubscribe_path
from marketplace.stack.browser import find as installed_browser
from marketplace.webhooks.models import WebhookEndpoint
from tests.fakes.receiver import Answer, Receiver, webhook_receiver
from tests.marketplace.factories import make_member, make_seller
from tests.marketplace.queues import run_after, run_due

LONG = "Donaudampfschifffahrtsgesellschaftskapitän" * 3
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
    return make_seller(name="Lamp House", email="ann@shop.example")


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    with webhook_receiver() as served:
        settings.FETCH_PRIVATE_HOSTS = [served.host]
        yield served


@pytest.fixture
def told(seller: Seller) -> Seller:
    """A seller who was told of 23 products, of a sync, and of a webhook."""
    reasons = [
        ("price.missing", "The product has no price.", "Give it one in your catalog."),
        ("picture.too_small", "The picture is 180 x 180 px; buyers want to see more.", "Upload one of 500 x 500 px."),
    ]
    lamps = [
        {"product": it, "title": f"Lamp {it} <i>{LONG}</i>", "reason": code, "message": message, "remedy": remedy}
        for it in range(23)
        for code, message, remedy in [reasons[it % 3 == 0]]
    ]
    tell(Kind.PRODUCTS_REJECTED, seller_id=seller.pk, subjects=lamps)
    tell(Kind.SYNC_FINISHED, seller_id=seller.pk, facts={"found": 1184, "live": 1161, "rejected": 23})
    tell(Kind.WEBHOOK_SWITCHED_OFF, seller_id=seller.pk, facts={"url": f"https://x.example/{LONG}", "why": "failing"})
    run_after("notify-seller", timedelta(minutes=1))
    return seller


@pytest.fixture
def open_page(browser: Browser, live_server: Any, seller: Seller) -> Iterator[Callable[..., Page]]:
    """Return a function that opens a page as the seller's member; no script may have failed, nothing been refused."""
    contexts, complaints = [], []
    client = Client()
    client.force_login(make_member(seller))
    session = client.cookies["sessionid"].value

    def open_it(path: str, *, for_axe: bool = False) -> Page:
        context = browser.new_context(
            viewport={"width": 1280, "height": 900},
            base_url=live_server.url,
            bypass_csp=for_axe,
        )
        context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        contexts.append(context)
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
    return line.type == "error" and "server responded with a status of 4" not in line.text


def _deliver() -> None:
    """Run what is due in a thread of its own: in this one Playwright runs a loop, and a worker runs one too."""

    def run() -> None:
        run_due("deliver-webhook")
        connections.close_all()

    with ThreadPoolExecutor(max_workers=1) as pool:
        pool.submit(run).result()


def test_a_seller_reads_what_they_were_told_by_keyboard(told: Seller, open_page: Callable[..., Page]) -> None:
    page = open_page("/seller/notifications/")
    expect(page.get_by_role("link", name="Notifications 3 new")).to_be_visible()
    page.get_by_role("link", name="23 products were rejected").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("23 products were rejected")
    expect(page.get_by_text("15 products: The product has no price.")).to_be_visible()
    expect(page.get_by_text("Upload one of 500 x 500 px.")).to_be_visible()
    page.goto("/seller/notifications/")
    expect(page.get_by_role("link", name="Notifications 2 new")).to_be_visible()
    page.get_by_role("button", name="Mark all as read").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("marked as read")
    assert not Notification.objects.filter(read_at=None).exists()


def test_a_seller_chooses_what_is_mailed(told: Seller, open_page: Callable[..., Page]) -> None:
    page = open_page("/seller/notifications/mail/")
    page.get_by_label("A sync has finished").select_option("off")
    page.get_by_role("button", name="Keep this choice").click()
    expect(page.get_by_role("status")).to_contain_text("Your choice is kept.")
    assert MailPreference.objects.get(seller=told, kind=Kind.SYNC_FINISHED).mode == "off"


def test_a_mail_s_link_unsubscribes_on_a_click(told: Seller, open_page: Callable[..., Page]) -> None:
    page = open_page(unsubscribe_path(told.pk, Kind.PRODUCTS_REJECTED))
    page.get_by_role("button", name="Unsubscribe").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are unsubscribed")
    assert MailPreference.objects.get(seller=told).mode == "off"


def test_a_webhook_is_made_tried_mended_and_sent_again(receiver: Receiver, open_page: Callable[..., Page]) -> None:
    page = open_page("/seller/webhooks/")
    page.get_by_label("Address").fill("http://shop.example/")
    page.get_by_role("button", name="Make the webhook").click()
    expect(page.get_by_text("Give an https address")).to_be_visible()
    page.get_by_label("Address").fill(f"{receiver.origin}/hook")
    page.get_by_label("A sync has failed").check()
    page.get_by_role("button", name="Make the webhook").click()
    page.get_by_role("button", name="Show the secret").click()
    secret = page.locator(".secret code").inner_text()
    assert WebhookEndpoint.objects.get().kinds == ["sync.failed"]
    receiver.next = [Answer(500, body=b"out of order")]
    page.get_by_role("button", name="Send a test event").click()
    _deliver()
    page.reload()
    expect(page.get_by_role("cell", name="It answers 500 out of order")).to_be_visible()
    page.get_by_role("button", name="Send it again now").click()
    _deliver()
    page.reload()
    expect(page.get_by_text("Delivered")).to_be_visible()
    assert [it["type"] for it in receiver.verified(secret)] == ["webhook.test", "webhook.test"]
    page.get_by_role("link", name=receiver.origin).click()
    page.get_by_role("button", name="Switch it off").click()
    expect(page.get_by_text("Off: by the seller")).to_be_visible()


def test_the_pages_are_clean_to_assistive_tools_light_and_dark_and_fit_a_phone(
    told: Seller, receiver: Receiver, open_page: Callable[..., Page]
) -> None:
    page = open_page("/seller/webhooks/", for_axe=True)
    page.get_by_label("Address").fill(f"{receiver.origin}/{LONG}")
    page.get_by_role("button", name="Make the webhook").click()
    receiver.usual = Answer(500, body=LONG.encode())
    page.get_by_role("button", name="Send a test event").click()
    delivery = page.url
    _deliver()
    endpoint = f"/seller/webhooks/{WebhookEndpoint.objects.get().pk}/"
    rejected = Notification.objects.get(kind=Kind.PRODUCTS_REJECTED).pk
    paths = [
        "/seller/notifications/", f"/seller/notifications/{rejected}/", "/seller/notifications/mail/",
        "/seller/webhooks/", endpoint, delivery, unsubscribe_path(told.pk, ""),
    ]  # fmt: skip
    for path in paths:
        page.goto(path)
        light = Axe().run(page)
        page.emulate_media(color_scheme="dark")
        dark = Axe().run(page, options={"runOnly": ["color-contrast"]})
        page.emulate_media(color_scheme="light")
        for found in (light, dark):
            assert found.violations_count == 0, f"{path}\n{found.generate_report()}"
        page.set_viewport_size({"width": 360, "height": 780})
        assert not page.evaluate(WIDER), f"{path} scrolls sideways on a phone"
        page.set_viewport_size({"width": 1280, "height": 900})
