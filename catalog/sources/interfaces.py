"""A shop system's own public interface, read as JSON through the polite reader, and what its values say."""

import json
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from selectolax.lexbor import LexborHTMLParser, LexborNode

from catalog.reading import SiteReader
from catalog.replies import PageNotFound, Reply, RequestRefused, TooManyRedirects
from catalog.robots import RobotsForbid
from catalog.sources.source import MAX_DESCRIPTION, MAX_PICTURES
from jobs.errors import PermanentError
from jobs.storable import storable_text
from marketplace.money import Money

ACCEPT_JSON = "application/json"
MAX_JSON_BYTES = 16 * 1024 * 1024  # 250 products of 100 variants are about 15 MB
MAX_DIGITS = 14  # before the point: what the column holds

_BLOCKS = frozenset(
    {
        "address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "figure", "footer", "h1", "h2",
        "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "ol", "p", "pre", "section", "table", "tr", "ul",
    }
)  # fmt: skip
_SILENT = frozenset({"script", "style", "template", "noscript", "iframe"})


class InterfaceClosed(PermanentError):
    """The shop does not answer there with what the interface gives.

    Args:
        message: what it did instead.
        shown_at: where a page was shown in its stead; empty where nothing was.
    """

    code = "catalog.interface_closed"

    def __init__(self, message: str = "", *, shown_at: str = "") -> None:
        super().__init__(message)
        self.shown_at = shown_at


@dataclass(frozen=True, slots=True)
class Answer:
    """What an interface answered."""

    data: Any
    reply: Reply


def read_json(reader: SiteReader, address: str) -> Answer:
    """Get JSON.

    Raises:
        InterfaceClosed: refused, forbidden by robots.txt, not there, redirected without end, or no JSON (permanent).
        What `reader` raises for a site that fails, is slow or asks for rest.
    """
    try:
        reply = reader.get(address, accept=ACCEPT_JSON, max_bytes=MAX_JSON_BYTES, is_file=True)
    except (PageNotFound, RequestRefused, RobotsForbid, TooManyRedirects) as error:
        raise InterfaceClosed(str(error)) from error
    try:
        # A number with a point keeps its digits.
        data = json.loads(reply.body.decode("utf-8-sig"), parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        told = f"{reply.address} answers with {reply.media_type or 'nothing'}, not with JSON"
        raise InterfaceClosed(told, shown_at=reply.address) from error
    return Answer(data, reply)


def text_of(value: Any, most: int = 500) -> str:
    """Return a JSON value as a line of text; empty for what is no text and no number."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return ""
    return " ".join(storable_text(str(value)).split())[:most]


def items_of(value: Any) -> list[dict[str, Any]]:
    """Return the objects of a JSON array; none of anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def money_of(amount: Any, currency: str, *, minor_unit: int = 0) -> Money | None:
    """Return a price; None where the amount is none.

    Args:
        amount: an integer, or decimal digits as a number or a string.
        currency: ISO 4217, or empty.
        minor_unit: how many of its last digits stand behind the point.
    """
    raw = text_of(amount, 40)
    if not re.fullmatch(r"\d{1,20}(\.\d{1,10})?", raw):
        return None
    try:
        value = Decimal(raw).scaleb(-minor_unit)
    except InvalidOperation:
        return None
    if value >= Decimal(10) ** MAX_DIGITS:
        return None
    return Money(value.quantize(Decimal("0.0001")), currency, f"{value:f} {currency}".strip())


def currency_of(value: Any) -> str:
    """Return the ISO 4217 code that a value is; empty if it is none."""
    code = text_of(value).upper()
    return code if re.fullmatch(r"[A-Z]{3}", code) else ""


def plain_text(html: Any) -> str:
    """Return the text of a piece of HTML: a line for each block, entities resolved."""
    if not isinstance(html, str) or not html.strip():
        return ""
    root = LexborHTMLParser(storable_text(html[: MAX_DESCRIPTION * 10])).body
    parts: list[str] = []
    if root is not None:
        _gather(root, parts)
    lines = (" ".join(line.split()) for line in "".join(parts).split("\n"))
    return "\n".join(line for line in lines if line)[:MAX_DESCRIPTION]


def line_text(html: Any, most: int = 500) -> str:
    """Return the text of a piece of HTML in one line."""
    return " ".join(plain_text(html).split())[:most]


def _gather(root: LexborNode, parts: list[str]) -> None:
    """Append the texts below root in order, with a line break around blocks; without recursion."""
    waiting: list[LexborNode | str] = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, str):
            parts.append(node)
        elif node.tag == "-text":
            # A line break in the source is no line break on the page.
            parts.append(" ".join(f"|{node.text_content or ''}|".split())[1:-1])
        elif node.tag not in _SILENT:
            if node.tag in _BLOCKS:
                parts.append("\n")
                waiting.append("\n")
            waiting.extend(reversed(list(node.iter(include_text=True))))


def web_addresses(addresses: list[str]) -> list[str]:
    """Keep each http(s) address once, in order, and no more than a product may have pictures."""
    kept = [address for address in dict.fromkeys(addresses) if re.match(r"https?://", address) and len(address) <= 2000]
    return kept[:MAX_PICTURES]
