"""A draft: rules set otherwise, neither tried nor saved yet, and the revision that it began from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from qc.models import RulesetRevision
from qc.rule_settings import (
    AS_IT_COMES,
    Difference,
    changed_codes,
    differences,
    reduced,
    settings_as_json,
    settings_from,
)
from qc.rules.ruleset import Setting
from qc.rulesets import latest_revision, settings_of


@dataclass(frozen=True, slots=True)
class Draft:
    """How the rules shall be.

    Args:
        base: the revision that it began from; None: the rules as they come.
        settings: of all rules, as far as they differ from how they come.
        note: what to begin the note with, when it is saved.
    """

    base: int | None
    settings: Mapping[str, Setting] = field(default_factory=dict)
    note: str = ""

    def with_rule(self, code: str, setting: Setting) -> "Draft":
        """Return the draft with one rule set otherwise."""
        return Draft(self.base, reduced({**self.settings, code: setting}), self.note)

    def as_json(self) -> dict[str, Any]:
        """Return its JSON, for the session."""
        return {"base": self.base, "settings": settings_as_json(self.settings), "note": self.note}


def new_draft() -> Draft:
    """Begin from the rules that hold."""
    latest = latest_revision()
    return Draft(latest.pk if latest else None, settings_of(latest))


def draft_from(stored: Mapping[str, Any] | None) -> Draft:
    """Return the draft of a session, or a new one."""
    if not stored:
        return new_draft()
    return Draft(stored["base"], reduced(settings_from(stored["settings"])), stored.get("note", ""))


def draft_back_to(revision: RulesetRevision | None) -> Draft:
    """Return a draft that sets the rules as an earlier revision did, or as they come."""
    latest = latest_revision()
    to = f"revision {revision.pk}" if revision else "the rules as they come"
    return Draft(latest.pk if latest else None, settings_of(revision), f"Back to {to}")


def is_outdated(draft: Draft) -> bool:
    """Tell whether another revision holds than the one that the draft began from."""
    latest = latest_revision()
    return (latest.pk if latest else None) != draft.base


def changes_in(draft: Draft) -> list[Difference]:
    """Tell what the draft changes of the revision that it began from."""
    return differences(_base_settings(draft), draft.settings)


def taken_over(draft: Draft) -> Draft:
    """Return the draft's changes as changes of the rules that hold; where both changed a rule, the draft's holds."""
    fresh = new_draft()
    changed = changed_codes(_base_settings(draft), draft.settings)
    mine = {code: draft.settings.get(code, AS_IT_COMES) for code in changed}
    return Draft(fresh.base, reduced({**fresh.settings, **mine}), draft.note)


def base_of(draft: Draft) -> RulesetRevision | None:
    """Return the revision that a draft began from; None: the rules as they come."""
    return None if draft.base is None else RulesetRevision.objects.get(pk=draft.base)


def _base_settings(draft: Draft) -> dict[str, Setting]:
    return settings_of(base_of(draft))
