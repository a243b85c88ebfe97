"""Groups of synonyms as people write them: words or phrases, separated by commas."""

from django.core.exceptions import ValidationError

from catalog.ranking.tokens import normalised, words_of

MAX_PHRASES = 50
MAX_PHRASE_WORDS = 5


def phrases(text: str) -> list[str]:
    """List the phrases of a text, separated by commas or lines, each once."""
    parts = (" ".join(part.split()) for part in text.replace("\n", ",").split(","))
    return list(dict.fromkeys(part for part in parts if part))


def check_group(words: str, means: str) -> None:
    """Refuse a group of synonyms that could not do anything.

    Raises:
        ValidationError: by field, with what to do.
    """
    for field, text in (("words", words), ("means", means)):
        found = phrases(text)
        if len(found) > MAX_PHRASES:
            raise ValidationError({field: f"At most {MAX_PHRASES} phrases a group; make two groups."})
        for phrase in found:
            size = len(words_of(normalised(phrase)))
            if not 1 <= size <= MAX_PHRASE_WORDS:
                raise ValidationError({field: f"“{phrase}” has {size} words; a phrase has 1 to {MAX_PHRASE_WORDS}."})
    if not phrases(words):
        raise ValidationError({"words": "Name at least one word."})
    if len(phrases(words)) + len(phrases(means)) < 2:
        raise ValidationError({"words": "One word alone has no synonym: name another after a comma, or what it means."})
    if phrases(means) and set(map(str.casefold, phrases(words))) & set(map(str.casefold, phrases(means))):
        raise ValidationError({"means": "A word cannot mean itself: leave out what stands on the left."})
