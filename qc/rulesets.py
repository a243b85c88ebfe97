"""The rules as staff have set them: the latest revision holds, in every process within two seconds."""

import time
from collections.abc import Mapping
from typing import Any

from qc.models import RulesetRevision
from qc.rules.contract import Severity
from qc.rules.ruleset import STANDARD, Ruleset, Setting, make_ruleset

HELD_S = 2.0

_held: tuple[float, Ruleset] = (float("-inf"), STANDARD)


def current_ruleset() -> Ruleset:
    """Return the rules that hold; a revision made elsewhere is seen within HELD_S."""
    global _held  # noqa: PLW0603 one a process
    looked_at, ruleset = _held
    if time.monotonic() - looked_at >= HELD_S:
        revision = RulesetRevision.objects.first()
        ruleset = STANDARD if revision is None else ruleset_of(revision)
        _held = (time.monotonic(), ruleset)
    return ruleset


def forget_ruleset() -> None:
    """Look again at the next question: for who has just made a revision, and for tests."""
    global _held  # noqa: PLW0603 one a process
    _held = (float("-inf"), STANDARD)


def ruleset_of(revision: RulesetRevision) -> Ruleset:
    """Return the rules as one revision sets them; what it says of rules that are no more is left out."""
    return make_ruleset(settings_from(revision.changes), revision=revision.pk)


def settings_from(stored: Mapping[str, Mapping[str, Any]]) -> dict[str, Setting]:
    """Return settings by code from their JSON."""
    return {
        code: Setting(
            is_on=bool(it.get("is_on", True)),
            severity=Severity(it["severity"]) if it.get("severity") else None,
            limits={name: float(value) for name, value in it.get("limits", {}).items()},
        )
        for code, it in stored.items()
    }


def settings_as_json(settings: Mapping[str, Setting]) -> dict[str, dict[str, Any]]:
    """Return the JSON of settings; what settings_from returns for it is equal to them."""
    return {
        code: {"is_on": it.is_on, "severity": it.severity, "limits": dict(it.limits)} for code, it in settings.items()
    }
