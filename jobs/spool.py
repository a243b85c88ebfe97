"""Outcomes on disk while PostgreSQL is away.

A worker that cannot settle waits, and keeps what it has done in a file as well. It discards the file when it has
settled after all. When it dies before that, another worker of the host settles from the file, under the leases that
stand there: when the jobs have gone to others meanwhile nothing changes, and a second time changes nothing either.
"""

import fcntl
import json
import logging
import os
import secrets
import time
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path

from django.conf import settings
from django.db import InterfaceError, OperationalError, connections

from jobs.batch import Batch
from jobs.batch_records import Record, decode, encode_batch
from jobs.registry import Task
from jobs.settlement import settle

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Spooled:
    """A file with a batch's outcome. It is locked while the process that wrote it lives and may settle it itself."""

    path: Path
    file: TextIOWrapper

    def discard(self) -> None:
        """Remove it: it was settled."""
        self.path.unlink(missing_ok=True)
        self.file.close()


def spool_batch(batch: Batch, *, task: Task, worker_name: str, run_s: float) -> Spooled | None:
    """Keep what the batch came to, whole or not at all; None where that cannot be: its jobs may have to run again.

    It cannot where an effect is a closure (see `jobs.effects`), something is no JSON, or the disk takes no more.
    """
    record = encode_batch(batch, task=task, worker_name=worker_name, run_s=run_s)
    if record is None:
        logger.warning("the outcome cannot be kept on disk", extra={"task": task.name, "items": len(batch)})
        return None
    try:
        return _write(json.dumps(record))
    except OSError:
        logger.exception("the outcome was not kept on disk", extra={"task": task.name, "items": len(batch)})
        return None


def replay() -> int:
    """Settle what dead workers of this host have left, oldest first; return how many files went.

    It stops where PostgreSQL is away again. What cannot be read or settled is put aside, in `bad/`.
    """
    replayed = 0
    for path in _files():
        try:
            with path.open() as file:
                if not _is_free(file):
                    continue
                _settle(decode(json.loads(file.read())))
                path.unlink(missing_ok=True)
        except FileNotFoundError:  # another worker was faster
            continue
        except (OperationalError, InterfaceError) as error:
            logger.warning("the spool waits for PostgreSQL", extra={"error": str(error)})
            break
        except Exception:  # noqa: BLE001 whatever it is, it is put aside loudly
            _set_aside(path)
        else:
            replayed += 1
    return replayed


def replay_in_thread() -> None:
    """Replay in a thread of its own, and leave no connection behind."""
    try:
        replay()
    finally:
        connections.close_all()


def _settle(record: Record) -> None:
    settled = settle(record.batch, task=record.task, worker_name=record.worker_name, run_s=record.run_s)
    logger.info(
        "settled from the spool",
        extra={"task": record.task.name, "items": len(record.batch), "fenced": settled.fenced},
    )


def _files() -> list[Path]:
    folder = Path(settings.JOB_SPOOL_DIR)
    return sorted(folder.glob("*.json")) if folder.is_dir() else []


def _is_free(file: TextIOWrapper) -> bool:
    """Lock the file, unless its writer or another reader has."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write(text: str) -> Spooled:
    folder = Path(settings.JOB_SPOOL_DIR)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{time.time_ns():020}-{secrets.token_hex(4)}.json"
    draft = path.with_suffix(".draft")
    file = os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
        draft.replace(path)
        _sync_folder(folder)
    except BaseException:
        file.close()
        draft.unlink(missing_ok=True)
        raise
    return Spooled(path, file)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _set_aside(path: Path) -> None:
    bad = path.parent / "bad"
    bad.mkdir(mode=0o700, exist_ok=True)
    path.replace(bad / path.name)
    logger.exception("a spooled outcome cannot be settled: its jobs run again", extra={"file": str(bad / path.name)})
