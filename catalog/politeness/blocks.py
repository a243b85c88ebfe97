"""Blocks: is an answer the page that was asked for, or does the site refuse us, plainly or behind a page of its own?

An answer is weighed, never matched: nearly every shop embeds a captcha script somewhere, and an article may speak of
"access denied". What stands only on an interstitial weighs most; prices, product markup, many links and much text
weigh against.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

MAX_INTERSTITIAL_BYTES = 64 * 1024
LITTLE_TEXT = 800  # characters that are visible; the longest interstitials known have some 600
MUCH_TEXT = 3000
MANY_LINKS = 15
THRESHOLD = 3
PLAIN_403 = "the status 403"


class Kind(StrEnum):
    """What an answer is."""

    OK = "ok"
    RATE_LIMITED = "rate_limited"
    BLOCKED = "blocked"  # by the status or a header
    SOFT_BLOCK = "soft_block"  # a page of its own under the status of a good one
    LOGIN = "login"  # only for those who are logged in


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer is, and what it rests on."""

    kind: Kind
    reason: str = ""


OK = Verdict(Kind.OK)

# Headers by which a vendor says that it answers in the site's place. Source: the vendors' documentation
# (Cloudflare: "Detect a challenge page response"; AWS WAF: "How AWS WAF responds to a challenge").
_HEADERS = (
    ("cf-mitigated", "challenge", "a Cloudflare challenge"),
    ("x-amzn-waf-action", "challenge", "an AWS WAF challenge"),
    ("x-amzn-waf-action", "captcha", "an AWS WAF CAPTCHA"),
)
# What stands on a vendor's interstitial and not on pages that it merely guards.
_INTERSTITIALS = (
    (b"_cf_chl_opt", "a Cloudflare challenge"),
    (b"cf-error-details", "a Cloudflare block"),
    (b"errors.edgesuite.net", "an Akamai block"),
    (b"sec-if-cpt-container", "an Akamai challenge"),
    (b"_sec/cp_challenge", "an Akamai challenge"),
    (b"captcha-delivery.com", "a DataDome CAPTCHA"),
    (b"px-captcha", "a HUMAN (PerimeterX) CAPTCHA"),
    (b"incapsula incident id", "an Imperva block"),
    (b"gokuprops", "an AWS WAF challenge"),
    (b"awswafintegration.checkforcerefresh", "an AWS WAF challenge"),
    (b"ddos-guard", "a DDoS-Guard challenge"),
)
# Widgets that may stand on any page with a form.
_WIDGETS = (
    (b"g-recaptcha", "a reCAPTCHA"),
    (b"recaptcha/api.js", "a reCAPTCHA"),
    (b"h-captcha", "an hCaptcha"),
    (b"cf-turnstile", "a Turnstile"),
    (b"arkoselabs.com", "an Arkose CAPTCHA"),
)
_PHRASES = re.compile(
    r"access (?:to this page has been |is )?denied|just a moment|attention required|you have been blocked|"
    r"(?:you are|you're|are you) (?:not )?(?:a )?(?:robot|human)|robot check|human verification|bot verification|"
    r"pardon our interruption|unusual traffic|security check|checking your browser|request unsuccessful|"
    r"request blocked|press (?:&amp;|&|and) hold|complete the captcha|"
    r"zugriff verweigert|acc[eè]s refus[eé]|acceso denegado|acesso negado|accesso negato|доступ запрещ",
    re.IGNORECASE,
)
# One of these stands wherever a phrase does. To look for each takes a hundredth of the time that the pattern takes on
# a page that says none (8 ms of 37 kB, measured 2026-11-25).
_HINTS = (
    "denied", "just a moment", "attention required", "been blocked", " robot", " human", "robot check",
    "human verification", "bot verification", "pardon our", "unusual traffic", "security check", "checking your",
    "request unsuccessful", "request blocked", "and hold", "&amp; hold", "& hold", "complete the captcha",
    "verweigert", "refus", "denegado", "negado", "negato", "запрещ",
)  # fmt: skip
_LOGIN = re.compile(
    r"\blog ?in\b|\bsign ?in\b|\bpassword\b|anmelden|einloggen|connexion|iniciar sesi|entrar|accedi|войти",
    re.IGNORECASE,
)
_HIDDEN = re.compile(r"<(script|style|template|svg|noscript)\b.*?(?:</\1|\Z)|<!--.*?(?:-->|\Z)|<[^<>]*>", re.I | re.S)
_TITLE = re.compile(r"<title[^<>]*>(.{0,500}?)</title", re.IGNORECASE | re.DOTALL)
_PRODUCT = re.compile(
    rb"""["']@type["']\s{0,9}:\s{0,9}\[?\s{0,9}["'](?:product|offer|itemlist)|itemprop=["']?price|schema\.org/product|"""
    rb"""(?:og|product):price|property=["']og:type["']\s{1,9}content=["'](?:og:)?product|"""
    rb"""add[-_ ]to[-_ ](?:cart|bag|basket)""",
    re.IGNORECASE,
)
_PRICE = re.compile(
    r"[€$£¥₹₽₺₩₪]\s?\d|\d\s?(?:€|£|zł|kr\b|₽|₺)|\b(?:EUR|USD|GBP|CHF|INR|BRL|AED|NGN)\s?\d", re.IGNORECASE
)
_CHALLENGED = frozenset({401, 403, 405, 429, 503, 202})


