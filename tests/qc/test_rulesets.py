"""Revisions of the rules: one after the other, each with who and why."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from jobs.audit import ReasonMissing
from jobs.models import Audit
from qc.models import RulesetRevision
from qc.rule_drafts import changes_in, draft_back_to, draft_from, is_outdated, new_draft, taken_over
from qc.rule_settings import Difference
from qc.rules.contract import Severity
from qc.rules.ruleset import STANDARD, Setting
from qc.rulesets import NothingChanged, RulesChanged, current_ruleset, forget_ruleset, latest_revision, save_revision
from tests.qc.reviewing import make_reviewer
from tests.qc.trying import NO_PHONES, save

pytestmark = pytest.mark.django_db
FLAGGED = {"price.missing": Setting(severity=Severity.FLAG)}


def test_a_revision_holds_once_it_is_saved(django_capture_on_commit_callbacks: Any) -> None:
    assert current_ruleset() is STANDARD
    with django_capture_on_commit_callbacks(execute=True):
        revision = save(NO_PHONES, user=make_reviewer("ana"))

    active = current_ruleset().active
    assert len(active) == len(STANDARD.active) - 1
    assert current_ruleset().version.endswith(f".{revision.pk}")
    assert latest_revision() == revision
    (entry,) = Audit.objects.all()
    assert (entry.actor, entry.action, entry.count) == ("ana", "change rules", 1)
    assert (entry.reason, entry.filter) == ("as agreed", {"text.phone_number": ["switched off"]})


def test_only_the_first_of_two_who_began_from_the_same_rules_may_save() -> None:
    first = save(NO_PHONES)
    with pytest.raises(RulesChanged):
        save_revision(FLAGGED, base=None, actor="ben", note="too late")
    assert RulesetRevision.objects.get() == first
    assert Audit.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_who_save_at_the_same_moment_one_is_told() -> None:
    def save_it(settings: dict[str, Setting]) -> str:
        try:
            save_revision(settings, base=None, actor="x", note="at once")
        except RulesChanged:
            return "told"
        finally:
            connection.close()
        return "saved"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(save_it, (NO_PHONES, FLAGGED))) == ["saved", "told"]
    assert RulesetRevision.objects.count() == 1


def test_nothing_is_saved_without_a_change_or_a_reason() -> None:
    with pytest.raises(NothingChanged):
        save({"price.missing": Setting(severity=Severity.REJECT)})
    with pytest.raises(ReasonMissing):
        save_revision(NO_PHONES, base=None, actor="ana", note=" ")
    assert not RulesetRevision.objects.exists()


def test_a_revision_says_only_what_differs_from_how_rules_come() -> None:
    revision = save({**NO_PHONES, "price.missing": Setting(severity=Severity.REJECT)})
    assert revision.changes == {"text.phone_number": {"is_on": False, "severity": None, "limits": {}}}


def test_a_draft_survives_the_session_and_says_what_it_changes() -> None:
    save(FLAGGED)
    draft = draft_from(new_draft().with_rule("text.phone_number", Setting(is_on=False)).as_json())

    assert changes_in(draft) == [Difference("text.phone_number", ("switched off",))]
    assert draft.settings == {**FLAGGED, **NO_PHONES}
    assert not is_outdated(draft)


def test_an_outdated_draft_is_taken_over_to_the_rules_of_now() -> None:
    mine = new_draft().with_rule("text.phone_number", Setting(is_on=False))
    save({**FLAGGED, "text.phone_number": Setting(severity=Severity.ADVISE)})
    assert is_outdated(mine)

    draft = taken_over(mine)

    assert not is_outdated(draft)
    assert draft.settings == {**FLAGGED, **NO_PHONES}
    assert [it.code for it in changes_in(draft)] == ["text.phone_number"]


def test_one_can_go_back_to_an_earlier_revision_and_to_how_rules_come() -> None:
    first = save(NO_PHONES)
    save(FLAGGED)

    back = draft_back_to(first)
    assert (back.settings, back.note) == (NO_PHONES, f"Back to revision {first.pk}")
    assert [it.code for it in changes_in(back)] == ["price.missing", "text.phone_number"]
    assert draft_back_to(None).settings == {}


def test_what_a_removed_rule_was_set_to_does_no_harm() -> None:
    RulesetRevision.objects.create(
        changes={
            "text.no_more": {"is_on": False},
        }
    )
    forget_ruleset()
    assert current_ruleset().active == STANDARD.active
    assert new_draft().settings == {}
