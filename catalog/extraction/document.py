"""A page, parsed once: its tree, its addresses, its language and its scripts. Every reader works on this."""

import re
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from catalog.streams.charsets import page_text
from jobs.errors import PermanentError

MAX_PAGE_CHARACTERS = 8_000_000
MAX_ADDRESS = 2_000
# lexbor's tree building is quadratic in the open elements: 10,000 took 0.1 s, 200,000 took 120 s (2 cores, 2026).
MAX_OPEN_ELEMENTS = 20_000
# Open <b>, <i>... are copied into each following block, so that n of them and n blocks make n * n nodes.
MAX_OPEN_FORMATTING = 300
MAX_ATTRIBUTES = 5_000  # each is compared with those before it: 5,000 took 0.07 s, 40,000 took 5 s
MAX_OPTIONS = 10_000  # lexbor took 1.7 s for 20,000, and 11 s for 50,000
_OPTION = re.compile("<option", re.IGNORECASE)
_COUNTED_CHARACTERS = 65_536
_FORMATTING = re.compile(
    r"<(/?)(?=[bcefistu])(?:b|big|code|em|font|i|s|small|strike|strong|tt|u)(?=[\s/>])", re.IGNORECASE
)
_OPENING_TAG = re.compile(r"""<[a-zA-Z][^>"']*+(?:"[^"]*+"[^>"']*+|'[^']*+'[^>"']*+)*+""")
_QUOTED = re.compile(r""""[^"]*+"|'[^']*+'""")
_RAW_TEXT = re.compile(r"<(script|style)\b", re.IGNORECASE)
_RAW_END = {name: re.compile(f"</{name}", re.IGNORECASE) for name in ("script", "style")}
_SPACES = re.compile(r"\s+")
# An address in full that stays as it is when it is joined to another: most are such.
_IN_FULL = re.compile(
    r"https?://[a-z0-9-]+(?:\.[a-z0-9-]+)*(?::\d{1,5})?(?:/[\w/.~%+@=&,:!*'()$-]*(?:\?[\w/.~%+@=&,:!*'()$-]+)?)?"
)
# What the readers look for: asked of the tree at once, for each question walks it all (0.4 ms each, 500 kB, 2026).
DATA_ATTRIBUTES = frozenset({"data-price", "data-product-price", "data-sku", "data-product-sku", "data-product"})
_TELLING = ", ".join(
    [
        *("meta[content]", 'link[rel="canonical"]', "base[href]", "script"),
        *("[itemscope]", "[itemprop]", "[typeof]", "form[data-product_variations]"),
        *(f"[{name}]" for name in sorted(DATA_ATTRIBUTES)),
    ]
)


class PageMalformed(PermanentError):
    """The page carries no product data."""

    code = "catalog.page_malformed"


@dataclass(frozen=True, slots=True)
class Told:
    """An element that says something to machines."""

    node: LexborNode
    tag: str
    attributes: dict[str, str | None]


@dataclass(frozen=True)
class Script:
    """A script: its type and, on demand, its text."""

    kind: str  # the type attribute, lower case
    node: LexborNode

    @cached_property
    def text(self) -> str:
        """What it holds; taken from the tree only when it is asked for."""
        return str(self.node.text(deep=True))


class Document:
    """A parsed page."""

    def __init__(self, html: str, address: str) -> None:
        """Parse the page, which was found at the address.

        Raises:
            PageMalformed: it is too large, or nested so deeply that a parser would not end (permanent).
        """
        if len(html) > MAX_PAGE_CHARACTERS:
            raise PageMalformed(f"{address} has {len(html)} characters; {MAX_PAGE_CHARACTERS} are read at most")
        _check_shape(html, address)
        # Lone surrogates cannot be encoded; NUL is what PostgreSQL refuses.
        cleaned = html.encode("utf-8", "replace").replace(b"\x00", b"")
        self.address = address
        self.tree = LexborHTMLParser(cleaned)

    @cached_property
    def told(self) -> list[Told]:
        """The elements that say something to machines, in order."""
        nodes = {node.mem_id: node for node in self.tree.css(_TELLING)}  # one that matches twice comes twice
        return [Told(node, node.tag or "", node.attributes) for node in nodes.values()]

    @cached_property
    def base(self) -> str:
        """The address that relative ones are taken from."""
        bases = (one.attributes["href"] for one in self.told if one.tag == "base" and "href" in one.attributes)
        return absolute(next(bases, "") or "", self.address) or self.address

    @cached_property
    def canonical(self) -> str:
        """The address that the page names as its own; empty if it names none."""
        links = [one.attributes for one in self.told if one.tag == "link" and one.attributes.get("rel") == "canonical"]
        addresses = (absolute(link.get("href") or "", self.base) for link in links)
        return next(filter(None, addresses), "")

    @cached_property
    def language(self) -> str:
        """The page's language tag, such as "de-CH"; empty if it names none."""
        node = self.tree.css_first("html")
        tag = (node.attributes.get("lang") or node.attributes.get("xml:lang") or "") if node else ""
        if not tag:
            metas = self.tree.css('meta[http-equiv="content-language" i], meta[property="og:locale"]')
            tag = next((content for meta in metas if (content := meta.attributes.get("content"))), "")
        tag = tag.strip().replace("_", "-")
        return tag if re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", tag) else ""

    @cached_property
    def title(self) -> str:
        """The text of <title>."""
        node = self.tree.css_first("title")
        return clean(node.text()) if node else ""

    @cached_property
    def metas(self) -> dict[str, list[str]]:
        """The contents of <meta>, by property or name in lower case, in order."""
        found: dict[str, list[str]] = {}
        for one in self.told:
            attributes = one.attributes
            content = clean(attributes.get("content") or "") if one.tag == "meta" else ""
            name = (attributes.get("property") or attributes.get("name") or attributes.get("itemprop") or "").strip()
            if content and name:
                found.setdefault(name.lower(), []).append(content)
        return found

    @cached_property
    def scripts(self) -> list[Script]:
        """The scripts that carry text, in order."""
        return [_script(one) for one in self.told if one.tag == "script" and one.node.child is not None]

    def absolute(self, address: str) -> str:
        """Return the address in full; empty if it is not one of the web."""
        return absolute(address, self.base)


