"""Whether the promise was kept: a judgement of facts, without a clock and without a database."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tests.chaos.facts import Facts, JobFact

FINAL = {"completed", "failed", "dead", "cancelled"}
QUARANTINED = "jobs.quarantined"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found, in jobs but for `duplicate_effects`, which counts rows; `examples` says which ones."""

    jobs: int
    lost: int
    duplicate_effects: int
    stuck: int
    wrong_ends: int
    stores_differ: int
    quarantined: int
    handler_reruns: int
    examples: dict[str, list[str]]

    @property
    def is_kept(self) -> bool:
        """Tell whether the promise was kept."""
        return not (self.lost or self.duplicate_effects or self.stuck or self.wrong_ends or self.stores_differ)


def judge(facts: Facts) -> Verdict:
    """Judge a run.

    lost: an accepted job that the ledger does not know, or a final one whose effect or follow-up is missing.
    duplicate effects: rows of effect beyond the one of each job, and of each subject.
    stuck: jobs that are not final.
    wrong ends: jobs that ended otherwise than their kind must; quarantine, after three killed workers, is right.
    stores differ: subjects that are in one store and not in the other.
    """
    quarantined = {job.id for job in facts.jobs if _is_quarantined(job)}
    lost = _lost(facts, quarantined)
    duplicates = _duplicates(facts)
    stuck = [f"{job.id} {job.state}" for job in facts.jobs if job.state not in FINAL]
    wrong = [f"{job.id} {job.do} {job.state}" for job in facts.jobs if _ended_wrongly(job)]
    differing = _differing(facts, quarantined)
    return Verdict(
        jobs=len(facts.jobs),
        lost=len(lost),
        duplicate_effects=sum(duplicates.values()),
        stuck=len(stuck),
        wrong_ends=len(wrong),
        stores_differ=len(differing),
        quarantined=len(quarantined),
        handler_reruns=sum(max(0, facts.runs.get(job.id, 0) - job.runs_counted) for job in facts.jobs),
        examples=_examples(lost=lost, duplicate=list(duplicates), stuck=stuck, wrong=wrong, differing=differing),
    )


def _is_quarantined(job: JobFact) -> bool:
    return job.state == "dead" and job.error_code == QUARANTINED


def _ended_wrongly(job: JobFact) -> bool:
    expected = "failed" if job.do == "fail" else "completed"
    return job.state in FINAL and job.state != expected and not _is_quarantined(job)


def _lost(facts: Facts, quarantined: set[int]) -> list[str]:
    known = {job.id for job in facts.jobs}
    subjects = {job.subject for job in facts.jobs}
    lost = [f"{job_id} is not in the ledger" for job_id in sorted(facts.accepted - known)]
    for job in facts.jobs:
        if job.state not in FINAL:
            continue
        if (job.id, _effect_of(job)) not in facts.effects:
            lost.append(f"{job.id} {job.state} without effect")
        if job.do == "follow" and job.state == "completed" and f"after {job.subject}" not in subjects:
            lost.append(f"{job.id} without follow-up")
    return lost + [
        f"group {name} without follow-up" for name in sorted(facts.groups) if f"after {name}" not in subjects
    ]


def _effect_of(job: JobFact) -> str:
    return job.subject if job.state == "completed" else f"gave up {job.subject}"


def _duplicates(facts: Facts) -> Counter[str]:
    by_subject: Counter[str] = Counter()
    for (_, subject), count in facts.effects.items():
        by_subject[subject] += count
    expected = Counter(_effect_of(job) for job in facts.jobs if job.state in FINAL)
    unasked = by_subject - Counter(dict.fromkeys(expected, 1))
    return Counter({subject: count for subject, count in unasked.items() if count > 0})


def _differing(facts: Facts, quarantined: set[int]) -> list[str]:
    done = {job.subject for job in facts.jobs if job.state == "completed"}
    # A quarantined job may have written to the second store before its worker was killed, as its handler was told to.
    excused = {job.subject for job in facts.jobs if job.id in quarantined}
    return sorted((done ^ facts.things.keys()) - excused)


def _examples(**found: Sequence[str]) -> dict[str, list[str]]:
    return {name: list(entries[:10]) for name, entries in found.items() if entries}


def percentile(values: Sequence[float], share: float) -> float | None:
    """Return the smallest value that `share` of the values do not exceed; None of none."""
    return sorted(values)[math.ceil(share * len(values)) - 1] if values else None
