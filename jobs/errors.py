"""The families of failure. A task raises a member; its family decides what the queue does next.

A member is a subclass that stands beside the code that raises it, with a stable dotted `code`;
its docstring's first line is the default message.
"""

from typing import ClassVar


class JobError(Exception):
    """The job failed."""

    code: ClassVar[str] = "jobs.error"

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (self.__doc__ or "").partition("\n")[0])


class RetryableError(JobError):
    """The job failed for a reason that may pass; it is tried again with backoff."""

    code = "jobs.retryable"


class RateLimitedError(JobError):
    """Another system asked us to wait; the wait spends no attempt, five times at most."""

    code = "jobs.rate_limited"

    def __init__(self, message: str = "", *, retry_after_s: float = 60.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class PermanentError(JobError):
    """The job cannot succeed as it is; it goes to the dead-letter queue."""

    code = "jobs.permanent"


class QuotaExceededError(JobError):
    """A quota is used up; the job goes to the dead-letter queue."""

    code = "jobs.quota_exceeded"
