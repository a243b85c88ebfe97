"""Rules on labelled listings: what they should find they find, and what they should pass they pass."""

from functools import cache

import pytest

from qc.rules.ruleset import BY_CODE
from tests.qc.labelled.cases import Origin, load
from tests.qc.labelled.scoring import LEAST_PRECISION, LEAST_RECALL, Scores, score

ORIGINS: tuple[Origin, ...] = ("blind", "seen")


@cache
def scores_of(origin: Origin) -> Scores:
    return score(load(origin, rules=frozenset(BY_CODE)))


@pytest.mark.parametrize("code", BY_CODE)
@pytest.mark.parametrize("origin", ORIGINS)
def test_each_rule_finds_what_it_should_and_little_else(origin: Origin, code: str) -> None:
    found = scores_of(origin).rules[code]

    assert found.precision >= LEAST_PRECISION, f"wrong at {found.wrong}"
    assert found.recall >= LEAST_RECALL, f"missed at {found.missed}"


@pytest.mark.parametrize("origin", ORIGINS)
def test_no_sound_listing_is_rejected(origin: Origin) -> None:
    assert scores_of(origin).false_rejects == ()
