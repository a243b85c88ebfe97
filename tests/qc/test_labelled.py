"""Rules on labelled listings: what they should find they find, and what they should pass they pass."""

from functools import cache

import pytest

from qc.rules.ruleset import BY_CODE, STANDARD
from tests.qc.labelled.cases import Origin, load
from tests.qc.labelled.scoring import LEAST_PRECISION, LEAST_RECALL, Scores, facts_of_case, score

ORIGINS: tuple[Origin, ...] = ("blind", "seen")


@cache
def scores_of(origin: Origin) -> Scores:
    return score(it for it in load(origin) if it.rule in BY_CODE)


@pytest.mark.parametrize("code", BY_CODE)
@pytest.mark.parametrize("origin", ORIGINS)
def test_each_rule_finds_what_it_should_and_little_else(origin: Origin, code: str) -> None:
    found = scores_of(origin).rules.get(code)
    if found is None:
        pytest.skip(f"{origin} has no labels for it")

    assert found.precision >= LEAST_PRECISION, f"wrong at {found.wrong}"
    assert found.recall >= LEAST_RECALL, f"missed at {found.missed}"


@pytest.mark.parametrize("origin", ORIGINS)
def test_no_sound_listing_is_rejected(origin: Origin) -> None:
    assert scores_of(origin).false_rejects == ()


@pytest.mark.parametrize("origin", ORIGINS)
def test_every_reason_is_a_sentence_with_something_to_do(origin: Origin) -> None:
    for case in load(origin):
        for reason in STANDARD.reasons_against(facts_of_case(case)):
            assert reason.message.strip() == reason.message != "", reason
            assert len(reason.message) <= 300, reason
            assert reason.remedy.endswith("."), reason