def decode(body: bytes, content_type: str = "") -> str:
    """Return the text of a page's bytes, by its byte order mark, its Content-Type, its own <meta>, else as UTF-8."""
    return page_text(body, content_type)


def clean(text: str) -> str:
    """Return the text with each run of spaces as one, and none around."""
    return _SPACES.sub(" ", text.replace("\x00", "")).strip()


def absolute(address: str, base: str) -> str:
    """Return the address in full, as seen from the base; empty if it is not one of the web, or unreasonably long."""
    address = address.strip()
    if not address or len(address) > MAX_ADDRESS or address.startswith(("data:", "javascript:", "blob:", "#")):
        return ""
    if _IN_FULL.fullmatch(address):
        return address
    try:
        joined = urljoin(base, address)
        is_web = urlsplit(joined).scheme in ("http", "https") and bool(urlsplit(joined).hostname)
    except ValueError:  # such as "http://[": the page's own mistake
        return ""
    return joined if is_web and len(joined) <= MAX_ADDRESS else ""


def _script(told: Told) -> Script:
    return Script(kind=(told.attributes.get("type") or "").strip().lower(), node=told.node)


def _check_shape(html: str, address: str) -> None:
    """Refuse what makes a parser's time grow with the square of the page's size, before it is parsed."""
    depth = 0
    many = html.count("<") > MAX_OPEN_ELEMENTS
    for start in range(0, len(html) if many else 0, _COUNTED_CHARACTERS):
        part = html[start : start + _COUNTED_CHARACTERS]
        depth += part.count("<") - 2 * part.count("</") - part.count("/>") - part.count("<!")
        if depth > MAX_OPEN_ELEMENTS:
            raise PageMalformed(f"{address} leaves more than {MAX_OPEN_ELEMENTS} elements open")
        depth = max(depth, 0)
    if len(_OPTION.findall(html)) > MAX_OPTIONS:
        raise PageMalformed(f"{address} has more than {MAX_OPTIONS} options to choose from")
    # Scripts may hold what looks like tags; they are left out only where it matters, for that costs time.
    if _most_formatting(html) > MAX_OPEN_FORMATTING and _most_formatting(_without_raw_text(html)) > MAX_OPEN_FORMATTING:
        raise PageMalformed(f"{address} leaves more than {MAX_OPEN_FORMATTING} formatting elements open")
    if _most_attributes(html) > MAX_ATTRIBUTES and _most_attributes(_without_raw_text(html)) > MAX_ATTRIBUTES:
        raise PageMalformed(f"{address} has an element with more than {MAX_ATTRIBUTES} attributes")


def _without_raw_text(html: str) -> str:
    """Return the page without its scripts and styles; one that does not end goes on to the page's end."""
    kept: list[str] = []
    position = 0
    while match := _RAW_TEXT.search(html, position):
        kept.append(html[position : match.start()])
        end = _RAW_END[match[1].lower()].search(html, match.end())
        if end is None:
            return "".join(kept)
        position = end.end()
    return "".join([*kept, html[position:]])


def _most_formatting(html: str) -> int:
    unclosed = most = 0
    for match in _FORMATTING.finditer(html):
        unclosed = max(unclosed - 1, 0) if match[1] else unclosed + 1
        most = max(most, unclosed)
    return most


def _most_attributes(html: str) -> int:
    long = (tag for tag in _OPENING_TAG.findall(html) if len(tag) > 2 * MAX_ATTRIBUTES)
    return max((len(_QUOTED.sub("", tag).split()) for tag in long), default=0)
