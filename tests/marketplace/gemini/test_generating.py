"""Asking Gemini for JSON: Google's own client speaks to a loopback server that answers, and fails, as the API does."""

import json
from typing import Any

import pytest
from django.db.models import Sum

from jobs.errors import JobError
from jobs.retry import Family, family_of
from marketplace.gemini.errors import GeminiBadAnswer, GeminiBudgetUsed
from marketplace.gemini.generating import (
    Generated,
    PicturePart,
    Prompt,
    TextPart,
    generate_each,
    generate_json,
    is_budget_used,
)
from marketplace.gemini.pace import free_calls, take_call
from marketplace.gemini.usage import recent_figures
from marketplace.models import GeminiMinute
from tests.catalog.products import picture_bytes
from tests.fakes import gemini
from tests.fakes.gemini import GeminiApi

pytestmark = pytest.mark.django_db
MODEL = "gemini-3.5-flash-lite"
SCHEMA = {
    "type": "object",
    "properties": {"colour": {"type": "string", "enum": ["red", "blue"]}, "sure": {"type": "number"}},
    "required": ["colour"],
}


def prompt(text: str = "a red lamp", **fields: Any) -> Prompt:
    values: dict[str, Any] = {
        "model": MODEL,
        "instruction": "Name the colour.",
        "parts": [TextPart(text)],
        "schema": SCHEMA,
        "max_answer_tokens": 50,
    }
    return Prompt(**values | fields)


def answer_to(text: str = "a red lamp") -> Generated:
    it = prompt(text)
    return generate_json(
        model=it.model,
        instruction=it.instruction,
        parts=it.parts,
        schema=it.schema,
        max_answer_tokens=it.max_answer_tokens,
    )


def counted(*names: str) -> dict[str, int]:
    """Sum what was counted: a test may see the next minute begin."""
    return GeminiMinute.objects.aggregate(**{name: Sum(name) for name in names})


def test_texts_and_pictures_go_in_and_data_of_the_schema_comes_out(gemini_api: GeminiApi) -> None:
    gemini_api.replies = ['{"colour": "red"}']
    picture = picture_bytes(300, 200)

    made = generate_json(
        model=MODEL,
        instruction="Name the colour.",
        parts=[TextPart("a lamp"), PicturePart(picture, "image/jpeg")],
        schema=SCHEMA,
        max_answer_tokens=50,
    )

    assert made == Generated({"colour": "red"}, '{"colour": "red"}', MODEL, 100, 10)
    (asked,) = gemini_api.asked
    assert (asked.instruction, asked.said, asked.pictures) == ("Name the colour.", "a lamp", [picture])
    config = asked.body["generationConfig"]
    assert (config["responseMimeType"], config["responseJsonSchema"]) == ("application/json", SCHEMA)
    assert config["maxOutputTokens"] == 50


def test_what_it_costs_is_counted_also_where_nothing_comes_of_it(gemini_api: GeminiApi, settings: Any) -> None:
    settings.GEMINI_PROMPT_USD_PER_M, settings.GEMINI_ANSWER_USD_PER_M = 0.30, 2.50
    thinking = gemini.written('{"colour": "red"}')
    thinking["usageMetadata"]["thoughtsTokenCount"] = 30
    gemini_api.replies = [thinking, gemini.written('{"col', ended="MAX_TOKENS", tokens=50)]

    answer_to()
    with pytest.raises(JobError):
        answer_to()

    figures = recent_figures()
    assert figures["models"][MODEL] | {"calls_this_minute": 2} == {
        "calls_today": 2, "items_today": 1, "tokens_today": 290, "answer_tokens_today": 90, "cost_usd_today": 0.000285,
        "refusals_today": 0, "failures_today": 1, "paced_today": 0, "calls_this_minute": 2,
    }  # fmt: skip
    assert figures["spent_usd_today"] == 0.000285


@pytest.mark.parametrize(
    ("reply", "code", "family"),
    [
        (gemini.blocked_prompt(), "gemini.prompt_blocked", Family.PERMANENT),
        (gemini.blocked_prompt("JAILBREAK"), "gemini.prompt_blocked", Family.PERMANENT),
        (gemini.blocked_answer(), "gemini.answer_blocked", Family.PERMANENT),
        (gemini.blocked_answer("RECITATION"), "gemini.answer_blocked", Family.PERMANENT),
        pytest.param(
            gemini.blocked_answer("A_REASON_OF_NEXT_YEAR"),
            "gemini.answer_blocked",
            Family.PERMANENT,
            marks=pytest.mark.filterwarnings("ignore:A_REASON_OF_NEXT_YEAR"),
        ),
        (gemini.written('{"colour": "re', ended="MAX_TOKENS"), "gemini.answer_cut", Family.PERMANENT),
        (gemini.written("", ended="MALFORMED_RESPONSE"), "gemini.bad_answer", Family.RETRYABLE),
        ('{"colour": "re', "gemini.off_schema", Family.RETRYABLE),
        ("Red, I think.", "gemini.off_schema", Family.RETRYABLE),
        ('{"colour": "green"}', "gemini.off_schema", Family.RETRYABLE),
        ('{"colour": "red", "sure": "very"}', "gemini.off_schema", Family.RETRYABLE),
        ('["red"]', "gemini.off_schema", Family.RETRYABLE),
        ("", "gemini.off_schema", Family.RETRYABLE),
        ({}, "gemini.bad_answer", Family.RETRYABLE),
        ({"candidates": []}, "gemini.bad_answer", Family.RETRYABLE),
        ({"candidates": [{}]}, "gemini.bad_answer", Family.RETRYABLE),
        ({"candidates": 7}, "gemini.bad_answer", Family.RETRYABLE),
    ],
)
def test_an_answer_that_cannot_be_used_says_why(
    gemini_api: GeminiApi, reply: str | dict[str, Any], code: str, family: Family
) -> None:
    gemini_api.replies = [reply]

    with pytest.raises(JobError) as caught:
        answer_to()

    assert (caught.value.code, family_of(caught.value)) == (code, family)
    assert len(gemini_api.asked) == 1
    assert counted("calls", "failures") == {"calls": 1, "failures": 1}


