"""Rules on addresses, links and messengers: what leads buyers around the marketplace."""

import re
from collections.abc import Iterator

from qc.rules.contract import Finding, Limits, ProductFacts, Severity, rule
from qc.rules.reading import Reading, quoted, read
from qc.rules.wordlists import Match, first_match, matches_in, said

_REMEDY = "Take it out; buyers reach you through the marketplace."

_MAIL_HOSTS = (
    "gmail|googlemail|yahoo|hotmail|outlook|icloud|gmx|web|live|aol|proton|protonmail|mail|yandex|orange|libero"
)
_AT = r"(?:\s?@\s?|\s?[(\[{]\s?(?:at|@|a|arroba|chez|et|bei|ät|chiocciola|apenstaartje)\s?[)\]}]\s?|\s(?:at|arroba|chiocciola)\s)"
_DOT = r"(?:\s?\.\s?|\s?[(\[{]\s?(?:dot|\.|punkt|point|punto|ponto|punt|nokta)\s?[)\]}]\s?|\s(?:dot|punkt|point|punto|ponto|punt|nokta)\s)"
_EMAIL = re.compile(
    r"(?<![\w.+-])[\w.+-]{1,64}@(?:[a-z0-9-]{1,63}\.){1,4}[a-z]{2,24}(?![\w-])"
    rf"|(?<!\w)[\w.+-]{{2,64}}(?:\s?@\s?|\s?[(\[{{]\s?(?:at|@|arroba|chez|bei|chiocciola|apenstaartje)\s?[)\]}}]\s?)"
    rf"[a-z0-9-]{{2,63}}(?:{_DOT})(?:com?|net|org|info|de|fr|es|it|pt|nl|eu|uk|ru|br|tr|at|ch|be|shop|store|me)(?!\w)"
    rf"|(?<!\w)[\w.+-]{{2,64}}{_AT}(?:{_MAIL_HOSTS}){_DOT}(?:com?|net|org|de|fr|es|it|pt|nl|ru|me|br|tr|at|ch)(?!\w)"
    rf"|(?<!\w)[\w.+-]{{3,64}}(?:\s?@\s?|\s?[(\[{{]\s?(?:at|@|arroba)\s?[)\]}}]\s?|\s(?:at|arroba)\s)(?:gmail|googlemail|hotmail|protonmail)(?!\w)"
)

