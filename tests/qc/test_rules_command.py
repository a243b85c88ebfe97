"""`manage.py rules`."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command

from jobs.models import Audit, Job
from marketplace.models import Seller
from qc.models import RuleTrial, Verdict
from qc.rules.ruleset import RULES
from qc.rulesets import forget_ruleset, latest_revision
from tests.qc.reviewing import make_flagged
from tests.qc.trying import NO_PHONES, run_jobs, save

pytestmark = pytest.mark.django_db
OFF = {"text.phone_number": {"is_on": False}}


@pytest.fixture
def settings_file(tmp_path: Path) -> Path:
    path = tmp_path / "rules.json"
    path.write_text(json.dumps(OFF))
    return path


def rules(*args: Any) -> str:
    out = StringIO()
    call_command("rules", *map(str, args), stdout=out)
    return out.getvalue()


def test_rules_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    save(NO_PHONES)
    listed = json.loads(rules("list", "--json"))
    assert len(listed) == len(RULES)
    (phone,) = [it for it in listed if it["code"] == "text.phone_number"]
    assert (phone["is_on"], phone["is_changed"], phone["severity"]) == (False, True, "flag")
    rules("list")
    assert "as agreed" in capsys.readouterr().out


def test_trying_tells_what_would_change_and_writes_nothing(settings_file: Path) -> None:
    product = make_flagged(Seller.objects.create(name="Harbour Lane"))

    assert rules("try", settings_file).splitlines() == [
        f"product {product.pk}: flagged → approved, by text.phone_number",
        "It would change 1 verdict: 1 newly approved.",
    ]
    told = json.loads(rules("try", settings_file, "--json"))
    assert told["figures"] == {"flagged>approved": 1}
    assert [it["product"] for it in told["changes"]] == [product.pk]
    assert latest_revision() is None


def test_what_was_exported_can_be_imported(settings_file: Path) -> None:
    assert "revision" in rules("import", settings_file, "--note", "too many help lines", "--actor", "ana")
    (entry,) = Audit.objects.all()
    assert (entry.actor, entry.reason) == ("ana", "too many help lines")

    settings_file.write_text(rules("export"))
    with pytest.raises(CommandError, match="nothing to save"):
        rules("import", settings_file, "--note", "again")


def test_an_import_has_products_judged_again_where_that_is_asked(settings_file: Path) -> None:
    product = make_flagged(Seller.objects.create(name="Harbour Lane"))
    rules("import", settings_file, "--note", "x", "--judge-again")
    forget_ruleset()
    run_jobs()
    product.refresh_from_db()
    assert product.status == "pending"


def test_an_import_that_is_refused_leaves_no_trial(settings_file: Path) -> None:
    with pytest.raises(CommandError, match="Say why"):
        rules("import", settings_file, "--note", " ", "--judge-again")
    assert (RuleTrial.objects.count(), Job.objects.count()) == (0, 0)


def test_what_earlier_rules_judged_is_judged_again(capsys: pytest.CaptureFixture[str]) -> None:
    cache.clear()
    make_flagged(Seller.objects.create(name="Harbour Lane"))
    with pytest.raises(CommandError, match="nothing to judge again"):
        rules("judge-again", "--note", "after the upgrade")
    Verdict.objects.update(rule_version="1.0")
    cache.clear()
    rules("list")
    assert "the rules of an earlier version judged: 1 (see judge-again)" in capsys.readouterr().out

    assert "1 product is being judged again" in rules("judge-again", "--note", "an upgrade", "--actor", "ana")

    run_jobs()
    assert Verdict.objects.count() == 2
    assert Audit.objects.get().actor == "ana"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "is no JSON"),
        ('{"text.nonsense": {}}', "no such rule"),
        ('{"text.title_too_long": {"limits": {"most_chars": 0}}}', "not 0"),
    ],
)
def test_a_file_that_cannot_be_taken_is_refused_with_its_place(settings_file: Path, text: str, problem: str) -> None:
    settings_file.write_text(text)
    for verb in (["try", settings_file], ["import", settings_file, "--note", "x"]):
        with pytest.raises(CommandError, match=problem):
            rules(*verb)


def test_a_file_that_is_not_there_and_settings_that_hold_are_refused(settings_file: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        rules("try", "no-such-file.json")
    save(NO_PHONES)
    with pytest.raises(CommandError, match="nothing to try"):
        rules("try", settings_file)
