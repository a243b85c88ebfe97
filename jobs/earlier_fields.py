"""The fields of a record that another system wrote: found by any of their names, checked, refused by name."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NoReturn

from django.utils.dateparse import parse_datetime

from jobs.storable import storable_text

MAX_NUMBER = 32_767
MAX_TEXT_LENGTH = 10_000
# Bull counts milliseconds; seconds since 1970 stay below this until the year 5138.
FIRST_MS = 100_000_000_000
FIRST_YEAR, LAST_YEAR = 1970, 3000


class RecordRefused(ValueError):
    """A record cannot be imported, because of one of its fields."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class Fields:
    """The fields of a record, whichever of their names it uses."""

    def __init__(self, record: Mapping[str, Any], names: Mapping[str, Sequence[str]], prefix: str = "") -> None:
        self.record = record
        self.names = names
        self.prefix = prefix

    def __getitem__(self, field: str) -> Any:
        return next((self.record[name] for name in self.names[field] if self.record.get(name) is not None), None)

    def refuse(self, field: str, reason: str) -> NoReturn:
        """Refuse the record because of the field, under the name that it has there."""
        name = next((name for name in self.names[field] if self.record.get(name) is not None), self.names[field][0])
        raise RecordRefused(f"{self.prefix}{name}", reason)

    def rest(self) -> dict[str, Any]:
        """Return the fields that have none of the names."""
        known = {name for names in self.names.values() for name in names}
        return {name: value for name, value in self.record.items() if name not in known}

    def text(self, field: str, *, most: int, default: str | None = None) -> str:
        """Return a short text, or the default; without one it must be there."""
        value = self[field]
        if value is None or value == "":
            if default is None:
                self.refuse(field, "is missing")
            return default
        if isinstance(value, bool) or not isinstance(value, str | int):
            self.refuse(field, "is not a text")
        text = str(value)
        if len(text) > most:
            self.refuse(field, f"is longer than {most} characters")
        return text

    def long_text(self, field: str) -> str:
        """Return a long text, cut; what is no text as JSON."""
        value = self[field]
        if value is None:
            return ""
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        return storable_text(text[:MAX_TEXT_LENGTH])

    def number(self, field: str, *, default: int, least: int = 0) -> int:
        """Return a whole number."""
        value = self[field]
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MAX_NUMBER:
            self.refuse(field, f"is not a whole number from {least} to {MAX_NUMBER}")
        return value

    def milliseconds(self, field: str) -> float | None:
        """Return a duration."""
        value = self[field]
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < FIRST_MS:
            self.refuse(field, "is not a number of milliseconds")
        return float(value)

    def instant(self, field: str) -> datetime | None:
        """Return an aware instant: ISO 8601, or seconds or milliseconds since 1970."""
        value = self[field]
        if value is None or value == "":
            return None
        if isinstance(value, int | float) and not isinstance(value, bool):
            return self._instant_of(field, value)
        if not isinstance(value, str):
            self.refuse(field, "is neither a time in ISO 8601 nor a number of seconds or milliseconds since 1970")
        try:
            parsed = parse_datetime(value)
        except ValueError as error:
            self.refuse(field, f"is no time: {error}")
        if parsed is None:
            self.refuse(field, "is no time in ISO 8601, like 2024-05-01T12:00:00Z")
        if parsed.tzinfo is None:
            self.refuse(field, "names no time zone; end it with Z if it is UTC")
        return self._in_range(field, parsed)

    def _instant_of(self, field: str, value: float) -> datetime:
        try:
            at = datetime.fromtimestamp(value / 1000 if abs(value) >= FIRST_MS else value, UTC)
        except (OverflowError, OSError, ValueError):
            self.refuse(field, "is out of range")
        return self._in_range(field, at)

    def _in_range(self, field: str, at: datetime) -> datetime:
        if not FIRST_YEAR <= at.year < LAST_YEAR:
            self.refuse(field, f"is not between {FIRST_YEAR} and {LAST_YEAR}")
        return at

    def mapping(self, field: str) -> dict[str, Any]:
        """Return an object; empty when there is none."""
        value = self[field]
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.refuse(field, "is not an object")
        return value