# Top-level domains that are no word and no file's ending; those that are, count beside more signs of an address.
_PLAIN_DOMAINS = (
    "com|net|org|info|biz|shop|store|online|site|website|web|eu|de|fr|nl|pt|pl|ru|ch|cz|dk|fi|gr|hu|ie|lt|lu|lv|ro|rs|sk|br|mx|ar"
    "|cl|pe|tr|ua|cn|jp|kr|hk|sg|tw|vn|au|nz|za|ng|ke|eg|ma|sa|ae|qa|pk|lk|(?:co|org|me)\.uk|ca|edu|gov|club|xyz|top|live|link|page|bio|app|dev"
    "|io|tv|cc|ly|gg|gl|co|ee|bg|hr|si|by|kz|ir"
)
_WORDLIKE_DOMAINS = "it|is|in|at|be|me|my|so|to|no|us|es|se|la|as|am|do|il|id|et|ne|li|al|ai|pro|art|one|blog|name|mobi|fashion|style|sale"
_LINK = re.compile(
    r"(?:https?|hxxps?|ftp)\s?:\s?/\s?/\s?\S"
    r"|(?<![\w@])www\s?[.,]\s?[a-z0-9-]{2,}\s?\.\s?[a-z]{2,}"
    rf"|(?<![\w@.\-/+])(?:[a-z0-9](?:[a-z0-9-]{{0,61}}[a-z0-9])\.){{1,4}}(?:{_PLAIN_DOMAINS})(?:/[\w\-./?=&%#~]*)?(?![\w@-]|\.\w)"
    rf"|(?<![\w@.\-/+])(?:[a-z0-9-]{{2,63}}\.){{1,4}}(?:{_WORDLIKE_DOMAINS})/[\w-]{{2,}}"
    rf"|(?<![\w@.\-/+])[a-z0-9]+-[a-z0-9-]*[a-z0-9]\.(?:{_WORDLIKE_DOMAINS})(?![\w@-]|\.\w)"
    rf"|(?<![\w@.\-/+])[a-z0-9-]*(?:shop|store|boutique|laden|tienda|loja|winkel|magaza|negozio|outlet)[a-z0-9-]*\.(?:{_WORDLIKE_DOMAINS})(?![\w@-]|\.\w)"
    rf"|(?:visit|see|at|on|besuche|besuchen sie|unter|auf|visitez|sur|visita|en|su|bezoek|op|website|site|web|shop|online)\s?:?\s"
    rf"[a-z0-9-]{{4,63}}\.(?:{_WORDLIKE_DOMAINS})(?=\s*(?:[,;!)]|\.?\s*$|\.\s))"
    r"|(?<!\w)[a-z0-9-]{3,}\s?[(\[{]\s?(?:dot|\.|punkt|point|punto|ponto)\s?[)\]}]\s?(?:com|net|org|info|shop|store|de|fr|es|it|nl|eu|co|io)(?!\w)"
    r"|(?<!\w)[a-z0-9-]{3,}\s(?:dot|punkt|point|punto|ponto)\s(?:com|net|org|info|shop)(?!\w)"
    r"|(?<!\w)[a-z0-9-]{3,}\s\.\s?(?:com|net|org)(?!\w)"
)
# What every link has; most texts have none of it.
_MAY_BE_LINK = re.compile(
    r"\w\.\s?[a-z]{2}|:\s?/|www|\s\.\s?[a-z]{3}"
    r"|[\s(\[{](?:dot|punkt|point|punto|ponto)[\s)\]}]+(?:com|net|org|info|shop|store|de|fr|es|it|nl|eu|co|io)\b"
)
# Names of things that look like domains. Sources: their makers' own spelling.
_NO_LINKS = frozenset(
    "asp.net vb.net ado.net ml.net paint.net socket.io draw.io node.js dot.com dr.oz st.pauli battle.net kettler.de"
    " will.i.am a.co b.co cal.com no.no s.oliver.com e.co w.e.b".split()
)
_MEASURED = re.compile(r"(?:[\d.,x-]+|[a-z]?\d+)\.(?:in|mm|cm|me|co|no|is|to|at)")
_ABBREVIATIONS = re.compile(
    r"(?:[a-z]\.){1,3}[a-z]{1,2}|(?:approx|inkl|incl|excl|exkl|ca|max|min|no|nr|art|vol|mod|ref|dr|st|mr|mrs|prof|inc|ltd|bzw|evtl|tel|abb|aprox|pag|col|z)\.[a-z]+"
)

_HANDLE = re.compile(r"(?<![\w.+@/-])@[a-z_](?:[\w.]{2,29})(?![\w@-])")
_NO_HANDLES = frozenset("@home @work @school @night @media @heart @the @all @office @sea @best @least @last".split())
_MESSENGER_LINK = re.compile(
    r"(?<![\w.])(?:wa|t|m|ig)\.me\s?/|chat\.whatsapp\.com|(?:api|web)\.whatsapp\.com|telegram\.me|(?<![\w.])line\.me/|discord\.gg|instagr\.am"
)
# How many words may stand between a messenger and what asks to write there.
_REACH = 5
_NUMBER_DIGITS = 6


