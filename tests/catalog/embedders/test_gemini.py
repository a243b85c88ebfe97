"""The Gemini embedder: Google's own client speaks to a loopback server that answers as the API does."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import numpy as np
import pytest
from django.db.models import Sum

from catalog.embedders.contract import DIMENSIONS
from catalog.embedders.current import EMBEDDERS
from catalog.embedders.gemini import GeminiEmbedder
from jobs.errors import JobError, RateLimitedError
from jobs.retry import Family, family_of
from marketplace.gemini.client import gemini_client
from marketplace.gemini.errors import GeminiNotSetUp, GeminiPaced, speaking_to_gemini
from marketplace.gemini.pace import calls_for_jobs, take_call
from marketplace.gemini.usage import COUNTS
from marketplace.models import GeminiMinute
from tests.fakes import gemini
from tests.fakes.gemini import GeminiApi

pytestmark = pytest.mark.django_db
FIRST, SECOND = "gemini-embedding-001", "gemini-embedding-2"


def failure(embedder: GeminiEmbedder) -> JobError:
    with pytest.raises(JobError) as caught:
        embedder.embed(["red lamp", "blue lamp"])
    return caught.value


def counted_for(model: str) -> dict[str, int]:
    """Sum what was counted, for a test may see the next minute begin; nothing was counted for another model."""
    assert {row.model for row in GeminiMinute.objects.all()} == {model}
    return GeminiMinute.objects.aggregate(**{name: Sum(name) for name in COUNTS})


@pytest.mark.parametrize("model", [FIRST, SECOND])
def test_each_text_gets_a_unit_row_in_its_place_and_queries_find_products(gemini_api: GeminiApi, model: str) -> None:
    embedder = GeminiEmbedder(model)
    texts = ["Red table lamp\n\nOf brass.", "", "Oak chair\n\nSolid.", *(f"Thing {n}\n\nNo {n}." for n in range(120))]

    rows = embedder.embed(texts)
    (query,) = embedder.embed_queries(["brass lamp"])

    assert (rows.shape, rows.dtype) == ((123, DIMENSIONS), np.float32)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-5)
    assert rows[1, 0] == 1.0
    assert np.argmax(rows @ query) == 0
    assert [len(asked.texts) for asked in gemini_api.asked] == [100, 22, 1]  # the blank one is not sent
    used = counted_for(model)
    assert (used["calls"], used["items"], used["refusals"]) == (3, 123, 0)
    assert used["tokens"] >= sum(len(text) for text in texts) // 4


def test_products_and_queries_are_told_apart_as_each_model_wants_it(gemini_api: GeminiApi) -> None:
    for model in (FIRST, SECOND):
        GeminiEmbedder(model).embed(["Red lamp\n\nOf brass.", "Oak chair"])
        GeminiEmbedder(model).embed_queries(["lamp"])

    sent = [(asked.path, asked.texts, asked.body["requests"][0].get("taskType")) for asked in gemini_api.asked]
    assert sent == [
        (f"/v1/models/{FIRST}:batchEmbedContents", ["Red lamp\n\nOf brass.", "Oak chair"], "RETRIEVAL_DOCUMENT"),
        (f"/v1/models/{FIRST}:batchEmbedContents", ["lamp"], "RETRIEVAL_QUERY"),
        (
            f"/v1/models/{SECOND}:batchEmbedContents",
            ["title: Red lamp | text: Of brass.", "title: none | text: Oak chair"],
            None,
        ),
        (f"/v1/models/{SECOND}:batchEmbedContents", ["task: search result | query: lamp"], None),
    ]
    assert {request["outputDimensionality"] for asked in gemini_api.asked for request in asked.body["requests"]} == {
        768
    }
    assert {asked.headers["x-goog-api-key"] for asked in gemini_api.asked} == {gemini.KEY}


@pytest.mark.parametrize(
    ("answer", "code", "family"),
    [
        (gemini.too_many_calls(retry_delay="7.5s"), "gemini.rate_limited", Family.RATE_LIMITED),
        (gemini.too_many_calls(retry_delay="30s", period="PerDay"), "gemini.quota_exceeded", Family.QUOTA),
        (gemini.bad_key(), "gemini.key_refused", Family.PERMANENT),
        (gemini.error(401, "UNAUTHENTICATED", "No."), "gemini.key_refused", Family.PERMANENT),
        (gemini.error(403, "PERMISSION_DENIED", "No."), "gemini.key_refused", Family.PERMANENT),
        (gemini.error(400, "FAILED_PRECONDITION", "Not in your country."), "gemini.refused", Family.PERMANENT),
        (gemini.error(400, "INVALID_ARGUMENT", "Bad."), "gemini.bad_request", Family.PERMANENT),
        ((413, {}, b"too large"), "gemini.bad_request", Family.PERMANENT),
        (gemini.error(404, "NOT_FOUND", "No such model."), "gemini.model_unknown", Family.PERMANENT),
        (gemini.error(408, "CANCELLED", "Slow."), "gemini.unavailable", Family.RETRYABLE),
        (gemini.broken(), "gemini.unavailable", Family.RETRYABLE),
        (gemini.unavailable(), "gemini.unavailable", Family.RETRYABLE),
        (gemini.bad_gateway(), "gemini.unavailable", Family.RETRYABLE),
        ((500, gemini.JSON, b'["odd"]'), "gemini.unavailable", Family.RETRYABLE),
        ((200, {"Content-Type": "text/html"}, b"<html>Log in</html>"), "gemini.bad_answer", Family.RETRYABLE),
        (gemini.cut_short(), "gemini.bad_answer", Family.RETRYABLE),
        ((200, gemini.JSON, b'{"embeddings": 7}'), "gemini.bad_answer", Family.RETRYABLE),
        ((200, gemini.JSON, b"{}"), "gemini.bad_answer", Family.RETRYABLE),
        ((200, gemini.JSON, b""), "gemini.bad_answer", Family.RETRYABLE),
    ],
)
def test_each_refusal_is_of_its_family(gemini_api: GeminiApi, answer: Any, code: str, family: Family) -> None:
    gemini_api.failures = [answer]

    error = failure(GeminiEmbedder())

    assert (error.code, family_of(error), len(gemini_api.asked)) == (code, family, 1)
    assert gemini.KEY not in str(error)
    (minute,) = GeminiMinute.objects.all()
    refusals = int(family in (Family.RATE_LIMITED, Family.QUOTA))
    assert (minute.calls, minute.items, minute.refusals, minute.failures) == (1, 0, refusals, 1 - refusals)
    GeminiEmbedder().embed(["red lamp"])  # nothing of it is left behind


@pytest.mark.parametrize(
    "spoil",
    [
        lambda vectors: vectors[:1],
        lambda vectors: [*vectors, vectors[0]],
        lambda vectors: [vector[:700] for vector in vectors],
        lambda vectors: [vectors[0], [float("nan")] * DIMENSIONS],
        lambda vectors: [vectors[0], [0.0] * DIMENSIONS],
    ],
    ids=["too few", "too many", "too short", "no numbers", "zeros"],
)
def test_vectors_that_cannot_be_right_are_refused(gemini_api: GeminiApi, spoil: gemini.Spoil) -> None:
    gemini_api.spoil = spoil

    error = failure(GeminiEmbedder())

    assert (error.code, family_of(error)) == ("gemini.bad_answer", Family.RETRYABLE)


@pytest.mark.parametrize(
    ("answer", "low", "high"),
    [
        (gemini.too_many_calls(retry_delay="7.5s", retry_after="3"), 7.5, 7.5),
        (gemini.too_many_calls(retry_after="12"), 12, 12),
        (gemini.too_many_calls(retry_after=format_datetime(datetime.now(UTC) + timedelta(seconds=600), True)), 5, 600),
        (gemini.too_many_calls(retry_after="soon"), None, None),
        (gemini.too_many_calls(), None, None),
        (gemini.too_many_calls(retry_delay="86400s"), 3600, 3600),
    ],
)
def test_the_wait_is_what_gemini_says(
    gemini_api: GeminiApi, answer: Any, low: float | None, high: float | None
) -> None:
    gemini_api.failures = [answer]

    error = failure(GeminiEmbedder())

    assert isinstance(error, RateLimitedError)
    wait_s = error.retry_after_s
    assert wait_s is None if low is None or high is None else wait_s is not None and low <= wait_s <= high


def test_silence_and_absence_may_pass(gemini_api: GeminiApi, settings: Any) -> None:
    settings.GEMINI_TIMEOUT_S = 0.1
    gemini_api.is_slow = True
    silent = failure(GeminiEmbedder())
    gemini_api.released.set()

    settings.GEMINI_BASE_URL = "http://127.0.0.1:1"
    absent = failure(GeminiEmbedder())

    assert [(error.code, family_of(error)) for error in (silent, absent)] == [
        ("gemini.timeout", Family.RETRYABLE),
        ("gemini.unreachable", Family.RETRYABLE),
    ]


def test_without_a_key_nothing_is_sent(gemini_api: GeminiApi, settings: Any) -> None:
    settings.GEMINI_API_KEY = ""

    assert isinstance(failure(GeminiEmbedder()), GeminiNotSetUp)
    assert (gemini_api.asked, GeminiMinute.objects.count()) == ([], 0)


def test_no_minute_has_more_calls_than_are_allowed_and_searches_have_the_last_of_them(
    gemini_api: GeminiApi, settings: Any
) -> None:
    settings.GEMINI_REQUESTS_PER_MIN = 10
    embedder = GeminiEmbedder()
    for number in range(calls_for_jobs()):
        embedder.embed([f"lamp {number}"])

    refused = failure(embedder)
    queries = [embedder.embed_queries([f"lamp {number}"]) for number in range(2)]
    with pytest.raises(RateLimitedError, match="The next may be in"):
        embedder.embed_queries(["one more"])

    assert (refused.code, calls_for_jobs(), len(queries), len(gemini_api.asked)) == ("gemini.paced", 8, 2, 10)
    assert isinstance(refused, RateLimitedError)
    assert refused.retry_after_s is not None
    assert 0 < refused.retry_after_s <= 60
    used = counted_for(FIRST)
    assert (used["calls"], used["paced"]) == (10, 2)


def test_all_processes_and_threads_share_the_minute(gemini_api: GeminiApi, settings: Any) -> None:
    settings.GEMINI_REQUESTS_PER_MIN = 15

    def was_allowed(number: int) -> bool:
        try:
            take_call(FIRST, is_waited_for=True)
        except GeminiPaced:
            return False
        return True

    with ThreadPoolExecutor(8) as callers:
        assert sum(callers.map(was_allowed, range(60))) == 15
    take_call(SECOND, is_waited_for=True)  # another model has a minute of its own


def test_without_redis_gemini_s_own_limit_has_to_do(gemini_api: GeminiApi, settings: Any) -> None:
    settings.GEMINI_REQUESTS_PER_MIN = 1
    settings.CACHE_URL = "redis://127.0.0.1:1/0"

    for _ in range(2):
        GeminiEmbedder().embed(["red lamp"])

    assert len(gemini_api.asked) == 2


def test_fingerprints_are_names_of_collections_and_tell_models_apart() -> None:
    models = [
        FIRST,
        SECOND,
        "models/gemini-embedding-001",
        "gemini-embedding-2.1",
        "my-own-model",
        "gemini-" + "x" * 80,
    ]
    names = [GeminiEmbedder(model).fingerprint for model in models]

    assert names[:2] == ["gemini_embedding_001_768_parameter", "gemini_embedding_2_768_words"]
    assert names[2] == names[0]
    assert len(set(names)) == 5
    assert all(len(name) <= 64 and name.replace("_", "").isalnum() and name.startswith("gemini") for name in names)


def test_it_is_one_of_the_embedders(settings: Any) -> None:
    settings.GEMINI_EMBEDDING_MODEL = SECOND
    embedder = EMBEDDERS["gemini"]()

    assert embedder.fingerprint == GeminiEmbedder(SECOND).fingerprint
    assert "leave this server" in embedder.summary


def test_the_loopback_server_generates_too(gemini_api: GeminiApi) -> None:
    gemini_api.replies = ['{"verdict": "approved"}']

    answer = gemini_client().models.generate_content(model="gemini-3.5-flash-lite", contents="Is this a lamp?")

    assert answer.text == '{"verdict": "approved"}'
    assert answer.usage_metadata is not None
    assert answer.usage_metadata.total_token_count == 110
    gemini_api.failures = [gemini.too_many_calls(retry_delay="9s")]
    with pytest.raises(RateLimitedError) as caught, speaking_to_gemini():
        gemini_client().models.generate_content(model="gemini-3.5-flash-lite", contents="Is this a lamp?")
    assert caught.value.retry_after_s == 9
