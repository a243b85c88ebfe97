"""Trials: what rules set otherwise would do to the products that were judged, and making it so.

A trial goes through the products by jobs, one chunk each. When it is saved and the products are to be judged again, a
late pass looks at what changed while it ran, and then the products that were found are queued.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from jobs.batch import NewJob
from jobs.ledger import enqueue
from jobs.models import Priority
from marketplace.products import AWAY
from qc.models import RulesetRevision, RuleTrial, RuleTrialChange, Verdict
from qc.rule_comparing import CHUNK, Change, compare, figures_of, judged_products
from qc.rule_settings import Settings, differences, reduced, settings_as_json, settings_from
from qc.rules.ruleset import make_ruleset
from qc.rulesets import HELD_S, CannotSave, NothingChanged, ruleset_of, save_revision, settings_of

State = RuleTrial.State

KEPT = timedelta(days=30)
# Every process has the new rules by then, and nothing is judged by the old ones after the late pass looked.
LATE_S = HELD_S + 1


class NotTried(CannotSave):
    """The trial did not come to its end, so it is not known whom it concerns. Try again, or do not judge again."""


class AlreadySaved(CannotSave):
    """These settings were saved already."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one chunk of a trial found."""

    trial_id: int
    began_after: int
    ends_at: int
    looked_at: int
    changes: Sequence[Change]
    is_last: bool
    is_late: bool


def begin_trial(settings: Settings, *, base: RulesetRevision | None, user: User | None = None) -> RuleTrial:
    """Begin to look at what these settings would do; the user's earlier trial that still runs is stopped.

    Raises:
        NothingChanged: they say what the base says.
    """
    if not differences(settings_of(base), settings):
        raise NothingChanged
    with transaction.atomic():
        RuleTrial.objects.filter(made_at__lt=timezone.now() - KEPT).delete()
        if user is not None:
            mine = RuleTrial.objects.filter(made_by=user, state=State.RUNNING, revision=None)
            mine.update(state=State.STOPPED)
        trial = RuleTrial.objects.create(
            base=base,
            changes=settings_as_json(reduced(settings)),
            made_by=user,
            total=judged_products().count(),
        )
        enqueue(_look_job(trial.pk, after=0))
    return trial


def latest_trial(settings: Settings, *, base: RulesetRevision | None, user: User) -> RuleTrial | None:
    """Return the user's latest trial of just these settings, compared with the same rules."""
    tried = RuleTrial.objects.filter(made_by=user, base=base, changes=settings_as_json(reduced(settings)))
    return tried.exclude(state=State.STOPPED).first()


def look(trial_id: int, *, after: int, is_late: bool) -> Look | None:
    """Look at the next chunk of a trial; None where it does not run any more.

    Args:
        trial_id: the trial.
        after: the last product that was looked at.
        is_late: only at what changed since the trial began.
    """
    trial = RuleTrial.objects.select_related("base").filter(pk=trial_id).first()
    if trial is None or trial.state in (State.STOPPED, State.FAILED):
        return None
    rows = judged_products().filter(pk__gt=after)
    if is_late:
        rows = rows.filter(updated_at__gte=trial.made_at)
    products = list(rows[:CHUNK])
    tried = make_ruleset(settings_from(trial.changes))
    return Look(
        trial_id=trial_id,
        began_after=after,
        ends_at=products[-1].pk if products else after,
        looked_at=len(products),
        changes=compare(products, before=ruleset_of(trial.base), after=tried),
        is_last=len(products) < CHUNK,
        is_late=is_late,
    )


def record_look(found: Look) -> list[NewJob]:
    """Write down what a chunk found; return the jobs that follow. A second time nothing is counted twice."""
    trial = RuleTrial.objects.select_for_update().filter(pk=found.trial_id).first()
    if trial is None or trial.state in (State.STOPPED, State.FAILED):
        return []
    if not found.is_late and (trial.state != State.RUNNING or trial.after_id != found.began_after):
        return []
    RuleTrialChange.objects.bulk_create(
        [
            RuleTrialChange(
                trial=trial,
                product_id=it.product_id,
                kind=it.kind,
                before=it.before,
                after=it.after,
                codes=list(it.codes),
            )
            for it in found.changes
            if not it.is_held
        ],
        update_conflicts=True,
        unique_fields=["trial", "product"],
        update_fields=["kind", "before", "after", "codes"],
    )
    if not found.is_late:
        _count(trial, found)
    if not found.is_last:
        return [_look_job(trial.pk, after=found.ends_at, is_late=found.is_late)]
    if found.is_late:
        return [judging_job(trial.pk, after=0)]
    return [_late_job(trial.pk)] if trial.judges_again else []


