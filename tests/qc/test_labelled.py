"""Rules on labelled listings: what they should find they find, and what they should pass they pass."""

from functools import cache
from typing import get_args

import pytest

from qc.rules.ruleset import BY_CODE
from tests.qc.labelled.cases import Origin, load
from tests.qc.labelled.scoring import LEAST_PRECISION, LEAST_RECALL, Judged, Scores, judge, score

ORIGINS: tuple[Origin, ...] = get_args(Origin)


@cache
def judged(origin: Origin) -> list[Judged]:
    """Draw and judge the listings of an origin once; a file's tests share a process."""
    return judge(load(origin, rules=frozenset(BY_CODE)))


@cache
def scores_of(origin: Origin) -> Scores:
    return score(judged(origin))


@pytest.mark.parametrize("code", BY_CODE)
@pytest.mark.parametrize("origin", ORIGINS)
def test_each_rule_finds_what_it_should_and_little_else(origin: Origin, code: str) -> None:
    found = scores_of(origin).rules[code]

    assert found.precision >= LEAST_PRECISION, f"wrong at {found.wrong}"
    assert found.recall >= LEAST_RECALL, f"missed at {found.missed}"


@pytest.mark.parametrize("origin", ORIGINS)
def test_no_sound_listing_is_rejected(origin: Origin) -> None:
    assert scores_of(origin).false_rejects == ()


@pytest.mark.parametrize("origin", ORIGINS)
def test_every_reason_is_a_sentence_with_something_to_do(origin: Origin) -> None:
    for reason in (reason for it in judged(origin) for reason in it.reasons):
        assert reason.message.strip() == reason.message != "", reason
        assert len(reason.message) <= 300, reason
        assert reason.remedy.endswith("."), reason