def judge(*, status: int, headers: Mapping[str, str], body: bytes, is_page: bool = True) -> Verdict:
    """Tell what an answer is.

    Args:
        status: of the answer.
        headers: by names in any case.
        body: its beginning is enough.
        is_page: HTML was asked for; anything else is judged by status and headers alone.
    """
    named = _by_header(headers)
    if status == 429 or status == 430 or (status == 503 and _header(headers, "retry-after") and not named):
        return Verdict(Kind.RATE_LIMITED, f"the status {status}")
    if named and status != 304:
        return Verdict(Kind.BLOCKED, named)
    is_html = _is_html(headers, body)
    if status in _CHALLENGED and is_html and (shown := _weigh(body)):
        return Verdict(Kind.BLOCKED, shown)
    if status == 403:
        return Verdict(Kind.BLOCKED, PLAIN_403)
    if status == 401:
        return Verdict(Kind.LOGIN, "the status 401")
    if status == 200 and is_page and is_html:
        return _judge_page(body)
    return OK


def _judge_page(body: bytes) -> Verdict:
    if len(body) > MAX_INTERSTITIAL_BYTES:
        return OK
    if shown := _weigh(body):
        return Verdict(Kind.SOFT_BLOCK, shown)
    if _is_login_wall(body):
        return Verdict(Kind.LOGIN, "a page that asks for a login")
    if _is_empty(body):
        return Verdict(Kind.SOFT_BLOCK, "an empty page")
    return OK


def _weigh(body: bytes) -> str:
    """Return what makes the page an interstitial; empty when it is none."""
    head = body[:MAX_INTERSTITIAL_BYTES]
    low = head.lower()
    strong = next((name for marker, name in _INTERSTITIALS if marker in low), "")
    widget = next((name for marker, name in _WIDGETS if marker in low), "")
    text = head.decode("utf-8", "replace")
    title = _title(text)
    said = _PHRASES.search(title)
    if not (strong or widget or said or _says_phrase(text)):
        return ""
    visible = _visible(text)
    spoken = _PHRASES.search(visible) if len(visible) < MUCH_TEXT else None
    weight = 3 * bool(strong) + bool(widget) + 2 * bool(said) + bool(spoken) + _weight_of_content(low, visible)
    if weight < THRESHOLD:
        return ""
    phrase = said or spoken
    return strong or widget or (f"a page that says {phrase.group(0)[:60]!r}" if phrase else "an interstitial")


def _says_phrase(text: str) -> bool:
    low = text.lower()
    return any(hint in low for hint in _HINTS) and _PHRASES.search(text) is not None


def _weight_of_content(low: bytes, visible: str) -> int:
    weight = 0
    if len(visible) < LITTLE_TEXT:
        weight += 1
    elif len(visible) > MUCH_TEXT:
        weight -= 2
    if low.count(b"<a ") >= MANY_LINKS:
        weight -= 2
    if _PRODUCT.search(low) or _PRICE.search(visible):
        weight -= 3
    return weight


def _is_login_wall(body: bytes) -> bool:
    low = body.lower()
    if b'type="password"' not in low and b"type='password'" not in low and b"type=password" not in low:
        return False
    text = body.decode("utf-8", "replace")
    visible = _visible(text)
    return bool(_LOGIN.search(_title(text)) or _LOGIN.search(visible)) and _weight_of_content(low, visible) == 1


def _is_empty(body: bytes) -> bool:
    """Tell whether nothing is there: no text, no script that would write some, no data, nowhere to go."""
    low = body.lower()
    if any(sign in low for sign in (b"<script", b"<iframe", b"<frame", b"<img", b"<a ", b"og:", b"http-equiv")):
        return False
    return not _visible(body.decode("utf-8", "replace"))


def _visible(text: str) -> str:
    return " ".join(_HIDDEN.sub(" ", text).split())


def _title(text: str) -> str:
    found = _TITLE.search(text)
    return found.group(1).strip() if found else ""


def _is_html(headers: Mapping[str, str], body: bytes) -> bool:
    kind = _header(headers, "content-type").partition(";")[0].strip().lower()
    return "html" in kind or (not kind and body.lstrip()[:1] == b"<")


def _by_header(headers: Mapping[str, str]) -> str:
    for name, value, meaning in _HEADERS:
        if _header(headers, name).strip().lower() == value:
            return meaning
    return ""


def _header(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name)
    if value is not None:
        return value
    return next((value for key, value in headers.items() if key.lower() == name), "")
