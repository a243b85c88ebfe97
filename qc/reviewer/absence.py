"""When the reviewer cannot be asked at all: known to every process for a while, so that none asks in vain."""

import logging

from django.conf import settings
from django.core.cache import cache
from redis import RedisError

from jobs.errors import JobError
from marketplace.gemini.errors import (
    GeminiBudgetUsed,
    GeminiKeyRefused,
    GeminiModelUnknown,
    GeminiNotSetUp,
    GeminiQuotaExceeded,
    GeminiRefused,
)

logger = logging.getLogger(__name__)

AWAY_S = 600  # then one batch finds out whether it is back
_AWAY = (
    GeminiBudgetUsed,
    GeminiKeyRefused,
    GeminiModelUnknown,
    GeminiNotSetUp,
    GeminiQuotaExceeded,
    GeminiRefused,
)
_KINDS = {it.code: it for it in _AWAY}
_KEY = "qc:reviewer:away"


def note_absence(error: JobError) -> None:
    """Remember an error that every other call would meet too, and raise the alarm once in its time."""
    if not isinstance(error, _AWAY):
        return
    try:
        is_news = cache.add(_KEY, {"code": error.code, "message": str(error)}, AWAY_S)
    except RedisError as trouble:
        logger.warning("that the reviewer is away cannot be kept: %s", trouble)
        is_news = True
    if is_news:
        logger.error("products are flagged unreviewed: Gemini cannot be asked: %s", error, extra={"code": error.code})


def absence() -> JobError | None:
    """Return why the reviewer cannot be asked at the moment; None while it can, as far as is known."""
    if not settings.GEMINI_API_KEY:
        return GeminiNotSetUp()
    try:
        stored = cache.get(_KEY)
    except RedisError as trouble:
        logger.warning("whether the reviewer is away cannot be read: %s", trouble)
        return None
    if stored is None or stored["code"] not in _KINDS:
        return None
    return _KINDS[stored["code"]](stored["message"])


def forget_absence() -> None:
    """Ask again at the next product."""
    cache.delete(_KEY)
