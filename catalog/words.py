"""Words as the index knows them: accents folded, case folded, stemmed. Queries and products go the same way."""

import re
import threading
import unicodedata

import Stemmer

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_APOSTROPHES = re.compile(r"['’].*$")
# English words that say nothing about a product; they would only draw unrelated texts together.
STOP_WORDS = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "but",
        "by",
        "for",
        "from",
        "has",
        "have",
        "he",
        "her",
        "his",
        "i",
        "if",
        "in",
        "into",
        "is",
        "it",
        "its",
        "no",
        "nor",
        "not",
        "of",
        "on",
        "or",
        "our",
        "she",
        "so",
        "such",
        "that",
        "the",
        "their",
        "them",
        "then",
        "there",
        "these",
        "they",
        "this",
        "to",
        "was",
        "we",
        "were",
        "what",
        "when",
        "which",
        "who",
        "will",
        "with",
        "you",
        "your",
    ]
)

_local = threading.local()


def fold(text: str) -> str:
    """Return the text in lower case without accents: "Café" becomes "cafe"."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def stems(text: str) -> list[str]:
    """List the stems of the text's words, in order, without stop words."""
    words = [_APOSTROPHES.sub("", word) for word in _WORD.findall(fold(text))]
    stemmed: list[str] = _stemmer().stemWords([word for word in words if word not in STOP_WORDS])
    return stemmed


def _stemmer() -> Stemmer.Stemmer:
    """Return this thread's stemmer: a Stemmer keeps state and is not safe to share."""
    stemmer: Stemmer.Stemmer | None = getattr(_local, "stemmer", None)
    if stemmer is None:
        stemmer = _local.stemmer = Stemmer.Stemmer("english")
    return stemmer
