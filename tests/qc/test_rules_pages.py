"""The rules in the admin: seen, set otherwise, tried and saved, by who may."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.test import Client

from jobs.models import Audit, Job
from marketplace.models import Seller
from qc.models import RulesetRevision, RuleTrial, Verdict
from qc.rules.contract import Severity
from qc.rules.ruleset import RULES, Setting
from qc.rulesets import settings_of
from tests.qc.reviewing import make_flagged
from tests.qc.trying import NO_PHONES, run_jobs, save

pytestmark = pytest.mark.django_db
RULES_PAGE, DRAFT, HISTORY = "/admin/qc/rules/", "/admin/qc/rules/draft/", "/admin/qc/rules/history/"
PHONE = "/admin/qc/rules/rule/text.phone_number/"
AGAIN = "/admin/qc/rules/judge-again/"
TITLE = "/admin/qc/rules/rule/text.title_too_long/"
OFF = {"severity": "flag"}  # a switch that is off is not sent


def client_of(name: str, *codenames: str) -> Client:
    user = User.objects.create_user(name, password="a long password", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def ana() -> Client:
    cache.clear()
    return client_of("ana", "change_rules", "view_rulesetrevision", "view_product", "view_seller")


def text_of(client: Client, path: str, **query: Any) -> str:
    response = client.get(path, query)
    assert response.status_code == 200
    return response.content.decode()


def trial_of(client: Client) -> RuleTrial:
    response = client.post(DRAFT, {"act": "try"})
    trial = RuleTrial.objects.latest("pk")
    assert response["Location"] == f"/admin/qc/rules/trials/{trial.pk}/"
    return trial


def test_every_rule_is_listed_with_what_it_keeps_back(ana: Client) -> None:
    make_flagged(Seller.objects.create(name="Harbour Lane"))
    save({"text.title_too_long": Setting(severity=Severity.FLAG, limits={"most_chars": 99})})

    page = text_of(ana, RULES_PAGE)

    assert all(f'id="{it.code}"' in page for it in RULES)
    assert "<strong>99 characters</strong> (comes as 150)" in page
    assert page.count('data-label="products" class="rules-number">1</td>') == 1
    assert "“as agreed”" in page


def test_a_draft_is_tried_and_saved(ana: Client) -> None:
    product = make_flagged(Seller.objects.create(name="Harbour Lane"))
    assert ana.post(PHONE, OFF)["Location"] == DRAFT
    assert "switched off" in text_of(ana, DRAFT)
    assert "Your draft changes 1 rule" in text_of(ana, RULES_PAGE)

    trial = trial_of(ana)
    page = text_of(ana, f"/admin/qc/rules/trials/{trial.pk}/")
    assert "Looked at 0 of 1 products" in page
    assert f"trial {trial.pk}</a>" in text_of(ana, DRAFT)
    run_jobs()
    page = text_of(ana, f"/admin/qc/rules/trials/{trial.pk}/")
    assert "It would change 1 verdict: 1 newly approved." in page
    assert f"/admin/marketplace/product/{product.pk}/change/" in page
    assert "text.phone_number" in page

    saving = {"note": "too many help lines", "judges_again": "on"}
    assert ana.post(f"/admin/qc/rules/trials/{trial.pk}/save/", saving).status_code == 302
    revision = RulesetRevision.objects.get()
    assert settings_of(revision) == NO_PHONES
    assert (revision.made_by and revision.made_by.username, revision.note) == ("ana", "too many help lines")
    assert Audit.objects.get().subject == f"rules, revision {revision.pk}"
    assert "Your draft" not in text_of(ana, RULES_PAGE)
    assert "Judged again: 0 of 1" in text_of(ana, f"/admin/qc/rules/trials/{trial.pk}/")


def test_what_is_found_is_shown_in_parts(ana: Client) -> None:
    seller = Seller.objects.create(name="Harbour Lane")
    make_flagged(seller)
    ana.post(PHONE, OFF)
    trial = trial_of(ana)
    run_jobs()
    address = f"/admin/qc/rules/trials/{trial.pk}/"
    assert ">Lamp<" in text_of(ana, address, show="flagged>approved")
    assert ">Lamp<" not in text_of(ana, address, show="advice")
    assert "<html" not in ana.get(address, headers={"HX-Request": "true"}).content.decode()


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("0", "greater than or equal to"),
        ("1e9", "less than or equal to"),
        ("many", "Enter a number"),
        ("nan", "number"),
    ],
)
def test_a_threshold_is_checked_beside_its_field(ana: Client, value: str, problem: str) -> None:
    page = ana.post(TITLE, {"is_on": "on", "severity": "advise", "limit_most_chars": value}).content.decode()
    error = page.partition('id="id_limit_most_chars_error">')[2]
    assert problem in error[:120]
    assert ana.get(DRAFT).status_code == 302  # nothing was taken over


def test_a_rule_set_back_leaves_no_draft(ana: Client) -> None:
    ana.post(PHONE, OFF)
    assert ana.post(PHONE, {"act": "reset"})["Location"] == RULES_PAGE
    assert ana.get(DRAFT)["Location"] == RULES_PAGE


def test_the_second_of_two_who_save_is_told_and_takes_over_what_they_want(ana: Client) -> None:
    ana.post(PHONE, OFF)
    trial = trial_of(ana)
    run_jobs()
    save({"price.missing": Setting(severity=Severity.FLAG)})

    page = ana.post(f"/admin/qc/rules/trials/{trial.pk}/save/", {"note": "x"}).content.decode()

    assert "The rules were changed since: revision" in page
    assert RulesetRevision.objects.count() == 1
    assert "The rules were changed since you began" in text_of(ana, DRAFT)
    assert ana.post(DRAFT, {"act": "try"})["Location"] == DRAFT  # not before they are taken over
    ana.post(DRAFT, {"act": "take-over"})
    trial = trial_of(ana)
    assert ana.post(f"/admin/qc/rules/trials/{trial.pk}/save/", {"note": "both"}).status_code == 302
    assert list(settings_of(RulesetRevision.objects.first())) == ["price.missing", "text.phone_number"]


def test_saving_takes_a_note(ana: Client) -> None:
    ana.post(PHONE, OFF)
    trial = trial_of(ana)
    page = ana.post(f"/admin/qc/rules/trials/{trial.pk}/save/", {"note": " "}).content.decode()
    assert "This field is required." in page
    assert not RulesetRevision.objects.exists()


def test_the_history_tells_who_changed_what_and_leads_back(ana: Client) -> None:
    first = save(NO_PHONES)
    save({"price.missing": Setting(severity=Severity.FLAG)})

    page = text_of(ana, HISTORY)
    assert page.index("switched on") < page.index("switched off")
    assert "reject → flag" in page

    assert ana.post("/admin/qc/rules/history/back/", {"revision": first.pk})["Location"] == DRAFT
    trial = trial_of(ana)
    assert f"Back to revision {first.pk}" in text_of(ana, f"/admin/qc/rules/trials/{trial.pk}/")
    ana.post(f"/admin/qc/rules/trials/{trial.pk}/save/", {"note": "it was better"})
    assert settings_of(RulesetRevision.objects.first()) == NO_PHONES
    assert ana.post("/admin/qc/rules/history/back/", {})["Location"] == DRAFT


def test_a_draft_is_thrown_away(ana: Client) -> None:
    ana.post(PHONE, OFF)
    assert ana.post(DRAFT, {"act": "discard"})["Location"] == RULES_PAGE
    assert ana.get(DRAFT).status_code == 302


def test_who_may_only_look_sees_the_rules_and_changes_nothing() -> None:
    ben = client_of("ben", "view_rulesetrevision")
    assert "Change" not in text_of(ben, RULES_PAGE).partition("<main")[2]
    assert ben.get(HISTORY).status_code == 200
    for path in (PHONE, DRAFT):
        assert ben.get(path).status_code == 403
    assert ben.post("/admin/qc/rules/history/back/", {}).status_code == 403
    assert ben.post("/admin/qc/rules/trials/1/save/", {"note": "x"}).status_code == 403


def test_a_reviewer_without_the_permission_is_kept_out() -> None:
    cy = client_of("cy", "review_product")
    assert cy.get(RULES_PAGE).status_code == 403


def test_what_is_not_there_is_not_found(ana: Client) -> None:
    assert ana.get("/admin/qc/rules/rule/text.nonsense/").status_code == 404
    assert ana.get("/admin/qc/rules/trials/9999/").status_code == 404
    assert ana.post("/admin/qc/rules/history/back/", {"revision": 9999}).status_code == 404


def test_what_earlier_rules_judged_is_judged_again_from_the_page_of_the_rules(ana: Client) -> None:
    make_flagged(Seller.objects.create(name="Harbour Lane"))
    assert 'id="outdated"' not in text_of(ana, RULES_PAGE)
    Verdict.objects.update(rule_version="1.0")
    cache.clear()
    assert "1 product was judged by the rules of an earlier version" in text_of(ana, RULES_PAGE)
    assert "Judge it again…" in text_of(ana, RULES_PAGE)
    assert "Judge 1 product again" in text_of(ana, AGAIN)

    assert ana.post(AGAIN, {"reason": "after the upgrade"})["Location"] == RULES_PAGE

    page = text_of(ana, RULES_PAGE)
    assert "Judged again by the rules of now: 0 of 1 products" in page
    assert 'hx-get="/admin/qc/rules/outdated/"' in page
    assert "is being judged again" in page
    run_jobs()
    Job.objects.filter(task="index-product").update(state="completed")
    part = ana.get("/admin/qc/rules/outdated/", HTTP_HX_REQUEST="true").content.decode()
    assert "1 product was judged again for ana" in part
    assert "hx-get" not in part
    assert ana.get("/admin/qc/rules/outdated/")["Location"] == RULES_PAGE
    assert "there is nothing to judge again" in ana.post(AGAIN, {"reason": "x"}, follow=True).content.decode()


def test_only_who_may_change_rules_has_products_judged_again() -> None:
    cache.clear()
    make_flagged(Seller.objects.create(name="Harbour Lane"))
    Verdict.objects.update(rule_version="1.0")
    looker = client_of("ben", "view_rulesetrevision")
    page = text_of(looker, RULES_PAGE)
    assert "1 product was judged" in page
    assert "Judge it again" not in page
    assert looker.post(AGAIN, {"reason": "x"}).status_code == 403
