"""Rules on e-mail addresses and links: what leads buyers around the marketplace."""

import re
from collections.abc import Iterator
from itertools import chain, islice

from qc.rules.contract import Finding, Limits, ProductFacts, Severity, rule
from qc.rules.reading import Reading, cleaned, fold, latin_apart, quoted, read
from qc.rules.wordlists import one_of, words_for_patterns

_REMEDY = "Take it out; buyers reach you through the marketplace."

_HOSTS, _DOMAINS = one_of("addresses", "mail_hosts"), one_of("addresses", "usual_domains")
_AT_WORD = one_of("addresses", "at")
_DOT_WORD, _DOT_OR_WORD = one_of("addresses", "dot_words"), one_of("addresses", "dot")
# "@" or "(at)"; before the name of a mail host also " at ". "." or "(dot)" or " dot ".
_AT_IN_BRACKETS = rf"\s?[(\[{{<|]\s?{_AT_WORD}\s?[)\]}}>|]\s?"
_AT = rf"(?:\s?@\s?|{_AT_IN_BRACKETS})"
_AT_HOST = rf"(?:{_AT}|\s{_AT_WORD}\s)"
_DOT = rf"(?:\s?\.\s?|\s?[(\[{{<|]\s?{_DOT_OR_WORD}\s?[)\]}}>|]\s?|\s{_DOT_WORD}\s)"
_ONLY_AT, _BEFORE_AT = one_of("addresses", "only_at"), one_of("addresses", "before_at")
# Words that no host is called by, and "point de croix": a dot that is none.
_HOST = rf"(?!{one_of('addresses', 'no_hosts')}(?!\w))[a-z\u0430-\u044f0-9-]{{2,63}}"
_NO_NOUN = r"(?!(?<=point de)\s[a-z]|(?<=punto de)\s[a-z]|(?<=ponto de)\s[a-z]|(?<=punto it)\s[a-z])"
_MAIL_WORDS = one_of("addresses", "mail_words")
_SAID_DOT = rf"(?:\s?[*\-\s]\s?{_DOT_WORD}\s?[*\-\s]\s?)"
_ANY_DOT = rf"(?:{_SAID_DOT}|{_DOT})"
_ENDS = rf"(?:{one_of('addresses', 'plain_domains')}|{one_of('addresses', 'wordlike_domains')}|ру|ком|рф)"
_EMAIL = re.compile(
    r"(?<![\w.+-])[\w.+-]{1,64}@(?:[a-z0-9\u00e0-\u024f-]{1,63}\.){1,4}[a-z]{2,24}(?![\w-])"
    rf"|(?<!\w)[\w.+-]{{2,64}}{_AT}[a-z0-9-]{{2,63}}{_DOT}{_DOMAINS}(?!\w)"
    rf"|(?<!\w)[\w.+-]{{2,64}}{_AT_IN_BRACKETS}[a-z0-9-]{{2,63}}{_DOT}{_ENDS}(?!\w)"
    rf"|(?<!\w)[\w.+-]{{1,64}}{_AT_HOST}{_HOSTS}{_DOT}{_DOMAINS}(?!\w)"
    rf"|(?<!\w)[\w.+-]{{3,64}}(?:\s?@\s?|{_AT_IN_BRACKETS})(?:outlook|yahoo|icloud|gmx|yandex)(?!\w)"
    rf"|(?<!\w)[\w.+-]{{3,64}}{_AT_HOST}(?:gmail|googlemail|hotmail|protonmail)(?!\w)"
    rf"|(?<!\w)[\w.+-]{{2,64}}(?:\s?[*\-]?\s?{_ONLY_AT}\s?[*\-]?\s?){_HOST}{_ANY_DOT}{_ENDS}(?!\w){_NO_NOUN}"
    rf"|(?<!\w)(?!{_BEFORE_AT}\s)[\w.+-]{{2,64}}\s?[*\-\s]\s?(?:at|chez|bei|bij|presso)\s?[*\-\s]\s?[a-z0-9-]{{2,63}}{_SAID_DOT}{_ENDS}(?!\w)"
    rf"|(?<!\w){one_of('addresses', 'mailboxes')}\s(?:at|bei|chez)\s[a-z0-9-]{{2,63}}\.{_ENDS}(?!\w)"
    rf"|(?<!\w){_MAIL_WORDS}\s(?:[\w'-]+\s){{0,4}}?[\w.+-]{{2,64}}\sat\s[a-z0-9-]{{2,63}}\.{_ENDS}(?!\w)"
    r"|(?<!\w)(?:gmail|googlemail|hotmail|protonmail|yahoo|icloud)\s?(?:address\s?)?(?:is|:|=)\s?"
    r"(?=\S*[\d.]\S)[\w.+-]{4,64}"
    rf"|(?<!\w)[\w.+-]{{3,64}}\s(?:gmail|googlemail|hotmail|protonmail|icloud)(?:\s?\.\s?|{_SAID_DOT}|\s)com(?!\w)"
)
# "16 GB@3200MHz.Neu", "@1.5.It": a measure, and a new sentence without a space.
_MEASURED_AT = re.compile(r"@\s?(?:[\d.,]+\s?[A-Za-zΩ]{1,4}\.|[^@]*\.[A-Z][a-z]+$)")
# What every address has without "@", and most texts do not.
# "quiltsATgmailDOTcom"
_IN_CAPITALS = re.compile(r"[a-z0-9][a-z0-9.-]{1,63}\s?AT\s?[a-z0-9-]{2,63}\s?DOT\s?[a-z]{2,24}(?![\w-])")
_MAY_BE_EMAIL = re.compile(rf"[(\[{{<|]\s?{_AT_WORD}\s?[)\]}}>|]|\s(?:at|bei|chez)\s[a-z0-9-]+\.[a-z]")
_EMAIL_HINTS = frozenset(
    max(word.split(), key=len)
    for kind in ("only_at", "dot_words", "mail_hosts")
    for word in words_for_patterns("addresses", kind)
    if word not in ("web", "live", "mail", "point", "orange", "libero")
)
_SAYS_AT = frozenset(("at", "chez"))
_SAYS_DOT = frozenset(words_for_patterns("addresses", "dot_words"))