def _count(trial: RuleTrial, found: Look) -> None:
    trial.after_id, trial.looked_at = found.ends_at, trial.looked_at + found.looked_at
    trial.figures = dict(Counter(trial.figures) + figures_of(found.changes))
    trial.total = max(trial.total, trial.looked_at)
    if found.is_last:
        trial.state = State.FINISHED
    trial.save(update_fields=["after_id", "looked_at", "figures", "total", "state"])


def give_up_trials(trial_ids: Collection[int]) -> None:
    """Say of trials that they will not come to their end."""
    RuleTrial.objects.filter(pk__in=trial_ids, state=State.RUNNING).update(state=State.FAILED)


def save_trial(
    trial_id: int, *, actor: str, note: str, judges_again: bool, user: User | None = None
) -> RulesetRevision:
    """Make the settings of a trial hold, and have the products that they concern judged again where that is wanted.

    It may still run: the products are then queued when it has come to its end.

    Raises:
        AlreadySaved, NotTried, qc.rulesets.CannotSave: see there.
        jobs.audit.ReasonMissing: the note is empty.
    """
    with transaction.atomic():
        trial = RuleTrial.objects.select_for_update().get(pk=trial_id)
        if trial.revision_id is not None:
            raise AlreadySaved
        if judges_again and trial.state in (State.STOPPED, State.FAILED):
            raise NotTried
        revision = save_revision(settings_from(trial.changes), base=trial.base_id, actor=actor, note=note, user=user)
        trial.revision, trial.judges_again = revision, judges_again
        trial.save(update_fields=["revision", "judges_again"])
        if judges_again and trial.state == State.FINISHED:
            enqueue(_late_job(trial.pk))
    return revision


def save_and_judge_again(settings: Settings, *, base: RulesetRevision | None, actor: str, note: str) -> RulesetRevision:
    """Make settings hold that nobody has tried, and have the products that they concern judged again; all or nothing.

    Raises:
        NothingChanged, qc.rulesets.CannotSave: see there.
        jobs.audit.ReasonMissing: the note is empty.
    """
    with transaction.atomic():
        trial = begin_trial(settings, base=base)
        return save_trial(trial.pk, actor=actor, note=note, judges_again=True)


def jobs_to_judge_again(trial_id: int, *, after: int) -> tuple[list[NewJob], NewJob | None]:
    """Return the jobs by which the next chunk of what a trial found is judged again, and the one that goes on."""
    rows = RuleTrialChange.objects.filter(trial=trial_id, pk__gt=after).exclude(product__status__in=AWAY)
    found = list(rows.select_related("trial", "product__seller").order_by("pk")[:CHUNK])
    queued = [
        NewJob(
            "quality-control",
            {"sync": it.product.last_sync_id, "product": it.product_id},
            tenant=it.product.seller.tenant,
            priority=Priority.LOW,
            key=f"rules:{it.trial.revision_id}:{it.product_id}",
        )
        for it in found
    ]
    return queued, judging_job(trial_id, after=found[-1].pk) if len(found) == CHUNK else None


def judged_again(trial: RuleTrial) -> int:
    """Count the products of a saved trial that were judged since, by its rules or later ones."""
    if trial.revision is None:
        return 0
    since = Verdict.objects.filter(product=OuterRef("product"), made_at__gte=trial.revision.made_at)
    return RuleTrialChange.objects.filter(Exists(since), trial=trial).count()


def judging_job(trial_id: int, *, after: int) -> NewJob:
    """Return the job that queues the next chunk of what a trial found."""
    payload = {"trial": trial_id, "after": after}
    return NewJob("apply-rules", payload, priority=Priority.LOW, key=f"{trial_id}:{after}")


def _look_job(trial_id: int, *, after: int, is_late: bool = False, delay_s: float = 0) -> NewJob:
    payload = {"trial": trial_id, "after": after, "late": is_late}
    key = f"{trial_id}:{'late' if is_late else 'all'}:{after}"
    return NewJob("try-rules", payload, priority=Priority.NORMAL, key=key, delay_s=delay_s)


def _late_job(trial_id: int) -> NewJob:
    return _look_job(trial_id, after=0, is_late=True, delay_s=LATE_S)
