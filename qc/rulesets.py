"""The rules as staff have set them: the latest revision holds, in every process within two seconds."""

import time

from django.contrib.auth.models import User
from django.db import connection, transaction

from jobs import audit
from qc.models import RulesetRevision
from qc.rule_settings import Settings, differences, reduced, settings_as_json, settings_from
from qc.rules.ruleset import STANDARD, Ruleset, Setting, make_ruleset

HELD_S = 2.0

_held: tuple[float, Ruleset] = (float("-inf"), STANDARD)


class CannotSave(ValueError):
    """The rules were not saved; the message says why, and what to do."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (self.__doc__ or "").strip().split("\n", 1)[0])


class RulesChanged(CannotSave):
    """Somebody else changed the rules meanwhile. Take your changes over to the rules of now, and try them again."""


class NothingChanged(CannotSave):
    """The rules already are so: there is nothing to save."""


def current_ruleset() -> Ruleset:
    """Return the rules that hold; a revision made elsewhere is seen within HELD_S."""
    global _held  # noqa: PLW0603 one a process
    looked_at, ruleset = _held
    if time.monotonic() - looked_at >= HELD_S:
        ruleset = ruleset_of(latest_revision())
        _held = (time.monotonic(), ruleset)
    return ruleset


def forget_ruleset() -> None:
    """Look again at the next question: for who has just made a revision, and for tests."""
    global _held  # noqa: PLW0603 one a process
    _held = (float("-inf"), STANDARD)


def latest_revision() -> RulesetRevision | None:
    """Return the revision that holds; None: the rules are as they come."""
    return RulesetRevision.objects.select_related("made_by").first()


def settings_of(revision: RulesetRevision | None) -> dict[str, Setting]:
    """Return how a revision sets the rules, as far as they differ from how they come."""
    return reduced(settings_from(revision.changes)) if revision else {}


def ruleset_of(revision: RulesetRevision | None) -> Ruleset:
    """Return the rules as one revision sets them; what it says of rules that are no more is left out."""
    return make_ruleset(settings_from(revision.changes), revision=revision.pk) if revision else STANDARD


def save_revision(
    settings: Settings, *, base: int | None, actor: str, note: str, user: User | None = None
) -> RulesetRevision:
    """Make these settings hold from now on, with an entry in the audit log.

    Args:
        settings: of all rules; one that is not named is as it comes.
        base: the revision that they were made from; None: the rules as they come.
        actor: who, for the audit log.
        note: why; the history shows it.
        user: the member of staff, where it is one.

    Raises:
        RulesChanged: another revision holds by now.
        NothingChanged: it would say the same.
        jobs.audit.ReasonMissing: the note is empty.
    """
    with transaction.atomic():
        _hold_revisions()
        latest = latest_revision()
        if (latest.pk if latest else None) != base:
            raise RulesChanged
        changed = differences(settings_of(latest), settings)
        if not changed:
            raise NothingChanged
        revision = RulesetRevision.objects.create(
            changes=settings_as_json(reduced(settings)), note=note.strip(), made_by=user
        )
        audit.record(
            actor=actor,
            action="change rules",
            subject=f"rules, revision {revision.pk}",
            reason=note,
            matching={it.code: list(it.lines) for it in changed},
            count=len(changed),
        )
        transaction.on_commit(forget_ruleset)
    return revision


def _hold_revisions() -> None:
    """Let nobody else make a revision until this transaction ends: two would follow the same one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('qc.rulesets'))")
