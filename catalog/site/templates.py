"""Templates: what addresses of products and of lists look like on one site.

A template is an address with its changing parts left out. It is learned from what the site itself says (sitemaps that
name products, cards of products on its lists) and from pages that were looked at.
"""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl, unquote, urlsplit

from catalog.site.address_words import CONTENT_STEPS, LIST_STEPS, PRODUCT_STEPS

PRODUCT, LIST, CONTENT, MIXED = "product", "list", "content", "mixed"
MAX_TEMPLATES = 300

_EXTENSION = re.compile(r"\.(?:html?|php|aspx?|jsp|cgi)$", re.IGNORECASE)
_FILES = frozenset({"index", "default", "home", "main", "shop", "store"})
_LANGUAGE = re.compile(r"[a-z]{2}(?:[-_][a-z]{2})?", re.IGNORECASE)
# `blue-mug-p-1234.html`, `p1234`, `blue-mug/p`, `i.123.456`: how shop systems mark a product in the last step.
_PRODUCT_TAIL = re.compile(r"(?:^|[-_./])(?:p|i|dp|prod|product|item|art)[-_.]?\d{2,}(?:[-_.]\d+)*$", re.IGNORECASE)
_LIST_TAIL = re.compile(r"(?:^|[-_./])(?:c|cat|category|g)[-_]?\d{1,}(?:[-_.]\d+)*$", re.IGNORECASE)
_ROUTE = re.compile(r"[a-z][\w/.-]{0,60}", re.IGNORECASE)
_PRODUCT_PARAMETER = re.compile(r"(?:product|item|prod|goods|article|sku)(?:[_-]?id)?|pid|artnr", re.IGNORECASE)
_LIST_PARAMETER = re.compile(r"(?:category|cat|categories|collection|department)(?:[_-]?id)?|cpath|cid", re.IGNORECASE)


def template_of(address: str) -> str:
    """Return the template of an address: words that say what a page is stay, all else becomes what kind it is."""
    parts = urlsplit(address)
    steps = [unquote(step) for step in parts.path.split("/") if step]
    shaped = [_shape(step, is_last=number == len(steps) - 1) for number, step in enumerate(steps)]
    ending = "/" if parts.path.endswith("/") and steps else ""
    query = sorted(
        f"{name}={value if not re.search(r'[0-9]', value) and '/' in value and _ROUTE.fullmatch(value) else '*'}"
        for name, value in parse_qsl(parts.query, keep_blank_values=True)[:10]
    )
    return ("/" + "/".join(shaped) + ending + ("?" + "&".join(query) if query else ""))[:200]


def _shape(step: str, *, is_last: bool) -> str:
    extension = _EXTENSION.search(step)
    stem = step[: extension.start()] if extension else step
    tail = extension[0].lower() if extension else ""
    word = stem.lower()
    if (
        word in _FILES
        or word in PRODUCT_STEPS
        or word in LIST_STEPS
        or word in CONTENT_STEPS
        or _LANGUAGE.fullmatch(word)
    ):
        return word + tail
    if not is_last:
        return "*"
    if word.isdigit():
        return f"<number>{tail}"
    if _PRODUCT_TAIL.search(word):
        return f"<p-number>{tail}"
    if _LIST_TAIL.search(word):
        return f"<c-number>{tail}"
    if re.search(r"\d{3}", word):
        return f"<numbered>{tail}"
    return ("<phrase>" if len(re.findall(r"[-_+ ]", stem)) >= 2 else "<word>") + tail


def kind_by_words(address: str, learned: Mapping[str, str]) -> str:
    """Return what stands at an address: product, list, content, or empty when neither words nor templates tell.

    What was learned on the site goes before what words mean on sites in general; words for content go before both.
    """
    parts = urlsplit(address)
    steps = [_EXTENSION.sub("", unquote(step)).lower() for step in parts.path.split("/") if step]
    query = [(name, value) for name, value in parse_qsl(parts.query)[:10] if value]
    routes = [
        step for _, value in query if "/" in value and _ROUTE.fullmatch(value) for step in value.lower().split("/")
    ]
    label = (parts.hostname or "").partition(".")[0]
    if _is_content(steps) or _is_content(routes) or label in CONTENT_STEPS:
        return CONTENT
    told = learned.get(template_of(address), "")
    if told in (PRODUCT, LIST, CONTENT):
        return told
    if told == MIXED or not (steps or query):
        return ""
    return _kind_of_route(routes) or _kind_of_path(steps) or _kind_of_query([name for name, _ in query])


def _is_content(steps: list[str]) -> bool:
    """Tell whether a word for content comes before any for products: so in `/blog/tag`, not in `/tag/video`."""
    for step in steps:
        if step in CONTENT_STEPS:
            return True
        if step in PRODUCT_STEPS or step in LIST_STEPS:
            return False
    return False


def _kind_of_route(routes: list[str]) -> str:
    """`?route=product/category` names a list: the last word counts."""
    if not routes or routes[-1] not in PRODUCT_STEPS | LIST_STEPS:
        return ""
    return LIST if routes[-1] in LIST_STEPS else PRODUCT


def _kind_of_path(steps: list[str]) -> str:
    if not steps:
        return ""
    last = steps[-1]
    if last in LIST_STEPS and len(steps) > 1:
        return LIST
    for step in reversed(steps[:-1]):
        if step in PRODUCT_STEPS:
            return PRODUCT
        if step in LIST_STEPS:
            return LIST
    if _PRODUCT_TAIL.search(last) or (last in ("p", "dp") and len(steps) > 1):
        return PRODUCT
    return LIST if _LIST_TAIL.search(last) or last in PRODUCT_STEPS or last in LIST_STEPS else ""


def _kind_of_query(names: list[str]) -> str:
    if any(_PRODUCT_PARAMETER.fullmatch(name) for name in names):
        return PRODUCT
    return LIST if any(_LIST_PARAMETER.fullmatch(name) for name in names) else ""


def learn(known: Mapping[str, str], addresses: Iterable[str], kind: str) -> dict[str, str]:
    """Return the templates with those of these addresses added; one that is met as two kinds is mixed."""
    learned = dict(known)
    for address in addresses:
        template = template_of(address)
        if template not in learned and len(learned) >= MAX_TEMPLATES:
            continue
        learned[template] = kind if learned.get(template, kind) == kind else MIXED
    return learned
