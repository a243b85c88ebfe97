"""Batches as JSON: what settling one takes, so that another process can do it later."""

import json
import traceback
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from jobs.batch import Batch, ClaimedJob, Completed, Failed, NewJob, Outcome, Released
from jobs.effects import NamedEffect, named_effect
from jobs.errors import JobError, PermanentError, QuotaExceededError, RateLimitedError, RetryableError
from jobs.models import Priority
from jobs.registry import Task, get_task
from jobs.retry import Family, family_of
from jobs.sealing import opened, seal

VERSION = 1
_BASES: Mapping[Family, type[Exception]] = {
    Family.RETRYABLE: RetryableError,
    Family.RATE_LIMITED: RateLimitedError,
    Family.PERMANENT: PermanentError,
    Family.QUOTA: QuotaExceededError,
}


class CorruptRecord(ValueError):
    """A record of a batch cannot be read."""


@dataclass(frozen=True, slots=True)
class Record:
    """A batch whose every job has an outcome, as it was left by the worker that ran it."""

    batch: Batch
    task: Task
    worker_name: str
    run_s: float


def encode_batch(batch: Batch, *, task: Task, worker_name: str, run_s: float) -> dict[str, Any] | None:
    """Return what settling the batch takes, as JSON; None when an effect is a closure, or something is no JSON.

    The record of a sensitive task is sealed.
    """
    if not all(isinstance(effect, NamedEffect) for effect in batch.effects):
        return None
    record = {
        "version": VERSION,
        "task": task.name,
        "worker_name": worker_name,
        "run_s": run_s,
        "jobs": [{**asdict(job), "claimed_at": job.claimed_at.isoformat()} for job in batch.jobs],
        "outcomes": {job.id: _encoded(batch.outcomes[job.id]) for job in batch.jobs},
        "effects": [asdict(effect) for effect in batch.effects if isinstance(effect, NamedEffect)],
    }
    try:
        json.dumps(record["effects"])  # strictly: an effect must find its data as it was
        encoded: dict[str, Any] = json.loads(json.dumps(record, cls=DjangoJSONEncoder))
    except (TypeError, ValueError):
        return None
    return seal(encoded) if task.sensitive else encoded


def decode(record: Any) -> Record:
    """Return the batch of a record.

    Raises:
        CorruptRecord: it is not a record, or names a task or an effect that is not declared here.
    """
    try:
        record = opened(record)
        if record["version"] != VERSION:
            raise CorruptRecord(f"version {record['version']} is not {VERSION}")
        jobs = [_job(values) for values in record["jobs"]]
        outcomes = {int(job_id): _outcome(values) for job_id, values in record["outcomes"].items()}
        if outcomes.keys() != {job.id for job in jobs}:
            raise CorruptRecord("its outcomes are not those of its jobs")
        effects = [named_effect(values["name"], values["data"]) for values in record["effects"]]
        return Record(
            batch=Batch(jobs=jobs, outcomes=outcomes, effects=[*effects]),
            task=get_task(record["task"]),
            worker_name=record["worker_name"],
            run_s=record["run_s"],
        )
    except (LookupError, TypeError, AttributeError, ValueError, JobError) as error:
        raise CorruptRecord(f"{type(error).__name__}: {error}") from error


def _encoded(outcome: Outcome) -> dict[str, Any]:
    match outcome:
        case Completed(result, then):
            return {"kind": "completed", "result": result, "then": [asdict(new) for new in then]}
        case Released(is_suspect, is_gated):
            return {"kind": "released", "is_suspect": is_suspect, "is_gated": is_gated}
        case Failed(error):
            return {"kind": "failed", **_encoded_error(error)}


def _encoded_error(error: BaseException) -> dict[str, Any]:
    kept = {name: value for name, value in vars(error).items() if isinstance(value, str | int | float | None)}
    return {
        "family": family_of(error),
        "name": type(error).__name__,
        "module": type(error).__module__,
        "code": getattr(error, "code", ""),
        "message": str(error),
        "attributes": kept,
        "traceback": "".join(traceback.format_exception(error)),
    }


def _job(values: Mapping[str, Any]) -> ClaimedJob:
    known = _known(ClaimedJob, values)
    known["priority"] = Priority(known["priority"])
    known["claimed_at"] = datetime.fromisoformat(known["claimed_at"])
    return ClaimedJob(**known)


def _outcome(values: Mapping[str, Any]) -> Outcome:
    match values["kind"]:
        case "completed":
            return Completed(result=values["result"], then=[_new_job(new) for new in values["then"]])
        case "released":
            return Released(is_suspect=values["is_suspect"], is_gated=values.get("is_gated", False))
        case "failed":
            return Failed(_error(values))
    raise CorruptRecord(f"no outcome is of the kind {values['kind']!r}")


def _new_job(values: Mapping[str, Any]) -> NewJob:
    known = _known(NewJob, values)
    priority = known.get("priority")
    known["priority"] = None if priority is None else Priority(priority)
    return NewJob(**known)


def _error(values: Mapping[str, Any]) -> Exception:
    """Return an error of the same family, name, code and message, with the first one's traceback as a note."""
    family = Family(values["family"])
    base = _BASES.get(family, Exception)
    body = {"__module__": values["module"]} | ({"code": values["code"]} if family in _BASES else {})
    error: Exception = type(values["name"], (base,), body)(values["message"])
    for name, value in values["attributes"].items():
        setattr(error, name, value)
    error.add_note(values["traceback"])
    return error


def _known(kind: type[ClaimedJob | NewJob], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that this version of the class has fields for."""
    names = {field.name for field in fields(kind)}
    return {name: value for name, value in values.items() if name in names}
