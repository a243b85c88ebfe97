"""Ask Gemini for JSON: texts and pictures in, data that fits a schema out; counted, paced and capped."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings

from jobs.errors import JobError
from jobs.storable import storable_json, storable_text
from marketplace.gemini.client import gemini_client
from marketplace.gemini.errors import (
    MAX_MESSAGE_CHARS,
    GeminiAnswerBlocked,
    GeminiAnswerCut,
    GeminiBadAnswer,
    GeminiBudgetUsed,
    GeminiOffSchema,
    GeminiPromptBlocked,
    speaking_to_gemini,
)
from marketplace.gemini.pace import take_call
from marketplace.gemini.usage import counted, spent_usd

if TYPE_CHECKING:
    from google.genai.types import Candidate, GenerateContentResponse, Part

# Why a model stopped, where it did not withhold its answer. Source: ai.google.dev, "FinishReason".
ENDED, CUT, MALFORMED = {"STOP"}, {"MAX_TOKENS", "CONTINUATION"}, {"MALFORMED_RESPONSE", "MALFORMED_FUNCTION_CALL"}


@dataclass(frozen=True, slots=True)
class TextPart:
    """A text that the model reads."""

    text: str


@dataclass(frozen=True, slots=True)
class PicturePart:
    """A picture that the model sees, as JPEG, PNG or WebP."""

    data: bytes
    media_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One call.

    Args:
        model: its name.
        instruction: what to do, which the model holds above all that is in `parts`.
        parts: what to do it with, in order.
        schema: JSON Schema of the answer; keep to what Gemini knows of it.
        max_answer_tokens: above that the answer is cut, and is an error.
        items: how many things it asks about, for the counts.
    """

    model: str
    instruction: str
    parts: Sequence[TextPart | PicturePart]
    schema: Mapping[str, Any]
    max_answer_tokens: int
    items: int = 1


@dataclass(frozen=True, slots=True)
class Generated:
    """An answer: data that fits the schema, the text that it was read from, and what it cost."""

    data: Any
    text: str
    model: str
    prompt_tokens: int
    answer_tokens: int


@dataclass(frozen=True, slots=True)
class _Answered:
    """What came back, usable or not; either costs."""

    outcome: Generated | JobError
    prompt_tokens: int
    answer_tokens: int


def generate_json(
    *,
    model: str,
    instruction: str,
    parts: Sequence[TextPart | PicturePart],
    schema: Mapping[str, Any],
    max_answer_tokens: int,
    is_waited_for: bool = False,
) -> Generated:
    """Make one call. Needs a database connection, for the counts.

    Args:
        model: its name.
        instruction: see Prompt, as for the next three.
        parts: what to do it with.
        schema: of the answer.
        max_answer_tokens: above that the answer is an error.
        is_waited_for: somebody waits for the answer: it may use the share of the minute that jobs leave.

    Raises:
        JobError: members of marketplace.gemini.errors.
    """
    prompt = Prompt(
        model=model, instruction=instruction, parts=parts, schema=schema, max_answer_tokens=max_answer_tokens
    )
    (outcome,) = generate_each([prompt], is_waited_for=is_waited_for)
    if isinstance(outcome, JobError):
        raise outcome
    if outcome is None:
        raise RuntimeError("a call that nobody stopped was not made")
    return outcome


def generate_each(
    prompts: Sequence[Prompt],
    *,
    concurrency: int = 1,
    is_waited_for: bool = False,
    is_stopping: Callable[[], bool] = lambda: False,
) -> list[Generated | JobError | None]:
    """Make calls in threads, and count them in the caller's.

    Returns what came of each, in the order given: the answer, a member of marketplace.gemini.errors, or None for a
    call that was not begun because is_stopping() said so. Of calls in one list none is made where the day's budget is
    used up before; those that are on their way when it is reached are finished.
    """
    if not prompts:
        return []
    if is_budget_used():
        return [GeminiBudgetUsed() for _ in prompts]

    def start(prompt: Prompt) -> _Answered | None:
        try:
            return None if is_stopping() else _ask(prompt, is_waited_for=is_waited_for)
        except JobError as error:
            return _Answered(error, 0, 0)

    with ThreadPoolExecutor(max_workers=min(concurrency, len(prompts))) as pool:
        answers = list(pool.map(start, prompts))
    return [None if it is None else _counted(it, prompt) for it, prompt in zip(answers, prompts, strict=True)]


def is_budget_used() -> bool:
    """Tell whether today's calls have cost what may be spent."""
    return spent_usd() >= settings.GEMINI_DAY_BUDGET_USD


