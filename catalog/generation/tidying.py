"""Plain text out of what a model wrote: no mark-up, no control characters, no white space to speak of."""

import html
import re
import unicodedata

MAX_CHARS = 5_000  # above that quality control advises a shorter text
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_EMPHASIS = re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1")
_HEADING = re.compile(r"^#{1,6}\s+", re.MULTILINE)
_KEPT = frozenset("\n\u200c\u200d")  # with the joiners, which some scripts and emoji need
_BROKEN = "\ufffd"  # what stands for a character that came broken


def tidy_text(text: str) -> str:
    """Return the text in plain paragraphs, cut at a word where it is very long."""
    plain = html.unescape(_TAG.sub("", _HEADING.sub("", _EMPHASIS.sub(r"\2", text))))
    kept = "".join(it for it in plain if it in _KEPT or (it != _BROKEN and unicodedata.category(it)[0] != "C"))
    lines = (" ".join(line.split()) for line in kept.split("\n"))
    joined = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    return joined if len(joined) <= MAX_CHARS else joined[:MAX_CHARS].rpartition(" ")[0]


def tidy_line(text: str) -> str:
    """Return the text in one line."""
    return " ".join(tidy_text(text).split())
