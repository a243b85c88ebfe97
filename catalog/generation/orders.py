"""What may be asked for: kinds of text, and how they are to be written."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

# The languages that texts are written in, by ISO 639-1 code, as the model is told them.
LANGUAGES = {
    "ar": "Arabic",
    "cs": "Czech",
    "da": "Danish",
    "de": "German",
    "el": "Greek",
    "en": "English",
    "es": "Spanish",
    "fa": "Persian",
    "fi": "Finnish",
    "fr": "French",
    "he": "Hebrew",
    "hi": "Hindi",
    "id": "Indonesian",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "nb": "Norwegian",
    "nl": "Dutch",
    "pl": "Polish",
    "pt": "Portuguese",
    "ro": "Romanian",
    "ru": "Russian",
    "sv": "Swedish",
    "th": "Thai",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "vi": "Vietnamese",
    "zh": "Chinese (simplified)",
}
MAX_LANGUAGES = 5  # of one request: an answer has room for so many


class Kind(StrEnum):
    """What is to be proposed."""

    TITLE = "title"
    DESCRIPTION = "description"
    ATTRIBUTES = "attributes"
    TRANSLATION = "translation"


class Tone(StrEnum):
    """How a text speaks to buyers."""

    NEUTRAL = "neutral"
    FRIENDLY = "friendly"
    ELEGANT = "elegant"
    TECHNICAL = "technical"


class Length(StrEnum):
    """How long a description is."""

    SHORT = "short"
    MEDIUM = "medium"
    LONG = "long"


class BadOrder(ValueError):
    """The order cannot be carried out; the message says what to change, `field` where."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for.

    Args:
        kinds: at least one, in the order of Kind.
        tone: of title and description.
        length: of the description.
        language: that title, description and attributes are written in; "" for the listing's own.
        languages: that are translated into; needs the kind TRANSLATION, and is needed by it.
    """

    kinds: tuple[Kind, ...]
    tone: Tone = Tone.NEUTRAL
    length: Length = Length.MEDIUM
    language: str = ""
    languages: tuple[str, ...] = ()

    @property
    def parameters(self) -> dict[str, Any]:
        """All but the kinds, as JSON."""
        told = asdict(self)
        del told["kinds"]
        return told | {"languages": list(self.languages)}


def make_order(kinds: list[str], parameters: Mapping[str, Any]) -> Order:
    """Return the order that these kinds and parameters make; kinds may hold "all".

    Raises:
        BadOrder: see its message.
    """
    wanted = set(Kind) if "all" in kinds else {Kind(kind) for kind in kinds}
    languages = tuple(dict.fromkeys(parameters.get("languages") or ()))
    language = parameters.get("language") or ""
    if "all" in kinds and not languages:
        wanted.discard(Kind.TRANSLATION)
    if not wanted:
        raise BadOrder("kinds", "Choose at least one of title, description, attributes, translation.")
    if Kind.TRANSLATION in wanted and not languages:
        raise BadOrder("languages", "Choose the languages to translate into.")
    if languages and Kind.TRANSLATION not in wanted:
        raise BadOrder("languages", "Languages are for translations: choose that kind as well, or leave them out.")
    if len(languages) > MAX_LANGUAGES:
        raise BadOrder("languages", f"Choose at most {MAX_LANGUAGES} languages in one request.")
    for field, codes in (("languages", languages), ("language", (language,) if language else ())):
        if unknown := [code for code in codes if code not in LANGUAGES]:
            raise BadOrder(field, f"{unknown[0]} is not one of {', '.join(LANGUAGES)}.")
    return Order(
        kinds=tuple(kind for kind in Kind if kind in wanted),
        tone=Tone(parameters.get("tone") or Tone.NEUTRAL),
        length=Length(parameters.get("length") or Length.MEDIUM),
        language=language,
        languages=languages,
    )
