"""What Gemini says when it does not do what was asked, as members of the job families."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from jobs.errors import JobError, PermanentError, QuotaExceededError, RateLimitedError, RetryableError

if TYPE_CHECKING:
    from google.genai.errors import APIError

MAX_WAIT_S = 3600.0
MAX_MESSAGE_CHARS = 300


class GeminiNotSetUp(PermanentError):
    """Gemini has no key: set GEMINI_API_KEY."""

    code = "gemini.not_set_up"


class GeminiKeyRefused(PermanentError):
    """Gemini refuses the key: set GEMINI_API_KEY to one that may use the model."""

    code = "gemini.key_refused"


class GeminiModelUnknown(PermanentError):
    """Gemini does not know the model: see GEMINI_MODEL and GEMINI_EMBEDDING_MODEL."""

    code = "gemini.model_unknown"


class GeminiBadRequest(PermanentError):
    """Gemini cannot take what was sent; of several inputs one may be to blame."""

    code = "gemini.bad_request"


class GeminiRefused(PermanentError):
    """Gemini refuses the call for good."""

    code = "gemini.refused"


class GeminiRateLimited(RateLimitedError):
    """Gemini asks us to wait."""

    code = "gemini.rate_limited"


class GeminiPaced(RateLimitedError):
    """As many calls as GEMINI_REQUESTS_PER_MIN allows were made within the last minute; this one was not made."""

    code = "gemini.paced"


class GeminiQuotaExceeded(QuotaExceededError):
    """Gemini's quota of the day is used up."""

    code = "gemini.quota_exceeded"


class GeminiBudgetUsed(QuotaExceededError):
    """What may be spent on Gemini in a day is spent: see GEMINI_DAY_BUDGET_USD."""

    code = "gemini.budget_used"


class UnusableAnswer(PermanentError):
    """Gemini gave no answer that can be used, and would not the next time."""

    code = "gemini.unusable_answer"


class GeminiPromptBlocked(UnusableAnswer):
    """Gemini refuses to look at what was sent."""

    code = "gemini.prompt_blocked"


class GeminiAnswerBlocked(UnusableAnswer):
    """Gemini keeps its answer back."""

    code = "gemini.answer_blocked"


class GeminiAnswerCut(UnusableAnswer):
    """Gemini's answer ends in the middle: it is longer than was allowed."""

    code = "gemini.answer_cut"


class GeminiUnavailable(RetryableError):
    """Gemini fails, or something before it does."""

    code = "gemini.unavailable"


class GeminiTimeout(RetryableError):
    """Gemini did not answer within GEMINI_TIMEOUT_S."""

    code = "gemini.timeout"


class GeminiUnreachable(RetryableError):
    """Gemini cannot be reached."""

    code = "gemini.unreachable"


class GeminiBadAnswer(RetryableError):
    """Gemini answered with something else than what was asked for."""

    code = "gemini.bad_answer"


class GeminiOffSchema(GeminiBadAnswer):
    """Gemini answered, but not with data of the schema that it was given."""

    code = "gemini.off_schema"


@contextmanager
def speaking_to_gemini() -> Iterator[None]:
    """Translate what the client raises."""
    import httpx2  # noqa: PLC0415 only those that speak to Gemini load its client
    from google.genai import errors  # noqa: PLC0415

    try:
        yield
    except errors.APIError as error:
        raise translated(error) from error
    except httpx2.TimeoutException as error:
        raise GeminiTimeout from error
    except httpx2.HTTPError as error:
        raise GeminiUnreachable(f"{type(error).__name__}: {error}"[:MAX_MESSAGE_CHARS]) from error
    # json's, pydantic's and the client's own, on a body that is not what it should be; the client reads the answer's
    # JSON itself, however deep it is.
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise GeminiBadAnswer(f"{type(error).__name__}: {error}"[:MAX_MESSAGE_CHARS]) from error


def translated(error: "APIError") -> JobError:
    """Return the family's member for an answer with an error status."""
    status, body = int(error.code or 0), _body(error)
    message = f"{error.status or status}: {error.message or 'no reason given'}"[:MAX_MESSAGE_CHARS]
    details = _details(body)
    if status == 429:
        if any("PerDay" in violation.get("quotaId", "") for violation in _violations(details)):
            return GeminiQuotaExceeded(message, status_code=status)
        return GeminiRateLimited(message, retry_after_s=_retry_after_s(error, details), status_code=status)
    if status in (401, 403) or any(it.get("reason", "").startswith("API_KEY_") for it in details):
        return GeminiKeyRefused(message, status_code=status)
    if status == 404:
        return GeminiModelUnknown(message, status_code=status)
    if status in (400, 413) and (error.status in ("INVALID_ARGUMENT", None) or status == 413):
        return GeminiBadRequest(message, status_code=status)
    if 400 <= status < 500 and status not in (408, 409, 499):
        return GeminiRefused(message, status_code=status)
    return GeminiUnavailable(message, status_code=status)


def _body(error: "APIError") -> Mapping[str, Any]:
    body = error.details
    inner = body.get("error", body) if isinstance(body, Mapping) else {}
    return inner if isinstance(inner, Mapping) else {}


def _details(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    details = body.get("details")
    return [it for it in details if isinstance(it, Mapping)] if isinstance(details, list) else []


def _violations(details: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [
        violation
        for it in details
        if str(it.get("@type", "")).endswith("QuotaFailure")
        for violation in it.get("violations") or []
        if isinstance(violation, Mapping)
    ]


def _retry_after_s(error: "APIError", details: list[Mapping[str, Any]]) -> float | None:
    """Return the wait that was asked for: by RetryInfo, else by the header; None where neither says."""
    for it in details:
        if str(it.get("@type", "")).endswith("RetryInfo"):
            return _bounded(str(it.get("retryDelay", "")).removesuffix("s"))
    header = getattr(error.response, "headers", {}).get("Retry-After", "")
    if not header or header.strip().isdigit():
        return _bounded(header)
    try:
        return _bounded(str((parsedate_to_datetime(header) - timezone.now()).total_seconds()))
    except (ValueError, TypeError):  # no date, or one without a zone: then it says nothing
        return None


def _bounded(seconds: str) -> float | None:
    try:
        value = float(seconds)
    except ValueError:
        return None
    return min(max(value, 0.0), MAX_WAIT_S) if math.isfinite(value) else None
