"""Rules on markup and script in texts."""

import re
from html import unescape
from html.entities import html5

from qc.rules.contract import Finding, Limits, ProductFacts, Severity, rule
from qc.rules.reading import quoted

_ELEMENTS = (
    "a|abbr|address|article|b|big|blockquote|body|br|button|caption|center|cite|code|col|dd|del|div|dl|dt|em|figure|font"
    "|footer|form|h[1-6]|head|header|hr|html|i|iframe|img|input|ins|li|link|main|mark|meta|nav|o:p|ol|option|p|pre"
    "|section|select|small|span|strike|strong|style|sub|sup|table|tbody|td|textarea|tfoot|th|thead|title|tr|tt|u|ul|video"
)
_TAG = re.compile(
    rf"</?(?:{_ELEMENTS})(?:\s[^<>]{{0,500}}=[^<>]{{0,500}})?\s?/?>|<!--|\[/(?:b|i|u|url|img|size|color|list|quote)\]",
    re.IGNORECASE,
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|([a-zA-Z][a-zA-Z0-9]{1,30}));")
# Markup that runs, also where its brackets are written as entities. "JavaScript: The Good Parts" is a book.
_SCRIPT = re.compile(
    r"(?:<|&lt;|&#0*60;|&#x0*3c;)\s{0,5}/?\s{0,5}(?:script|iframe|object|embed|applet)\b[\s/>&]"
    r"|(?:javascript|vbscript)\s{0,5}:\s{0,5}(?:[\w.$]{1,60}\s?[(=]|//)"
    r"|(?:href|src|action)\s{0,5}=\s{0,5}[\"']?\s{0,5}(?:javascript|vbscript|data:text/html)"
    r"|data:text/html\s{0,3}[;,]"
    r"|<[a-z][^<>]{0,300}?[\s/\"']on[a-z]{3,20}\s{0,5}=",
    re.IGNORECASE,
)

_MAY_BE_SCRIPT = re.compile("script|data:", re.IGNORECASE)
# What browsers leave out of addresses. Source: WHATWG, URL Standard, "basic URL parser".
_UNREAD = re.compile("[\\x00\t\n\r]+")


@rule(
    code="text.script",
    severity=Severity.REJECT,
    looks_at=("title", "description"),
    remedy="Take the script out; texts may have none.",
)
def text_has_script(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Reject a text with markup that would run as a program."""
    for name, text in facts.texts:
        if "<" in text or "&" in text or "＜" in text or _MAY_BE_SCRIPT.search(text):
            script = _script_in(text)
            if script:
                return Finding(name, f"The {name} has script: {quoted(script)}.")
    return None


def _script_in(text: str) -> str:
    """Return the first piece that would run, as it is written, or as browsers read it: entities told, tabs left out."""
    shown = text.replace("＜", "<")
    for version in dict.fromkeys((shown, _UNREAD.sub("", unescape(shown)))):
        match = _SCRIPT.search(version)
        if match is not None:
            return version[match.start() : match.end() + 20]
    return ""


@rule(
    code="text.html_markup",
    severity=Severity.ADVISE,
    looks_at=("title", "description"),
    remedy="Take the tags out; texts are shown as they are written.",
)
def text_has_markup(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Advise on tags and entities, which buyers see as they are written."""
    for name, text in facts.texts:
        markup = _markup_in(text)
        if markup:
            return Finding(name, f"The {name} shows markup: {quoted(markup)}.")
    return None


def _markup_in(text: str) -> str:
    match = _TAG.search(text) if "<" in text or "[/" in text else None
    if match is not None:
        return match.group()
    if "&" not in text:
        return ""
    entities = (it for it in _ENTITY.finditer(text) if it[1] is None or f"{it[1]};" in html5)
    return next((it.group() for it in entities), "")


RULES = (text_has_script, text_has_markup)
