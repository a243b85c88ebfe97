"""Embed texts by Google's Gemini: knows meaning in many languages; each text leaves this server."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from django.conf import settings

from catalog.embedders.contract import DIMENSIONS, Vectors
from marketplace.gemini.client import TEXTS_A_CALL, embed_texts
from marketplace.gemini.errors import GeminiBadAnswer
from marketplace.gemini.pace import calls_for_jobs, take_call
from marketplace.gemini.usage import counted

MAX_FINGERPRINT_CHARS = 64
# Models that are told by a parameter what a vector is for; later ones are told by words before the text.
_KNOWS_TASK_TYPES = re.compile(r"(models/)?(gemini-embedding-(001|exp)|text-embedding-|embedding-)")


@dataclass(frozen=True, slots=True)
class Purpose:
    """How a model is told what a vector is for."""

    task_type: str | None
    form: str

    def apply(self, text: str) -> str:
        """Return the text as it is sent."""
        title, _, rest = text.partition("\n")
        return self.form.format(title=title.strip(), rest=rest.strip(), text=text)


# Sources: ai.google.dev, "Embeddings: task types" and "Embeddings: gemini-embedding-2, task prefixes".
BY_PARAMETER = (Purpose("RETRIEVAL_DOCUMENT", "{text}"), Purpose("RETRIEVAL_QUERY", "{text}"))
BY_WORDS = (Purpose(None, "title: {title} | text: {rest}"), Purpose(None, "task: search result | query: {text}"))


class GeminiEmbedder:
    """One vector a text by batchEmbedContents, up to 100 a call, each made a unit vector.

    A text without anything in it is not sent: it gets one fixed vector, as with the hashing embedder.
    """

    # Not measured: the cosines of this family of models are said to begin near 0.5 for texts that share nothing.
    min_similarity = 0.55
    picture_weight = 0.0

    def __init__(self, model: str = "") -> None:
        self.model = model or settings.GEMINI_EMBEDDING_MODEL
        self._for_products, self._for_queries = BY_PARAMETER if _KNOWS_TASK_TYPES.match(self.model) else BY_WORDS

    @property
    def fingerprint(self) -> str:
        """Names model, dimensions and the way that purposes are told; see the contract."""
        scheme = "parameter" if self._for_products.task_type else "words"
        exact = f"{self.model} {DIMENSIONS} {scheme}"
        name = re.sub(r"[^a-z0-9]+", "_", exact.removeprefix("models/").lower())
        if len(name) > MAX_FINGERPRINT_CHARS or not name.startswith("gemini"):
            name = f"gemini_{sha256(exact.encode()).hexdigest()[:16]}"
        return name

    @property
    def summary(self) -> str:
        """Says what it is."""
        return (
            f"Google's {self.model} by its API: knows meaning in many languages. Texts leave this server; "
            f"{settings.GEMINI_REQUESTS_PER_MIN} calls a minute."
        )

    @property
    def seconds_a_call(self) -> float:
        """How far apart the calls of jobs are, so that they stay within their share of a minute's."""
        return 60.0 / calls_for_jobs()

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Encode texts of products, at the pace of jobs; see the contract.

        Raises:
            JobError: members of marketplace.gemini.errors.
        """
        return self._embed(texts, self._for_products, is_waited_for=False)

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Encode what people look for. Refuses at once, rather than waits, when the minute's calls are made."""
        return self._embed(texts, self._for_queries, is_waited_for=True)

    def _embed(self, texts: Sequence[str], purpose: Purpose, *, is_waited_for: bool) -> Vectors:
        vectors = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
        vectors[:, 0] = 1.0
        full = [place for place, text in enumerate(texts) if text.strip()]
        for places in _parts(full):
            sent = [purpose.apply(texts[place]) for place in places]
            with counted(self.model, items=len(sent)) as use:
                take_call(self.model, is_waited_for=is_waited_for)
                answer = embed_texts(sent, model=self.model, dimensions=DIMENSIONS, task_type=purpose.task_type)
                use.tokens = answer.tokens
                vectors[places] = _units(answer.vectors)
        return vectors


def _parts(places: list[int]) -> Iterator[list[int]]:
    return (places[start : start + TEXTS_A_CALL] for start in range(0, len(places), TEXTS_A_CALL))


def _units(rows: Sequence[Sequence[float]]) -> Vectors:
    """Return rows of norm 1: models shorten their vectors to 768 numbers without making them unit vectors again."""
    vectors = np.array(rows, dtype=np.float32)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.isfinite(vectors).all() or (norms < 1e-6).any():
        raise GeminiBadAnswer("a vector with something else than numbers, or with zeros only")
    units: Vectors = vectors / norms
    return units
