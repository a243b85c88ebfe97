"""The pages of proposals in a real browser: by keyboard alone, wide and narrow, with and without scripts, by axe."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect, sync_playwright

from catalog.generation.models import GenerationRequest, Proposal, ProposedText
from marketplace.accounts.models import SellerMember
from marketplace.models import Product
from marketplace.stack.browser import find as installed_browser
from tests.catalog.generation.proposals import DESCRIPTION, TITLE, make_lamp, propose
from tests.catalog.products import add_picture, make_seller

OPEN = Callable[..., Page]


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
def lamp(transactional_db: None) -> Product:
    product = make_lamp(make_seller("Harbour <i>Lane</i>"))
    add_picture(product, display="d/1.webp", thumbnail="t/1.webp")
    return product


@pytest.fixture
def text(lamp: Product) -> ProposedText:
    """A title to decide on, with three more texts beside it, one with something to check."""
    title = propose(lamp, text="Brass table lamp, 40 cm")
    Proposal.objects.update(made_at=timezone.now())
    for field, language, text, notes in (
        ("description", "", "A table lamp of brass, 45 cm high.", [{"kind": "number", "claim": "45"}]),
        ("attributes", "", "Height: 40 cm\nMaterial: Brass", []),
        ("title", "de", "Tischlampe aus Messing, 40 cm", []),
    ):
        source = {"title": TITLE, "description": DESCRIPTION, "attributes": ""}[field]
        ProposedText.objects.create(
            proposal=title.proposal, field=field, language=language, source=source, text=text, notes=notes
        )
    return title


@pytest.fixture
def open_page(browser: Browser, live_server: Any, lamp: Product) -> Iterator[OPEN]:
    """Return a function that opens a page as the seller; at the end, no script may have failed."""
    user = User.objects.create_user("pia@shop.example", password="a long password")
    SellerMember.objects.create(seller=lamp.seller, user=user)
    client = Client()
    client.force_login(user)
    cookie: Any = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    contexts, complaints = [], []

    def open_it(path: str, *, width: int = 1280, scripts: bool = True, for_axe: bool = False) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            java_script_enabled=scripts,
            base_url=live_server.url,
            bypass_csp=for_axe,
        )
        contexts.append(context)
        context.add_cookies([cookie])
        context.route(
            "**/media/**", lambda route: route.fulfill(status=200, content_type="image/svg+xml", body="<svg/>")
        )
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
        page.goto(path)
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert complaints == []


def focus_by_keyboard(page: Page, name: str) -> None:
    """Press Tab until the control of this name has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        held = page.evaluate(
            "() => [document.activeElement.textContent, ...[...(document.activeElement.labels || [])]"
            ".map((it) => it.textContent)].map((it) => it.trim().replace(/\\s+/g, ' '))"
        )
        if any(it.startswith(name) for it in held):
            return
    raise AssertionError(f"no way by keyboard to {name!r}")


@pytest.mark.parametrize("scripts", [True, False])
def test_texts_are_decided_on_by_keyboard_alone(open_page: OPEN, text: ProposedText, scripts: bool) -> None:
    page = open_page(reverse("seller-proposals"), scripts=scripts)

    if scripts:
        focus_by_keyboard(page, TITLE)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text(TITLE)
        focus_by_keyboard(page, "Title to accept")
        page.keyboard.press("End")
        page.keyboard.press("Control+End")
        page.keyboard.type(" high")
        focus_by_keyboard(page, "Accept the title")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_contain_text("Title: accepted")
        focus_by_keyboard(page, "Refuse the description")  # the next open text is where the page goes on
        page.keyboard.press("Enter")
    else:
        page.get_by_role("link", name=TITLE).click()
        page.get_by_label("Title to accept").fill("Brass table lamp, 40 cm high")
        page.get_by_role("button", name="Accept the title", exact=True).click()
        page.get_by_role("button", name="Refuse the description").click()
    expect(page.get_by_role("status")).to_contain_text("Description: refused")

    product = Product.objects.get(pk=text.proposal.product_id)
    assert product.edits == {"title": "Brass table lamp, 40 cm high"}
    assert product.description == DESCRIPTION


def test_progress_moves_by_itself_and_the_end_is_announced(open_page: OPEN, lamp: Product) -> None:
    request = GenerationRequest.objects.create(seller=lamp.seller, kinds=["title"], trigger="page")
    proposal = Proposal.objects.create(request=request, product=lamp)
    page = open_page(reverse("seller-generation", args=[request.pk]))
    expect(page.get_by_text("0 of 1 done")).to_be_visible()

    ProposedText.objects.create(proposal=proposal, field="title", text="Brass lamp", source=TITLE)
    Proposal.objects.update(state="ready")
    GenerationRequest.objects.update(finished_at=timezone.now())

    expect(page.get_by_role("link", name="Look at the proposals")).to_be_visible()
    expect(page.locator("#stage")).to_have_text("Finished: 1 with proposals, 0 failed.")


def test_no_page_has_a_fault_that_axe_finds_or_moves_sideways_on_a_phone(open_page: OPEN, text: ProposedText) -> None:
    old = propose(text.proposal.product, text="Old lamp")
    Proposal.objects.filter(pk=old.proposal_id).update(catalog_hash="older")
    done = propose(text.proposal.product, text="Taken", state="accepted", accepted_text="Taken")
    addresses = [
        reverse("seller-proposals"),
        reverse("seller-proposal", args=[text.proposal_id]),
        reverse("seller-proposal", args=[old.proposal_id]),
        reverse("seller-proposal", args=[done.proposal_id]),
        reverse("seller-generation", args=[text.proposal.request_id]),
        reverse("seller-ask-proposals"),
    ]
    page = open_page(addresses[0], width=360, for_axe=True)
    for address in addresses:
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
        found = Axe().run(page)
        assert found.violations_count == 0, f"{address}: {found.generate_report()}"
