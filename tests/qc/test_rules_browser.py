"""The rules in a real browser: by keys alone, wide and narrow, by day and night, without scripts."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings as django_settings
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from marketplace.models import Seller
from marketplace.stack.browser import find as installed_browser
from qc.models import RulesetRevision
from qc.rules.contract import Severity
from qc.rules.ruleset import Setting
from qc.rulesets import settings_of
from tests.qc.reviewing import control, make_flagged, make_product
from tests.qc.trying import run_jobs, save, tried

RULES = "/admin/qc/rules/"
TITLE = "text.title_too_long"


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
def products(transactional_db: None) -> None:
    """Products of two sellers that the rules judged: some flagged, some rejected, some with a long title."""
    cache.clear()
    for name in ("Harbour Lane", "Mill Quay"):
        seller = Seller.objects.create(name=name)
        for number in range(3):
            make_flagged(seller, title=f"Lamp {number} of {name}", sku=f"{name}-{number}")
        long = f"Table lamp of solid brass with a linen shade and a very long name, from {name}"
        plain = make_product(seller, title=long, price=Decimal(30), sku=f"{name}-9")
        control(plain, make_product(seller, title=f"A lamp from {name} without price", price=None, sku=f"{name}-10"))


@pytest.fixture
def desk_of(browser: Browser, live_server: Any, products: None) -> Iterator[Callable[..., Page]]:
    """Return a function that logs a rule maker in and opens a page; at the end no script may have failed."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_it(path: str = RULES, *, width: int = 1280, scripts: bool = True, **options: Any) -> Page:
        user, _ = User.objects.get_or_create(username="ana", defaults={"is_staff": True})
        codenames = ["change_rules", "view_rulesetrevision", "view_product", "view_seller", "review_product"]
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        client = Client()
        client.force_login(user)
        context = browser.new_context(
            viewport={"width": width, "height": 900}, java_script_enabled=scripts, base_url=live_server.url, **options
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


def press_on(page: Page, name: str, role: Any = "button") -> None:
    """Go to it by Tab alone, and press Enter."""
    wanted = page.get_by_role(role, name=name, exact=True)
    page.keyboard.press("Tab")
    for _ in range(400):
        if wanted.evaluate("it => it === document.activeElement"):
            break
        page.keyboard.press("Tab")
    expect(wanted).to_be_focused()
    page.keyboard.press("Enter")


def test_a_rule_is_tuned_tried_and_saved_by_keys_alone(desk_of: Callable[..., Page]) -> None:
    page = desk_of(f"{RULES}rule/{TITLE}/")
    field = page.get_by_label("Most chars (characters)")
    field.focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("0")
    press_on(page, "Take into the draft")
    expect(page.locator("#id_limit_most_chars_error")).to_contain_text("greater than or equal to")
    expect(field).to_have_attribute("aria-invalid", "true")
    field.focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("60")
    press_on(page, "Take into the draft")

    expect(page.get_by_text("most_chars 150 → 60 characters")).to_be_visible()
    press_on(page, "Try it on the products")
    expect(page.get_by_text("Looked at 0 of 10 products")).to_be_visible()
    run_jobs()
    expect(page.get_by_role("status")).to_have_text("It would change no verdict; other advice on 2.")
    expect(page.get_by_role("link", name="Table lamp of solid brass").first).to_be_visible()

    page.get_by_label("note").focus()
    page.keyboard.type("Long titles are cut on phones.")
    press_on(page, "Save: the rules hold so")
    expect(page.get_by_text("The products that it concerns are being judged again.")).to_be_visible()
    assert settings_of(RulesetRevision.objects.get()) == {TITLE: Setting(limits={"most_chars": 60.0})}


def test_without_scripts_all_is_done_by_forms(desk_of: Callable[..., Page]) -> None:
    page = desk_of(f"{RULES}rule/text.phone_number/", width=360, scripts=False)
    page.get_by_label("The rule is on").uncheck(force=True)
    page.get_by_role("button", name="Take into the draft").click()
    page.get_by_role("button", name="Try it on the products").click()
    run_jobs()
    page.get_by_role("link", name="Look again").click()
    expect(page.get_by_role("status")).to_have_text("It would change 6 verdicts: 6 newly approved.")
    page.get_by_label("note").fill("help lines are welcome")
    page.get_by_role("button", name="Save: the rules hold so").click()
    assert RulesetRevision.objects.count() == 1


def paths() -> list[str]:
    """Make one of each page, with all that it can show."""
    changed = {TITLE: Setting(severity=Severity.FLAG, limits={"most_chars": 99.0})}
    save(changed)
    changed["price.missing"] = Setting(severity=Severity.FLAG)
    save(changed)
    trial = tried(changed | {"text.phone_number": Setting(is_on=False)})
    return [
        RULES,
        f"{RULES}rule/{TITLE}/",
        f"{RULES}draft/",
        f"{RULES}trials/{trial.pk}/",
        f"{RULES}history/",
    ]


def draft_something(page: Page) -> None:
    page.goto(f"{RULES}rule/price.missing/")
    page.get_by_label("What it does to a product").select_option("reject")
    page.get_by_role("button", name="Take into the draft").click()
    expect(page.get_by_text("flag → reject")).to_be_visible()


def test_axe_finds_nothing_by_day_and_night(desk_of: Callable[..., Page]) -> None:
    shown = paths()
    page = desk_of(reduced_motion="reduce")
    draft_something(page)
    for path in shown:
        page.goto(path)
        for scheme in ("dark", "light") if path == shown[-2] else ("light",):
            page.emulate_media(color_scheme=scheme)
            found = Axe().run(page, context="#content")
            assert found.violations_count == 0, f"{path}, {scheme}: {found.generate_report()}"


def test_nothing_is_wider_than_a_phone_or_a_desk(desk_of: Callable[..., Page]) -> None:
    shown = paths()
    page = desk_of(width=360)
    draft_something(page)
    for path in shown:
        page.goto(path)
        for width in (360, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            right = page.locator(".rules").first.evaluate(
                "it => Math.max(it.getBoundingClientRect().right, it.scrollWidth)"
            )
            assert right <= width, (path, width)
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
