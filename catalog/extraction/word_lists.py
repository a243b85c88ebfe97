"""Word lists as data: one text, words separated by white space; and tests for the phrases of a pattern."""

import re
from collections.abc import Callable
from functools import lru_cache


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


def phrase_test(pattern: str) -> Callable[[str], bool]:
    """Return a test whether a text holds the pattern, which is in lower case; letters' case in the text is nothing.

    The text is put into lower case, because a search that ignores case tries every phrase at every letter: it takes
    three to six times as long (29,000 texts, 2026). Pages repeat their short texts, so that answers are kept.
    """
    compiled = re.compile(pattern)

    @lru_cache(maxsize=8_192)
    def holds(text: str) -> bool:
        return compiled.search(text.lower()) is not None

    return holds
