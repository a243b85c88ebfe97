"""Outcomes kept on disk while PostgreSQL is away, and settled when it is back.

A record is settled under the lease and the worker that it was made under, so once at most: when its jobs have gone to
another worker meanwhile it changes nothing. Its file goes only after the commit; a second replay changes nothing.
"""

import fcntl
import json
import logging
import os
import secrets
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import InterfaceError, OperationalError

from jobs.batch import Batch, ClaimedJob, Completed, Failed, NewJob, Outcome, Released
from jobs.effects import NamedEffect, named_effect
from jobs.errors import JobError, PermanentError, QuotaExceededError, RateLimitedError, RetryableError
from jobs.models import Priority
from jobs.registry import Task, get_task
from jobs.retry import Family, family_of
from jobs.sealing import opened, seal
from jobs.settlement import settle

logger = logging.getLogger(__name__)

VERSION = 1
_BASES: Mapping[Family, type[Exception]] = {
    Family.RETRYABLE: RetryableError,
    Family.RATE_LIMITED: RateLimitedError,
    Family.PERMANENT: PermanentError,
    Family.QUOTA: QuotaExceededError,
}


class CorruptRecord(ValueError):
    """A spooled record cannot be read."""


@dataclass(frozen=True, slots=True)
class Spooled:
    """A batch whose every job has an outcome, as it was left by the worker that ran it."""

    batch: Batch
    task: Task
    worker_id: int
    worker_name: str
    run_s: float


# --- to and from JSON ------------------------------------------------------------------------------
def encode_batch(
    batch: Batch, *, task: Task, worker_id: int, worker_name: str, run_s: float
) -> dict[str, Any] | None:
    """Return what settling the batch takes, as JSON; None when an effect is a closure, or something is no JSON.

    The record of a sensitive task is sealed.
    """
    if not all(isinstance(effect, NamedEffect) for effect in batch.effects):
        return None
    record = {
        "version": VERSION,
        "task": task.name,
        "worker_id": worker_id,
        "worker_name": worker_name,
        "run_s": run_s,
        "jobs": [asdict(job) for job in batch.jobs],
        "outcomes": {job.id: _encoded(batch.outcomes[job.id]) for job in batch.jobs},
        "effects": [asdict(effect) for effect in batch.effects if isinstance(effect, NamedEffect)],
    }
    try:
        json.dumps(record["effects"])  # strictly: an effect must find its data as it was
        encoded: dict[str, Any] = json.loads(json.dumps(record, cls=DjangoJSONEncoder))
    except (TypeError, ValueError):
        return None
    return seal(encoded) if task.is_sensitive else encoded


def decode(record: Any) -> Spooled:
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
        return Spooled(
            batch=Batch(jobs=jobs, outcomes=outcomes, effects=[*effects]),
            task=get_task(record["task"]),
            worker_id=record["worker_id"],
            worker_name=record["worker_name"],
            run_s=record["run_s"],
        )
    except (LookupError, TypeError, AttributeError, ValueError, JobError) as error:
        raise CorruptRecord(f"{type(error).__name__}: {error}") from error


def _encoded(outcome: Outcome) -> dict[str, Any]:
    match outcome:
        case Completed(result, then):
            return {"kind": "completed", "result": result, "then": [asdict(new) for new in then]}
        case Released(is_suspect):
            return {"kind": "released", "is_suspect": is_suspect}
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
            return Released(is_suspect=values["is_suspect"])
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


# --- to and from disk ------------------------------------------------------------------------------
def write(record: Mapping[str, Any]) -> Path:
    """Keep the record on disk, whole or not at all; return its file.

    Raises:
        OSError: the disk did not take it.
    """
    folder = _folder()
    path = folder / f"{time.time_ns():020}-{os.getpid()}-{secrets.token_hex(4)}.json"
    draft = path.with_suffix(".draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(record, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    _sync_folder(folder)
    return path


def has_records() -> bool:
    """Tell whether records wait on this host."""
    try:
        with os.scandir(settings.JOB_SPOOL_DIR) as entries:
            return any(entry.name.endswith(".json") for entry in entries)
    except FileNotFoundError:
        return False


def settle_spooled(spooled: Spooled) -> None:
    """Settle what a record says, for the jobs whose lease is still that of the record."""
    settled = settle(
        spooled.batch,
        task=spooled.task,
        worker_id=spooled.worker_id,
        worker_name=spooled.worker_name,
        run_s=spooled.run_s,
    )
    logger.info(
        "settled from the spool",
        extra={"task": spooled.task.name, "items": len(spooled.batch), "fenced": settled.fenced},
    )


def replay(settle_one: Callable[[Spooled], None] = settle_spooled) -> int:
    """Settle what waits on this host, oldest first; return how many records went. One process at a time does it.

    It stops where PostgreSQL is away again. A record that cannot be read or settled is put aside, in `bad/`.
    """
    if not has_records():
        return 0
    replayed = 0
    folder = _folder()
    with _alone(folder):
        for path in sorted(folder.glob("*.json")):
            try:
                settle_one(decode(json.loads(path.read_text())))
            except (OperationalError, InterfaceError) as error:
                logger.warning("the spool waits for PostgreSQL", extra={"error": str(error)})
                break
            except Exception:
                _set_aside(path)
            else:
                path.unlink()
                replayed += 1
    return replayed


def _set_aside(path: Path) -> None:
    bad = path.parent / "bad"
    bad.mkdir(mode=0o700, exist_ok=True)
    path.replace(bad / path.name)
    logger.exception("a spooled outcome cannot be settled: its jobs run again", extra={"file": str(bad / path.name)})


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until no other process of this host replays."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _folder() -> Path:
    folder = Path(settings.JOB_SPOOL_DIR)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
