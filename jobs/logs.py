"""How log lines look: JSON for machines, text for a terminal; with extra fields, without people's data."""

import json
import logging
from datetime import UTC, datetime
from typing import Any

from jobs.privacy import redacted, scrubbed

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    extra: dict[str, Any] = redacted({name: value for name, value in vars(record).items() if name not in _STANDARD})
    return extra


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as JSON, its extra fields beside the standard ones."""
        entry = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": scrubbed(record.getMessage()),
            **_extra(record),
        }
        if record.exc_info:
            entry["traceback"] = scrubbed(self.formatException(record.exc_info))
        return json.dumps(entry, default=str)


class LineFormatter(logging.Formatter):
    """`message key=value`: for a log whose lines have their time and level beside them."""

    def format(self, record: logging.LogRecord) -> str:
        """Return message and extra fields, with the traceback below where there is one."""
        extra = "".join(f" {name}={value}" for name, value in _extra(record).items())
        line = scrubbed(record.getMessage()) + extra
        return f"{line}\n{scrubbed(self.formatException(record.exc_info))}" if record.exc_info else line


class TextFormatter(logging.Formatter):
    """`12:00:00.000 INFO jobs.dispatch: message key=value`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line, with its traceback below where it has one."""
        at = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S.%f")[:-3]
        extra = "".join(f" {name}={value}" for name, value in _extra(record).items())
        line = f"{at} {record.levelname} {record.name}: {scrubbed(record.getMessage())}{extra}"
        if record.exc_info:
            line += "\n" + scrubbed(self.formatException(record.exc_info))
        return line
