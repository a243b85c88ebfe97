"""Quality control under test: the rules as they come, until a test sets them otherwise."""

from collections.abc import Iterator

import pytest

from qc.rulesets import forget_ruleset


@pytest.fixture(autouse=True)
def _rules_as_they_come() -> Iterator[None]:
    forget_ruleset()
    yield
    forget_ruleset()
