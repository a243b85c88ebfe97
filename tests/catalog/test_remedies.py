"""What a seller can do about each reason."""

import pytest

from catalog.politeness.manners import DomainRefuses, DomainResting
from catalog.remedies import ANY, REMEDIES, remedy_for, told_problem
from catalog.replies import LoginRequired, PageNotFound, RequestRefused, SiteBlocks, SiteFailing, TooManyRequests
from jobs.errors import JobError
from marketplace.egress import AddressRefused


@pytest.mark.parametrize(
    "error",
    [
        AddressRefused,
        DomainRefuses,
        DomainResting,
        LoginRequired,
        PageNotFound,
        RequestRefused,
        SiteBlocks,
        SiteFailing,
        TooManyRequests,
    ],
)
def test_what_a_site_answers_has_a_remedy_of_its_own(error: type[JobError]) -> None:
    assert error.code in REMEDIES


def test_a_problem_is_told_with_its_remedy() -> None:
    told = told_problem(PageNotFound("https://shop.example/p/1 answers 404"))

    assert told == {
        "code": "catalog.page_not_found",
        "message": "https://shop.example/p/1 answers 404",
        "remedy": REMEDIES["catalog.page_not_found"],
    }
    assert remedy_for("catalog.new") == ANY
