"""What `manage.py check` says of the tasks."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error

from jobs.registry import all_tasks


def check_queues(**_: Any) -> list[CheckMessage]:
    """Report tasks whose queue no worker could listen to."""
    return [
        Error(
            f"task {task.name!r} is on the queue {task.queue!r}, which is not in JOB_QUEUES",
            hint="Add the queue to JOB_QUEUES in marketplace/settings.py, or put the task on another.",
            id="jobs.E001",
        )
        for task in all_tasks()
        if task.queue not in settings.JOB_QUEUES
    ]


def check_encryption_keys(**_: Any) -> list[CheckMessage]:
    """Report sensitive tasks that have no key to encrypt with."""
    if settings.JOB_ENCRYPTION_KEYS:
        return []
    return [
        Error(
            f"task {task.name!r} is sensitive, and JOB_ENCRYPTION_KEYS holds no key to encrypt its jobs with",
            hint="Set it to 32 random bytes in URL-safe base64; deploy/.env.example shows how to make them.",
            id="jobs.E002",
        )
        for task in all_tasks()
        if task.sensitive
    ]