@pytest.mark.parametrize(
    ("answer", "code", "family"),
    [
        (gemini.too_many_calls(retry_delay="7.5s"), "gemini.rate_limited", Family.RATE_LIMITED),
        (gemini.too_many_calls(period="PerDay"), "gemini.quota_exceeded", Family.QUOTA),
        (gemini.bad_key(), "gemini.key_refused", Family.PERMANENT),
        (gemini.error(400, "INVALID_ARGUMENT", "Bad image."), "gemini.bad_request", Family.PERMANENT),
        (gemini.error(404, "NOT_FOUND", "No such model."), "gemini.model_unknown", Family.PERMANENT),
        (gemini.unavailable(), "gemini.unavailable", Family.RETRYABLE),
        (gemini.broken(), "gemini.unavailable", Family.RETRYABLE),
        (gemini.bad_gateway(), "gemini.unavailable", Family.RETRYABLE),
        ((200, {"Content-Type": "text/html"}, b"<html>Log in</html>"), "gemini.bad_answer", Family.RETRYABLE),
        ((200, gemini.JSON, b'{"candidates": [{"content'), "gemini.bad_answer", Family.RETRYABLE),
    ],
)  # fmt: skip
def test_each_refusal_is_of_its_family(gemini_api: GeminiApi, answer: Any, code: str, family: Family) -> None:
    gemini_api.failures = [answer]

    with pytest.raises(JobError) as caught:
        answer_to()

    assert (caught.value.code, family_of(caught.value)) == (code, family)
    assert gemini.KEY not in str(caught.value)


def test_one_that_does_not_answer_in_time_is_given_up(gemini_api: GeminiApi, settings: Any) -> None:
    settings.GEMINI_TIMEOUT_S, gemini_api.is_slow = 0.2, True

    with pytest.raises(JobError) as caught:
        answer_to()

    assert caught.value.code == "gemini.timeout"


def test_calls_are_made_at_once_and_each_has_its_own_end(gemini_api: GeminiApi) -> None:
    gemini_api.bad_text, gemini_api.latency_s = "broken", 0.1
    gemini_api.think = lambda asked: json.dumps({"colour": "blue" if "blue" in asked.said else "red"})

    red, bad, blue = generate_each([prompt("red"), prompt("broken"), prompt("blue")], concurrency=3)

    assert (red.data, bad.code, blue.data) == ({"colour": "red"}, "gemini.bad_request", {"colour": "blue"})
    assert 1 < gemini_api.most_at_once <= 3
    assert counted("calls", "failures") == {"calls": 3, "failures": 1}


def test_no_call_is_begun_by_a_worker_that_stops(gemini_api: GeminiApi) -> None:
    assert generate_each([prompt()], is_stopping=lambda: True) == [None]
    assert (gemini_api.asked, GeminiMinute.objects.count()) == ([], 0)


def test_more_calls_than_the_pace_allows_are_not_made(gemini_api: GeminiApi, settings: Any) -> None:
    settings.GEMINI_REQUESTS_PER_MIN = 5
    gemini_api.think = lambda _: '{"colour": "red"}'

    made = generate_each([prompt() for _ in range(7)], concurrency=3)
    (waited_for,) = generate_each([prompt()], is_waited_for=True)

    assert [it.code for it in made if isinstance(it, JobError)] == ["gemini.paced"] * 3  # one call is left to people
    assert waited_for.data == {"colour": "red"}
    assert len(gemini_api.asked) == 5


def test_who_prepares_calls_is_told_how_many_are_free(gemini_api: GeminiApi, settings: Any) -> None:
    settings.GEMINI_REQUESTS_PER_MIN = 5
    assert free_calls(MODEL) == (4, 60.0)

    for left in (3, 2, 1, 0):
        take_call(MODEL, is_waited_for=False)
        free, wait_s = free_calls(MODEL)
        assert free == left
        assert 50 < wait_s <= 60
    take_call(MODEL, is_waited_for=True)
    settings.GEMINI_REQUESTS_PER_MIN = 2
    assert free_calls(MODEL)[0] == 0


def test_nothing_is_asked_once_the_day_s_budget_is_used(gemini_api: GeminiApi, settings: Any) -> None:
    settings.GEMINI_DAY_BUDGET_USD = 0.0001
    gemini_api.think = lambda _: '{"colour": "red"}'
    assert not is_budget_used()

    for _ in range(2):
        answer_to()
    with pytest.raises(GeminiBudgetUsed):
        answer_to()

    assert is_budget_used()
    assert len(gemini_api.asked) == 2


def test_what_postgresql_cannot_keep_is_taken_out_of_an_answer(gemini_api: GeminiApi) -> None:
    gemini_api.replies = ['{"colour": "red\\u0000", "said\\u0000": ["\\ud83d!", "\\ud83d\\udc4d"]}']

    assert answer_to().data == {"colour": "red", "said": ["\ufffd!", "👍"]}


@pytest.mark.parametrize("text", ['{"colour": "red", "sure": 1e999}', '{"colour": "red", "sure": NaN}', "[" * 100_000])
def test_json_that_cannot_be_kept_is_a_bad_answer(gemini_api: GeminiApi, text: str) -> None:
    gemini_api.replies = [text]

    with pytest.raises(GeminiBadAnswer):
        answer_to()
