"""Settings of rules: what people may write, what is left of it, and how two of them differ."""

from typing import Any

import pytest

from qc.rule_settings import (
    BadSettings,
    Difference,
    changed_codes,
    checked_settings,
    differences,
    reduced,
    settings_as_json,
    settings_from,
)
from qc.rules.contract import Severity
from qc.rules.ruleset import BY_CODE, RULES, Setting, make_ruleset

TITLE = "text.title_too_long"


@pytest.mark.parametrize("rule", RULES, ids=[it.code for it in RULES])
def test_a_rule_says_what_it_does_and_its_thresholds_have_room(rule: Any) -> None:
    assert rule.summary.endswith(".")
    assert rule.looks_at
    assert "{" not in rule.remedy.format(**rule.default_limits)
    assert all(it.least <= it.default <= it.most for it in rule.thresholds)
    assert all(it.least < it.most and it.calibration for it in rule.thresholds)
    assert len({it.name for it in rule.thresholds}) == len(rule.thresholds)


@pytest.mark.parametrize("bound", ["least", "most"])
def test_every_rule_works_at_the_ends_of_its_thresholds(bound: str) -> None:
    settings = {it.code: Setting(limits={x.name: getattr(x, bound) for x in it.thresholds}) for it in RULES}

    active = make_ruleset(settings).active

    assert [it.rule.code for it in active] == list(BY_CODE)
    assert all("{" not in it.remedy for it in active)


def test_codes_are_unique() -> None:
    assert len(BY_CODE) == len(RULES)


def test_what_is_as_it_comes_is_left_out() -> None:
    default = BY_CODE[TITLE].default_limits["most_chars"]
    settings = {
        TITLE: Setting(severity=BY_CODE[TITLE].severity, limits={"most_chars": default, "no_more": 3.0}),
        "price.missing": Setting(is_on=False),
        "no.more": Setting(is_on=False),
    }
    assert reduced(settings) == {"price.missing": Setting(is_on=False)}


def test_settings_survive_their_json() -> None:
    settings = {TITLE: Setting(severity=Severity.FLAG, limits={"most_chars": 99.0}), "price.missing": Setting(False)}
    assert settings_from(settings_as_json(settings)) == settings
    assert checked_settings(settings_as_json(settings)) == settings


def test_differences_are_told_in_words() -> None:
    after = {TITLE: Setting(severity=Severity.FLAG, limits={"most_chars": 99.0}), "price.missing": Setting(False)}

    assert changed_codes({}, after) == ["price.missing", TITLE]
    assert differences({}, after) == [
        Difference("price.missing", ("switched off",)),
        Difference(TITLE, ("advise → flag", "most_chars 150 → 99 characters")),
    ]
    assert differences(after, after) == []
    assert str(differences(after, {})[0]) == "price.missing: switched on"


@pytest.mark.parametrize(
    ("stored", "where", "problem"),
    [
        ([], "settings", "Give a JSON object"),
        ({"text.nonsense": {}}, "text.nonsense", "no such rule"),
        ({TITLE: 5}, TITLE, "Give an object"),
        ({TITLE: {"on": True}}, f"{TITLE} on", "no such setting"),
        ({TITLE: {"is_on": "yes"}}, f"{TITLE} is_on", "true or false"),
        ({TITLE: {"severity": "block"}}, f"{TITLE} severity", "reject, flag, advise"),
        ({TITLE: {"severity": ["flag"]}}, f"{TITLE} severity", "reject, flag, advise"),
        ({TITLE: {"limits": 5}}, f"{TITLE} limits", "Give an object"),
        ({TITLE: {"limits": {"least": 5}}}, f"{TITLE} least", "there are most_chars"),
        ({TITLE: {"limits": {"most_chars": "many"}}}, f"{TITLE} most_chars", "Give a number"),
        ({TITLE: {"limits": {"most_chars": True}}}, f"{TITLE} most_chars", "Give a number"),
        ({TITLE: {"limits": {"most_chars": float("nan")}}}, f"{TITLE} most_chars", "Give a number"),
        ({TITLE: {"limits": {"most_chars": 0}}}, f"{TITLE} most_chars", "not 0"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(stored: Any, where: str, problem: str) -> None:
    with pytest.raises(BadSettings) as refused:
        checked_settings(stored)
    assert list(refused.value.problems) == [where]
    assert problem in refused.value.problems[where]


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(BadSettings) as refused:
        checked_settings({"text.nonsense": {}, TITLE: {"is_on": 1, "limits": {"most_chars": -1}}})
    assert list(refused.value.problems) == ["text.nonsense", f"{TITLE} is_on", f"{TITLE} most_chars"]
