"""Gemini's API by its own client: one a process, its errors translated."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from django.conf import settings

from marketplace.gemini.errors import GeminiBadAnswer, GeminiNotSetUp, speaking_to_gemini

if TYPE_CHECKING:
    from google.genai import Client

TEXTS_A_CALL = 100  # the most that batchEmbedContents takes
CHARS_A_TOKEN = 4  # about, where the answer does not count them. Source: ai.google.dev, "Understand and count tokens"


@dataclass(frozen=True, slots=True)
class Embeddings:
    """One vector for each text, as the model made them, and what they cost."""

    vectors: Sequence[Sequence[float]]
    tokens: int


def gemini_client() -> "Client":
    """Return this process's client; it neither retries nor waits longer than GEMINI_TIMEOUT_S.

    Raises:
        GeminiNotSetUp: there is no key.
    """
    if not settings.GEMINI_API_KEY:
        raise GeminiNotSetUp
    return _client(os.getpid(), settings.GEMINI_API_KEY, settings.GEMINI_BASE_URL, settings.GEMINI_TIMEOUT_S)


@lru_cache(maxsize=4)
def _client(pid: int, key: str, base_url: str, timeout_s: float) -> "Client":
    """Return the client of a process: connections inherited over a fork are not for two."""
    from google.genai import Client  # noqa: PLC0415 the package costs a second and 60 MiB; most processes never call
    from google.genai.types import HttpOptions  # noqa: PLC0415

    options = HttpOptions(base_url=base_url or None, timeout=round(timeout_s * 1000))
    return Client(enterprise=False, api_key=key, http_options=options)


def embed_texts(texts: Sequence[str], *, model: str, dimensions: int, task_type: str | None = None) -> Embeddings:
    """Embed up to 100 texts in one call, one vector each, in the order given.

    Args:
        texts: none of them blank.
        model: its name.
        dimensions: of each vector.
        task_type: what the vectors are for; None where the model does not take it.

    Raises:
        JobError: members of marketplace.gemini.errors.
    """
    from google.genai.types import Content, EmbedContentConfig, Part  # noqa: PLC0415 see _client

    # A list of strings would be merged into one content, and one vector, for models after gemini-embedding-001.
    contents = [Content(role="user", parts=[Part(text=text)]) for text in texts]
    config = EmbedContentConfig(output_dimensionality=dimensions, task_type=task_type)
    client = gemini_client()
    with speaking_to_gemini():
        answer = client.models.embed_content(model=model, contents=list(contents), config=config)
    vectors = [embedding.values or [] for embedding in answer.embeddings or []]
    if len(vectors) != len(texts):
        raise GeminiBadAnswer(f"{len(vectors)} vectors for {len(texts)} texts")
    if any(len(vector) != dimensions for vector in vectors):
        raise GeminiBadAnswer(f"vectors of {sorted({len(vector) for vector in vectors})} numbers, not of {dimensions}")
    counted = answer.usage_metadata.prompt_token_count if answer.usage_metadata else None
    return Embeddings(vectors=vectors, tokens=counted or sum(-(-len(text) // CHARS_A_TOKEN) for text in texts))