_PLAIN, _WORDLIKE = one_of("addresses", "plain_domains"), one_of("addresses", "wordlike_domains")
_START, _END = r"(?<![\w@.\-/+])", r"(?![\w@-]|\.\w)"
_SPOKEN_AFTER = one_of("addresses", "spoken_after")
_CLAUSE_END = r"(?=\s*(?:[,;!)]|\.?\s*$|\.\s))"
_VISITING, _GOING_ON = one_of("addresses", "visiting"), one_of("addresses", "going_on")
_FAR, _SPOKEN_OF = one_of("addresses", "far_domains"), one_of("addresses", "spoken_of")
# "Our website lamps.it": a whole address, whatever follows it.
_SITE = (
    rf"(?:{one_of('addresses', 'our')}\s(?:\w+\s)?{one_of('addresses', 'sites')}|{one_of('addresses', 'sites_alone')})"
)
_LINK = re.compile(
    r"(?:h[tx*]{2}ps?|ftp)\s?:\s?/\s?/\s?\S"
    r"|(?<![\w@])w\s?w\s?w\s?[.,]\s?[a-z0-9-]{2,}\s?\.\s?[a-z]{2,}"
    rf"|{_START}(?:[a-z0-9][a-z0-9-]{{0,61}}[a-z0-9]\.){{1,4}}(?:{_PLAIN}|(?:com|co|org|net|gob|gov|edu)\.[a-z]{{2}})(?:/[\w\-./?=&%#~]*)?{_END}"
    rf"|{_START}(?:[a-z0-9-]{{2,63}}\.){{1,4}}{_WORDLIKE}/[\w-]{{2,}}"
    rf"|{_START}[a-z0-9]+-[a-z0-9-]*[a-z0-9]\.{_WORDLIKE}{_END}"
    rf"|{_START}[a-z0-9-]*{one_of('addresses', 'shops')}[a-z0-9-]*\.{_WORDLIKE}{_END}"
    rf"|(?:(?<!\w){one_of('addresses', 'leading')}\s?:?|[:→>👉])\s[a-z0-9-]{{4,63}}\.{_WORDLIKE}{_CLAUSE_END}"
    rf"|(?<!\w){_SITE}\s?:?\s{{1,2}}[a-z0-9-]{{4,63}}\.{_WORDLIKE}(?![\w-]|\.\w)"
    rf"|(?<!\w){_VISITING}\s?:?\s[a-z0-9-]{{4,63}}\.{_WORDLIKE}(?=\s{_GOING_ON}(?!\w))"
    rf"|{_START}[a-z0-9-]{{4,63}}\.{_WORDLIKE}(?=\s*[\u0370-\u2fff])"
    rf"|(?<!\w)[a-z0-9-]{{3,}}\s?[(\[{{]\s?{_DOT_OR_WORD}\s?[)\]}}]\s?{_ENDS}(?!\w)"
    rf"|{_START}[^\W_][\w-]{{1,62}}\.(?:com|net|org|info|shop|store|ru|su){_END}"
    rf"|{_START}[a-z]\.(?:com|me|co|cc|ly|to)/[\w-]{{2,}}"
    rf"|(?<!\w)(?!{_SPOKEN_OF}\s)[^\W_][\w-]{{2,}}\s?[\s*\-]\s?{one_of('addresses', 'said_domains')}(?!\w)"
    rf"|(?<!\w)(?!{_SPOKEN_OF}\s)[a-z0-9-]{{3,}}\s\.(?:\s?com|\s(?:net|org))(?!\w)(?!\s{_SPOKEN_AFTER})"
    rf"|(?<!\w)www\s[a-z0-9-]{{3,63}}\s{_DOMAINS}(?!\w)"
)
_FAR_LINK = re.compile(rf"{_START}[^\W_][\w-]{{1,62}}\.{_FAR}(?!\w)")
_LED_TO = re.compile(rf"(?:(?<!\w){one_of('addresses', 'leading')}\s?:?|[:→>👉])\s$")
# "De", "com" and "au" are words of these languages, but for German.
_PORTUGUESE = frozenset(words_for_patterns("languages", "pt"))
_FRENCH = frozenset(words_for_patterns("languages", "fr"))
_GERMAN = frozenset(words_for_patterns("languages", "de"))
# A text where so many are none has none.
_MOST_LINKS = 100
# What every link has, and most texts do not.
_DOTTED = re.compile(r"\.(?:[^\W\d_]{2}|\s(?:com|net|org)(?!\w))")
_SAID = re.compile(rf"{_DOT_WORD}[\s)\]}}*\-]+(?:{_DOMAINS}|ру|ком|рф)(?!\w)|[(\[{{]\s?\.")
_NAMES = frozenset(words_for_patterns("addresses", "names"))
# "10cm.by", "2.0.io", "v2.io": what stands before the dot is a measure or a version.
_MEASURED = re.compile(r"(?:[\w-]+\.)*(?:v?\d+(?:[.,x-]\d+)*[a-z]{0,3}|[a-z]?\d+)\.[a-z]+")
# "ill.by the author", "ed.de 1890": three letters before a dot shorten a word.
_ABBREVIATION = re.compile(
    rf"(?:[a-z]\.){{1,3}}[a-z]{{1,2}}|(?!\w+\.(?:com|net|org|shop|store)$)[a-z]{{2,3}}\.[a-z]+"
    rf"|{one_of('addresses', 'abbreviations')}\.[a-z]+"
)


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
        found = _EMAIL.finditer(latin_apart(reading.folded)) if _may_be_email(reading) else ()
        match = next((it for it in found if not _MEASURED_AT.search(reading.text[slice(*it.span())])), None)
        if match is None and "DOT" in reading.text:
            match = _IN_CAPITALS.search(reading.text)
        if match is not None:
            return Finding(name, f"The {name} has an e-mail address: {quoted(reading.text[slice(*match.span())])}.")
    return None


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
        brands = _brands(facts)
        links = (it for it in islice(_links(reading), _MOST_LINKS) if not _is_end_of_sentence(reading, it))
        link = next((it for it in links if reading.folded[it] not in brands), None)
        if link is not None:
            return Finding(name, f"The {name} has a web address: {quoted(reading.text[link])}.")
    return None


