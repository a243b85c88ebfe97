"""The families of failure. A task raises a member; its family decides what the queue does next.

A member is a subclass that stands beside the code that raises it, with a stable dotted `code`;
its docstring's first line is the default message.
"""

from typing import ClassVar


class JobError(Exception):
    """The job failed."""

    code: ClassVar[str] = "jobs.error"

    def __init__(self, message: str = "", *, status_code: int | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").partition("\n")[0])
        self.status_code = status_code


class RetryableError(JobError):
    """The job failed for a reason that may pass; it is tried again with backoff."""

    code = "jobs.retryable"


class RateLimitedError(JobError):
    """Another system asked us to wait; the wait spends no attempt, five times at most.

    Args:
        message: what it said.
        retry_after_s: the wait that it asked for; None where it did not say: the task's policy knows.
    """

    code = "jobs.rate_limited"

    def __init__(
        self, message: str = "", *, retry_after_s: float | None = None, status_code: int | None = None
    ) -> None:
        super().__init__(message, status_code=status_code)
        self.retry_after_s = retry_after_s


class PermanentError(JobError):
    """The job cannot succeed as it is; it goes to the dead-letter queue."""

    code = "jobs.permanent"


class QuotaExceededError(JobError):
    """A quota is used up; the job goes to the dead-letter queue."""

    code = "jobs.quota_exceeded"
