"""The audit log: what operators did, to what, to how many, and why. It only grows; the database sees to that."""

from typing import Any

from jobs.models import Audit

MAX_SUBJECT_LENGTH = 200


class ReasonMissing(ValueError):
    """Say why: the reason is kept in the audit log."""

    def __init__(self) -> None:
        super().__init__((self.__doc__ or "").strip())


def record(
    *, actor: str, action: str, subject: str, reason: str, matching: dict[str, Any] | None = None, count: int = 1
) -> Audit:
    """Write down what an operator does, in the transaction that does it.

    Args:
        actor: who.
        action: what, in a word or two: `cancel`, `pause queue`.
        subject: to what: `job 7`, `queue index-product`; `jobs` where a filter says which.
        reason: why.
        matching: which ones, when it is done to all that match.
        count: to how many.

    Raises:
        ReasonMissing: the reason is empty.
    """
    if not reason.strip():
        raise ReasonMissing
    return Audit.objects.create(
        actor=actor,
        action=action,
        subject=subject[:MAX_SUBJECT_LENGTH],
        reason=reason.strip(),
        filter=matching,
        count=count,
    )
