"""Locales: the language and region that a page names, and how numbers are written there.

Source: Unicode CLDR 45, "decimal" of each locale's latn number symbols.
"""

import re

from catalog.extraction.word_lists import word_set

_LOCALE = re.compile(r"(?P<language>[A-Za-z]{2,3})?(?:[-_][A-Za-z]{4})?(?:[-_]?(?P<region>[A-Za-z]{2}))?(?:[-_.@].*)?")

_DOT_LANGUAGES = word_set(
    "en zh yue ja ko th he iw hi bn ta te ml mr gu kn pa ur ne si my ms fil tl cy ga mt gsw am ar"
)
_COMMA_LANGUAGES = word_set(
    "af az be bg bs ca cs da de el et eu fa-AF fi fo fr gl hr hu hy id is it ka kk kl km ky lb lo lt lv mk mn nb nl nn "
    "no pl ps pt ro ru rw sk sl sq sr sv sw-CD tg tk tr tt uk uz vi wo"
)
# Where a region writes otherwise than its language; Spanish has no use of its own.
_DOT_REGIONS = word_set(
    "de-CH de-LI it-CH rm-CH es-MX es-US es-PE es-GT es-HN es-NI es-PA es-PR es-SV es-DO es-CU es-BZ"
)
_COMMA_REGIONS = word_set(
    "ar-DZ ar-LY ar-MA ar-TN ar-MR es-ES es-AR es-BO es-CL es-CO es-CR es-EC es-PY es-UY es-VE en-DE en-AT en-DK en-FI "
    "en-NL en-SE en-SI en-BE"
)


def split_locale(locale: str | None) -> tuple[str, str]:
    """Return language (lower case) and region (upper case) of `de`, `de-CH`, `zh_Hant_TW` or `CH`; else empty."""
    match = _LOCALE.fullmatch((locale or "").strip()[:40])
    if match is None:
        return "", ""
    language, region = match.group("language") or "", match.group("region") or ""
    if not region and len(language) == 2 and language.isupper():
        return "", language
    return language.lower().replace("und", ""), region.upper()


def decimal_separator(locale: str | None) -> str:
    """Return the sign that begins decimals in a locale (`.` or `,`), empty where that is not known."""
    language, region = split_locale(locale)
    tag = f"{language}-{region}"
    if tag in _DOT_REGIONS:
        return "."
    if tag in _COMMA_REGIONS:
        return ","
    if language in _DOT_LANGUAGES:
        return "."
    return "," if language in _COMMA_LANGUAGES else ""
