"""What requests to staff's pages ask for, read leniently: what could not be stored counts as not said."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest

from jobs.storable import storable_text
from qc.waiting import Narrowing


def narrowing_of(query: Any) -> Narrowing:
    """Read which products are meant."""
    return Narrowing(code=written(query, "code")[:100], seller_id=int_of(query.get("seller")))


def written(query: Any, name: str) -> str:
    """Return what was written into a field, without what PostgreSQL does not take."""
    return storable_text(str(query.get(name, "")))


def query_of(narrowing: Narrowing) -> str:
    """Return the query that narrowing_of reads."""
    told = {"code": narrowing.code, "seller": narrowing.seller_id}
    return urlencode({name: value for name, value in told.items() if value})


def int_of(text: str | None) -> int | None:
    """Read an id; None where it is none that the database could know."""
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) <= 18 else None


def ids_in(text: str) -> list[int]:
    """Read ids that are joined by commas, a hundred at most."""
    return [found for it in text.split(",")[:100] if (found := int_of(it)) is not None]


def wants_json(request: HttpRequest) -> bool:
    """Tell the page's script from a form."""
    return request.headers.get("Accept", "") == "application/json"
