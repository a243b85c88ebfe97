"""Files of queries, for scripts that search much at once."""

import csv
import sys
from pathlib import Path

from django.core.management.base import CommandError

COLUMN = "query"


def read_queries(name: str) -> list[str]:
    """List the queries of a file, each once, in its order; "-" is the standard input.

    One query a line; or, where the first line names a column "query", CSV.

    Raises:
        CommandError: no such file, not UTF-8, or no query in it.
    """
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CommandError(f"{name} is not UTF-8 (byte {error.start}); save it as UTF-8") from None
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror}") from None
    lines = text.splitlines()
    header = next(csv.reader(lines[:1]), [])
    if COLUMN in header:
        found = [row.get(COLUMN) or "" for row in csv.DictReader(text.splitlines(keepends=True))]
    else:
        found = lines
    queries = list(dict.fromkeys(query for query in found if query.strip()))
    if not queries:
        raise CommandError(f'{name} has no query: write one a line, or CSV with a column "{COLUMN}"')
    return queries