def cost_micro_usd(prompt_tokens: int, answer_tokens: int) -> int:
    """Return what tokens cost at the prices that are set: a dollar a million tokens is a millionth a token."""
    return round(prompt_tokens * settings.GEMINI_PROMPT_USD_PER_M + answer_tokens * settings.GEMINI_ANSWER_USD_PER_M)


def _counted(answered: _Answered, prompt: Prompt) -> Generated | JobError:
    try:
        with counted(prompt.model, items=prompt.items) as use:
            use.tokens = answered.prompt_tokens + answered.answer_tokens
            use.answer_tokens = answered.answer_tokens
            use.cost_micro_usd = cost_micro_usd(answered.prompt_tokens, answered.answer_tokens)
            if isinstance(answered.outcome, JobError):
                raise answered.outcome
    except JobError as error:
        return error
    return answered.outcome


def _ask(prompt: Prompt, *, is_waited_for: bool) -> _Answered:
    """Make the call; touches no database."""
    from google.genai import types  # noqa: PLC0415 see marketplace.gemini.client

    client = gemini_client()
    config = types.GenerateContentConfig(
        system_instruction=prompt.instruction,
        response_mime_type="application/json",
        response_json_schema=dict(prompt.schema),
        max_output_tokens=prompt.max_answer_tokens,
        candidate_count=1,
        # There are no functions to call, and the client would say so at each call.
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
    )
    contents = [types.Content(role="user", parts=[_part(it) for it in prompt.parts])]
    take_call(prompt.model, is_waited_for=is_waited_for)
    with speaking_to_gemini():
        answer = client.models.generate_content(model=prompt.model, contents=contents, config=config)
    counts = answer.usage_metadata
    prompt_tokens = (counts and counts.prompt_token_count) or 0
    # What a model thinks is paid for like what it writes.
    answer_tokens = ((counts and counts.candidates_token_count) or 0) + ((counts and counts.thoughts_token_count) or 0)
    try:
        text = _text(answer)
        data = _data(text, prompt.schema)
    except JobError as error:
        return _Answered(error, prompt_tokens, answer_tokens)
    made = Generated(data, text, answer.model_version or prompt.model, prompt_tokens, answer_tokens)
    return _Answered(made, prompt_tokens, answer_tokens)


def _part(part: TextPart | PicturePart) -> "Part":
    from google.genai.types import Part  # noqa: PLC0415 see marketplace.gemini.client

    if isinstance(part, TextPart):
        return Part(text=part.text)
    return Part.from_bytes(data=part.data, mime_type=part.media_type)


def _text(answer: "GenerateContentResponse") -> str:
    """Return what the model wrote, or raise why it did not."""
    feedback = answer.prompt_feedback
    if feedback is not None and feedback.block_reason:
        raise GeminiPromptBlocked(f"{GeminiPromptBlocked.__doc__} ({feedback.block_reason.value})")
    if not answer.candidates:
        raise GeminiBadAnswer("no answer, and no reason why")
    candidate = answer.candidates[0]
    ended = candidate.finish_reason.value if candidate.finish_reason else ""
    if ended in CUT:
        raise GeminiAnswerCut
    text = _written(candidate)
    if ended in ENDED or (not ended and text):
        return text
    if not ended or ended in MALFORMED:
        raise GeminiBadAnswer(f"no answer ({ended or 'no reason given'})")
    raise GeminiAnswerBlocked(f"{GeminiAnswerBlocked.__doc__} ({ended})")


def _written(candidate: "Candidate") -> str:
    parts = (candidate.content.parts or []) if candidate.content else []
    return storable_text("".join(part.text for part in parts if part.text and not part.thought))


def _data(text: str, schema: Mapping[str, Any]) -> Any:
    """Return what the text says, such as PostgreSQL can keep: one answer must not fail the batch that stores it."""
    from jsonschema import Draft202012Validator  # noqa: PLC0415 see marketplace.gemini.client

    try:
        data = storable_json(json.loads(text, parse_float=_finite, parse_constant=_finite))
    except (ValueError, RecursionError) as error:
        raise GeminiOffSchema(f"no JSON: {error}"[:MAX_MESSAGE_CHARS]) from error
    problem = next(iter(Draft202012Validator(schema).iter_errors(data)), None)
    if problem is not None:
        raise GeminiOffSchema(f"not of the schema, at {problem.json_path}: {problem.message}"[:MAX_MESSAGE_CHARS])
    return data


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"{number[:20]} is no number of JSON")
    return value
