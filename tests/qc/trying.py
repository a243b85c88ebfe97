"""Rules tried and saved, for tests."""

from typing import Any

from jobs.execution import run_once
from jobs.models import Job, Worker
from jobs.session import Session, set_current_session
from qc.models import RulesetRevision, RuleTrial
from qc.rule_trials import begin_trial
from qc.rules.ruleset import Setting
from qc.rulesets import latest_revision, save_revision

NO_PHONES = {"text.phone_number": Setting(is_on=False)}


def run_jobs(*, queue: str = "quality-control") -> list[str]:
    """Run what waits on the queue until nothing is due or delayed; return the tasks that ran, in order."""
    session = Session(name="runner", queues=[queue])
    session.worker_id = Worker.objects.create(name="runner", hostname="here", pid=1, queues=[queue]).pk
    set_current_session(session)
    seen = set(Job.objects.filter(state="completed").values_list("pk", flat=True))
    try:
        while True:
            Job.objects.filter(state="scheduled").update(state="pending")
            if not run_once(queue, session=session, limit=64):
                break
    finally:
        set_current_session(None)
    ran = Job.objects.filter(state="completed").exclude(pk__in=seen).order_by("finished_at", "pk")
    return list(ran.values_list("task", flat=True))


def save(settings: dict[str, Setting], **fields: Any) -> RulesetRevision:
    """Make settings hold, from the revision that holds."""
    latest = latest_revision()
    return save_revision(settings, base=latest.pk if latest else None, actor="ana", note="as agreed", **fields)


def tried(settings: dict[str, Setting], **fields: Any) -> RuleTrial:
    """Try settings on all products that were judged."""
    trial = begin_trial(settings, base=latest_revision(), **fields)
    run_jobs()
    trial.refresh_from_db()
    return trial
