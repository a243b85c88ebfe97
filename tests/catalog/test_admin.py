"""Domains in the admin: what staff see of them and may do to them."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from catalog.politeness.domains import meet, settle_manners
from catalog.politeness.models import Domain
from catalog.politeness.tally import Sight
from jobs.models import Audit, Gate

pytestmark = pytest.mark.django_db
DOMAINS = "/admin/catalog/domain/"
WHY = {"reason": "Their <b>admin</b> rang."}


def make_domain(host: str = "shop.example", *, is_open: bool = True) -> Domain:
    manners = meet([f"https://{host}/"])
    manners.saw(host, Sight.ANSWERED, latency_s=0.2)
    for _ in range(3 if is_open else 0):
        manners.saw(host, Sight.BLOCKED, code="catalog.site_blocks", message="shows <i>a challenge</i>")
    settle_manners(manners)
    return Domain.objects.get(host=host)


@pytest.fixture
def office() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("ada"))
    return client


@pytest.fixture
def viewer() -> Client:
    vera = User.objects.create_user("vera", is_staff=True)
    vera.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client = Client()
    client.force_login(vera)
    return client


def text_of(answer: Any) -> str:
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_the_list_tells_state_pace_and_trouble(office: Client, django_assert_max_num_queries: Any) -> None:
    for number in range(20):
        make_domain(f"shop-{number}.example", is_open=number % 2 == 0)
    with django_assert_max_num_queries(12):
        page = text_of(office.get(DOMAINS))
    assert "shop-0.example" in page
    assert "75.0%\xa0of\xa04" in page
    assert "one\xa0every\xa01\xa0s" in page
    assert "shows &lt;i&gt;a challenge&lt;/i&gt;" in page
    assert page.count('material-symbols-outlined" aria-hidden="true">block<') == 10


def test_the_page_tells_the_story(office: Client) -> None:
    domain = make_domain()
    page = text_of(office.get(f"{DOMAINS}{domain.pk}/change/"))
    assert "<strong>opened</strong> No request until" in page
    assert "Nothing is asked until <time" in page
    assert f"/admin/jobs/gate/domain_3A{domain.host}/change/" in page
    Domain.objects.update(openings=9)
    assert "refuses for good" in text_of(office.get(f"{DOMAINS}{domain.pk}/change/"))
    for breaker in ("half_open", "closed"):
        Domain.objects.update(breaker=breaker, openings=0)
        text_of(office.get(f"{DOMAINS}{domain.pk}/change/"))


def test_staff_open_a_breaker_for_a_while(office: Client) -> None:
    domain = make_domain(is_open=False)
    address = f"{DOMAINS}{domain.pk}/open-breaker/"
    assert "Open the breaker: shop.example" in text_of(office.get(address))
    page = text_of(office.post(address, WHY | {"minutes": "30"}, follow=True))
    assert "Nothing is asked for 1800 s: Their &lt;b&gt;admin&lt;/b&gt; rang. (ada)" in page
    domain.refresh_from_db()
    assert domain.breaker == "open"
    assert 1790 < (domain.retry_at - timezone.now()).total_seconds() <= 1800
    assert Gate.objects.get(key="domain:shop.example").closed_until > timezone.now()
    audit = Audit.objects.get()
    assert (audit.actor, audit.action, audit.subject) == ("ada", "open breaker", "domain shop.example")


def test_staff_have_a_site_asked_again(office: Client) -> None:
    domain = make_domain()
    office.post(f"{DOMAINS}{domain.pk}/close/", WHY)
    domain.refresh_from_db()
    assert (domain.breaker, domain.failures_in_a_row, domain.retry_at) == ("closed", 0, None)
    gate = Gate.objects.get(key="domain:shop.example")
    assert (gate.closed_until, gate.max_in_flight) == (None, None)
    assert Audit.objects.get().action == "close breaker"


def test_staff_slow_a_site_down_and_take_that_back(office: Client) -> None:
    domain = make_domain(is_open=False)
    address = f"{DOMAINS}{domain.pk}/slow-down/"
    page = text_of(office.post(address, WHY | {"delay_s": "20"}, follow=True))
    assert "one\xa0every\xa020\xa0s" in page
    assert {gate.staff_rate_per_s for gate in Gate.objects.exclude(key__startswith="pictures")} == {0.05}
    office.post(address, WHY | {"delay_s": "0"})
    assert {gate.staff_rate_per_s for gate in Gate.objects.all()} == {None}
    assert Audit.objects.filter(action="slow down domain").count() == 2


def test_an_act_needs_a_reason(office: Client) -> None:
    domain = make_domain()
    assert "This field is required" in text_of(office.post(f"{DOMAINS}{domain.pk}/close/", {"reason": ""}))
    domain.refresh_from_db()
    assert domain.breaker == "open"
    assert not Audit.objects.exists()


def test_who_may_only_look_cannot_act(viewer: Client) -> None:
    domain = make_domain()
    text_of(viewer.get(DOMAINS))
    assert "Close the breaker" not in text_of(viewer.get(f"{DOMAINS}{domain.pk}/change/"))
    assert viewer.post(f"{DOMAINS}{domain.pk}/close/", WHY).status_code == 403