@rule(
    code="text.email_address",
    severity=Severity.FLAG,
    looks_at=("title", "description"),
    remedy=_REMEDY,
)
def text_has_email_address(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Flag an e-mail address, also in a light disguise such as “name (at) shop dot com”."""
    for name, text in facts.texts:
        reading = read(text)
        if not _may_hold_address(reading):
            continue
        match = _EMAIL.search(reading.folded)
        if match is not None:
            return Finding(name, f"The {name} has an e-mail address: {quoted(reading.text[slice(*match.span())])}.")
    return None


def _may_hold_address(reading: Reading) -> bool:
    return "@" in reading.folded or any(it in reading.folded for it in _DISGUISES)


_DISGUISES = (
    "(at", "[at", "{at", "( at", "[ at", "arroba", "chez)", "(bei", "chiocciola", "apenstaartje",
    " at gmail", " at yahoo", " at hotmail", " at outlook", " at gmx", " at icloud", " at proton", " at googlemail",
)  # fmt: skip


@rule(
    code="text.link",
    severity=Severity.FLAG,
    looks_at=("title", "description", "brand"),
    remedy=_REMEDY,
)
def text_has_link(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Flag a web address or a domain; file names, versions, abbreviations and the brand's name are none."""
    for name, text in facts.texts:
        reading = read(text)
        brand = facts.brand.lower()
        link = next((it for it in _links(reading.folded) if reading.folded[it] not in brand), None)
        if link is not None:
            return Finding(name, f"The {name} has a web address: {quoted(reading.text[link])}.")
    return None


def _links(folded: str) -> Iterator[slice]:
    if _MAY_BE_LINK.search(folded) is None:
        return
    for match in _LINK.finditer(folded):
        said_so = match.group()
        bare = said_so.split("/", 1)[0]
        if said_so in _NO_LINKS or _MEASURED.fullmatch(bare) or _ABBREVIATIONS.fullmatch(bare):
            continue
        yield slice(*match.span())


@rule(
    code="text.messenger_contact",
    severity=Severity.FLAG,
    looks_at=("title", "description"),
    remedy=_REMEDY,
)
def text_asks_for_messages(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Flag a text that asks to write elsewhere; a product about a messenger is none."""
    for name, text in facts.texts:
        words = _messenger_contact(text)
        if words:
            return Finding(name, f"The {name} asks to write outside the marketplace: {quoted(words)}.")
    return None


def _messenger_contact(text: str) -> str:
    reading = read(text)
    link = _MESSENGER_LINK.search(reading.folded) if "." in reading.folded else None
    if link is not None:
        return reading.text[link.start() : link.end() + 20]
    certain = first_match(text, "contacts", "certain", unless="harmless")
    if certain is not None:
        return said(text, certain)
    handles = (it.group() for it in _HANDLE.finditer(reading.text.lower())) if "@" in text else iter(())
    handle = next((it for it in handles if it not in _NO_HANDLES), "")
    return handle or _messenger_beside_writing(text, reading)


def _messenger_beside_writing(text: str, reading: Reading) -> str:
    its = matches_in(text).get("contacts", ())
    harmless = [it for it in its if it.kind == "harmless"]
    messengers = [it for it in its if it.kind == "messenger" and not any(it.overlaps(other) for other in harmless)]
    writing = [it for it in its if it.kind == "writing"]
    for messenger in messengers:
        near = next((it for it in writing if _are_near(it, messenger, reading)), None)
        if near is not None:
            return reading.original(min(near.first, messenger.first), max(near.last, messenger.last))
        if _gives_account(messenger, reading):
            return reading.original(messenger.first, min(messenger.last + 3, len(reading.tokens) - 1))
    return ""


def _are_near(one: Match, other: Match, reading: Reading) -> bool:
    first, last = sorted((one, other), key=lambda it: it.first)
    if last.first - first.last > _REACH or one.overlaps(other):
        return False
    return not any(it in ".!?;\n" for it in reading.tokens[first.last + 1 : last.first])


def _gives_account(messenger: Match, reading: Reading) -> bool:
    """Tell whether a messenger is followed by a number or, after a colon, by a name: an account there."""
    after = [it for it in reading.tokens[messenger.last + 1 : messenger.last + 8] if it not in "()."]
    if not after:
        return False
    digits = 0
    for token in after[1:] if after[0] in ":+-" else after:
        if not token[0].isdigit() and token != "+":
            break
        digits += len(token)
    if digits >= _NUMBER_DIGITS:
        return True
    is_set_apart = after[0] == ":" and len(after) > 1 and after[1].isalpha()
    return is_set_apart and _is_account_name(messenger, reading)


def _is_account_name(messenger: Match, reading: Reading) -> bool:
    """Tell whether what follows the colon is one word that is no word: with @, digits or strokes in it."""
    rest = reading.text[reading.text.lower().find(":", _end_of(messenger, reading)) + 1 :].strip()[:40]
    name = rest.split(maxsplit=1)[0] if rest else ""
    return bool(re.fullmatch(r"@?[\w.]{3,30}", name)) and bool(re.search(r"[@\d_]|\w\.\w", name))


def _end_of(messenger: Match, reading: Reading) -> int:
    return reading.text.find(reading.original(messenger.first, messenger.last))


RULES = (text_has_email_address, text_has_link, text_asks_for_messages)
