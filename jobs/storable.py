"""Texts and JSON from elsewhere, in a form that PostgreSQL can keep."""

import re
from typing import Any

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable_text(text: str) -> str:
    """Return the text without NUL and without halves of surrogate pairs, as are left where an emoji is cut in two."""
    return _UNSTORABLE.sub("", text)


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
