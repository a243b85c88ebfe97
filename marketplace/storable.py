"""Texts and JSON from elsewhere, in a form that PostgreSQL can keep."""

import re
from typing import Any

_SURROGATES = re.compile("[\ud800-\udfff]")


def storable_text(text: str) -> str:
    """Return the text without NUL, and with U+FFFD for each half of a surrogate pair."""
    if "\x00" in text:
        text = text.replace("\x00", "")
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)


def storable_json(value: Any) -> Any:
    """Return what json.loads gave with every text and name in it as storable_text has it."""
    match value:
        case str():
            return storable_text(value)
        case dict():
            return {storable_text(name): storable_json(it) for name, it in value.items()}
        case list():
            return [storable_json(it) for it in value]
        case _:
            return value