def _brands(facts: ProductFacts) -> list[str]:
    """List the words of the brand; the first of the title is one, where it has a capital: "StarTech.com cable"."""
    first = facts.title.split(maxsplit=1)[:1]
    return fold(cleaned(" ".join([facts.brand, *(it for it in first if it[:1].isupper())]))).split()


def _may_be_email(reading: Reading) -> bool:
    return (
        "@" in reading.folded
        or not _EMAIL_HINTS.isdisjoint(reading.tokens)
        or ("point" in reading.tokens and not _SAYS_AT.isdisjoint(reading.tokens))
        or _MAY_BE_EMAIL.search(reading.folded) is not None
    )


def _is_end_of_sentence(reading: Reading, link: slice) -> bool:
    """Tell whether after the dot a sentence begins, without a space: "Maat 38.De maat", "linho.Com", "piel.de vaca"."""
    written = reading.text[link]
    if re.fullmatch(r"(?!www)[\w.-]+\.[A-Z][a-z]+", written):
        return True
    ending = re.fullmatch(r"[^\W\d]+\.(com|de|au)", written)
    goes_on = re.match(r"\s[a-z0-9]", reading.folded[link.stop : link.stop + 2])
    if ending is None or goes_on is None or _LED_TO.search(reading.folded, max(0, link.start - 40), link.start):
        return False
    if ending.group(1) == "com":
        return len(_PORTUGUESE.intersection(reading.tokens)) > 1
    if ending.group(1) == "au":
        return len(_FRENCH.intersection(reading.tokens)) > 1
    return _GERMAN.isdisjoint(reading.tokens)


def _links(reading: Reading) -> Iterator[slice]:
    folded = reading.folded
    if not (
        _DOTTED.search(folded)
        or ":/" in folded
        or ": /" in folded
        or "www" in folded
        or "w w w" in folded
        or " .com" in folded
    ):
        is_said = not _SAYS_DOT.isdisjoint(reading.tokens) or "[." in folded or "(." in folded or "{." in folded
        if not is_said or not _SAID.search(folded):
            return
    for match in chain(_LINK.finditer(latin_apart(folded)), _FAR_LINK.finditer(folded)):
        said_so = match.group()
        bare = said_so.split("/", 1)[0]
        if said_so in _NAMES or _MEASURED.fullmatch(bare):
            continue
        if bare == said_so and _ABBREVIATION.fullmatch(bare):
            continue
        yield slice(*match.span())


RULES = (text_has_email_address, text_has_link)
