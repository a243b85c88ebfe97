"""Retry-After: the wait that an answer asks for (RFC 9110, 10.2.3)."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def retry_after_s(value: str, *, now: datetime, cap_s: float) -> float | None:
    """Return the seconds that the header asks for, between 0 and `cap_s`; None if it says nothing."""
    value = value.strip()
    if re.fullmatch(r"-?\d{1,9}(\.\d+)?", value):
        seconds = float(value)
    else:
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = (moment - now).total_seconds()
    return min(max(seconds, 0.0), cap_s)
